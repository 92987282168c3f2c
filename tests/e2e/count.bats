# If exactly N frames are sent, every output shows N, on every hook and path.
# shellcheck shell=bash
# bats file_tags=plain
load lib

setup() {
	need_root
	network_up
}

monitor_on() {
	collectd_configure <<-EOF
	<Monitor "edge">
	  Interface "mon0"
	  Hook "$1"
	  Dataplane "packet_counter.json"
	</Monitor>
	EOF
	collectd_start
}

# Checks the frames received (1000) and sent (300) in each output.
check_counts() {
	eventually counted edge mon0 1000
	eventually counted edge mon0 300 egress
	[ "$(json_value edge ingress packets_total)" = "[1000]" ]
	[ "$(json_value edge egress packets_total)" = "[300]" ]
	metrics_page | grep -Fx 'packets_total{monitor="edge",interface="mon0",direction="ingress"} 1000'
	metrics_page | grep -Fx 'packets_total{monitor="edge",interface="mon0",direction="egress"} 300'
	ctl openmetrics | grep -Fx 'packets_total{monitor="edge",interface="mon0",direction="ingress"} 1000'
	ctl openmetrics | grep -Fx 'packets_total{monitor="edge",interface="mon0",direction="egress"} 300'
	eventually csv_is edge-mon0 packets-packets-ingress 1000
	eventually csv_is edge-mon0 packets-packets-egress 300
	eventually prometheus_is 'dynmon="edge-mon0",type="packets-ingress"' 1000
	eventually prometheus_is 'dynmon="edge-mon0",type="packets-egress"' 300
}

count_on() {
	monitor_on "$1"
	frames_in 1000
	frames_out 300
	check_counts
	collectd_stop
	nothing_attached
	[ ! -e "$SOCKET" ]
}

@test "tcx: frames are counted exactly, in and out" { count_on tcx; }
@test "tc: frames are counted exactly, in and out" { count_on tc; }
@test "xdp: frames are counted exactly, in and out" { count_on xdp; }
@test "xdp-generic: frames are counted exactly, in and out" { count_on xdp-generic; }
@test "auto selects tcx" {
	monitor_on auto
	[ "$(ctl --json list | jq -r '.[0].hook')" = tcx ]
	[ "$(attached | cut -d' ' -f1,2,4)" = $'tcx ingress dynmon_ingress\ntcx egress dynmon_egress' ]
}

@test "every hook leaves foreign programs and qdiscs alone" {
	"$DYNMON_CC" --include="$DYNMON_BPFDIR" <"$BATS_TEST_DIRNAME/fixtures/packet_counter.bpf.c" \
		>"$BATS_TEST_TMPDIR/foreign.o"
	near tc qdisc add dev mon0 clsact
	near tc filter add dev mon0 ingress bpf direct-action obj "$BATS_TEST_TMPDIR/foreign.o" sec tc
	before=$(near tc filter show dev mon0 ingress)
	monitor_on tc
	frames_in 10
	[ "$(json_value edge ingress packets_total)" = "[10]" ]
	[ "$(near tc filter show dev mon0 ingress | grep -c direct-action)" -eq 2 ]
	collectd_stop
	[ "$(near tc filter show dev mon0 ingress)" = "$before" ]
	[[ $before == *foreign.o* ]]
}

@test "a foreign XDP program is not replaced" {
	monitor_on tcx
	ctl add first hook=xdp
	ctl inject first mon0 "$top_srcdir/examples/ntp_packets_counter.json"
	ctl add second hook=xdp
	run ctl inject second mon0 "$top_srcdir/examples/ntp_packets_counter.json"
	[ "$status" -eq 1 ]
	[[ $output == *"interface mon0: cannot attach to xdp ingress: an XDP program is attached there already"* ]]
	[ "$(ctl --json list | jq -r '.[] | select(.name == "first") | .state')" = running ]
}

@test "several monitors and interfaces count independently" {
	cable_up mon1 peer1
	collectd_configure <<-EOF
	<Monitor "edge">
	  Interface "mon0"
	  Interface "mon1"
	  Dataplane "packet_counter.json"
	</Monitor>
	<Monitor "ntp">
	  Interface "mon0"
	  Dataplane "ntp_mode_private.json"
	</Monitor>
	EOF
	collectd_start
	frames_in 7
	frames_in 5 -d 123 -f 0x27 # version 4, mode 7: private
	frames_in 3 -p 123 -f 0x24 # version 4, mode 4: a server's answer
	far "$top_builddir/tests/tools/sendframes" peer1 11
	run metrics_page
	[ "$(grep -c '^# TYPE packets_total' <<<"$output")" -eq 1 ]
	grep -Fx 'packets_total{monitor="edge",interface="mon0",direction="ingress"} 15' <<<"$output"
	grep -Fx 'packets_total{monitor="edge",interface="mon1",direction="ingress"} 11' <<<"$output"
	grep -Fx 'ntp_packets_total{monitor="ntp",interface="mon0",direction="ingress"} 8' <<<"$output"
	grep -Fx 'ntp_mode_private_packets_total{monitor="ntp",interface="mon0",direction="ingress"} 5' <<<"$output"
	[ "$(ctl metrics edge | jq -c '[."ingress-metrics"[] | [.interface, .value]]')" = '[["mon0",[15]],["mon1",[11]]]' ]
	collectd_stop
	nothing_attached
}

@test "flow_bytes: a map for each direction, keyed by the flow" {
	collectd_configure <<-EOF
	<Monitor "flows">
	  Interface "mon0"
	  Dataplane "flow_bytes.json"
	</Monitor>
	EOF
	collectd_start
	frames_in 4 -s 100 -p 1111 -d 2222
	frames_out 2 -s 200 -p 3333 -d 4444
	run json_value flows ingress flows
	[ "$(jq -c '[.[].value]' <<<"$output")" = '[{"packets":4,"bytes":400}]' ]
	# Ports are in network byte order, as in the map.
	[ "$(jq -c '[.[].key.dport]' <<<"$output")" = "[$(((2222 & 255) << 8 | 2222 >> 8))]" ]
	[ "$(jq -c '[.[].key.proto]' <<<"$output")" = '[17]' ]
	[ "$(json_value flows egress flows | jq -c '[.[].value]')" = '[{"packets":2,"bytes":400}]' ]
	run ctl openmetrics flows
	[ "$(grep -c '^flows_packets_total{.*direction="ingress".*dport="2222".* 4$' <<<"$output")" -eq 1 ]
	[ "$(grep -c '^flows_packets_total{.*direction="egress".*dport="4444".* 2$' <<<"$output")" -eq 1 ]
}

@test "a metric of a map that both directions use has no label for the direction" {
	local code='BPF_TABLE_SHARED("hash", u32, u64, SIZES, 64);
		static __always_inline int handle_rx(struct CTXTYPE *ctx, struct pkt_metadata *md)
		{ SIZES.increment(md->packet_len); return RX_OK; }'

	collectd_configure </dev/null
	collectd_start
	jq -n --arg in "$code" --arg out "${code/_SHARED(\"hash\"/(\"extern\"}" \
		'{"ingress-path": {code: $in, "metric-configs": [{name: "sizes", "map-name": "SIZES",
			"open-metrics-metadata": {type: "counter", help: "h"}}]}, "egress-path": {code: $out}}' >"$DIR/shared.json"
	run ctl inject shared mon0 "$DIR/shared.json"
	[ "$status" -eq 0 ]
	[[ $output == *'ingress metric "sizes" has no label "direction": the programs of both directions use map SIZES'* ]]
	frames_in 4 -s 100
	frames_out 2 -s 200
	run ctl openmetrics shared
	grep -Fx 'sizes_total{monitor="shared",interface="mon0",key="100"} 4' <<<"$output"
	grep -Fx 'sizes_total{monitor="shared",interface="mon0",key="200"} 2' <<<"$output"
	# A map of one direction has it.
	run ctl inject shared mon0 "$top_srcdir/examples/packet_counter.json"
	[ "$output" = "monitor shared: dataplane injected" ]
}
