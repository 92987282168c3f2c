# The TCP handshake examples, with real connections and with segments that belong to none.
# shellcheck shell=bash
bats_require_minimum_version 1.5.0
load lib
load examples

# connections SIDE-OF-CLIENTS NUMBER ADDRESS [PORT]: makes real connections to the server there, in
# sequence.
connections() {
	"$1" timeout "$PATIENCE" python3 -c 'import socket, sys
for i in range(int(sys.argv[1])):
	socket.create_connection((sys.argv[2], int(sys.argv[3])), timeout=30).close()' "$2" "$3" "${4:-7777}"
}

# server SIDE: listens on port 7777 of all addresses until its namespace is removed.
server() {
	"$1" python3 -c 'import socket
s = socket.create_server(("::", 7777), family=socket.AF_INET6, dualstack_ipv6=True, backlog=4096)
while True:
	s.accept()[0].close()' >/dev/null 2>&1 3>&- &
	SERVERS+=($!)
	eventually listens "$1"
}

# The number of measurements of each leg: server, client, both. A client is connected before its ACK
# has arrived.
legs() { ctl metrics handshakes direction="$1" name=tcp_handshake | jq -c "[.\"$1-metrics\"[0].value[].slots | add]"; }
legs_are() { [ "$(legs "$1")" = "$2" ]; }
leg_sum() { ctl metrics handshakes direction="$1" name=tcp_handshake | jq ".\"$1-metrics\"[0].value[$2].sum"; }

@test "tcp_handshake: real connections, in and out, IPv4 and IPv6" {
	network_up
	addresses_up
	MONITOR=handshakes
	example tcp_handshake
	server near
	server far
	connections far 20 10.9.0.1
	connections far 5 fd00::1
	connections near 7 10.9.0.2
	connections near 4 fd00::2
	eventually legs_are ingress "[25,25,25]"
	eventually legs_are egress "[11,11,11]"
	for leg in server client both; do
		[ "$(sample tcp_handshake_seconds_count ingress ",leg=\"$leg\"")" -eq 25 ]
		[ "$(sample tcp_handshake_quantiles_seconds_count egress ",leg=\"$leg\"")" -eq 11 ]
		eventually prometheus_is "dynmon=\"handshakes-mon0\",type=\"tcp_handshake-count-egress-$leg\"" 11
	done
	# The legs add up to the whole, except that each is truncated to microseconds.
	both=$(leg_sum ingress 2) parts=$(($(leg_sum ingress 0) + $(leg_sum ingress 1)))
	[ "$parts" -le "$both" ]
	[ "$both" -le $((parts + 25)) ]
	run ! connections far 1 10.9.0.1 7778 # the connection is refused
	[[ $output == *ConnectionRefused* ]]
	[ "$(legs ingress)" = "[25,25,25]" ]
	collectd_stop
}

@test "tcp_handshake: durations, retransmissions, unexpected segments" {
	network_up
	MONITOR=handshakes
	example tcp_handshake
	# The test sends the segments of both ends: no host answers a broadcast.
	segment() { # SIDE ARGUMENTS-OF-TCP
		case $1 in
		far) send_from far peer0 <<<"frames += [eth(ipv4(tcp(5000, 80, $2), options=bytes(8)))]" ;;
		near) send_from near mon0 <<<"frames += [eth(ipv4(tcp(80, 5000, $2), '10.9.0.1', '10.9.0.2'))]" ;;
		esac
	}
	start=$(date +%s%N)
	segment far 'SYN, 4294967295'
	sleep 0.2
	segment near 'SYN | ACK, 77, 0'
	sleep 0.1
	segment far 'ACK, 0, 78'
	took=$((($(date +%s%N) - start) / 1000))
	segment far 'ACK, 0, 78'
	[ "$(legs ingress)" = "[1,1,1]" ]
	[ "$(leg_sum ingress 0)" -ge 200000 ]
	[ "$(leg_sum ingress 1)" -ge 100000 ]
	[ "$(leg_sum ingress 2)" -ge 300000 ]
	[ "$(leg_sum ingress 2)" -le "$took" ]
	# In seconds. A quantile lies within the bucket of the measured value.
	sum=$(sample tcp_handshake_seconds_sum ingress ',leg="both"')
	half=$(sample tcp_handshake_quantiles_seconds ingress ',leg="both",quantile="0.5"')
	awk -v sum="$sum" -v half="$half" -v us="$(leg_sum ingress 2)" \
		'BEGIN { exit !(sum > us / 1e6 - 1e-9 && sum < us / 1e6 + 1e-9 && half > 0.262 && half > sum / 2 && half < sum * 2) }'
	# A retransmitted SYN: the SYN/ACK could answer either SYN, so the server leg is not
	# measured.
	segment far 'SYN, 10'
	segment far 'SYN, 10'
	segment near 'SYN | ACK, 20, 11'
	segment far 'ACK, 11, 21'
	[ "$(legs ingress)" = "[1,2,1]" ]
	# A retransmitted SYN/ACK: the client leg is not measured.
	segment far 'SYN, 30'
	segment near 'SYN | ACK, 40, 31'
	segment near 'SYN | ACK, 40, 31'
	segment far 'ACK, 31, 41'
	[ "$(legs ingress)" = "[2,2,1]" ]
	# Answers to other segments, and an ACK that comes too early.
	segment far 'SYN, 50'
	segment far 'ACK, 51, 61'
	segment near 'SYN | ACK, 60, 99'
	[ "$(legs ingress)" = "[2,2,1]" ]
	segment near 'SYN | ACK, 60, 51'
	segment far 'ACK, 51, 99'
	segment far 'ACK, 99, 61'
	segment far 'RST | ACK, 51, 61'
	[ "$(legs ingress)" = "[3,2,1]" ]
	# Another SYN with the same addresses and ports starts another connection.
	segment far 'SYN, 70'
	segment near 'SYN | ACK, 80, 71'
	segment far 'ACK, 71, 81'
	[ "$(legs ingress)" = "[4,3,2]" ]
	[ "$(legs egress)" = "[0,0,0]" ]
	collectd_stop
}

# The egress path sees the frames of the ingress path as outgoing connections; none is answered.
@test "tcp_handshake on a capture: one direction is not a handshake" {
	over tcp_handshake --direction=ingress <<-'END' >"$DIR/result"
	for i in range(10):
	    frames += [eth(ipv4(tcp(i, 80, SYN, 1))), eth(ipv4(tcp(i, 80, ACK, 2, 5))), eth(ipv4(tcp(i, 80, SYN, 1)))[:50]]
	    frames += [eth(ipv6(tcp(i, 80, SYN, 1), extensions=[(44, b"\0\1\0\0\0\0\1")]))]
	END
	[ "$(jq -c '.verdicts.ingress // .verdicts' "$DIR/result")" != null ]
	[ "$(jq -c '[."ingress-metrics"[0].value[].slots | add]' "$DIR/result")" = "[0,0,0]" ]
}

@test "syn_flood: SYNs, SYN/ACKs and handshakes of each server" {
	network_up
	addresses_up
	MONITOR=flood
	near sysctl -qw net.ipv4.tcp_synack_retries=0
	example syn_flood
	server near
	server far
	connections far 10 10.9.0.1
	connections far 4 fd00::1
	connections near 3 10.9.0.2
	# 60 clients that do not answer the SYN/ACK, and one that sends an ACK although its SYN was
	# not answered.
	send_from far peer0 <<<"
frames += [eth(ipv4(tcp(port, 7777, SYN, 1), f'10.9.0.{100 + port}', '10.9.0.1'), dst=bytes.fromhex('$(near cat /sys/class/net/mon0/address | tr -d :)')) for port in range(1, 61)]
frames += [eth(ipv4(tcp(1, 99, SYN, 1), '10.9.0.100', '10.9.0.77'))] * 5
frames += [eth(ipv4(tcp(1, 99, ACK, 2, 1), '10.9.0.100', '10.9.0.77'))] * 5
frames += [eth(ipv4(tcp(1, 99, SYN, 1), '10.9.0.100', '10.9.0.77', offset=5))] * 5
"
	counts() { # PATH ADDRESS
		local field
		for field in syns syn_acks handshakes; do sample "tcp_server_${field}_total" "$1" ",addr=\"$2\""; done | xargs
	}
	counts_are() { [ "$(counts "$1" "$2")" = "$3" ]; }
	eventually counts_are ingress 10.9.0.1 "70 70 10"
	eventually counts_are ingress fd00::1 "4 4 4"
	[ "$(counts ingress 10.9.0.77)" = "5 0 0" ]
	eventually counts_are egress 10.9.0.2 "3 3 3"
	[ "$(ctl openmetrics | grep -c '^tcp_server_syns_total')" -eq 4 ]
	# An ACK with a wrong number does not end a handshake; the right ACK ends it exactly once.
	send_from near mon0 <<<"frames += [eth(ipv4(tcp(99, 1, SYN | ACK, 7, 2), '10.9.0.77', '10.9.0.100'))]"
	send_from far peer0 <<<"frames += [eth(ipv4(tcp(1, 99, ACK, 2, ack), '10.9.0.100', '10.9.0.77')) for ack in (7, 9)]"
	[ "$(counts ingress 10.9.0.77)" = "5 1 0" ]
	send_from far peer0 <<<"frames += [eth(ipv4(tcp(1, 99, ACK, 2, 8), '10.9.0.100', '10.9.0.77'))] * 2"
	[ "$(counts ingress 10.9.0.77)" = "5 1 1" ]
	collectd_stop
}

@test "syn_flood on a capture" {
	over syn_flood --direction=ingress <<-'END' >"$DIR/result"
	frames += [eth(ipv4(tcp(i, 80, SYN, 1), f"10.8.{i % 200}.1", options=bytes(40)), tags=[(0x8100, 3)]) for i in range(1000)]
	frames += [eth(ipv4(tcp(i, 80, RST | ACK, 1))) for i in range(10)]
	END
	[ "$(jq -c '[."ingress-metrics"[0].value[].value]' "$DIR/result")" = '[{"syns":1000,"syn_acks":0,"handshakes":0}]' ]
}
