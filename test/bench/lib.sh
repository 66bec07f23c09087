# Measuring and telling; sourced by test/bin/bench after cluster.sh.
#
# A measurement is a file of pairs "ours theirs", taken in turns so that a slow
# moment of the machine meets both sides.  Its figure is the median of the pairs'
# quotients; beside it stand the quartiles, and the quotient of the two best
# runs, which is nearer to the truth where the machine is noisy.

results=					# a line per measurement, separated by tabs
results_head='size	case	against	figure	quartile_low	quartile_high	best	unit	aim	verdict	pairs'

bench_failed=
shopt -s lastpipe		# record() at the end of a pipe sets it

section()		# section TITLE: with the seconds since the start
{
	printf '== %s (%d s)\n' "$1" "$SECONDS"
}

# Statistics of pairs: "median low-quartile high-quartile best count".
pair_statistics()	# pair_statistics time | rate | difference < PAIRS
{
	awk -v kind="$1" '
		function at(q,    x, i) {
			x = 1 + q * (n - 1); i = int(x)
			return i < n ? v[i] + (x - i) * (v[i + 1] - v[i]) : v[n]
		}
		NF == 2 && $1 > 0 && $2 > 0 {
			v[++n] = kind == "difference" ? $1 - $2 : $1 / $2
			if (n == 1 || (kind == "rate" ? $1 > a : $1 < a)) a = $1
			if (n == 1 || (kind == "rate" ? $2 > b : $2 < b)) b = $2
		}
		END {
			if (n == 0) exit 1
			for (i = 2; i <= n; i++) {
				x = v[i]
				for (j = i - 1; j > 0 && v[j] > x; j--) v[j + 1] = v[j]
				v[j + 1] = x
			}
			printf "%.4f %.4f %.4f %.4f %d\n", at(0.5), at(0.25), at(0.75), kind == "difference" ? a - b : a / b, n
		}'
}

# AIM is "<= 1.05", ">= 2", "< 2 ms" or "-"; is the figure there?
verdict_of()		# verdict_of FIGURE AIM
{
	awk -v figure="$1" -v aim="$2" 'BEGIN {
		split(aim, part, " ")
		if (aim == "-") { print "-"; exit }
		# text from -v compares as a number only when made one
		x = figure + 0; y = part[2] + 0
		met = part[1] == ">=" ? (x >= y) : part[1] == "<" ? (x < y) : part[1] == ">" ? (x > y) : (x <= y)
		print (met ? "met" : "missed")
	}'
}

# Judges the pairs on standard input and keeps them for the table.  SIZE is a
# number of rows, or "-" where it does not matter.  KIND: time (less is better),
# rate (more is better), difference (ms).
record()		# record SIZE KIND CASE AGAINST AIM < PAIRS
{
	local median low high best pairs verdict unit=ratio
	[ "$2" = difference ] && unit=ms
	if ! read -r median low high best pairs < <(pair_statistics "$2"); then
		say "  $3, against $4: could not be measured"
		bench_failed=yes
		return 0
	fi
	verdict=$(verdict_of "$median" "$5")
	printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' \
		"$1" "$3" "$4" "$median" "$low" "$high" "$best" "$unit" "$5" "$verdict" "$pairs" >> "$results"
	printf '  %s, against %s: %.3f%s (aim: %s), quartiles %.3f to %.3f, of the best %.3f, %d pairs\n' \
		"$3" "$4" "$median" "$([ "$unit" = ms ] && echo ' ms')" "$5" "$low" "$high" "$best" "$pairs"
}

duel()			# duel OPTION ...: see duel.pl; complaints go to the report
{
	perl "$bench/duel.pl" "$@" 2> "$cluster_dir/duel.log" || { sed 's/^/  /' "$cluster_dir/duel.log" >&2; return 1; }
}

tps()			# tps PGBENCH-OPTION ...
{
	pgbench -n "$@" 2>&1 | tee -a "$cluster_dir/pgbench.log" | sed -n 's/^tps = \([0-9.]*\) .*/\1/p'
}

# Two scripts in one session, drawn at random: slices of the run, each with the
# two means of the transactions' times but for the slowest tenth.
mixed()			# mixed SECONDS SCRIPT-A SCRIPT-B PGBENCH-OPTION ...
{
	local length=$1 a=$2 b=$3
	shift 3
	rm -f "$cluster_dir"/mixed.*
	pgbench -n -l --log-prefix="$cluster_dir/mixed" -T "$length" -f "$a" -f "$b" "$@" >> "$cluster_dir/pgbench.log" 2>&1 || {
		tail -n 5 "$cluster_dir/pgbench.log" | sed 's/^/  /' >&2
		return 1
	}
	cat "$cluster_dir"/mixed.[0-9]* | awk '
		function mean(name, count,    i, j, k, x, sum, bin, seen) {
			# times are whole microseconds: count them instead of sorting
			k = int(count * 0.9); if (k < 1) k = count
			for (i = least[name]; seen < k; i++)
				if ((name, i) in times) {
					x = times[name, i]; if (seen + x > k) x = k - seen
					sum += x * i; seen += x
				}
			return sum / k
		}
		function tell() {
			if (count[0] >= 5 && count[1] >= 5) print mean(0, count[0]), mean(1, count[1])
			delete times; delete count; delete least
		}
		# fields: client, number, time in us, script, second, us
		NR == 1 { slice = $5 }
		$5 != slice { tell(); slice = $5 }
		{
			times[$4, $3]++; count[$4]++
			if (!($4 in least) || $3 < least[$4]) least[$4] = $3
		}
		END { tell() }'
}

table()			# the whole report, aligned
{
	awk -F '\t' '
		function size_name(s) { return s == "-" ? "" : s % 1000000 == 0 ? s / 1000000 " M rows" : s " rows" }
		function max(a, b) { return a > b ? a : b }
		{
			row[NR, 1] = size_name($1); row[NR, 2] = $2; row[NR, 3] = $3
			row[NR, 4] = sprintf("%.3f%s", $4, $8 == "ms" ? " ms" : "")
			row[NR, 5] = sprintf("%.3f .. %.3f", $5, $6); row[NR, 6] = sprintf("%.3f", $7)
			row[NR, 7] = $9; row[NR, 8] = $10; row[NR, 9] = $11
		}
		END {
			n = split("rows|case|against|figure|quartiles|of the best|aim|verdict|pairs", head, "|")
			for (c = 1; c <= n; c++) {
				row[0, c] = head[c]
				for (r = 0; r <= NR; r++) width[c] = max(width[c], length(row[r, c]))
			}
			for (r = 0; r <= NR; r++) {
				line = ""
				for (c = 1; c <= n; c++) line = line sprintf(c == n ? "%s" : "%-" width[c] "s  ", row[r, c])
				print line
			}
		}' "$results"
}
