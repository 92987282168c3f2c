# collectd.conf: an error message names the block, the option, the value and the valid values.
# shellcheck shell=bash
load lib

setup() {
	need_root
	network_up
}

# refused "LINES OF THE BLOCK" "MESSAGE": collectd does not start and logs MESSAGE.
refused() {
	collectd_configure <<<"$1"
	run near env LD_PRELOAD="${DYNMON_PRELOAD:-}" timeout "$PATIENCE" collectd -f -C "$CONF"
	[ "$status" -ne 0 ]
	grep -F "$2" "$LOG" || {
		cat "$LOG"
		return 1
	}
}

@test "invalid values are errors" {
	refused $'<Monitor "edge">\nHook "warp"\n</Monitor>' \
		'dynmon: Monitor "edge": Hook: expected one of auto, tcx, tc, xdp, xdp-generic, found "warp"'
	refused $'<Monitor "edge">\nInterval -1\n</Monitor>' \
		'dynmon: Monitor "edge": Interval: expected seconds from 0.001 to 86400, found "-1"'
	refused $'<Monitor "edge">\nInterface "a-name-that-is-too-long"\n</Monitor>' \
		'dynmon: Monitor "edge": Interface: expected the name of a network interface, bridge:port, or /a regular expression/, found "a-name-that-is-too-long"'
	refused $'<Monitor "a b">\n</Monitor>' \
		'dynmon: monitor name: expected letters, digits, _, - and ., found "a b"'
	refused $'<Monitor "x">\n</Monitor>\n<Monitor "x">\n</Monitor>' \
		'dynmon: Monitor "x": the name is already used'
	refused $'<Http>\nPort 70000\n</Http>' 'dynmon: Http: Port: expected a port from 1 to 65535, found "70000"'
	refused 'SocketPerms "rw"' 'dynmon: Plugin dynmon: SocketPerms: expected octal permissions such as 0660, found "rw"'
	refused $'<Monitor "edge">\n<Metric "m">\nDispatch "maybe"\n</Metric>\n</Monitor>' \
		'dynmon: Metric "m": Dispatch: expected true or false, found "maybe"'
	refused 'DataplaneDir "relative"' 'dynmon: Plugin dynmon: DataplaneDir: expected an absolute file name, found "relative"'
	refused $'<Monitor "edge">\nHook "tc" "xdp"\n</Monitor>' 'dynmon: Monitor "edge": Hook: expected one value, found 2'
}

@test "unknown options are warnings" {
	collectd_configure <<-EOF
	Colour "blue"
	<Monitor "edge">
	  Interface "mon0"
	  Dataplane "packet_counter.json"
	  Size 7
	</Monitor>
	<Frob "x">
	  A 1
	</Frob>
	EOF
	collectd_start
	grep -F 'dynmon: Plugin dynmon: unknown option "Colour", expected one of SocketFile,' "$LOG"
	grep -F 'dynmon: Monitor "edge": unknown option "Size", expected one of Interface, NetNS,' "$LOG"
	grep -F 'dynmon: Plugin dynmon: unknown block <Frob>' "$LOG"
	frames_in 2
	[ "$(json_value edge ingress packets_total)" = "[2]" ]
}

@test "a monitor that fails does not affect others" {
	collectd_configure <<-EOF
	<Monitor "nofile">
	  Interface "mon0"
	  Dataplane "nosuch.json"
	</Monitor>
	<Monitor "edge">
	  Interface "mon0"
	  Dataplane "packet_counter.json"
	</Monitor>
	EOF
	collectd_start
	grep -F "dynmon: monitor nofile: $top_srcdir/examples/nosuch.json: No such file or directory" "$LOG"
	[ "$(ctl --json list | jq -r '[.[] | .name + " " + .state] | join(", ")')" = "nofile failed, edge running" ]
	frames_in 2
	[ "$(json_value edge ingress packets_total)" = "[2]" ]
	[ "$(http -o "$BATS_TEST_TMPDIR/health" -w '%{http_code}' http://127.0.0.1:9936/healthz)" = 503 ]
	grep -F "monitor nofile: " "$BATS_TEST_TMPDIR/health"
	collectd_stop
	nothing_attached
}

@test "a socket or address in use is logged, and the rest runs" {
	mkdir "$BATS_TEST_TMPDIR/taken"
	collectd_configure <<-EOF
	SocketFile "$BATS_TEST_TMPDIR/taken"
	<Http>
	  Port 9936
	</Http>
	<Http>
	  SocketFile "$BATS_TEST_TMPDIR/http.sock"
	</Http>
	<Monitor "edge">
	  Interface "mon0"
	  Dataplane "packet_counter.json"
	</Monitor>
	EOF
	SOCKET=$BATS_TEST_TMPDIR/http.sock
	collectd_start
	eventually grep -F 'dynmon: version' "$LOG"
	grep -F "dynmon: socket $BATS_TEST_TMPDIR/taken: Address already in use" "$LOG"
	grep -F 'dynmon: Http: Host "127.0.0.1" Port "9936": Address already in use' "$LOG"
	frames_in 2
	curl -sS --max-time "$PATIENCE" --unix-socket "$SOCKET" http://localhost/metrics | grep -F 'direction="ingress"} 2'
	[ "$(stat -c %a "$SOCKET")" = 660 ]
	collectd_stop
	[ ! -e "$BATS_TEST_TMPDIR/http.sock" ]
}

@test "after SIGKILL the programs are gone, and the next collectd starts" {
	collectd_configure <<-EOF
	<Monitor "edge">
	  Interface "mon0"
	  Hook "xdp"
	  Dataplane "packet_counter.json"
	</Monitor>
	EOF
	collectd_start
	[ "$(attached | wc -l)" -eq 2 ]
	kill -KILL "$COLLECTD"
	wait "$COLLECTD" || true
	eventually nothing_attached
	[ -S "$SOCKET" ] # a stale socket: no process listens
	collectd_start
	eventually ctl list
	frames_in 3
	[ "$(json_value edge ingress packets_total)" = "[3]" ]
	collectd_stop
}
