# The control socket, dynmonctl, injection at runtime, and their errors.
# shellcheck shell=bash
bats_require_minimum_version 1.5.0
load lib

setup() {
	need_root
	network_up
	documents_up "$top_srcdir"/examples/*.json
}

# document FILE CODE [MAP]: a document with one metric, hits_total.
document() {
	jq -n --arg code "$2" --arg map "${3:-HITS}" '{"ingress-path": {"name": "test", "code": $code,
		"metric-configs": [{"name": "hits_total", "map-name": $map,
			"open-metrics-metadata": {"type": "counter", "help": "Hits.", "labels": []}}]},
		"egress-path": {}}' >"$DOCUMENTS/$1"
}

# hits_by FILE NUMBER: writes a dataplane that adds NUMBER for each packet.
hits_by() {
	document "$1" "BPF_ARRAY(HITS, u64, 1);
static __always_inline int handle_rx(struct CTXTYPE *ctx, struct pkt_metadata *md)
{
	int key = 0;
	u64 *hits = HITS.lookup(&key);

	if (hits)
		__sync_fetch_and_add(hits, $2);
	return RX_OK;
}"
}

hits_are() { [ "$(json_value "$1" ingress hits_total)" = "[$2]" ]; }

@test "an injected dataplane counts at once, and a second one replaces it" {
	start_empty
	hits_by one.json 1
	hits_by ten.json 10
	run ctl inject probe mon0 "$DOCUMENTS/one.json"
	[ "$status" -eq 0 ]
	[ "$output" = "monitor probe: dataplane injected" ]
	frames_in 100
	hits_are probe 100
	first=$(attached)
	ctl inject probe mon0 "$DOCUMENTS/ten.json"
	[ "$(attached | wc -l)" -eq 1 ]
	[ "$(attached)" != "$first" ]
	frames_in 7
	hits_are probe 70
	eventually csv_is probe-mon0 derive-hits 70
	grep -q 'dynmon: INJECT probe by uid 0, pid [0-9]*: done' "$LOG"
}

# bats test_tags=plain
@test "the verbs: list, show, add, attach, detach, eject, del, stats, help" {
	start_empty
	[ "$(ctl list)" = "no monitors" ]
	[ "$(ctl --json list)" = "[]" ]
	ctl add m hook=tc loglevel=off
	[ "$(ctl --json list)" = '[{"name":"m","state":"empty","hook":"tc","interfaces":"-","dataplane":"-"}]' ]
	run ctl add m
	[ "$status" -eq 1 ]
	[ "$output" = 'dynmonctl: a monitor called "m" exists' ]
	ctl attach m mon0
	run ctl attach m mon0
	[[ $output == *"interface mon0 is attached already"* ]]
	run ctl attach m nosuch0
	[[ $output == *'interface "nosuch0" does not exist'* ]]
	hits_by one.json 1
	ctl inject m "$DOCUMENTS/one.json"
	[ "$(ctl show m | jq -r '.state, .hook, .interfaces[0].name, ."ingress-metrics"[0].map' | xargs)" = "running tc mon0 HITS" ]
	frames_in 3
	hits_are m 3
	ctl detach m mon0
	nothing_attached
	hits_are m 3 # detached, but the map is not emptied
	[ "$(ctl --json list | jq -r '.[0].state')" = detached ]
	ctl attach m mon0
	frames_in 4
	hits_are m 7
	ctl eject m
	nothing_attached
	[ "$(ctl metrics m)" = '{"ingress-metrics":[],"egress-metrics":[]}' ]
	[ "$(ctl stats | grep '^monitors ')" = "monitors 1" ]
	[ "$(ctl help metrics | head -n 1)" = "  metrics [<monitor>] [direction=ingress|egress] [name=M]" ]
	raw "HELP" | grep -Fx 'METRICS [<monitor>] [direction=ingress|egress] [name=M]'
	ctl del m
	[ "$(ctl list)" = "no monitors" ]
	run ctl show m
	[ "$output" = 'dynmonctl: no monitor is called "m"' ]
}

@test "Polycube's word order" {
	start_empty
	ctl dynmon add monitor
	ctl attach monitor mon0
	ctl inject monitor mon0 "$DOCUMENTS/packet_counter.json"
	frames_in 5
	[ "$(ctl monitor metrics show | jq -c '."ingress-metrics"[0].value')" = "[5]" ]
	[ "$(ctl monitor metrics ingress-metrics show | jq -c '."egress-metrics"')" = "[]" ]
	ctl monitor open-metrics show | grep -q '^packets_total{.*direction="ingress"} 5$'
	ctl dynmon show | grep -q '^monitor '
	ctl dynmon monitor show | jq '.name == "monitor"' | is_true
	ctl detach monitor mon0
	ctl dynmon del monitor
	run ctl monitor frobnicate
	[ "$status" -eq 2 ]
}

@test "a failed injection reports the reason and changes nothing" {
	start_with_edge
	before=$(attached)
	frames_in 10

	document syntax.json $'BPF_ARRAY(HITS, u64, 1);\nstatic __always_inline int handle_rx(struct CTXTYPE *ctx, struct pkt_metadata *md)\n{\n\treturn oops;\n}'
	run ctl inject edge mon0 "$DOCUMENTS/syntax.json"
	[ "$status" -eq 1 ]
	[[ $output == *"ingress-path.code:4: error: use of undeclared identifier 'oops'"* ]]

	document verifier.json $'BPF_ARRAY(HITS, u64, 1);\nstatic __always_inline int handle_rx(struct CTXTYPE *ctx, struct pkt_metadata *md)\n{\n\tvoid *data = (void *)(long)ctx->data;\n\treturn *(u8 *)(data + 12) ? RX_OK : RX_DROP;\n}'
	run ctl inject edge mon0 "$DOCUMENTS/verifier.json"
	[ "$status" -eq 1 ]
	[[ $output == *"invalid access to packet"* ]]

	document map.json $'BPF_ARRAY(HITS, u64, 1);\nstatic __always_inline int handle_rx(struct CTXTYPE *ctx, struct pkt_metadata *md)\n{\n\tint key = 0;\n\treturn HITS.lookup(&key) ? RX_OK : RX_DROP;\n}' MISSES
	run ctl inject edge mon0 "$DOCUMENTS/map.json"
	[ "$status" -eq 1 ]
	[ "$output" = 'dynmonctl: ingress-path: metric "hits_total": map "MISSES" does not exist; the code has: HITS' ]

	echo '{"ingress-path": {"name": 7}}' >"$DOCUMENTS/type.json"
	run ctl inject edge mon0 "$DOCUMENTS/type.json"
	[ "$output" = 'dynmonctl: ingress-path.name: expected a string, found 7' ]

	echo '{"ingress-path": {"name": "x",}' >"$DOCUMENTS/json.json"
	run ctl inject edge mon0 "$DOCUMENTS/json.json"
	[[ $output == "dynmonctl: JSON syntax: line 1, column "* ]]

	run ctl inject edge nosuch0 "$DOCUMENTS/packet_counter.json"
	[ "$output" = 'dynmonctl: interface "nosuch0" does not exist' ]

	run ctl inject fresh nosuch0 "$DOCUMENTS/packet_counter.json"
	[ "$status" -eq 1 ]

	head -c 5000000 /dev/zero | tr '\0' ' ' >"$DOCUMENTS/large.json"
	run ctl inject edge mon0 "$DOCUMENTS/large.json"
	[[ $output == *"larger than the limit of 4194304 bytes"* ]]
	run raw "INJECT edge bytes=50000000"
	[ "$output" = "-1 bytes: the document has 50000000 bytes, at most 37748736 are possible" ]

	[ "$(attached)" = "$before" ]
	[ "$(ctl --json list | jq -c '[.[].name]')" = '["edge"]' ]
	[ "$(json_value edge ingress packets_total)" = "[10]" ]
	# Only the requests failed; the monitor is unaffected.
	[ "$(ctl show edge | jq -c '[.state, .failures, ."last-error"]')" = '["running",0,null]' ]
	[ "$(ctl stats | awk '$1 == "requests_refused" { print $2 }')" -eq 7 ]
	frames_in 5
	[ "$(json_value edge ingress packets_total)" = "[15]" ]
	collectd_stop
	nothing_attached
}

@test "an injection for one direction leaves the other unchanged" {
	start_with_edge
	frames_in 3
	frames_out 4
	hits_by one.json 1
	ctl inject edge mon0 "$DOCUMENTS/one.json"
	frames_in 2
	hits_are edge 2
	[ "$(json_value edge egress packets_total)" = "[4]" ]
	run raw "INJECT edge direction=egress file=packet_counter.json"
	[ "$output" = "0 monitor edge: dataplane injected" ]
	hits_are edge 2
	[ "$(json_value edge egress packets_total)" = "[0]" ]
}

@test "documents from the socket may name only files below DataplaneDir" {
	start_empty
	run raw "INJECT m interface=mon0 file=packet_counter.json"
	[ "$output" = "0 monitor m: dataplane injected" ]
	run raw "INJECT m file=../../../../etc/passwd"
	[[ $output == "-1 "*"not below the directory $DOCUMENTS" ]]
	run raw "INJECT m file=/etc/passwd"
	[[ $output == "-1 "*"not below the directory $DOCUMENTS" ]]
	echo '{"ingress-path": {"code-file": "/etc/shadow"}}' >"$DOCUMENTS/shadow.json"
	run raw "INJECT m file=shadow.json"
	[[ $output == "-1 "*"ingress-path.code-file: /etc/shadow: not below the directory $DOCUMENTS" ]]
	document include.json $'#include "/etc/shadow"\n'
	run raw "INJECT m file=include.json"
	[[ $output == "-1 "* ]]
	[[ $output != *root:* ]]
	# Files named in a document in a subdirectory are looked up in that subdirectory.
	mkdir "$DOCUMENTS/sub"
	cp "$top_srcdir/bpf/flow_bytes.bpf.c" "$DOCUMENTS/sub"
	jq '."ingress-path"."code-file" = "flow_bytes.bpf.c" | ."egress-path"."code-file" = "flow_bytes.bpf.c"' \
		"$top_srcdir/examples/flow_bytes.json" >"$DOCUMENTS/sub/flows.json"
	run raw "INJECT sub interface=mon0 file=sub/flows.json"
	echo "$output"
	[[ $output == *" monitor sub: dataplane injected"* ]]
	# dynmonctl reads files with its user's rights and sends them.
	run ctl inject flows mon0 "$top_srcdir/examples/flow_bytes.json"
	[ "$status" -eq 0 ]
	frames_in 1 -d 1
	frames_out 1 -d 2
	[ "$(json_value flows ingress flows | jq length)" -eq 1 ]
	[ "$(json_value flows egress flows | jq length)" -eq 1 ]
	# The other form: a file on the host of the plugin.
	[ "$(ctl inject remote mon0 file=packet_counter.json direction=ingress)" = "monitor remote: dataplane injected" ]
	[ "$(ctl show remote | jq -c '[.interfaces[0].name, (."egress-metrics" | length)]')" = '["mon0",0]' ]
	run ctl inject flows mon0 direction=sideways "$top_srcdir/examples/flow_bytes.json"
	[[ $output == *'direction: expected both, ingress or egress, found "sideways"'* ]]
}

@test "misbehaving clients get an error and do not affect others" {
	start_with_edge
	printf 'LIS' | near timeout "$PATIENCE" python3 "$top_srcdir/tests/tools/rawsocket.py" "$SOCKET"
	printf 'INJECT edge bytes=1000\n{"ingr' | near timeout "$PATIENCE" python3 "$top_srcdir/tests/tools/rawsocket.py" "$SOCKET"
	[ "$(raw 'FROBNICATE edge')" = "-1 Unknown command: FROBNICATE" ]
	[ "$(raw 'SHOW')" = "-1 missing argument; usage: SHOW <monitor>" ]
	[ "$(raw 'METRICS edge name=typo')" = '-1 name: no metric is called "typo"' ]
	[ "$(raw 'METRICS name=typo direction=egress')" = '-1 name: no metric is called "typo" on egress' ]
	[ "$(raw 'LIST "open')" = '-1 a closing quote is missing: "open' ]
	[ "$(raw 'LIST verbose=true')" = "-1 unexpected argument: verbose=true; usage: LIST" ]
	[ "$(raw '')" = "-1 the request line is empty" ]
	[ "$(raw "LIST $(head -c 10000 /dev/zero | tr '\0' x)")" = "-1 the request line is too long" ]
	[ "$(printf 'LIST\nSTATS\n' | near python3 "$top_srcdir/tests/tools/rawsocket.py" "$SOCKET" | grep -c '^[0-9]')" -eq 2 ]
	frames_in 3
	[ "$(json_value edge ingress packets_total)" = "[3]" ]
	collectd_stop
	nothing_attached
}

@test "the socket has the configured mode and group" {
	collectd_configure <<-EOF
	SocketGroup "daemon"
	SocketPerms "0620"
	EOF
	collectd_start
	[ "$(stat -c '%a %G' "$SOCKET")" = "620 daemon" ]
	collectd_stop
	collectd_configure </dev/null
	collectd_start
	[ "$(stat -c '%a' "$SOCKET")" = "660" ]
}

@test "SIGHUP applies edits, keeps the rest, and survives a broken file" {
	hits_by one.json 1
	cp "$DOCUMENTS/one.json" "$DOCUMENTS/other.json"
	collectd_configure <<-EOF
	<Monitor "edited">
	  Interface "mon0"
	  Dataplane "one.json"
	</Monitor>
	<Monitor "kept">
	  Interface "mon0"
	  Dataplane "other.json"
	</Monitor>
	EOF
	collectd_start
	frames_in 5
	kept=$(ctl show kept | jq -c '[.interfaces[].programs[].id]')
	hits_by one.json 100
	kill -HUP "$COLLECTD"
	eventually grep -q 'dynmon: monitor edited: dataplane replaced' "$LOG"
	frames_in 2
	hits_are edited 205 # the map is kept
	hits_are kept 7
	[ "$(ctl show kept | jq -c '[.interfaces[].programs[].id]')" = "$kept" ]

	echo '{"ingress-path": ' >"$DOCUMENTS/one.json"
	kill -HUP "$COLLECTD"
	eventually grep -q 'dynmon: reload: monitor edited: .*one.json: JSON syntax: line ' "$LOG"
	frames_in 3
	hits_are edited 505
	[ "$(http -o "$BATS_TEST_TMPDIR/health" -w '%{http_code}' http://127.0.0.1:9936/healthz)" = 503 ]
	grep -q 'monitor edited: .*JSON syntax' "$BATS_TEST_TMPDIR/health"

	hits_by one.json 100 # the earlier dataplane runs
	[ "$(ctl reload)" = "nothing has changed" ]
	[ "$(http http://127.0.0.1:9936/healthz)" = ok ]
	hits_by one.json 1
	[ "$(ctl reload)" = $'monitor edited: ingress map HITS is kept\nmonitor edited: dataplane replaced' ]
	[ "$(ctl reload)" = "nothing has changed" ]
	[ "$(ctl reload kept force=true | tail -n 1)" = "monitor kept: dataplane replaced" ]
	[ "$(http http://127.0.0.1:9936/healthz)" = ok ]
	collectd_stop
	nothing_attached
}

@test "a missing interface is attached when it appears, and released when it disappears" {
	collectd_configure <<-EOF
	<Monitor "late">
	  Interface "late0"
	  Dataplane "packet_counter.json"
	</Monitor>
	EOF
	collectd_start
	grep -F 'dynmon: monitor late: interface "late0" does not exist, waiting for it' "$LOG"
	[ "$(ctl --json list | jq -r '.[0].state')" = waiting ]
	cable_up late0 latepeer0
	eventually late_is running
	far "$top_builddir/tests/tools/sendframes" latepeer0 6
	[ "$(json_value late ingress packets_total)" = "[6]" ]
	near ip link del late0
	eventually late_is waiting
	ctl reload late force=true
	cable_up late0 latepeer0
	eventually late_is running
	far "$top_builddir/tests/tools/sendframes" latepeer0 2
	[ "$(json_value late ingress packets_total)" = "[8]" ]
}

late_is() { [ "$(ctl --json list | jq -r '.[0].state')" = "$1" ]; }

@test "maps are shared between directions of a monitor and between monitors" {
	start_empty
	jq -n '{"ingress-path": {"code": "BPF_TABLE_SHARED(\"array\", int, u64, BOTH, 1);\nstatic __always_inline int handle_rx(struct CTXTYPE *ctx, struct pkt_metadata *md) { BOTH.atomic_increment(0); return RX_OK; }",
		"metric-configs": [{"name": "both", "map-name": "BOTH"}]},
		"egress-path": {"code": "BPF_TABLE(\"extern\", int, u64, BOTH, 1);\nstatic __always_inline int handle_rx(struct CTXTYPE *ctx, struct pkt_metadata *md) { BOTH.atomic_increment(0); return RX_OK; }"}}' >"$DOCUMENTS/shared.json"
	ctl inject shared mon0 "$DOCUMENTS/shared.json"
	frames_in 5
	frames_out 7
	[ "$(json_value shared ingress both)" = "[12]" ]
	# The reverse: egress declares the map that ingress uses.
	jq '{"ingress-path": (."egress-path" + {"metric-configs": ."ingress-path"."metric-configs"}),
		"egress-path": (."ingress-path" | del(."metric-configs"))}' "$DOCUMENTS/shared.json" >"$DOCUMENTS/turned.json"
	ctl inject shared mon0 "$DOCUMENTS/turned.json"
	frames_in 2
	frames_out 3
	[ "$(json_value shared ingress both)" = "[5]" ]

	sed 's/BPF_TABLE_SHARED/BPF_TABLE_PUBLIC/; s/BOTH/WORLD/g' "$DOCUMENTS/shared.json" |
		jq 'del(."egress-path")' >"$DOCUMENTS/public.json"
	document guest.json $'BPF_TABLE("extern", int, u64, WORLD, 1);\nstatic __always_inline int handle_rx(struct CTXTYPE *ctx, struct pkt_metadata *md) { WORLD.atomic_increment(0); return RX_OK; }' WORLD
	run ctl inject guest mon0 "$DOCUMENTS/guest.json"
	[[ $output == *'map WORLD is "extern", and neither the other direction nor any monitor declares it'* ]]
	ctl inject owner mon0 "$DOCUMENTS/public.json"
	ctl inject guest mon0 "$DOCUMENTS/guest.json"
	frames_in 4
	hits_are guest 8
	run ctl inject rival mon0 "$DOCUMENTS/public.json"
	[[ $output == *"map WORLD is public, and another monitor has a public map of that name"* ]]
}

@test "pcn_log() messages reach collectd's log, formatted, with level, rate-limited" {
	document log.json $'BPF_ARRAY(HITS, u64, 1);
static __always_inline int handle_rx(struct CTXTYPE *ctx, struct pkt_metadata *md)
{
	u64 mac = 0x010000000002;

	pcn_log(ctx, LOG_INFO, "len %d from %I port %P mac %M 100%%", md->packet_len,
		htonl(0x0a090002), htons(53), mac);
	pcn_log(ctx, LOG_WARN, "%08x %d %5u|", 0xbeef, -7, 42);
	pcn_log(ctx, LOG_DEBUG, "not at this level");
	return RX_OK;
}'
	collectd_configure <<-EOF
	<Monitor "logging">
	  Interface "mon0"
	  Dataplane "log.json"
	  LogLevel "info"
	</Monitor>
	EOF
	collectd_start
	frames_in 1 -s 77
	eventually grep -F 'dynmon: monitor logging: mon0 ingress: len 77 from 10.9.0.2 port 53 mac 02:00:00:00:00:01 100%' "$LOG"
	eventually grep -F 'dynmon: monitor logging: mon0 ingress: 0000beef -7    42|' "$LOG"
	run ! grep -F 'not at this level' "$LOG"
	frames_in 500
	eventually omission_is_logged
	[ "$(grep -c 'mon0 ingress: len' "$LOG")" -lt 500 ]
	# At level off, the log map is not even created.
	run "$top_builddir/dynmonctl" --compiler="$DYNMON_CC" --include="$DYNMON_BPFDIR" check "$DOCUMENTS/log.json"
	[[ $output != *dynmon_events* ]]
	collectd_stop
	nothing_attached
}

# The plugin logs this message together with the first line of a later second.
omission_is_logged() {
	frames_in 1
	grep -E 'log lines are left out, at most 100 a second are shown' "$LOG"
}

@test "concurrent injections of the same new monitor all succeed" {
	start_empty
	hits_by one.json 1
	clients=()
	for i in 1 2 3 4; do
		ctl inject race mon0 "$DOCUMENTS/one.json" >"$BATS_TEST_TMPDIR/race.$i" 2>&1 3>&- &
		clients+=($!)
	done
	for client in "${clients[@]}"; do
		wait "$client"
	done
	[ "$(cat "$BATS_TEST_TMPDIR"/race.* | sort | uniq -c | xargs)" = "4 monitor race: dataplane injected" ]
	[ "$(attached | wc -l)" -eq 1 ]
	frames_in 3
	hits_are race 3
}

# Requests with the same document share compilations, so only a few compilations run.
@test "each of many concurrent injections succeeds or is rejected with a reason" {
	start_empty
	hits_by one.json 1
	near timeout $((3 * PATIENCE)) python3 "$top_srcdir/tests/tools/injectors.py" "$SOCKET" 150 "$DOCUMENTS/one.json" \
		>"$BATS_TEST_TMPDIR/answers"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/answers")" -eq 150 ]
	run ! grep -vEx '0 monitor NAME: dataplane injected|-1 too many (compilations wait \(128\); nothing was done|connections, all 256 have requests under way; nothing was done), try again' \
		"$BATS_TEST_TMPDIR/answers"
	# requests that fit into the queue are accepted
	[ "$(grep -c '^0 ' "$BATS_TEST_TMPDIR/answers")" -ge 128 ]
	[ "$(ctl --json list | jq length)" -eq "$(grep -c '^0 ' "$BATS_TEST_TMPDIR/answers")" ]
	[ "$(ctl --json list | jq '[.[].state] | unique | length')" -eq 1 ]
}
