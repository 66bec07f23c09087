# Certificates and connections of every kind for the tests of session tiers.
package TierWorld;

use strict;
use warnings;
use Exporter 'import';
use PostgreSQL::Test::Utils;
our @EXPORT = qw(make_authority make_certificate revoke_certificate openssl_is_missing connect_as);

my $password = 'pass';

sub openssl_is_missing
{
	return system('openssl version >/dev/null 2>&1') != 0;
}

sub openssl
{
	my (@arguments) = @_;
	my ($out, $err);
	IPC::Run::run([ 'openssl', @arguments ], '>', \$out, '2>', \$err) or die "openssl @arguments: $err";
	return $out;
}

# A certificate authority in a directory: ca.crt, crl.pem.
sub make_authority
{
	my ($directory, $name) = @_;
	mkdir $directory or die "$directory: $!";
	append_to_file("$directory/index.txt", '');
	append_to_file("$directory/serial", "01\n");
	append_to_file("$directory/crlnumber", "01\n");
	append_to_file("$directory/ca.conf", qq{
[ca]
default_ca = here
[here]
database = $directory/index.txt
new_certs_dir = $directory
serial = $directory/serial
crlnumber = $directory/crlnumber
certificate = $directory/ca.crt
private_key = $directory/ca.key
default_md = sha256
default_days = 30
default_crl_days = 30
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign, cRLSign
});
	openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '30', '-subj', "/CN=$name",
		'-config', "$directory/ca.conf", '-extensions', 'authority',
		'-keyout', "$directory/ca.key", '-out', "$directory/ca.crt");
	openssl('ca', '-config', "$directory/ca.conf", '-gencrl', '-out', "$directory/crl.pem");
	return $directory;
}

# name.crt and name.key; options: file, san, dates => [start, end].
sub make_certificate
{
	my ($directory, $name, %option) = @_;
	my $file = "$directory/" . ($option{file} // $name);
	openssl('req', '-new', '-newkey', 'rsa:2048', '-nodes', '-subj', "/CN=$name", '-config', "$directory/ca.conf",
		$option{san} ? ('-addext', "subjectAltName=$option{san}") : (),
		'-keyout', "$file.key", '-out', "$file.csr");
	openssl('ca', '-batch', '-config', "$directory/ca.conf", '-in', "$file.csr", '-out', "$file.crt", '-notext',
		$option{dates} ? ('-startdate', $option{dates}[0], '-enddate', $option{dates}[1]) : ());
	chmod 0600, "$file.key" or die "$file.key: $!";
	return $file;
}

sub revoke_certificate
{
	my ($directory, $file) = @_;
	openssl('ca', '-config', "$directory/ca.conf", '-revoke', "$file.crt");
	openssl('ca', '-config', "$directory/ca.conf", '-gencrl', '-out', "$directory/crl.pem");
}

# Runs SQL as a role over a connection that is given in libpq's words; (output, errors).
sub connect_as
{
	my ($node, $role, $connection, $sql, $database) = @_;
	local $ENV{PGPASSWORD} = $password;
	my ($ret, $out, $err) = $node->psql($database // 'postgres', $sql,
		connstr => $node->connstr($database // 'postgres') . " user=$role $connection", on_error_stop => 1);
	return ($out, $err);
}

1;
