# What tests of recording do to a node: settings that must have arrived before
# they go on, and denials that can be found again by their application name.
package AuditWorld;
use strict;
use warnings;

# Set and reload; waits until new sessions see it.  shown: how the server shows
# the value, where it differs.
sub set_conf
{
	my ($node, $name, $value, $shown) = @_;
	$shown //= $value;
	$node->append_conf('postgresql.conf', "$name = $value");
	$node->reload;
	$node->poll_query_until('postgres', "SELECT current_setting('$name') = '$shown'") or die "$name is not $value";
	return;
}

# What role low is told when it reads table files.
sub deny
{
	my ($node, $name) = @_;
	my ($rc, $out, $err) = $node->psql('postgres', 'SELECT * FROM files', extra_params => [ '-U', 'low', '-v', 'VERBOSITY=verbose' ],
		connstr => $node->connstr('postgres') . " application_name=$name");
	return $err;
}

1;
