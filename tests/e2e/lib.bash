# Helpers for the end-to-end tests: network namespaces connected by a veth pair, and a real collectd
# in one of them. Sourced by the .bats files.
# shellcheck shell=bash

: "${top_srcdir:=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)}"
: "${top_builddir:=$top_srcdir/build/test}"
: "${DYNMON_CC:=$top_builddir/dynmon-cc}"
: "${DYNMON_BPFDIR:=$top_srcdir/bpf}"

# Time limit in seconds after which a test gives up. It is not a measurement.
PATIENCE=180

# Tests compare English messages and lists sorted by byte.
export LC_ALL=C.UTF-8

# Debian's programs come first in PATH, because bootstrap installs modules for Debian's python3.
PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH

need_root() {
	[ "$(id -u)" -eq 0 ] || skip "needs root: loads eBPF programs and makes network namespaces"
}

# Creates two namespaces: mon0 in $NEAR is monitored, peer0 in $FAR is the other end. Only the tests
# send packets there.
network_up() {
	NEAR=dynmon-near-$$-$BATS_SUITE_TEST_NUMBER FAR=dynmon-far-$$-$BATS_SUITE_TEST_NUMBER
	local ns

	for ns in "$NEAR" "$FAR"; do
		ip netns add "$ns"
		ip netns exec "$ns" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 \
			net.ipv6.conf.default.disable_ipv6=1
		ip -n "$ns" link set lo up
	done
	cable_up mon0 peer0
	# write_prometheus listens only if an address other than the loopback address is configured.
	ip -n "$NEAR" addr add 10.9.0.1/24 dev mon0
}

# cable_up NEAR-INTERFACE FAR-INTERFACE
cable_up() {
	ip -n "$NEAR" link add "$1" type veth peer name "$2" netns "$FAR"
	ip -n "$NEAR" link set "$1" up arp off
	ip -n "$FAR" link set "$2" up arp off
	# The end that comes up first drops its frames until the kernel has processed its carrier. A
	# query of the link state makes the kernel process the carrier now.
	ip -n "$NEAR" link show dev "$1" >/dev/null
}

network_down() {
	[ -z "${SENDER:-}" ] || kill "$SENDER" 2>/dev/null || true
	SENDER=
	[ -z "${KEEPER:-}" ] || kill -KILL "$KEEPER" 2>/dev/null || true
	KEEPER=
	[ -z "${NEAR:-}" ] || ip netns del "$NEAR" 2>/dev/null || true
	[ -z "${FAR:-}" ] || ip netns del "$FAR" 2>/dev/null || true
}

# The default of all files. A file with more to clean up has its own teardown.
teardown() {
	collectd_kill
	network_down
}

# documents_up [FILE ...]: creates a DataplaneDir with copies of these files.
documents_up() {
	DOCUMENTS=$BATS_TEST_TMPDIR/documents
	DATAPLANE_DIR=$DOCUMENTS
	mkdir "$DOCUMENTS"
	[ $# -eq 0 ] || cp "$@" "$DOCUMENTS"
}

near() { ip netns exec "$NEAR" "$@"; }
far() { ip netns exec "$FAR" "$@"; }

# interface_rename OLD NEW
interface_rename() {
	near ip link set "$1" down
	near ip link set "$1" name "$2"
	near ip link set "$2" up
}

# frames_in COUNT [sendframes' options]: sends frames that arrive at mon0. frames_out: sends frames
# that leave mon0. Both return after all frames have been received.
frames_in() {
	local count=$1
	shift
	far "$top_builddir/tests/tools/sendframes" "$@" peer0 "$count"
}
# frames_at PEER COUNT: sends frames that arrive at the interface at the other end of PEER.
frames_at() { far "$top_builddir/tests/tools/sendframes" "$@"; }
frames_out() {
	local count=$1
	shift
	near "$top_builddir/tests/tools/sendframes" "$@" mon0 "$count"
}

# 35 packets of 2910 bytes in total. 63 is the last value of its bucket, 64 the first of the next.
packets() {
	frames_in 10 -s 63 "$@"
	frames_in 20 -s 64 "$@"
	frames_in 5 -s 200 "$@"
}

# Sends frames to mon0 continuously. send_no_more stops the sender and returns after the last frame
# has arrived.
send_always() {
	rm -f "$BATS_TEST_TMPDIR/quiet"
	(while [ ! -e "$BATS_TEST_TMPDIR/quiet" ]; do frames_in 10; sleep 0.05; done) >/dev/null 2>&1 3>&- &
	SENDER=$!
}
send_no_more() {
	touch "$BATS_TEST_TMPDIR/quiet"
	wait "$SENDER"
	SENDER=
}

# Sets the directory and files that collectd uses from now on.
collectd_at() {
	DIR=$1
	SOCKET=$DIR/control.sock
	LOG=$DIR/collectd.log
	CONF=$DIR/collectd.conf
}

# collectd_write HOSTNAME INTERVAL OUTPUTS: writes a collectd.conf. OUTPUTS is the part that
# configures the destinations of values; standard input is the content of the plugin's block. The
# timeout of values is disabled: collectd considers a value missing when it is two intervals late,
# which happens on a loaded machine.
collectd_write() {
	cat >"$CONF" <<-EOF
	Hostname "$1"
	Interval $2
	Timeout 1000
	BaseDir "$DIR"
	TypesDB "/usr/share/collectd/types.db"
	LoadPlugin logfile
	<Plugin logfile>
	  File "$LOG"
	  LogLevel "info"
	</Plugin>
	$3
	PluginDir "$top_builddir/.libs"
	LoadPlugin dynmon
	<Plugin dynmon>
	  SocketFile "$SOCKET"
	  DataplaneDir "${DATAPLANE_DIR:-$top_srcdir/examples}"
	  StateDir "$DIR/state"
	  Compiler "$DYNMON_CC"
	  IncludeDir "$DYNMON_BPFDIR"
	  <Http>
	    Port 9936
	  </Http>
	$(cat)
	</Plugin>
	EOF
}

# The default of most tests: values go to csv files and to a page.
collectd_configure() {
	collectd_at "$BATS_TEST_TMPDIR"
	collectd_write host 0.2 "
	LoadPlugin csv
	<Plugin csv>
	  DataDir \"$DIR/csv\"
	</Plugin>
	LoadPlugin write_prometheus
	<Plugin write_prometheus>
	  Host \"127.0.0.1\"
	  Port \"9103\"
	</Plugin>"
}

# Starts collectd without a monitor.
start_empty() {
	collectd_configure </dev/null
	collectd_start
}

# Starts collectd with packet_counter.json on mon0.
start_with_edge() {
	collectd_configure <<-EOF
	<Monitor "edge">
	  Interface "mon0"
	  Dataplane "packet_counter.json"
	</Monitor>
	EOF
	collectd_start
}

# Creates a mount namespace with a bpffs that outlives collectd, for pinned objects. Every collectd
# started later runs in it. network_down removes it.
bpffs_up() {
	# shellcheck disable=SC2016 # the inner shell expands it
	ip netns exec "$NEAR" sh -c 'mount -t bpf bpf /sys/fs/bpf && touch "$1" && exec sleep infinity' \
		sh "$BATS_TEST_TMPDIR/bpffs-$NEAR" >/dev/null 2>&1 3>&- &
	KEEPER=$!
	disown "$KEEPER"
	# Until then the process may still be in the mount namespace of its parent.
	eventually test -e "$BATS_TEST_TMPDIR/bpffs-$NEAR"
}

# Runs a command that sees that bpffs, even if collectd is not running.
kept() { nsenter --target "$KEEPER" --mount --net -- "$@"; }

# Counts how often a plugin has logged that it is ready. A later collectd appends to the same log.
times_ready() {
	local n

	n=$(grep -c 'dynmon: version .* is ready' "$LOG" 2>/dev/null) || true
	echo "${n:-0}"
}
ready_again() { [ "$(times_ready)" -gt "$1" ]; }

# AS_USER: a command that starts collectd as another user, such as setpriv. By default collectd runs
# as root.
AS_USER=()

# DYNMON_PRELOAD: the sanitizer runtime, for a plugin that was built with sanitizers.
collectd_start() {
	local ready
	ready=$(times_ready)
	# No function here: $! must be the process of collectd. It runs in its own mount namespace
	# with a bpffs.
	# shellcheck disable=SC2016 # the inner shell expands it
	local place=(ip netns exec "$NEAR" sh -c 'mount -t bpf bpf /sys/fs/bpf && exec "$@"' sh)

	[ -z "${KEEPER:-}" ] || place=(nsenter --target "$KEEPER" --mount --net --)
	"${place[@]}" "${AS_USER[@]}" env LD_PRELOAD="${DYNMON_PRELOAD:-}" collectd -f -C "$CONF" \
		>"$DIR/collectd.out" 2>&1 3>&- &
	COLLECTD=$!
	if ! eventually ready_again "$ready" || ! kill -0 "$COLLECTD"; then
		cat "$DIR/collectd.out" "$LOG"
		return 1
	fi
}

# Runs a command in collectd's mount namespace.
inside() { nsenter --target "$COLLECTD" --mount --root --wd -- "$@"; }

# Stops collectd. Requires exit status 0.
collectd_stop() {
	local status=0

	kill -TERM "$COLLECTD"
	wait "$COLLECTD" || status=$?
	COLLECTD=
	if [ "$status" -ne 0 ]; then
		echo "collectd ended with status $status"
		cat "$DIR/collectd.out" "$LOG"
		return 1
	fi
}

# Kills collectd at once, without any cleanup.
collectd_crash() {
	kill -KILL "$COLLECTD"
	wait "$COLLECTD" 2>/dev/null || true
	COLLECTD=
}

# For teardown: stops collectd in any state, even if the process is stopped.
collectd_kill() {
	[ -n "${COLLECTD:-}" ] || return 0
	kill -CONT "$COLLECTD" 2>/dev/null || true
	kill -TERM "$COLLECTD" 2>/dev/null || true
	if ! eventually process_gone "$COLLECTD"; then
		kill -KILL "$COLLECTD" 2>/dev/null || true
	fi
	wait "$COLLECTD" 2>/dev/null || true
	COLLECTD=
}

process_gone() { ! kill -0 "$1" 2>/dev/null; }

ctl() { "$top_builddir/dynmonctl" -s "$SOCKET" "$@"; }

# dynmonctl for check, compile and test, which need no running plugin.
offline() { "$top_builddir/dynmonctl" --compiler="$DYNMON_CC" --include="$DYNMON_BPFDIR" "$@"; }

# Repeats a command until it succeeds, for PATIENCE seconds.
eventually() {
	local end=$((SECONDS + PATIENCE))

	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.05
	done
}

# Sends one request in the protocol of the control socket.
raw() { printf '%s\n' "$1" | near timeout "$PATIENCE" python3 "$top_srcdir/tests/tools/rawsocket.py" "$SOCKET"; }

http() { near curl -sS --max-time "$PATIENCE" "$@"; }
metrics_page() { http http://127.0.0.1:9936/metrics "$@"; }

# For jq pipelines: the -e of jq takes empty input for success.
is_true() { [ "$(cat)" = true ]; }

# json_value MONITOR PATH METRIC: the JSON value of the metric. Reads no other metric, because a
# read may empty the map.
json_value() { ctl metrics "$1" direction="$2" name="$3" | jq -c ".\"$2-metrics\"[].value"; }

# counted MONITOR INTERFACE COUNT [PATH]: the counter of packet_counter.json for that interface
# equals COUNT.
counted() {
	ctl openmetrics "$1" |
		grep -Fxq "packets_total{monitor=\"$1\",interface=\"$2\",direction=\"${4:-ingress}\"} $3"
}

# collectd, whose interval is an hour, has read each of two monitors once.
both_are_read() { [ "$(ctl stats | grep -c '^reads{.*reader="collectd"} 1$')" -eq 2 ]; }

# monitor_is NAME STATE
monitor_is() {
	local shown

	shown=$(ctl show "$1") || return 1
	if [ "$(jq -r .state <<<"$shown")" != "$2" ]; then
		echo "not $2: $shown"
		return 1
	fi
}

# runs_on MONITOR INTERFACE ...: the monitor is attached to exactly these interfaces.
runs_on() {
	local monitor=$1
	shift
	[ "$(ctl show "$monitor" | jq -r '.interfaces[] | select(.present) | .name' | sort | xargs)" = \
		"$(printf '%s\n' "$@" | sort | xargs)" ]
}

# program_id MONITOR INTERFACE PATH
program_id() {
	ctl show "$1" | jq --arg name "$2" --arg direction "$3" \
		'.interfaces[] | select(.name == $name) | .programs[] | select(.direction == $direction) | .id'
}

# csv_value PLUGIN-INSTANCE TYPE-INSTANCE-FILE: the last value that collectd's csv plugin has
# written
csv_value() {
	local files=("$DIR/csv/host/dynmon-$1/$2"-[0-9]*)

	tail -n 1 "${files[-1]}" | cut -d, -f2 # the newest file: csv starts a new file at midnight
}

csv_is() { [ "$(csv_value "$1" "$2")" = "$3" ]; }

# prometheus_is LABEL-TEXT VALUE: the page of write_prometheus has this line.
prometheus_is() {
	http http://127.0.0.1:9103/metrics | grep -F "$1" |
		awk -v want="$2" '$2 == want { found = 1 } END { exit !found }'
}

# Prints "tcx ingress 12 name" for each program on the hooks of an interface. Filters of tc are not
# included.
attached() { near "$top_builddir/tests/tools/attached" "${1:-mon0}"; }

# The plugin has no programs attached in $NEAR.
nothing_attached() {
	local left interface

	for interface in $(near ls /sys/class/net); do
		left=$(attached "$interface"; near tc qdisc show dev "$interface" | grep clsact || true)
		[ -z "$left" ] || { echo "still on $interface: $left"; return 1; }
	done
}
