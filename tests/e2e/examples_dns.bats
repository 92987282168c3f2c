# The DNS example, with valid and malformed queries and answers.
# shellcheck shell=bash
bats_require_minimum_version 1.5.0
load lib
load examples

# responder SIDE: a DNS server. It answers a name such as "a.5.example" with code 5, does not answer
# "silent", answers "cut" with TC set, and answers "late" after 50 milliseconds.
responder() {
	"$1" python3 -c 'import socket, struct, time
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
s.bind(("::", 53))
while True:
	query, client = s.recvfrom(4096)
	name = query[13:13 + query[12]].decode()
	code = int(chr(query[14 + query[12]]))
	if name == "silent":
		continue
	if name == "late":
		time.sleep(0.05)
	s.sendto(query[:2] + struct.pack(">H", 0x8000 | (name == "cut") << 9 | code) + query[4:], client)' \
		>/dev/null 2>&1 3>&- &
	SERVERS+=($!)
	eventually bound "$1"
}
bound() { "$1" cat /proc/net/udp6 | grep -q ':0035 '; }

# ask SIDE ADDRESS NAME TYPE COUNT: sends queries and waits for the answers, except for "silent".
ask() {
	"$1" timeout "$PATIENCE" python3 -c 'import socket, sys
from frames import dns
address, name, qtype, count = sys.argv[1:]
for i in range(int(count)):
	s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
	s.settimeout(30)
	s.connect((address, 53))
	# Paged: what is behind the UDP header is not in the part that programs can look at directly.
	s.setsockopt(socket.SOL_SOCKET, 60, 1) # SO_ZEROCOPY
	s.send(dns(qtype, id=i, name=name), 0x4000000 if i % 2 else 0) # MSG_ZEROCOPY
	if not name.startswith("silent"):
		assert s.recv(4096)[:2] == bytes([0, i])' "${@:2}"
}

# answered PATH: prints [code, number of timed answers] for each code seen; time_sum PATH CODE:
# their total time
answered() {
	ctl metrics dns direction="$1" name=dns_response_time |
		jq -c "[.\"$1-metrics\"[0].value | to_entries[] | [.key, (.value.slots | add)] | select(.[1] > 0)]"
}
time_sum() { ctl metrics dns direction="$1" name=dns_response_time | jq ".\"$1-metrics\"[0].value[$2].sum"; }
anomalies() { for kind in malformed truncated repeated unexpected; do sample dns_anomalies_total "$1" ",kind=\"$kind\""; done | xargs; }

@test "dns: real questions and answers, in and out, IPv4 and IPv6" {
	network_up
	addresses_up
	MONITOR=dns
	example dns
	[ "$(ctl openmetrics dns | grep -c '^dns_response_time')" -eq 0 ] # no empty histograms
	responder near
	responder far
	ask far 10.9.0.1 www.0.example A 20
	ask far 10.9.0.1 www.3.example A 4
	ask far fd00::1 www.0.example AAAA 6
	ask far fd00::1 cut.0.example TXT 2
	ask far 10.9.0.1 silent.0.example MX 5
	ask near 10.9.0.2 www.5.example HTTPS 3
	ask near fd00::2 www.2.example 40000 2
	start=$(date +%s%N)
	ask near fd00::2 late.0.example NS 2
	took=$((($(date +%s%N) - start) / 1000))
	[ "$(sample dns_queries_total ingress ',qtype="A"')" -eq 24 ]
	[ "$(sample dns_queries_total ingress ',qtype="AAAA"')" -eq 6 ]
	[ "$(sample dns_queries_total ingress ',qtype="TXT"')" -eq 2 ]
	[ "$(sample dns_queries_total ingress ',qtype="MX"')" -eq 5 ]
	[ "$(sample dns_queries_total egress ',qtype="HTTPS"')" -eq 3 ]
	[ "$(sample dns_queries_total egress ',qtype="other"')" -eq 2 ]
	[ "$(sample dns_responses_total ingress ',qtype="A",rcode="NOERROR"')" -eq 20 ]
	[ "$(sample dns_responses_total ingress ',qtype="A",rcode="NXDOMAIN"')" -eq 4 ]
	[ "$(sample dns_responses_total ingress ',qtype="AAAA",rcode="NOERROR"')" -eq 6 ]
	[ "$(sample dns_responses_total egress ',qtype="HTTPS",rcode="REFUSED"')" -eq 3 ]
	[ "$(sample dns_responses_total egress ',qtype="other",rcode="SERVFAIL"')" -eq 2 ]
	run ! sample dns_responses_total ingress ',qtype="MX",rcode="NOERROR"'
	[ "$(answered ingress)" = "[[0,28],[3,4]]" ]
	[ "$(answered egress)" = "[[0,2],[2,2],[5,3]]" ]
	[ "$(sample dns_response_time_seconds_count ingress ',rcode="NXDOMAIN"')" -eq 4 ]
	[ "$(sample dns_response_time_seconds_bucket egress ',rcode="NOERROR",le="0.032767"')" -eq 0 ]
	[ "$(sample dns_response_time_seconds_bucket egress ',rcode="NOERROR",le="+Inf"')" -eq 2 ]
	[ "$(time_sum egress 0)" -ge 100000 ]
	[ "$(time_sum egress 0)" -le "$took" ]
	[ "$(anomalies ingress)" = "0 2 0 0" ]
	[ "$(anomalies egress)" = "0 0 0 0" ]
	collectd_stop
}

# Sends all kinds of malformed messages. No socket waits for an answer to them.
@test "dns: truncated, repeated, unexpected and foreign packets" {
	network_up
	MONITOR=dns
	example dns
	send_from far peer0 <<-'END'
	query = lambda payload, **more: eth(ipv4(udp(5000, 53, payload), **more))
	whole = dns("A")
	frames += [query(whole), query(whole, options=bytes(40)), query(whole)]  # two of them repeated
	frames += [query(dns("AAAA"))]  # the same ends and number, another question
	frames += [eth(ipv4(udp(5001, 53, dns("A"))), tags=[(0x88a8, 2), (0x8100, 3)])]
	frames += [eth(ipv6(udp(5001, 53, dns("A")), extensions=[(0, bytes([0]) + bytes(6)), (60, bytes([1]) + bytes(14)), (43, bytes([0]) + bytes(6)), (51, bytes([4]) + bytes(22))]))]
	frames += [eth(ipv6(udp(5002, 53, dns("A")), extensions=[(44, b"\0\0\1\0\0\0\1")]))]  # a first fragment
	frames += [eth(ipv6(udp(5003, 53, dns("A")), extensions=[(44, b"\0\1\0\0\0\0\1")]))]  # not a first one
	frames += [query(whole, offset=1), query(whole, more=True, src="10.9.0.3")]
	frames += [query(dns("SOA", name=".".join(["a"] * 127)), src="10.9.0.4")]  # the longest name there is
	frames += [query(dns("SRV", opcode=4)), query(dns("SRV", opcode=5))]  # NOTIFY, UPDATE
	frames += [query(dns(0, question=False), src="10.9.0.5")]
	frames += [query(whole[:size]) for size in (0, 1, 11, 12, 13, 16, 28, 29, 30)]  # nine cut short
	frames += [query(whole[:size]) + bytes(50) for size in (5, 13, 28, 31)]  # four, with padding behind them
	frames += [query(whole, src="10.9.0.6") + bytes(50)]
	frames += [query(whole[:12] + b"\xc0\x0c" + whole[12:]), query(whole[:12] + b"\xc0\x0c" + bytes(300)), query(whole[:12] + b"\1a" * 200)]  # pointers, no end
	frames += [eth(ipv4(udp(53, 5000, dns("A"))))]  # a query from the server's port
	frames += [eth(ipv4(udp(5000, 54, dns("A"))))]
	END
	[ "$(sample dns_queries_total ingress ',qtype="A"')" -eq 8 ]
	[ "$(sample dns_queries_total ingress ',qtype="AAAA"')" -eq 1 ]
	[ "$(sample dns_queries_total ingress ',qtype="SOA"')" -eq 1 ]
	[ "$(sample dns_queries_total ingress ',qtype="none"')" -eq 1 ]
	[ "$(ctl openmetrics | grep -c '^dns_queries_total{')" -eq 4 ]
	[ "$(anomalies ingress)" = "16 0 2 0" ]
	send_from near mon0 <<-'END'
	answer = lambda payload, dst="10.9.0.2": eth(ipv4(udp(53, 5000, payload), "10.9.0.1", dst))
	frames += [answer(dns("AAAA", response=True, rcode=3))] * 2  # the second one is not waited for
	frames += [answer(dns("A", id=2, response=True, truncated=True))]
	frames += [answer(dns(0, response=True, rcode=1, question=False), dst="10.9.0.4")]  # with the question's type
	frames += [answer(dns("A", response=True)[:20])]
	END
	[ "$(sample dns_responses_total ingress ',qtype="AAAA",rcode="NXDOMAIN"')" -eq 2 ]
	[ "$(sample dns_responses_total ingress ',qtype="A",rcode="NOERROR"')" -eq 1 ]
	[ "$(sample dns_responses_total ingress ',qtype="SOA",rcode="FORMERR"')" -eq 1 ]
	[ "$(answered ingress)" = "[[1,1],[3,1]]" ]
	[ "$(anomalies ingress)" = "17 1 2 2" ]
	[ "$(anomalies egress)" = "0 0 0 0" ]
	collectd_stop
}

@test "dns on a capture" {
	over dns --direction=ingress <<-'END' >"$DIR/result"
	frames += [eth(ipv4(udp(i, 53, dns("PTR", id=i)))) for i in range(100)]
	frames += [eth(ipv6(udp(53, i, dns("PTR", id=i, response=True)))) for i in range(7)]
	END
	[ "$(jq -c '[."ingress-metrics"[] | select(.name == "dns_queries").value[]]' "$DIR/result")" = '[{"key":{"qtype":12},"value":100}]' ]
	[ "$(jq -c '.packets' "$DIR/result")" = 107 ]
}
