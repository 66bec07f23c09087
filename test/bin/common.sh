# Shared by the scripts of this directory: messages, and the one place that
# knows where things are.  Source it; it runs nothing.

set -u

DC_BIN_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
DC_TREE=${DC_TREE:-$(cd "$DC_BIN_DIR/../.." && pwd)}
DC_PG_MAJOR=${DC_PG_MAJOR:-15}

say()
{
	printf '%s\n' "$*"
}

note()
{
	printf '# %s\n' "$*" >&2
}

die()
{
	printf 'error: %s\n' "$*" >&2
	exit 1
}

# Is this one of the packages that apt considers installed and configured?
package_installed()
{
	[ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# poll SECONDS COMMAND...: run COMMAND until it succeeds; false after SECONDS.
poll()
{
	local limit=$((SECONDS + $1))
	shift
	until "$@"; do
		[ "$SECONDS" -ge "$limit" ] && return 1
		sleep 0.1
	done
}

# A TCP port nobody listens on; only names the socket file, as our clusters
# listen on unix sockets in directories of their own.
free_port()
{
	local port
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		port=$((20000 + (RANDOM * 32768 + RANDOM) % 40000))
		if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
			printf '%s\n' "$port"
			return 0
		fi
	done
	return 1
}
