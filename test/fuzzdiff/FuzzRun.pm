# FuzzRun: one round of the differential fuzzer.
#
# Three connections: "real" is the subject, whose role, narrowing and
# transactions go up and down; "model" is a superuser on the tables of the
# model; "officer" labels, and reads all when the contents are compared.
# What the subject is at any moment is followed here, not asked.
package FuzzRun;
use strict;
use warnings;
use FuzzModel;
use FuzzStatements;
use FuzzWorld;
use WireClient;

*pick = \&FuzzWorld::pick;
*chance = \&FuzzWorld::chance;

# FuzzRun->new(seed =>, connect => { host, port, user, database }, verbose =>)
sub new
{
	my ($class, %arg) = @_;
	my $self = bless { %arg, number => 0, compared => 0, prepared => {}, differences => [] }, $class;
	srand $arg{seed};
	$self->{$_} = WireClient->new(%{ $arg{connect} }, name => "fuzz_$_") for qw(real model officer);
	$self->{world} = FuzzWorld->new(officer => $self->{officer}, model => $self->{model});
	$self->{maker} = FuzzStatements->new($self->{world});
	$self->{$_->[0]}->must("SET search_path = $_->[1]") for [ real => 'fzreal' ], [ model => 'fzmodel' ];
	$self->{$_}->must('SET client_min_messages = error') for qw(real model);
	$self->{state} = {};
	$self->{savepoints} = [];
	return $self;
}

# ---------------------------------------------------------------------------
# The subject
# ---------------------------------------------------------------------------

sub role { my ($self) = @_; my $s = $self->{state}; return $s->{role_local} // $s->{role} // $s->{login} // $self->{connect}{user}; }

sub narrowing { my ($self) = @_; my $s = $self->{state};
	my $text = exists $s->{narrow_local} ? $s->{narrow_local} : $s->{narrow}; return $text; }

sub rights { my ($self) = @_; return $self->{world}->rights($self->role, $self->narrowing); }

# The model's triggers judge by settings.
sub push_rights
{
	my ($self) = @_;
	my $rights = $self->rights;
	return $rights if ($self->{pushed} // 0) == $rights;
	my $sql = join ', ', map {
		my $list = join ',', map { qq("$_") } @{ $rights->{$_} };
		"set_config('fz.$_', '{$list}', false)"
	} qw(read write relabel within vouched);
	$self->{model}->must("SELECT $sql");
	$self->{pushed} = $rights;
	return $rights;
}

# ---------------------------------------------------------------------------
# Both sides
# ---------------------------------------------------------------------------

sub note { my ($self, @text) = @_; print map { "$_\n" } @text if $self->{verbose}; return; }

# The same command on both sides, which must not fail.
sub both
{
	my ($self, $sql) = @_;
	$self->note("    both: $sql");
	for my $side (qw(real model))
	{
		my $result = $self->{$side}->run($sql);
		$self->differ("$sql failed on side $side", $sql, $sql, $result, $result) if $result->{error};
	}
	return;
}

sub real_only
{
	my ($self, $sql) = @_;
	$self->note("    real: $sql");
	my $result = $self->{real}->run($sql);
	$self->differ("\"$sql\" failed", $sql, '', $result, $result) if $result->{error};
	return $result;
}

# A statement through the simple or the extended protocol.
sub ask
{
	my ($self, $side, $sql, $copy, $extended) = @_;
	my $client = $self->{$side};
	return $client->run($sql, $copy) if !$extended;
	my @results = $client->parse('', $sql)->bind_portal('', '')->execute('')->sync;
	return $results[-1];
}

sub text_of
{
	my ($result) = @_;
	return "ERROR $result->{error}{code}: $result->{error}{message}" if $result->{error};
	my @rows = sort map { join ' | ', map { $_ // 'NULL' } @$_ } @{ $result->{rows} };
	return join "\n", $result->{tag} // 'suspended', @rows;
}

# Errors that the order of rows may exchange for each other in a statement that writes several.
my %exchangeable = map { $_ => 1 } qw(42501 23505 23502 23514 21000 22012);

sub same
{
	my ($real, $model, $multi) = @_;
	my ($r, $m) = map { $_->{error} ? $_->{error}{code} : '' } $real, $model;
	return $r eq $m || $multi && $exchangeable{$r} && $exchangeable{$m} if $r && $m;
	return text_of($real) eq text_of($model);
}

sub differ
{
	my ($self, $what, $real_sql, $model_sql, $real, $model) = @_;
	my $short = sub { my @lines = split /\n/, $_[0]; @lines = (@lines[ 0 .. 24 ], '...') if @lines > 26; return map { "  $_" } @lines; };
	my $text = join "\n", "difference: seed $self->{seed}, statement $self->{number}: $what",
		'subject: ' . $self->role . ', ceiling ' . ($self->narrowing // 'none') . ', clearances ' .
		join('; ', map { ($_->{floor} // '') . ".. $_->{ceiling} (@{ $_->{privileges} })" } @{ $self->{world}->clearances_of($self->role) }),
		"labeled: $real_sql", $short->(text_of($real)), "model: $model_sql", $short->(text_of($model));
	push @{ $self->{differences} }, $text;
	die "difference\n";
}

sub compare
{
	my ($self, $statement, $real_sql, $model_sql, %how) = @_;
	my $real = $self->ask('real', $real_sql, $how{copy}, $how{extended});
	my $model = $self->ask('model', $model_sql, $how{copy}, 0);
	$self->{compared}++;
	$self->{seen}{ $real->{error} ? "error $real->{error}{code}" : @{ $real->{rows} } ? 'rows' : 'no rows' }++;
	$self->differ($statement->{kind}, $real_sql, $model_sql, $real, $model) if !same($real, $model, $statement->{multi});
	$self->differ("$statement->{kind}: states of the transactions", $real_sql, $model_sql, $real, $model)
		if $self->{real}{status} ne $self->{model}{status};
	return $real;
}

sub run_statement
{
	my ($self, $statement, $real_sql, $param) = @_;
	my $rights = $self->push_rights;
	my $refused = FuzzStatements::refused($self->{world}, $statement->{uses}, $rights);
	my $model_sql = FuzzStatements::render($self->{world}, $statement->{text}, 'model', $rights);
	$model_sql =~ s/\$1/$param/g if defined $param;
	$model_sql = 'SELECT fzmodel.deny()' if $refused;
	my $extended = !defined $real_sql && !defined $statement->{copy} && $statement->{kind} ne 'copy_to' && chance(0.2);
	$real_sql //= FuzzStatements::render($self->{world}, $statement->{text}, 'real', $rights);
	$self->note("$self->{number} " . $self->role . ": $real_sql", "    model: $model_sql");
	return $self->compare($statement, $real_sql, $model_sql, copy => $refused ? undef : $statement->{copy}, extended => $extended)
		if !$refused || !defined $statement->{copy};
	return $self->compare($statement, $real_sql, $model_sql, copy => $statement->{copy});
}

# ---------------------------------------------------------------------------
# Steps
# ---------------------------------------------------------------------------

sub step_statement { my ($self) = @_; return $self->run_statement($self->{maker}->make); }

sub step_prepare
{
	my ($self) = @_;
	my $statement = $self->{maker}->make;
	return $self->run_statement($statement) if $statement->{kind} =~ /^copy/ || keys %{ $self->{prepared} } > 25;
	my $parameter = $statement->{text} =~ s/([xy]\.(?:id|a) (?:=|<|>|<=|<>|BETWEEN)) \d+/$1 \$1/;
	my $name = 'p' . ++$self->{names};
	my $text = FuzzStatements::render($self->{world}, $statement->{text}, 'real', $self->rights);
	$self->real_only("PREPARE $name" . ($parameter ? ' (int)' : '') . " AS $text");
	$self->{prepared}{$name} = { %$statement, parameter => $parameter };
	return;
}

sub step_execute
{
	my ($self) = @_;
	my @names = sort keys %{ $self->{prepared} };
	return $self->step_prepare if !@names;
	my $name = pick(@names);
	my $statement = $self->{prepared}{$name};
	my $param = $statement->{parameter} ? int rand 30 : undef;
	$self->run_statement($statement, "EXECUTE $name" . (defined $param ? "($param)" : ''), $param);
	return;
}

sub step_role
{
	my ($self) = @_;
	my $role = pick(@FuzzWorld::ROLES);
	my $s = $self->{state};
	if (defined $s->{login} && $s->{login} ne 'fz_super')
	{
		# a plain session user may not take on other roles
		return if $self->{real}{status} ne 'I' || chance(0.3);
		$self->real_only('RESET SESSION AUTHORIZATION');
		delete @$s{qw(login role role_local)};
		return;
	}
	my $in = $self->{real}{status} eq 'T';
	my $how = rand;
	if ($how < 0.55) { $self->real_only("SET ROLE $role"); $s->{role} = $role; delete $s->{role_local}; }
	elsif ($how < 0.7) { $self->real_only("SELECT set_config('role', '$role', false)"); $s->{role} = $role; delete $s->{role_local}; }
	elsif ($how < 0.85 && $in) { $self->real_only("SET LOCAL ROLE $role"); $s->{role_local} = $role; }
	elsif ($how < 0.9 && !$in) { $self->real_only('RESET ROLE'); $self->real_only("SET SESSION AUTHORIZATION $role"); $self->{state} = { login => $role, map { exists $s->{$_} ? ($_ => $s->{$_}) : () } 'narrow' }; }
	elsif ($how < 0.95 && !$in) { $self->real_only('RESET SESSION AUTHORIZATION'); delete @$s{qw(login role role_local)}; }
	else { $self->real_only('RESET ROLE'); delete @$s{qw(role role_local)}; }
	return;
}

sub step_ceiling
{
	my ($self) = @_;
	my $s = $self->{state};
	my $label = FuzzWorld::random_label(1);
	$label = pick('secret:fza,fzb,fzc', 'confidential:fza,fzb', 'restricted') if chance(0.5);
	if (chance(0.4)) { $self->real_only('RESET dataclass.session_ceiling'); delete @$s{qw(narrow narrow_local)}; }
	elsif ($self->{real}{status} eq 'T' && chance(0.5)) { $self->real_only("SET LOCAL dataclass.session_ceiling = '$label'"); $s->{narrow_local} = $label; }
	else { $self->real_only("SET dataclass.session_ceiling = '$label'"); $s->{narrow} = $label; delete $s->{narrow_local}; }
	return;
}

# Takes back to what a rollback would.
sub restore { my ($self, $saved) = @_; $self->{state} = {%$saved}; $self->{pushed} = undef; return; }

sub end_transaction
{
	my ($self, $commit) = @_;
	$commit = 0 if $self->{real}{status} ne 'T';
	$self->both($commit ? 'COMMIT' : 'ROLLBACK');
	if ($commit) { delete @{ $self->{state} }{qw(role_local narrow_local)}; }
	else { $self->restore($self->{savepoints}[0][1]); }
	$self->{savepoints} = [];
	return;
}

sub step_transaction
{
	my ($self) = @_;
	my $status = $self->{real}{status};
	my $stack = $self->{savepoints};
	if ($status eq 'I')
	{
		$self->both('BEGIN');
		push @$stack, [ '', { %{ $self->{state} } } ];
	}
	elsif (@$stack > 1 && ($status eq 'E' || chance(0.4)) && chance(0.7))
	{
		my $n = 1 + int rand $#$stack;
		if ($status eq 'T' && chance(0.3))
		{
			$self->both("RELEASE $stack->[$n][0]");
			$#$stack = $n - 1;
		}
		else
		{
			$self->both("ROLLBACK TO $stack->[$n][0]");
			$self->restore($stack->[$n][1]);
			$#$stack = $n;
		}
	}
	elsif ($status eq 'T' && @$stack < 4 && chance(0.5))
	{
		my $name = 's' . ++$self->{names};
		$self->both("SAVEPOINT $name");
		push @$stack, [ $name, { %{ $self->{state} } } ];
	}
	else
	{
		$self->end_transaction(chance(0.6));
	}
	return;
}

# A cursor; now and then the subject changes before it goes on: it may be
# refused, but must give no row that the new subject may not read.
sub step_cursor
{
	my ($self) = @_;
	my $t = $self->{maker}->table(qw(plain list range hash inherit)) // return;
	my $relation = $self->{maker}->relation_of($t);
	my $order = pick('', ' ORDER BY x.id, x.a, x.b, x.label::text', ' ORDER BY x.b, x.id, x.a, x.label::text');
	my $text = "SELECT x.label::text, x.id, x.a, x.b FROM {R:$relation:x}$order";
	my $statement = { kind => 'cursor' };
	my $own = $self->{real}{status} eq 'I';
	$self->both('BEGIN') if $own;
	push @{ $self->{savepoints} }, [ '', { %{ $self->{state} } } ] if $own;
	my $rights = $self->push_rights;
	$self->{$_}->must("DECLARE cu " . (chance(0.2) ? 'SCROLL ' : '') . "CURSOR FOR " . FuzzStatements::render($self->{world}, $text, $_, $rights)) for qw(real model);
	$self->compare($statement, 'FETCH 3 FROM cu', 'FETCH 3 FROM cu') if $order;
	$self->{$_}->run('FETCH 3 FROM cu') for $order ? () : qw(real model);
	if (chance(0.5) && !defined $self->{state}{login})
	{
		my $role = pick(@FuzzWorld::ROLES);
		$self->real_only("SET LOCAL ROLE $role");
		$self->{state}{role_local} = $role;
		my %may = map { $_ => 1 } @{ $self->rights->{read} };
		my $result = $self->{real}->run('FETCH ALL FROM cu');
		$self->{compared}++;
		$self->differ('cursor after SET ROLE', "$text; FETCH 3; SET LOCAL ROLE $role; FETCH ALL", '', $result, {rows => []})
			if $result->{error} ? $result->{error}{code} ne '42501' : grep { !$may{ $_->[0] } } @{ $result->{rows} };
		$self->{model}->run('SELECT fzmodel.deny()') if $result->{error};
	}
	elsif ($order)
	{
		$self->compare($statement, 'FETCH ALL FROM cu', 'FETCH ALL FROM cu');
	}
	$self->both('CLOSE cu') if $self->{real}{status} eq 'T' && !$own;
	$self->end_transaction(chance(0.5)) if $own;
	return;
}

# UPDATE and DELETE ... WHERE CURRENT OF.
sub step_current_of
{
	my ($self) = @_;
	my $t = $self->{maker}->table('plain') // return;
	my $n = int rand 60;
	return if $self->{real}{status} ne 'I';
	$self->both('BEGIN');
	push @{ $self->{savepoints} }, [ '', { %{ $self->{state} } } ];
	my $rights = $self->push_rights;
	my $where = "x.id BETWEEN $n AND " . ($n + 3);
	$self->{real}->must("DECLARE cu CURSOR FOR SELECT x.id FROM $t->{name} x WHERE $where ORDER BY x.id FOR UPDATE");
	$self->{model}->must("DECLARE cu CURSOR FOR SELECT x.id FROM $t->{name} x WHERE x.label IN ($rights->{in}) AND $where ORDER BY x.id FOR UPDATE");
	my $statement = { kind => 'where_current_of' };
	my $result = $self->compare($statement, 'FETCH 1 FROM cu', 'FETCH 1 FROM cu');
	if (@{ $result->{rows} })
	{
		my $sql = pick("UPDATE $t->{name} SET a = 5", "DELETE FROM $t->{name}", "UPDATE $t->{name} SET label = " . $self->{maker}->label_literal) . ' WHERE CURRENT OF cu';
		$self->compare($statement, $sql, $sql);
	}
	$self->end_transaction(chance(0.5));
	return;
}

# Somebody else labels.
sub step_officer
{
	my ($self) = @_;
	my $w = $self->{world};
	# what locks a table waits until the subject holds none
	my $idle = $self->{real}{status} eq 'I';
	my $how = rand;
	my $what =
		$how < 0.55 ? $w->label_role(pick(@FuzzWorld::LABELED_ROLES)) :
		$how < 0.65 ? $w->add_label(FuzzWorld::random_label(2)) // 'a label more' :
		$how < 0.70 ? $w->drop_label :
		$how < 0.77 ? $w->swap_classes :
		!$idle ? $w->label_role('fz_r1') :
		$how < 0.92 ? $w->label_table(pick(@{ $w->{tables} })) :
		$how < 0.97 ? $w->renew(pick(@{ $w->{tables} })) : $w->unvouch(pick(@{ $w->{tables} }));
	$self->note("    officer: $what");
	return;
}

my @settings = (map({ my $s = $_; map { "$s = $_" } qw(on off) } qw(enable_seqscan enable_indexscan enable_bitmapscan enable_indexonlyscan
		enable_hashjoin enable_mergejoin enable_nestloop enable_hashagg enable_sort enable_material enable_memoize enable_partition_pruning
		enable_partitionwise_join enable_partitionwise_aggregate enable_incremental_sort)),
	map({ "plan_cache_mode = $_" } qw(auto force_generic_plan force_generic_plan force_custom_plan)),
	'parallel_setup_cost = 0', 'parallel_tuple_cost = 0', 'min_parallel_table_scan_size = 0', 'max_parallel_workers_per_gather = 2',
	'max_parallel_workers_per_gather = 0', 'force_parallel_mode = off', 'force_parallel_mode = regress', 'work_mem = 64', 'work_mem = 4096',
	'from_collapse_limit = 1', 'from_collapse_limit = 8', 'constraint_exclusion = on', 'constraint_exclusion = partition', 'row_security = on');

sub step_setting
{
	my ($self) = @_;
	return if $self->{real}{status} ne 'I';
	$self->real_only('SET ' . pick(@settings));
	return;
}

sub step_discard
{
	my ($self) = @_;
	return if $self->{real}{status} ne 'I';
	return $self->real_only('DISCARD PLANS') if chance(0.5);
	$self->real_only('DISCARD ALL');
	$self->real_only('SET search_path = fzreal');
	$self->{state} = {};
	$self->{prepared} = {};
	return;
}

# Every row of every table, as read by one who may read all.
sub compare_contents
{
	my ($self) = @_;
	for my $t (@{ $self->{world}{tables} })
	{
		my @columns = map { $_ eq 'label' ? 'x.label::text' : "x.$_" } @{ $t->{columns} };
		my $list = join ', ', 'replace(replace(x.tableoid::regclass::text, \'fzreal.\', \'\'), \'fzmodel.\', \'\')', @columns;
		my $where = $t->{kind} eq 'governed' ? '' : ' WHERE x.label IN (' . join(', ', map { "'$_'" } @{ $self->{world}{labels} }) . ')';
		my $real_sql = "SELECT $list FROM fzreal.$t->{name} x";
		my $model_sql = "SELECT $list FROM fzmodel.$t->{name} x$where";
		my ($real, $model) = ($self->{officer}->run($real_sql), $self->{model}->run($model_sql));
		$self->differ("contents of $t->{name}", $real_sql, $model_sql, $real, $model) if !same($real, $model);
	}
	return;
}

my @steps = ((['statement']) x 55, (['prepare']) x 5, (['execute']) x 20, (['role']) x 9, (['ceiling']) x 4, (['transaction']) x 8,
	(['cursor']) x 3, (['current_of']) x 1, (['officer']) x 4, (['setting']) x 4, (['discard']) x 1);

# One round; false if there was a difference.
sub round
{
	my ($self, $statements) = @_;
	my $ok = eval {
		while ($self->{compared} < $statements)
		{
			$self->{number}++;
			my $step = 'step_' . ($self->{real}{status} eq 'E' ? 'transaction' : pick(@steps)->[0]);
			$self->$step;
			$self->compare_contents if $self->{real}{status} eq 'I' && $self->{number} % 20 == 0;
		}
		$self->end_transaction(1) if $self->{real}{status} ne 'I';
		$self->compare_contents;
		1;
	};
	my $error = $@;
	push @{ $self->{differences} }, "seed $self->{seed}, statement $self->{number}: $error" if !$ok && $error ne "difference\n";
	$self->{$_}->finish for qw(real model officer);
	return $ok;
}

1;
