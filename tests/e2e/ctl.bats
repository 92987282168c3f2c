# Interactive use of dynmonctl: phases, tables, JSON, top in a terminal, watch, completion, the man
# page.
# shellcheck shell=bash
bats_require_minimum_version 1.5.0
load lib

setup() {
	need_root
	network_up
	documents_up "$top_srcdir"/examples/{packet_counter,ntp_packets_counter}.json
	TERMINALS=0
}

teardown() {
	terminal_close
	collectd_kill
	network_down
}

terminal_close() { [ -z "${TMUX_SOCKET:-}" ] || tmux -S "$TMUX_SOCKET" kill-server 2>/dev/null || true; }

# terminal WIDTH HEIGHT COMMAND ...: runs COMMAND in a terminal of that size, replacing the earlier
# terminal.
terminal() {
	local width=$1 height=$2
	shift 2
	terminal_close
	TMUX_SOCKET=$BATS_TEST_TMPDIR/tmux$((++TERMINALS))
	# This shell continues after a C-c that its command has handled.
	env -u TMUX SHELL=/bin/bash TERM=xterm-256color tmux -u -S "$TMUX_SOCKET" -f /dev/null new-session -d \
		-x "$width" -y "$height" \
		"ip netns exec $NEAR $*; echo status \$?; exec sleep infinity" 3>&-
}
# ctl_words: the dynmonctl command line, quoted for a terminal.
ctl_words() { echo "$top_builddir/dynmonctl -s $SOCKET"; }
keys() { tmux -S "$TMUX_SOCKET" send-keys "$@"; }
shown() { tmux -S "$TMUX_SOCKET" capture-pane -p "$@"; }
shows() { shown | grep -q -e "$1"; }
shows_not() { ! shows "$1"; }
# Matches the first row of the list, which is line 3 of the screen.
shows_first() { shown | sed -n 3p | grep -q -e "$1"; }
# shows_lines COUNT LINES: compares the first lines. A screen may be captured while it is redrawn.
shows_lines() { [ "$(shown | head -n "$1")" = "$2" ]; }

@test "inject prints its phases and the first packet" {
	start_with_edge
	# output to a program is unchanged
	[ "$(ctl inject probe mon0 "$DOCUMENTS/packet_counter.json")" = "monitor probe: dataplane injected" ]
	run ctl --wait=0.1 inject probe "$DOCUMENTS/packet_counter.json"
	[ "$status" -eq 0 ]
	[ "$(awk '{ print $1 }' <<<"$output" | xargs)" = "parse compile verify attach first monitor" ]
	[ "$(sed -n 5p <<<"$output")" = "first packet  none within 0.1 s" ]
	[ "$(grep -Ec '^(parse|compile|verify|attach) +[0-9]+\.[0-9] ms$' <<<"$output")" -eq 4 ]
	[ "$(ctl --wait=0.1 inject idle "$DOCUMENTS/packet_counter.json" | sed -n 5p)" = "first packet  not attached to any interface" ]
	[ "$(ctl --wait=0 inject idle "$DOCUMENTS/packet_counter.json" | sed -n 5p)" = "first packet  not waited for" ]
	send_always
	run ctl --wait=20 inject probe mon0 "$DOCUMENTS/ntp_packets_counter.json"
	[[ $(sed -n '/^first packet/p' <<<"$output") =~ ^first\ packet\ +[0-9]+\.[0-9]\ ms$ ]]
	[ "$(sed -n '$p' <<<"$output")" = "monitor probe: dataplane injected" ]
	# a packet on a path that keeps running is not a packet of the new dataplane
	jq '{"egress-path": ."ingress-path"}' "$DOCUMENTS/packet_counter.json" >"$DOCUMENTS/egress.json"
	[ "$(ctl --wait=0.3 inject probe "$DOCUMENTS/egress.json" | grep '^first')" = "first packet  none within 0.3 s" ]
	send_no_more
	jq '."ingress-path".colour = "red"' "$DOCUMENTS/packet_counter.json" >"$DOCUMENTS/warned.json"
	ctl -j --wait=0.1 inject probe "$DOCUMENTS/warned.json" >"$BATS_TEST_TMPDIR/json"
	[ "$(jq -c '[.monitor, (.phases | keys_unsorted), .phases["first-packet"], .messages]' "$BATS_TEST_TMPDIR/json")" = \
		'["probe",["parse","compile","verify","attach","first-packet"],"none within 0.1 s",["ingress-path.colour: unknown key, ignored"]]' ]
	jq '[.phases[["parse", "compile", "verify", "attach"][]] | type == "number"] | all' "$BATS_TEST_TMPDIR/json" | is_true
	run ctl --wait=100 inject probe "$DOCUMENTS/packet_counter.json"
	[ "$status" -eq 1 ]
	[ "$output" = 'dynmonctl: wait: expected seconds from 0 to 60, found "100"' ]
	# on a terminal they are always shown
	terminal 80 20 "$(ctl_words) inject probe $DOCUMENTS/packet_counter.json"
	eventually shows "^status 0"
	shows "^compile  "
	shows "^first packet  none within 1 s"
	# the kernel's run counting is disabled again
	run ! grep -q . <(find "/proc/$COLLECTD/fd" -lname 'anon_inode:bpf-stats')
}

@test "shutdown does not wait for the first packet" {
	start_with_edge
	ctl --wait=60 inject probe mon0 "$DOCUMENTS/packet_counter.json" >"$BATS_TEST_TMPDIR/answer" 3>&- &
	client=$!
	eventually monitor_is probe running
	eventually sh -c "find /proc/$COLLECTD/fd -lname 'anon_inode:bpf-stats' | grep -q ."
	collectd_stop
	wait "$client" || true
}

@test "a verifier error starts with the source line" {
	start_with_edge
	jq -n --arg code $'BPF_ARRAY(HITS, u64, 1);\nstatic __always_inline int handle_rx(struct CTXTYPE *ctx, struct pkt_metadata *md)\n{\n\tvoid *data = (void *)(long)ctx->data;\n\n\treturn *(u8 *)(data + 12) ? RX_OK : RX_DROP;\n}' \
		'{"ingress-path": {$code, "metric-configs": [{"name": "hits", "map-name": "HITS"}]}}' \
		>"$DOCUMENTS/verifier.json"
	for try in "inject edge" "--compiler=$DYNMON_CC --include=$DYNMON_BPFDIR check"; do
		# shellcheck disable=SC2086 # words
		run ctl $try "$DOCUMENTS/verifier.json"
		[ "$status" -eq 1 ]
		echo "$output"
		[[ ${lines[0]} == "dynmonctl: ingress-path: ingress-path.code:6: the verifier: invalid access to packet"* ]]
		[ "${lines[1]}" = "    return *(u8 *)(data + 12) ? RX_OK : RX_DROP;" ]
		[[ $output == *"-- BEGIN PROG LOAD LOG --"* ]]
	done
	# in a separate file
	jq -r '."ingress-path".code' "$DOCUMENTS/verifier.json" >"$DOCUMENTS/code.c"
	jq -n '{"ingress-path": {"code-file": "code.c"}}' >"$DOCUMENTS/file.json"
	run ctl inject edge file=file.json
	[[ ${lines[0]} == "dynmonctl: ingress-path: code.c:6: the verifier: invalid access"* ]]
	[ "${lines[1]}" = "    return *(u8 *)(data + 12) ? RX_OK : RX_DROP;" ]
}

# on_terminal STREAMS WORD ...: prints the output of dynmonctl to a terminal; STREAMS: out, err or out,err.
on_terminal() {
	NO_COLOR=1 near python3 "$top_srcdir/tests/tools/on-terminal.py" "$1" "$top_builddir/dynmonctl" -s "$SOCKET" "${@:2}"
}

# Checks that standard input is valid UTF-8 without terminal control characters or characters that
# hide others.
is_printable() {
	python3 -c 'import re, sys
text = sys.stdin.buffer.read().decode("utf-8")
bad = re.search("[\0-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e0fff]", text)
sys.exit(f"{bad!r} in {text!r}" if bad else 0)'
}

# An 8-bit CSI, a bidirectional control, an invalid byte, a tag, an escape sequence, a line separator.
EVIL=$'x\xc2\x9b1m\xe2\x80\xae\xff\xf3\xa0\x80\x81\x1b[1m\xe2\x80\xa8y'
EVIL_SHOWN='x\u009b1m\u202e\xff\udb40\udc01\x1b[1m\u2028y'

# A monitor on an interface, with a label from packets, a metric and a document whose names are EVIL.
start_evil() {
	EVIL_INTERFACE=$'e\xc2\x9b\xe2\x80\xae\xff\x1b[1m'
	cable_up "$EVIL_INTERFACE" peer1
	jq -n --arg code $'struct key { u8 name[12]; };\nBPF_TABLE("hash", struct key, u64, SEEN, 10);\nstatic __always_inline int handle_rx(struct CTXTYPE *ctx, struct pkt_metadata *md)\n{\n\tstruct key key = { { 120, 0xc2, 0x9b, 49, 109, 0xe2, 0x80, 0xae } };\n\tu64 one = 1;\n\n\tSEEN.update(&key, &one);\n\treturn RX_OK;\n}' \
		--arg name $'seen\u009b\u202e\x1b[1m' \
		'{"ingress-path": {$code, "metric-configs": [{$name, "map-name": "SEEN", "open-metrics-metadata": {type: "gauge", help: $name}}]}}' \
		>"$DOCUMENTS/evil.json"
	cp "$DOCUMENTS/evil.json" "$DOCUMENTS/$EVIL.json"
	collectd_configure <<-EOF
	<Monitor "evil">
	  Interface "/./"
	  Dataplane "evil.json"
	</Monitor>
	EOF
	sed -i '1i Timeout 1000' "$CONF"
	collectd_start
	frames_at peer1 1
	eventually sh -c "'$top_builddir/dynmonctl' -s '$SOCKET' listval | grep -F seen"
}

@test "untrusted text is escaped on a terminal, on stdout and on stderr" {
	start_evil
	offline=(--compiler="$DYNMON_CC" --include="$DYNMON_BPFDIR")
	far tcpdump -qc 1 -i peer1 -w "$BATS_TEST_TMPDIR/one.pcap" 2>/dev/null 3>&- & # captures one frame
	tcpdump=$!
	eventually grep -q peer1 <(far cat /proc/net/packet /proc/net/dev)
	while kill -0 "$tcpdump" 2>/dev/null; do far "$top_builddir/tests/tools/sendframes" peer1 1; sleep 0.1; done
	identifier=$(ctl listval | grep -F seen | head -n 1 | cut -d ' ' -f 2-)
	tried=0
	while IFS= read -r -d '' words; do
		mapfile -t words <<<"$words"
		on_terminal out,err "${words[@]}" >"$BATS_TEST_TMPDIR/shown" || true
		is_printable <"$BATS_TEST_TMPDIR/shown" || { echo "${words[*]@Q}"; return 1; }
		[ -s "$BATS_TEST_TMPDIR/shown" ] || { echo "nothing: ${words[*]@Q}"; return 1; }
		tried=$((tried + 1))
	done < <(printf '%s\0' list openmetrics listval $'show\nevil' $'metrics\nevil' stats $'--count=1\nwatch\nseen*' \
		$'--json\nlist' $'--json\nlistval' $'--json\n--count=1\nwatch\nseen*' "getval"$'\n'"$identifier" \
		"$(printf '%s\n' "${offline[@]}" check "$DOCUMENTS/$EVIL.json")" \
		"$(printf '%s\n' "${offline[@]}" --json check "$DOCUMENTS/$EVIL.json")" \
		"$(printf '%s\n' "${offline[@]}" --pcap="$BATS_TEST_TMPDIR/one.pcap" test "$DOCUMENTS/$EVIL.json")" \
		"$(printf '%s\n' "${offline[@]}" check "$DOCUMENTS/no$EVIL")" \
		"inject"$'\n'"evil"$'\n'"$DOCUMENTS/no$EVIL" "inject"$'\n'"evil"$'\n'"file=$EVIL" "show"$'\n'"$EVIL" "$EVIL" "help"$'\n'"$EVIL" "--no$EVIL" \
		"detach"$'\n'"evil"$'\n'"$EVIL" "getval"$'\n'"$EVIL" "watch"$'\n'"$EVIL" "complete-words"$'\n'"--"$'\n'"attach"$'\n'"evil"$'\n')
	[ "$tried" -eq 25 ]
	# escaped characters are shown, not left out
	run on_terminal out list
	[[ $output == *'e\u009b\u202e\xff\x1b[1m'* ]]
	[ "$(on_terminal err show "$EVIL")" = "dynmonctl: no monitor is called \"$EVIL_SHOWN\"" ]
	on_terminal out openmetrics >"$BATS_TEST_TMPDIR/shown"
	grep -Fq 'name="x\u009b1m\u202e"' "$BATS_TEST_TMPDIR/shown"
	# escaped JSON is equivalent
	on_terminal out show evil | jq -S . >"$BATS_TEST_TMPDIR/shown"
	ctl show evil | jq -S . | diff "$BATS_TEST_TMPDIR/shown" -
}

@test "output to pipes and files is unchanged, separately for stdout and stderr" {
	start_evil
	ctl openmetrics | grep -Fq $'name="x\xc2\x9b1m\xe2\x80\xae"'
	ctl list | LC_ALL=C grep -Fq "$EVIL_INTERFACE"
	run -1 --separate-stderr ctl show "$EVIL"
	[ "$stderr" = "dynmonctl: no monitor is called \"$EVIL\"" ]
	# only stderr is a terminal, then only stdout
	on_terminal err openmetrics 2>&1 | grep -Fq $'name="x\xc2\x9b1m\xe2\x80\xae"'
	on_terminal err show "$EVIL" | grep -Fq "$EVIL_SHOWN"
	on_terminal out show "$EVIL" 2>"$BATS_TEST_TMPDIR/stderr" >/dev/null || true
	grep -Fq "$EVIL" "$BATS_TEST_TMPDIR/stderr"
	# a multi-byte character split by stdio stays whole; an incomplete one is escaped
	for start in --n --no; do
		on_terminal err "$start$(printf '\303\244%.0s' {1..20000})"$'\303' >"$BATS_TEST_TMPDIR/shown" || true
		[ "$(tr -cd '\244' <"$BATS_TEST_TMPDIR/shown" | wc -c)" -eq 20000 ]
		[ "$(grep -o '\\x' "$BATS_TEST_TMPDIR/shown" | wc -l)" -eq 1 ]
	done
	# in a locale without UTF-8, all characters beyond ASCII are escaped
	LC_ALL=C on_terminal err show $'\xc3\x9b' >"$BATS_TEST_TMPDIR/shown" || true
	grep -Fq 'called "\u00db"' "$BATS_TEST_TMPDIR/shown"
	on_terminal err show $'\xc3\x9b' | grep -Fq $'called "\xc3\x9b"'
}

@test "top escapes characters that are not printable" {
	start_evil
	terminal 120 10 "$(ctl_words) top"
	eventually shows 'evil e\\u009b\\u202e.*name=x\\u009b1m\\u202e'
	shown -e | sed 's/\x1b\[[0-9;]*m//g' | is_printable
	keys q
	eventually shows '^status 0$'
}

@test "tables are aligned, and coloured only on terminals" {
	start_with_edge
	ctl add a-monitor-with-a-long-name interface=later0
	[ "$(ctl list)" = "name                        state    hook  interfaces  dataplane
edge                        running  tcx   mon0        packet_counter.json
a-monitor-with-a-long-name  empty    tcx   later0      -" ]
	terminal 100 10 "$(ctl_words) list"
	eventually shows "^status 0"
	shown -e | grep -q $'\033\[32mrunning'
	terminal 100 10 "env NO_COLOR=1 $(ctl_words) list"
	eventually shows "^status 0"
	shown | grep -q '^edge .* running  tcx'
	run ! grep -q $'\033' <(shown -e)
}

@test "-j prints JSON instead of tables and text" {
	start_with_edge
	[ "$(ctl -j list)" = '[{"name":"edge","state":"running","hook":"tcx","interfaces":"mon0","dataplane":"packet_counter.json"}]' ]
	[ "$(ctl -j stats | jq -c '[.monitors, .maps_full, (.[] | type)] | unique')" = '[0,1,"number"]' ]
	eventually listed
	[ "$(ctl -j listval | jq -c '[.[] | select(.identifier | endswith("-ingress")) | [.identifier, (.time | type)]]')" = \
		'[["host/dynmon-edge-mon0/packets-packets-ingress","number"]]' ]
	[ "$(ctl -j getval host/dynmon-edge-mon0/packets-packets-ingress)" = '{"value":0.000000e+00}' ]
	[ "$(ctl -j add probe)" = '{"messages":["monitor probe added"]}' ]
	[ "$(ctl -j attach probe mon0)" = '{"messages":["monitor probe attached to mon0"]}' ]
	[ "$(ctl -j detach probe)" = '{"messages":["monitor probe detached"]}' ]
	[ "$(ctl -j eject probe)" = '{"messages":["monitor probe: dataplane ejected"]}' ]
	[ "$(ctl -j reload)" = '{"messages":["nothing has changed"]}' ]
	[ "$(ctl -j reload edge force=true | jq -c .messages)" = \
		'["monitor edge: ingress map PACKETS is kept","monitor edge: egress map PACKETS is kept","monitor edge: dataplane replaced"]' ]
	[ "$(ctl -j flush plugin=dynmon)" = '{"messages":["Done: 1 successful, 0 errors"]}' ]
	[ "$(ctl -j dynmon del probe)" = '{"messages":["monitor probe deleted"]}' ]
	ctl -j metrics edge | jq -e '."ingress-metrics" | length == 1'
	ctl -j show edge | jq -e '.name == "edge"'
	[ "$(ctl -j openmetrics edge | tail -n 1)" = "# EOF" ]
	[ "$(ctl -j --compiler="$DYNMON_CC" --include="$DYNMON_BPFDIR" check "$DOCUMENTS/ntp_packets_counter.json" | jq -c '[.verified, .ingress.maps, .ingress.metrics]')" = \
		'[true,[{"name":"NTP_PACKETS","type":"array","key-bytes":4,"value-bytes":8,"entries":1}],[{"name":"ntp_packets_total","type":"counter","map":"NTP_PACKETS","open-metrics":true}]]' ]
}

listed() { ctl getval host/dynmon-edge-mon0/packets-packets-ingress | grep -Fx value=0.000000e+00; }

@test "an option that does not apply to the verb is rejected" {
	start_with_edge
	while read -r option line; do
		read -r -a words <<<"$line"
		run -2 ctl "${words[@]}"
		[ "$output" = "dynmonctl: --$option does not apply to ${words[1]}, only to $(case $option in
			hook|log-level|compiler|include) echo check, compile, test ;;
			pcap|direction) echo test ;;
			cube-id) echo compile ;;
			output) echo compile, import ;;
			object) echo import ;;
			strict) echo check ;;
			interval) echo top, watch ;;
			count) echo watch ;;
			*) echo inject ;;
		esac)" ]
	done <<-END
	hook --hook=xdp-generic inject edge $DOCUMENTS/ntp_packets_counter.json
	hook -kxdp INJECT edge file=ntp_packets_counter.json
	direction --direction=ingress inject edge $DOCUMENTS/ntp_packets_counter.json
	log-level --log-level=info add probe
	compiler --compiler=/bin/true reload
	include --include=/ list
	strict --strict inject edge $DOCUMENTS/ntp_packets_counter.json
	cube-id --cube-id=7 check $DOCUMENTS/ntp_packets_counter.json
	output -o$BATS_TEST_TMPDIR/x test $DOCUMENTS/ntp_packets_counter.json
	object --object=x compile x
	pcap --pcap=x list
	wait --wait=3 attach edge mon0
	verbose -v list
	interval -i3 openmetrics
	count --count=3 top
	END
	[ "$(ctl show edge | jq -r '.dataplane, .hook')" = $'packet_counter.json\ntcx' ]
}

@test "a configuration of ebpf_exporter runs with its unchanged object" {
	cat >"$DOCUMENTS/lengths.c" <<-'END'
	#include <linux/bpf.h>
	#include <bpf/bpf_helpers.h>
	struct key { __u8 kind; __u32 bucket; };
	struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, struct key); __type(value, __u64);
		__uint(max_entries, 100); } frame_bytes SEC(".maps");
	static void add(__u32 bucket, __u64 n)
	{
		struct key key;
		__u64 *count;

		__builtin_memset(&key, 0, sizeof(key));
		key.kind = 1;
		key.bucket = bucket;
		count = bpf_map_lookup_elem(&frame_bytes, &key);
		if (count)
			__sync_fetch_and_add(count, n);
		else
			bpf_map_update_elem(&frame_bytes, &key, &n, BPF_ANY);
	}
	SEC("tc/ingress") int run(struct __sk_buff *skb) { add(6, 1); add(12, skb->len); return -1; }
	char _license[] SEC("license") = "GPL";
	END
	"$DYNMON_CC" --include="$DYNMON_BPFDIR" <"$DOCUMENTS/lengths.c" >"$DOCUMENTS/lengths.bpf.o"
	cat >"$DOCUMENTS/lengths.yaml" <<-'END'
	metrics:
	  histograms:
	    - name: frame_bytes
	      help: Frames by length.
	      bucket_type: exp2
	      bucket_max: 11
	      labels:
	        - name: kind
	          size: 4
	          decoders:
	            - name: uint
	            - name: static_map
	              static_map: { 0: none, 1: frame }
	        - { name: bucket, size: 4, decoders: [ name: uint ] }
	END
	ctl import ebpf_exporter "$DOCUMENTS/lengths.yaml" -o "$DOCUMENTS/lengths.json"
	[ "$(ctl import ebpf_exporter "$DOCUMENTS/lengths.yaml")" = "$(cat "$DOCUMENTS/lengths.json")" ]
	start_with_edge
	ctl inject lengths mon0 "$DOCUMENTS/lengths.json"
	frames_in 5
	ctl openmetrics lengths >"$BATS_TEST_TMPDIR/page"
	labels='monitor="lengths",interface="mon0",direction="ingress",kind="frame"'
	grep -F "ebpf_exporter_frame_bytes_bucket{$labels,le=\"32.0\"} 0" "$BATS_TEST_TMPDIR/page"
	grep -F "ebpf_exporter_frame_bytes_bucket{$labels,le=\"64.0\"} 5" "$BATS_TEST_TMPDIR/page"
	grep -F "ebpf_exporter_frame_bytes_bucket{$labels,le=\"+Inf\"} 5" "$BATS_TEST_TMPDIR/page"
	grep -F "ebpf_exporter_frame_bytes_sum{$labels} " "$BATS_TEST_TMPDIR/page"

	# ebpf_exporter names the interface of an XDP program in its section.
	sed 's,tc/ingress,xdp/mon0,; s/__sk_buff/xdp_md/; s/skb->len/1/; s/return -1/return 2/' "$DOCUMENTS/lengths.c" |
		"$DYNMON_CC" --include="$DYNMON_BPFDIR" >"$DOCUMENTS/lengths.bpf.o"
	run -0 ctl import ebpf_exporter "$DOCUMENTS/lengths.yaml" -o "$DOCUMENTS/lengths.json"
	[ "$output" = "$DOCUMENTS/lengths.yaml:2: program run: use \"Hook xdp\" and the interface of SEC(\"xdp/mon0\")" ]
	offline check --hook=xdp "$DOCUMENTS/lengths.json"

	sed -i 's/bucket_type: exp2/bucket_type: fixed/' "$DOCUMENTS/lengths.yaml"
	run -1 ctl import ebpf_exporter "$DOCUMENTS/lengths.yaml" -o "$DOCUMENTS/none.json"
	[[ $output == *"lengths.yaml:3: metric frame_bytes: bucket_type \"fixed\" is not supported: "* ]]
	[ ! -e "$DOCUMENTS/none.json" ]
	run -2 ctl import bpftrace "$DOCUMENTS/lengths.yaml"
}

@test "watch prints lines with rates" {
	start_with_edge
	frames_in 5
	run ctl --count=2 watch packets_total
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" -eq 4 ]
	tr '\t' ' ' <<<"${lines[0]}" |
		grep -Ex '20[0-9-]+T[0-9:.]+Z packets_total\{monitor="edge",interface="mon0",direction="ingress"\} 5 -'
	[ "$(cut -f 3- <<<"${lines[2]}")" = $'5\t0.000' ]
	# by family name, by pattern, and for one monitor
	[ "$(ctl --count=1 watch packets edge | wc -l)" -eq 2 ]
	[ "$(ctl --count=1 watch 'pack*' | cut -f 3 | xargs)" = "5 0" ]
	[ "$(ctl -j --count=1 watch packets_total | jq -c '[.series, .value, .rate]' | head -n 1)" = \
		'["packets_total{monitor=\"edge\",interface=\"mon0\",direction=\"ingress\"}",5,null]' ]
	run ctl watch nosuch
	[ "$status" -eq 1 ]
	[[ $output == 'dynmonctl: there is no metric "nosuch"; there are: packets'* ]]
	run ctl watch packets_total nosuch
	[ "$output" = 'dynmonctl: no monitor is called "nosuch"' ]
	run ctl watch
	[ "$status" -eq 2 ]
	run ctl --interval=0 watch packets_total
	[ "$output" = 'dynmonctl: --interval: expected a number from 1 to 60, found "0"' ]
	# the reader closes the pipe early
	run --separate-stderr bash -c "timeout $PATIENCE $(ctl_words) watch packets_total | head -n 1"
	[ "${#lines[@]}" -eq 1 ]
	[ -z "$stderr" ]
	# rates of traffic sent meanwhile: more than zero
	send_always
	ctl --count=60 watch packets_total | awk -F '\t' '/ingress/ && $4 > 0 { found = 1; exit } END { exit !found }'
}

@test "write errors are reported, except a closed pipe" {
	start_with_edge
	mkfifo "$BATS_TEST_TMPDIR/pipe"
	exec 7<>"$BATS_TEST_TMPDIR/pipe"
	exec 8>"$BATS_TEST_TMPDIR/pipe" 7>&- # fd 8 is a pipe without a reader
	for verb in list listval "metrics edge" help; do
		run -141 --separate-stderr bash -c "$(ctl_words) $verb >&8" # by SIGPIPE
		[ -z "$stderr" ]
		run -1 --separate-stderr bash -c "$(ctl_words) $verb 9</dev/null >&9"
		[ "$stderr" = "dynmonctl: cannot write to standard output: Bad file descriptor" ]
	done
	exec 8>&-
}

@test "top shows the series in a terminal, line by line" {
	start_with_edge
	frames_in 7
	frames_out 3
	terminal 60 8 "env LC_ALL=C.UTF-8 $(ctl_words) top"
	eventually shows 'packets_total  *7  *0$'
	eventually shows_lines 8 "dynmonctl top - 2 series, every 1 s, by rate
WHERE             METRIC                     VALUE    RATE/S
edge mon0 egress  packets_total                  3         0
edge mon0 ingress packets_total                  7         0



q quit  s sort  r reverse  / search  p pause  h help"
	keys s
	eventually shows_first ingress
	eventually shows_lines 1 "dynmonctl top - 2 series, every 1 s, by value"
	keys r
	eventually shows_first egress
	eventually shows 'by value, reversed'
	keys s r
	eventually shows 'by name$'
	keys / in
	eventually shows '^/in_$'
	eventually shows_lines 4 "dynmonctl top - 1 of 2 series, every 1 s, by name
WHERE             METRIC                     VALUE    RATE/S
edge mon0 ingress packets_total                  7         0"
	keys xyz
	eventually shows '^no series contains these words'
	keys BSpace BSpace BSpace Enter
	eventually shows '^/in  q quit'
	eventually shows '1 of 2 series'
	keys Escape
	eventually shows 'top - 2 series'
	keys h
	eventually shows 'sort by rate, by value, by name'
	keys h
	eventually shows '^edge mon0 ingress'
	# a paused screen does not scroll
	keys p
	eventually shows 'paused$'
	frames_in 3
	sleep 2
	shows 'packets_total  *7 '
	keys p
	eventually shows 'packets_total  *10 '
	eventually shows_not paused
	keys q
	eventually shows '^status 0$'
}

@test "top works in terminals of all sizes, in UTF-8 and ASCII" {
	start_with_edge
	send_always
	terminal 100 12 "env LC_ALL=C.UTF-8 $(ctl_words) top edge"
	eventually shows 'ingress packets_total  *[0-9]* *[0-9.]*  *[▁▂▃▄▅▆▇█]*█'
	eventually shows '^dynmonctl top edge - 2 series'
	eventually shows 'LAST MINUTE'
	for size in "160 30" "71 5" "40 4" "20 3" "8 2" "3 1" "200 50"; do
		tmux -S "$TMUX_SOCKET" resize-window -x "${size% *}" -y "${size#* }"
		eventually sized "${size% *}" "${size#* }"
	done
	eventually shows 'LAST MINUTE'
	keys q
	eventually shows '^status 0$'
	terminal 100 12 "env LC_ALL=C $(ctl_words) top"
	eventually shows 'ingress packets_total  *[0-9]* *[0-9.]*  *[_.~=+*#-]*#'
	run ! grep -qP '[^\x00-\x7f]' <(shown)
	keys C-c
	eventually shows '^status'
}

# The title is cut to the width. Nothing is drawn if the terminal is too small.
sized() {
	local LC_ALL=C.UTF-8 title

	title=$(shown | head -n 1)
	[ "${#title}" -le "$1" ] && [ "$(shown | wc -l)" -le "$2" ] && [[ $title == dy* ]]
}

@test "top survives a restart of collectd and reports the outage" {
	start_with_edge
	frames_in 7
	terminal 200 8 "$(ctl_words) top"
	eventually shows 'packets_total  *7 '
	collectd_stop
	eventually shows 'is collectd running, with LoadPlugin dynmon?'
	collectd_start
	frames_in 2
	eventually shows 'packets_total  *2 '
	eventually shows '^q quit'
	keys q
	eventually shows '^status 0$'
}

@test "top bounds the number of series and shows how many are left out" {
	# one metric lists at most 10000 entries, so two metrics are used
	jq -n --arg code $'BPF_ARRAY(HITS, u64, 5050);\nBPF_ARRAY(MISSES, u64, 5050);\nstatic __always_inline int handle_rx(struct CTXTYPE *ctx, struct pkt_metadata *md) { HITS.atomic_increment(7); MISSES.atomic_increment(7); return RX_OK; }' \
		'{"ingress-path": {$code, "metric-configs": [("hits", "misses") | {name: ., "map-name": ascii_upcase, "open-metrics-metadata": {type: "counter", help: .}}]}}' >"$DOCUMENTS/many.json"
	collectd_configure <<-EOF
	<Monitor "many">
	  Interface "mon0"
	  Dataplane "many.json"
	  <Metric "hits">
	    Dispatch false
	  </Metric>
	  <Metric "misses">
	    Dispatch false
	  </Metric>
	</Monitor>
	EOF
	collectd_start
	[ "$(ctl openmetrics many | grep -Ec '^(hits|misses)_total')" -eq 10100 ]
	terminal 80 8 "$(ctl_words) top"
	eventually shows '^dynmonctl top - 10000 series, 100 more left out, every 1 s'
	keys End
	eventually shows 'misses_total index='
	keys q
	eventually shows '^status 0$'
}

@test "top requires a terminal and a running plugin" {
	start_with_edge
	run ctl top </dev/null
	[ "$status" -eq 1 ]
	[ "$output" = "dynmonctl: top requires a terminal; use watch to print lines" ]
	terminal 80 8 "$(ctl_words) top nosuch"
	eventually shows '^dynmonctl: no monitor is called "nosuch"'
	eventually shows '^status 1'
	terminal 80 8 "env TERM=no-such-terminal $(ctl_words) top"
	eventually shows '^dynmonctl: top: unknown type of terminal "no-such-terminal"; set TERM'
}

# words WORD ...: the completions of the last word.
words() { near "$top_builddir/dynmonctl" complete-words -- "$@" | xargs; }

@test "completion offers verbs, options, and existing objects" {
	cable_up $'mon\x1b[1m' peer1 # completion does not offer the name
	cable_up $'mon\xe2\x80\xae' peer2
	start_with_edge
	ctl add egg interface=mon0 hook=tc
	for verb in $(ctl help | sed -n 's/^  \([a-z][a-z]*\)\( .*\)*$/\1/p' | sort -u); do
		[[ " $(words '') " == *" $verb "* ]] || { echo "no $verb"; return 1; }
	done
	[ "$(words sh)" = show ]
	[ "$(words import '')" = ebpf_exporter ]
	[ "$(words import ebpf_exporter '')" = :files ]
	[ "$(ctl help top)" = "  top [<monitor>] [--interval=<seconds>]
      show the series and their rates on the full screen; h prints the keys" ]
	ctl help inject | grep -Fq 'bytes=N|file=NAME'
	run ctl help complete-words
	[ "$output" = 'dynmonctl: unknown command "complete-words"; see dynmonctl help' ]
	[ "$(words -s "$SOCKET" show '')" = "edge egg" ]
	[ "$(words --socket="$SOCKET" show ed)" = edge ]
	[ "$(words -s "$SOCKET" detach edge '')" = mon0 ]
	[ "$(words attach edge mo)" = mon0 ]
	[ "$(words attach edge mon0 p)" = position= ]
	[ "$(words attach edge mon0 position=f)" = position=first ]
	[ "$(words -s "$SOCKET" attach edge mon0 position=)" = "position=first position=last position=before: position=after:" ]
	[ "$(words -s "$SOCKET" attach edge mon0 position=after:eg)" = position=after:egg ]
	[ "$(words add x '')" = "interface= hook= netns= position= share= pin= loglevel=" ]
	[ "$(words add x hook=x)" = "hook=xdp hook=xdp-generic" ]
	[ "$(words add x interface=mo)" = interface=mon0 ]
	[ "$(words add x share=)" = share=true ]
	[ "$(words metrics edge direction=)" = "direction=ingress direction=egress" ]
	[ "$(words -s "$SOCKET" inject e)" = "edge egg" ]
	[ "$(words inject edge '')" = "lo mon0 :files interface= direction= keep-maps= set= file=" ]
	[ "$(words inject edge direction=)" = "direction=both direction=ingress direction=egress" ]
	[ "$(words -s "$SOCKET" watch pa)" = packets ]
	[ "$(words check '')" = :files ]
	[ "$(words help lis)" = "list listval" ]
	[ "$(words --log)" = --log-level= ]
	[ "$(words --hook=t)" = "--hook=tcx --hook=tc" ]
	[ "$(words -k xdp)" = "xdp xdp-generic" ]
	[ "$(words -s '')" = :files ]
	[ -z "$(words nosuch '')" ]
	[ -z "$(words -s /nosuch show '')" ]
	# every option that dynmonctl takes, and no other
	[ "$(words -- | tr ' ' '\n' | sed 's/=$//' | sort | xargs)" = "$(ctl help | grep -o -- '--[a-z-]*' | sort -u | xargs)" ]
}

# Starts a shell in a terminal, with dynmonctl in PATH, that completes typed text.
shell() {
	ln -s "$top_builddir/dynmonctl" "$BATS_TEST_TMPDIR/dynmonctl"
	terminal 300 12 "env PATH=$BATS_TEST_TMPDIR:$PATH HOME=$BATS_TEST_TMPDIR $*"
	eventually shows '^ready>'
}

completes() { # TYPED EXPECTED
	keys -l "$1"
	keys Tab
	eventually shows "^ready> $2" || { shown; return 1; }
	keys C-u
	eventually shows '^ready>$'
}

complete_all() {
	completes "dynmonctl openm" "dynmonctl openmetrics"
	completes "dynmonctl -s $SOCKET show ed" "dynmonctl -s $SOCKET show edge"
	completes "dynmonctl add x hook=xdp-g" "dynmonctl add x hook=xdp-generic"
	completes "dynmonctl metrics edge direction=i" "dynmonctl metrics edge direction=ingress"
	completes "dynmonctl --hook=xdp-g" "dynmonctl --hook=xdp-generic"
	completes "dynmonctl attach edge mo" "dynmonctl attach edge mon0"
	completes "dynmonctl attach edge a" 'dynmonctl attach edge a\\;id'
	completes "dynmonctl attach edge mon0 pos" "dynmonctl attach edge mon0 position=$"
	completes "dynmonctl attach edge mon0 position=be" "dynmonctl attach edge mon0 position=before:$"
	completes "dynmonctl -s $SOCKET attach edge mon0 position=before:ed" "dynmonctl -s $SOCKET attach edge mon0 position=before:edge"
	completes "dynmonctl check $DOCUMENTS/packet" "dynmonctl check $DOCUMENTS/packet_counter.json"
}

@test "bash completes" {
	cable_up 'a;id' peer1
	start_with_edge
	cat >"$BATS_TEST_TMPDIR/rc" <<-EOF
	. /usr/share/bash-completion/bash_completion
	. "$top_srcdir/plugin/ctl/bash/dynmonctl"
	PS1='ready> '
	EOF
	shell "bash --rcfile $BATS_TEST_TMPDIR/rc -i"
	complete_all
}

@test "zsh completes" {
	cable_up 'a;id' peer1
	start_with_edge
	cat >"$BATS_TEST_TMPDIR/.zshrc" <<-EOF
	fpath=("$top_srcdir/plugin/ctl/zsh" \$fpath)
	autoload -Uz compinit && compinit -u -D
	bindkey -e
	PS1='ready> '
	EOF
	shell "zsh -i"
	complete_all
}

# The arguments of a verb, with placeholders for values: add monitor [interface=] [hook=] ...
skeleton() { sed -E 's/[<>]//g; s/bytes=N\|//; s/ \[phases=true\]| \[wait=S\]//g; s/=[^] ]*/=/g'; }

@test "the man page documents all verbs, arguments and options" {
	collectd_configure </dev/null
	collectd_start
	page=$BATS_TEST_TMPDIR/page
	mandoc -Tascii -O width=400 "$top_srcdir/plugin/ctl/dynmonctl.1" | col -bx | sed 's/^ *//' | skeleton >"$page"
	raw HELP | sed -n '2,$p' | sed -n '/^[A-Z]/p' | sed -E 's/^([A-Z]+)/\L\1/' | skeleton >"$BATS_TEST_TMPDIR/verbs"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/verbs")" -ge 15 ]
	while read -r verb; do
		awk -v verb="$verb" 'index($0, verb) == 1 && substr($0, length(verb) + 1) ~ /^(   |$)/ { found = 1 } END { exit !found }' "$page" || { echo "not in the man page: $verb"; return 1; }
	done <"$BATS_TEST_TMPDIR/verbs"
	for option in $(ctl help | grep -o -- '--[a-z-]*' | sort -u); do
		grep -q -- "$option" "$page" || { echo "not in the man page: $option"; return 1; }
	done
}
