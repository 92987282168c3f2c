# Bundles, self-describing objects, and the verbs of dynmonctl for them.
# shellcheck shell=bash
bats_require_minimum_version 1.5.0
load lib

setup() {
	need_root
	WORK=$BATS_TEST_TMPDIR
	OBJECTS=$WORK/objects
	mkdir "$OBJECTS"
}

# bundle NAME [OPTION ...]: makes a bundle of an example
bundle() { offline compile "$top_srcdir/examples/$1.json" -o "$OBJECTS/$1.o" "${@:2}"; }

# object NAME SOURCE: an object compiled without dynmon-cc, without other files
object() { "$DYNMON_CC" --include="$DYNMON_BPFDIR" <"$2" >"$OBJECTS/$1.o"; }

# Starts collectd on a host that cannot compile: dynmon-cc is missing. The configuration comes from
# standard input.
start_without_compiler() {
	network_up
	DATAPLANE_DIR=$OBJECTS DYNMON_CC=/nonexistent collectd_configure
	collectd_start
}

# 10 NTP requests of mode 7, 5 UDP datagrams to port 53, and one frame of 3 bytes.
write_capture() {
	python3 - "$WORK/capture.pcap" "${1:-1}" <<-'END'
	import struct, sys

	def udp(port, size):
	    return (bytes(12) + b"\x08\x00" +
	            struct.pack(">BBHHHBBH4s4s", 0x45, 0, 28 + size, 0, 0, 64, 17, 0,
	                        bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2])) +
	            struct.pack(">HHHH", 4000, port, 8 + size, 0) + b"\x27" * size)

	frames = [udp(123, 48)] * 10 + [udp(53, 100)] * 5 + [b"abc"]
	with open(sys.argv[1], "wb") as out:
	    out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, int(sys.argv[2])))
	    for frame in frames:
	        out.write(struct.pack("<IIII", 1, 0, len(frame), len(frame)) + frame)
	END
}

@test "bundles of all examples count exactly on a host without a compiler" {
	for example in packet_counter ntp_packets_counter ntp_mode_private flow_bytes; do
		bundle "$example"
	done
	start_without_compiler </dev/null
	for example in packet_counter ntp_packets_counter ntp_mode_private flow_bytes; do
		run ctl inject "$example" mon0 "$OBJECTS/$example.o"
		[ "$status" -eq 0 ]
		[[ $output == *"monitor $example: dataplane injected" ]]
		[[ $output == *"opened without a trial in the sandbox: cannot start the compiler /nonexistent"* ]]
	done
	frames_in 7
	frames_in 5 -d 123 -f 0x27 # version 4, mode 7: private
	frames_out 3
	[ "$(json_value packet_counter ingress packets_total)" = "[12]" ]
	[ "$(json_value packet_counter egress packets_total)" = "[3]" ]
	[ "$(json_value ntp_packets_counter ingress ntp_packets_total)" = "[5]" ]
	[ "$(json_value ntp_mode_private ingress ntp_mode_private_packets_total)" = "[5]" ]
	[ "$(json_value flow_bytes ingress flows | jq '[.[].value.packets] | add')" = 12 ]
	[ "$(json_value flow_bytes egress flows | jq '[.[].value.packets] | add')" = 3 ]
	collectd_stop
	nothing_attached
}

@test "a bundle can be used in collectd.conf, with file= and across a reload" {
	bundle packet_counter
	start_without_compiler <<-'END'
	<Monitor "edge">
	  Interface "mon0"
	  Dataplane "packet_counter.o"
	</Monitor>
	END
	frames_in 1000
	frames_out 300
	[ "$(json_value edge ingress packets_total)" = "[1000]" ]
	metrics_page | grep -Fx 'packets_total{monitor="edge",interface="mon0",direction="egress"} 300'
	eventually csv_is edge-mon0 packets-packets-ingress 1000
	[ "$(ctl reload)" = "nothing has changed" ]
	frames_in 1
	[ "$(json_value edge ingress packets_total)" = "[1001]" ]
	# The same document, with code of a different length.
	jq '."ingress-path".code |= sub("return"; "\n\tasm volatile(\"r0 = 0\" ::: \"r0\");\n\treturn")' \
		"$top_srcdir/examples/packet_counter.json" >"$WORK/other.json"
	offline compile "$WORK/other.json" -o "$OBJECTS/packet_counter.o"
	[[ "$(ctl reload)" == *"monitor edge: dataplane replaced" ]]
	frames_in 2
	[ "$(json_value edge ingress packets_total)" = "[1003]" ]
	bundle ntp_packets_counter
	ctl inject ntp interface=mon0 file=ntp_packets_counter.o
	frames_in 4 -d 123
	[ "$(json_value ntp ingress ntp_packets_total)" = "[4]" ]
}

@test "a self-describing object needs no other file" {
	object described "$BATS_TEST_DIRNAME/fixtures/described.bpf.c"
	start_without_compiler </dev/null
	ctl inject edge mon0 "$OBJECTS/described.o"
	frames_in 12
	frames_out 5
	[ "$(json_value edge ingress packets_total)" = "[12]" ]
	[ "$(json_value edge egress packets_total)" = "[5]" ]
	[ "$(json_value edge ingress drained)" = "[12]" ]
	[ "$(json_value edge ingress drained)" = "[0]" ]
	ctl openmetrics edge | grep -Fx 'packets_total{monitor="edge",interface="mon0",direction="ingress",layer="2"} 12'
	ctl openmetrics edge | grep -Fx 'packets_total{monitor="edge",interface="mon0",direction="egress"} 5'
	# An object without metric descriptions runs, too.
	object silent "$BATS_TEST_DIRNAME/fixtures/packet_counter.bpf.c"
	run ctl inject silent mon0 "$OBJECTS/silent.o"
	[ "$status" -eq 0 ]
	[[ $output == *"the object runs without metrics"* ]]
	attached | grep -F packet_counter
}

@test "flow_bytes is a self-describing object" {
	object flows "$top_srcdir/bpf/flow_bytes.bpf.c"
	write_capture
	run -0 offline --json test "$OBJECTS/flows.o" --pcap "$WORK/capture.pcap" --direction=ingress
	[ "$(jq -c '[."ingress-metrics"[0].value[].value] | sort_by(.packets)' <<<"$output")" = \
		'[{"packets":5,"bytes":710},{"packets":10,"bytes":900}]' ]
}

@test "objects are tried in the sandbox first; an object that crashes libbpf does no harm" {
	network_up
	bundle packet_counter
	printf '#!/bin/sh\ncat >/dev/null\nkill -SEGV $$\n' >"$WORK/crashing-cc"
	chmod 755 "$WORK/crashing-cc"
	DATAPLANE_DIR=$OBJECTS collectd_configure </dev/null
	collectd_start
	run -0 ctl inject edge mon0 "$OBJECTS/packet_counter.o"
	[ "$output" = "monitor edge: dataplane injected" ] # no warning: the object loads
	head -c 5000 "$OBJECTS/packet_counter.o" >"$WORK/cut.o"
	run -1 ctl inject edge mon0 "$WORK/cut.o"
	[[ $output == "dynmonctl: the ELF object is damaged: "* ]]
	jq -n --arg data "$(head -c 5000 "$OBJECTS/packet_counter.o" | base64 -w 0)" \
		'{"ingress-path": {"object-data": $data}}' >"$WORK/cut.json"
	run -1 ctl inject edge mon0 "$WORK/cut.json"
	[[ $output == *"ingress-path: ingress-path.object-data: not a usable eBPF object: "* ]]
	frames_in 9
	[ "$(json_value edge ingress packets_total)" = "[9]" ]
	run -1 "$top_builddir/dynmonctl" --compiler="$WORK/crashing-cc" check "$OBJECTS/packet_counter.o"
	[[ $output == *"not a usable eBPF object: opening it crashed, in the sandbox where it was tried" ]]
	collectd_stop
}

# forge OBJECT OUTPUT KIND WORD VALUE: replaces one word of the first type of that kind in .BTF.
forge() {
	python3 - "$@" <<-'END'
	import struct, sys

	data = bytearray(open(sys.argv[1], "rb").read())
	kind, word, value = (int(text) for text in sys.argv[3:])
	sections, count, names = struct.unpack_from("<Q", data, 40)[0], *struct.unpack_from("<HH", data, 60)
	headers = [struct.unpack_from("<IIQQQQ", data, sections + 64 * i) for i in range(count)]
	at = next(h[4] for h in headers if data[headers[names][4] + h[0]:].startswith(b".BTF\0")) + 24
	more = {1: (4, 0), 3: (12, 0), 4: (0, 12), 5: (0, 12), 6: (0, 8), 13: (0, 8), 14: (4, 0), 15: (0, 12), 17: (4, 0)}
	while (info := struct.unpack_from("<I", data, at + 4)[0]) >> 24 & 31 != kind:
	    once, each = more.get(info >> 24 & 31, (0, 0))
	    at += 12 + once + (info & 0xFFFF) * each
	struct.pack_into("<I", data, at + 4 * word, value)
	open(sys.argv[2], "wb").write(data)
	END
}

# refused_everywhere FORGED: every verb and every path into collectd rejects the object with
# MESSAGE.
refused_everywhere() {
	jq -n --arg data "$(base64 -w 0 "$1")" \
		'{"ingress-path": {"object-data": $data, "program": "packets_in"}}' >"$WORK/forged.json"
	for file in "$1" "$WORK/forged.json"; do
		run -1 ctl inject edge mon0 "$file"
		[[ $output == *"$MESSAGE"* ]]
		run -1 offline check "$file"
		[[ $output == *"$MESSAGE"* ]]
		run -1 "$top_builddir/dynmonctl" --compiler=/nonexistent check "$file"
		[[ $output == *"$MESSAGE"* ]]
		run -1 "$top_builddir/dynmonctl" --compiler=/nonexistent compile "$file" -o "$WORK/out.o"
		[[ $output == *"$MESSAGE"* ]]
		run -1 offline compile "$file" -o "$WORK/out.o"
		[[ $output == *"$MESSAGE"* ]]
		run -1 offline test "$file" --pcap "$WORK/capture.pcap"
		[[ $output == *"$MESSAGE"* ]]
	done
}

@test "objects with forged types are rejected, and collectd keeps running" {
	object described "$BATS_TEST_DIRNAME/fixtures/described.bpf.c"
	write_capture
	network_up
	DATAPLANE_DIR=$OBJECTS collectd_configure </dev/null
	collectd_start
	ctl inject edge mon0 "$OBJECTS/described.o"
	frames_in 3
	# A tag of a missing type or component; a name outside the string section; a type that
	# contains itself; an array without an end; a struct beyond the end of the types.
	while read -r kind word value MESSAGE; do
		forge "$OBJECTS/described.o" "$WORK/forged.o" "$kind" "$word" "$value"
		refused_everywhere "$WORK/forged.o"
	done <<-'END'
	17 2 99999 refers to type 99999, which does not exist: the last type is
	17 3 7 (DECL_TAG) refers to component 7 of type
	17 0 99999999 a name at 99999999 lies outside the strings
	3 3 3 contains itself
	3 5 4294967295 has 4294967295 elements of 4 bytes: more than 2 GiB
	4 1 67174399 (STRUCT, vlen 65535) has 786432 bytes and exceeds the types
	END
	frames_in 4
	[ "$(json_value edge ingress packets_total)" = "[7]" ]
	collectd_stop
}

@test "objects with forged types are rejected without a sandbox" {
	object described "$BATS_TEST_DIRNAME/fixtures/described.bpf.c"
	start_without_compiler </dev/null
	ctl inject edge mon0 "$OBJECTS/described.o"
	forge "$OBJECTS/described.o" "$WORK/forged.o" 17 2 99999
	jq -n --arg data "$(base64 -w 0 "$WORK/forged.o")" \
		'{"ingress-path": {"object-data": $data, "program": "packets_in"}}' >"$WORK/forged.json"
	for file in "$WORK/forged.o" "$WORK/forged.json"; do
		run -1 ctl inject edge mon0 "$file"
		[[ $output == *"refers to type 99999, which does not exist: the last type is "* ]]
	done
	frames_in 5
	[ "$(json_value edge ingress packets_total)" = "[5]" ]
	collectd_stop
}

@test "dynmon-cc --open" {
	bundle flow_bytes
	run -0 "$DYNMON_CC" --open <"$OBJECTS/flow_bytes.o"
	[ -z "$output" ]
	run -1 "$DYNMON_CC" --open <"$top_srcdir/README.md"
	[[ $output == *"expected an eBPF object of this byte order"* ]]
	run -1 "$DYNMON_CC" --open </dev/null
	run -4 "$DYNMON_CC" --open < <(head -c 40000000 /dev/zero)
	[[ $output == *"the object is larger than 36 MiB" ]]
}

@test "a bundle is accepted only on the kind of hook that it was compiled for" {
	bundle ntp_packets_counter --hook=xdp
	run -1 offline check "$OBJECTS/ntp_packets_counter.o"
	[ "$output" = "dynmonctl: ingress-path: the bundle is compiled for xdp, but the hook is tc: use a hook of that kind, or compile the bundle with --hook=tc" ]
	run -0 offline check --hook=xdp-generic "$OBJECTS/ntp_packets_counter.o"
	run -1 offline compile --hook=xdp "$top_srcdir/examples/flow_bytes.json" -o "$OBJECTS/x.o"
	[[ $output == *"flow_bytes.json: ingress-path: expected a program for xdp, found only a program for tc" ]]
	[ ! -e "$OBJECTS/x.o" ]
	start_without_compiler </dev/null
	ctl add edge hook=xdp
	ctl inject edge mon0 "$OBJECTS/ntp_packets_counter.o"
	frames_in 6 -d 123
	[ "$(json_value edge ingress ntp_packets_total)" = "[6]" ]
}

@test "a bundle fixes the log level and CUBE_ID, but not the clock" {
	network_up
	jq -n --arg code 'BPF_ARRAY(N, u64, 2);
	static __always_inline int handle_rx(struct CTXTYPE *ctx, struct pkt_metadata *md)
	{
		unsigned int zero = 0, one = 1;
		u64 id = md->cube_id, now = pcn_get_time_epoch();
		N.update(&zero, &id);
		N.update(&one, &now);
		pcn_log(ctx, LOG_INFO, "seen %d", 42);
		return RX_OK;
	}' '{"ingress-path": {"code": $code, "metric-configs": [{"name": "n", "map-name": "N"}]}}' >"$WORK/n.json"
	offline compile --log-level=info --cube-id=77 "$WORK/n.json" -o "$OBJECTS/n.o"
	# Simulates an object of another host by changing the time in the object.
	python3 - "$OBJECTS/n.o" <<-'END'
	import struct, sys, time

	bytes_, near = bytearray(open(sys.argv[1], "rb").read()), 0
	now = time.time_ns() - time.monotonic_ns()
	for at in range(0, len(bytes_) - 8, 8):
	    if abs(struct.unpack_from("<Q", bytes_, at)[0] - now) < 60 * 10**9:
	        struct.pack_into("<Q", bytes_, at, 5)
	        near += 1
	assert near == 1, near
	open(sys.argv[1], "wb").write(bytes_)
	END
	DATAPLANE_DIR=$OBJECTS collectd_configure </dev/null
	collectd_start
	ctl inject edge mon0 "$OBJECTS/n.o"
	frames_in 1
	run json_value edge ingress n
	[ "$(jq '.[0]' <<<"$output")" = 77 ]
	[ $(($(date +%s) - $(jq '.[1] / 1000000000 | floor' <<<"$output"))) -lt 3600 ]
	eventually grep -F 'dynmon: monitor edge: mon0 ingress: seen 42' "$LOG"
}

@test "check and compile: output and errors" {
	bundle packet_counter
	[ "$(offline check "$OBJECTS/packet_counter.o" | head -n 3)" = "$(offline check "$top_srcdir/examples/packet_counter.json" | head -n 3)" ]
	run -1 offline compile "$OBJECTS/packet_counter.o" -o "$WORK/x.o"
	[[ $output == *"packet_counter.o: ingress-path: the object has a section .dynmon: it is a bundle already" ]]
	# An output that is not a regular file is written in place, not replaced.
	mkfifo "$WORK/pipe"
	cat "$WORK/pipe" >"$WORK/through.o" 3>&- &
	bundle packet_counter -o "$WORK/pipe"
	wait "$!"
	[ -p "$WORK/pipe" ]
	cmp "$WORK/through.o" "$OBJECTS/packet_counter.o"
	# The bundle of a self-describing object describes the same dataplane.
	object described "$BATS_TEST_DIRNAME/fixtures/described.bpf.c"
	offline compile "$OBJECTS/described.o" -o "$WORK/x.o"
	[ "$(offline check "$WORK/x.o" | sed '$d')" = "$(offline check "$OBJECTS/described.o" | sed '$d')" ]
	echo '{}' >"$WORK/empty.json"
	run -1 offline compile "$WORK/empty.json" -o "$WORK/y.o"
	[ "$output" = "dynmonctl: $WORK/empty.json: there is no code in the document" ]
	run -1 offline compile "$top_srcdir/examples/packet_counter.json" -o "$WORK/no/such/x.o"
	[[ $output == "dynmonctl: $WORK/no/such/x.o: No such file or directory" ]]
	run -2 offline compile "$top_srcdir/examples/packet_counter.json"
	[ "$output" = "dynmonctl: usage: compile <file> --output=<bundle>" ]
	run -2 offline compile --log-level=loud "$WORK/empty.json" -o "$WORK/y.o"
	[[ $output == *'--log-level: expected one of off, critical, error, warn, info, debug, trace, found "loud"' ]]
	run -2 offline compile --cube-id=70000 "$WORK/empty.json" -o "$WORK/y.o"
	[[ $output == *'--cube-id: expected a number from 0 to 65535, found "70000"' ]]
	run -1 offline check /bin/true
	[[ $output == *"expected an eBPF object of this byte order"* ]]
	[ -z "$(ls "$WORK"/*.o.* 2>/dev/null)" ]
}

@test "C source needs no document" {
	local source=$BATS_TEST_DIRNAME/fixtures/described.bpf.c

	object described "$source"
	[ "$(offline check --strict "$source" | sed '$d')" = "$(offline check "$OBJECTS/described.o" | sed '$d')" ]
	cp "$source" "$OBJECTS"
	network_up
	DATAPLANE_DIR=$OBJECTS collectd_configure <<-END
	<Monitor "conf">
	  Interface "mon0"
	  Dataplane "described.bpf.c"
	</Monitor>
	END
	collectd_start
	ctl inject edge mon0 "$source"
	ctl inject remote mon0 file=described.bpf.c
	frames_in 3
	for monitor in conf edge remote; do
		[ "$(json_value $monitor ingress packets_total)" = "[3]" ]
		[ "$(json_value $monitor egress packets_total)" = "[0]" ]
	done
	# A bundle of the source is a bundle of both directions.
	offline compile "$source" -o "$OBJECTS/source.o"
	[ "$(offline check "$OBJECTS/source.o" | sed '$d')" = "$(offline check "$source" | sed '$d')" ]
	# The dialect runs on ingress. Diagnostics name the file.
	printf '%s\n' '#include <dynmon.h>' 'DYNMON_METRIC("p", "counter", "x") BPF_ARRAY(P, u64, 1);' \
		'static __always_inline int handle_rx(struct CTXTYPE *ctx, struct pkt_metadata *md)' \
		'{ P.increment(0); return RX_OK; }' >"$WORK/p.c"
	[ "$(offline check --strict "$WORK/p.c" | grep -c '^ingress\|^egress\|metric  p')" -eq 2 ]
	sed -i 's/RX_OK/RX_NONE/' "$WORK/p.c"
	run -1 offline check "$WORK/p.c"
	[[ $output == *"p.c:4: error: use of undeclared identifier 'RX_NONE'"* ]]
	run -1 ctl inject edge "$WORK/p.c"
	[[ $output == *" p.c:4: error: use of undeclared identifier 'RX_NONE'"* ]]
	# Metrics of a document replace those of the code.
	cp "$source" "$WORK"
	echo '{"ingress-path": {"code-file": "described.bpf.c", "metric-configs": []}}' >"$WORK/x.json"
	[[ $(offline check "$WORK/x.json" 2>&1) == *"are not used: packets_total, drained"* ]]
	"${CLANG:-clang}" -target bpf -O2 -I"$DYNMON_BPFDIR" "-I/usr/include/$(uname -m)-linux-gnu" -c "$source" -o "$WORK/bare.o"
	[[ $(offline check "$WORK/bare.o" 2>&1) == *"The object has no BTF: compile it with -g." ]]
}

@test "a document of Dynmon 1.0 counts, and a document that hides its code is an error" {
	jq '."ingress-path" | {name: "1.0", code, metrics: ."metric-configs"}' \
		"$top_srcdir/examples/packet_counter.json" >"$WORK/old.json"
	[ "$(offline check --strict "$WORK/old.json" | sed '$d')" = \
		"$(offline check "$top_srcdir/examples/packet_counter.json" | sed '/^egress/,$d')" ]
	network_up
	DATAPLANE_DIR=$OBJECTS collectd_configure </dev/null
	collectd_start
	ctl inject edge mon0 "$WORK/old.json"
	frames_in 3
	[ "$(json_value edge ingress packets_total)" = '[3]' ]
	jq '{"ingres-path": ."ingress-path"}' "$top_srcdir/examples/packet_counter.json" >"$WORK/typo.json"
	run -1 ctl inject edge "$WORK/typo.json"
	[[ $output == *'the document has no code: expected the keys "ingress-path" or "egress-path", found "ingres-path"' ]]
	run -1 offline check "$WORK/typo.json"
	[ "$(json_value edge ingress packets_total)" = '[3]' ]
	jq 'del(."ingress-path"."metric-configs", ."egress-path")' "$top_srcdir/examples/packet_counter.json" >"$WORK/blind.json"
	[[ $(offline check "$WORK/blind.json" 2>&1) == *"the dataplane has no metrics: nothing is exported"* ]]
	run -1 offline check --strict "$WORK/blind.json"
	[[ ${lines[1]} == *"blind.json: there are warnings, which --strict rejects" ]]
	[[ $(ctl inject blind mon0 "$WORK/blind.json") == "the dataplane has no metrics: nothing is exported"* ]]
	echo '{}' >"$WORK/empty.json"
	[ "$(offline check "$WORK/empty.json")" = "$WORK/empty.json: ok, but the document has no code" ]
	run -1 offline check --strict "$WORK/empty.json"
}

@test "test: exact results for the packets of a capture" {
	write_capture
	bundle ntp_mode_private
	run -0 offline test "$OBJECTS/ntp_mode_private.o" --pcap "$WORK/capture.pcap"
	[ "${lines[0]}" = "packets 15; 1 skipped, shorter than 14 bytes" ]
	[ "${lines[1]}" = "ingress: program dynmon_ingress returned" ]
	[ "$(xargs <<<"${lines[2]}")" = "TC_ACT_UNSPEC 15" ]
	grep -Eqx 'ingress +ntp_packets_total +0 +10' <<<"$output"
	run -0 offline --json test "$top_srcdir/examples/packet_counter.json" --pcap="$WORK/capture.pcap"
	[ "$(jq -c '[.packets, ."too-short", .verdicts, ."ingress-metrics"[0].value, ."egress-metrics"[0].value]' <<<"$output")" = \
		'[15,1,{"ingress":{"TC_ACT_UNSPEC":15},"egress":{"TC_ACT_UNSPEC":15}},[15],[15]]' ]
	run -0 offline --json test "$top_srcdir/examples/packet_counter.json" --pcap="$WORK/capture.pcap" \
		--direction=egress --hook=xdp
	[ "$(jq -c '[.verdicts, ."ingress-metrics"[0].value, ."egress-metrics"[0].value]' <<<"$output")" = \
		'[{"egress":{"TC_ACT_UNSPEC":15}},[0],[15]]' ]
	# An XDP program that drops some packets.
	jq -n --arg code 'BPF_ARRAY(N, u64, 1);
	static __always_inline int handle_rx(struct CTXTYPE *ctx, struct pkt_metadata *md)
	{
		N.atomic_increment(0);
		return md->packet_len > 100 ? RX_DROP : RX_OK;
	}' '{"ingress-path": {"code": $code, "metric-configs": [{"name": "n", "map-name": "N"}]}}' >"$WORK/drop.json"
	run -0 offline --json test --hook=xdp "$WORK/drop.json" --pcap "$WORK/capture.pcap"
	[ "$(jq -cS '[.verdicts, ."ingress-metrics"[0].value]' <<<"$output")" = \
		'[{"ingress":{"XDP_DROP":5,"XDP_PASS":10}},[15]]' ]
}

@test "test: errors" {
	write_capture 113 # LINUX_SLL
	bundle ntp_packets_counter
	run -1 offline test "$OBJECTS/ntp_packets_counter.o" --pcap "$WORK/capture.pcap"
	[[ $output == *"expected a capture of Ethernet frames (linktype EN10MB), found LINUX_SLL (113)"* ]]
	run -1 offline test "$OBJECTS/ntp_packets_counter.o" --pcap "$top_srcdir/README.md"
	[[ $output == *"unknown file format" ]]
	run -1 offline test "$OBJECTS/ntp_packets_counter.o" --pcap "$WORK/none.pcap"
	[[ $output == *"none.pcap: No such file or directory" ]]
	write_capture
	head -c 200 "$WORK/capture.pcap" >"$WORK/cut.pcap"
	run -1 offline test "$OBJECTS/ntp_packets_counter.o" --pcap "$WORK/cut.pcap"
	[[ $output == *"cut.pcap: packet 2: truncated dump file"* ]]
	run -1 offline test "$OBJECTS/ntp_packets_counter.o" --pcap "$WORK/capture.pcap" --direction=egress
	[[ $output == *"there is no program to run on packets in direction egress" ]]
	run -2 offline test "$OBJECTS/ntp_packets_counter.o"
	[[ $output == "dynmonctl: usage: test <file> --pcap=<capture>"* ]]
	run -2 offline test "$OBJECTS/ntp_packets_counter.o" --pcap "$WORK/capture.pcap" --direction=up
	[[ $output == *'--direction: expected one of ingress, egress, found "up"' ]]
}
