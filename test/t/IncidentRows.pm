# Rows of incident tables put there with enforcement off, whatever columns they
# have besides: for tests of what depends on open and closed incidents.
package IncidentRows;
use strict;
use warnings;

# SQL that inserts a row into a table of dataclass_audit: the values given, and
# something of its type in every other column.
sub insert_sql
{
	my ($table, $values, $from) = @_;
	return qq{INSERT INTO dataclass_audit.$table SELECT (jsonb_populate_record(NULL::dataclass_audit.$table,
		(SELECT jsonb_object_agg(attname, CASE WHEN atttypid = 'timestamptz'::regtype THEN to_jsonb(now())
				WHEN atttypid IN ('int8'::regtype, 'int4'::regtype, 'oid'::regtype) THEN to_jsonb(1) ELSE to_jsonb('x'::text) END)
			FROM pg_attribute WHERE attrelid = 'dataclass_audit.$table'::regclass AND attnum > 0 AND NOT attisdropped)
		|| jsonb_build_object($values))).* } . ($from // '');
}

# Run SQL as a superuser with enforcement off.
sub without_enforcement
{
	my ($node, $sql) = @_;
	for my $mode ('off', 'enforcing')
	{
		$node->append_conf('postgresql.conf', "dataclass.enforcement = $mode");
		$node->reload;
		$node->poll_query_until('postgres', "SELECT current_setting('dataclass.enforcement') = '$mode'") or die "enforcement $mode";
		$node->safe_psql('postgres', $sql) if $mode eq 'off';
	}
	return;
}

sub close_incidents
{
	my $node = shift;
	without_enforcement($node, insert_sql('incident_step', q{'incident', r.id, 'step', 1000000, 'state', 'closed'},
		q{FROM dataclass_audit.incident_record r WHERE NOT EXISTS
			(SELECT FROM dataclass_audit.incident_step s WHERE s.incident = r.id AND s.state = 'closed')}));
	return;
}

1;
