# A long audit trail: how fast verify() is, how fast breaches of one role are
# found; sourced by test/bin/bench.
#
#	BENCH_TRAIL=10000000	records

trail_restart()		# trail_restart OPTIONS: of the server
{
	pg_ctl -s -w -m fast -D "$cluster_dir/data" stop && pg_ctl -s -w -t 120 -l "$cluster_dir/server.log" -o "$*" -D "$cluster_dir/data" start
}

# The tables are filled while the library is not loaded: with it, nobody could.
trail_load()		# trail_load RECORDS
{
	local program=$cluster_dir/trail facts part now
	"${CC:-gcc}" -std=gnu11 -O2 -D_GNU_SOURCE -Wno-format-truncation -I"$DC_TREE/include" \
		-I"$("$PG_CONFIG" --includedir-server)" -o "$program" "$bench/trail.c" \
		"$DC_TREE/src/audit/audit_encode.c" "$DC_TREE/src/audit/audit_merkle.c" \
		"$("$PG_CONFIG" --pkglibdir)"/libpg*_shlib.a -lcrypto || return 1
	read -r -a facts < <(run_sql bench -F ' ' -c 'SELECT system_identifier, database_oid FROM dataclass_audit.head')
	now=$(date +%s)
	trail_restart "-c shared_preload_libraries=''" || return 1
	run_sql bench -c 'TRUNCATE dataclass_audit.event, dataclass_audit.tile, dataclass_audit.head, dataclass_audit.checkpoint' || return 1
	for part in event tile head; do
		"$program" "$1" "${facts[@]}" "$now" "$part" |
			run_sql bench -c 'SET synchronous_commit = off' -c "COPY dataclass_audit.$part FROM STDIN" || return 1
	done
	run_sql bench -c 'VACUUM (FREEZE, ANALYZE) dataclass_audit.event' -c 'VACUUM (FREEZE) dataclass_audit.tile' || return 1
	# what was handed out of the trail that was here before
	rm -f "$cluster_dir/data/pg_dataclass/head-${facts[1]}"
	trail_restart
}

# Pairs "records a second, 1": the rate stands for itself.
trail_rates()		# trail_rates NUMBER
{
	local i
	for i in $(seq "$1"); do
		run_sql bench -F ' ' -c '\timing on' -c 'SELECT ok, checked FROM dataclass_audit.verify()' |
			awk '/^t / { n = $2 } /^Time/ { if (n) printf "%.0f 1\n", n / ($2 / 1000) }'
	done
}

case_trail()
{
	local records=${BENCH_TRAIL:-10000000}
	section "a trail of $records records"
	trail_load "$records" || return 1
	trail_rates "$rounds" | record "$records" rate "records a second of verify()" "one" ">= 500000"
	duel --pairs $((rounds * 4)) --differ \
		--side "-d bench" --sql "SELECT count(*), max(seq) FROM dataclass_audit.breach WHERE subject = 'subject_42' AND \"time\" > now() - interval '1 month'" \
		--side "-d bench" --sql 'SELECT 1' |
		record "$records" difference "breaches of this role last month" "SELECT 1" "< 10"
}
