# Point and range queries through indexes of several kinds, some with operators
# that are not leakproof; sourced by test/bin/bench.

items_setup()	# items_setup ROWS
{
	local plain
	section "tables of $1 rows with indexes"
	run_sql bench -v rows="$1" -v table=integer_items -v type=bigint -f "$bench/items.sql" &
	plain=$!
	run_sql bench -v rows="$1" -v table=labelled_items -v type=dataclass.label -f "$bench/items.sql"
	local status=$?
	wait "$plain" && return "$status"
}

items_drop()
{
	run_sql bench -c 'SET client_min_messages = warning' -c 'DROP TABLE IF EXISTS labelled_items, integer_items'
}

# One kind of query: prepared and simple against the table without labels, then
# native row-level security against the same table.
index_query()	# index_query NAME CONDITION [CONSTANT-CONDITION PAIRS]
{
	local name=$1 side mode
	for side in labelled integer; do
		printf '%s\n' '\set id random(1, 100000)' "SELECT count(*), sum(level) FROM ${side}_items WHERE $2;" > "$cluster_dir/$side.sql"
	done
	for mode in prepared simple; do
		mixed "$((seconds < 4 ? 4 : seconds))" "$cluster_dir/labelled.sql" "$cluster_dir/integer.sql" \
			-M "$mode" -c 1 -U full_reader bench |
			record "$size" time "$name, $mode" "no labels" "<= 1.02"
	done
	duel --pairs "$4" \
		--side "-d bench -U rls_full" --sql "SELECT count(*), sum(level) FROM integer_items WHERE $3" \
		--side "-d bench -U full_reader" --sql "SELECT count(*), sum(level) FROM integer_items WHERE $3" |
		record "$size" time "native row-level security: $name" "no labels" "-"
}

case_index()
{
	section "point and range queries through indexes, reader cleared for all"
	index_query "point query" 'id = :id' 'id = 4711' $((rounds * 8))
	index_query "range query" 'id BETWEEN :id AND :id + 100' 'id BETWEEN 4711 AND 4811' $((rounds * 8))
	index_query "numeric range" 'price BETWEEN :id / 100.0 AND :id / 100.0 + 1' 'price BETWEEN 47.11 AND 48.11' 3
	index_query "ILIKE, trigram index" "name ILIKE '%' || substr(md5((:id)::text), 1, 5) || '%'" "name ILIKE '%7cf7d%'" 3
	index_query "jsonb @>, GIN index" "doc @> ('{\"k\": ' || (:id % 40000)::text || '}')::jsonb" "doc @> '{\"k\": 711}'" 3
}
