# Bulk loads; sourced by test/bin/bench.

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
