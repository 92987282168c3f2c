# SIGHUP and RELOAD read collectd.conf again: changed settings are applied, unchanged monitors are
# not touched.
# shellcheck shell=bash
bats_require_minimum_version 1.5.0
load lib

setup() {
	need_root
	network_up
	documents_up "$top_srcdir"/examples/*.json
}

# monitor NAME [LINES]: a block that counts packets on mon0.
monitor() {
	printf '<Monitor "%s">\nInterface "mon0"\nDataplane "packet_counter.json"\n%s\n</Monitor>\n' "$1" "${2:-}"
}

# conf: writes collectd.conf again, with these lines in the block.
conf() { collectd_configure; }

names() { ctl --json list | jq -r '[.[].name] | join(" ")'; }
state() { ctl --json list | jq -r ".[] | select(.name == \"$1\") | .state"; }
counts() { [ "$(json_value "$1" ingress packets_total)" = "[$2]" ]; }
# The program ids of a monitor on all paths and interfaces.
programs() { ctl show "$1" | jq -c '[.interfaces[].programs[].id]'; }

# hup: sends SIGHUP and waits until the log has the result.
hup() {
	local before

	before=$(grep -c 'reload\|settings changed\|added\|deleted' "$LOG" || true)
	kill -HUP "$COLLECTD"
	eventually logged_more "$before"
}
logged_more() { [ "$(grep -c 'reload\|settings changed\|added\|deleted' "$LOG")" -gt "$1" ]; }

# bats test_tags=plain
@test "SIGHUP adds and removes monitors; an unchanged monitor keeps counting" {
	conf < <(monitor stays)
	collectd_start
	frames_in 5
	counts stays 5
	before=$(programs stays)
	conf < <(monitor stays; monitor new)
	hup
	eventually grep -F 'dynmon: monitor new: added' "$LOG"
	[ "$(names)" = "stays new" ]
	[ "$(programs stays)" = "$before" ]
	frames_in 2
	counts stays 7
	counts new 2
	eventually csv_is new-mon0 packets-packets-ingress 2
	conf < <(monitor new)
	hup
	eventually grep -F 'dynmon: monitor stays: deleted, it is not configured any more' "$LOG"
	[ "$(names)" = "new" ]
	frames_in 1
	counts new 3
	collectd_stop
	nothing_attached
}

# collectd_begin: starts collectd without waiting.
collectd_begin() {
	ip netns exec "$NEAR" env LD_PRELOAD="${DYNMON_PRELOAD:-}" collectd -f -C "$CONF" >"$DIR/collectd.out" 2>&1 3>&- &
	COLLECTD=$!
}
# The process is unchanged: an unhandled SIGHUP would end it.
ready() { grep -F 'dynmon: version' "$LOG"; }

@test "SIGHUP before init is deferred until all monitors exist" {
	conf < <(monitor edge)
	# collectd opens this FIFO after it has loaded the plugin, and waits until the FIFO is written.
	mkfifo "$DIR/types"
	echo "TypesDB \"$DIR/types\"" >>"$CONF"
	collectd_begin
	# shellcheck disable=SC2016 # the inner shell expands it
	timeout "$PATIENCE" sh -c 'exec 4>"$1" && kill -HUP "$2" && sleep 0.1 && echo "dynmon_test value:GAUGE:0:U" >&4' \
		sh "$DIR/types" "$COLLECTD"
	eventually ready
	rm "$DIR/types"
	eventually grep -F 'dynmon: reload:' "$LOG"
	kill -0 "$COLLECTD"
	[ "$(names)" = edge ]
	[ "$(state edge)" = running ]
}

# slow_compiler: a compiler that creates the file "compiles" and waits for the file "go".
slow_compiler() {
	cat >"$DIR/slow-cc" <<-END
	#!/bin/sh
	touch "$DIR/compiles"
	while [ ! -e "$DIR/go" ]; do sleep 0.05; done
	exec "$DYNMON_CC" "\$@"
	END
	chmod +x "$DIR/slow-cc"
	sed -i "s|Compiler .*|Compiler \"$DIR/slow-cc\"|" "$CONF"
}

@test "SIGHUP while monitors are created: the reload waits for all monitors" {
	conf < <(monitor a; monitor b; monitor c)
	slow_compiler
	collectd_begin
	eventually test -e "$DIR/compiles"
	kill -HUP "$COLLECTD"
	kill -HUP "$COLLECTD"
	# Gives a faulty reload that does not wait enough time to run.
	sleep 0.5
	touch "$DIR/go"
	eventually ready
	eventually grep -F 'dynmon: reload: nothing has changed' "$LOG"
	run ! grep -F -e exists -e ': added' "$LOG"
	[ "$(names)" = "a b c" ]
	for monitor in a b c; do [ "$(state $monitor)" = running ]; done
	collectd_stop
	nothing_attached
}

@test "SIGTERM while monitors are created: collectd exits, and nothing is left" {
	conf < <(monitor a; monitor b)
	slow_compiler
	collectd_begin
	eventually test -e "$DIR/compiles"
	kill -TERM "$COLLECTD"
	touch "$DIR/go"
	wait "$COLLECTD"
	COLLECTD=
	nothing_attached
	[ ! -e "$SOCKET" ]
}

@test "changes of Interval, Metric and PluginInstance keep the programs" {
	conf < <(monitor edge 'Interval 3600')
	collectd_start
	frames_in 5
	before=$(programs edge)
	shown=$(attached)
	conf < <(monitor edge $'Interval 0.2\nPluginInstance "mine"\n<Metric "packets_total">\nTypeInstance "n-%{direction}"\n</Metric>')
	[ "$(ctl reload)" = "$(printf 'monitor edge: settings changed')" ]
	[ "$(programs edge)" = "$before" ]
	[ "$(attached)" = "$shown" ]
	frames_in 3
	counts edge 8
	eventually csv_is mine packets-n-ingress 8
	[ "$(ctl show edge | jq -r .configured)" = true ]
	[ "$(ctl reload)" = "nothing has changed" ]
	collectd_stop
	nothing_attached
}

@test "a reload attaches and detaches interfaces and leaves the others alone" {
	cable_up mon1 peer1
	conf < <(monitor edge)
	collectd_start
	frames_in 5
	before=$(attached mon0)
	conf < <(monitor edge $'Interface "mon1"\nInterface "late0"')
	run ctl reload
	[[ $output == *'monitor edge: interface "late0" does not exist, waiting for it'* ]]
	[ "$(attached mon0)" = "$before" ]
	[ "$(attached mon1 | wc -l)" -eq 2 ]
	frames_in 1
	[ "$(ctl metrics edge | jq -c '[."ingress-metrics"[] | select(.interface == "mon0") | .value]')" = "[[6]]" ]
	cable_up late0 peer2
	eventually runs_on edge mon0 mon1 late0
	[ "$(state edge)" = running ]
	conf < <(monitor edge | sed 's/mon0/mon1/')
	ctl reload
	[ "$(attached mon0)" = "" ]
	[ "$(attached mon1 | wc -l)" -eq 2 ]
	[ "$(attached late0)" = "" ]
	[ "$(state edge)" = running ]
}

@test "changes made at run time survive an unrelated reload" {
	cable_up mon1 peer1
	conf < <(monitor edge)
	collectd_start
	ctl attach edge mon1
	ctl detach edge mon0
	ctl inject edge "$DOCUMENTS/ntp_packets_counter.json"
	before=$(programs edge)
	conf < <(monitor edge 'Interval 7')
	[ "$(ctl reload)" = "monitor edge: settings changed" ]
	[ "$(programs edge)" = "$before" ]
	[ "$(ctl show edge | jq -r '[.interfaces[].name] | join(" ")')" = mon1 ]
	[ "$(ctl show edge | jq -r .dataplane)" = "(injected)" ]
}

@test "a reload replaces and removes a document" {
	conf < <(monitor edge)
	collectd_start
	conf < <(monitor edge | sed 's/packet_counter/ntp_packets_counter/')
	run ctl reload
	[[ $output == *"monitor edge: dataplane replaced"* ]]
	frames_in 2 -d 123
	[ "$(json_value edge ingress ntp_packets_total)" = "[2]" ]
	conf < <(monitor edge | grep -v Dataplane)
	ctl reload
	[ "$(state edge)" = empty ]
	nothing_attached
	# a missing document leaves the old dataplane running, and each reload reports it
	conf < <(monitor edge)
	ctl reload
	before=$(programs edge)
	conf < <(monitor edge | sed 's/packet_counter/nosuch/')
	run ctl reload
	[ "$status" -eq 1 ]
	[[ $output == *"monitor edge: $DOCUMENTS/nosuch.json: No such file or directory"* ]]
	[ "$(programs edge)" = "$before" ]
	[ "$(http -o "$BATS_TEST_TMPDIR/health" -w '%{http_code}' http://127.0.0.1:9936/healthz)" = 503 ]
	cp "$DOCUMENTS/packet_counter.json" "$DOCUMENTS/nosuch.json"
	ctl reload
	[ "$(programs edge)" = "$before" ]
	[ "$(http -o "$BATS_TEST_TMPDIR/health" -w '%{http_code}' http://127.0.0.1:9936/healthz)" = 200 ]
}

@test "a reload changes the hook without a gap, also from XDP to XDP" {
	conf < <(monitor edge 'Hook "tcx"')
	collectd_start
	[ "$(attached | cut -d' ' -f1 | sort -u)" = tcx ]
	conf < <(monitor edge 'Hook "xdp-generic"')
	ctl reload
	[[ $(attached) == *"xdp-generic ingress"* ]]
	conf < <(monitor edge 'Hook "xdp"')
	ctl reload
	[[ $(attached) == *"xdp ingress"* ]]
	[[ $(attached) != *"xdp-generic ingress"* ]]
	frames_in 3
	counts edge 3
	# a dataplane that fails to load leaves the old one attached
	before=$(attached)
	printf '{"ingress-path": {"code": "oops"}}' >"$DOCUMENTS/bad.json"
	conf < <(monitor edge 'Hook "xdp-generic"' | sed 's/packet_counter/bad/')
	run ctl reload
	[ "$status" -eq 1 ]
	[[ $output == *"monitor edge: bad.json: "* ]]
	[ "$(attached)" = "$before" ]
	frames_in 2
	counts edge 5
	collectd_stop
	nothing_attached
}

@test "a reload to an XDP hook in use restores the old hook" {
	conf < <(monitor edge 'Hook "xdp"')
	collectd_start
	before=$(attached)
	cable_up mon1 peer1
	printf '#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\nSEC("xdp") int pass(struct xdp_md *ctx) { return XDP_PASS; }\n' |
		"$DYNMON_CC" --include="$DYNMON_BPFDIR" --hook=xdp >"$BATS_TEST_TMPDIR/foreign.o"
	near ip link set dev mon1 xdpgeneric obj "$BATS_TEST_TMPDIR/foreign.o" sec xdp
	conf < <(monitor edge $'Hook "xdp-generic"\nInterface "mon1"')
	run ctl reload
	[ "$status" -eq 1 ]
	[[ $output == *"an XDP program is attached there already"* ]]
	[ "$(attached)" = "$before" ]
	frames_in 2
	counts edge 2
}

@test "a change of LogLevel compiles the document again" {
	jq -n --arg code $'static __always_inline int handle_rx(struct CTXTYPE *ctx, struct pkt_metadata *md)\n{\n\tpcn_log(ctx, LOG_INFO, "seen %d", 7);\n\treturn RX_OK;\n}' \
		'{"ingress-path": {"code": $code}}' >"$DOCUMENTS/log.json"
	conf < <(monitor edge 'LogLevel "off"' | sed 's/packet_counter/log/')
	collectd_start
	frames_in 1
	conf < <(monitor edge 'LogLevel "info"' | sed 's/packet_counter/log/')
	ctl reload
	frames_in 1
	eventually grep -F 'seen 7' "$LOG"
	[ "$(grep -c 'seen 7' "$LOG")" -eq 1 ]
}

# floods [LINES]: writes floods.json. Its program writes more log lines per frame than the ring
# buffer holds, and its metric is the number of lost lines. LINES are added to the program.
floods() {
	jq -n --arg code "static __always_inline int handle_rx(struct CTXTYPE *ctx, struct pkt_metadata *md)
		{ for (int i = 0; i < 3000; i++) pcn_log(ctx, LOG_INFO, \"line %d\", i); ${1:-} return RX_OK; }" \
		'{"ingress-path": {"code": $code, "metric-configs": [{"name": "lost", "map-name": "dynmon_lost",
			"open-metrics-metadata": {"type": "counter", "help": "L."}}]}}' >"$DOCUMENTS/floods.json"
}

lost() { json_value edge ingress lost | jq '.[0]'; }
is_lost() { [ "$(lost)" -gt "$1" ]; }
# The sum of the lost lines that the log reports.
logged_lost() {
	sed -n 's/.* \([0-9]*\) log lines are lost, .*/\1/p' "$LOG" | awk '{ n += $1 } END { print n + 0 }'
}
# flood_more: sends a frame and waits until more lines are lost.
flood_more() {
	local before

	before=$(lost)
	frames_in 1
	eventually is_lost "$before"
}

@test "lost log lines are counted once across reloads" {
	floods
	conf < <(monitor edge 'LogLevel "info"' | sed 's/packet_counter/floods/')
	collectd_start
	flood_more
	for i in 1 2 3; do
		# A different program that keeps the map of lost lines.
		floods "int reload = $i; pcn_log(ctx, LOG_INFO, \"%d\", reload);"
		run -0 ctl reload
		[[ $output == *'monitor edge: dataplane replaced'* ]]
		[[ $output != *dynmon_* ]]
		flood_more
		ctl reload edge force=true
	done
	# The same program with other monitor settings.
	conf < <(monitor edge $'LogLevel "info"\nInterval 5' | sed 's/packet_counter/floods/')
	ctl reload
	total=$(lost)
	collectd_stop
	[ "$(logged_lost)" -eq "$total" ]
	run ! grep dynmon_lost "$LOG"
}

@test "a map with the name of the lost-lines counter but another layout is left alone" {
	jq -n --rawfile code /dev/stdin '{"ingress-path": {"name": "own", "code": $code}}' >"$DOCUMENTS/own.json" <<-'END'
	#include <linux/bpf.h>
	#include <bpf/bpf_helpers.h>
	struct large { char bytes[4096]; };
	struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 65536); } dynmon_events SEC(".maps");
	struct { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, __u32); __type(value, struct large);
		__uint(max_entries, 1); } dynmon_lost SEC(".maps");
	SEC("tc") int own(struct __sk_buff *skb)
	{
		__u32 zero = 0;
		struct large *large = bpf_map_lookup_elem(&dynmon_lost, &zero);

		if (large)
			__builtin_memset(large, 0x41, 512);
		bpf_ringbuf_output(&dynmon_events, "record", 6, 0);
		return -1;
	}
	char LICENSE[] SEC("license") = "GPL";
	END
	conf < <(monitor edge | sed 's/packet_counter/own/')
	collectd_start
	frames_in 3
	eventually grep -F 'invalid log record of 6 bytes, ignored' "$LOG"
	ctl reload edge force=true
	collectd_stop
	run ! grep -F 'log lines are lost' "$LOG"
}

@test "a reload keeps a monitor created at run time, and adopts it into the configuration" {
	conf < <(monitor edge)
	collectd_start
	ctl inject probe mon0 "$DOCUMENTS/packet_counter.json"
	frames_in 4
	[ "$(ctl reload)" = "nothing has changed" ]
	counts probe 4
	before=$(programs probe)
	[ -f "$DIR/state/probe.json" ]
	conf < <(monitor edge; monitor probe)
	ctl reload
	[ "$(ctl show probe | jq -r .configured)" = true ]
	# the same document: the programs keep running
	[ "$(programs probe)" = "$before" ]
	counts probe 4
	[ ! -e "$DIR/state/probe.json" ]
	conf < <(monitor edge)
	ctl reload
	[ "$(names)" = edge ]
}

@test "reload of one monitor" {
	conf < <(monitor a; monitor b)
	collectd_start
	conf < <(monitor a 'Interval 5'; monitor b 'Interval 5'; monitor c; monitor d)
	[ "$(ctl reload b)" = "monitor b: settings changed" ]
	[ "$(ctl reload c)" = "monitor c: added" ]
	[ "$(names)" = "a b c" ]
	run ctl reload nosuch
	[ "$output" = 'dynmonctl: no monitor is called "nosuch"' ]
	ctl reload
	[ "$(names)" = "a b c d" ]
}

# bats test_tags=plain
@test "Include: a directory with a filter, a pattern, a file; blocks are merged" {
	mkdir -p "$BATS_TEST_TMPDIR/conf.d/sub" "$BATS_TEST_TMPDIR/more"
	conf </dev/null
	cat >>"$CONF" <<-EOF
	<Include "$BATS_TEST_TMPDIR/conf.d">
	  Filter "*.conf"
	</Include>
	Include "$BATS_TEST_TMPDIR/more/*.inc"
	EOF
	included() { printf '<Plugin "dynmon">\n%s\n</Plugin>\n' "$(monitor "$1" "${2:-}")"; }
	included one >"$BATS_TEST_TMPDIR/conf.d/1.conf"
	included hidden >"$BATS_TEST_TMPDIR/conf.d/.hidden.conf"
	echo '<<<' >"$BATS_TEST_TMPDIR/conf.d/other.txt"
	included three >"$BATS_TEST_TMPDIR/more/a.inc"
	collectd_start
	[ "$(names)" = "one three" ]
	[ "$(ctl reload)" = "nothing has changed" ]
	included two >"$BATS_TEST_TMPDIR/conf.d/sub/2.conf"
	included four >"$BATS_TEST_TMPDIR/more/b.inc"
	included five >"$BATS_TEST_TMPDIR/deep"
	echo "Include \"$BATS_TEST_TMPDIR/deep\"" >>"$BATS_TEST_TMPDIR/more/b.inc"
	ctl reload
	[ "$(names)" = "one three two four five" ]
	rm "$BATS_TEST_TMPDIR/conf.d/1.conf"
	ctl reload
	[ "$(names)" = "three two four five" ]
	# a file that includes itself
	echo "Include \"$BATS_TEST_TMPDIR/deep\"" >>"$BATS_TEST_TMPDIR/deep"
	run ctl reload
	[[ $output == *"expected at most 8 nested files"* ]]
	[ "$(names)" = "three two four five" ]
}

@test "relative file names, and no block at the start" {
	mkdir -p "$BATS_TEST_TMPDIR/etc/more"
	conf </dev/null
	sed -i '/^<Plugin dynmon>/,/^<\/Plugin>/d' "$CONF"
	echo 'Include "more"' >>"$CONF"
	mv "$CONF" "$BATS_TEST_TMPDIR/etc"
	SOCKET=/run/collectd-dynmon.sock
	[ ! -e "$SOCKET" ] || skip "$SOCKET is there"
	cd "$BATS_TEST_TMPDIR/etc"
	CONF=collectd.conf
	collectd_start
	[ "$(ctl list)" = "no monitors" ]
	printf '<Plugin dynmon>\n<Monitor "bare">\nInterval 5\n</Monitor>\n</Plugin>\n' >more/bare.conf
	[ "$(ctl reload)" = "monitor bare: added" ]
	echo '<' >more/wrong.conf
	run ctl reload
	[[ $output == *"Parse error in file \`more/wrong.conf', line "[12]" near"* ]]
	collectd_stop
}

@test "a syntax error changes nothing and is reported with file and line" {
	mkdir "$BATS_TEST_TMPDIR/conf.d"
	conf < <(monitor edge)
	echo "Include \"$BATS_TEST_TMPDIR/conf.d\"" >>"$CONF"
	collectd_start
	frames_in 3
	before=$(programs edge)
	cp "$CONF" "$CONF.good"
	for wrong in 'X <' '<Plugin "dynmon">' $'<A b>\nC 1\n</B>' $'Y "open\nfoo'; do
		conf < <(monitor edge 'Interval 9'; monitor new)
		echo "Include \"$BATS_TEST_TMPDIR/conf.d\"" >>"$CONF"
		printf '# one\n# two\n%s\n' "$wrong" >"$BATS_TEST_TMPDIR/conf.d/wrong.conf"
		run ctl reload
		[ "$status" -eq 1 ]
		[[ $output == *"Parse error in file \`$BATS_TEST_TMPDIR/conf.d/wrong.conf', line "[3-6]" near"* ]]
		[ "$(names)" = edge ]
		[ "$(programs edge)" = "$before" ]
	done
	rm "$BATS_TEST_TMPDIR/conf.d/wrong.conf"
	echo 'Z <' >>"$CONF"
	kill -HUP "$COLLECTD"
	eventually grep -F "dynmon: reload: Parse error in file \`$CONF', line $(wc -l <"$CONF") near" "$LOG"
	mv "$CONF" "$CONF.away"
	run ctl reload
	[[ $output == *"$CONF: No such file or directory"* ]]
	counts edge 3
	# the next valid file is accepted without further steps
	cp "$CONF.good" "$CONF"
	[ "$(ctl reload)" = "nothing has changed" ]
}

@test "an invalid value changes nothing" {
	conf < <(monitor edge)
	collectd_start
	before=$(programs edge)
	conf < <(monitor new; monitor edge $'Hook "warp"\nInterval -3')
	run ctl reload
	[ "$status" -eq 1 ]
	[[ $output == *"$CONF: Monitor \"edge\": Hook: expected one of auto, tcx, tc, xdp, xdp-generic, found \"warp\""* ]]
	[[ $output == *"$CONF: Monitor \"edge\": Interval: expected seconds"* ]]
	[ "$(names)" = edge ]
	[ "$(programs edge)" = "$before" ]
	kill -HUP "$COLLECTD"
	eventually grep -F "dynmon: reload: $CONF: Monitor \"edge\": Hook: expected" "$LOG"
}

@test "options of the plugin itself are reported, unknown ones too" {
	conf < <(monitor edge)
	collectd_start
	conf < <(monitor edge; printf 'SocketPerms "0600"\nColour "blue"\n<Http>\nPort 9937\n</Http>\n')
	run ctl reload
	[ "$status" -eq 0 ]
	[[ $output == *"SocketPerms: a change takes effect when collectd is started again"* ]]
	[[ $output == *"Http: a change takes effect when collectd is started again"* ]]
	[[ $output == *"$CONF: Plugin dynmon: unknown option \"Colour\""* ]]
}

@test "a monitor that cannot be changed does not block others" {
	conf < <(monitor good)
	collectd_start
	conf < <(monitor bad | sed 's/packet_counter/nosuch/'; monitor good 'Interval 5'; monitor more)
	run ctl reload
	[ "$status" -eq 1 ]
	[[ $output == *"monitor bad: "*"No such file"* ]]
	[ "$(names)" = "good bad more" ]
	[ "$(state bad)" = failed ]
	[ "$(state more)" = running ]
}

@test "a reload without changes touches none of a hundred monitors" {
	"$DYNMON_CC" --include="$DYNMON_BPFDIR" \
		<"$BATS_TEST_DIRNAME/fixtures/packet_counter.bpf.c" >"$DOCUMENTS/counter.o"
	echo '{"ingress-path": {"object": "counter.o"}}' >"$DOCUMENTS/packet_counter.json"
	conf < <(for i in $(seq 100); do monitor "m$i" | sed 's/mon0/absent0/'; done)
	collectd_start
	figures() { ctl stats | grep -E '^(monitors|dataplane_changes|dataplane_failures) '; }
	before=$(figures)
	[[ $before == "monitors 100"* ]]
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		[ "$(ctl reload)" = "nothing has changed" ]
	done
	[ "$(figures)" = "$before" ]
}
