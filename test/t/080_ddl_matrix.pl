# docs/ddl-matrix.md says what each kind of subject may do to each kind of
# labelled table.  Every cell is run; the test fails where page and server
# differ.  The page as the server would have it is left in
# tmp_check/log/ddl-matrix.md.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $page = 'docs/ddl-matrix.md';
my @kinds = qw(table column row);
my @subjects = qw(owner grantee superuser cleared);
my @columns = map { my $k = $_; map { [ $k, $_ ] } @subjects } @kinds;

# --- the page ---------------------------------------------------------------

my (@lines, @cells, $section);
open(my $fh, '<', $page) or die "$page: $!";
while (my $line = <$fh>)
{
	chomp $line;
	push @lines, $line;
	$section = $1 if $line =~ /^## (.*)/;
	next unless $line =~ /^\| `(.+?)` +\|(.*)\|$/;
	my ($sql, @said) = ($1, map { s/^\s+|\s+$//gr } split(/\|/, $2));
	is(scalar @said, scalar @columns, "row has a cell for each kind and subject: $sql");
	push @cells, { sql => $sql, said => \@said, line => $#lines, kept => $section =~ /committed/ ? 1 : 0 };
}
close $fh;
cmp_ok(scalar @cells, '>=', 100, 'the page has its rows');

# --- the server -------------------------------------------------------------

my $node = PostgreSQL::Test::Cluster->new('matrix');
$node->init(auth_extra => []);
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'pg_dataclass'
dataclass.session_tier_enforcement = off
dataclass.at_rest_enforcement = off
dataclass.superuser_is_officer = on
allow_in_place_tablespaces = on
wal_level = logical
max_worker_processes = 16
autovacuum = off
client_min_messages = warning
});
$node->start;
my $port = $node->port;
my $host = $node->host;
$node->safe_psql('postgres', qq{
CREATE EXTENSION pg_dataclass;
CREATE EXTENSION postgres_fdw;
INSERT INTO dataclass.compartment (name) VALUES ('health');
SELECT dataclass.create_label('secret:health');
CREATE ROLE mx_owner LOGIN; CREATE ROLE mx_grantee LOGIN; CREATE ROLE mx_cleared LOGIN;
CREATE ROLE mx_superuser LOGIN SUPERUSER;
CREATE ROLE mx_heir;
GRANT mx_heir TO mx_owner, mx_cleared;
SECURITY LABEL FOR dataclass ON ROLE mx_cleared IS 'secret:health with (export)';
SECURITY LABEL FOR dataclass ON ROLE mx_owner IS 'secret:health';	-- until the tables are made
GRANT CREATE ON DATABASE postgres TO PUBLIC;
SET allow_in_place_tablespaces = on;
CREATE TABLESPACE mx_space LOCATION '';
GRANT CREATE ON TABLESPACE mx_space TO PUBLIC;
CREATE SERVER loop FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '$host', port '$port', dbname 'postgres');
GRANT USAGE ON FOREIGN SERVER loop TO PUBLIC;
CREATE USER MAPPING FOR PUBLIC SERVER loop OPTIONS (user 'mx_owner', password_required 'false');
CREATE SCHEMA elsewhere; GRANT ALL ON SCHEMA elsewhere TO PUBLIC;
CREATE SCHEMA remote AUTHORIZATION mx_owner;
CREATE TABLE remote.r (id int);
});

# One schema for each column of the matrix, so that no subject meets what
# another one has done.
for my $column (@columns)
{
	my ($kind, $subject) = @$column;
	my $schema = "m_${kind}_$subject";
	my $owner = $subject eq 'cleared' ? 'mx_cleared' : 'mx_owner';
	my $l = $kind eq 'row' ? ', label dataclass.label' : '';
	my $open = $kind eq 'row' ? ", 'open'" : '';
	my $secret = $kind eq 'row' ? ", 'secret:health'" : '';
	my $shape = "id int NOT NULL, body word, code text$l";
	my @tables = qw(t tx part top_1 up_child kept kept_up keep_1 keep_2 keep_3 mv);
	my $label = sub {
		my ($table) = @_;
		return $kind eq 'column' ? "SECURITY LABEL FOR dataclass ON COLUMN $schema.$table.body IS 'secret:health';"
		  : "SECURITY LABEL FOR dataclass ON " . ($table eq 'mv' ? 'MATERIALIZED VIEW' : 'TABLE') . " $schema.$table IS 'secret:health';";
	};
	my $rows = sub {
		my ($table, $from) = @_;
		return "INSERT INTO $table VALUES ($from, 'seen', 'a'$open), ($from + 1, 'HID' || 'DEN', 'b'$secret);";
	};
	$node->safe_psql('postgres', qq{
CREATE SCHEMA $schema AUTHORIZATION $owner;
GRANT ALL ON SCHEMA $schema TO PUBLIC;
SET ROLE $owner;
SET search_path = $schema;
CREATE FUNCTION f(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN \$1; END';
CREATE FUNCTION ok(text) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN true; END';
CREATE FUNCTION trg() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE DOMAIN word AS text;
CREATE DOMAIN label_open AS dataclass.label DEFAULT 'open';
CREATE TABLE t ($shape, PRIMARY KEY (id));
CREATE INDEX t_code ON t (code);
CREATE UNIQUE INDEX t_unique ON t (id, code);
ALTER TABLE t ADD CONSTRAINT t_later CHECK (id > 0) NOT VALID;
CREATE TABLE ref (id int PRIMARY KEY);
INSERT INTO ref SELECT generate_series(0, 100);
ALTER TABLE t ADD CONSTRAINT t_ref FOREIGN KEY (id) REFERENCES ref NOT VALID;
CREATE TRIGGER t_trg BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION trg();
CREATE RULE t_rule AS ON INSERT TO ref WHERE false DO ALSO NOTHING;
CREATE RULE t_rule AS ON DELETE TO t WHERE false DO ALSO NOTHING;
CREATE STATISTICS t_stat ON id, code FROM t;
CREATE POLICY t_policy ON t USING (true);
CREATE VIEW v AS SELECT * FROM t;
CREATE TABLE tx ($shape);
CREATE INDEX tx_f ON tx (f(body));
CREATE TABLE child () INHERITS (t);
CREATE TABLE part ($shape) PARTITION BY RANGE (id);
CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (0) TO (10);
CREATE TABLE part_2 PARTITION OF part FOR VALUES FROM (10) TO (20);
CREATE TABLE part_free ($shape);
CREATE TABLE top ($shape) PARTITION BY RANGE (id);
CREATE TABLE top_1 PARTITION OF top FOR VALUES FROM (0) TO (10);
CREATE TABLE code_top ($shape) PARTITION BY LIST (f(body));
CREATE TABLE up ($shape);
CREATE TABLE up_child () INHERITS (up);
CREATE TABLE kept ($shape) PARTITION BY RANGE (id);
CREATE TABLE kept_1 PARTITION OF kept FOR VALUES FROM (0) TO (10);
CREATE TABLE kept_2 PARTITION OF kept FOR VALUES FROM (10) TO (20);
CREATE TABLE kept_up ($shape);
CREATE TABLE kept_child () INHERITS (kept_up);
CREATE TABLE keep_1 ($shape); CREATE TABLE keep_2 ($shape); CREATE TABLE keep_3 ($shape);
CREATE MATERIALIZED VIEW mv AS SELECT * FROM up WITH NO DATA;
CREATE UNIQUE INDEX ON mv (id);
CREATE FOREIGN TABLE ft (id int) SERVER loop OPTIONS (schema_name 'remote', table_name 'r');
GRANT ALL ON ALL TABLES IN SCHEMA $schema TO PUBLIC;
RESET ROLE;
} . join("\n", map { $label->($_) } @tables) . qq{
SET SESSION AUTHORIZATION mx_cleared;
SET search_path = $schema;
} . join("\n", map { $rows->(@$_) } [ 't', 1 ], [ 'tx', 1 ], [ 'child', 3 ], [ 'part', 1 ], [ 'top', 1 ], [ 'up', 1 ], [ 'keep_1', 21 ], [ 'kept', 1 ]) . qq{
RESET SESSION AUTHORIZATION;
} . ($owner eq 'mx_cleared' ? "SET SESSION AUTHORIZATION mx_cleared; REFRESH MATERIALIZED VIEW $schema.mv; RESET SESSION AUTHORIZATION;"
		: "GRANT mx_owner TO mx_cleared; SET SESSION AUTHORIZATION mx_cleared; REFRESH MATERIALIZED VIEW $schema.mv; RESET SESSION AUTHORIZATION; REVOKE mx_owner FROM mx_cleared;"));
}
# From here on the owner is not cleared and superusers are no officers.
$node->safe_psql('postgres', 'SECURITY LABEL FOR dataclass ON ROLE mx_owner IS NULL');
$node->append_conf('postgresql.conf', 'dataclass.superuser_is_officer = off');
$node->reload;

# --- the cells --------------------------------------------------------------

# These commit on their own and cannot be rolled back.
my $alone = qr/CONCURRENTLY|^VACUUM|^REINDEX \(?(SCHEMA|DATABASE)|^CLUSTER$|^REINDEX TABLE part$/;

sub script
{
	my ($column, $kind, $subject) = @_;
	my $text = "\\set VERBOSITY verbose\n\\set ON_ERROR_STOP off\nSET search_path = m_${kind}_$subject, dataclass, public;\n";
	# what cannot be undone comes last
	for my $late (0, 1)
	{
		for my $n (0 .. $#cells)
		{
			my $cell = $cells[$n];
			my $sql = $cell->{sql} =~ s/this_schema/m_${kind}_$subject/r;
			my $keep = $cell->{kept} || $cell->{sql} =~ /(?<!REFRESH MATERIALIZED VIEW )$alone/;
			next if ($keep ? 1 : 0) != $late;
			$text .= "SET application_name = 'cell$n.$column';\n\\warn CELL $n\n";
			$text .= $keep ? "$sql;\n" : "BEGIN;\n$sql;\nROLLBACK;\n";
		}
	}
	return $text;
}

for my $column (0 .. $#columns)
{
	my ($kind, $subject) = @{ $columns[$column] };
	my ($stdout, $stderr) = ('', '');
	my $role = "mx_$subject";
	my $run = $node->psql('postgres', script($column, $kind, $subject),
		stdout => \$stdout, stderr => \$stderr, on_error_stop => 0,
		connstr => $node->connstr('postgres') . " user=$role");
	unlike($stdout . $stderr, qr/server closed|PANIC/, "$kind, $subject: the server stays");
	my @parts = split(/^CELL (\d+)$/m, $stderr, -1);
	shift @parts;
	while (my ($n, $errors) = splice(@parts, 0, 2))
	{
		$cells[$n]{errors}[$column] = $errors;
	}
}

# Cells with a record of that.
sub recorded
{
	my ($condition) = @_;
	return map { $_ => 1 } split(/\n/, $node->safe_psql('postgres',
		"SET ROLE dataclass_auditor; SELECT application FROM dataclass_audit.event WHERE application LIKE 'cell%' AND $condition"));
}
my %denied = recorded("outcome = 'denied' AND rule NOT IN ('ownership', 'privilege')");
my %by_core = recorded("outcome = 'denied' AND rule IN ('ownership', 'privilege')");
my %noted = recorded("outcome = 'allowed'");

# yes | rec (yes, recorded) | no (by the labels, recorded) | core (PostgreSQL refuses) | what is none of them
sub outcome
{
	my ($n, $column) = @_;
	my $errors = $cells[$n]{errors}[$column];
	my $denied = $denied{"cell$n.$column"};

	return 'lost' unless defined $errors;
	my @states = ($errors =~ /(?:ERROR|FATAL): +([0-9A-Z]{5}): /g);
	my @texts = ($errors =~ /(?:ERROR|FATAL): +[0-9A-Z]{5}: (.*)/g);
	unless (@states)
	{
		return 'denied without an error' if $denied;
		return 'core' if $errors =~ /WARNING: .*(only .* can (vacuum|analyze)|no privileges)/;
		return $noted{"cell$n.$column"} ? 'rec' : 'yes';
	}
	return '-' if $states[0] =~ /^(42703|42809)$/;
	return "error $states[0]: $texts[0]" unless $states[0] eq '42501';
	return 'no' if $denied;
	return 'core' if $texts[0] =~ /must be (owner|superuser)|permission denied/ && $errors !~ /clearance|label/;
	return "unrecorded: $texts[0]";
}

my $last = -1;
for my $n (0 .. $#cells)
{
	my $cell = $cells[$n];
	my @found = map { outcome($n, $_) } 0 .. $#columns;
	my @said = @{ $cell->{said} };
	my @wrong = grep { $found[$_] ne ($said[$_] // '') } 0 .. $#columns;

	ok(!@wrong, $cell->{sql});
	diag("$columns[$_][0], $columns[$_][1]: the page says \"" . ($said[$_] // '') . "\", the server \"$found[$_]\"") for @wrong;
	$lines[ $cell->{line} ] = "| `$cell->{sql}` | " . join(' | ', @found) . ' |';
}
open(my $out, '>', "$PostgreSQL::Test::Utils::log_path/ddl-matrix.md") or die;
print $out "$_\n" for @lines;
close $out;

# What core refuses about labelled objects is in the trail, too.
my ($refused, @missing) = (0);
for my $n (0 .. $#cells)
{
	for my $column (grep { ($cells[$n]{errors}[$_] // '') =~ /ERROR: +42501: must be owner of (?:table|relation) (?:t|part)$/m } 0 .. $#columns)
	{
		$refused++;
		push @missing, "$cells[$n]{sql} ($columns[$column][0], $columns[$column][1])" unless $by_core{"cell$n.$column"} || $denied{"cell$n.$column"};
	}
}
cmp_ok($refused, '>', 50, 'PostgreSQL refuses by ownership');
is(join("\n", @missing), '', 'and each time that is recorded');

# Nothing hidden may have come out on the way.
my $server_log = slurp_file($node->logfile);
unlike($server_log, qr/HIDDEN/, 'no hidden value in the server log');
for my $cell (@cells)
{
	my @leaks = grep { $columns[$_][1] ne 'cleared' && ($cell->{errors}[$_] // '') =~ /HIDDEN/ } 0 .. $#columns;
	fail("a hidden value came out: $cell->{sql}") if @leaks;
}

done_testing();
