# Recording: denials against commits, reads against pgaudit; sourced by
# test/bin/bench.

# Denials at so many clients, against committed single-row INSERTs.  Each denial
# is a record of its own: repeats would be counted, not recorded.
denials_at()	# denials_at CLIENTS AIM SCRIPT AGAINST
{
	local clients=$1 before after told round
	: > "$cluster_dir/a"
	: > "$cluster_dir/b"
	: > "$cluster_dir/denials.log"
	before=$(run_sql bench -c "SELECT count(*) FROM dataclass_audit.denied")
	for round in $(seq 1 "$rounds"); do
		tps -M prepared -c "$clients" -j "$cores" -T "$seconds" -U reader -f "$bench/denial.sql" bench >> "$cluster_dir/a"
		tail -n 20 "$cluster_dir/pgbench.log" | sed -n 's/^number of transactions actually processed: \([0-9]*\).*/\1/p' |
			tail -n 1 >> "$cluster_dir/denials.log"
		tps -M prepared -c "$clients" -j "$cores" -T "$seconds" -U reader -f "$bench/$3" bench >> "$cluster_dir/b"
	done
	after=$(run_sql bench -c "SELECT count(*) FROM dataclass_audit.denied")
	told=$(awk '{ n += $1 } END { print n + 0 }' "$cluster_dir/denials.log")
	paste -d ' ' "$cluster_dir/a" "$cluster_dir/b" |
		record - rate "durable denials, $clients clients" "$4" "$2"
	say "  $told denials told to clients, $((after - before)) in the trail"
}

case_denial()
{
	section "durable denials against committed single-row INSERTs"
	setting_is_set dataclass.repeat_window 0 || return 1
	run_sql bench -f "$bench/denial_setup.sql" || return 1
	denials_at 1 "-" insert.sql "committed single-row INSERTs"
	denials_at 16 ">= 0.9" insert.sql "committed single-row INSERTs"
	denials_at 64 "-" insert.sql "committed single-row INSERTs"
	denials_at 16 "-" insert_call.sql "INSERTs by a function that catches errors too"
	# in quarantine it would make each pass of the watch a complete one
	run_sql bench -c 'DROP TABLE denied_table CASCADE; DROP FUNCTION denied_once()'
}

setting_shows()		# setting_shows NAME VALUE
{
	[ "$(run_sql bench -c "SHOW $1")" = "$2" ]
}

setting_is_set()	# setting_is_set NAME VALUE: of the whole cluster
{
	printf '%s = %s\n' "$1" "$2" >> "$cluster_dir/data/postgresql.conf"
	pg_ctl -s -D "$cluster_dir/data" reload && poll 20 setting_shows "$1" "$2"
}

# A second cluster that logs the same statements to file with pgaudit.
pgaudit_start()
{
	pgaudit_port=$(free_port)
	initdb -N -A trust -D "$cluster_dir/pgaudit" > "$cluster_dir/pgaudit.init" 2>&1 || return 1
	trap 'status=$?; pgaudit_stop; (exit "$status"); cluster_drop' EXIT
	sed '/^shared_preload_libraries/d; /^dataclass\./d; /^port/d; /^unix_socket_directories/d' \
		"$cluster_dir/data/postgresql.conf" | grep '^[a-z]' | grep -v '^log\|^listen\|^lc_\|^datestyle\|^default_text' >> "$cluster_dir/pgaudit/postgresql.conf"
	cat >> "$cluster_dir/pgaudit/postgresql.conf" <<-CONF
		shared_preload_libraries = 'pgaudit'
		pgaudit.log = 'read'
		pgaudit.log_catalog = off
		logging_collector = on
		log_directory = 'log'
		listen_addresses = ''
		unix_socket_directories = '$PGHOST'
	CONF
	pg_ctl -s -w -D "$cluster_dir/pgaudit" -l "$cluster_dir/pgaudit.log" -o "-c port=$pgaudit_port" start > /dev/null || return 1
	psql -X -q -v ON_ERROR_STOP=1 -p "$pgaudit_port" -c 'CREATE DATABASE bench' -c 'CREATE ROLE reader LOGIN' &&
		psql -X -q -v ON_ERROR_STOP=1 -p "$pgaudit_port" -d bench -c 'CREATE EXTENSION pgaudit' -f "$bench/read_table.sql"
}

pgaudit_stop()
{
	[ -f "$cluster_dir/pgaudit/postmaster.pid" ] && pg_ctl -s -w -D "$cluster_dir/pgaudit" -m immediate stop
	rm -rf "$cluster_dir/pgaudit"
}

reads_at()		# reads_at CLIENTS WHAT AIM
{
	local round side
	: > "$cluster_dir/a"
	: > "$cluster_dir/b"
	for round in $(seq 1 "$rounds"); do
		for side in $([ $((round % 2)) -eq 1 ] && echo a b || echo b a); do
			tps -M prepared -p "$([ "$side" = a ] && echo "$cluster_port" || echo "$pgaudit_port")" \
				-c "$1" -j "$cores" -T "$seconds" -U reader -f "$bench/read.sql" bench >> "$cluster_dir/$side"
		done
	done
	paste -d ' ' "$cluster_dir/a" "$cluster_dir/b" |
		record - rate "reads recorded per statement, $2, $1 clients" "the same logged to file by pgaudit" "$3"
}

case_read()
{
	local before
	section "statements on an audited table, against pgaudit"
	if [ ! -f "$(pg_config --pkglibdir)/pgaudit.so" ]; then
		say "  pgaudit is not installed: left out"
		return 0
	fi
	run_sql bench -f "$bench/read_table.sql" -f "$bench/read_setup.sql" || return 1
	pgaudit_start || return 1
	for acknowledged in false true; do
		run_sql bench -c "UPDATE dataclass.data_class SET read_audit = 'statement', read_audit_acknowledged = $acknowledged WHERE name = 'restricted'"
		before=$(run_sql bench -c "SELECT count(*) FROM dataclass_audit.event WHERE kind = 'read'")
		for clients in 1 16; do
			reads_at "$clients" "$([ "$acknowledged" = true ] && echo acknowledged before the first row || echo not waited for)" "> 1"
		done
		poll 120 nothing_on_its_way
		say "  $(($(run_sql bench -c "SELECT count(*) FROM dataclass_audit.event WHERE kind = 'read'") - before)) records in the trail," \
			"$(cat "$cluster_dir"/pgaudit/log/* | grep -c AUDIT:) lines of pgaudit so far"
	done
	run_sql bench -c "UPDATE dataclass.data_class SET read_audit = 'none', read_audit_acknowledged = false WHERE name = 'restricted'"
	pgaudit_stop
}

nothing_on_its_way()
{
	[ "$(run_sql bench -c 'SELECT queued = 0 AND journal_files = 0 FROM dataclass_audit.status()')" = t ]
}
