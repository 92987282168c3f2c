# Other programs on the same hooks and maps, and their effects on the plugin's programs.
# shellcheck shell=bash
bats_require_minimum_version 1.5.0
load lib

setup() {
	need_root
	network_up
	documents_up "$top_srcdir"/examples/*.json
	FOREIGN=$BATS_TEST_TMPDIR/foreign.o
	"$DYNMON_CC" --include="$DYNMON_BPFDIR" \
		<"$BATS_TEST_DIRNAME/fixtures/packet_counter.bpf.c" >"$FOREIGN"
}

start_on() {
	collectd_configure <<-EOF
	<Monitor "edge">
	  Interface "mon0"
	  Hook "$1"
	  Dataplane "packet_counter.json"
	</Monitor>
	EOF
	collectd_start
}

filters() { near tc filter show dev mon0 "$1"; }

@test "a foreign filter in the place of ours is left alone" {
	start_on tc
	place=$(filters ingress | sed -n 's/.*pref \([0-9]*\) bpf chain 0 handle \(0x[0-9]*\).*/\1 \2/p')
	read -r pref handle <<<"$place"
	near tc filter replace dev mon0 ingress protocol all pref "$pref" handle "$handle" \
		bpf direct-action obj "$FOREIGN" sec tc
	ctl reload edge force=true
	filters ingress | grep -q foreign.o
	[ "$(filters ingress | grep -c direct-action)" -eq 2 ]
	frames_in 5
	[ "$(json_value edge ingress packets_total)" = "[5]" ]
	collectd_stop
	filters ingress | grep -q foreign.o
	[ "$(filters ingress | grep -c direct-action)" -eq 1 ]
}

@test "a program that somebody detached is attached again with the next change" {
	start_on tc
	near tc qdisc del dev mon0 clsact
	ctl reload edge force=true
	frames_in 3
	frames_out 4
	[ "$(json_value edge ingress packets_total)" = "[3]" ]
	[ "$(json_value edge egress packets_total)" = "[4]" ]
	collectd_stop
	nothing_attached
}

@test "a foreign ingress qdisc has no egress, which is reported" {
	near tc qdisc add dev mon0 ingress
	start_on tc
	grep -F 'interface mon0: cannot attach to tc egress: the interface has an ingress qdisc, which has no egress' "$LOG"
	[ "$(ctl --json list | jq -r '.[0].state')" = failed ]
	ctl inject ntp mon0 "$DOCUMENTS/ntp_packets_counter.json" # tcx works beside an ingress qdisc
	frames_in 2 -d 123
	[ "$(json_value ntp ingress ntp_packets_total)" = "[2]" ]
	collectd_stop
	near tc qdisc show dev mon0 ingress | grep -q ingress
}

# pinned PATH RETURNED: a dataplane that counts in a pinned map.
pinned() { printf 'BPF_TABLE_PINNED("array", int, u64, KEPT, 1, "%s");\nstatic __always_inline int handle_rx(struct CTXTYPE *ctx, struct pkt_metadata *md) { KEPT.atomic_increment(0); return %s; }' "$1" "$2"; }

@test "pinned maps stay, a failed injection pins nothing, and pins stay below bpffs" {
	pin=/sys/fs/bpf/dynmon-test/kept
	collectd_configure </dev/null
	collectd_start
	jq -n --arg code "$(pinned $pin RX_OK)" --arg bad "$(pinned $pin '*(u8 *)((long)ctx->data + 99)')" \
		'{"ingress-path": {code: $code, "metric-configs": [{name: "kept", "map-name": "KEPT"}]}, "egress-path": {code: $bad}}' \
		>"$DOCUMENTS/bad.json"
	jq 'del(."egress-path")' "$DOCUMENTS/bad.json" >"$DOCUMENTS/good.json"
	run ctl inject m mon0 "$DOCUMENTS/bad.json"
	[[ $output == *"invalid access to packet"* ]]
	run ! inside test -e $pin
	ctl inject m mon0 "$DOCUMENTS/good.json"
	frames_in 3
	ctl del m
	inside test -e $pin
	ctl inject again mon0 "$DOCUMENTS/good.json"
	frames_in 2
	[ "$(json_value again ingress kept)" = "[5]" ]
	jq -n --arg code "$(pinned /tmp/elsewhere/kept RX_OK)" '{"ingress-path": {code: $code}}' >"$DOCUMENTS/else.json"
	run ctl inject m mon0 "$DOCUMENTS/else.json"
	[[ $output == *'map KEPT: invalid pin path "/tmp/elsewhere/kept": expected a path below /sys/fs/bpf/'* ]]
	[ ! -e /tmp/elsewhere ]
}

@test "an unreadable map is rejected, and other monitors are not affected" {
	start_on tcx
	jq -n '{"ingress-path": {code: "#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\nstruct { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, __u32); __type(value, __u64); __uint(max_entries, 1); __uint(map_flags, BPF_F_WRONLY); } hidden SEC(\".maps\");\nSEC(\"tc\") int f(struct __sk_buff *skb) { __u32 k = 0; return bpf_map_lookup_elem(&hidden, &k) ? -1 : -1; }\nchar l[] SEC(\"license\") = \"GPL\";",
		"metric-configs": [{name: "hidden", "map-name": "hidden", "open-metrics-metadata": {type: "gauge"}}]}}' >"$DOCUMENTS/hidden.json"
	run ctl inject bad mon0 "$DOCUMENTS/hidden.json"
	[[ $output == *'map hidden has BPF_F_WRONLY: it cannot be read'* ]]
	jq -n '{"ingress-path": {code: "BPF_TABLE(\"array\", u32, u64, HUGE, 400000000);\nstatic __always_inline int handle_rx(struct CTXTYPE *ctx, struct pkt_metadata *md) { HUGE.atomic_increment(0); return RX_OK; }"}}' >"$DOCUMENTS/huge.json"
	run ctl inject bad mon0 "$DOCUMENTS/huge.json"
	[[ $output == *'map HUGE: its entries need 4800000000 bytes, the limit is 2147483648; reduce max_entries'* ]]
	frames_in 1
	metrics_page | grep -Fx 'packets_total{monitor="edge",interface="mon0",direction="ingress"} 1'
}

@test "an interface that appears and disappears does not fail injections" {
	cable_up flap0 flapper0
	collectd_configure <<-EOF
	<Monitor "edge">
	  Interface "mon0"
	  Interface "flap0"
	  Dataplane "packet_counter.json"
	</Monitor>
	EOF
	collectd_start
	(for _ in $(seq 30); do
		near ip link del flap0
		cable_up flap0 flapper0
	done) 3>&- &
	flapping=$!
	for _ in $(seq 15); do
		ctl reload edge force=true
	done
	wait "$flapping"
	eventually edge_runs
	frames_in 2
	[ "$(ctl metrics edge | jq -c '[."ingress-metrics"[] | select(.interface == "mon0") | .value]')" = "[[2]]" ]
}

edge_runs() { [ "$(ctl --json list | jq -r '.[0].state')" = running ]; }

@test "shutdown does not wait for the compiler" {
	start_on tcx
	nap=9999$$.$BATS_SUITE_TEST_NUMBER # a unique argument that no other test uses
	printf '#!/bin/sh\nexec sleep %s\n' "$nap" >"$BATS_TEST_TMPDIR/slow"
	chmod +x "$BATS_TEST_TMPDIR/slow"
	collectd_stop
	sed -i "s|Compiler .*|Compiler \"$BATS_TEST_TMPDIR/slow\"|; s|<Monitor \"edge\">|<Monitor \"none\">\n</Monitor>\n<Monitor \"edge\">|; /Dataplane \"packet_counter.json\"/d" "$CONF"
	collectd_start
	ctl inject edge mon0 "$DOCUMENTS/packet_counter.json" >"$BATS_TEST_TMPDIR/answer" 2>&1 3>&- &
	client=$!
	eventually pgrep -f "^sleep $nap"
	collectd_stop
	status=0
	wait "$client" || status=$?
	[ "$status" -eq 1 ]
	# The client gets an answer or the connection ends; no compiler timeout is reported.
	cat "$BATS_TEST_TMPDIR/answer"
	grep -e 'canceled: the plugin is stopping' -e 'the plugin closed the connection' "$BATS_TEST_TMPDIR/answer"
	eventually sh -c "! pgrep -f '^sleep $nap'"
}
