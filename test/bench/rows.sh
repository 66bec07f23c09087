# Scans of narrow tables; sourced by test/bin/bench.

# Which partitions does a query read?  Numbers, in order.
partitions_read()	# partitions_read ROLE SQL
{
	psql -X -q -A -t -d bench -U "$1" -c "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) $2" |
		grep -v 'never executed' | sed -n 's/.* on [a-z]*_part_\([0-9]*\) .*/\1/p' | sort -nu | paste -s -d ' ' -
}

rows_setup()	# rows_setup ROWS
{
	local governed
	section "narrow tables of $1 rows"
	governed=$(run_sql bench -v rows="$1" -f "$bench/rows.sql" | tail -n 1) || return 1
	say "  tables with row labels are set up by $governed"
}

rows_drop()
{
	run_sql bench -c 'SET client_min_messages = warning' \
		-c 'DROP TABLE IF EXISTS labelled_parts, integer_parts, labelled_rows, integer_rows, rls_rows, rls_clearance, rls_ceiling'
}

case_scan()
{
	local count='SELECT count(*) FROM'
	section "full scan, reader cleared for part of the labels"
	duel --pairs $((rounds * 8)) \
		--side "-d bench -U reader" --sql "$count labelled_rows" \
		--side "-d bench -U reader" --sql "$count integer_rows WHERE level <= 3" |
		record "$size" time "full scan, cleared for part" "WHERE level <= 3" "<= 1.05"
	duel --pairs $((rounds * 2)) --warm 2 \
		--side "-d bench -U reader" --setup 'SET jit = on; SET jit_above_cost = 0' --sql "$count labelled_rows" \
		--side "-d bench -U reader" --setup 'SET jit = on; SET jit_above_cost = 0' --sql "$count integer_rows WHERE level <= 3" |
		record "$size" time "full scan, cleared for part, jit = on" "the same with jit = on" "-"
	duel --pairs $((rounds * 2)) \
		--side "-d bench -U reader" --setup 'SET max_parallel_workers_per_gather = 2' --sql "$count labelled_rows" \
		--side "-d bench -U reader" --setup 'SET max_parallel_workers_per_gather = 2' --sql "$count integer_rows WHERE level <= 3" |
		record "$size" time "full scan, cleared for part, parallel" "the same, parallel" "-"
	section "full scan, reader cleared for every label the table can hold"
	duel --pairs $((rounds * 8)) \
		--side "-d bench -U full_reader" --sql "$count labelled_rows" \
		--side "-d bench -U full_reader" --sql "$count integer_rows" |
		record "$size" time "full scan, cleared for all" "no labels" "<= 1.01"
}

# Row-level security of the usual kinds: how much longer does it take than ours?
case_rls()
{
	local ours='SELECT count(*) FROM labelled_rows' theirs='SELECT count(*) FROM rls_rows'
	local pairs=$(((rounds + 1) / 2))
	section "row-level security"
	duel --pairs "$pairs" \
		--side "-d bench -U rls_setting" --setup "SET app.level = '3'" --sql "$theirs" \
		--side "-d bench -U reader" --sql "$ours" |
		record "$size" time "policy over current_setting()" "row labels" ">= 2"
	duel --pairs "$pairs" \
		--side "-d bench -U rls_list" --setup "SET app.levels = '1,2,3'" --sql "$theirs" \
		--side "-d bench -U reader" --sql "$ours" |
		record "$size" time "policy over a list in a setting" "row labels" ">= 2"
	duel --pairs "$pairs" \
		--side "-d bench -U rls_exists" --sql "$theirs" \
		--side "-d bench -U reader" --sql "$ours" |
		record "$size" time "policy over a clearance table, EXISTS" "row labels" ">= 2"
	duel --pairs "$pairs" \
		--side "-d bench -U rls_in" --sql "$theirs" \
		--side "-d bench -U reader" --sql "$ours" |
		record "$size" time "policy over a clearance table, IN" "row labels" ">= 2"
	# a subquery of one number is computed once: no more than WHERE level <= 3
	duel --pairs "$pairs" \
		--side "-d bench -U rls_scalar" --sql "$theirs" \
		--side "-d bench -U reader" --sql "$ours" |
		record "$size" time "policy over one number, computed once" "row labels" "-"
}

case_rare()
{
	section "index on the label column, reader cleared for 0.1 % of the rows"
	run_sql bench -c 'CREATE INDEX ON labelled_rows (label)' -c 'CREATE INDEX ON integer_rows (level)' \
		-c 'ANALYZE labelled_rows' -c 'ANALYZE integer_rows' || return 1
	duel --pairs $((rounds * 40)) --warm 5 \
		--side "-d bench -U rare_reader" --sql 'SELECT count(*), sum(amount) FROM labelled_rows' \
		--side "-d bench -U rare_reader" --sql 'SELECT count(*), sum(amount) FROM integer_rows WHERE level = 1' |
		record "$size" time "cleared for 0.1 % of the rows, index" "WHERE level = 1" "<= 1.10"
}

case_parts()
{
	local ours theirs
	section "partitioned by label"
	run_sql bench -f "$bench/parts.sql" || return 1
	ours=$(partitions_read reader 'SELECT count(*) FROM labelled_parts')
	theirs=$(partitions_read reader 'SELECT count(*) FROM integer_parts WHERE level <= 3')
	say "  partitions read: $ours; with the hand-written predicate: $theirs: $([ "$ours" = "$theirs" ] && echo the same || echo NOT the same)"
	duel --pairs $((rounds * 8)) \
		--side "-d bench -U reader" --sql 'SELECT count(*) FROM labelled_parts' \
		--side "-d bench -U reader" --sql 'SELECT count(*) FROM integer_parts WHERE level <= 3' |
		record "$size" time "partitioned by label, cleared for part" "WHERE level <= 3" "<= 1.05"
	ours=$(partitions_read rare_reader 'SELECT count(*) FROM labelled_parts')
	theirs=$(partitions_read rare_reader 'SELECT count(*) FROM integer_parts WHERE level = 1')
	say "  partitions read by one cleared for one label: $ours; with the hand-written predicate: $theirs"
	duel --pairs $((rounds * 40)) --warm 5 \
		--side "-d bench -U rare_reader" --sql 'SELECT count(*) FROM labelled_parts' \
		--side "-d bench -U rare_reader" --sql 'SELECT count(*) FROM integer_parts WHERE level = 1' |
		record "$size" time "partitioned by label, cleared for one" "WHERE level = 1" "<= 1.05"
	run_sql bench -c 'DROP TABLE labelled_parts, integer_parts'
}
