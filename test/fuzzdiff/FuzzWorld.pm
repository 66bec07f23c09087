# FuzzWorld: random labels, roles and tables, made twice.
#
# Schema fzreal holds the labeled tables.  Schema fzmodel holds tables of the
# same shape whose label is plain text, with triggers that judge each written
# row by lists which the driver computes (FuzzModel) and keeps in settings:
#	fz.read, fz.write		labels
#	fz.relabel				"old>new" pairs
#	fz.within				"table>label" pairs: within the label of the table
#	fz.vouched				the same: within the ceiling that a constraint vouches for
# Neither draws a random number from the database's answers: a seed says all.
package FuzzWorld;
use strict;
use warnings;
use FuzzModel qw(@CLASSES @COMPARTMENTS order_classes dominates subject may_read may_write may_relabel);

our $UNREGISTERED = '#00000000000000f5';
our @SHIPPED = @CLASSES;
our @PRIVILEGES = qw(declassify reclassify export);

sub pick { return $_[ int rand @_ ]; }
sub chance { return rand() < $_[0]; }

sub random_label
{
	my ($max_clauses) = @_;
	my $text = pick(@CLASSES);
	my @clauses;
	for (1 .. int rand($max_clauses + 1))
	{
		push @clauses, join '|', map { pick(@COMPARTMENTS) } 1 .. 1 + int rand 2;
	}
	return @clauses ? "$text:" . join(',', @clauses) : $text;
}

# FuzzWorld->new(officer => WireClient of a superuser): makes everything anew.
sub new
{
	my ($class, %arg) = @_;
	my $self = bless { officer => $arg{officer}, model => $arg{model}, generation => 0 }, $class;
	$self->rank_classes(@SHIPPED);
	$self->drop;
	$self->make_labels;
	$self->make_roles;
	$self->make_tables;
	return $self;
}

# Once for a database: compartments, roles that all rounds share.
sub prepare
{
	my ($officer) = @_;
	$officer->must("INSERT INTO dataclass.compartment (name) VALUES " . join(', ', map { "('$_')" } @COMPARTMENTS) .
		" ON CONFLICT DO NOTHING");
	$officer->must("DO \$\$ BEGIN
		CREATE ROLE fz_top SUPERUSER;
		CREATE ROLE fz_r1; CREATE ROLE fz_r2; CREATE ROLE fz_r3; CREATE ROLE fz_r4;
		CREATE ROLE fz_member; CREATE ROLE fz_stranger; CREATE ROLE fz_super SUPERUSER;
		CREATE ROLE fz_bypass BYPASSRLS; CREATE ROLE fz_owner; CREATE ROLE fz_outsider NOINHERIT;
		GRANT fz_r1, fz_r2 TO fz_member;
		GRANT fz_r1 TO fz_outsider;
		EXCEPTION WHEN duplicate_object THEN NULL; END \$\$");
	$officer->must("SECURITY LABEL FOR dataclass ON ROLE fz_top IS 'secret:fza,fzb,fzc with (declassify, reclassify, export)'");
	return;
}

our %MEMBER_OF = (fz_member => [qw(fz_r1 fz_r2)]);
our @ROLES = qw(fz_r1 fz_r2 fz_r3 fz_r4 fz_member fz_stranger fz_super fz_bypass fz_owner fz_outsider);
our @LABELED_ROLES = qw(fz_r1 fz_r2 fz_r3 fz_r4 fz_super fz_bypass fz_owner);

sub drop
{
	my ($self) = @_;
	my $o = $self->{officer};
	$o->must('SET ROLE fz_top');
	$o->must('SET client_min_messages = error');
	$o->must('DROP SCHEMA IF EXISTS fzreal CASCADE');
	$o->must('DROP SCHEMA IF EXISTS fzmodel CASCADE');
	$o->must('CREATE SCHEMA fzreal');
	$o->must('CREATE SCHEMA fzmodel');
	$o->must('GRANT ALL ON SCHEMA fzreal TO PUBLIC');
	return;
}

sub make_labels
{
	my ($self) = @_;
	$self->{labels} = [];
	$self->{meaning} = {};
	$self->add_label($_) for 'open', 'secret', map { random_label(2) } 1 .. 5 + int rand 5;
	return;
}

# Registers a label.  Its canonical text is only its name here: what it means
# comes from the text it was made of.
sub add_label
{
	my ($self, $text) = @_;
	my $canonical = $self->{officer}->must("SELECT dataclass.create_label('$text')::text")->{rows}[0][0];
	return if $self->{meaning}{$canonical};
	$self->{meaning}{$canonical} = $text;
	push @{ $self->{labels} }, $canonical;
	$self->{generation}++;
	return;
}

# A label that is registered no more: its rows are there, and seen by nobody.
# Names of classes stay: the extension registers them.
sub drop_label
{
	my ($self) = @_;
	my $label = pick(@{ $self->{labels} });
	return 'no label less' if $label !~ /:/;
	$self->{labels} = [ grep { $_ ne $label } @{ $self->{labels} } ];
	delete $self->{meaning}{$label};
	$self->{officer}->must("DELETE FROM dataclass.row_label WHERE label = '$label'");
	$self->{generation}++;
	return "unregistered $label";
}

sub rank_classes
{
	my ($self, @order) = @_;
	my $sql = join '', map { "UPDATE dataclass.data_class SET rank = $_ + 100 WHERE name = '$order[$_]';" } 0 .. $#order;
	$self->{officer}->must("$sql UPDATE dataclass.data_class SET rank = rank - 100 WHERE rank >= 100") if "@order" ne "@CLASSES" || !$self->{generation};
	order_classes(@order);
	$self->{officer}->must("SECURITY LABEL FOR dataclass ON ROLE fz_top IS '$order[-1]:fza,fzb,fzc with (declassify, reclassify, export)'");
	$self->{generation}++;
	return "order @order";
}

# Two neighbours change places, or all is as shipped.
sub swap_classes
{
	my ($self) = @_;
	return $self->rank_classes(@SHIPPED) if chance(0.4);
	my @order = @CLASSES;
	my $at = int rand $#order;
	@order[ $at, $at + 1 ] = @order[ $at + 1, $at ];
	return $self->rank_classes(@order);
}

sub make_roles
{
	my ($self) = @_;
	$self->label_role($_) for @LABELED_ROLES;
	return;
}

# Gives a role a new clearance, or none.
sub label_role
{
	my ($self, $role) = @_;
	my $text = 'NULL';
	delete $self->{clearance}{$role};
	if (chance(0.85))
	{
		my $c = { ceiling => random_label(1), privileges => [ grep { chance(0.35) } @PRIVILEGES ] };
		$c->{ceiling} = pick('confidential', 'secret') . ':' . join(',', grep { chance(0.6) } @COMPARTMENTS) if chance(0.6);
		$c->{ceiling} =~ s/:$//;
		$c->{floor} = pick(@CLASSES[ 0 .. 2 ]) if chance(0.3);
		delete $c->{floor} if defined $c->{floor} && !dominates($c->{ceiling}, $c->{floor});
		$text = (defined $c->{floor} ? "$c->{floor}.." : '') . $c->{ceiling};
		$text .= ' with (' . join(', ', @{ $c->{privileges} }) . ')' if @{ $c->{privileges} };
		$text = "'$text'";
		$self->{clearance}{$role} = $c;
	}
	$self->{officer}->must("SECURITY LABEL FOR dataclass ON ROLE $role IS $text");
	$self->{generation}++;
	return "$role IS $text";
}

sub clearances_of
{
	my ($self, $role) = @_;
	return [ $self->{clearance}{$role} ] if $self->{clearance}{$role};
	my @inherited = map { $self->{clearance}{$_} // () } @{ $MEMBER_OF{$role} // [] };
	return @inherited ? \@inherited : [ { ceiling => 'public', privileges => [] } ];
}

# What a subject may do, as lists for the model; cached for as long as nothing changes.
sub rights
{
	my ($self, $role, $narrowing) = @_;
	my $key = join ' ', $self->{generation}, $role, $narrowing // '-';
	return $self->{rights}{$key} //= do {
		my $subject = subject($self->clearances_of($role), $narrowing);
		my @labels = @{ $self->{labels} };
		my $m = $self->{meaning};
		my (@within, @vouched);
		for my $t (@{ $self->{tables} // [] })
		{
			for my $label (@labels)
			{
				my @pairs = map { "$_>$label" } @{ $t->{relations} };
				push @within, @pairs if !defined $t->{ceiling} || dominates($t->{ceiling}, $m->{$label});
				push @vouched, @pairs if !defined $t->{vouched} || dominates($t->{vouched}, $m->{$label});
			}
		}
		my $rights = { subject => $subject,
			read    => [ grep { may_read($subject, $m->{$_}) } @labels ],
			write   => [ grep { may_write($subject, $m->{$_}) } @labels ],
			relabel => [ map { my $old = $_; map { "$old>$_" } grep { may_relabel($subject, $m->{$old}, $m->{$_}) } @labels } @labels ],
			within  => \@within,
			vouched => \@vouched };
		$rights->{in} = join(', ', map { "'$_'" } @{ $rights->{read} }) || 'NULL';
		$rights;
	};
}

# ---------------------------------------------------------------------------
# Tables
# ---------------------------------------------------------------------------

our @COLUMNS = qw(id a b c label);

sub make_tables
{
	my ($self) = @_;
	my $m = $self->{model};
	$m->must('CREATE FUNCTION fzmodel.listed(setting text, value text) RETURNS bool LANGUAGE sql STABLE AS
		$$ SELECT coalesce(value = ANY(current_setting(setting)::text[]), false) $$');
	$m->must(q{CREATE FUNCTION fzmodel.deny() RETURNS bool LANGUAGE plpgsql AS
		$$ BEGIN RAISE insufficient_privilege USING MESSAGE = 'model: denied'; END $$});
	$m->must(q{CREATE FUNCTION fzmodel.touch(label text) RETURNS bool LANGUAGE sql AS
		$$ SELECT CASE WHEN fzmodel.listed('fz.write', label) THEN true ELSE fzmodel.deny() END $$});
	$m->must(q{CREATE FUNCTION fzmodel.judge() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN
			IF TG_OP = 'DELETE' THEN
				PERFORM fzmodel.touch(OLD.label);
				RETURN OLD;
			END IF;
			IF NEW.label IS NULL THEN
				RAISE not_null_violation;
			END IF;
			IF TG_OP = 'UPDATE' AND OLD.label <> NEW.label AND NOT fzmodel.listed('fz.relabel', OLD.label || '>' || NEW.label) THEN
				PERFORM fzmodel.deny();
			END IF;
			PERFORM fzmodel.touch(NEW.label);
			IF NOT fzmodel.listed('fz.within', TG_TABLE_NAME || '>' || NEW.label) THEN
				PERFORM fzmodel.deny();
			END IF;
			IF NOT fzmodel.listed('fz.vouched', TG_TABLE_NAME || '>' || NEW.label) THEN
				RAISE check_violation;
			END IF;
			RETURN NEW;
		END $$});
	$self->{tables} = [];
	$self->make_table("t$_", pick(qw(plain plain list range hash inherit))) for 1 .. 3;
	$self->make_table('g1', 'governed');
	$self->make_views;
	return;
}

sub both
{
	my ($self, $sql) = @_;
	for my $side (qw(fzreal fzmodel))
	{
		my $type = $side eq 'fzreal' ? 'dataclass.label' : 'text COLLATE "C"';
		my $text = $sql =~ s/LABELTYPE/$type/gr;
		$self->{officer}->must("SET search_path = $side");
		$self->{officer}->must($text);
	}
	$self->{officer}->must('RESET search_path');
	return;
}

sub make_table
{
	my ($self, $name, $kind) = @_;
	my $t = { name => $name, kind => $kind, relations => [$name], columns => [@COLUMNS], children => [] };
	my $columns = 'id int NOT NULL, a int, b text COLLATE "C", c int, label LABELTYPE NOT NULL';
	my $key = $kind eq 'list' ? 'id, label' : 'id';
	if ($kind eq 'governed')
	{
		$t->{columns} = [qw(id a b c)];
		$self->both("CREATE TABLE $name (id int PRIMARY KEY, a int, b text COLLATE \"C\", c int)");
	}
	elsif ($kind =~ /^(list|range|hash)$/)
	{
		$self->both("CREATE TABLE $name ($columns, PRIMARY KEY ($key)) PARTITION BY $kind (" . ($kind eq 'list' ? 'label' : 'id') . ')');
		my %bounds = $self->partitions($kind);
		for my $n (sort keys %bounds)
		{
			$self->both("CREATE TABLE ${name}_$n PARTITION OF $name $bounds{$n}");
			push @{ $t->{children} }, "${name}_$n";
		}
	}
	else
	{
		$self->both("CREATE TABLE $name ($columns, PRIMARY KEY (id))");
		if ($kind eq 'inherit')
		{
			for my $n (1, 2)
			{
				$self->both("CREATE TABLE ${name}_$n (" . ($n == 2 ? 'extra int, ' : '') . "PRIMARY KEY (id)) INHERITS ($name)");
				push @{ $t->{children} }, "${name}_$n";
			}
		}
	}
	push @{ $t->{relations} }, @{ $t->{children} };
	$t->{key} = $key;
	$self->both("ALTER TABLE $name OWNER TO fz_owner") if chance(0.5);
	for my $index ('(label)', '(a)', '(label, a)', '(b)', '(lower(b))', '(c) WHERE a > 4', '(a, label)')
	{
		next if $kind eq 'governed' && $index =~ /label/;
		$self->both("CREATE INDEX ON $name $index") if chance(0.3);
	}
	push @{ $self->{tables} }, $t;
	$self->{table}{$name} = $t;
	$self->label_table($t);
	$self->label_column($t) if chance(0.35);
	my $vouch = $kind ne 'governed' && defined $t->{ceiling} && chance(0.7);
	$self->fill($t, !$vouch);
	$self->vouch($t) if $vouch;
	$self->{officer}->must("GRANT ALL ON ALL TABLES IN SCHEMA fzreal TO PUBLIC");
	if ($kind ne 'governed')
	{
		$self->{model}->must("CREATE TRIGGER judge BEFORE INSERT OR UPDATE OR DELETE ON fzmodel.$_ FOR EACH ROW EXECUTE FUNCTION fzmodel.judge()")
			for $t->{children} && $kind eq 'inherit' ? @{ $t->{relations} } : $name;
	}
	$self->both("ANALYZE $name");
	return;
}

sub partitions
{
	my ($self, $kind) = @_;
	return (1 => 'FOR VALUES FROM (MINVALUE) TO (30)', 2 => 'FOR VALUES FROM (30) TO (60)', 3 => 'DEFAULT') if $kind eq 'range';
	return map { ($_ => "FOR VALUES WITH (MODULUS 3, REMAINDER $_)") } 0 .. 2 if $kind eq 'hash';
	my @labels = @{ $self->{labels} };
	my $half = int(@labels / 2);
	return (1 => "FOR VALUES IN ('$labels[0]')",
		2 => 'FOR VALUES IN (' . join(', ', map { "'$_'" } @labels[ 1 .. $half ]) . ')', 3 => 'DEFAULT');
}

# A ceiling for a row-labeled table, the label of one without row labels.
sub label_table
{
	my ($self, $t) = @_;
	my $text = $t->{kind} eq 'governed' ? random_label(1) : chance(0.65) ? pick('secret:fza,fzb,fzc', 'secret', 'secret:fza', 'confidential', 'confidential:fza,fzb', 'restricted:fzb', random_label(1)) : undef;
	return "$t->{name}: as it is" if !defined $text && !defined $t->{ceiling};
	$self->{officer}->must("SECURITY LABEL FOR dataclass ON TABLE fzreal.$t->{name} IS " . (defined $text ? "'$text'" : 'NULL'));
	$t->{ceiling} = $text;
	$self->{generation}++;
	return "$t->{name} IS " . ($text // 'NULL');
}

sub label_column
{
	my ($self, $t) = @_;
	my $text = random_label(1);
	# what stands in the label, and what the model reads instead of the column
	my ($mask, $instead) = @{ pick([ '', undef ], [ ' mask', 'NULL::int' ], [ " mask constant(''7'')", '7' ]) };
	$self->{officer}->must("SECURITY LABEL FOR dataclass ON COLUMN fzreal.$t->{name}.c IS '$text$mask'");
	$t->{column_label} = $text;
	$t->{column_mask} = $instead;
	$self->{generation}++;
	return;
}

# A row as text for VALUES; columns in their order.
sub random_row
{
	my ($self, $t, $id, $label) = @_;
	my @values = ($id, int rand 10, "'w" . int(rand 10) . "'", chance(0.2) ? 'NULL' : int rand 100);
	push @values, "'$label'" if $t->{kind} ne 'governed';
	return '(' . join(', ', @values) . ')';
}

sub fill
{
	my ($self, $t, $unregistered) = @_;
	my @labels = grep { !defined $t->{ceiling} || dominates($t->{ceiling}, $self->{meaning}{$_}) } @{ $self->{labels} };
	my $columns = join ', ', @{ $t->{columns} };
	for my $relation ($t->{kind} eq 'inherit' ? @{ $t->{relations} } : $t->{name})
	{
		my @rows = map { $self->random_row($t, $_, pick(@labels)) } grep { chance(0.6) } 1 .. 60;
		next if !@rows || !@labels;
		$self->both("INSERT INTO $relation ($columns) VALUES " . join(', ', @rows));
		next if $t->{kind} eq 'governed' || !$unregistered || !chance(0.3);
		# nobody sees it: only a restore can have left such a row
		$self->both("SET check_function_bodies = off; INSERT INTO $relation ($columns) VALUES (999, 1, 'w1', 1, '$UNREGISTERED')");
		$self->{officer}->must('RESET check_function_bodies');
	}
	return;
}

# A constraint by which core vouches for the ceiling: plans may do without the filter.
sub vouch
{
	my ($self, $t) = @_;
	if (chance(0.5))
	{
		$self->{officer}->must("SELECT dataclass.protect('fzreal.$t->{name}', '$t->{ceiling}')");
		$t->{protected} = 1;
	}
	else
	{
		my $era = $self->{officer}->must('SELECT dataclass.policy_era()')->{rows}[0][0];
		$self->{officer}->must("ALTER TABLE fzreal.$t->{name} ADD CONSTRAINT vouched CHECK (dataclass.row_within(label, '$t->{ceiling}', '$era'))");
	}
	$t->{vouched} = $t->{ceiling};
	$self->{generation}++;
	return;
}

sub unvouch
{
	my ($self, $t) = @_;
	return 'no constraint' if !defined $t->{vouched} || $t->{protected};
	delete $t->{vouched};
	$self->{officer}->must("ALTER TABLE fzreal.$t->{name} DROP CONSTRAINT vouched");
	$self->{generation}++;
	return "$t->{name}: constraint dropped";
}

# After a new era, constraints that core may rely on again.
sub renew
{
	my ($self, $t) = @_;
	$self->{officer}->must("SELECT dataclass.renew_ceilings('fzreal.$t->{name}')");
	return "$t->{name}: ceiling renewed";
}

# Views and functions over each table: of a superuser, of a plain owner,
# security_invoker; SQL functions inlined or not, PL/pgSQL.
sub make_views
{
	my ($self) = @_;
	for my $t (grep { $_->{kind} ne 'governed' } @{ $self->{tables} })
	{
		my $n = $t->{name};
		my %from = (fzreal => $n, fzmodel => "(SELECT * FROM $n WHERE fzmodel.listed('fz.read', label) OFFSET 0) q");
		for my $side (qw(fzreal fzmodel))
		{
			my $o = $self->{officer};
			$o->must("SET search_path = $side");
			$o->must("CREATE VIEW ${n}_v AS SELECT id, a, b, label FROM $from{$side}");
			$o->must("CREATE VIEW ${n}_vo AS SELECT id, a, b, label FROM $from{$side} WHERE a < 8");
			$o->must("CREATE VIEW ${n}_vi WITH (security_invoker) AS SELECT id, a, b, label FROM $from{$side}");
			$o->must("CREATE VIEW ${n}_vb WITH (security_barrier) AS SELECT a, count(*) AS n, max(b) AS b FROM $from{$side} GROUP BY a");
			$o->must("ALTER VIEW ${n}_vo OWNER TO fz_owner") if $side eq 'fzreal';
			my $type = $side eq 'fzreal' ? 'dataclass.label' : 'text';
			my $result = "TABLE (id int, a int, b text, label $type)";
			$o->must("CREATE FUNCTION ${n}_fs(int) RETURNS $result LANGUAGE sql STABLE AS 'SELECT id, a, b, label FROM $from{$side} WHERE a >= \$1'") if $side eq 'fzreal';
			$o->must("CREATE FUNCTION ${n}_fs(int) RETURNS $result LANGUAGE sql STABLE AS \$f\$SELECT id, a, b, label FROM $from{$side} WHERE a >= \$1\$f\$") if $side eq 'fzmodel';
			$o->must("CREATE FUNCTION ${n}_fa(int) RETURNS $result LANGUAGE sql STABLE SECURITY DEFINER BEGIN ATOMIC SELECT id, a, b, label FROM $from{$side} WHERE a >= \$1; END");
			$o->must("CREATE FUNCTION ${n}_fp(int) RETURNS $result LANGUAGE plpgsql STABLE AS \$f\$#variable_conflict use_column\nBEGIN RETURN QUERY SELECT q.id, q.a, q.b, q.label FROM $from{$side}" .
				($side eq 'fzreal' ? ' q' : '') . " WHERE q.a >= \$1; END\$f\$");
			$o->must("CREATE FUNCTION ${n}_fn(int) RETURNS bigint LANGUAGE sql STABLE AS \$f\$SELECT count(*) FROM $from{$side} WHERE a >= \$1\$f\$");
		}
		$self->{officer}->must('RESET search_path');
		$self->{officer}->must('GRANT ALL ON ALL TABLES IN SCHEMA fzreal TO PUBLIC');
	}
	return;
}

1;
