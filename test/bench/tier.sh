# The tier of the session; sourced by test/bin/bench.

tier_setup()	# tier_setup ROWS
{
	local controls
	for controls in 10 200; do
		psql -X -q -v ON_ERROR_STOP=1 -c "CREATE DATABASE tier_$controls" &&
			run_sql "tier_$controls" -v rows="$1" -v controls="$controls" -f "$bench/tier.sql" > "$cluster_dir/tier.log" 2>&1 || {
			cat "$cluster_dir/tier.log"
			return 1
		}
	done
}

# password_encryption is part of a tier, so setting it has the tier worked out
# again; dataclass.session_ceiling has the rest of the subject made again.  1000
# times each: the difference, in ms, is 1000 tiers; hence / 1000.
case_tier()
{
	local controls n=1000
	section "tier of the session, worked out anew"
	tier_setup "${tier_rows:-500000}" || return 1
	for controls in 10 200; do
		duel --pairs $((rounds * 4)) --warm 3 \
			--side "-d tier_$controls -U reader" --sql "SELECT bench_subject('password_encryption', 'scram-sha-256', $n)" \
			--side "-d tier_$controls -U reader" --sql "SELECT bench_subject('dataclass.session_ceiling', '', $n)" |
			awk -v n="$n" '{ printf "%.6f %.6f\n", $1 / n, $2 / n }' |
			record - difference "tier of the session, $controls controls" "a subject whose tier is known" "< 0.05 ms"
	done
}

# The tier counts here; everywhere else in the bench it is off.
tier_enforcement()	# tier_enforcement enforcing | off
{
	printf 'dataclass.session_tier_enforcement = %s\n' "$1" >> "$cluster_dir/data/postgresql.conf"
	pg_ctl -s -D "$cluster_dir/data" reload && poll 20 tier_enforcement_is "$1"
}

tier_enforcement_is()
{
	[ "$(run_sql tier_10 -c 'SHOW dataclass.session_tier_enforcement')" = "$1" ]
}

case_tier_rows()
{
	section "full scan, tier enforced, by the number of controls"
	tier_enforcement enforcing || return 1
	duel --pairs $((rounds * 16)) \
		--side "-d tier_200 -U reader" --sql 'SELECT count(*) FROM labelled_rows' \
		--side "-d tier_10 -U reader" --sql 'SELECT count(*) FROM labelled_rows' |
		record "${tier_rows:-500000}" time "full scan, 200 controls" "10 controls" "<= 1.02"
	tier_enforcement off
}
