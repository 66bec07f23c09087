# FuzzStatements: random statements, as templates for both sides.
#
# A template holds marks that become plain references on the labeled side and
# an explicit predicate on the model's:
#	{R:t:x}			table t as x, read
#	{O:t:x}			the same with ONLY
#	{S:t:x}			the same with TABLESAMPLE of everything
#	{D:t:x}			table t as x, target of UPDATE, DELETE, MERGE
#	{W:t:x}			predicate for a target: may the subject see the row?
#	{B:t:x} ... {E}	condition on a target that must not meet a hidden row
#	{C:t:x}			first condition of ON CONFLICT DO UPDATE
#	{M:t:x}			column c of a target, as its reader gets it
# "uses" says which labeled columns a statement reads and writes ("t.c" => r, w)
# and which tables ("t" => r, w).
package FuzzStatements;
use strict;
use warnings;
use FuzzWorld;

*pick = \&FuzzWorld::pick;
*chance = \&FuzzWorld::chance;

sub new { my ($class, $world) = @_; return bless { world => $world, uses => {}, prepared => 0 }, $class; }

sub use_of { my ($self, $what, $how) = @_; $self->{uses}{$what}{$how} = 1; return; }

sub table { my ($self, @kinds) = @_; my @t = @{ $self->{world}{tables} };
	@t = grep { my $t = $_; grep { $_ eq $t->{kind} } @kinds } @t if @kinds; return @t ? pick(@t) : undef; }

# The table itself or, now and then, one of its children.
sub relation_of
{
	my ($self, $t) = @_;
	return @{ $t->{children} } && chance(0.25) ? pick(@{ $t->{children} }) : $t->{name};
}

sub column
{
	my ($self, $t, $x, $name, $target) = @_;
	$self->use_of("$t->{name}.c", 'r') if $name eq 'c';
	return "{M:$t->{name}:$x}" if $name eq 'c' && $target;
	return "$x.$name";
}

sub label_literal { my ($self) = @_; return "'" . pick(@{ $self->{world}{labels} }) . "'"; }

# A condition on one table.
sub condition
{
	my ($self, $t, $x, $target) = @_;
	my $c = sub { $self->column($t, $x, $_[0], $target) };
	my @forms = (
		sub { "$x.id = " . int rand 70 },
		sub { my $n = int rand 60; "$x.id BETWEEN $n AND " . ($n + int rand 30) },
		sub { "$x.a " . pick('<', '>', '=', '<>', '<=') . ' ' . int rand 10 },
		sub { "$x.b = 'w" . int(rand 10) . "'" },
		sub { "$x.b LIKE '%" . int(rand 10) . "'" },
		sub { "lower($x.b) = 'w" . int(rand 10) . "'" },
		sub { $c->('c') . ' > ' . int rand 100 },
		sub { $c->('c') . ' IS ' . pick('NULL', 'NOT NULL') },
		sub { "$x.a IN (" . join(', ', map { int rand 10 } 1 .. 3) . ')' },
		sub { 'true' },
	);
	push @forms, (
		sub { "$x.label = " . $self->label_literal },
		sub { "$x.label " . pick('IN', 'NOT IN') . ' (' . join(', ', map { $self->label_literal } 1 .. 3) . ')' },
		sub { "$x.label <> " . $self->label_literal },
		sub { "$x.label::text LIKE '%" . pick(':%', 'fza%', 'secret%') . "'" },
	) if $t->{kind} ne 'governed';
	my $text = pick(@forms)->();
	return $text if !chance(0.3);
	return "($text " . pick('AND', 'OR') . ' ' . $self->condition($t, $x, $target) . ')';
}

sub columns_text
{
	my ($self, $t, $x, $target) = @_;
	my @names = grep { chance(0.7) } @{ $t->{columns} };
	@names = ('id') if !@names;
	@names = @{ $t->{columns} } if chance(0.2);
	return map { $_ eq 'label' ? "$x.label::text" : $self->column($t, $x, $_, $target) } @names;
}

sub read_ref
{
	my ($self, $t, $x, $relation) = @_;
	$relation //= $self->relation_of($t);
	$self->use_of($t->{name}, 'r');
	my $mark = $t->{kind} eq 'inherit' && chance(0.15) ? 'O' : chance(0.04) && $t->{kind} eq 'plain' ? 'S' : 'R';
	return "{$mark:$relation:$x}";
}

# SELECT ---------------------------------------------------------------------

sub select_simple
{
	my ($self) = @_;
	my $t = $self->table;
	my @columns = $self->columns_text($t, 'x');
	my $text = 'SELECT ' . (chance(0.1) ? 'DISTINCT ' : '') . join(', ', @columns) . ' FROM ' . $self->read_ref($t, 'x') .
		' WHERE ' . $self->condition($t, 'x');
	return $text if chance(0.5);
	my $order = join ', ', map { "$_" . (chance(0.4) ? ' DESC' : '') } 1 .. @columns;
	return "$text ORDER BY $order" . (chance(0.6) ? ' LIMIT ' . (1 + int rand 12) . (chance(0.4) ? ' OFFSET ' . int rand 5 : '') : '');
}

# An error on a row that the reader may not see would tell that it is there.
sub select_leaky
{
	my ($self) = @_;
	my $t = $self->table;
	my $by = pick("x.id - " . int(rand 70), 'x.a - 3');
	return 'SELECT x.id FROM ' . $self->read_ref($t, 'x', $t->{name}) . " WHERE 10 / ($by) > " . int rand 3;
}

sub select_star
{
	my ($self) = @_;
	my $t = $self->table;
	$self->use_of("$t->{name}.c", 'r');
	my $what = pick('x.*', 'x', 'row_to_json(x)', 'x::text', 'to_jsonb(x) - \'extra\'');
	return "SELECT $what FROM " . $self->read_ref($t, 'x', $t->{name}) . ' WHERE ' . $self->condition($t, 'x');
}

sub select_join
{
	my ($self) = @_;
	my ($t, $u) = ($self->table, $self->table);
	my $on = pick('x.id = y.id', 'x.a = y.a AND x.id < y.id', 'x.b = y.b AND x.a > y.a',
		$t->{kind} ne 'governed' && $u->{kind} ne 'governed' ? 'x.label = y.label AND x.a = y.a' : 'x.id = y.id + 1');
	my $join = pick('JOIN', 'LEFT JOIN', 'RIGHT JOIN', 'FULL JOIN', 'JOIN');
	$on = 'x.id = y.id' if $join eq 'FULL JOIN';
	return 'SELECT ' . join(', ', $self->columns_text($t, 'x'), $self->columns_text($u, 'y')) . ' FROM ' . $self->read_ref($t, 'x') .
		" $join " . $self->read_ref($u, 'y') . " ON $on WHERE " . $self->condition($t, 'x');
}

sub select_aggregate
{
	my ($self) = @_;
	my $t = $self->table;
	my $key = pick('x.a', 'x.b', 'x.a % 3', $t->{kind} eq 'governed' ? 'x.a' : 'x.label::text');
	my $what = pick('count(*)', 'sum(x.id)', 'max(x.b)', 'array_agg(x.id ORDER BY x.id, x.a, x.b)', 'count(DISTINCT x.a)',
		"string_agg(x.b, ',' ORDER BY x.b)", 'min(x.id)', 'count(*) FILTER (WHERE x.a > 4)', 'avg(x.a)::numeric(10,3)', 'C');
	$what = 'max(' . $self->column($t, 'x', 'c') . ')' if $what eq 'C';
	my $from = $self->read_ref($t, 'x') . ' WHERE ' . $self->condition($t, 'x');
	return "SELECT $what FROM $from" if chance(0.35);
	return "SELECT $key, grouping($key), $what FROM $from GROUP BY " . pick('ROLLUP', 'CUBE') . " ($key)" if chance(0.15);
	return "SELECT $key, $what FROM $from GROUP BY $key" . (chance(0.3) ? ' HAVING count(*) > 1' : '');
}

sub select_window
{
	my ($self) = @_;
	my $t = $self->table;
	my $order = 'ORDER BY x.a, x.id, x.b' . ($t->{kind} eq 'governed' ? '' : ', x.label::text');
	my $what = pick("row_number() OVER ($order)", "sum(x.id) OVER (PARTITION BY x.a)", "lag(x.id) OVER ($order)",
		"count(*) OVER ()", "first_value(x.b) OVER ($order)");
	return "SELECT x.id, $what FROM " . $self->read_ref($t, 'x') . ' WHERE ' . $self->condition($t, 'x');
}

sub select_set
{
	my ($self) = @_;
	my ($t, $u) = ($self->table, $self->table);
	my $op = pick('UNION', 'UNION ALL', 'INTERSECT', 'EXCEPT', 'EXCEPT ALL', 'INTERSECT ALL');
	my $list = pick('id', 'a', 'id, b', 'a, b');
	return "SELECT $list FROM " . $self->read_ref($t, 'x') . ' WHERE ' . $self->condition($t, 'x') .
		" $op SELECT $list FROM " . $self->read_ref($u, 'x') . ' WHERE ' . $self->condition($u, 'x');
}

sub select_cte
{
	my ($self) = @_;
	my ($t, $u) = ($self->table, $self->table);
	return 'WITH q AS ' . pick('', 'MATERIALIZED ', 'NOT MATERIALIZED ') . '(SELECT x.id, x.a, x.b FROM ' . $self->read_ref($t, 'x') .
		' WHERE ' . $self->condition($t, 'x') . ') SELECT q.id, (SELECT count(*) FROM q r WHERE r.a = q.a) FROM q JOIN ' .
		$self->read_ref($u, 'y') . ' ON y.id = q.id WHERE ' . $self->condition($u, 'y');
}

sub select_recursive
{
	my ($self) = @_;
	my $t = $self->table;
	my $relation = $self->relation_of($t);
	return 'WITH RECURSIVE q (id, n) AS (SELECT x.id, 1 FROM ' . $self->read_ref($t, 'x', $relation) . ' WHERE x.id < 10 UNION SELECT y.id, q.n + 1 FROM q JOIN ' .
		$self->read_ref($t, 'y', $relation) . ' ON y.id = q.id + 3 WHERE q.n < 6) SELECT * FROM q';
}

sub select_sublink
{
	my ($self) = @_;
	my ($t, $u) = ($self->table, $self->table);
	my $inner = $self->read_ref($u, 'y');
	my $cond = $self->condition($u, 'y');
	my $test = pick(
		"EXISTS (SELECT 1 FROM $inner WHERE y.id = x.id AND $cond)",
		"NOT EXISTS (SELECT 1 FROM $inner WHERE y.a = x.a AND $cond)",
		"x.id IN (SELECT y.id FROM $inner WHERE $cond)",
		"x.id NOT IN (SELECT y.id FROM $inner WHERE $cond)",
		"x.a = (SELECT max(y.a) FROM $inner WHERE $cond)",
		"x.a >= ALL (SELECT y.a FROM $inner WHERE y.id > x.id AND $cond)",
		"x.a = ANY (ARRAY(SELECT y.a FROM $inner WHERE $cond))");
	return 'SELECT ' . join(', ', $self->columns_text($t, 'x')) . ' FROM ' . $self->read_ref($t, 'x') . " WHERE $test";
}

sub select_lateral
{
	my ($self) = @_;
	my ($t, $u) = ($self->table, $self->table);
	my $left = chance(0.4);
	return 'SELECT x.id, l.n, l.m FROM ' . $self->read_ref($t, 'x') . ($left ? ' LEFT JOIN LATERAL' : ' CROSS JOIN LATERAL') .
		' (SELECT count(*) AS n, max(y.b) AS m FROM ' . $self->read_ref($u, 'y') . ' WHERE y.a = x.a AND y.id > x.id) l' . ($left ? ' ON true' : '');
}

sub select_view
{
	my ($self) = @_;
	my $t = $self->table(qw(plain list range hash inherit));
	my $n = $t->{name};
	$self->use_of($n, 'r');
	my $view = pick('v', 'vo', 'vi');
	return pick(
		"SELECT v.id, v.a, v.b, v.label::text FROM ${n}_$view v WHERE v.a > " . int rand 10,
		"SELECT v.a, v.n, v.b FROM ${n}_vb v",
		"SELECT v.a, count(*) FROM ${n}_$view v GROUP BY v.a",
		"SELECT v.id, w.id FROM ${n}_$view v JOIN ${n}_v w ON v.id = w.id AND v.label = w.label WHERE v.a < 6",
		"SELECT f.id, f.label::text FROM ${n}_" . pick('fs', 'fa', 'fp') . '(' . int(rand 10) . ') f',
		"SELECT (f).id, (f).b FROM (SELECT ${n}_" . pick('fs', 'fa', 'fp') . '(' . int(rand 10) . ') AS f OFFSET 0) q',
		"SELECT ${n}_fn(" . int(rand 10) . ')',
		"SELECT g, ${n}_fn(g) FROM generate_series(0, 9, 3) g",
		"SELECT f.a, v.b FROM ${n}_fs(3) f JOIN ${n}_$view v ON v.id = f.id AND v.label = f.label");
}

sub select_lock
{
	my ($self) = @_;
	my $t = $self->table;
	return 'SELECT x.id, x.b FROM ' . $self->read_ref($t, 'x', $t->{name}) =~ s/^\{[OS]/{R/r . ' WHERE ' . $self->condition($t, 'x') . ' FOR ' . pick('UPDATE', 'SHARE', 'KEY SHARE', 'NO KEY UPDATE');
}

sub copy_to
{
	my ($self) = @_;
	my $t = $self->table;
	my @columns = @{ $t->{columns} };
	@columns = grep { $_ ne 'c' } @columns if chance(0.5);
	$self->use_of($t->{name}, 'r');
	$self->use_of("$t->{name}.c", 'r') if grep { $_ eq 'c' } @columns;
	my $list = join ', ', @columns;
	return "COPY (SELECT $list FROM " . $self->read_ref($t, 'x', $t->{name}) . ') TO STDOUT' if $t->{kind} !~ /^(plain|governed)$/ || chance(0.4);
	return "{K:$t->{name}:$list} TO STDOUT";
}

# Writes ---------------------------------------------------------------------

sub rows
{
	my ($self, $t, $n) = @_;
	my $w = $self->{world};
	return join ', ', map { $w->random_row($t, 1 + int rand 90, chance(0.02) ? $FuzzWorld::UNREGISTERED : pick(@{ $w->{labels} })) } 1 .. $n;
}

sub returning
{
	my ($self, $t, $x) = @_;
	return '' if chance(0.5);
	return ' RETURNING ' . join ', ', $self->columns_text($t, $x, 1);
}

sub write_table { my ($self) = @_; my $t = $self->table; $self->use_of($t->{name}, 'w'); return $t; }

sub insert
{
	my ($self) = @_;
	my $t = $self->write_table;
	my @columns = @{ $t->{columns} };
	$self->use_of("$t->{name}.c", 'w');
	my $n = chance(0.6) ? 1 : 2 + int rand 4;
	my $text = "INSERT INTO {I:$t->{name}:x} (" . join(', ', @columns) . ') ';
	if (chance(0.2))
	{
		my $u = $self->table;
		my $label = $u->{kind} eq 'governed' ? $self->label_literal . '::{T}' : chance(0.6) ? 'y.label' : $self->label_literal . '::{T}';
		my @values = ('y.id + ' . pick(0, 100, 200), 'y.a', 'y.b', $self->column($u, 'y', 'c'), $label);
		$text .= 'SELECT ' . join(', ', @values[ 0 .. $#columns ]) . ' FROM ' . $self->read_ref($u, 'y') . ' WHERE ' . $self->condition($u, 'y');
		$n = 2;
	}
	else
	{
		$text .= 'VALUES ' . $self->rows($t, $n);
	}
	$text .= $self->on_conflict($t) if $t->{kind} ne 'inherit' && chance(0.4);
	return { text => $text . $self->returning($t, 'x'), multi => $n > 1 };
}

sub on_conflict
{
	my ($self, $t) = @_;
	return ' ON CONFLICT DO NOTHING' if chance(0.3);
	return " ON CONFLICT ($t->{key}) DO NOTHING" if chance(0.2);
	my @set = ('a = x.a + 1', "b = excluded.b || '!'", 'a = excluded.a');
	push @set, "label = excluded.label", 'label = ' . $self->label_literal if $t->{kind} eq 'plain';
	return " ON CONFLICT ($t->{key}) DO UPDATE SET " . pick(@set) . " WHERE {C:$t->{name}:x} " . pick('true', 'x.a < 6', "x.b <> 'w1'");
}

sub update
{
	my ($self) = @_;
	my $t = $self->write_table;
	my $relation = $self->relation_of($t);
	my @set = ('a = (x.a + 1) % 10', "b = 'w" . int(rand 10) . "'", 'c = ' . int rand 100, 'a = x.id % 10', 'b = x.b');
	my $set = pick(@set);
	$self->use_of("$t->{name}.c", 'w') if $set =~ /^c /;
	if ($t->{kind} ne 'governed' && chance(0.4))
	{
		$set .= ', label = ' . (chance(0.3) ? "CASE WHEN x.a > 4 THEN x.label ELSE " . $self->label_literal . '::{T} END' : $self->label_literal);
	}
	my $from = '';
	my $where;
	if (chance(0.2) && $t->{kind} =~ /^(plain|range|hash|governed)$/)
	{
		my $u = $self->table(qw(plain range hash governed)) // $t;
		$from = ' FROM ' . $self->read_ref($u, 'y', $u->{name});
		$where = '{W:' . "$t->{name}:x} AND y.id = x.id AND " . $self->condition($u, 'y');
	}
	else
	{
		$where = chance(0.1) ? "{B:$t->{name}:x} 10 / (x.a - 3) > 1 {E}" : "{W:$t->{name}:x} AND " . $self->condition($t, 'x', 1);
	}
	return { text => "UPDATE {D:$relation:x} SET $set$from WHERE $where" . $self->returning($t, 'x'), multi => 1 };
}

sub delete_rows
{
	my ($self) = @_;
	my $t = $self->write_table;
	my $relation = $self->relation_of($t);
	my $using = '';
	my $where = "{W:$t->{name}:x} AND ";
	if (chance(0.2))
	{
		my $u = $self->table;
		$using = ' USING ' . $self->read_ref($u, 'y');
		$where .= 'y.id = x.id AND y.a < 3';
	}
	else
	{
		$where .= (chance(0.7) ? 'x.id % 7 = ' . int(rand 7) . ' AND ' : '') . $self->condition($t, 'x', 1);
	}
	return { text => "DELETE FROM {D:$relation:x}$using WHERE $where" . ($using ? '' : $self->returning($t, 'x')), multi => 1 };
}

sub merge
{
	my ($self) = @_;
	my $t = $self->table(qw(plain range hash)) // return $self->update;
	$self->use_of($t->{name}, 'w');
	my @ids = map { 1 + int rand 80 } 1 .. 3;
	my %seen;
	@ids = grep { !$seen{$_}++ } @ids;
	my $source = '(VALUES ' . join(', ', map { "($_, " . int(rand 10) . ')' } @ids) . ') s (id, a)';
	my @label = ($self->label_literal, $self->label_literal);
	my @actions = ("WHEN MATCHED AND x.a > " . int(rand 10) . ' THEN ' . pick('DELETE', "UPDATE SET a = s.a", "UPDATE SET label = $label[0]", 'DO NOTHING'),
		"WHEN MATCHED THEN UPDATE SET b = 'm'");
	if (chance(0.6))
	{
		$self->use_of("$t->{name}.c", 'w');
		push @actions, "WHEN NOT MATCHED THEN INSERT (id, a, b, c, label) VALUES (s.id, s.a, 'm', 1, $label[1])";
	}
	return { text => "MERGE INTO {D:$t->{name}:x} USING $source ON x.id = s.id AND {W:$t->{name}:x} " . join(' ', @actions), multi => 1 };
}

sub copy_from
{
	my ($self) = @_;
	my $t = $self->write_table;
	$self->use_of("$t->{name}.c", 'w');
	my $data = $self->rows($t, chance(0.5) ? 1 : 1 + int rand 5);
	$data =~ s/^\(|\)$//g;
	$data = join "\n", map { s/, /\t/gr =~ s/'//gr =~ s/NULL/\\N/r } split /\), \(/, $data;
	return { text => "COPY $t->{name} (" . join(', ', @{ $t->{columns} }) . ') FROM STDIN', copy => "$data\n", multi => 1 };
}

sub modifying_cte
{
	my ($self) = @_;
	my $t = $self->table(qw(plain range hash list)) // $self->table;
	$self->use_of($t->{name}, 'w');
	return { text => "WITH q AS (UPDATE {D:$t->{name}:x} SET a = (x.a + 2) % 10 WHERE {W:$t->{name}:x} AND " . $self->condition($t, 'x', 1) .
		' RETURNING x.id, x.a) SELECT count(*), sum(q.a), (SELECT count(*) FROM ' . $self->read_ref($t, 'z', $t->{name}) . ' WHERE z.a = 1) FROM q', multi => 1 };
}

our @READS = qw(select_simple select_simple select_simple select_leaky select_star select_join select_join select_aggregate
	select_aggregate select_window select_set select_cte select_recursive select_sublink select_sublink select_lateral select_view select_view select_lock copy_to);
our @WRITES = qw(insert insert update update delete_rows merge copy_from modifying_cte);

# One statement: {text, uses, multi, copy, kind, order}.
sub make
{
	my ($self, $kind) = @_;
	$kind //= chance(0.68) ? pick(@READS) : pick(@WRITES);
	$self->{uses} = {};
	my $made = $self->$kind;
	$made = { text => $made } if !ref $made;
	return { %$made, kind => $kind, uses => $self->{uses} };
}

# The text for one side.  rights: of FuzzWorld.
sub render
{
	my ($world, $text, $side, $rights) = @_;
	my $real = $side eq 'real';
	my $in = $rights->{in};
	my $table_of = sub { my ($relation) = @_; return $world->{table}{ $relation =~ s/_.*//r }; };
	my $sees = sub { my ($t, $x) = @_; return $t->{kind} eq 'governed' ? 'true' : "$x.label IN ($in)"; };
	my $masked = sub { my ($t) = @_; return $t->{column_mask} && !FuzzModel::may_read($rights->{subject}, $t->{column_label}); };
	my $read = sub {
		my ($relation, $x, $only) = @_;
		my $t = $table_of->($relation);
		my $columns = join ', ', map { $_ eq 'c' && $masked->($t) ? "$t->{column_mask} AS c" : "q.$_" } @{ $t->{columns} };
		return "(SELECT $columns FROM $only$relation q WHERE " . $sees->($t, 'q') . " OFFSET 0) $x";
	};
	$text =~ s/\{T\}/$real ? 'dataclass.label' : 'text'/ge;
	$text =~ s/\{R:(\w+):(\w+)\}/$real ? "$1 $2" : $read->($1, $2, '')/ge;
	$text =~ s/\{O:(\w+):(\w+)\}/$real ? "ONLY $1 $2" : $read->($1, $2, 'ONLY ')/ge;
	$text =~ s/\{S:(\w+):(\w+)\}/$real ? "$1 $2 TABLESAMPLE SYSTEM (100)" : $read->($1, $2, '')/ge;
	$text =~ s/\{D:(\w+):(\w+)\}/$1 $2/g;
	$text =~ s/\{I:(\w+):(\w+)\}/$1 AS $2/g;
	$text =~ s/\{W:(\w+):(\w+)\}/$real ? 'true' : $sees->($table_of->($1), $2)/ge;
	$text =~ s/\{B:(\w+):(\w+)\}/$real ? '(' : 'CASE WHEN ' . $sees->($table_of->($1), $2) . ' THEN'/ge;
	$text =~ s/\{E\}/$real ? ')' : 'ELSE false END'/ge;
	$text =~ s/\{C:(\w+):(\w+)\}/$real || $table_of->($1)->{kind} eq 'governed' ? '' : "fzmodel.touch($2.label) AND"/ge;
	$text =~ s/\{M:(\w+):(\w+)\}/!$real && $masked->($table_of->($1)) ? $table_of->($1)->{column_mask} : "$2.c"/ge;
	$text =~ s/\{K:(\w+):([^}]+)\}/$real ? "COPY $1 ($2)" : "COPY (SELECT $2 FROM " . $read->($1, 'x', '') . ')'/ge;
	return $text;
}

# Must the statement be refused for a table or a column, whatever the rows?
sub refused
{
	my ($world, $uses, $rights) = @_;
	my $s = $rights->{subject};
	for my $what (sort keys %$uses)
	{
		my ($name, $column) = split /\./, $what;
		my $t = $world->{table}{$name};
		my $u = $uses->{$what};
		my $label = $column ? $t->{column_label} : $t->{kind} eq 'governed' ? $t->{ceiling} : undef;
		next if !defined $label;
		return 1 if $u->{w} && !FuzzModel::may_write($s, $label);
		return 1 if $u->{r} && !($column && $t->{column_mask}) && !FuzzModel::may_read($s, $label);
	}
	return 0;
}

1;
