# WireClient: a client of protocol version 3.0 for tests.
#
# libpq never sets the row limit of an Execute message, and psql starts a
# process for each session: this speaks to the socket itself.  Trust
# authentication only.  No more than the tests need; dies on a broken connection.
package WireClient;
use strict;
use warnings;
use IO::Socket::UNIX;

# WireClient->new(host => directory of the socket, port =>, user =>, database =>, timeout => seconds)
sub new
{
	my ($class, %arg) = @_;
	my $path = "$arg{host}/.s.PGSQL.$arg{port}";
	my $socket = IO::Socket::UNIX->new(Peer => $path) or die "cannot connect to $path: $!\n";
	my $self = bless {
		socket => $socket, in => '', out => '', timeout => $arg{timeout} // 180,
		notices => [], notifications => [], parameters => {}, status => 'I',
	}, $class;
	my $startup = pack('N', 196608);
	$startup .= pack('Z*Z*', $_, $arg{$_}) for grep { defined $arg{$_} } qw(user database);
	$startup .= pack('Z*Z*', 'application_name', $arg{name} // 'wire');
	$self->{out} = pack('N', length($startup) + 5) . $startup . "\0";
	my ($result) = $self->read_results;
	die "connection refused: $result->{error}{message}\n" if $result && $result->{error};
	return $self;
}

sub put
{
	my ($self, $type, $body) = @_;
	$self->{out} .= $type . pack('N', length($body) + 4) . $body;
	return $self;
}

sub flush_out
{
	my ($self) = @_;
	local $SIG{PIPE} = 'IGNORE';
	while (length $self->{out})
	{
		my $n = syswrite $self->{socket}, $self->{out};
		die "connection lost while writing: $!\n" if !defined $n;
		substr($self->{out}, 0, $n) = '';
	}
	return $self;
}

sub fill
{
	my ($self, $wanted) = @_;
	while (length $self->{in} < $wanted)
	{
		my $ready = '';
		vec($ready, fileno($self->{socket}), 1) = 1;
		select($ready, undef, undef, $self->{timeout}) > 0 or die "no answer within $self->{timeout} s\n";
		my $n = sysread $self->{socket}, $self->{in}, 65536, length $self->{in};
		die "connection closed by the server\n" if !$n;
	}
	return;
}

sub get
{
	my ($self) = @_;
	$self->fill(5);
	my ($type, $length) = unpack('a1 N', $self->{in});
	$self->fill($length + 1);
	my $body = substr($self->{in}, 5, $length - 4);
	substr($self->{in}, 0, $length + 1) = '';
	return ($type, $body);
}

# Fields of an error or notice.
sub fields
{
	my ($body) = @_;
	my %names = (S => 'severity', C => 'code', M => 'message', D => 'detail', H => 'hint', W => 'context');
	my %found;
	for my $field (split /\0/, $body)
	{
		my $name = $names{ substr($field, 0, 1) };
		$found{$name} = substr($field, 1) if $name;
	}
	return \%found;
}

sub row_of
{
	my ($body) = @_;
	my ($n, $at, @row) = (unpack('n', $body), 2);
	for (1 .. $n)
	{
		my $length = unpack('l>', substr($body, $at, 4));
		$at += 4;
		if ($length < 0) { push @row, undef; next; }
		push @row, substr($body, $at, $length);
		$at += $length;
	}
	return \@row;
}

sub columns_of
{
	my ($body) = @_;
	my ($n, $at, @names) = (unpack('n', $body), 2);
	for (1 .. $n)
	{
		my $name = unpack('Z*', substr($body, $at));
		$at += length($name) + 19;
		push @names, $name;
	}
	return \@names;
}

# Answers up to ReadyForQuery, one result for each command or portal run:
# {columns, rows, tag} or {rows, suspended} or {rows, error}.
sub read_results
{
	my ($self, $copy_data) = @_;
	my (@results, $columns);
	my $rows = [];
	my $finish = sub {
		push @results, { rows => $rows, columns => $columns, @_ };
		($rows, $columns) = ([], undef);
	};
	$self->flush_out;
	while (1)
	{
		my ($type, $body) = $self->get;
		if ($type eq 'D') { push @$rows, row_of($body); }
		elsif ($type eq 'T') { $columns = columns_of($body); }
		elsif ($type eq 'C') { $finish->(tag => unpack('Z*', $body)); }
		elsif ($type eq 's') { $finish->(suspended => 1); }
		elsif ($type eq 'E') { $finish->(error => fields($body)); }
		elsif ($type eq 'I') { $finish->(tag => ''); }
		elsif ($type eq 'Z') { $self->{status} = $body; return @results; }
		elsif ($type eq 'd') { push @$rows, [ split /\t/, $body =~ s/\n\z//r, -1 ]; }
		elsif ($type eq 'G') { $self->put('d', $copy_data)->put('c', '')->flush_out if defined $copy_data;
			$self->put('f', "no data\0")->flush_out if !defined $copy_data; }
		elsif ($type eq 'N') { push @{ $self->{notices} }, fields($body); }
		elsif ($type eq 'A') { push @{ $self->{notifications} }, $body; }
		elsif ($type eq 'S') { my ($name, $value) = unpack('Z*Z*', $body); $self->{parameters}{$name} = $value; }
		elsif ($type eq 'R') { die "authentication other than trust\n" if unpack('N', $body) != 0; }
		elsif ($type !~ /[K123nHtc]/) { die "unexpected message $type\n"; }
	}
}

# A simple query, all its results.
sub query
{
	my ($self, $sql, $copy_data) = @_;
	utf8::encode($sql) if utf8::is_utf8($sql);
	$self->{notices} = [];
	return $self->put('Q', pack('Z*', $sql))->read_results($copy_data);
}

# The result of the last command of a simple query, or of the one that failed.
sub run
{
	my ($self, $sql, $copy_data) = @_;
	my @results = $self->query($sql, $copy_data);
	return $results[-1];
}

# The same, for what must not fail.
sub must
{
	my ($self, $sql) = @_;
	my $result = $self->run($sql);
	die "$result->{error}{code}: $result->{error}{message}\nin: $sql\n" if $result->{error};
	return $result;
}

# Messages of the extended protocol; they are sent by the next read_results.
sub parse { my ($self, $name, $sql) = @_; return $self->put('P', pack('Z*Z*n', $name, $sql, 0)); }

sub bind_portal
{
	my ($self, $portal, $statement, @values) = @_;
	my $body = pack('Z*Z*nn', $portal, $statement, 0, scalar @values);
	$body .= defined $_ ? pack('N/a*', $_) : pack('l>', -1) for @values;
	return $self->put('B', $body . pack('n', 0));
}

sub describe_portal { my ($self, $portal) = @_; return $self->put('D', pack('a1Z*', 'P', $portal)); }
sub execute { my ($self, $portal, $limit) = @_; return $self->put('E', pack('Z*N', $portal, $limit // 0)); }
sub close_portal { my ($self, $portal) = @_; return $self->put('C', pack('a1Z*', 'P', $portal)); }

# Sync, and everything that was answered since the last one.
sub sync { my ($self) = @_; return $self->put('S', '')->read_results; }

# Flush: what is answered without the end of the transaction; reads until
# $n results came.
sub flush_results
{
	my ($self, $n) = @_;
	my @results;
	my $rows = [];
	$self->put('H', '')->flush_out;
	while (@results < $n)
	{
		my ($type, $body) = $self->get;
		if ($type eq 'D') { push @$rows, row_of($body); next; }
		my %end = $type eq 'C' ? (tag => unpack('Z*', $body)) : $type eq 's' ? (suspended => 1) :
			$type eq 'E' ? (error => fields($body)) : ();
		push @results, { rows => $rows, %end } and $rows = [] if %end;
		last if $type eq 'E';
	}
	return @results;
}

sub finish
{
	my ($self) = @_;
	$self->put('X', '');
	eval { $self->flush_out };
	close $self->{socket};
	return;
}

1;
