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

# What is asked, by name; :id is a random number.  Operators after the first two
# are not leakproof.
index_names=("point query" "range query" "numeric range" "ILIKE, trigram index" "jsonb @>, GIN index")
index_conditions=(
	"id = :id"
	"id BETWEEN :id AND :id + 100"
	"price BETWEEN :id / 100.0 AND :id / 100.0 + 1"
	"name ILIKE '%' || substr(md5((:id)::text), 1, 5) || '%'"
	"doc @> ('{\"k\": ' || (:id % 40000)::text || '}')::jsonb"
)

index_scripts()		# index_scripts NUMBER: a script for each of the two tables
{
	local side
	for side in labelled integer; do
		printf '%s\n' '\set id random(1, 100000)' \
			"SELECT count(*), sum(level) FROM ${side}_items WHERE ${index_conditions[$1]};" > "$cluster_dir/$side.sql"
	done
}

case_index()
{
	local i mode length=$((seconds < 4 ? 4 : seconds))
	section "point and range queries through indexes, reader cleared for all"
	for i in "${!index_names[@]}"; do
		index_scripts "$i"
		for mode in prepared simple; do
			mixed "$length" "$cluster_dir/labelled.sql" "$cluster_dir/integer.sql" -M "$mode" -c 1 -U full_reader bench |
				record "$size" time "${index_names[$i]}, $mode" "no labels" "<= 1.02"
		done
	done
}

# The same queries under native row-level security against row labels.  Without
# an index they take seconds: constants then, and few pairs.
case_index_native()
{
	local i condition length=$((seconds < 4 ? 4 : seconds))
	section "the same queries, native row-level security"
	run_sql bench -c 'ALTER TABLE integer_items ENABLE ROW LEVEL SECURITY' \
		-c 'CREATE POLICY everything ON integer_items TO rls_full USING (level <= 5)' || return 1
	for i in "${!index_names[@]}"; do
		if [ "$i" -lt 2 ]; then
			index_scripts "$i"
			mixed "$length" "$cluster_dir/integer.sql" "$cluster_dir/labelled.sql" -M prepared -c 1 -U rls_full bench
		else
			condition=${index_conditions[$i]//:id/4711}
			duel --pairs 3 \
				--side "-d bench -U rls_full" --sql "SELECT count(*), sum(level) FROM integer_items WHERE $condition" \
				--side "-d bench -U rls_full" --sql "SELECT count(*), sum(level) FROM labelled_items WHERE $condition"
		fi | record "$size" time "native row-level security: ${index_names[$i]}" "row labels" "-"
	done
}
