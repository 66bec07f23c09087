# The storage watch on a made sysfs tree (dataclass.sysfs_root) that changes
# under the running server: a device that is encrypted and is not any more,
# suspended, gone; many relations in one pass; a tablespace that disappears.
use strict;
use warnings;
use File::Path qw(make_path remove_tree);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $dir = PostgreSQL::Test::Utils::tempdir();
my $dev = (stat $dir)[0];
my ($major, $minor) = (($dev >> 8) & 0xfff, ($dev & 0xff) | (($dev >> 12) & 0xfff00));
my $type = `stat -f -c %T '$dir'`;
chomp $type;
plan skip_all => "temporary files lie on $type, device $major:$minor: no file system that dm-crypt is seen below"
  if $major == 0 || $type !~ /^(ext2\/ext3|xfs)$/;

sub put
{
	my ($file, $text) = @_;
	open(my $out, '>', "$file.new") or BAIL_OUT("$file: $!");
	print $out "$text\n";
	close $out;
	rename("$file.new", $file) or BAIL_OUT("$file: $!");
}

my $sys = "$dir/sys";
my $uuid = "$sys/devices/dm-0/dm/uuid";
make_path("$sys/dev/block", "$sys/devices/dm-0/dm", "$sys/devices/dm-0/slaves", "$sys/devices/sda/slaves");
put("$sys/devices/sda/dev", '8:0');
put("$sys/devices/dm-0/dev", "$major:$minor");
put($uuid, 'CRYPT-LUKS2-0123456789abcdef0123456789abcdef-data');
put("$sys/devices/dm-0/dm/suspended", '0');
symlink("$sys/devices/sda", "$sys/devices/dm-0/slaves/sda");
symlink('../../devices/dm-0', "$sys/dev/block/$major:$minor");
symlink('../../devices/sda', "$sys/dev/block/8:0") if "$major:$minor" ne '8:0';

my $node = PostgreSQL::Test::Cluster->new('watch_places');
$node->init;
$node->append_conf('postgresql.conf', qq{
shared_preload_libraries = 'pg_dataclass'
dataclass.session_tier_enforcement = off
dataclass.watch_interval = 1s
dataclass.sysfs_root = '$sys'
max_worker_processes = 16
max_locks_per_transaction = 256
autovacuum = off
});
$node->start;

sub run_sql { return $node->safe_psql('agency', $_[0]); }

sub soon
{
	my ($query, $name) = @_;
	ok($node->poll_query_until('agency', $query), $name)
	  or diag(run_sql('SELECT * FROM dataclass.watch_status') . "\n"
		  . run_sql('SELECT kind, name, path, verdict, grade, detail, violates FROM dataclass.place_state'));
}

sub denied
{
	my ($sql, $name) = @_;
	my ($out, $err) = ('', '');
	$node->psql('agency', "\\set VERBOSITY verbose\n$sql", stdout => \$out, stderr => \$err, on_error_stop => 1);
	like($err, qr/ERROR:  42501: permission denied for relation/, $name);
}

# What was recorded of a tablespace since the last call.
my $seen = 0;

sub recorded
{
	my $rows = run_sql("SELECT kind, label, breach FROM dataclass_audit.event WHERE seq > $seen AND action = 'watch' AND object_type = 'tablespace' AND object_identity = 'space' ORDER BY seq");
	$seen = run_sql('SELECT max(seq) FROM dataclass_audit.event');
	return $rows;
}

mkdir "$dir/space";
$node->safe_psql('postgres', 'CREATE DATABASE agency');
my $admin = run_sql('SELECT current_user');
run_sql("CREATE TABLESPACE space LOCATION '$dir/space'");
run_sql(qq{
CREATE EXTENSION pg_dataclass;
SECURITY LABEL FOR dataclass ON ROLE "$admin" IS 'secret with (declassify, reclassify, export)';
CREATE SCHEMA kept;
CREATE TABLE kept.record (id int, note text) TABLESPACE space;
CREATE TABLE kept.top (id int) TABLESPACE space;
INSERT INTO kept.record VALUES (1, 'note');
SECURITY LABEL FOR dataclass ON TABLE kept.record IS 'confidential';
SECURITY LABEL FOR dataclass ON TABLE kept.top IS 'secret';
});
soon(q{SELECT verdict = 'encrypted' AND grade = 3 AND mechanism = 'dm-crypt' FROM dataclass.place_state WHERE name = 'space'},
	'a device that is seen as encrypted');
is(run_sql('SELECT note FROM kept.record'), 'note', 'data are read');
recorded();

# Suspended: the key may be away; good enough for grade 2, not for 3.
put("$sys/devices/dm-0/dm/suspended", '1');
soon(q{SELECT violates = '{secret}' AND grade = 2 FROM dataclass.place_state WHERE name = 'space'}, 'a suspended device lowers the grade');
is(recorded(), 'at_rest_violation|secret|t', 'which is a breach for the class that needs the key');
denied('SELECT * FROM kept.top', 'whose data are denied');
is(run_sql('SELECT note FROM kept.record'), 'note', 'and for no other class');

# Worse: recorded again for the class that is in violation already, and for the other.
put($uuid, 'LVM-0123456789abcdef');
soon(q{SELECT violates @> '{secret,confidential}' AND verdict <> 'encrypted' FROM dataclass.place_state WHERE name = 'space'}, 'a mapping that encrypts nothing');
is(join(' ', sort split /\n/, recorded()), 'at_rest_violation|confidential|t at_rest_violation|secret|t', 'is a breach for both');
denied('SELECT * FROM kept.record', 'both are denied');
run_sql('DROP TABLE IF EXISTS nothing');
my $events = run_sql(q{SELECT count(*) FROM dataclass_audit.event WHERE kind = 'at_rest_violation'});
my $passes = run_sql('SELECT passes FROM dataclass.watch_status WHERE database = current_database()');
soon("SELECT passes >= $passes + 2 FROM dataclass.watch_status WHERE database = current_database()", 'further passes');
is(run_sql(q{SELECT count(*) FROM dataclass_audit.event WHERE kind = 'at_rest_violation'}), $events, 'record a standing violation once');

# Healed
put("$sys/devices/dm-0/dm/suspended", '0');
put($uuid, 'CRYPT-LUKS2-0123456789abcdef0123456789abcdef-data');
soon(q{SELECT violates = '{}' FROM dataclass.place_state WHERE name = 'space'}, 'the device is encrypted again');
is(join(' ', sort split /\n/, recorded()), 'at_rest_healed|confidential|f at_rest_healed|secret|f', 'healing is recorded of both classes');
is(run_sql('SELECT note FROM kept.record'), 'note', 'data are read again');

# Many relations: bounded events, one transaction.
run_sql(q{
CREATE TABLE kept.many (id int) PARTITION BY LIST (id) TABLESPACE space;
DO $$ BEGIN FOR i IN 1 .. 150 LOOP EXECUTE format('CREATE TABLE kept.many_%s PARTITION OF kept.many FOR VALUES IN (%s)', i, i); END LOOP; END $$;
SECURITY LABEL FOR dataclass ON TABLE kept.many IS 'confidential';
});
remove_tree("$sys/devices/dm-0/dm");
soon(q{SELECT count(*) = 152 FROM dataclass.quarantine WHERE origin = 'watch'}, 'all relations of a place are under quarantine');
is(run_sql(q{SELECT count(*) FROM dataclass_audit.event WHERE kind = 'quarantine' AND object_identity LIKE 'kept.many%'}) <= 100 ? 'bounded' : 'one for each', 'bounded',
	'the number of events is bounded');
like(run_sql(q{SELECT detail FROM dataclass_audit.event WHERE kind = 'quarantine' AND object_identity = 'space'}), qr/^151 relations were put under quarantine/,
	'and one tells how many there were');
make_path("$sys/devices/dm-0/dm");
put("$sys/devices/dm-0/dm/suspended", '0');
put($uuid, 'CRYPT-LUKS2-0123456789abcdef0123456789abcdef-data');
soon('SELECT count(*) = 0 FROM dataclass.quarantine', 'and healed together');

# The directory of the tablespace disappears and comes back.
run_sql('CHECKPOINT');
rename("$dir/space", "$dir/away") or BAIL_OUT("rename: $!");
soon(q{SELECT path IS NULL AND verdict = 'unknown' AND violates @> '{confidential}' FROM dataclass.place_state WHERE name = 'space'},
	'a directory that is not there satisfies nothing');
denied('SELECT * FROM kept.record', 'its data are denied, although there is no file to look at');
is(run_sql(q{SELECT rule FROM dataclass_audit.denied ORDER BY seq DESC LIMIT 1}), 'quarantine', 'by the rule quarantine');
rename("$dir/away", "$dir/space") or BAIL_OUT("rename: $!");
soon('SELECT count(*) = 0 FROM dataclass.quarantine', 'the directory is back');
is(run_sql('SELECT note FROM kept.record'), 'note', 'and its data');

# A tablespace that is dropped leaves no state.
run_sql('DROP SCHEMA kept CASCADE; DROP TABLESPACE space');
soon(q{SELECT count(*) = 0 FROM dataclass.place_state WHERE name = 'space'}, 'a tablespace that is dropped is forgotten');
is(run_sql('SELECT ok FROM dataclass_audit.verify()'), 't', 'the trail is whole');
$node->stop;
done_testing();
