# Storage controls beyond at_rest: what tier_report() tells whom, key lengths of
# a real encrypted directory, and data checksums switched off under a label.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $encrypted = $ENV{DC_FSCRYPT_DIR};
if (!$encrypted || !-d $encrypted)
{
	plan skip_all => 'no encrypted directory (DC_FSCRYPT_DIR): '
	  . ($ENV{DC_FSCRYPT_WHY} || 'see test/fixtures/fscrypt');
}

my $node = PostgreSQL::Test::Cluster->new('storage_controls');
$node->init(extra => ['--data-checksums']);
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'pg_dataclass'
dataclass.session_tier_enforcement = off
dataclass.watch_interval = 1s
autovacuum = off
});
$node->start;
my $crypt_dir = "$encrypted/024_storage_controls.$$";
mkdir $crypt_dir or BAIL_OUT("could not make $crypt_dir: $!");
END { my $status = $?; if (defined $crypt_dir) { $node->stop('immediate') if $node; system('rm', '-rf', $crypt_dir); } $? = $status; }

sub run_sql { return $node->safe_psql('agency', $_[0]); }

sub refused
{
	my ($sql, $name, $pattern) = @_;
	my ($out, $err) = ('', '');
	$node->psql('agency', "\\set VERBOSITY verbose\n$sql", stdout => \$out, stderr => \$err, on_error_stop => 1);
	like($err, qr/ERROR:  55000: cannot place data/, "$name: refused");
	like($err, $pattern, "$name: the reason is told");
}

sub requires
{
	my ($control, $requirement) = @_;
	run_sql("DELETE FROM dataclass.tier_control WHERE control = '$control' AND tier = 'enhanced'; INSERT INTO dataclass.tier_control (tier, control, requirement) VALUES ('enhanced', '$control', '$requirement')");
}

$node->safe_psql('postgres', 'CREATE DATABASE agency');
my $admin = run_sql('SELECT current_user');
run_sql("CREATE TABLESPACE crypt LOCATION '$crypt_dir'");
run_sql(qq{
CREATE EXTENSION pg_dataclass;
SECURITY LABEL FOR dataclass ON ROLE "$admin" IS 'secret with (declassify, reclassify, export)';
CREATE ROLE reader;
CREATE ROLE examiner;
GRANT dataclass_auditor TO examiner;
CREATE TABLE record (id int) TABLESPACE crypt;
INSERT INTO record VALUES (1);
});

# What is told of storage, and whom
requires('wal', 'encrypted');
requires('checksums', 'on');
my $rows = q{SELECT control, domain, required, found, verdict FROM dataclass.tier_report() WHERE tier = 'enhanced' AND control IN ('at_rest', 'wal', 'checksums') ORDER BY 1};
my $full = "at_rest|storage|encrypted|met by 1 of 3 places|failed\nchecksums|storage|on|on|satisfied\nwal|storage|encrypted|plain|failed";
my $bare = "at_rest|storage|encrypted||failed\nchecksums|storage|on||satisfied\nwal|storage|encrypted||failed";
is(run_sql($rows), $full, 'an officer sees what was found');
is(run_sql("SET SESSION AUTHORIZATION examiner; $rows"), $full, 'an auditor too');
is(run_sql("SET SESSION AUTHORIZATION reader; $rows"), $bare, 'others see the verdict');
is(run_sql(q{SET SESSION AUTHORIZATION reader; SELECT count(detail) FROM dataclass.tier_report() WHERE domain = 'storage'}), '0', 'and no detail');
run_sql(q{DELETE FROM dataclass.tier_control WHERE control = 'wal'});

# Key length: fscrypt with AES-256-XTS
my $label = q{SECURITY LABEL FOR dataclass ON TABLE record IS 'confidential'};
requires('at_rest_key', '512');
refused($label, 'a key of 512 bits', qr/Control at_rest_key of tier "enhanced" requires encryption with a key of 512 bits.*AES-256-XTS, 256 bits/);
requires('at_rest_key', '256');
is(run_sql("$label; SELECT label FROM pg_seclabels WHERE objoid = 'record'::regclass"), 'confidential', 'a key of 256 bits is seen');

# Checksums switched off while the server is down
$node->poll_query_until('agency', 'SELECT passes > 0 FROM dataclass.watch_status WHERE database = current_database()');
is(run_sql('SELECT count(*) FROM dataclass.quarantine'), '0', 'no complaint with checksums on');
sub checksums
{
	$node->stop;
	system_or_bail('pg_checksums', "--$_[0]", '-D', $node->data_dir);
	$node->start;
}
checksums('disable');
ok($node->poll_query_until('agency', q{SELECT count(*) = 1 FROM dataclass.quarantine WHERE relation = 'record'::regclass AND origin = 'watch' AND reason LIKE '%checksums%'}),
	'checksums off: quarantine by the watch');
ok($node->poll_query_until('agency', q{SELECT count(*) > 0 FROM dataclass_audit.breach WHERE kind = 'at_rest_violation' AND object_identity = 'crypt'}), 'and a breach');
run_sql('CREATE TABLE later (id int) TABLESPACE crypt');
refused(q{SECURITY LABEL FOR dataclass ON TABLE later IS 'confidential'}, 'checksums off', qr/Control checksums of tier "enhanced" requires data checksums, found .*off/);
like(run_sql($rows), qr/^checksums\|storage\|on\|off\|failed/m, 'tier_report() tells it');
checksums('enable');
ok($node->poll_query_until('agency', 'SELECT count(*) = 0 FROM dataclass.quarantine'), 'checksums on again: healed');
is(run_sql('SELECT count(*) FROM record'), '1', 'it is read again');
ok($node->poll_query_until('agency', q{SELECT count(*) > 0 FROM dataclass_audit.event WHERE kind = 'at_rest_healed' AND object_identity = 'crypt'}), 'and recorded');

$node->stop;
system('rm', '-rf', $crypt_dir);
undef $crypt_dir;
done_testing();
