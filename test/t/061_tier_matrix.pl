# The tier matrix of the sessions: the same SELECT by the same role over every
# transport gives the rows of the tier reached and no others; every requirement
# against every way to connect; certificates that are worth nothing; downgrades.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TierWorld;

plan skip_all => 'openssl is not installed' if openssl_is_missing();

my $base = PostgreSQL::Test::Utils::tempdir();
my $authority = make_authority("$base/ca", 'authority');
my $server = make_certificate($authority, 'localhost', file => 'server', san => 'DNS:localhost,IP:127.0.0.1');
my $client = make_certificate($authority, 'cleared');
my $holder = make_certificate($authority, 'm_cert');
my $full = make_certificate($authority, 'm_scram');
my $expired = make_certificate($authority, 'cleared', file => 'expired', dates => [ '200101000000Z', '210101000000Z' ]);
my $revoked = make_certificate($authority, 'cleared', file => 'revoked');
revoke_certificate($authority, $revoked);
my $foreign = make_certificate(make_authority("$base/other", 'authority'), 'cleared');

my $node = PostgreSQL::Test::Cluster->new('matrix');
$node->init;
my $data = $node->data_dir;
$node->append_conf('postgresql.conf', qq{
shared_preload_libraries = 'pg_dataclass'
dataclass.at_rest_enforcement = off
dataclass.session_tier_enforcement = off
listen_addresses = '127.0.0.1'
ssl = on
ssl_cert_file = '$server.crt'
ssl_key_file = '$server.key'
ssl_ca_file = '$authority/ca.crt'
ssl_crl_file = '$authority/crl.pem'
# TLS 1.2 gets a cipher of 128 bits, TLS 1.3 one of 256
ssl_ciphers = 'ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384'
});
$node->start;
my $user = getpwuid($>);
$node->safe_psql('postgres', q{
CREATE EXTENSION pg_dataclass;
SET password_encryption = 'md5';
CREATE ROLE m_md5 LOGIN PASSWORD 'pass';
SET password_encryption = 'scram-sha-256';
CREATE ROLE m_trust LOGIN;
CREATE ROLE m_peer LOGIN;
CREATE ROLE m_cert LOGIN;
CREATE ROLE m_password LOGIN PASSWORD 'pass';
CREATE ROLE m_md5_scram LOGIN PASSWORD 'pass';
CREATE ROLE m_scram LOGIN PASSWORD 'pass';
CREATE ROLE cleared LOGIN PASSWORD 'pass';
CREATE ROLE reader;
GRANT reader TO m_md5, m_trust, m_peer, m_cert, m_password, m_md5_scram, m_scram, cleared;
SECURITY LABEL FOR dataclass ON ROLE reader IS 'secret';
DO $$ BEGIN EXECUTE format('SECURITY LABEL FOR dataclass ON ROLE %I IS %L', current_user, 'secret'); END $$;
CREATE TABLE rows (id int, class text, label dataclass.label NOT NULL);
INSERT INTO rows SELECT 1, c, c::dataclass.label FROM unnest('{open,public,restricted,confidential,secret}'::text[]) c;
GRANT SELECT ON rows TO PUBLIC;
SECURITY LABEL FOR dataclass ON TABLE rows IS 'secret';
-- a tier for every transport
UPDATE dataclass.tier_control SET requirement = 'tls1.3' WHERE tier = 'enhanced' AND control = 'transport';
UPDATE dataclass.tier_control SET requirement = 'mtls' WHERE tier = 'highest' AND control = 'transport';
});
$node->append_conf('postgresql.conf', 'dataclass.session_tier_enforcement = enforcing');
unlink "$data/pg_hba.conf";
$node->append_conf('pg_ident.conf', "os $user m_peer\n");
$node->append_conf('pg_hba.conf', qq{
local   all m_trust     trust
local   all m_password  password
local   all m_md5       md5
local   all m_md5_scram md5
local   all m_scram     scram-sha-256
local   all cleared     scram-sha-256
local   all m_peer      peer map=os
hostssl all m_cert      127.0.0.1/32 cert
hostssl all m_scram     127.0.0.1/32 scram-sha-256 clientcert=verify-full
host    all m_trust     127.0.0.1/32 trust
host    all m_password  127.0.0.1/32 password
host    all m_md5       127.0.0.1/32 md5
host    all m_md5_scram 127.0.0.1/32 md5
host    all cleared     127.0.0.1/32 scram-sha-256
host    all m_peer      127.0.0.1/32 reject
local   all all         trust
});
$node->restart;

my $tcp = 'host=127.0.0.1';
my $tls = "host=localhost hostaddr=127.0.0.1 sslmode=verify-full sslrootcert=$authority/ca.crt";
sub certificate { return "sslcert=$_[0].crt sslkey=$_[0].key" }
my %transport = (
	tcp => "$tcp sslmode=disable",
	tls12 => "$tls ssl_max_protocol_version=TLSv1.2",
	tls13 => "$tls ssl_min_protocol_version=TLSv1.3",
	tls12_cert => "$tls ssl_max_protocol_version=TLSv1.2 " . certificate($client),
	mtls => "$tls ssl_min_protocol_version=TLSv1.3 " . certificate($client),
	unix => '');

my ($out, $err);
my $select = q{SELECT string_agg(class, ',' ORDER BY label) FROM (SELECT class, array_position('{open,public,restricted,confidential,secret}', class) AS label FROM rows) r};
my %rows_of = (
	baseline => 'open,public',
	intermediate => 'open,public,restricted',
	enhanced => 'open,public,restricted,confidential',
	highest => 'open,public,restricted,confidential,secret');
my $parallel = q{SET min_parallel_table_scan_size = 0; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET force_parallel_mode = on;};

# the same role, the same SELECT, every transport
my %reached = (tcp => 'baseline', tls12 => 'intermediate', tls13 => 'enhanced', tls12_cert => 'intermediate',
	mtls => 'highest', unix => 'highest');
my %needs = (
	tcp => 'transport: requires tls, found tcp',
	tls12 => 'transport: requires tls1.3, found tls1.2',
	tls13 => 'transport: requires mtls, found tls1.3',
	tls12_cert => 'transport: requires tls1.3, found tls1.2',
	mtls => '', unix => '');
foreach my $way (sort keys %transport)
{
	($out, $err) = connect_as($node, 'cleared', $transport{$way}, $select);
	is($out, $rows_of{ $reached{$way} }, "$way: rows of tier $reached{$way}") or diag $err;
	($out, $err) = connect_as($node, 'cleared', $transport{$way}, "$parallel $select");
	is($out, $rows_of{ $reached{$way} }, "$way: the same in parallel workers") or diag $err;
	($out) = connect_as($node, 'cleared', $transport{$way}, 'SELECT tier, next_tier_needs FROM dataclass.session()');
	is($out, "$reached{$way}|$needs{$way}", "$way: what the next tier needs");
}

# authentication over a unix socket
my %method = (
	m_trust => [ 'trust', 'baseline' ], m_password => [ 'password', 'baseline' ], m_md5 => [ 'md5', 'baseline' ],
	m_md5_scram => [ 'md5', 'baseline' ], m_scram => [ 'scram', 'highest' ], m_peer => [ 'peer', 'highest' ]);
foreach my $role (sort keys %method)
{
	($out, $err) = connect_as($node, $role, '', "$select; SELECT authentication, tier FROM dataclass.session()");
	is($out, "$rows_of{ $method{$role}[1] }\n$method{$role}[0]|$method{$role}[1]", "$role over a unix socket") or diag $err;
}
($out) = connect_as($node, 'm_cert', "$tls ssl_min_protocol_version=TLSv1.3 " . certificate($holder), "$select; SELECT authentication, tier FROM dataclass.session()");
is($out, "$rows_of{highest}\ncert|highest", 'method cert over TLS 1.3');
($out) = connect_as($node, 'm_cert', "$tls ssl_max_protocol_version=TLSv1.2 " . certificate($holder), "$select; SELECT authentication, tier FROM dataclass.session()");
is($out, "$rows_of{intermediate}\ncert|intermediate", 'method cert over TLS 1.2');
($out, $err) = connect_as($node, 'm_peer', "$tls", 'SELECT 1');
like($err, qr/rejects connection/, 'method reject');
($out, $err) = connect_as($node, 'm_scram', "$tls " . certificate($holder), 'SELECT 1');
like($err, qr/authentication failed/, "verify-full: another's certificate is refused");
($out) = connect_as($node, 'm_scram', "$tls " . certificate($full), "$select; SELECT authentication, tier FROM dataclass.session()");
is($out, "$rows_of{highest}\nscram|highest", 'verify-full: scram and the own certificate');

# certificates that are worth nothing
foreach my $bad ([ $foreign, 'of another authority' ], [ $expired, 'that expired' ], [ $revoked, 'that was revoked' ])
{
	($out, $err) = connect_as($node, 'cleared', "$tls ssl_min_protocol_version=TLSv1.3 " . certificate($bad->[0]), $select);
	is($out, '', "a certificate $bad->[1] gives nothing");
	like($err, qr/SSL|certificate/, '... and the connection fails');
	($out, $err) = connect_as($node, 'cleared', "$tcp sslmode=prefer ssl_max_protocol_version=TLSv1.2 " . certificate($bad->[0]), $select);
	is($out, $rows_of{baseline}, '... or falls back to plain TCP and its tier') or diag $err;
}

# downgrades by the client only lower
($out, $err) = connect_as($node, 'cleared', "$tcp sslmode=require ssl_min_protocol_version=TLSv1 ssl_max_protocol_version=TLSv1.1", $select);
is($out, '', 'TLS 1.1: refused');
($out, $err) = connect_as($node, 'cleared', "$tcp sslmode=allow", $select);
is($out, $rows_of{baseline}, 'sslmode=allow: plain TCP, its tier');
($out, $err) = connect_as($node, 'cleared', "$transport{tcp} application_name=tls1.3 options='-c application_name=mtls'", $select);
is($out, $rows_of{baseline}, "the client's word counts for nothing");
{
	my ($said, $complained) = ('', '');
	my $harness = IPC::Run::start([ 'openssl', 's_client', '-starttls', 'postgres', '-tls1_2', '-connect', '127.0.0.1:' . $node->port ],
		'<', \"R\n", '>', \$said, '2>', \$complained, IPC::Run::timeout(180));
	eval { $harness->finish };
	like("$said$complained", qr/no renegotiation|renegotiation is not|no_renegotiation|unexpected eof|RENEGOTIATING/i, 'renegotiation was tried');
	unlike("$said$complained", qr/RENEGOTIATING.*Verify return code.*RENEGOTIATING/s, '... and led nowhere');
}

# every requirement against every connection, by tier_report()
my @requirement = (
	[ transport => qw(any tls tls1.2 tls1.3 mtls nonsense) ],
	[ authentication => qw(trust password md5 scram gss cert peer nonsense) ],
	[ cipher_strength => qw(none 112 128 256 257 nonsense 0128) ],
	[ client_network => 'any', 'unix', 'loopback', '127.0.0.1', '127.0.0.0/8', '10.0.0.0/8, 127.0.0.0/16', '10.0.0.0/8', 'fd00::/8,unix', '127.0.0.1/8', '10.0.0.0/8,nonsense', '' ],
	[ password_encryption => qw(any md5 scram-sha-256 nonsense) ],
	[ fips => qw(none on nonsense) ],
	[ audit_durability => qw(async sync nonsense) ],
	[ frobnication => qw(on) ]);
my ($rank, $sql) = (100, '');
foreach my $control (@requirement)
{
	my ($name, @steps) = @$control;
	foreach my $step (@steps)
	{
		$sql .= "INSERT INTO dataclass.tier (name, rank) VALUES ('t$rank', $rank); INSERT INTO dataclass.tier_control (tier, control, requirement) VALUES ('t$rank', '$name', '$step');\n";
		$rank++;
	}
}
$node->safe_psql('postgres', $sql);

# what each connection satisfies, written down by hand
my $all_networks = '|any|unix|fd00::/8,unix';
my $local_networks = '|any|loopback|127.0.0.1|127.0.0.0/8|10.0.0.0/8, 127.0.0.0/16';
my %server = (password_encryption => '|any|md5|scram-sha-256', fips => '|none', audit_durability => '|async|sync', frobnication => '');
my %unix = (transport => '|any|tls|tls1.2|tls1.3|mtls', cipher_strength => '|none|112|128|256|257', client_network => $all_networks);
my $scram = '|trust|password|md5|scram';
my $strongest = "$scram|gss|cert|peer";
my @matrix = (
	[ 'cleared', 'tcp', { transport => '|any', cipher_strength => '|none', client_network => $local_networks, authentication => $scram } ],
	[ 'cleared', 'tls12', { transport => '|any|tls|tls1.2', cipher_strength => '|none|112|128', client_network => $local_networks, authentication => $scram } ],
	[ 'cleared', 'tls13', { transport => '|any|tls|tls1.2|tls1.3', cipher_strength => '|none|112|128|256', client_network => $local_networks, authentication => $scram } ],
	[ 'cleared', 'tls12_cert', { transport => '|any|tls|tls1.2', cipher_strength => '|none|112|128', client_network => $local_networks, authentication => $scram } ],
	[ 'cleared', 'mtls', { transport => '|any|tls|tls1.2|tls1.3|mtls', cipher_strength => '|none|112|128|256', client_network => $local_networks, authentication => $scram } ],
	[ 'cleared', 'unix', { %unix, authentication => $scram } ],
	[ 'm_trust', 'unix', { %unix, authentication => '|trust' } ],
	[ 'm_password', 'unix', { %unix, authentication => '|trust|password' } ],
	[ 'm_md5', 'unix', { %unix, authentication => '|trust|password|md5' } ],
	[ 'm_md5_scram', 'unix', { %unix, authentication => '|trust|password|md5' } ],
	[ 'm_peer', 'unix', { %unix, authentication => $strongest } ],
	[ 'm_trust', 'tls13', { transport => '|any|tls|tls1.2|tls1.3', cipher_strength => '|none|112|128|256', client_network => $local_networks, authentication => '|trust' } ],
	[ 'm_password', 'tls13', { transport => '|any|tls|tls1.2|tls1.3', cipher_strength => '|none|112|128|256', client_network => $local_networks, authentication => '|trust|password' } ],
	[ 'm_md5', 'tcp', { transport => '|any', cipher_strength => '|none', client_network => $local_networks, authentication => '|trust|password|md5' } ]);
foreach my $case (@matrix)
{
	my ($role, $way, $satisfied) = @$case;
	my %expected = (%server, %$satisfied);
	($out, $err) = connect_as($node, $role, $transport{$way}, q{SELECT control, coalesce(string_agg('|' || required, '' ORDER BY rank) FILTER (WHERE verdict = 'satisfied'), '')
		FROM dataclass.tier_report() WHERE rank >= 100 GROUP BY control});
	my %got = map { my ($control, $rest) = split /\|/, $_, 2; $control => $rest } split /\n/, $out;
	is_deeply(\%got, \%expected, "matrix: $role, $way") or diag explain \%got, $err;
}
($out) = connect_as($node, 'cleared', '', q{SELECT string_agg(DISTINCT control || ' ' || required || ' ' || verdict, ', ' ORDER BY control || ' ' || required || ' ' || verdict)
	FROM dataclass.tier_report() WHERE rank >= 100 AND (required IN ('nonsense', '', '0128', '127.0.0.1/8', '10.0.0.0/8,nonsense') OR control = 'frobnication')});
is($out, 'audit_durability nonsense unknown, authentication nonsense unknown, cipher_strength 0128 unknown, cipher_strength nonsense unknown, client_network  unknown, client_network 10.0.0.0/8,nonsense unknown, client_network 127.0.0.1/8 unknown, fips nonsense unknown, frobnication on unknown, password_encryption nonsense unknown, transport nonsense unknown',
	'what is not known is unknown');
($out) = connect_as($node, 'cleared', $transport{tls12}, q{SELECT found, verdict, detail FROM dataclass.tier_report() WHERE control = 'cipher_strength' AND required = '256'});
is($out, '128|failed|The cipher is ECDHE-RSA-AES128-GCM-SHA256.', 'tier_report() names the cipher');
($out) = connect_as($node, 'm_trust', '', q{SELECT count(*) > 0, count(found), count(*) FILTER (WHERE verdict <> 'unknown' AND detail IS NOT NULL) FROM dataclass.tier_report() WHERE domain = 'storage'});
is($out, 't|0|0', 'what was found of storage is not for everybody');

$node->safe_psql('postgres', 'DELETE FROM dataclass.tier_control WHERE tier IN (SELECT name FROM dataclass.tier WHERE rank >= 100); DELETE FROM dataclass.tier WHERE rank >= 100');

# a control in the way of a session, known or not, keeps it below its tier
sub with_control
{
	my ($control, $requirement, $role, $way, $expected, $name) = @_;
	$node->safe_psql('postgres', "INSERT INTO dataclass.tier_control (tier, control, requirement) VALUES ('intermediate', '$control', '$requirement')");
	my ($out, $err) = connect_as($node, $role, $transport{$way}, "$select; SELECT tier, next_tier_needs FROM dataclass.session()");
	is($out, $expected, $name) or diag $err;
	$node->safe_psql('postgres', "DELETE FROM dataclass.tier_control WHERE tier = 'intermediate' AND control = '$control'");
}
with_control('cipher_strength', '256', 'cleared', 'tls12', "$rows_of{baseline}\nbaseline|cipher_strength: requires 256, found 128", 'cipher_strength 256 over TLS 1.2');
with_control('cipher_strength', '256', 'cleared', 'tls13', "$rows_of{enhanced}\nenhanced|transport: requires mtls, found tls1.3", 'cipher_strength 256 over TLS 1.3');
with_control('client_network', '10.0.0.0/8', 'cleared', 'mtls', "$rows_of{baseline}\nbaseline|client_network: requires 10.0.0.0/8, found 127.0.0.1", 'client_network: from elsewhere');
with_control('client_network', '10.0.0.0/8', 'cleared', 'unix', "$rows_of{baseline}\nbaseline|client_network: requires 10.0.0.0/8, found unix", 'client_network: a socket is no network');
with_control('client_network', 'loopback', 'cleared', 'tls13', "$rows_of{enhanced}\nenhanced|transport: requires mtls, found tls1.3", 'client_network: loopback');
with_control('fips', 'on', 'cleared', 'unix', "$rows_of{baseline}\nbaseline|fips: requires on, found none", 'fips');
with_control('frobnication', 'on', 'cleared', 'unix', "$rows_of{baseline}\nbaseline|frobnication: requires on, found nothing", 'an unknown control is never satisfied');
with_control('audit_durability', 'often', 'cleared', 'unix', "$rows_of{baseline}\nbaseline|audit_durability: requires often, found nothing", 'an unknown requirement is never satisfied');
with_control('swap', 'encrypted', 'cleared', 'unix', "$rows_of{highest}\nhighest|", 'storage controls are no matter of sessions');

# server controls: the server's settings, not what the session makes of them
$node->safe_psql('postgres', q{INSERT INTO dataclass.tier_control (tier, control, requirement) VALUES ('intermediate', 'password_encryption', 'scram-sha-256'), ('enhanced', 'audit_durability', 'sync')});
($out) = connect_as($node, 'cleared', '', "SET password_encryption = md5; SELECT tier FROM dataclass.session()");
is($out, 'highest', 'password_encryption of the session counts for nothing') or diag $out;
$node->append_conf('postgresql.conf', "password_encryption = 'md5'\ndataclass.audit_durability = 'async'");
$node->reload;
$node->poll_query_until('postgres', q{SELECT current_setting('password_encryption') = 'md5'}) or die;
($out) = connect_as($node, 'cleared', '', "SET password_encryption = 'scram-sha-256'; SELECT tier, next_tier_needs FROM dataclass.session()");
is($out, 'baseline|password_encryption: requires scram-sha-256, found md5', 'SET password_encryption does not raise');
($out) = connect_as($node, 'cleared', "options='-c password_encryption=scram-sha-256'", "SELECT tier FROM dataclass.session()");
is($out, 'baseline', '... nor does the startup packet');
$node->safe_psql('postgres', q{ALTER ROLE cleared SET password_encryption = 'scram-sha-256'});
($out) = connect_as($node, 'cleared', '', "SELECT tier FROM dataclass.session()");
is($out, 'baseline', '... nor does ALTER ROLE');
$node->safe_psql('postgres', q{ALTER ROLE cleared RESET password_encryption});
$node->append_conf('postgresql.conf', "password_encryption = 'scram-sha-256'");
$node->reload;
$node->poll_query_until('postgres', q{SELECT current_setting('password_encryption') = 'scram-sha-256'}) or die;
($out) = connect_as($node, 'cleared', '', "SELECT tier, next_tier_needs FROM dataclass.session()");
is($out, 'intermediate|audit_durability: requires sync, found async', 'audit_durability');

# without an authority the server asks for no certificate, and takes none for verified
$node->append_conf('postgresql.conf', "ssl_ca_file = ''\nssl_crl_file = ''\ndataclass.audit_durability = 'sync'");
my $hba = slurp_file("$data/pg_hba.conf");
$hba =~ s/^.*(clientcert| cert\n).*$//mg;
unlink "$data/pg_hba.conf";
$node->append_conf('pg_hba.conf', $hba);
$node->restart;
($out, $err) = connect_as($node, 'cleared', $transport{mtls}, $select);
is($out, $rows_of{enhanced}, 'no ssl_ca_file: a certificate is not verified and not mtls') or diag $err;

$node->stop;
done_testing();
