# Places beyond the tablespaces, on made trees of /proc and /sys: swap, core
# dumps, log, archive; each with its own control, and what a tier then asks.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $dir = PostgreSQL::Test::Utils::tempdir();
my $header = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n";
my $uuid = '0123456789abcdef0123456789abcdef';

sub put
{
	my ($path, $text) = @_;
	open my $file, '>', $path or BAIL_OUT("$path: $!");
	print $file $text;
	close $file;
}

# A tree of /proc, which has the real mounts, and one of /sys.
system('mkdir', '-p', "$dir/proc/sys/kernel", "$dir/sys/dev/block", "$dir/sys/class/block", "$dir/crash", "$dir/archive");
symlink '/proc/self', "$dir/proc/self";

sub device
{
	my ($name, $number, $dm_uuid, $slave) = @_;
	system('mkdir', '-p', "$dir/sys/devices/$name/slaves");
	put("$dir/sys/devices/$name/dev", "$number\n");
	symlink "../../devices/$name", "$dir/sys/dev/block/$number";
	symlink "../../devices/$name", "$dir/sys/class/block/$name";
	symlink "../../$slave", "$dir/sys/devices/$name/slaves/$slave" if $slave;
	return unless $dm_uuid;
	mkdir "$dir/sys/devices/$name/dm";
	put("$dir/sys/devices/$name/dm/uuid", "$dm_uuid\n");
	put("$dir/sys/devices/$name/dm/suspended", "0\n");
}
device('dcdisk9', '8:240');
device('dm-99990', '253:240', "CRYPT-LUKS2-$uuid-swap", 'dcdisk9');
device('zram99990', '252:240');
put("$dir/sys/devices/zram99990/backing_dev", "none\n");
put("$dir/proc/swaps", $header);
put("$dir/proc/sys/kernel/core_pattern", "|/usr/bin/collector %p\n");

# Core files are written in spite of the limit of whoever runs this.
my $cores = system('prlimit', '--pid', $$, '--core=unlimited:') == 0;

my $node = PostgreSQL::Test::Cluster->new('places');
$node->init;
$node->append_conf('postgresql.conf', qq{
shared_preload_libraries = 'pg_dataclass'
dataclass.session_tier_enforcement = off
dataclass.proc_root = '$dir/proc'
dataclass.sysfs_root = '$dir/sys'
max_worker_processes = 16
wal_level = replica
});
$node->start;

sub run_sql { return $node->safe_psql('agency', $_[0]); }

sub evidence
{
	return run_sql("SELECT place, coalesce(path, '-'), verdict, grade FROM dataclass.storage_evidence() WHERE control = '$_[0]' ORDER BY place");
}

sub reload_until
{
	my ($conf, $setting, $value) = @_;
	$node->append_conf('postgresql.conf', $conf);
	$node->reload;
	$node->poll_query_until('agency', "SELECT current_setting('$setting') = '$value'") or BAIL_OUT("$setting does not change");
}

$node->safe_psql('postgres', 'CREATE DATABASE agency');
my $admin = run_sql('SELECT current_user');
run_sql(qq{
CREATE EXTENSION pg_dataclass;
SECURITY LABEL FOR dataclass ON ROLE "$admin" IS 'secret with (declassify, reclassify, export)';
});

# Swap
is(evidence('swap'), '', 'no swap is no place');
put("$dir/proc/swaps", "$header/dev/dm-99990 partition 8388604 0 -2\n");
is(evidence('swap'), 'swap (/dev/dm-99990)|/dev/dm-99990|encrypted|3', 'swap on a crypt device');
put("$dir/proc/swaps", "$header/dev/dm-99990 partition 8388604 0 -2\n/dev/dcdisk9 partition 1 0 -3\n");
is(evidence('swap'), "swap (/dev/dcdisk9)|/dev/dcdisk9|plain|2\nswap (/dev/dm-99990)|/dev/dm-99990|encrypted|3",
	'a second area on a plain disk');
put("$dir/proc/swaps", "$header/dev/zram99990 partition 1 0 100\n");
is(evidence('swap'), '', 'compressed memory without a device behind it is no place');
put("$dir/sys/devices/zram99990/backing_dev", "/dev/dcdisk9\n");
is(evidence('swap'), 'swap (/dev/zram99990)|/dev/zram99990|plain|2', 'with a plain device behind it');
put("$dir/proc/swaps", "$header/gone/swap\\040file file 1 0 -2\n");
is(evidence('swap'), 'swap (/gone/swap file)|/gone/swap file|unknown|0', 'a swap file that is not there');
put("$dir/proc/swaps", "$header/dev/dm-99990 partition 8388604 0 -2\nrubbish\n");
is(evidence('swap'), 'swap|-|unknown|0', 'a table that is none');
unlink "$dir/proc/swaps";
is(evidence('swap'), 'swap|-|unknown|0', 'no table');
system('mkfifo', "$dir/proc/swaps");
is(evidence('swap'), 'swap|-|unknown|0', 'a pipe instead of a table keeps nobody waiting');
unlink "$dir/proc/swaps";
put("$dir/proc/swaps", $header . ("/a file 1 0 1\n" x 20000));
is(evidence('swap'), 'swap|-|unknown|0', 'a huge table');
put("$dir/proc/swaps", $header);

# Core dumps
is(evidence('core_dump'), 'core dumps|-|unknown|0', 'cores that a program gets');
SKIP:
{
	skip 'the limit of core files cannot be raised here', 4 unless $cores;
	put("$dir/proc/sys/kernel/core_pattern", "core\n");
	like(evidence('core_dump'), qr{^core dumps\|\Q@{[ $node->data_dir ]}\E\|}, 'cores in the data directory');
	put("$dir/proc/sys/kernel/core_pattern", "$dir/crash/core.%p\n");
	like(evidence('core_dump'), qr{^core dumps\|\Q$dir/crash\E\|}, 'cores in a directory');
	put("$dir/proc/sys/kernel/core_pattern", "/nowhere/at/all/core.%p\n");
	is(evidence('core_dump'), 'core dumps|-|unknown|0', 'cores in a directory that is not there');
	put("$dir/proc/sys/kernel/core_pattern", "$dir/%u/core\n");
	is(evidence('core_dump'), 'core dumps|-|unknown|0', 'cores in a directory of the process');
}
unlink "$dir/proc/sys/kernel/core_pattern";
is(evidence('core_dump'), 'core dumps|-|unknown|0', 'no pattern');
put("$dir/proc/sys/kernel/core_pattern", "core\n");

# Log
is(evidence('log'), 'standard error|-|unknown|0', 'a log to standard error');
mkdir $node->data_dir . '/log';
like(evidence('log'), qr{^log directory\|\Q@{[ $node->data_dir ]}\E/log\|\w+\|\d\nstandard error\|-\|unknown\|0$},
	'a directory of logs from before');
reload_until("log_destination = 'stderr,syslog'\n", 'log_destination', 'stderr,syslog');
like(evidence('log'), qr{^syslog\|-\|unknown\|0$}m, 'a log to syslog');
reload_until("log_destination = 'stderr'\nlog_directory = '$dir/crash'\n", 'log_directory', "$dir/crash");
like(evidence('log'), qr{^log directory\|\Q$dir/crash\E\|}m, 'a log elsewhere');

# Archive
is(evidence('archive'), '', 'no archive');
$node->append_conf('postgresql.conf', "archive_mode = on\narchive_command = 'test ! -f \"$dir/archive/%f\" && cp \"%p\" \"$dir/archive/%f\"'\n");
$node->restart;
like(evidence('archive'), qr{^archive\|\Q$dir/archive\E\|}, 'the directory of an archive_command');
reload_until("archive_command = 'cp %p \"$dir/nowhere/%f\"'\n", 'archive_command', qq{cp %p "$dir/nowhere/%f"});
is(evidence('archive'), 'archive|-|unknown|0', 'a directory that is not there');
reload_until("archive_command = 'false SECRET-TOKEN %p'\n", 'archive_command', 'false SECRET-TOKEN %p');
is(evidence('archive'), 'archive|-|unknown|0', 'a command that is not understood');
unlike(run_sql(q{SELECT detail FROM dataclass.storage_evidence() WHERE place = 'archive'}), qr/SECRET/,
	'of which nothing is shown');
reload_until("archive_command = ''\n", 'archive_command', '');
is(evidence('archive'), '', 'archive mode without a command');
reload_until("basic_archive.archive_directory = '$dir/archive'\narchive_library = 'basic_archive'\n",
	'archive_library', 'basic_archive');
like(evidence('archive'), qr{^archive\|\Q$dir/archive\E\|}, 'the directory of basic_archive');
reload_until("archive_library = ''\n", 'archive_library', '');

# Everything that is there, and which control binds it.
is(run_sql(q{SELECT string_agg(DISTINCT control, ' ' ORDER BY control) FROM dataclass.storage_evidence()}),
	'at_rest journal log temp wal' =~ s/at_rest /at_rest @{[ $cores ? 'core_dump ' : '' ]}/r, 'controls of places');
is(run_sql(q{SELECT count(*) FROM dataclass.storage_evidence() WHERE place IN ('pg_wal', 'pg_replslot', 'pg_twophase') AND control = 'wal'}),
	'3', 'the write-ahead log and what is taken from it');

# What a tier asks of each
$node->append_conf('postgresql.conf', 'dataclass.at_rest_enforcement = permissive');
$node->reload;
$node->poll_query_until('agency', q{SELECT current_setting('dataclass.at_rest_enforcement') = 'permissive'});
put("$dir/proc/swaps", "$header/dev/dm-99990 partition 8388604 0 -2\n");
run_sql(q{CREATE TABLE held (id int); SECURITY LABEL FOR dataclass ON TABLE held IS 'confidential'});
run_sql(q{CREATE TABLE low (id int); SECURITY LABEL FOR dataclass ON TABLE low IS 'restricted'});

sub posture
{
	return run_sql("SELECT verdict, grade, required_grade FROM dataclass.posture WHERE class = 'confidential' AND place = '$_[0]' AND relation IS NULL");
}
my $swap = 'swap (/dev/dm-99990)';
is(posture($swap), 'compliant|3|2', 'swap, by at_rest');
isnt(posture('pg_wal'), '', 'the write-ahead log, by at_rest');
like(run_sql(q{SELECT reason FROM dataclass.posture WHERE class = 'confidential' AND place = 'pg_wal'}),
	qr/^Control at_rest of tier "enhanced" requires encrypted storage with evidence of grade 2, found at "pg_wal": /,
	'the reason names the control in force');
is(run_sql(q{SELECT count(*) FROM dataclass.posture WHERE class = 'restricted' AND relation IS NULL}), '0',
	'a class that needs no encryption asks nothing of shared places');
run_sql(q{INSERT INTO dataclass.tier_control VALUES ('enhanced', 'wal', 'none'), ('enhanced', 'swap', 'encrypted')});
is(posture('pg_wal'), '', 'a control that asks nothing');
is(posture($swap), 'compliant|3|2', 'a control of its own');
put("$dir/proc/swaps", "$header/dev/dcdisk9 partition 1 0 -3\n");
is(posture('swap (/dev/dcdisk9)'), 'violation|2|2', 'plain swap is a violation');
like(run_sql(q{SELECT reason FROM dataclass.posture WHERE class = 'confidential' AND place LIKE 'swap%'}),
	qr/^Control swap of tier "enhanced" requires encrypted storage .* found at "swap \(.*\)": plain, grade 2\./, 'with its reason');
put("$dir/proc/swaps", "rubbish\n");
is(posture('swap'), 'unknown|0|2', 'swap that cannot be seen');
run_sql(q{UPDATE dataclass.tier_control SET requirement = 'scrambled' WHERE control = 'swap'});
put("$dir/proc/swaps", "$header/dev/dm-99990 partition 8388604 0 -2\n");
is(posture($swap), 'violation|3|2', 'a requirement that is not known is met by nothing');
like(run_sql(q{SELECT reason FROM dataclass.posture WHERE class = 'confidential' AND place LIKE 'swap%'}),
	qr/^Control swap of tier "enhanced" has a requirement that is not known: "scrambled"\.$/, 'and the reason says so');
run_sql(q{DELETE FROM dataclass.tier_control WHERE control IN ('wal', 'swap')});

# Checksums and hosting of a class that needs no encryption
my $found = run_sql(q{SELECT verdict FROM dataclass.posture WHERE relation = 'low'::regclass});
is($found, 'compliant', 'a class without needs');
run_sql(q{INSERT INTO dataclass.tier_control VALUES ('intermediate', 'checksums', 'on')});
my $checksums = run_sql('SHOW data_checksums');
is(run_sql(q{SELECT verdict FROM dataclass.posture WHERE relation = 'low'::regclass}),
	$checksums eq 'on' ? 'compliant' : 'violation', "checksums are $checksums");
like(run_sql(q{SELECT reason FROM dataclass.posture WHERE relation = 'low'::regclass}),
	qr/^Control checksums of tier "intermediate" requires data checksums, found at "pg_default": off\./, 'with its reason')
  if $checksums eq 'off';
run_sql(q{UPDATE dataclass.tier_control SET control = 'hosting', requirement = 'attested' WHERE control = 'checksums'});
is(run_sql(q{SELECT verdict FROM dataclass.posture WHERE relation = 'low'::regclass}), 'unknown',
	'hosting that nobody attests is not known');
like(run_sql(q{SELECT reason FROM dataclass.posture WHERE relation = 'low'::regclass}),
	qr/^Control hosting of tier "intermediate" requires an attested hosting model, one of government-cloud, private-cloud, found at "pg_default": hosting model unknown, region unknown/, 'with its reason');
run_sql(q{DELETE FROM dataclass.tier_control WHERE control = 'hosting'});

# The gate refuses on the controls of tablespaces.
$node->append_conf('postgresql.conf', 'dataclass.at_rest_enforcement = enforcing');
$node->reload;
$node->poll_query_until('agency', q{SELECT current_setting('dataclass.at_rest_enforcement') = 'enforcing'});
if ($checksums eq 'off')
{
	run_sql(q{INSERT INTO dataclass.tier_control VALUES ('intermediate', 'checksums', 'on'); CREATE TABLE next (id int)});
	my ($status, $out, $err) = $node->psql('agency', q{SECURITY LABEL FOR dataclass ON TABLE next IS 'restricted'});
	like($err, qr/cannot place data labeled "restricted" in tablespace "pg_default"/, 'the gate asks for checksums');
	run_sql(q{DELETE FROM dataclass.tier_control WHERE control = 'checksums'; SECURITY LABEL FOR dataclass ON TABLE next IS 'restricted'});
}

# Many relations cost no more than few: each place is looked at once.
$node->safe_psql('agency', q{
CREATE SCHEMA many;
SECURITY LABEL FOR dataclass ON SCHEMA many IS 'restricted';
SELECT format('CREATE TABLE many.t%s (id int)', i) FROM generate_series(1, 300) i \gexec
});
is(run_sql(q{SELECT count(*), count(DISTINCT place) FROM dataclass.posture WHERE label = 'restricted' AND verdict = 'compliant' AND relkind = 'r' AND relation::text LIKE 'many.%'}),
	'300|1', 'a row per relation');

# No core file at all
$node->stop;
if (system('prlimit', '--pid', $$, '--core=0:') == 0)
{
	$node->start;
	is(evidence('core_dump'), '', 'no core files are written');
	put("$dir/proc/sys/kernel/core_pattern", "|/bin/collector\n");
	is(evidence('core_dump'), 'core dumps|-|unknown|0', 'but a program gets them all the same');
	$node->stop;
}
done_testing();
