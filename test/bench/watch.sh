# The storage watch: what a pass costs; sourced by test/bin/bench.

watch_mode_is()		# watch_mode_is MODE
{
	[ "$(run_sql bench -c 'SHOW dataclass.at_rest_enforcement')" = "$1" ]
}

watch_mode()		# watch_mode MODE: of the whole cluster
{
	printf 'dataclass.at_rest_enforcement = %s\n' "$1" >> "$cluster_dir/data/postgresql.conf"
	pg_ctl -s -D "$cluster_dir/data" reload && poll 20 watch_mode_is "$1"
}

watch_passed()
{
	[ "$(run_sql bench -c "SELECT passes > $1 FROM dataclass.watch_status WHERE database = 'bench'")" = t ]
}

# Passes of the worker itself, as it measures them: those that found nothing new.
watch_worker_times()	# watch_worker_times NUMBER
{
	local i before
	for i in $(seq 0 "$1"); do
		before=$(run_sql bench -c "SELECT passes FROM dataclass.watch_status WHERE database = 'bench'")
		pg_ctl -s -D "$cluster_dir/data" reload && poll 60 watch_passed "$before" || return 1
		# the first one looks at all relations, since labels were given
		[ "$i" -eq 0 ] || run_sql bench -F ' ' -c "SELECT duration_ms, 0.001 FROM dataclass.watch_status WHERE database = 'bench' AND last_complete < last_pass"
	done
}

case_watch()
{
	local directory=$cluster_dir/watched i nothing='SELECT count(*) FROM pg_tablespace'
	section "one pass of the storage watch: 10,000 labelled tables on 20 tablespaces"
	for i in $(seq 20); do
		mkdir -p "$directory/$i" || return 1
	done
	run_sql bench -v directory="$directory" -f "$bench/watch_setup.sql" || return 1
	watch_mode enforcing || return 1
	watch_worker_times $((rounds * 2)) |
		record - difference "pass of the watch that finds nothing new" "nothing" "< 100"
	duel --pairs $((rounds * 2)) --differ \
		--side "-d bench" --sql 'SELECT count(*) FROM dataclass.check_storage()' --side "-d bench" --sql "$nothing" |
		record - difference "check_storage() that finds nothing new" "a count of tablespaces" "< 100"
	duel --pairs "$rounds" --differ \
		--side "-d bench" --sql 'SELECT count(*) FROM dataclass.check_storage(true)' --side "-d bench" --sql "$nothing" |
		record - difference "check_storage(true): every label looked at" "a count of tablespaces" "-"
	duel --pairs "$rounds" --differ \
		--side "-d bench" --before '\c bench' --sql 'SELECT count(*) FROM dataclass.check_storage(true)' --side "-d bench" --sql "$nothing" |
		record - difference "the same in a new session" "a count of tablespaces" "-"
	run_sql bench -c 'SELECT place, count(*) FROM dataclass.quarantine GROUP BY place'
	watch_mode off
}
