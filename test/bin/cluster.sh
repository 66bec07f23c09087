# A private cluster of a script's own: on a unix socket in a directory nobody
# else looks into, on a port that names nothing but the socket.  Source after
# common.sh; one cluster per script.

cluster_dir=
cluster_port=
cluster_super=postgres
cluster_tablespace=			# directory outside of cluster_dir to remove with it

# cluster_init NAME [INITDB OPTION ...]: makes the cluster; settings from standard input.
cluster_init()
{
	local name=$1
	shift
	cluster_dir=$(mktemp -d "${TMPDIR:-/tmp}/$name.XXXXXX") || return 1
	cluster_port=$(free_port) || return 1
	trap cluster_drop EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	initdb -N -U "$cluster_super" -E UTF8 --locale=C.UTF-8 -D "$cluster_dir/data" "$@" \
		> "$cluster_dir/initdb.log" 2>&1 || { cat "$cluster_dir/initdb.log" >&2; return 1; }
	{
		printf '%s\n' "listen_addresses = ''" "unix_socket_directories = '$cluster_dir'" \
			"unix_socket_permissions = 0700" "port = $cluster_port" \
			"log_line_prefix = '%m [%p] %q%a '" "lc_messages = 'C'"
		cat
	} >> "$cluster_dir/data/postgresql.conf"
	export PGHOST=$cluster_dir PGPORT=$cluster_port PGUSER=$cluster_super PGDATABASE=postgres
	export PSQLRC=/dev/null PGCONNECT_TIMEOUT=120
}

cluster_start()
{
	pg_ctl -s -w -t 300 -D "$cluster_dir/data" -l "$cluster_dir/server.log" start > "$cluster_dir/start.log" 2>&1 || {
		cat "$cluster_dir/start.log" "$cluster_dir/server.log" >&2
		return 1
	}
}

cluster_stop()		# cluster_stop [MODE]
{
	[ -f "$cluster_dir/data/postmaster.pid" ] || return 0
	pg_ctl -s -w -t 300 -D "$cluster_dir/data" -m "${1:-fast}" stop > "$cluster_dir/stop.log" 2>&1
}

cluster_drop()
{
	local status=$?
	trap - EXIT
	[ -n "$cluster_dir" ] || exit "$status"
	cluster_stop fast || cluster_stop immediate
	if [ -n "${DC_LOG:-}" ] && [ -f "$cluster_dir/server.log" ]; then
		cp "$cluster_dir/server.log" "$DC_LOG/server-$(basename "$cluster_dir").log"
	fi
	[ -n "${DC_KEEP:-}" ] || rm -rf "$cluster_dir" ${cluster_tablespace:+"$cluster_tablespace"}
	exit "$status"
}

# Superusers are officers until now: to set a cluster up.  From here on only who
# was made one.
cluster_superusers_no_officers()
{
	printf '%s\n' 'dataclass.superuser_is_officer = off' >> "$cluster_dir/data/postgresql.conf"
	pg_ctl -s -D "$cluster_dir/data" reload &&
		poll 120 superusers_are_no_officers
}

superusers_are_no_officers()
{
	[ "$(psql -X -A -t -c 'SHOW dataclass.superuser_is_officer')" = off ]
}

# Plain SQL for the script's own needs: quiet, unaligned, stops at an error.
run_sql()		# run_sql DATABASE [PSQL OPTION ...]
{
	psql -X -q -A -t -v ON_ERROR_STOP=1 -d "$@"
}
