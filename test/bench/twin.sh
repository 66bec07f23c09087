# Two servers side by side, one with the library and one without; sourced by
# test/bin/bench.  Both have the same data directory at first, so that database
# bench is the same in both, files and catalogs.

plain_port=

plain_start()
{
	cluster_stop || return 1
	cp -a "$cluster_dir/data" "$cluster_dir/plain"
	sed -i '/^shared_preload_libraries/d; /^dataclass\./d' "$cluster_dir/plain/postgresql.conf"
	plain_port=$(free_port)
	trap 'status=$?; plain_stop; (exit "$status"); cluster_drop' EXIT
	cluster_start || return 1
	pg_ctl -s -w -D "$cluster_dir/plain" -l "$cluster_dir/plain.log" -o "-c port=$plain_port" start > /dev/null
}

plain_stop()
{
	[ -f "$cluster_dir/plain/postmaster.pid" ] && pg_ctl -s -w -D "$cluster_dir/plain" -m immediate stop
	rm -rf "$cluster_dir/plain"
}

# CPU time of all sessions that have ended, in clock ticks.  A session counts
# when the postmaster has reaped it, which is later than it leaves
# pg_stat_activity: wait for that with no_more_children.
cpu_ticks()		# cpu_ticks DATA-DIRECTORY
{
	awk '{ sub(/.*\) /, ""); print $14 + $15 }' "/proc/$(head -n 1 "$1/postmaster.pid")/stat"
}

children()		# children DATA-DIRECTORY: how many processes the postmaster has
{
	cat /proc/[0-9]*/stat 2> /dev/null |
		awk -v pm="$(head -n 1 "$1/postmaster.pid")" '{ sub(/.*\) /, ""); if ($2 == pm) n++ } END { print n + 0 }'
}

no_more_children()	# no_more_children DATA-DIRECTORY NUMBER
{
	[ "$(children "$1")" -le "$2" ]
}

case_select_only()
{
	local short=$(((seconds + 3) / 4)) round side
	section "pgbench select-only, nothing labelled"
	pgbench -n -p "$cluster_port" -S -M prepared -c "$cores" -j "$cores" -T 2 bench > /dev/null 2>&1
	pgbench -n -p "$plain_port" -S -M prepared -c "$cores" -j "$cores" -T 2 bench > /dev/null 2>&1
	: > "$cluster_dir/a"
	: > "$cluster_dir/b"
	for round in $(seq 1 $((rounds * 4))); do
		# A B, then B A: what goes first gains nothing.
		for side in $([ $((round % 2)) -eq 1 ] && echo a b || echo b a); do
			tps -p "$([ "$side" = a ] && echo "$cluster_port" || echo "$plain_port")" \
				-S -M prepared -c "$cores" -j "$cores" -T "$short" bench >> "$cluster_dir/$side"
		done
	done
	paste -d ' ' "$cluster_dir/a" "$cluster_dir/b" |
		record - rate "select-only throughput, library loaded" "not loaded" ">= 0.98"
}

# The processor's time in the server for the same work, which other load on the
# machine disturbs less than throughput.
case_select_cpu()
{
	local round side port data before idle
	: > "$cluster_dir/a"
	: > "$cluster_dir/b"
	for round in $(seq 1 "$((rounds * 2))"); do
		for side in $([ $((round % 2)) -eq 1 ] && echo a b || echo b a); do
			port=$cluster_port data=$cluster_dir/data
			[ "$side" = b ] && port=$plain_port data=$cluster_dir/plain
			idle=$(children "$data")
			before=$(cpu_ticks "$data")
			if pgbench -n -p "$port" -S -M prepared -c 1 -t 50000 bench >> "$cluster_dir/pgbench.log" 2>&1 &&
				poll 10 no_more_children "$data" "$idle"; then
				echo $(($(cpu_ticks "$data") - before)) >> "$cluster_dir/$side"
			else
				echo missing >> "$cluster_dir/$side"	# record() leaves the pair out
			fi
		done
	done
	paste -d ' ' "$cluster_dir/a" "$cluster_dir/b" > "$cluster_dir/cpu.pairs"
	record - time "select-only, processor time of the server" "not loaded" "-" < "$cluster_dir/cpu.pairs"
}

case_planning()
{
	local query port i
	section "planning, 50 tables in a join, 10 of them labelled"
	psql -X -q -v ON_ERROR_STOP=1 -c 'CREATE DATABASE planning' || return 1
	psql -X -q -v ON_ERROR_STOP=1 -p "$plain_port" -c 'CREATE DATABASE planning' || return 1
	psql -X -q -v ON_ERROR_STOP=1 -d planning -c 'CREATE EXTENSION pg_dataclass' -f "$bench/officer.sql" || return 1
	psql -X -q -v ON_ERROR_STOP=1 -p "$plain_port" -d planning -v type=bigint -f "$bench/planning.sql" > /dev/null || return 1
	psql -X -q -v ON_ERROR_STOP=1 -d planning -v type=dataclass.label -f "$bench/planning.sql" -f "$bench/planning_labels.sql" > /dev/null || return 1
	query='EXPLAIN (SUMMARY, COSTS OFF) SELECT chain_1.note FROM chain_1'
	for i in $(seq 2 50); do
		query="$query JOIN chain_$i ON chain_$i.id = chain_$((i - 1)).next"
	done
	query="$query WHERE chain_1.id < 50"
	duel --pairs $((rounds * 12)) --warm 5 --planning --differ \
		--side "-d planning -U planner" --sql "$query" \
		--side "-d planning -U planner -p $plain_port" --sql "$query" |
		record - time "planning, reader cleared for part of the labels" "no extension" "<= 1.03"
	duel --pairs $((rounds * 12)) --warm 5 --planning --differ \
		--side "-d planning -U full_planner" --sql "$query" \
		--side "-d planning -U planner -p $plain_port" --sql "$query" |
		record - time "planning, reader cleared for every label" "no extension" "<= 1.03"
}

# A connection, its first query and its end, as pgbench counts them; in ms.
connection_ms()		# connection_ms PORT ROLE SCRIPT
{
	pgbench -n -C -M simple -c 1 -t 40 -p "$1" -U "$2" -f "$3" catalog 2>&1 | tee -a "$cluster_dir/pgbench.log" |
		sed -n 's/^tps = \([0-9.]*\) .*/\1/p' | awk '{ printf "%.4f\n", 1000 / $1 }'
}

case_catalog()
{
	local round side script="$cluster_dir/first.sql"
	section "10,000 labels, 5,000 labelled tables, 2,000 roles"
	psql -X -q -v ON_ERROR_STOP=1 -c 'CREATE DATABASE catalog' || return 1
	psql -X -q -v ON_ERROR_STOP=1 -p "$plain_port" -c 'CREATE DATABASE catalog' || return 1
	psql -X -q -v ON_ERROR_STOP=1 -d catalog -c 'CREATE EXTENSION pg_dataclass' || return 1
	psql -X -q -v ON_ERROR_STOP=1 -p "$plain_port" -d catalog -v type=bigint -v tables=5000 -v roles=2000 -v compartments=2000 \
		-f "$bench/catalog.sql" > /dev/null || return 1
	psql -X -q -v ON_ERROR_STOP=1 -d catalog -v type=dataclass.label -v tables=5000 -v roles=2000 -v compartments=2000 \
		-f "$bench/catalog.sql" > /dev/null || return 1
	say "  $(run_sql catalog -c "SELECT count(*) FROM dataclass.row_label") labels registered"
	printf 'SELECT count(*) FROM many_77;\n' > "$script"
	: > "$cluster_dir/a"
	: > "$cluster_dir/b"
	for round in $(seq 0 $((rounds * 3))); do
		for side in $([ $((round % 2)) -eq 1 ] && echo a b || echo b a); do
			connection_ms "$([ "$side" = a ] && echo "$cluster_port" || echo "$plain_port")" many_77 "$script" >> "$cluster_dir/$side"
		done
	done
	# the first round warms up
	paste -d ' ' "$cluster_dir/a" "$cluster_dir/b" | sed 1d |
		record - difference "fresh connection and its first query" "no extension" "< 2 ms"
}
