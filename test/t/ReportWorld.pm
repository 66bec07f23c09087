# A server on which everybody has the worst of names, and what is reported of
# it: used by the tests of the reports.
package ReportWorld;

use strict;
use warnings;
use utf8;
use Encode qw(decode_utf8 encode_utf8);
use Exporter 'import';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;

our @EXPORT = qw(report_world as_role value %hostile);

# What a page must show as text.  MARK{...} stands for a character shown by its
# number, see shown().
our %hostile = (
	role_script => q{<script>alert("1")</script>},
	role_quotes => q{a"b'c`]]></style>-->|\\=},
	role_rtl => "drow\x{202E}ssap",
	role_control => "line\nend\x{1b}[2J\ttab",
	role_long => 'W' x 63,
	table_image => q{<img src=http://127.0.0.1:%PORT%/x onerror=alert(2)>},
	table_urdu => "مریض 🔒",
	table_style => q{</style><style>@import url(//127.0.0.1:%PORT%/);},
	application => q{</title><svg/onload=alert(3)>},
	node => q{<b>node</b>"&amp;},
	reason => "<a href=javascript:alert(4)>told</a>\n]]> \x{2066}x\x{200B} &lt; 🇵🇰",
	reason_long => 'x' x 900,
);

sub identifier
{
	my ($name) = @_;
	$name =~ s/"/""/g;
	return qq{"$name"};
}

sub literal
{
	my ($text) = @_;
	$text =~ s/'/''/g;
	$text =~ s/\\/\\\\/g;
	return "E'$text'";
}

# Runs SQL as a role, whatever comes of it; with one session a call.
sub as_role
{
	my ($node, $role, $sql) = @_;
	my ($out, $err) = ('', '');
	local $ENV{PGAPPNAME} = encode_utf8($hostile{application});
	local $ENV{PGUSER} = encode_utf8($role);
	IPC::Run::run(['psql', '-XAtq', '-d', $node->connstr('postgres')], '<', \encode_utf8($sql), '>', \$out, '2>', \$err);
	return (decode_utf8($out), decode_utf8($err));
}

sub value
{
	my ($node, $role, $sql) = @_;
	my ($out, $err) = as_role($node, $role, $sql);
	die "$sql: $err" if $err ne '';
	chomp $out;
	return $out;
}

# port: nobody may knock there
sub report_world
{
	my ($name, $port) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);

	$hostile{$_} =~ s/%PORT%/$port/ for keys %hostile;
	$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
	my $server = $hostile{node} =~ s/'/''/gr;
	$node->append_conf('postgresql.conf', qq{
shared_preload_libraries = 'pg_dataclass'
dataclass.session_tier_enforcement = off
dataclass.at_rest_enforcement = permissive
dataclass.node_name = '$server'
max_worker_processes = 16
autovacuum = off
});
	$node->start;
	my $super = $node->safe_psql('postgres', 'SELECT current_user');
	my @roles = map { $hostile{$_} } grep { /^role/ } sort keys %hostile;
	my @tables = map { $hostile{$_} } grep { /^table/ } sort keys %hostile;
	my $sql = q{
CREATE EXTENSION pg_dataclass;
CREATE ROLE officer LOGIN; GRANT dataclass_officer TO officer;
CREATE ROLE auditor LOGIN; GRANT dataclass_auditor TO auditor;
CREATE ROLE nobody_special LOGIN;
CREATE SCHEMA s; GRANT USAGE ON SCHEMA s TO PUBLIC;
};
	$sql .= 'CREATE ROLE ' . identifier($_) . " LOGIN;\n" for @roles;
	$sql .= 'CREATE TABLE s.' . identifier($_) . " (id int);\n" for @tables;
	$sql .= "GRANT ALL ON ALL TABLES IN SCHEMA s TO PUBLIC;\n";
	$sql .= 'SECURITY LABEL FOR dataclass ON TABLE s.' . identifier($_) . " IS 'secret';\n" for @tables;
	as_role($node, $super, $sql);
	for my $role (@roles)
	{
		as_role($node, $role, join("\n", map { 'SELECT * FROM s.' . identifier($_) . ' WHERE id = 4711;' } @tables));
	}
	as_role($node, $super, 'DELETE FROM dataclass_audit.event;');
	$node->poll_query_until('postgres', 'SELECT count(DISTINCT subject) > ' . @roles . ' FROM dataclass_audit.incident')
	  or die 'no incidents';

	# The first incident of a denial goes through its life, with hostile words.
	my $id = value($node, 'auditor', q{SELECT min(id) FROM dataclass_audit.incident WHERE kind = 'access_denied'});
	value($node, 'officer', "SELECT dataclass_audit.mark_notified($id, " . literal($hostile{reason}) . ')');
	value($node, 'auditor', "SELECT dataclass_audit.acknowledge($id, " . literal($hostile{reason_long}) . ')');
	return ($node, $super, $id);
}

1;
