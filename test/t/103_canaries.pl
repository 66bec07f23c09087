# No value that a client sends is found in the trail, in the journal, in any
# other file of the extension, nor in what the extension writes to the server
# log: each statement carries a value of its own that is looked for afterwards.
#
# Two servers: one with the settings that the README recommends, where the whole
# log is searched but for the messages that core makes of values; and one with
# core's defaults, to show what core logs then.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use WireClient;

my $planted = 0;
my @canaries;

# A value nobody else would write; number => 1: digits only.  in_log: core itself
# makes a message of it.
sub canary
{
	my (%opt) = @_;
	my $text = $opt{number} ? 7316100000 + ++$planted : 'kanary' . sprintf('%04d', ++$planted) . 'q';
	push @canaries, { text => $text, in_log => $opt{in_log} };
	return $text;
}

# {t}: text, {n}: number, {core}: text of which core makes a message.
sub plant
{
	my ($sql) = @_;
	$sql =~ s/\{t\}/canary()/ge;
	$sql =~ s/\{n\}/canary(number => 1)/ge;
	$sql =~ s/\{core\}/canary(in_log => 1)/ge;
	$sql =~ s/\{hex\}/unpack('H*', canary())/ge;
	return $sql;
}

sub start
{
	my ($name, $conf) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init;
	$node->append_conf('postgresql.conf', qq{
shared_preload_libraries = 'pg_dataclass'
dataclass.session_tier_enforcement = off
dataclass.at_rest_enforcement = off
log_statement = none
$conf
});
	$node->start;
	$node->safe_psql('postgres', q{
CREATE EXTENSION pg_dataclass;
UPDATE dataclass.data_class SET read_audit = 'statement', superuser_audit = true WHERE rank >= 3;
CREATE ROLE doctor LOGIN;
CREATE ROLE low LOGIN;
CREATE ROLE owner LOGIN CREATEROLE;
CREATE ROLE dba LOGIN SUPERUSER;
CREATE ROLE officer LOGIN;
GRANT dataclass_officer TO officer;
CREATE ROLE victim;
SECURITY LABEL FOR dataclass ON ROLE doctor IS 'secret with (declassify, reclassify)';
SECURITY LABEL FOR dataclass ON ROLE dba IS 'confidential';
SECURITY LABEL FOR dataclass ON ROLE owner IS 'secret';
GRANT CREATE ON SCHEMA public TO doctor, owner;
GRANT CREATE ON DATABASE postgres TO owner;
SET ROLE owner;
CREATE TABLE files (id bigint PRIMARY KEY, body text UNIQUE, amount bigint CHECK (amount <> 13), needed text NOT NULL DEFAULT 'x', during int4range, EXCLUDE USING gist (during WITH &&));
CREATE TABLE notes (id bigint, label dataclass.label NOT NULL, body text);
CREATE TABLE refers (body text REFERENCES files (body) DEFERRABLE);
CREATE TABLE parted (id bigint, body text) PARTITION BY LIST (body);
CREATE TABLE parted_a PARTITION OF parted FOR VALUES IN ('a');
CREATE VIEW checked AS SELECT * FROM files WHERE amount > 0 WITH CHECK OPTION;
CREATE FUNCTION takes(text) RETURNS bigint LANGUAGE plpgsql AS $$BEGIN RETURN (SELECT count(*) FROM files WHERE body = $1); END$$;
CREATE PROCEDURE called(text) LANGUAGE plpgsql AS $$BEGIN PERFORM FROM files WHERE body = $1; END$$;
GRANT ALL ON ALL TABLES IN SCHEMA public TO PUBLIC;
RESET ROLE;
CREATE FOREIGN DATA WRAPPER nothing;
CREATE SERVER nowhere FOREIGN DATA WRAPPER nothing;
SECURITY LABEL FOR dataclass ON TABLE files IS 'secret';
SECURITY LABEL FOR dataclass ON TABLE notes IS 'secret';
SECURITY LABEL FOR dataclass ON TABLE refers IS 'secret';
SECURITY LABEL FOR dataclass ON TABLE parted IS 'secret';
SET ROLE doctor;
INSERT INTO files (id, body, during) VALUES (1, 'there', '[1,3)');
});
	return $node;
}

# Every statement is run by every role: allowed, denied, refused.
my @statements = (
	q{SELECT * FROM files WHERE body = '{t}'},
	q{SELECT * FROM files WHERE body = 'it''s {t}'},
	q{SELECT * FROM files WHERE body = E'a\'{t}\\\\'},
	q{SELECT * FROM files WHERE body = U&'d\0061t{t}'},
	q{SELECT * FROM files WHERE body = U&'d!0061t{t}' UESCAPE '!'},
	q{SELECT * FROM files WHERE body = N'{t}'},
	q{SELECT * FROM files WHERE body = $${t}$$},
	q{SELECT * FROM files WHERE body = $tag$ $$ {t} $tag$},
	"SELECT * FROM files WHERE body = 'a'\n'{t}'",
	q{SELECT * FROM files WHERE body::varbit = B'0' OR body = X'{hex}'::text},
	q{SELECT * FROM files WHERE id = {n}},
	q{SELECT * FROM files WHERE id = -{n}},
	q{SELECT * FROM files WHERE id = {n}.5e0 OR id = .{n}},
	q{SELECT id + {n} AS alias, body || '{t}' FROM files},
	"SELECT * FROM files -- {t}\nWHERE true /* {t} /* {t} */ {t} */",
	q{SELECT text '{t}', '{t}'::text, CAST('{t}' AS text) FROM files},
	q{SELECT * FROM files WHERE body LIKE '%{t}%' ESCAPE '\\'},
	q{SELECT 'ä{t}ö' FROM files WHERE body = 'ü{t}'},
	q{SELECT * FROM files WHERE body IN ('{t}', '{t}') LIMIT {n} OFFSET {n}},
	q{SELECT 1; SELECT * FROM files WHERE body = '{t}'; SELECT '{t}'},
	q{INSERT INTO files (id, body) VALUES ({n}, '{t}')},
	q{INSERT INTO notes VALUES ({n}, 'secret', '{t}')},
	q{INSERT INTO notes VALUES ({n}, 'secret:nobody', '{t}')},
	q{UPDATE files SET body = '{t}', id = {n} WHERE body = '{t}'},
	q{DELETE FROM files WHERE body = '{t}'},
	q{MERGE INTO files f USING (VALUES ('{t}')) v (b) ON f.body = v.b WHEN NOT MATCHED AND v.b = '{t}' THEN DO NOTHING},
	q{COPY (SELECT * FROM files WHERE body = '{t}') TO STDOUT},
	q{COPY files TO STDOUT (DELIMITER ',', NULL '{t}', FORMAT csv)},
	q{PREPARE p (text) AS SELECT * FROM files WHERE body = $1 OR body = '{t}'},
	q{EXECUTE p('{t}')},
	q{DEALLOCATE p},
	q{BEGIN; DECLARE c CURSOR FOR SELECT * FROM files WHERE body = '{t}'; FETCH 1 FROM c; COMMIT},
	q{ROLLBACK},
	q{DO $$ BEGIN PERFORM * FROM files WHERE body = '{t}'; END $$},
	q{DO $$ BEGIN EXECUTE 'SELECT * FROM files WHERE body = ''{t}'''; END $$},
	q{DO $$ DECLARE x text := '{t}'; BEGIN PERFORM * FROM files WHERE body = x || '{t}'; END $$},
	q{SELECT takes('{t}')},
	q{SELECT takes(body => '{t}')},
	q{CALL called('{t}')},
	q{EXPLAIN SELECT * FROM files WHERE body = '{t}'},
	q{EXPLAIN ANALYZE SELECT * FROM files WHERE body = '{t}'},
	q{CREATE TABLE made AS SELECT * FROM files WHERE body = '{t}'},
	q{CREATE VIEW over_files AS SELECT * FROM files WHERE body = '{t}'},
	q{CREATE INDEX ON files (id) WHERE body = '{t}'},
	q{CREATE POLICY p ON files USING (body = '{t}')},
	q{CREATE TRIGGER t BEFORE UPDATE ON files FOR EACH ROW WHEN (OLD.body = '{t}') EXECUTE FUNCTION suppress_redundant_updates_trigger('{t}')},
	q{CREATE RULE r AS ON DELETE TO files DO ALSO NOTIFY ch, '{t}'},
	q{CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$SELECT body FROM files WHERE body = '{t}'$$},
	q{CREATE FUNCTION g() RETURNS bigint LANGUAGE sql BEGIN ATOMIC; SELECT {n} FROM files WHERE body = '{t}'; END},
	q{CREATE FUNCTION h() RETURNS bigint LANGUAGE sql SET my.setting = {t} AS 'SELECT {n}'},
	q{CREATE FUNCTION c() RETURNS bigint LANGUAGE c AS '{t}', '{t}'},
	q{ALTER TABLE files ADD CHECK (body <> '{t}')},
	q{ALTER TABLE files ADD COLUMN more text DEFAULT '{t}'},
	q{ALTER TABLE files ALTER body TYPE text USING body || '{t}'},
	q{COMMENT ON TABLE files IS '{t}'},
	q{GRANT SELECT ON files TO victim -- {t}},
	q{SET my.setting = '{t}'; SELECT * FROM files},
	q{SET my.setting TO {t}; SELECT * FROM files},
	q{SET LOCAL my.setting = {t}, {t}; SELECT * FROM files},
	q{SET SESSION "my"."setting" = "{t}"; SELECT * FROM files},
	q{SELECT set_config('my.setting', '{t}', false) FROM files},
	q{ALTER ROLE victim SET my.setting = {t}},
	q{ALTER ROLE victim IN DATABASE postgres SET my.setting TO {t}},
	q{ALTER DATABASE postgres SET my.setting = {t}},
	q{ALTER SYSTEM SET archive_command = '{core}'},
	q{ALTER ROLE victim PASSWORD '{t}'},
	q{ALTER ROLE victim ENCRYPTED PASSWORD '{t}' VALID UNTIL '2030-01-01'},
	q{ALTER ROLE doctor PASSWORD '{t}'},
	q{CREATE ROLE made_{t} PASSWORD '{t}' IN ROLE doctor} =~ s/made_\{t\}/made_role/r,
	q{DROP ROLE IF EXISTS made_role},
	q{CREATE USER MAPPING FOR victim SERVER nowhere OPTIONS (user '{t}', password '{t}')},
	q{ALTER USER MAPPING FOR victim SERVER nowhere OPTIONS (SET password '{t}')},
	q{CREATE SERVER made FOREIGN DATA WRAPPER nothing OPTIONS (host '{t}')},
	q{CREATE SUBSCRIPTION s CONNECTION 'host=/nowhere password={t}' PUBLICATION x WITH (connect = false)},
	q{LOAD '{t}'} =~ s/LOAD '\{t\}'/LOAD '{core}'/r,
	q{NOTIFY ch, '{t}'},
	q{COPY files FROM PROGRAM 'echo {t}'},
	q{COPY files TO '/nowhere/{core}'},
	q{SELECT length(pg_read_file('/nowhere/{core}'))},
	q{LOCK TABLE files -- {t}},
	q{TRUNCATE files /* {t} */},
	q{DELETE FROM dataclass_audit.event WHERE detail = '{t}'},
	q{UPDATE dataclass.data_class SET description = '{t}' WHERE name = 'open'},
	q{INSERT INTO dataclass.compartment (name, description) VALUES ('comp' || {n}, '{t}')},
	q{SECURITY LABEL FOR dataclass ON TABLE files IS 'secret:{core}'},
	q{SECURITY LABEL FOR dataclass ON TABLE files IS '{core}'},
	q{SECURITY LABEL FOR dataclass ON TABLE files IS '({core}'},
	q{SECURITY LABEL FOR dataclass ON ROLE victim IS '{core}'},
	q{SELECT '{core}'::dataclass.label},
	# values in errors of governed tables
	q{INSERT INTO files (id, body) VALUES ({n}, '{t}'), ({n}, 'there')},
	q{DO $$ BEGIN INSERT INTO files (id, body) VALUES ({n}, 'there'); END $$},
	q{INSERT INTO files (id, body, amount) VALUES ({n}, '{t}', 13)},
	q{INSERT INTO files (id, body, needed) VALUES ({n}, '{t}', NULL)},
	q{INSERT INTO files (id, body, during) VALUES ({n}, '{t}', '[2,3)')},
	q{INSERT INTO refers VALUES ('{t}')},
	q{BEGIN; SET CONSTRAINTS ALL DEFERRED; INSERT INTO refers VALUES ('{t}'); COMMIT},
	q{ROLLBACK},
	q{INSERT INTO parted VALUES ({n}, '{t}')},
	q{INSERT INTO checked (id, body, amount) VALUES ({n}, '{t}', -{n})},
	q{CREATE UNIQUE INDEX ON files ((body || '{t}')) WHERE '{t}' = body},
	# what core makes a message of
	q{SELECT * FROM files WHERE id = '{core}'},
	q{SELECT * FROM files WHERE id = {core}},
	q{SELECT * FROM files WHERE {core} '},
	q{DO $$ BEGIN PERFORM * FROM files; RAISE EXCEPTION '%', '{core}'; END $$},
	q{DO $$ BEGIN PERFORM * FROM files; RAISE LOG '%', '{core}'; END $$},
	q{DO $$ BEGIN PERFORM * FROM files; EXECUTE 'ROLLBACK {core}'; END $$},
	q{RESET my.setting},
);

# Statements whose scan depends on a setting, and on when it was set.
my @conforming = (
	q{SET standard_conforming_strings = off},
	q{SELECT * FROM files WHERE body = 'a\' {t} \'b'},
	q{SET standard_conforming_strings = on; SELECT * FROM files WHERE body = 'a\' {t} \'b'},
	q{SET standard_conforming_strings = off; SELECT * FROM files WHERE body = 'a\'; SELECT '{core} '},
	q{SET standard_conforming_strings = on},
	q{SET standard_conforming_strings = off; SELECT * FROM files WHERE body IN ('a\', '{core} \'')},
	q{SET standard_conforming_strings = on},
);

my @lines = map { "{n}\tline {t}" } 1 .. 3;

# Text that the trail keeps the start of, cut before, in and behind literals.
my @long = (
	q{SELECT * FROM files WHERE body = '} . 'x' x 1000 . q{{t}'},
	q{SELECT } . join(',', map { "'{t}'" } 1 .. 200) . ' FROM files',
	q{SELECT } . 'id + ' x 200 . q{1 FROM files WHERE body = '{t}'},
	q{SELECT '} . 'x' x 70000 . q{{t}' FROM files},
	q{SELECT id FROM files WHERE body IN ('{t}} . q{', '{t}} x 4000 . q{')},
	q{SELECT /* } . '{t} ' x 10 . 'x' x 70000 . q{ */ id FROM files},
);

sub run_all
{
	my ($node) = @_;
	for my $role (qw(doctor low dba owner officer))
	{
		my $client = WireClient->new(host => $node->host, port => $node->port, database => 'postgres', user => $role);
		$client->query(plant($_)) for @statements, @long;
		$client->query(q{SET application_name = 'conforming'});
		$client->query(plant($_)) for @conforming;
		$client->query(q{SET application_name = 'wire'});
		$client->query('ROLLBACK');

		# COPY data: good, of the wrong type, a key twice, a constraint
		my $data = sub { return join "\n", map { plant($_) } @_; };
		$client->query('COPY files (id, body) FROM STDIN', $data->(@lines) . "\n");
		$client->query('COPY files (id, body) FROM STDIN', plant("{t}\t{t}\n") =~ s/^(\S+)/canary(in_log => 1)/er);
		$client->query('COPY files (id, body) FROM STDIN', $data->(@lines, "{n}\tthere") . "\n");
		$client->query('COPY files (id, body, amount) FROM STDIN', $data->("{n}\t{t}\t13") . "\n");
		$client->query('COPY notes (id, label, body) FROM STDIN', $data->("{n}\tsecret\t{t}") . "\n");
		$client->query('COPY notes (id, label, body) FROM STDIN', $data->("{n}\tsecret:nobody\t{t}", "{t}\tx") =~ s/\n(\S+)/"\n" . canary(in_log => 1)/er . "\n");

		# parameters
		for my $sql ('SELECT * FROM files WHERE body = $1', 'INSERT INTO files (id, body) VALUES (1, $1)', 'INSERT INTO refers VALUES ($1)',
			q{SELECT takes($1), '{t}'})
		{
			$client->parse('', plant($sql))->bind_portal('', '', canary())->execute('')->sync;
		}
		$client->parse('', 'SELECT * FROM files WHERE id = $1')->bind_portal('', '', canary(in_log => 1))->execute('')->sync;
		$client->query('ROLLBACK');
	}
}

# Every file of the extension, and the whole trail, as one text each.
sub trail
{
	my ($node) = @_;
	$node->poll_query_until('postgres', 'SELECT queued = 0 AND journal_files = 0 FROM dataclass_audit.status()') or die 'records are on their way for ever';
	return join "\n", map { $node->safe_psql('postgres', "SELECT t::text FROM dataclass_audit.$_ t") }
		split /\n/, $node->safe_psql('postgres', q{SELECT relname FROM pg_class WHERE relnamespace = 'dataclass_audit'::regnamespace AND relkind IN ('r', 'v', 'm') ORDER BY 1});
}

sub files
{
	my ($node) = @_;
	return join '', map { slurp_file($_) } grep { -f } glob $node->data_dir . '/pg_dataclass/*';
}

# Values in a text, whole or in part, also as hexadecimal digits; log: but for those that core tells.
sub found
{
	my ($text, %opt) = @_;
	my %told = map { $_->{text} => 1 } grep { $_->{in_log} } @canaries;
	my %seen;
	$seen{lc $1}++ while $text =~ /(kanary\d*q?|7316[01]\d{5}|6b616e617279[0-9a-f]*)/gi;
	delete @seen{ keys %told } if $opt{log};
	my @seen = sort keys %seen;
	return join ', ', @seen > 20 ? @seen[0 .. 19] : @seen;
}

# --- with the settings that the README recommends
my $node = start('quiet', q{
log_min_error_statement = panic
log_parameter_max_length_on_error = 0
dataclass.audit_queue_size = 16
});
run_all($node);
my $trail = trail($node);
cmp_ok($planted, '>', 700, "$planted canaries");
for my $kind (qw(read superuser_access access_denied row_denied ddl_denied label_refused trail_guard enforcement_change policy_change clearance_change))
{
	cmp_ok($node->safe_psql('postgres', "SELECT count(*) FROM dataclass_audit.event WHERE kind = '$kind'"), '>', 0, "events of kind $kind");
}
is(found($trail), '', 'the trail has none of them');
is(found(files($node)), '', 'no file of the extension has');
my $log = slurp_file($node->logfile);
is(found($log, log => 1), '', 'the server log has none but those that core makes messages of');
isnt(found($log), '', 'and those it has: the search finds what is there');
is($node->safe_psql('postgres', q{SELECT count(*) FROM dataclass_audit.event WHERE statement = '<unparsed>' AND application = 'wire'}), '0', 'every statement was kept in its form')
	or diag $node->safe_psql('postgres', q{SELECT DISTINCT kind, subject, action, detail FROM dataclass_audit.event WHERE statement = '<unparsed>' AND application = 'wire'});

# --- the journal: nobody takes events from the queue
$node->append_conf('postgresql.conf', "dataclass.audit_timeout = 50ms\n");
$node->psql('postgres', 'SELECT * FROM files', extra_params => [ '-U', 'low' ]);	# there is a writer
$node->reload;
$node->poll_query_until('postgres', q{SELECT current_setting('dataclass.audit_timeout') = '50ms'}) or die 'the setting does not change';
my $writer = $node->safe_psql('postgres', 'SELECT writer_pid FROM dataclass_audit.status()');
like($writer, qr/^\d+$/, 'the writer runs');
kill 'STOP', $writer;
my $client = WireClient->new(host => $node->host, port => $node->port, database => 'postgres', user => 'low');
$client->query(plant($_)) for q{SELECT * FROM files WHERE body = '{t}'}, q{SET my.x = {t}; SELECT '{t}' FROM files}, q{DO $$ BEGIN PERFORM FROM files WHERE body = '{t}'; END $$};
my $journal = files($node);
kill 'CONT', $writer;
like($journal, qr/select \* from files where body = \?/, 'the journal has the statement');
is(found($journal), '', 'and no value');

# --- neither journal nor trail: the event goes to the server log
kill 'STOP', $writer;
my $dir = $node->data_dir . '/pg_dataclass';
rename $dir, "$dir.away" or die;
append_to_file($dir, 'in the way');
$client->query(plant($_)) for q{SELECT * FROM files WHERE body = '{t}' AND id = {n}}, q{SET my.x = {t}; SELECT '{t}' FROM files};
unlink $dir;
rename "$dir.away", $dir or die;
kill 'CONT', $writer;
$log = slurp_file($node->logfile);
like($log, qr/audit event could not be recorded.*\n.*statement=select \* from files where body = \? and id = \?/, 'an event that is recorded nowhere is in the server log');
is(found($log, log => 1), '', 'without values');
$node->stop;

# --- core's defaults: what core writes of statements that failed is core's
my $plain = start('plain', '');
@canaries = ();
run_all($plain);
is(found(trail($plain)), '', 'core\'s defaults: the trail has none');
is(found(files($plain)), '', 'nor has any file of the extension');
$log = slurp_file($plain->logfile);
isnt(found($log, log => 1), '', 'core logs statements that fail, with what is in them');
# an entry: the line with its level, and what belongs to it
my ($ours, $statement) = ('', '');
for my $entry (split /^(?=\S.*? (?:LOG|ERROR|WARNING|FATAL|STATEMENT|DETAIL|CONTEXT|HINT|QUERY):  )/m, $log)
{
	$entry =~ / STATEMENT:  / ? ($statement .= $entry) : ($ours .= $entry);
}
is(found($ours, log => 1), '', 'in lines STATEMENT only');
unlike($log, qr/permission denied for relation "files"\n(?:.*(?:DETAIL|HINT):  .*\n)*.* STATEMENT:  /, 'refusals of the extension have no such line');
$plain->stop;
done_testing();
