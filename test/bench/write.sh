# Bulk loads and durable denials; sourced by test/bin/bench.

case_bulk()
{
	local labelled=$cluster_dir/labelled.copy integer=$cluster_dir/integer.copy side
	section "a million rows loaded"
	run_sql bench -v labelled_file="$labelled" -v integer_file="$integer" -f "$bench/bulk.sql" || return 1
	# what is not labelled first: speed is the inverse of time
	duel --pairs "$rounds" --differ \
		--side "-d bench -U writer" --before 'TRUNCATE integer_target' --sql 'INSERT INTO integer_target SELECT * FROM integer_source' \
		--side "-d bench -U writer" --before 'TRUNCATE labelled_target' --sql 'INSERT INTO labelled_target SELECT * FROM labelled_source' |
		record - time "INSERT ... SELECT of a million rows, speed" "no labels" ">= 0.8"
	duel --pairs "$rounds" --differ \
		--side "-d bench -U writer" --before 'TRUNCATE integer_target' --sql "COPY integer_target FROM '$integer'" \
		--side "-d bench -U writer" --before 'TRUNCATE labelled_target' --sql "COPY labelled_target FROM '$labelled'" |
		record - time "COPY FROM of a million rows, speed" "no labels" ">= 0.8"
	for side in labelled integer; do
		[ "$(run_sql bench -c "SELECT count(*) FROM ${side}_target")" = 1000000 ] || say "  $side: not every row was loaded"
	done
	rm -f "$labelled" "$integer"
	run_sql bench -c 'DROP TABLE labelled_source, integer_source, labelled_target, integer_target'
}

case_denial()
{
	local before after told round
	section "durable denials at 16 clients against committed single-row INSERTs at 16 clients"
	run_sql bench -f "$bench/denial_setup.sql" || return 1
	: > "$cluster_dir/a"
	: > "$cluster_dir/b"
	: > "$cluster_dir/denials.log"
	before=$(run_sql bench -c "SELECT count(*) FROM dataclass_audit.denied")
	for round in $(seq 1 "$rounds"); do
		tps -M prepared -c 16 -j "$cores" -T "$seconds" -U reader -f "$bench/denial.sql" bench >> "$cluster_dir/a"
		tail -n 20 "$cluster_dir/pgbench.log" | sed -n 's/^number of transactions actually processed: \([0-9]*\).*/\1/p' |
			tail -n 1 >> "$cluster_dir/denials.log"
		tps -M prepared -c 16 -j "$cores" -T "$seconds" -U reader -f "$bench/insert.sql" bench >> "$cluster_dir/b"
	done
	after=$(run_sql bench -c "SELECT count(*) FROM dataclass_audit.denied")
	told=$(awk '{ n += $1 } END { print n + 0 }' "$cluster_dir/denials.log")
	paste -d ' ' "$cluster_dir/a" "$cluster_dir/b" |
		record - rate "denials per second" "commits per second" ">= 0.5"
	say "  $told denials told to clients, $((after - before)) in the trail"
}
