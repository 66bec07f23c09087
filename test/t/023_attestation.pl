# Signed attestations: what is accepted counts as evidence for the places it
# names, as long as it holds; everything forged, altered, expired, replayed or
# about something else is refused, recorded and counts for nothing.
#
# The sysfs of the server is a made one, so that the disk below the test's
# directories has a serial number that the test can change.
use strict;
use warnings;
use JSON::PP;
use POSIX qw(strftime);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'openssl is not there' if system('openssl version >/dev/null 2>&1') != 0;

my $dir = PostgreSQL::Test::Utils::tempdir();
my $anchors = "$dir/anchors";
my $keys = "$dir/keys";
my $sysfs = "$dir/sysfs";
my $files = 0;

sub run_or_die
{
	system(@_) == 0 or BAIL_OUT("@_: status $?");
}

# A key of its own; the public half may go among the anchors.
sub make_key
{
	my ($name) = @_;
	run_or_die("openssl genpkey -algorithm ed25519 -out '$keys/$name.key' 2>/dev/null");
	run_or_die("openssl pkey -in '$keys/$name.key' -pubout -out '$keys/$name.pem'");
	return;
}

# Changes among the anchors: writable meanwhile, as only their owner can make them.
sub with_anchors
{
	my ($change) = @_;
	system("chmod -R u+w '$anchors'");
	$change->();
	system("find '$anchors' ! -type l -type f -exec chmod 0444 {} +; find '$anchors' -type d -exec chmod 0555 {} +");
	return;
}

sub write_file
{
	my ($path, $content) = @_;
	open(my $out, '>', $path) or BAIL_OUT("$path: $!");
	binmode $out;
	print $out $content;
	close $out;
	return;
}

sub key_id
{
	my ($name) = @_;
	my $id = `openssl pkey -pubin -in '$keys/$name.pem' -outform DER | openssl dgst -sha256 -r`;
	return substr($id, 0, 64);
}

# Hexadecimal digits of the signature over exactly these bytes.
sub signature
{
	my ($document, $key) = @_;
	$key //= 'issuer';
	my $file = "$dir/document." . $files++;
	write_file($file, $document);
	run_or_die("openssl pkeyutl -sign -rawin -inkey '$keys/$key.key' -in '$file' -out '$file.sig'");
	return unpack('H*', slurp_file("$file.sig"));
}

mkdir $_ or BAIL_OUT("$_: $!") for $anchors, "$anchors/attestation", "$anchors/profile", $keys;
make_key($_) for qw(issuer second forger profile);
with_anchors(
	sub {
		run_or_die("cp '$keys/issuer.pem' '$keys/second.pem' '$anchors/attestation/'");
		run_or_die("cp '$keys/profile.pem' '$anchors/profile/'");
	});

# ---------------- the server ----------------

my $data = "$dir/data";
my $other = "$dir/other";
mkdir $_, 0700 or BAIL_OUT("$_: $!") for $data, $other;
my $dev = (stat $data)[0];
my $major = ($dev >> 8) & 0xfff;
my $minor = ($dev & 0xff) | (($dev >> 12) & 0xfff00);
my $has_device = $major != 0;
my $disk = "$sysfs/devices/pci0/vol";
run_or_die("mkdir -p '$disk/slaves' '$sysfs/dev/block'");
write_file("$disk/dev", "$major:$minor\n");
write_file("$disk/serial", "vol-0a1b2c3d\n");

# With an entry the kernel knows the disk and calls it plain; without, it is unknown.
sub disk_is_known
{
	my ($known) = @_;
	unlink "$sysfs/dev/block/$major:$minor";
	symlink('../../devices/pci0/vol', "$sysfs/dev/block/$major:$minor") if $known;
	return;
}
disk_is_known(0);

my $node = PostgreSQL::Test::Cluster->new('attestation');
$node->init(allows_streaming => 1);
$node->append_conf(
	'postgresql.conf', qq{
shared_preload_libraries = 'pg_dataclass'
dataclass.session_tier_enforcement = off
dataclass.trust_anchors = '$anchors'
dataclass.sysfs_root = '$sysfs'
max_worker_processes = 16
});
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE agency');
my $admin = $node->safe_psql('agency', 'SELECT current_user');
$node->safe_psql('agency', "CREATE TABLESPACE vault LOCATION '$data'");
$node->safe_psql('agency', "CREATE TABLESPACE elsewhere LOCATION '$other'");
$node->safe_psql(
	'agency', qq{
CREATE EXTENSION pg_dataclass;
SECURITY LABEL FOR dataclass ON ROLE "$admin" IS 'secret with (declassify, reclassify, export)';
CREATE ROLE officer LOGIN; GRANT dataclass_officer TO officer;
CREATE ROLE auditor LOGIN; GRANT dataclass_auditor TO auditor;
CREATE ROLE plain LOGIN;
CREATE TABLE patient (id int, note text) TABLESPACE vault;
});
my $system = $node->safe_psql('agency', 'SELECT system_identifier FROM pg_control_system()');
my $another = $node->safe_psql('agency', 'SELECT system_identifier + 1 FROM pg_control_system()');

sub sql { return $node->safe_psql('agency', $_[0]); }

sub rfc3339 { return strftime('%Y-%m-%dT%H:%M:%SZ', gmtime(time() + $_[0])); }

my $serial_of_id = 0;
my $refusals = 0;

# A document: what is not given is as it should be; undef leaves a member out.
sub document
{
	my (%given) = @_;
	my %document = (
		type => 'pg_dataclass.attestation/1',
		id => 'att-' . ++$serial_of_id,
		issuer => 'Cloud Office',
		issued_at => rfc3339(-60),
		not_before => rfc3339(-60),
		not_after => rfc3339(86400),
		subject => { system_identifier => "$system", path => $data },
		claim => { encrypted => JSON::PP::true, mechanism => 'cloud-volume', cipher => 'AES-256-XTS', key_bits => 256 },
		%given);
	delete $document{$_} for grep { !defined $document{$_} } keys %document;
	return JSON::PP->new->canonical->ascii->encode(\%document);
}

sub attest_call
{
	my ($document, $signature) = @_;
	return "SELECT dataclass.attest(convert_from(decode('" . unpack('H*', $document) . "', 'hex'), 'UTF8'), decode('$signature', 'hex'))";
}

sub accepted
{
	my ($document, $name, $key) = @_;
	my ($status, $out, $err) = $node->psql('agency', attest_call($document, signature($document, $key)));
	ok($status == 0, "$name: accepted") or diag($err);
	return $out;
}

# Refused with this SQLSTATE, for this reason, and recorded.
sub refused
{
	my ($document, $state, $pattern, $name, %options) = @_;
	my $signature = $options{signature} // signature($document, $options{key});
	my ($out, $err) = ('', '');
	my $before = sql('SELECT count(*) FROM dataclass.attestation');
	$node->psql('agency', "\\set VERBOSITY verbose\n" . ($options{prepare} // '') . attest_call($document, $signature),
		stdout => \$out, stderr => \$err);
	like($err, qr/ERROR:  $state: .*$pattern/s, "$name: refused with the reason") or diag($out);
	is(sql('SELECT count(*) FROM dataclass.attestation'), $before, "$name: nothing is kept");
	$refusals++;
	return $err;
}

sub evidence
{
	my ($tablespace) = @_;
	return sql("SELECT verdict, grade, mechanism FROM dataclass.storage_evidence('$tablespace')");
}

sub state_of { return sql("SELECT state FROM dataclass.attestations WHERE id = '$_[0]'"); }

# ---------------- accepted ----------------

is(sql("SELECT verdict FROM dataclass.storage_evidence('vault')"), 'unknown', 'a place that the kernel does not know');
my ($status, $out, $err) =
  $node->psql('agency', q{SECURITY LABEL FOR dataclass ON TABLE patient IS 'confidential'});
like($err, qr/cannot place data/, 'data that need encryption are refused there');

my $first = document(id => 'urn:first');
is(accepted($first, 'a place named by its path'), 'urn:first', 'attest() returns the id');
is(evidence('vault'), 'encrypted|4|cloud-volume', 'the place counts as attested');
like(evidence('elsewhere'), qr/^unknown/, 'another place does not');
like(sql(q{SELECT detail FROM dataclass.storage_evidence('vault')}), qr/Attested by Cloud Office \(urn:first\) until/,
	'the evidence names the attestation');
sql(q{SECURITY LABEL FOR dataclass ON TABLE patient IS 'confidential'});
is(sql(q{SELECT verdict, grade FROM dataclass.posture WHERE relation = 'patient'::regclass}), 'compliant|4', 'posture');
is(sql(q{SELECT state, reason IS NULL, issuer, anchor, claim->>'cipher', subject->>'path' FROM dataclass.attestations}),
	"valid|t|Cloud Office|issuer|AES-256-XTS|$data", 'the view');
is(sql('SELECT key_id FROM dataclass.attestations'), key_id('issuer'), 'the key id is SHA-256 of the public key');
is(sql(q{SELECT document = convert_from(decode('} . unpack('H*', $first) . q{', 'hex'), 'UTF8') FROM dataclass.attestation}),
	't', 'the document is kept as it was signed');
is(sql(q{SELECT outcome, breach, severity, object_identity FROM dataclass_audit.event WHERE kind = 'attestation'}),
	'allowed|f|notice|urn:first', 'acceptance is recorded');

# Other shapes of the call.
my $text_form = document(id => 'text-form', subject => { system_identifier => "$system", path => $other });
my $hex = signature($text_form);
my $base64 = do { require MIME::Base64; MIME::Base64::encode_base64(pack('H*', $hex), '') };
is(sql("SELECT dataclass.attest('$text_form', '$base64')"), 'text-form', 'signature as base64');
$text_form = document(id => 'hex-form', subject => { system_identifier => "$system", tablespace => 'elsewhere' });
is(sql("SELECT dataclass.attest('$text_form', '\\x" . signature($text_form) . "')"), 'hex-form', 'signature as hex');
sql(q{SELECT dataclass.revoke_attestation('text-form', 'only a test'); SELECT dataclass.revoke_attestation('hex-form', 'only a test')});
is(state_of('text-form'), 'revoked', 'revoked by an officer');
like(evidence('elsewhere'), qr/^unknown/, 'and of no effect');
like(sql(q{SELECT detail FROM dataclass.storage_evidence('elsewhere')}), qr/Attestation "hex-form" of it is revoked/, 'evidence says so');

# ---------------- who ----------------

for my $role (qw(plain auditor))
{
	my $document = document();
	$node->psql('agency', "\\set VERBOSITY verbose\nSET ROLE $role;" . attest_call($document, signature($document)), stderr => \$err);
	like($err, qr/ERROR:  42501: permission denied to accept an attestation/, "$role may not attest");
	$refusals++;
	$node->psql('agency', "\\set VERBOSITY verbose\nSET ROLE $role; SELECT dataclass.revoke_attestation('urn:first', 'x')", stderr => \$err);
	like($err, qr/ERROR:  42501: permission denied to revoke an attestation/, "$role may not revoke");
	$refusals++;
}
is(sql(q{SET ROLE auditor; SELECT count(*) FROM dataclass.attestations}), '3', 'auditors see attestations');
$node->psql('agency', 'SET ROLE plain; SELECT * FROM dataclass.attestations', stderr => \$err);
like($err, qr/permission denied/, 'others do not');
$node->psql('agency', q{\set VERBOSITY verbose
SELECT dataclass.revoke_attestation('none', 'x')}, stderr => \$err);
like($err, qr/ERROR:  42704/, 'revoking what is not there');
$node->psql('agency', q{\set VERBOSITY verbose
SELECT dataclass.revoke_attestation('text-form', 'again')}, stderr => \$err);
like($err, qr/ERROR:  55000/, 'revoking twice');

# ---------------- forged ----------------

my $good = document();
my $good_signature = signature($good);
refused($good, '28000', 'No trust anchor made this signature', 'signed with another key', key => 'forger');
refused($good, '28000', 'No trust anchor made this signature', 'signed with a key for profiles', key => 'profile');
refused($good, '28000', '64 bytes', 'no signature', signature => '');
refused($good, '28000', '64 bytes', 'a signature cut short', signature => substr($good_signature, 0, 126));
refused($good, '28000', '64 bytes', 'a signature with more behind it', signature => $good_signature . '00');
refused($good . "\n", '28000', 'No trust anchor', 'a newline more', signature => $good_signature);
refused(substr($good, 0, $_), '28000', 'No trust anchor', "truncated to $_ bytes", signature => $good_signature)
  for 0, 1, length($good) / 2, length($good) - 1;
refused($good, '28000', 'No trust anchor', 'zeroes as a signature', signature => '00' x 64);

# Every byte of the document and every bit of the signature, once.
is( sql(qq{
CREATE TEMP TABLE flips (what text, position int, state text);
DO \$\$
DECLARE
	d bytea := decode('} . unpack('H*', $good) . qq{', 'hex');
	s bytea := decode('$good_signature', 'hex');
	got text;
BEGIN
	FOR i IN 0 .. length(d) - 1 LOOP
		BEGIN
			PERFORM dataclass.attest(convert_from(set_byte(d, i, get_byte(d, i) # (1 << (i % 7))), 'UTF8'), s);
			got := 'accepted';
		EXCEPTION WHEN OTHERS THEN got := SQLSTATE;
		END;
		INSERT INTO flips VALUES ('document', i, got);
	END LOOP;
	FOR i IN 0 .. 511 LOOP
		BEGIN
			PERFORM dataclass.attest(convert_from(d, 'UTF8'), set_bit(s, i, 1 - get_bit(s, i)));
			got := 'accepted';
		EXCEPTION WHEN OTHERS THEN got := SQLSTATE;
		END;
		INSERT INTO flips VALUES ('signature', i, got);
	END LOOP;
END \$\$;
SELECT what, count(*), count(*) FILTER (WHERE state = 'accepted'), count(*) FILTER (WHERE state IN ('28000', '22021')) FROM flips GROUP BY what ORDER BY what
}),
	join("\n", 'document|' . length($good) . '|0|' . length($good), 'signature|512|0|512'),
	'no flipped bit gets through');
is(sql('SELECT count(*) FROM dataclass.attestation'), '3', 'nothing was kept of it');

# ---------------- about something else ----------------

refused(document(subject => { system_identifier => $another, path => $data }),
	'55000', 'The subject is the server with system identifier', 'another server');
refused(document(subject => { system_identifier => "$system", path => $keys }),
	'55000', 'The subject is path ".*keys"', 'a path where this server keeps nothing');
refused(document(subject => { system_identifier => "$system", path => "$dir/nowhere" }),
	'55000', 'cannot be found', 'a path that is not there');
refused(document(subject => { system_identifier => "$system", path => $data, tablespace => 'elsewhere' }),
	'55000', 'No place of this server', 'path and tablespace that are not the same place');
refused(document(subject => { system_identifier => "$system", tablespace => 'attic' }),
	'55000', 'tablespace "attic", which this server does not have', 'a tablespace that is not there');
refused(document(subject => { system_identifier => "$system", device_serial => 'vol-of-another' }),
	'55000', 'No place of this server', 'another device');

# ---------------- time ----------------

refused(document(not_before => rfc3339(-7200), not_after => rfc3339(-3600)), '55000', 'attestation is expired', 'expired');
refused(document(issued_at => rfc3339(7200)), '55000', 'issued in the future', 'issued in the future');
accepted(document(id => 'later', issued_at => rfc3339(0), not_before => rfc3339(3600),
	subject => { system_identifier => "$system", path => $other }), 'valid later on');
is(state_of('later'), 'not yet valid', 'accepted ahead of time');
like(evidence('elsewhere'), qr/^unknown/, 'and of no effect yet');

# ---------------- replayed ----------------

refused($first, '55000', 'accepted before.*this content', 'the same document again');
refused(document(id => 'urn:first', issued_at => rfc3339(0)), '55000', 'accepted before.*this id', 'the same id again');
refused(document(issued_at => rfc3339(-3600)), '55000', 'older than one that was accepted', 'an older one about the same subject');
refused($text_form, '55000', 'accepted before', 'one that was revoked');

# ---------------- malformed ----------------

sub malformed
{
	my ($document, $path, $name) = @_;
	return refused($document, '22023', "attestation is malformed.*DETAIL:  " . quotemeta($path) . ":", $name);
}
my $plain = document();
(my $twice = $plain) =~ s/"id":/"id":"x","id":/;
malformed($twice, '$.id', 'an id twice');
($twice = $plain) =~ s/"subject":\{/"subject":{"path":"\/tmp",/;
malformed($twice, '$.subject.path', 'a path twice');
($twice = $plain) =~ s/^\{/{"subject":{"path":"\/x","system_identifier":"1"},/;
malformed($twice, '$.subject', 'two subjects');
($twice = $plain) =~ s/"id":/"\\u0069d":"x","id":/;
malformed($twice, '$.id', 'an id twice, once in escapes');
(my $nul = $plain) =~ s/Cloud Office/Cloud\\u0000Office/;
malformed($nul, 'after $.issued_at', 'a NUL in escapes');
(my $half = $plain) =~ s/Cloud Office/\\ud800/;
malformed($half, 'after $.issued_at', 'half a surrogate pair');
malformed(document(extra => 1), '$.extra', 'a member that is not known');
malformed(document('subject.path' => '/x'), '$.subject.path', 'a dotted name is not a path');
malformed(document(claim => { encrypted => JSON::PP::true, mechanism => 'x', key_bits => 1e300 }), '$.claim.key_bits', 'a huge number');
(my $number = $plain) =~ s/"key_bits":256/"key_bits":1e99999999999/;
malformed($number, '$.claim.key_bits', 'a number that is no number');
malformed(document(claim => { encrypted => 'true', mechanism => 'x' }), '$.claim.encrypted', 'a string for a boolean');
malformed(document(claim => { encrypted => JSON::PP::true }), '$.claim.mechanism', 'encrypted without a mechanism');
malformed(document(claim => { mechanism => 'x' }), '$.claim.encrypted', 'a mechanism of nothing');
malformed(document(claim => {}), '$.claim', 'a claim of nothing');
malformed(document(claim => { region => 'pk' }), '$.claim.region', 'a region that is none');
malformed(document(claim => undef), '$.claim', 'no claim');
malformed(document(type => 'pg_dataclass.attestation/2'), '$.type', 'another type');
malformed(document(subject => { system_identifier => "$system" }), '$.subject', 'a subject that names no place');
malformed(document(subject => { path => $data }), '$.subject.system_identifier', 'a subject without a server');
malformed(document(subject => { system_identifier => 1, path => $data }), '$.subject.system_identifier', 'an identifier as a number');
malformed(document(subject => { system_identifier => "$system", device_serial => [] }), '$.subject.device_serial', 'no serial number in a list');
malformed(document(subject => { system_identifier => "$system", device_serial => [ 'a', ['b'] ] }), '$.subject.device_serial[1]', 'a list in a list');
malformed(document(subject => { system_identifier => "$system", device_serial => [ 'a', 'a' ] }), '$.subject.device_serial[1]', 'a serial number twice');
malformed(document(subject => { system_identifier => "$system", place => 'attic' }), '$.subject.place', 'a kind of place that is none');
malformed(document(not_after => '2026-13-01T00:00:00Z'), '$.not_after', 'a time that is none');
malformed(document(not_after => 'infinity'), '$.not_after', 'for ever');
malformed(document(not_after => rfc3339(401 * 86400)), '$.not_after', 'for too long');
malformed(document(not_before => rfc3339(90000)), '$.not_after', 'the end before the beginning');
malformed(document(id => "it's"), '$.id', 'an id with other characters');
malformed('[' x 30000, '$', 'nested deep');
malformed('{"a":' x 2000 . '1' . '}' x 2000, '$', 'nested deep in objects');
malformed(' ', 'after $', 'nothing at all');
malformed('"text"', '$', 'a text');
malformed("$plain $plain", 'after $', 'two documents');
refused(document(issuer => 'x' x 70000), '54000', 'too long', 'a long one');
is(sql('SELECT 1'), '1', 'the server is well');

# ---------------- keys ----------------

sub wait_state
{
	my ($id, $state, $name) = @_;
	ok($node->poll_query_until('agency', "SELECT state = '$state' FROM dataclass.attestations WHERE id = '$id'"), $name)
	  or diag(sql('SELECT id, state, reason FROM dataclass.attestations'));
	return;
}

# The state follows the anchors without restart or reload, in sessions that are there already.

with_anchors(sub { write_file("$anchors/revoked", '# lost in March' . "\n" . uc(key_id('issuer')) . " # by order\n") });
wait_state('urn:first', 'revoked', 'a revoked key ends its attestations');
like(evidence('vault'), qr/^unknown/, 'and the evidence');
like(sql(q{SELECT reason FROM dataclass.attestations WHERE id = 'urn:first'}), qr/by key [0-9a-f]{64} \(issuer\), which was revoked/, 'with the reason');
refused(document(), '28000', 'by key [0-9a-f]{64} \(issuer\), which was revoked', 'signed with a revoked key');
accepted(document(id => 'second', issued_at => rfc3339(0)), 'signed with the other key', 'second');
is(evidence('vault'), 'encrypted|4|cloud-volume', 'the place is attested again');
with_anchors(sub { write_file("$anchors/revoked", "not a key id\n") });
wait_state('second', 'signature bad', 'a list that cannot be read ends all');
with_anchors(sub { unlink "$anchors/revoked" });
wait_state('second', 'valid', 'without a list all count');
sql(q{SELECT dataclass.revoke_attestation('second', 'back to the first')});
is(state_of('urn:first'), 'superseded', 'withdrawing the newer one does not bring back the older one');
like(evidence('vault'), qr/^unknown/, 'nor its effect');

# Anchors that others could have written, links, and other things that are no anchors.
sub distrusted
{
	my ($change, $back, $state, $pattern, $name, $key) = @_;
	with_anchors(sub { $change->() });
	$change->(1);
	refused(document(issued_at => rfc3339(0)), $state, $pattern, $name, key => $key);
	with_anchors(sub { $back->() });
	return;
}
for my $path ($anchors, "$anchors/attestation")
{
	distrusted(sub { chmod 0755, $path if $_[0] }, sub { }, '55000', 'can be written to by the server', "a directory that the server can write to");
	distrusted(sub { chmod 0575, $path if $_[0] }, sub { }, '55000', 'can be written to by', "a directory that the group can write to");
}
distrusted(sub { chmod 0644, "$anchors/attestation/second.pem" if $_[0] }, sub { },
	'28000', '1 of 2 files could not be used, among them "second.pem"', 'a key that the server can write to', 'second');
distrusted(sub { symlink "$keys/forger.pem", "$anchors/attestation/linked.pem" if !$_[0] }, sub { unlink "$anchors/attestation/linked.pem" },
	'28000', '1 of 3 files could not be used', 'a key behind a link', 'forger');
distrusted(
	sub { if (!$_[0]) { rename "$anchors/attestation", "$anchors/real"; symlink "$anchors/real", "$anchors/attestation"; } },
	sub { unlink "$anchors/attestation"; rename "$anchors/real", "$anchors/attestation"; },
	'55000', 'cannot be opened', 'a link in place of the directory');
distrusted(sub { POSIX::mkfifo("$anchors/attestation/fifo.pem", 0444) if !$_[0] }, sub { unlink "$anchors/attestation/fifo.pem" },
	'28000', '1 of 3 files could not be used', 'a pipe among the keys', 'forger');
distrusted(sub { run_or_die("cat '$keys/issuer.pem' '$keys/forger.pem' > '$anchors/attestation/many.pem'") if !$_[0] },
	sub { unlink "$anchors/attestation/many.pem" }, '28000', '1 of 3 files could not be used', 'a file with two keys', 'forger');
distrusted(sub { run_or_die("cp '$keys/forger.key' '$anchors/attestation/secret.pem'") if !$_[0] },
	sub { unlink "$anchors/attestation/secret.pem" }, '55000', 'can read a private key', 'a private key that the server can read');
distrusted(sub { symlink "$keys/issuer.pem", "$anchors/revoked" if !$_[0] }, sub { unlink "$anchors/revoked" },
	'55000', 'list of revoked keys', 'a link as the list of revoked keys');
accepted(document(id => 'third', issued_at => rfc3339(0)), 'anchors as they were');
is(evidence('vault'), 'encrypted|4|cloud-volume', 'attested');

# ---------------- rows by hand ----------------

for my $statement (
	q{INSERT INTO dataclass.attestation SELECT 99, 'x', 'x', document, signature, timeline, tablespace, location, accepted_at, accepted_by FROM dataclass.attestation},
	q{UPDATE dataclass.attestation SET revoked_at = NULL},
	q{DELETE FROM dataclass.attestation},
	q{TRUNCATE dataclass.attestation},
	q{COPY dataclass.attestation FROM STDIN},
	q{WITH gone AS (DELETE FROM dataclass.attestation RETURNING 1) SELECT count(*) FROM gone},
	q{MERGE INTO dataclass.attestation a USING (SELECT 1) s ON true WHEN MATCHED THEN DELETE},
	q{ALTER TABLE dataclass.attestation DISABLE TRIGGER ALL},
	q{DROP TABLE dataclass.attestation CASCADE},
	q{DO $$BEGIN EXECUTE 'DELETE FROM dataclass.attestation'; END$$},
	q{CREATE RULE r AS ON DELETE TO dataclass.attestation DO INSTEAD NOTHING})
{
	$node->psql('agency', "\\set VERBOSITY verbose\n$statement", stderr => \$err);
	like($err, qr/ERROR:  42501/, 'a superuser cannot: ' . substr($statement, 0, 50));
}

# Enforcement off lets the row in; it is worth nothing.
sub enforcement
{
	my ($mode) = @_;
	$node->append_conf('postgresql.conf', "dataclass.enforcement = $mode");
	$node->reload;
	$node->poll_query_until('agency', "SELECT current_setting('dataclass.enforcement') = '$mode'");
	return;
}
enforcement('off');
my $forged = document(id => 'forged', subject => { system_identifier => "$system", path => $other });
sql(qq{INSERT INTO dataclass.attestation SELECT 1000, 'forged', 'd1', convert_from(decode('} . unpack('H*', $forged)
	  . qq{', 'hex'), 'UTF8'), decode('$good_signature', 'hex'), timeline, 0, '', now(), 'officer', NULL, NULL, NULL, 'valid'
	FROM dataclass.attestation WHERE id = 'urn:first'});
sql(q{INSERT INTO dataclass.attestation SELECT 1001, 'renamed', 'd2', document, signature, timeline, tablespace, location, now(), 'officer', NULL, NULL, NULL, 'valid'
	FROM dataclass.attestation WHERE id = 'urn:first'});
sql(q{INSERT INTO dataclass.attestation SELECT 1002, 'garbage', 'd3', chr(123) || '"a":' || repeat('[', 1000), '\x00', 1, 0, '', now(), 'officer', NULL, NULL, NULL, 'valid'});
sql(q{UPDATE dataclass.attestation SET document = replace(document, '256', '512') WHERE id = 'third'});
sql(q{UPDATE dataclass.data_class SET description = description});	# all sessions look again
enforcement('enforcing');
is(state_of('forged'), 'signature bad', 'a forged row');
is(state_of('renamed'), 'signature bad', 'a document in the row of another');
is(state_of('garbage'), 'signature bad', 'a row of garbage');
is(state_of('third'), 'signature bad', 'a row whose document was altered');
like(evidence('elsewhere'), qr/^unknown/, 'a forged row counts for nothing');
like(evidence('vault'), qr/^unknown/, 'an altered row counts no more');

# ---------------- expiry ----------------

accepted(document(id => 'short', issued_at => rfc3339(0), not_after => rfc3339(4)), 'valid for some seconds');
is(evidence('vault'), 'encrypted|4|cloud-volume', 'while it is valid');
wait_state('short', 'expired', 'expired while the server runs');
like(evidence('vault'), qr/^unknown/, 'the evidence ends with it');
like(sql(q{SELECT detail FROM dataclass.storage_evidence('vault')}), qr/Attestation "short" of it is expired/, 'and says so');
isnt(sql(q{SELECT verdict FROM dataclass.posture WHERE relation = 'patient'::regclass}), 'compliant', 'posture follows');
$node->psql('agency', 'CREATE INDEX ON patient (id) TABLESPACE vault', stderr => \$err);
like($err, qr/cannot place (temporary )?data/, 'the gate follows');

# What changed is recorded once, by a call or by the watch, whichever is first.
sql('SELECT dataclass.check_attestations()');
is(sql('SELECT count(*) FROM dataclass.check_attestations()'), '0', 'changes are found once');
is(sql(q{SELECT severity, outcome, breach, action FROM dataclass_audit.event WHERE kind = 'attestation' AND object_identity = 'short' AND outcome = 'observed'}),
	'warning|observed|f|watch', 'and recorded');
like(sql(q{SELECT detail FROM dataclass_audit.event WHERE object_identity = 'short' AND outcome = 'observed'}),
	qr/^Its state was "valid" and is "expired"\. It was valid until/, 'with what it was before');
$node->psql('agency', "\\set VERBOSITY verbose\nSET ROLE plain; SELECT * FROM dataclass.check_attestations()", stderr => \$err);
like($err, qr/ERROR:  42501/, 'by officers only');
$refusals++;

# ---------------- tablespaces that change their names ----------------

accepted(document(id => 'by-name', issued_at => rfc3339(0), subject => { system_identifier => "$system", tablespace => 'vault' }), 'a tablespace by name');
is(evidence('vault'), 'encrypted|4|cloud-volume', 'attested by name');
sql('ALTER TABLESPACE vault RENAME TO cellar');
sql('ALTER TABLESPACE elsewhere RENAME TO vault');
like(evidence('vault'), qr/^unknown/, 'a name that was taken on by another tablespace');
like(evidence('cellar'), qr/^unknown/, 'a tablespace that gave up its name');
is(state_of('by-name'), 'subject mismatch', 'and the state');
sql('ALTER TABLESPACE vault RENAME TO elsewhere');
sql('ALTER TABLESPACE cellar RENAME TO vault');
is(evidence('vault'), 'encrypted|4|cloud-volume', 'the same tablespace under its name');
sql(q{SELECT dataclass.revoke_attestation('by-name', 'done')});
is(accepted(document(id => 'by-location', issued_at => rfc3339(0), subject => { system_identifier => "$system", tablespace => $data }), 'a tablespace by location'),
	'by-location', 'by location');
sql(q{SELECT dataclass.revoke_attestation('by-location', 'done')});

# ---------------- hosting model and region ----------------

SKIP:
{
	skip 'this version does not judge hosting models', 1
	  if sql(q{SELECT count(*) FROM pg_proc WHERE proname = 'storage_evidence' AND 'hosting_model' = ANY (proargnames)}) eq '0';
	my %there = (subject => { system_identifier => "$system", path => $other });
	my $hosting = q{SELECT hosting_model, region FROM dataclass.storage_evidence('elsewhere')};
	sql('CREATE TABLE hosted (id int) TABLESPACE elsewhere');
	accepted(document(id => 'abroad', issued_at => rfc3339(0), %there, claim => { hosting_model => 'public-cloud', region => 'DE' }), 'hosting alone');
	is(sql($hosting), 'public-cloud|DE', 'hosting model and region are evidence');
	like(evidence('elsewhere'), qr/^unknown/, 'which says nothing of encryption');
	$node->psql('agency', q{SECURITY LABEL FOR dataclass ON TABLE hosted IS 'restricted'}, stderr => \$err);
	like($err, qr/cannot place data.*public-cloud/s, 'a hosting model that the class forbids is refused by the gate');
	sql(q{SELECT dataclass.revoke_attestation('abroad', 'moved')});
	sql(q{SECURITY LABEL FOR dataclass ON TABLE hosted IS 'restricted'});
	accepted(document(id => 'back', issued_at => rfc3339(0), %there, claim => { hosting_model => 'public-cloud', region => 'DE' }), 'and attested again');
	like(sql(q{SELECT verdict, reason FROM dataclass.posture WHERE relation = 'hosted'::regclass}), qr/^violation\|.*public-cloud/, 'and shown in the posture');
	accepted(document(id => 'home', issued_at => rfc3339(0), %there, claim => { hosting_model => 'government-cloud', region => 'PK' }), 'a permitted one');
	is(sql($hosting), 'government-cloud|PK', 'the newer one counts');
	is(sql(q{SELECT verdict FROM dataclass.posture WHERE relation = 'hosted'::regclass}), 'compliant', 'and the posture is compliant');
	sql(q{UPDATE dataclass.data_class SET regions = '{SA}' WHERE name = 'restricted'});
	like(sql(q{SELECT verdict, reason FROM dataclass.posture WHERE relation = 'hosted'::regclass}), qr/^violation\|.*PK/, 'a region that the class forbids');
	sql(q{UPDATE dataclass.data_class SET regions = DEFAULT WHERE name = 'restricted'; SELECT dataclass.revoke_attestation('home', 'done')});
}

# ---------------- devices ----------------

SKIP:
{
	skip 'the file system of the tests has no block device', 1 if !$has_device;
	disk_is_known(1);
	is(sql(q{SELECT verdict, grade FROM dataclass.storage_evidence('vault')}), 'plain|2', 'plain as far as the kernel knows');
	is(sql(q{SELECT device_serial FROM dataclass.attestation_subjects() WHERE place = 'vault'}), '{vol-0a1b2c3d}', 'what the server finds');
	accepted(document(id => 'path-only', issued_at => rfc3339(0)), 'a plain place by its path alone');
	like(evidence('vault'), qr/^plain\|2/, 'does not make it encrypted');
	accepted(document(id => 'serial', issued_at => rfc3339(0),
			subject => { system_identifier => "$system", device_serial => [ 'vol-0a1b2c3d', 'vol-ffff' ] }), 'a device by its serial number');
	is(evidence('vault'), 'encrypted|4|cloud-volume', 'makes what lies on it encrypted');
	is(evidence('elsewhere'), 'encrypted|4|cloud-volume', 'all of it');
	is(sql(q{SELECT count(*) FROM dataclass.storage_evidence() WHERE place = 'pg_wal' AND grade = 4}), '1', 'the write-ahead log too');
	sql(q{CREATE TABLE more (id int) TABLESPACE vault; SECURITY LABEL FOR dataclass ON TABLE more IS 'confidential'});

	write_file("$disk/serial", "vol-another\n");
	like(evidence('vault'), qr/^plain\|2/, 'another disk at the same place');
	is(state_of('serial'), 'subject mismatch', 'its attestation does not match');
	like(sql(q{SELECT reason FROM dataclass.attestations WHERE id = 'serial'}), qr/does not name the device with serial number "vol-another"/, 'and why');
	write_file("$disk/serial", '');
	like(evidence('vault'), qr/^plain\|2/, 'a disk without a serial number');
	unlink "$disk/serial";
	mkdir "$disk/device";
	write_file("$disk/device/vpd_pg80", "\0\x80\0\x0evol-0a1b2c3d  ");
	is(evidence('vault'), 'encrypted|4|cloud-volume', 'a serial number in the data of SCSI');

	# Two disks below a mapping: both have to be named.
	run_or_die("mkdir -p '$sysfs/devices/dm-9/dm' '$sysfs/devices/dm-9/slaves' '$sysfs/devices/pci0/second/slaves'");
	write_file("$sysfs/devices/dm-9/dev", "$major:$minor\n");
	write_file("$sysfs/devices/dm-9/dm/uuid", "LVM-abc\n");
	write_file("$sysfs/devices/pci0/second/dev", "259:1\n");
	write_file("$sysfs/devices/pci0/second/serial", "vol-second\n");
	write_file("$disk/dev", "259:0\n");
	symlink "../../pci0/$_", "$sysfs/devices/dm-9/slaves/$_" for qw(vol second);
	unlink "$sysfs/dev/block/$major:$minor";
	symlink '../../devices/dm-9', "$sysfs/dev/block/$major:$minor";
	like(evidence('vault'), qr/^plain\|2/, 'a second disk that is not named');
	write_file("$sysfs/devices/pci0/second/serial", "vol-ffff\n");
	is(evidence('vault'), 'encrypted|4|cloud-volume', 'both disks are named');

	# An attestation does not outweigh what it did not speak of: the kernel's own encryption stays the kernel's.
	write_file("$sysfs/devices/dm-9/dm/uuid", 'CRYPT-LUKS2-' . '0' x 32 . "-x\n");
	write_file("$sysfs/devices/dm-9/dm/suspended", "1\n");
	like(evidence('vault'), qr/^encrypted\|2\|dm-crypt/, 'a crypt device whose key is away stays what it is');
	write_file("$sysfs/devices/dm-9/dm/suspended", "0\n");
	is(evidence('vault'), 'encrypted|4|cloud-volume', 'one in use is attested besides');
	sql(q{SELECT dataclass.revoke_attestation('serial', 'done'), dataclass.revoke_attestation('path-only', 'done')});
	like(evidence('vault'), qr/^encrypted\|3\|dm-crypt/, 'and without it what the kernel sees');
	disk_is_known(0);
	write_file("$disk/dev", "$major:$minor\n");
}

# ---------------- a standby ----------------

accepted(document(id => 'before-copy', issued_at => rfc3339(0)), 'on the primary');
is(evidence('vault'), 'encrypted|4|cloud-volume', 'attested on the primary');
SKIP:
{
	my $copied_data = "$dir/copied_data";
	my $copied_other = "$dir/copied_other";
	run_or_die('pg_basebackup', '-D', $node->backup_dir . '/copy', '-h', $node->host, '-p', $node->port,
		'-T', "$data=$copied_data", '-T', "$other=$copied_other", '--checkpoint', 'fast', '--no-sync');
	my $standby = PostgreSQL::Test::Cluster->new('standby');
	# init_from_backup would follow the links; the copy is moved instead
	run_or_die('mkdir', '-p', $standby->basedir);
	run_or_die('mv', $node->backup_dir . '/copy', $standby->data_dir);
	$standby->append_conf('postgresql.conf', 'port = ' . $standby->port . "\nunix_socket_directories = '" . $standby->host . "'\n");
	$standby->enable_streaming($node);
	$standby->start;
	$node->wait_for_catchup($standby, 'replay');
	is($standby->safe_psql('agency', q{SELECT state FROM dataclass.attestations WHERE id = 'before-copy'}), 'subject mismatch',
		'what names no device does not hold on a standby');
	like($standby->safe_psql('agency', q{SELECT verdict FROM dataclass.storage_evidence('vault')}), qr/^(unknown|plain)/, 'nor counts there');
	($status, $out, $err) = $standby->psql('agency', attest_call($good, $good_signature));
	like($err, qr/cannot execute attest\(\) in a read-only transaction|during recovery/, 'a standby accepts none');
	$standby->promote;
	ok($standby->poll_query_until('agency', 'SELECT NOT pg_is_in_recovery()'), 'promoted');
	is($standby->safe_psql('agency', q{SELECT state FROM dataclass.attestations WHERE id = 'before-copy'}), 'subject mismatch',
		'nor after promotion');
	$standby->stop('immediate');
}

# ---------------- the trail ----------------

ok( $node->poll_query_until(
		'agency',
		"SELECT count(*) >= $refusals FROM dataclass_audit.event WHERE kind = 'attestation' AND outcome = 'denied'"),
	"all refusals are recorded") or diag($refusals . ' ' . sql(q{SELECT count(*) FROM dataclass_audit.event WHERE kind = 'attestation' AND outcome = 'denied'}));
is(sql(q{SELECT count(*) FROM dataclass_audit.event WHERE kind = 'attestation' AND outcome = 'denied' AND (NOT breach OR detail IS NULL OR rule <> 'attestation')}),
	'0', 'as breaches, each with its reason');
# A disclosure that is overdue names its recipient, who is of the same name.
is(sql(q{SELECT count(*) FROM dataclass_audit.event WHERE kind <> 'disclosure' AND detail LIKE '%Cloud Office%'}), '0', 'none with words of a document');

# A dump does not carry them.
run_or_die('pg_dump', '-h', $node->host, '-p', $node->port, '-f', "$dir/dump.sql", 'agency');
unlike(slurp_file("$dir/dump.sql"), qr/before-copy/, 'a dump carries no attestation');

$node->stop;
done_testing();
