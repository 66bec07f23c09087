# SubjectWorld: tables, roles and statements for tests that change the subject
# between the executions of one plan.
package SubjectWorld;
use strict;
use warnings;
use WireClient;

# Roles from low to high; sub_login logs in and is a superuser without a clearance of its own.
sub create
{
	my ($admin) = @_;
	$admin->must($_) for split /;\n/, q{CREATE EXTENSION IF NOT EXISTS pg_dataclass;
INSERT INTO dataclass.compartment (name) VALUES ('subx');
CREATE ROLE sub_top SUPERUSER;
SECURITY LABEL FOR dataclass ON ROLE sub_top IS 'secret:subx with (declassify, reclassify, export)';
CREATE ROLE sub_login LOGIN SUPERUSER;
CREATE ROLE sub_low;
CREATE ROLE sub_mid BYPASSRLS;
CREATE ROLE sub_high;
CREATE ROLE sub_boss SUPERUSER;
CREATE ROLE sub_none;
CREATE ROLE sub_group;
CREATE ROLE sub_member IN ROLE sub_group;
SECURITY LABEL FOR dataclass ON ROLE sub_low IS 'public';
SECURITY LABEL FOR dataclass ON ROLE sub_mid IS 'confidential';
SECURITY LABEL FOR dataclass ON ROLE sub_high IS 'secret:subx with (declassify, reclassify)';
SECURITY LABEL FOR dataclass ON ROLE sub_boss IS 'secret';
SECURITY LABEL FOR dataclass ON ROLE sub_group IS 'secret:subx';
SELECT dataclass.create_label('secret:subx');
SET ROLE sub_top;
CREATE SCHEMA sub;
GRANT USAGE ON SCHEMA sub TO PUBLIC;
SET search_path = sub, public;
CREATE TABLE plain (id int PRIMARY KEY, a int, body text, pin text, label dataclass.label NOT NULL);
CREATE TABLE vouched (LIKE plain INCLUDING ALL);
CREATE TABLE parts (id int, a int, body text, label dataclass.label NOT NULL) PARTITION BY LIST (label);
CREATE TABLE parts_low PARTITION OF parts FOR VALUES IN ('open', 'public');
CREATE TABLE parts_mid PARTITION OF parts FOR VALUES IN ('restricted', 'confidential');
CREATE TABLE parts_high PARTITION OF parts FOR VALUES IN ('secret', 'secret:subx');
CREATE TABLE governed (id int PRIMARY KEY, a int);
INSERT INTO plain SELECT i, i % 7, 'body ' || i, 'pin ' || i, (ARRAY['open', 'public', 'restricted', 'confidential', 'secret', 'secret:subx'])[i % 6 + 1]::dataclass.label FROM generate_series(1, 900) i;
INSERT INTO vouched SELECT * FROM plain;
INSERT INTO parts SELECT id, a, body, label FROM plain;
INSERT INTO governed SELECT i, i % 3 FROM generate_series(1, 30) i;
CREATE INDEX ON plain (label);
CREATE INDEX ON vouched (a, label);
CREATE INDEX ON vouched (body);
CREATE INDEX ON parts (a);
SECURITY LABEL FOR dataclass ON TABLE vouched IS 'secret:subx';
SECURITY LABEL FOR dataclass ON TABLE governed IS 'restricted';
SECURITY LABEL FOR dataclass ON COLUMN plain.pin IS 'confidential mask';
SECURITY LABEL FOR dataclass ON COLUMN vouched.pin IS 'secret';
CREATE VIEW v_plain AS SELECT * FROM plain;
CREATE VIEW v_vouched WITH (security_invoker) AS SELECT id, a, body, label FROM vouched;
CREATE VIEW v_barrier WITH (security_barrier) AS SELECT id, a, body, label FROM vouched WHERE a < 6;
CREATE FUNCTION f_inlined(int) RETURNS TABLE (id int, label dataclass.label) LANGUAGE sql STABLE AS 'SELECT id, label FROM sub.vouched WHERE a = $1';
CREATE FUNCTION f_scalar() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT count(*) FROM sub.vouched';
CREATE FUNCTION f_definer() RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER AS 'SELECT count(*) FROM sub.parts';
CREATE FUNCTION f_plpgsql() RETURNS bigint LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT count(*) FROM sub.vouched); END';
CREATE FUNCTION f_atomic() RETURNS bigint LANGUAGE sql STABLE BEGIN ATOMIC SELECT count(*) FROM sub.vouched WHERE a < 5; END;
CREATE FUNCTION f_trusted() RETURNS bigint LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT count(*) FROM sub.vouched); END';
SECURITY LABEL FOR dataclass ON FUNCTION f_trusted() IS 'trusted secret:subx';
GRANT ALL ON ALL TABLES IN SCHEMA sub TO PUBLIC};
	vouch($admin);
	$admin->must('VACUUM ANALYZE plain, vouched, parts, governed');
	return;
}

sub vouch
{
	my ($admin) = @_;
	my $era = $admin->must('SELECT dataclass.policy_era()')->{rows}[0][0];
	$admin->must('ALTER TABLE sub.vouched DROP CONSTRAINT IF EXISTS ceiling');
	$admin->must("ALTER TABLE sub.vouched ADD CONSTRAINT ceiling CHECK (dataclass.row_within(label, 'secret:subx', '$era'))");
	return;
}

# Each gives few rows, another answer for each clearance.
our %STATEMENTS = (
	full          => 'SELECT count(*), sum(id) FROM plain',
	full_vouched  => 'SELECT count(*), sum(id) FROM vouched',
	point         => 'SELECT id, label::text FROM vouched WHERE id BETWEEN 100 AND 111 ORDER BY id',
	leaky_index   => "SELECT count(*) FROM vouched WHERE body LIKE 'body 1%'",
	label_index   => "SELECT count(*) FROM plain WHERE label = 'secret'",
	label_second  => 'SELECT a, count(*) FROM vouched GROUP BY a ORDER BY a',
	parts         => 'SELECT count(*), min(id) FROM parts',
	parts_child   => 'SELECT count(*) FROM parts_high',
	parts_where   => 'SELECT count(*) FROM parts WHERE a = 3',
	join          => 'SELECT count(*) FROM plain p JOIN vouched v ON p.id = v.id JOIN parts q ON q.id = v.id',
	outer_join    => 'SELECT count(*), count(v.id) FROM plain p LEFT JOIN vouched v ON v.id = p.id + 1',
	sublink       => 'SELECT count(*) FROM plain p WHERE EXISTS (SELECT 1 FROM vouched v WHERE v.id = p.id + 2)',
	initplan      => 'SELECT (SELECT max(id) FROM vouched), (SELECT count(*) FROM parts)',
	cte           => 'WITH q AS MATERIALIZED (SELECT * FROM vouched) SELECT count(*) FROM q',
	setop         => 'SELECT count(*) FROM (SELECT id FROM vouched EXCEPT SELECT id FROM plain WHERE a = 1) q',
	view          => 'SELECT count(*) FROM v_plain',
	view_invoker  => 'SELECT count(*) FROM v_vouched',
	view_barrier  => 'SELECT count(*) FROM v_barrier',
	inlined       => 'SELECT count(*) FROM f_inlined(3)',
	scalar        => 'SELECT f_scalar(), f_atomic()',
	definer       => 'SELECT f_definer()',
	plpgsql       => 'SELECT f_plpgsql()',
	trusted       => 'SELECT f_trusted(), f_scalar()',
	masked        => 'SELECT id, pin FROM plain WHERE id < 20 ORDER BY id',
	masked_where  => "SELECT count(*) FROM plain WHERE pin LIKE 'pin 2%'",
	column        => 'SELECT count(pin) FROM vouched',
	governed      => 'SELECT count(*) FROM governed',
	window        => 'SELECT id, row_number() OVER (ORDER BY id) FROM vouched ORDER BY id LIMIT 5',
	lock          => 'SELECT id FROM vouched WHERE id < 20 ORDER BY id FOR SHARE',
	update        => 'WITH q AS (UPDATE vouched SET a = a WHERE id < 60 RETURNING id) SELECT count(*) FROM q',
);

# Rows or SQLSTATE as text.
sub text_of
{
	my ($result) = @_;
	return "error $result->{error}{code}" if $result->{error};
	return join ' / ', map { join ',', map { $_ // 'NULL' } @$_ } @{ $result->{rows} };
}

sub connect_as
{
	my ($connect, $subject) = @_;
	my $c = WireClient->new(%$connect, user => 'sub_login');
	$c->must('SET search_path = sub, public');
	enter($c, $subject);
	return $c;
}

# subject: {login, role, ceiling}
sub enter
{
	my ($c, $subject) = @_;
	$c->must("SET SESSION AUTHORIZATION $subject->{login}") if $subject->{login};
	$c->must("SET ROLE $subject->{role}") if $subject->{role};
	$c->must("SET dataclass.session_ceiling = '$subject->{ceiling}'") if $subject->{ceiling};
	return;
}

1;
