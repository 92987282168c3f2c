# The examples that count packets: each receives a known number of packets.
# shellcheck shell=bash
bats_require_minimum_version 1.5.0
load lib
load examples

@test "every example loads on every hook that it supports" {
	for document in "$top_srcdir"/examples/*.json; do
		offline check "$document" >/dev/null
		[ -e "${document%.json}.conf" ]
	done
	for name in packet_sizes ethertypes packet_features; do
		offline --hook=xdp check "$top_srcdir/examples/$name.json" >/dev/null
	done
	# Self-describing objects too, without their documents.
	for name in flow_bytes top_talkers tcp_retransmits drop_reasons; do
		"$DYNMON_CC" --include="$DYNMON_BPFDIR" <"$top_srcdir/bpf/$name.bpf.c" >"$DIR/$name.o"
		offline check "$DIR/$name.o" | grep -F 'counter of map'
	done
}


TALKERS='
frames += [eth(ipv4(udp(1, 2, bytes(100)), "10.9.0.7"))] * 3
frames += [eth(ipv4(udp(1, 2, bytes(10)), "10.9.0.8", options=bytes(40)))] * 20
frames += [eth(ipv6(tcp(1, 2, ACK), "fd00::7"), tags=[(0x8100, 5)])] * 5
frames += [eth(ipv6(tcp(1, 2, ACK), "fd00::7"), tags=[(0x88a8, 6), (0x8100, 5)])] * 2
frames += [eth(b"\0" * 46, proto=0x0806), eth(ipv4(udp(1, 2, bytes(100)), "10.9.0.7"), proto=0x88b5)]
'

@test "top_talkers: packets and bytes of the largest sources" {
	network_up
	MONITOR=talkers
	example top_talkers
	send_from far peer0 <<<"$TALKERS"
	send_from far peer0 <<<'frames += [eth(b"\x45" + bytes(18)), eth(b"\x60" + bytes(38))]'
	[ "$(sample talkers_packets_total ingress ',saddr="10.9.0.7"')" -eq 3 ]
	[ "$(sample talkers_bytes_total ingress ',saddr="10.9.0.7"')" -eq $((3 * 142)) ]
	[ "$(sample talkers_packets_total ingress ',saddr="10.9.0.8"')" -eq 20 ]
	[ "$(sample talkers_bytes_total ingress ',saddr="10.9.0.8"')" -eq $((20 * 92)) ]
	[ "$(sample talkers_packets_total ingress ',saddr="fd00::7"')" -eq 7 ]
	# The outer tag is in the socket buffer.
	[ "$(sample talkers_bytes_total ingress ',saddr="fd00::7"')" -eq $((5 * 74 + 2 * 78)) ]
	[ "$(ctl openmetrics | grep -c '^talkers_bytes_total{')" -eq 3 ]
	# 117 more frames, each one byte longer than the previous.
	send_from far peer0 <<<'frames += [eth(ipv4(udp(1, 2, bytes(1000 + i)), f"10.9.1.{i}")) for i in range(117)]'
	[ "$(ctl openmetrics | grep -c '^talkers_bytes_total{')" -eq 100 ]
	[ "$(sample dynmon_series_left_out ingress ',metric="talkers_bytes_total"')" -eq 20 ]
	[ "$(sample talkers_bytes_total ingress ',saddr="10.9.1.116"')" -eq $((1116 + 42)) ]
	[ "$(sample talkers_bytes_total ingress ',saddr="10.9.0.8"')" -eq $((20 * 92)) ]
	run ! sample talkers_bytes_total ingress ',saddr="10.9.1.0"'
	eventually prometheus_is 'dynmon="talkers-mon0",type="talkers-bytes-10.9.1.116"' $((1116 + 42))
	collectd_stop
}

# kernel_count NAME: a counter of the kernel in $NEAR.
kernel_count() { near nstat --ignore --noupdate --zeros "$1" | awk -v name="$1" '$1 == name { print $2 }'; }

# IpExt counts segments; Ip counts the packets that contained them.
as_received() {
	[ "$(sample talkers_packets_total ingress ',saddr="10.9.0.2"')" -eq "$(kernel_count IpExtInNoECTPkts)" ] &&
		[ "$(sample talkers_bytes_total ingress ',saddr="10.9.0.2"')" -eq $(($(kernel_count IpExtInOctets) + 14 * $(kernel_count IpInReceives))) ]
}

@test "top_talkers: merged segments (GSO, GRO) are counted individually" {
	network_up
	addresses_up
	MONITOR=talkers
	example top_talkers
	near python3 -c 'import socket
peer = socket.create_server(("10.9.0.1", 7777)).accept()[0]
while peer.recv(1 << 20):
	pass' 3>&- &
	SERVERS+=($!)
	eventually listens near
	far timeout "$PATIENCE" python3 -c 'import socket
peer = socket.create_connection(("10.9.0.1", 7777), timeout=30)
peer.sendall(bytes(5000000))
peer.shutdown(socket.SHUT_WR)
assert peer.recv(1) == b""'
	eventually as_received
	[ "$(kernel_count IpInReceives)" -lt "$(kernel_count IpExtInNoECTPkts)" ]
	collectd_stop
}

@test "top_talkers on a capture" {
	over top_talkers <<<"$TALKERS" >"$DIR/result"
	# The outer tag is still in the frame here.
	[ "$(jq -c '[."ingress-metrics"[0].value[].value] | sort_by(.packets)' "$DIR/result")" = \
		'[{"packets":3,"bytes":426},{"packets":7,"bytes":554},{"packets":20,"bytes":1840}]' ]
}

SIZES='
frames += [eth(bytes(size - 14), proto=0x88b5) for size in (60, 63, 64, 127, 128, 1000, 1514, 1023, 1024)]
'

# The nonzero slots, with their numbers, summed over all CPUs, and the total.
slots() { jq -c "[$1] | flatten | {sum: (map(.sum) | add), slots: (map(.slots) | transpose | map(add) | to_entries | map(select(.value > 0) | [.key, .value]))}"; }

@test "packet_sizes: a histogram with powers of two, in and out" {
	network_up
	MONITOR=sizes
	example packet_sizes
	send_from far peer0 <<<"$SIZES"
	send_from near mon0 <<<"$SIZES"$'frames += frames[:1]'
	[ "$(ctl metrics sizes | slots '."ingress-metrics"[0].value[0].value')" = '{"sum":5003,"slots":[[5,2],[6,2],[7,1],[9,2],[10,2]]}' ]
	[ "$(ctl metrics sizes | slots '."egress-metrics"[0].value[0].value')" = '{"sum":5063,"slots":[[5,3],[6,2],[7,1],[9,2],[10,2]]}' ]
	ctl openmetrics >"$DIR/page"
	/usr/bin/python3 "$top_srcdir/tests/tools/parse-openmetrics.py" <"$DIR/page" >/dev/null
	[ "$(sed -n 's/^packet_size_bytes_bucket{.*direction="ingress",le="\(.*\)"} /\1 /p' "$DIR/page" | xargs)" = \
		"$(python3 -c 'sizes = 60, 63, 64, 127, 128, 1000, 1514, 1023, 1024
print(*[f"{2 ** k - 1}.0 {sum(size < 2 ** k for size in sizes)}" for k in range(1, 20)], "+Inf", len(sizes))')" ]
	[ "$(sample packet_size_bytes_count egress '')" -eq 10 ]
	[ "$(sample packet_size_bytes_sum egress '')" -eq 5063 ]
	eventually prometheus_is 'dynmon="sizes-mon0",type="packet_size-count-ingress"' 9
	eventually prometheus_is 'dynmon="sizes-mon0",type="packet_size-sum-ingress"' 5003
	for hook in xdp xdp-generic; do
		ctl add "$hook" hook="$hook"
		ctl inject "$hook" mon0 "$top_srcdir/examples/packet_sizes.json"
		send_from far peer0 <<<"$SIZES"
		[ "$(ctl metrics "$hook" | slots '."ingress-metrics"[0].value[0].value')" = '{"sum":5003,"slots":[[5,2],[6,2],[7,1],[9,2],[10,2]]}' ]
		ctl del "$hook"
	done
	# The hooks after XDP have seen the same frames.
	[ "$(ctl metrics sizes | slots '."ingress-metrics"[0].value[0].value')" = '{"sum":15009,"slots":[[5,6],[6,6],[7,3],[9,6],[10,6]]}' ]
	collectd_stop
}

@test "packet_sizes on a capture" {
	over packet_sizes <<<"$SIZES" >"$DIR/result"
	[ "$(slots '."ingress-metrics"[0].value[0].value' <"$DIR/result")" = '{"sum":5003,"slots":[[5,2],[6,2],[7,1],[9,2],[10,2]]}' ]
	over packet_sizes --hook=xdp <<<"$SIZES" >"$DIR/result"
	[ "$(slots '."ingress-metrics"[0].value[0].value' <"$DIR/result")" = '{"sum":5003,"slots":[[5,2],[6,2],[7,1],[9,2],[10,2]]}' ]
}

VLANS='
body = ipv4(udp(1, 2, bytes(50)))
frames += [eth(body)] * 9
frames += [eth(body, tags=[(0x8100, 100)])] * 3
frames += [eth(body, tags=[(0x8100, 0x6064)])] * 2  # with a priority
frames += [eth(body, tags=[(0x8100, 0)])]
frames += [eth(ipv6(udp(1, 2)), tags=[(0x88a8, 7), (0x8100, 100)])] * 4
frames += [eth(bytes(46), proto=0x0806, tags=[(0x88a8, 7), (0x8100, 100), (0x8100, 5)])] * 6
frames += [eth(bytes(46), proto=0x88b5)] * 5
frames += [eth(bytes(46), proto=46)] * 8
'
# kinds MONITOR PATH
kinds() {
	ctl openmetrics "$1" | sed -n "s/^ethernet_\([a-z]*\)_total{.*direction=\"$2\",tag=\"\(.*\)\",vlan=\"\(.*\)\",inner_vlan=\"\(.*\)\",ethertype=\"\(.*\)\"} /\2 \3 \4 \5 \1 /p" | sort
}
vlans_counted() {
	sort <<-'END'
	802.1Q 0 none ipv4 bytes 96
	802.1Q 0 none ipv4 frames 1
	802.1Q 100 none ipv4 bytes 480
	802.1Q 100 none ipv4 frames 5
	802.1ad 7 100 802.1Q bytes 432
	802.1ad 7 100 802.1Q frames 6
	802.1ad 7 100 ipv6 bytes 280
	802.1ad 7 100 ipv6 frames 4
	none none none 34997 bytes 300
	none none none 34997 frames 5
	none none none ipv4 bytes 828
	none none none ipv4 frames 9
	none none none length bytes 480
	none none none length frames 8
	END
}

@test "ethertypes: VLAN tags in the frame and in the socket buffer count the same" {
	network_up
	example ethertypes
	ctl add early hook=xdp-generic
	ctl inject early mon0 "$top_srcdir/examples/ethertypes.json"
	send_from far peer0 <<<"$VLANS"
	send_from near mon0 <<<"$VLANS"
	diff <(kinds vlans ingress) <(vlans_counted)
	[ "$(kinds early ingress)" = "$(vlans_counted)" ]
	[ "$(kinds vlans egress)" = "$(vlans_counted)" ]
	# On egress, too, a tag may be outside the frame, put there by another program.
	printf '{"egress-path": {"code": "%s"}}' 'static __always_inline int handle_rx(struct CTXTYPE *ctx, struct pkt_metadata *md) { pcn_vlan_push_tag(ctx, htons(ETH_P_8021Q), 5); return RX_OK; }' \
		>"$DIR/tagger.json"
	ctl add tagger
	ctl attach tagger mon0 position=first
	ctl inject tagger "$DIR/tagger.json"
	frames_out 11
	kinds vlans egress | grep -Fx '802.1Q 5 none ipv4 frames 11'
	kinds vlans egress | grep -Fx '802.1Q 5 none ipv4 bytes 704'
	collectd_stop
}

@test "ethertypes on a capture" {
	for hook in tcx xdp; do
		over ethertypes --hook="$hook" <<<"$VLANS" >"$DIR/result"
		[ "$(jq -c '[."ingress-metrics"[0].value[] | [.key.tag, .key.vlan, .key.inner_vlan, .key.ethertype, ([.value[].frames] | add)]] | sort' "$DIR/result")" = \
			'[[0,4096,4096,0,8],[0,4096,4096,2048,9],[0,4096,4096,34997,5],[33024,0,4096,2048,1],[33024,100,4096,2048,5],[34984,7,100,33024,6],[34984,7,100,34525,4]]' ]
	done
}

FEATURES='
frames += [eth(ipv4(udp(4000, 53, bytes(20)), "192.0.2.1", "198.51.100.7", options=bytes(12)))]
frames += [eth(ipv4(tcp(50000, 443, SYN | PSH, window=512)), tags=[(0x8100, 9)])]
frames += [eth(ipv4((1, bytes([8, 0, 0, 0, 0, 0, 0, 1]))), tags=[(0x88a8, 8), (0x8100, 9)])]
frames += [eth(ipv4(tcp(1, 2, SYN), offset=185)), eth(ipv4(tcp(1, 2, SYN), more=True)), eth(ipv4((47, bytes(4))))]
frames += [eth(ipv6(udp(1, 2))), eth(bytes(46), proto=0x0806), eth(bytes(46), proto=0x0800)]
'
# The fields in order, without the time.
FEATURES_TAKEN='[[3221225985,3325256711,4000,53,60,0,64,17,0,0,0,28],[168361986,168361985,50000,443,40,0,64,6,10,0,512,0],[168361986,168361985,0,0,28,0,64,1,0,8,0,0],[168361986,168361985,0,0,40,185,64,6,0,0,0,0],[168361986,168361985,1,2,40,8192,64,6,2,0,1000,0],[168361986,168361985,0,0,24,0,64,47,0,0,0,0]]'
taken() { jq -c '[."ingress-metrics"[] | select(.name == "packet_features").value[] | [.[]][1:]]'; }

@test "packet_features: one record per packet; lost records are counted" {
	network_up
	MONITOR=features
	example packet_features
	start=$(date +%s%N)
	send_from far peer0 <<<"$FEATURES"
	end=$(date +%s%N)
	ctl metrics features name=packet_features >"$DIR/records"
	[ "$(taken <"$DIR/records")" = "$FEATURES_TAKEN" ]
	# To the microsecond, because jq cannot represent larger numbers.
	[ "$(jq -c "[.\"ingress-metrics\"[0].value[].timestamp / 1000 | . >= ($start / 1000 | floor) and . <= ($end / 1000 | ceil)] | unique" "$DIR/records")" = "[true]" ]
	[ "$(ctl metrics features name=packet_features | taken)" = "[]" ]
	[ "$(sample packet_features_lost_total ingress '')" -eq 0 ]
	frames_in 10350
	lost_is() { [ "$(sample packet_features_lost_total ingress '')" -eq "$1" ]; }
	eventually lost_is 110
	[ "$(ctl metrics features name=packet_features | taken | jq length)" -eq 10240 ]
	[ "$(sample packet_features_lost_total ingress '')" -eq 110 ]
	eventually prometheus_is 'dynmon="features-mon0",type="packet_features_lost"' 110
	ctl add early hook=xdp-generic
	ctl inject early mon0 "$top_srcdir/examples/packet_features.json"
	send_from far peer0 <<<"$FEATURES"
	[ "$(ctl metrics early name=packet_features | taken)" = "$FEATURES_TAKEN" ]
	collectd_stop
}

@test "packet_features on a capture" {
	for hook in tcx xdp; do
		over packet_features --hook="$hook" <<<"$FEATURES" >"$DIR/result"
		[ "$(taken <"$DIR/result")" = "$FEATURES_TAKEN" ]
	done
}
