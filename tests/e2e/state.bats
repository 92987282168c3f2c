# Monitors created at runtime are restored after a restart. Notifications report the state of
# monitors.
# shellcheck shell=bash
bats_require_minimum_version 1.5.0
load lib

setup() {
	need_root
	network_up
	documents_up "$top_srcdir"/examples/*.json
	STATE=$BATS_TEST_TMPDIR/state
}

teardown() {
	collectd_kill
	umount "$STATE" 2>/dev/null || true
	network_down
}

restart() { # SIGNAL
	kill "-$1" "$COLLECTD"
	wait "$COLLECTD" || true
	collectd_start
	eventually ctl list
}

list() { ctl --json list | jq -r '[.[] | .name + " " + .state + " " + .interfaces + " " + .dataplane] | join(", ")'; }

# bats test_tags=plain
@test "monitors created at run time are restored after SIGTERM and SIGKILL" {
	start_empty
	cable_up mon1 peer1
	ctl add probe interface=mon0 hook=tc loglevel=info
	ctl attach probe mon1
	ctl inject probe "$DOCUMENTS/packet_counter.json"
	cp "$DOCUMENTS/ntp_packets_counter.json" "$DOCUMENTS/named.json"
	raw "INJECT named interface=mon0 direction=ingress file=named.json"
	ctl add bare
	[ "$(stat -c %a "$STATE")" = 700 ]
	[ "$(find "$STATE" -type f | wc -l)" -eq 3 ]
	before=$(list)
	[ "$before" = "probe running mon0,mon1 (injected), named running mon0 named.json, bare empty - -" ]
	restart TERM
	[ "$(ctl show probe | jq -r '.hook, .loglevel, .configured' | xargs)" = "tc info false" ]
	[ "$(list | tr ',' '\n' | sed 's/^ //' | sort)" = "$(tr ',' '\n' <<<"$before" | sed 's/^ //' | sort)" ]
	frames_in 3
	[ "$(ctl metrics probe | jq -c '[."ingress-metrics"[] | select(.interface == "mon0") | .value]')" = "[[3]]" ]
	ctl detach probe mon1
	ctl eject named
	ctl del bare
	restart KILL
	[ "$(list)" = "named empty mon0 -, probe running mon0 (injected)" ]
	ctl del probe
	ctl del named
	restart KILL
	[ "$(ctl list)" = "no monitors" ]
	[ -z "$(find "$STATE" -type f)" ]
	collectd_stop
}

# Monitors are restored in the order of their names. These depend on a monitor whose name comes
# later.
@test "a neighbour and a public map that are restored later are waited for" {
	local code='static __always_inline int handle_rx(struct CTXTYPE *ctx, struct pkt_metadata *md) { u32 key = 0; u64 zero = 0; W.lookup_or_init(\u0026key, \u0026zero); return RX_OK; }'

	start_empty
	ctl inject zz mon0 "$DOCUMENTS/packet_counter.json"
	ctl add aa interface=mon0 position=before:zz
	ctl inject aa "$DOCUMENTS/packet_counter.json"
	echo "{\"ingress-path\":{\"code\":\"BPF_TABLE_PUBLIC(\\\"hash\\\", u32, u64, W, 1); $code\"}}" >"$DIR/public.json"
	echo "{\"ingress-path\":{\"code\":\"BPF_TABLE(\\\"extern\\\", u32, u64, W, 1); $code\"}}" >"$DIR/extern.json"
	ctl inject zpublic mon0 "$DIR/public.json"
	ctl inject aextern mon0 "$DIR/extern.json"
	restart TERM
	[ "$(ctl -j list | jq -r '.[].state' | sort -u)" = running ]
	[ "$(ctl show zz | jq -c '[.interfaces[0].programs[0].chain[].monitor | select(. == "aa" or . == "zz")]')" = '["aa","zz"]' ]
	[ "$(http http://127.0.0.1:9936/healthz)" = ok ]
	collectd_stop
}

@test "directions from different documents are both restored" {
	start_empty
	ctl inject probe mon0 "$DOCUMENTS/packet_counter.json"
	raw "INJECT probe direction=ingress file=ntp_packets_counter.json"
	before=$(ctl show probe | jq -c '[."ingress-metrics", ."egress-metrics"]')
	[[ $before == *'"ntp_packets_total"'*'"packets_total"'* ]]
	restart TERM
	[ "$(ctl show probe | jq -c '[."ingress-metrics", ."egress-metrics"]')" = "$before" ]
}

@test "a missing interface is waited for; a failed document is repaired by a reload" {
	start_empty
	cable_up mon1 peer1
	raw "INJECT late interface=mon1 file=packet_counter.json"
	cp "$DOCUMENTS/packet_counter.json" "$DOCUMENTS/gone.json"
	raw "INJECT gone interface=mon0 file=gone.json"
	near ip link del mon1
	rm "$DOCUMENTS/gone.json"
	restart TERM
	[ "$(ctl --json list | jq -r '[.[] | .name + " " + .state] | join(", ")')" = "gone failed, late waiting" ]
	grep -F "dynmon: monitor gone: $DOCUMENTS/gone.json: No such file or directory" "$LOG"
	ctl attach gone lo
	restart TERM
	cp "$DOCUMENTS/packet_counter.json" "$DOCUMENTS/gone.json"
	cable_up mon1 peer1
	ctl reload
	[ "$(ctl show gone | jq -r '.state, ([.interfaces[].name] | join(" "))' | xargs)" = "running mon0 lo" ]
	eventually monitor_is late running
}

@test "damaged and foreign state files are reported and skipped" {
	start_empty
	ctl inject good mon0 "$DOCUMENTS/packet_counter.json"
	ctl inject half mon0 "$DOCUMENTS/packet_counter.json"
	collectd_stop
	truncate -s 40 "$STATE/half.json"
	cp "$STATE/good.json" "$STATE/other.json"
	echo hello >"$STATE/README"
	echo '{"version": 1, "name": "warp", "hook": "warp"}' >"$STATE/warp.json"
	echo '{"version": 2, "name": "next"}' >"$STATE/next.json"
	echo '{' >"$STATE/.good.new"
	ln -s /etc/passwd "$STATE/link.json"
	collectd_start
	[ "$(ctl --json list | jq -r '[.[].name] | join(" ")')" = good ]
	grep -F "dynmon: $STATE/half.json: not restored: JSON syntax: line" "$LOG"
	grep -F "dynmon: $STATE/other.json: not restored: name: expected \"other\", found \"good\"" "$LOG"
	grep -F "dynmon: $STATE/README: not the state file of a monitor, ignored" "$LOG"
	grep -F "dynmon: $STATE/warp.json: not restored: Monitor \"warp\": Hook: expected one of" "$LOG"
	grep -F "dynmon: $STATE/next.json: not restored: version: expected 1" "$LOG"
	grep -F "dynmon: $STATE/link.json: not restored: " "$LOG"
	[ ! -e "$STATE/.good.new" ]
}

@test "a monitor that is configured meanwhile is not restored" {
	start_empty
	ctl inject edge mon0 "$DOCUMENTS/packet_counter.json"
	collectd_stop
	collectd_configure < <(printf '<Monitor "edge">\nInterval 5\n</Monitor>\n')
	collectd_start
	[ "$(ctl --json list | jq -r '.[0].state')" = empty ]
	grep -F 'dynmon: monitor edge: its saved state is not restored, collectd.conf defines the monitor now' "$LOG"
}

@test "a full disk: the change holds, a warning says that it is not saved, and no old state returns" {
	mkdir -m 700 "$STATE"
	mount -t tmpfs -o size=64k,mode=700 tmpfs "$STATE"
	start_empty
	cable_up mon1 peer1
	ctl add kept interface=mon0
	ctl add lost interface=mon0
	dd if=/dev/zero of="$STATE/filler" bs=1k 2>/dev/null || true
	# larger than the space of the old file
	jq '."ingress-path".code += "/*" + "x" * 20000 + "*/"' "$DOCUMENTS/packet_counter.json" >"$DOCUMENTS/large.json"
	run ctl inject lost "$DOCUMENTS/large.json"
	[ "$status" -eq 0 ]
	[[ $output == *"monitor lost: its state could not be saved: No space left on device; the monitor is lost at the next restart"* ]]
	[[ $output == *"monitor lost: dataplane injected"* ]]
	grep -F 'dynmon: monitor lost: its state could not be saved: No space left on device' "$LOG"
	frames_in 2
	[ "$(json_value lost ingress packets_total)" = "[2]" ]
	run raw "ATTACH lost mon1"
	[[ $output == "1 "* ]]
	[[ $output == *"its state could not be saved"* ]]
	[ "$(find "$STATE" -name '*.json')" = "$STATE/kept.json" ]
	# a state that needs no more space than before can be saved
	ctl attach kept mon1
	ctl detach kept mon1
	[ -e "$STATE/kept.json" ]
	rm "$STATE/filler"
	restart TERM
	[ "$(ctl --json list | jq -r '[.[].name] | join(" ")')" = kept ]
	ctl inject kept "$DOCUMENTS/packet_counter.json"
	restart KILL
	[ "$(list)" = "kept running mon0 (injected)" ]
	collectd_stop
}

@test "a state directory that others may write to is not used" {
	start_empty
	ctl add probe
	collectd_stop
	chmod 777 "$STATE"
	collectd_start
	grep -F "dynmon: StateDir $STATE: others may write to it, nothing is restored" "$LOG"
	[ "$(ctl list)" = "no monitors" ]
}

@test "notifications: injected, failed, interface gone and back, degraded, recovered" {
	handler_dir=$(mktemp -d /tmp/dynmon-handler-XXXXXX)
	chmod 755 "$handler_dir"
	touch "$handler_dir/lines"
	chown nobody "$handler_dir/lines"
	# In a single write, because several notifications may be handled at the same time.
	# shellcheck disable=SC2016 # the handler expands it
	printf '#!/bin/sh\nprintf "%%s\\n" "$(tr "\\n" "|")" >>%s/lines\n' "$handler_dir" >"$handler_dir/handler"
	chmod 755 "$handler_dir/handler"
	collectd_configure < <(printf '<Monitor "edge">\nInterface "mon0"\nInterface "flap0"\nDataplane "packet_counter.json"\n</Monitor>\n')
	cat >>"$CONF" <<-EOF
	PluginDir "/usr/lib/collectd"
	LoadPlugin exec
	<Plugin exec>
	  NotificationExec "nobody" "$handler_dir/handler"
	</Plugin>
	EOF
	collectd_start
	ctl inject probe mon0 "$DOCUMENTS/packet_counter.json"
	eventually grep -E '^Severity: OKAY\|.*Host: host\|Plugin: dynmon\|PluginInstance: probe\|TypeInstance: mon0\|\|monitor probe: dataplane injected' "$handler_dir/lines"
	run ctl inject probe mon0 /etc/hostname
	eventually grep -E '^Severity: WARNING\|.*PluginInstance: probe\|.*injection failed, nothing has changed: JSON syntax' "$handler_dir/lines"
	cable_up flap0 flapper0
	eventually grep -E '^Severity: OKAY\|.*PluginInstance: edge\|TypeInstance: flap0\|\|interface flap0 has appeared' "$handler_dir/lines"
	near ip link del flap0
	eventually grep -E '^Severity: WARNING\|.*PluginInstance: edge\|TypeInstance: flap0\|\|interface flap0 is gone' "$handler_dir/lines"
	cp "$DOCUMENTS/packet_counter.json" "$DOCUMENTS/good"
	echo '{' >"$DOCUMENTS/packet_counter.json"
	run ctl reload
	eventually grep -E '^Severity: FAILURE\|.*PluginInstance: edge\|\|monitor edge: .*JSON syntax' "$handler_dir/lines"
	cp "$DOCUMENTS/good" "$DOCUMENTS/packet_counter.json"
	ctl reload
	eventually grep -E '^Severity: OKAY\|.*PluginInstance: edge\|\|monitor edge has recovered' "$handler_dir/lines"
	ctl reload edge force=true
	eventually grep -E '^Severity: OKAY\|.*PluginInstance: edge\|\|monitor edge: dataplane replaced' "$handler_dir/lines"
	echo 'X <' >>"$CONF"
	run ctl reload
	eventually grep -E '^Severity: FAILURE\|.*Plugin: dynmon\|\|reload: nothing has changed: Parse error' "$handler_dir/lines"
	collectd_stop
	rm -r "$handler_dir"
}

@test "the position of ATTACH is restored" {
	start_empty
	ctl inject second mon0 "$DOCUMENTS/ntp_packets_counter.json"
	ctl inject first "$DOCUMENTS/ntp_packets_counter.json"
	ctl attach first mon0 position=first
	order() { ctl show first | jq -c '[.interfaces[0].programs[0].chain[].monitor]'; }
	[ "$(order)" = '["first","second"]' ]
	ctl del second
	ctl inject zero mon0 "$DOCUMENTS/ntp_packets_counter.json"
	[ "$(order)" = '["first","zero"]' ]
	restart KILL
	[ "$(order)" = '["first","zero"]' ]
	jq '.positions == ["first"]' "$STATE/first.json" | is_true
}

@test "a monitor in a state directory that is writable by others or read-only is reported as lost" {
	start_empty
	ctl add probe
	chmod 777 "$STATE"
	run -0 ctl add fresh
	[[ $output == *"monitor fresh is lost at the next restart: StateDir $STATE (owner 0, mode 0777) is writable by others, and nothing is restored from there; before the restart, run chown 0 $STATE and chmod 0700 $STATE"* ]]
	grep -F 'dynmon: monitor fresh is lost at the next restart: StateDir ' "$LOG"
	# follow the advice in the message
	chmod 700 "$STATE"
	restart TERM
	[ "$(ctl --json list | jq -r '[.[].name] | sort | join(" ")')" = "fresh probe" ]
	mount --bind "$STATE" "$STATE"
	collectd_stop
	mount -o remount,bind,ro "$STATE"
	collectd_start
	run -0 ctl add later
	[[ $output == *"monitor later: its state could not be saved: Read-only file system; the monitor is lost at the next restart: let collectd's user write to StateDir $STATE, and change the monitor again"* ]]
	run -0 ctl detach probe
	[[ $output == *"monitor probe: its state could not be saved: Read-only file system; the next restart restores its previous settings: "* ]]
	collectd_stop
	umount "$STATE"
}
