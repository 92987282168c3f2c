# Helpers for the tests of the examples. Each example runs with its own collectd.conf and receives a
# known number of packets. Loaded by examples*.bats, after lib.
# shellcheck shell=bash

setup() {
	need_root
	SERVERS=()
	DIR=$BATS_TEST_TMPDIR
	export PYTHONPATH=$top_srcdir/tests/tools PYTHONDONTWRITEBYTECODE=1
}

teardown() {
	collectd_kill
	[ ${#SERVERS[@]} -eq 0 ] || kill "${SERVERS[@]}" || true
	network_down
}

# Runs the collectd.conf of an example. Only the interface and the installation paths are changed.
example() { # NAME
	collectd_configure </dev/null
	sed -e 's/"eth0"/"mon0"/' \
		-e "s|\"/usr/share/doc/collectd-dynmon/examples\"|\"$top_srcdir/examples\"|" \
		-e "1i Hostname \"host\"\nBaseDir \"$DIR\"\nTypesDB \"/usr/share/collectd/types.db\"" \
		-e "1i LoadPlugin logfile\n<Plugin logfile>\nFile \"$LOG\"\nLogLevel \"info\"\n</Plugin>" \
		-e "s|^LoadPlugin dynmon|PluginDir \"$top_builddir/.libs\"\n&|" \
		-e "s|^<Plugin dynmon>|&\nSocketFile \"$SOCKET\"\nStateDir \"$DIR/state\"|" \
		-e "s|^<Plugin dynmon>|&\nCompiler \"$DYNMON_CC\"\nIncludeDir \"$DYNMON_BPFDIR\"|" \
		"$top_srcdir/examples/$1.conf" >"$CONF"
	collectd_start
	run ! grep -E 'warning|error' "$LOG"
}

# Tests a dataplane with the frames that the Python code on standard input puts into "frames".
# Prints the JSON.
over() { # NAME [OPTION ...]
	python3 -c "$(printf '%s\n' 'from frames import *' 'frames = []' "$(cat)" "capture('$DIR/frames.pcap', frames)")"
	offline test "$top_srcdir/examples/$1.json" --pcap="$DIR/frames.pcap" --json "${@:2}"
}

# arrive SIDE INTERFACE: sends such frames out of an interface; SIDE is near or far. Returns after
# the frames have been received.
send_from() {
	"$1" python3 -c "$(printf '%s\n' 'from frames import *' 'frames = []' "$(cat)" "send('$2', frames)")"
	"$1" "$top_builddir/tests/tools/sendframes" lo 0
}

# sample SERIES: the value of a series on the page of all metrics. Adds the labels of the monitor
# and interface.
sample() { # NAME PATH LABELS
	ctl openmetrics | awk -v series="$1{monitor=\"$MONITOR\",interface=\"mon0\",direction=\"$2\"$3}" \
		'{ value = $NF; sub(/ [^ ]*$/, "") } $0 == series { print value; found = 1 } END { exit !found }'
}

# Adds IPv4 and IPv6 addresses at both ends, with static neighbour entries.
addresses_up() {
	local ns other mac

	for ns in "$NEAR" "$FAR"; do
		ip netns exec "$ns" sysctl -qw net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.default.disable_ipv6=0
	done
	ip -n "$FAR" addr add 10.9.0.2/24 dev peer0
	ip -n "$NEAR" addr add fd00::1/64 dev mon0 nodad
	ip -n "$FAR" addr add fd00::2/64 dev peer0 nodad
	mac=$(near cat /sys/class/net/mon0/address)
	for other in 10.9.0.1 fd00::1; do ip -n "$FAR" neigh replace "$other" lladdr "$mac" dev peer0; done
	mac=$(far cat /sys/class/net/peer0/address)
	for other in 10.9.0.2 fd00::2; do ip -n "$NEAR" neigh replace "$other" lladdr "$mac" dev mon0; done
}

# listens SIDE: succeeds if a process listens on TCP port 7777 there.
listens() { "$1" cat /proc/net/tcp /proc/net/tcp6 | grep -q ':1E61 .* 0A '; }
