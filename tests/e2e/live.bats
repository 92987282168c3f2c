# A dataplane that is replaced and read while packets flow: no packet is lost or counted twice, and
# a failed change leaves the old dataplane running.
# shellcheck shell=bash
bats_require_minimum_version 1.5.0
load lib

setup() {
	need_root
	network_up
	documents_up
	SEEN=$BATS_TEST_TMPDIR/seen.json
	COUNTS=$BATS_TEST_DIRNAME/fixtures/counts.bpf.c
	READERS=
	KINDS="word narrow hash cpu cpu_hash"
}

teardown() {
	[ -z "$READERS" ] || kill "$READERS" 2>/dev/null || true
	collectd_kill
	network_down
}

# bundle NAME [HOOK]: compiles the document to a bundle, so that a reload compiles nothing
bundle() { offline compile "$DOCUMENTS/$1.json" -o "$DOCUMENTS/$1.o" --hook="${2:-tcx}"; }

# metric NAME MAP EMPTY SWAP [TYPE]: prints an element of metric-configs.
metric() {
	jq -n --arg name "$1" --arg map "$2" --argjson empty "$3" --argjson swap "$4" --arg type "${5:-counter}" \
		'{name: $name, "map-name": $map, "extraction-options": {"empty-on-read": $empty, "swap-on-read": $swap},
		"open-metrics-metadata": {type: $type, help: "Packets.", labels: []}}'
}

# metrics SWAP: metrics for all maps of fixtures/counts.bpf.c
metrics() {
	local kind

	for kind in $KINDS; do
		metric "drained_${kind}_total" "drained_$kind" true "$1"
		metric "whole_${kind}_total" "whole_$kind" false "$1"
	done | jq -s .
}

# document NAME CODE METRICS [EGRESS-CODE [EGRESS-METRICS]]
document() {
	jq -n --arg in "$2" --argjson in_metrics "$3" --arg out "${4:-}" --argjson out_metrics "${5:-[]}" \
		'{"ingress-path": {name: "in", code: $in, "metric-configs": $in_metrics},
		"egress-path": (if $out == "" then {} else {name: "out", code: $out, "metric-configs": $out_metrics} end)}' \
		>"$DOCUMENTS/$1.json"
}

# The maps of fixtures/counts.bpf.c in Dynmon's dialect.
dialect_counts() {
	local set

	for set in drained whole; do
		cat <<-END
		BPF_ARRAY(${set}_word, u64, 1);
		BPF_ARRAY(${set}_narrow, u32, 1);
		BPF_HASH(${set}_hash, u32, u64, 64);
		BPF_PERCPU_ARRAY(${set}_cpu, u64, 1);
		BPF_PERCPU_HASH(${set}_cpu_hash, u32, u64, 64);
		END
	done
	cat <<-'END'
	#define COUNT(set) do {\
		u64 none = 0, *found;\
		u32 length = md->packet_len;\
		set##_word.atomic_increment(0);\
		set##_narrow.atomic_increment(0);\
		found = set##_hash.lookup_or_try_init(&length, &none);\
		if (found)\
			__sync_fetch_and_add(found, 1);\
		set##_cpu.atomic_increment(0);\
		found = set##_cpu_hash.lookup_or_try_init(&length, &none);\
		if (found)\
			__sync_fetch_and_add(found, 1);\
	} while (0)
	static __always_inline int handle_rx(struct CTXTYPE *ctx, struct pkt_metadata *md)
	{
		COUNT(drained);
		COUNT(whole);
		return RX_OK;
	}
	END
}

plain_counts() { echo '#define DYNMON_PLAIN'; cat "$COUNTS"; }

# The same program in three forms: in the dialect, for libbpf with a document, and as a bare object.
three_kinds() {
	document dialect "$(dialect_counts)" "$(metrics true)"
	document libbpf "$(plain_counts)" "$(metrics true)"
	bundle dialect "$1"
	bundle libbpf "$1"
	"$DYNMON_CC" --include="$DYNMON_BPFDIR" <"$COUNTS" >"$DOCUMENTS/bare.o"
}

# monitor NAME HOOK INTERFACE ... [OPTION]: a block for NAME.o with a very short read interval.
monitor() {
	local name=$1 hook=$2 interface
	shift 2
	echo "<Monitor \"$name\">"
	for interface; do
		echo "Interface \"$interface\""
	done
	printf 'Hook "%s"\nDataplane "%s.o"\nInterval 0.05\n%s\n</Monitor>\n' "$hook" "$name" "${OPTIONS:-}"
}

# read_live ENOUGH MONITOR ...: starts three kinds of consumers in addition to collectd, and sends
# RELOAD force=true in a loop.
read_live() {
	local enough=$1 monitor changes=(--change "RELOAD force=true")
	shift

	if [ -n "${DYNMON_PRELOAD:-}" ]; then
		# A reload reads collectd.conf in a forked child. AddressSanitizer's allocator is
		# not fork-safe: if another thread holds its lock during the fork, the child waits
		# forever.
		changes=()
		for monitor; do
			changes+=(--change "INJECT $monitor file=$monitor.o keep-maps=true")
		done
	fi
	# No function here: $! must be the process of the readers.
	ip netns exec "$NEAR" python3 "$top_srcdir/tests/tools/readers.py" "$SOCKET" \
		--url http://127.0.0.1:9936/metrics "${changes[@]}" --enough "$enough" "$@" >"$SEEN" 2>"$SEEN.errors" 3>&- &
	READERS=$!
	eventually grep -q reading "$SEEN"
}

# Stops the readers. Requires that no counter fell and that every request was answered.
stop_reading() {
	kill -TERM "$READERS"
	wait "$READERS"
	READERS=
	sed -i '/^{/!d' "$SEEN"
	jq -c '{reads, kept, new, errors, falls, json_falls}' "$SEEN"
	cat "$SEEN.errors"
	# Other plugins log errors of their own, for example about late values.
	if grep -iE 'dynmon: .*(error|fail)' "$LOG"; then return 1; fi
	jq '.errors == [] and .falls == []' "$SEEN" | is_true
}

# flood COUNT INTERFACE ...: sends COUNT frames out of each interface at full speed, from two
# senders with half each, in two sizes. Repeats until the readers have enough, for at most five
# minutes. SENT: frames of each interface. A frame that the full queue rejects is sent again.
flood() {
	local count=$1 interface ns size sender senders end=$((SECONDS + 300))
	shift
	SENT=0
	until [ "$SENT" -gt 0 ] && { [ "$SECONDS" -ge "$end" ] || grep -q enough "$SEEN"; }; do
		senders=()
		for interface; do
			ns=$FAR
			[[ $interface == peer* ]] || ns=$NEAR
			for size in 60 200; do
				ip netns exec "$ns" "$top_builddir/tests/tools/sendframes" -s "$size" \
					"$interface" $((count / 2)) 3>&- &
				senders+=($!)
			done
		done
		for sender in "${senders[@]}"; do
			wait "$sender"
		done
		SENT=$((SENT + count / 2 * 2))
	done
	grep -q enough "$SEEN"
}

# csv_sum PLUGIN-INSTANCE METRIC: the sum of the last csv values of all series of a metric.
# The csv plugin starts new files at midnight.
csv_sum() {
	local file sum=0 day files=("$DIR/csv/host/dynmon-$1/derive-${2%_total}-"*)

	day=$(printf '%s\n' "${files[@]}" | sed 's/.*\(.\{10\}\)$/\1/' | sort | tail -n 1)
	for file in "$DIR/csv/host/dynmon-$1/derive-${2%_total}-"*"$day"; do
		sum=$((sum + $(tail -n 1 "$file" | cut -d, -f2)))
	done
	echo "$sum"
}

csv_sum_is() { [ "$(csv_sum "$1" "$2")" = "$3" ]; }

# exact MONITOR PATH INTERFACE METRIC COUNT: all consumers have seen COUNT. SEVERAL: the monitor is
# attached to several interfaces. BOTH: the programs of both directions use the map.
exact() {
	local which=last name="$1 $2 ${SEVERAL:+$3} $4" labels="monitor=\"$1\",interface=\"$3\"" got

	[ -n "${BOTH:-}" ] || labels+=",direction=\"$2\""
	[ -n "${SEVERAL:-}" ] || name="$1 $2 - $4"
	[[ $4 != drained* ]] || which=sum
	got=$(jq --arg name "$name" --arg which "$which" '.json[$name][$which]' "$SEEN")
	echo "$name: JSON $which $got, sent $5"
	[ "$got" = "$5" ]
	if [ "$which" = last ]; then
		jq --arg name "$name" '.json_falls | index($name) == null' "$SEEN" | is_true
	fi
	got=$(jq --arg start "$4{$labels" \
		'[.samples | to_entries[] | select(.key | startswith($start)) | .value] | add' "$SEEN")
	echo "$name: samples $got"
	[ "$got" = "$5" ]
	eventually csv_sum_is "$1${3:+-$3}" "$4" "$5"
}

# all_exact MONITOR INTERFACE COUNT: tests all maps of fixtures/counts.bpf.c on ingress
all_exact() {
	local kind

	for kind in $KINDS; do
		exact "$1" ingress "$2" "drained_${kind}_total" "$3"
		exact "$1" ingress "$2" "whole_${kind}_total" "$3"
	done
}

# -- exactness: three consumers and continuous reloads at full speed --

swap_on() {
	cable_up mon1 peer1
	cable_up mon2 peer2
	three_kinds "$1"
	collectd_configure < <(monitor dialect "$1" mon0; monitor libbpf "$1" mon1; monitor bare "$1" mon2)
	collectd_start
	read_live 3 dialect libbpf bare
	flood 100000 peer0 peer1 peer2
	stop_reading
	all_exact dialect mon0 "$SENT"
	all_exact libbpf mon1 "$SENT"
	all_exact bare mon2 "$SENT"
	[ "$(jq .new "$SEEN")" -eq 0 ]
	collectd_stop
	nothing_attached
}

# With sanitizers, collectd.conf is not read concurrently: see read_live.
# bats test_tags=plain
@test "swap-on-read on tcx: exact with reloads and all readers" { swap_on tcx; }
@test "swap-on-read on tc: exact with reloads and all readers" { swap_on tc; }
@test "swap-on-read on xdp: exact with reloads and all readers" { swap_on xdp; }
@test "swap-on-read on xdp-generic: exact with reloads and all readers" { swap_on xdp-generic; }

# bats test_tags=plain
@test "reloads with kept maps: exact, hundreds of them, on every hook" {
	local monitor kind

	cable_up mon1 peer1
	document tcx "$(plain_counts)" "$(metrics false | jq 'map(select(.name | startswith("whole")))')"
	bundle tcx
	ln "$DOCUMENTS/tcx.o" "$DOCUMENTS/tc.o"
	cp "$DOCUMENTS/tcx.json" "$DOCUMENTS/xdp.json"
	bundle xdp xdp
	ln "$DOCUMENTS/xdp.o" "$DOCUMENTS/generic.o"
	collectd_configure < <(monitor tcx tcx mon0; monitor tc tc mon0; monitor xdp xdp mon0; monitor generic xdp-generic mon1)
	collectd_start
	read_live 100 tcx tc xdp generic
	flood 200000 peer0 peer1
	stop_reading
	for monitor in tcx:mon0 tc:mon0 xdp:mon0 generic:mon1; do
		for kind in $KINDS; do
			exact "${monitor%:*}" ingress "${monitor#*:}" "whole_${kind}_total" "$SENT"
		done
	done
	[ "$(jq .new "$SEEN")" -eq 0 ]
	collectd_stop
	nothing_attached
}

# A slow program: much time passes between the lookup of an entry and the count in it, and a read
# may delete the entry meanwhile.
slow_counts() {
	cat <<-'END'
	#include <linux/bpf.h>
	#include <linux/pkt_cls.h>
	#include <bpf/bpf_helpers.h>
	struct {
		__uint(type, BPF_MAP_TYPE_HASH);
		__type(key, __u32);
		__type(value, __u64);
		__uint(max_entries, 4);
	} drained_slow SEC(".maps");
	SEC("tc") int count(struct __sk_buff *skb)
	{
		__u32 key = 0;
		__u64 none = 0, *found;

		bpf_map_update_elem(&drained_slow, &key, &none, BPF_NOEXIST);
		found = bpf_map_lookup_elem(&drained_slow, &key);
		for (int i = 0; i < 2000; i++)
			bpf_ktime_get_ns();
		if (found)
			__sync_fetch_and_add(found, 1);
		return TC_ACT_UNSPEC;
	}
	char LICENSE[] SEC("license") = "GPL";
	END
}

@test "swap-on-read waits for packets in flight" {
	document slow "$(slow_counts)" "$(metric drained_slow_total drained_slow true true | jq -s .)"
	bundle slow
	collectd_configure < <(monitor slow tcx mon0)
	collectd_start
	read_live 50 slow
	flood 10000 peer0
	stop_reading
	exact slow ingress mon0 drained_slow_total "$SENT"
}

# Maps that both paths count in. Each read empties the drained maps.
shared_counts() {
	local set

	for set in drained whole; do
		echo "BPF_TABLE$1, int, u64, ${set}_word, 1);"
		echo "BPF_TABLE$2, u32, u64, ${set}_hash, 64);"
	done
	cat <<-'END'
	#define COUNT(set) do {\
		u64 none = 0, *found;\
		u32 length = md->packet_len;\
		set##_word.atomic_increment(0);\
		found = set##_hash.lookup_or_try_init(&length, &none);\
		if (found)\
			__sync_fetch_and_add(found, 1);\
	} while (0)
	static __always_inline int handle_rx(struct CTXTYPE *ctx, struct pkt_metadata *md)
	{
		COUNT(drained);
		COUNT(whole);
		return RX_OK;
	}
	END
}

@test "swapped maps shared by both directions, on several interfaces" {
	local interface kind

	KINDS="word hash" BOTH=true
	cable_up mon1 peer1
	document apart "$(shared_counts '_SHARED("array"' '_SHARED("hash"')" "$(metrics true)" \
		"$(shared_counts '("extern"' '("extern"')"
	bundle apart
	# The metrics belong to the path that declares the maps extern, and all interfaces share the
	# maps.
	document together "$(shared_counts '("extern"' '("extern"')" "$(metrics true)" \
		"$(shared_counts '_SHARED("array"' '_SHARED("hash"')"
	bundle together
	collectd_configure < <(monitor apart tcx mon0 mon1; OPTIONS="Share true" monitor together tc mon0 mon1)
	collectd_start
	read_live 3 apart together
	flood 80000 peer0 mon0 peer1 mon1
	stop_reading
	for interface in mon0 mon1; do
		SEVERAL=true all_exact apart "$interface" $((2 * SENT))
	done
	all_exact together "" $((4 * SENT))
	[ "$(jq .new "$SEEN")" -eq 0 ]
	collectd_stop
	nothing_attached
}

@test "empty-on-read alone: exact for arrays with 4- or 8-byte values, on every hook" {
	local monitor

	KINDS="word narrow"
	cable_up mon1 peer1
	document tcx "$(plain_counts)" "$(metrics false)"
	bundle tcx
	ln "$DOCUMENTS/tcx.o" "$DOCUMENTS/tc.o"
	cp "$DOCUMENTS/tcx.json" "$DOCUMENTS/xdp.json"
	bundle xdp xdp
	ln "$DOCUMENTS/xdp.o" "$DOCUMENTS/generic.o"
	collectd_configure < <(monitor tcx tcx mon0; monitor tc tc mon0; monitor xdp xdp mon0; monitor generic xdp-generic mon1)
	collectd_start
	read_live 30 tcx tc xdp generic
	flood 200000 peer0 peer1
	stop_reading
	for monitor in tcx:mon0 tc:mon0 xdp:mon0 generic:mon1; do
		all_exact "${monitor%:*}" "${monitor#*:}" "$SENT"
	done
	[ "$(jq .new "$SEEN")" -eq 0 ]
	collectd_stop
	nothing_attached
}

@test "empty-on-read enabled by a reload: exact, including earlier counts" {
	local monitor sender before=200000

	KINDS="word narrow"
	document tcx "$(plain_counts)" "$(metrics false | jq '.[]."extraction-options"."empty-on-read" = false')"
	bundle tcx
	cp "$DOCUMENTS/tcx.o" "$DOCUMENTS/tc.o"
	collectd_configure < <(monitor tcx tcx mon0; OPTIONS="Pin true" monitor tc tc mon0)
	collectd_start
	document tcx "$(plain_counts)" "$(metrics false)"
	bundle tcx
	cp "$DOCUMENTS/tcx.o" "$DOCUMENTS/tc.o"
	frames_in $((before / 2)) 3>&- &
	sender=$!
	frames_in $((before / 2))
	run -0 ctl reload
	[[ $output == *"map drained_word is kept"* && $output != *"is new"* ]]
	wait "$sender"
	read_live 30 tcx tc
	flood 200000 peer0
	stop_reading
	for monitor in tcx tc; do
		all_exact "$monitor" mon0 $((before + SENT))
	done
	[ "$(jq .new "$SEEN")" -eq 0 ]
	collectd_stop
}

# -- maps that cannot be swapped --

# one_map DECLARATION: a dataplane that counts in a map named HITS.
one_map() {
	document "$2" "$1
static __always_inline int handle_rx(struct CTXTYPE *ctx, struct pkt_metadata *md)
{
	HITS.atomic_increment(0);
	return RX_OK;
}" "$(metric hits_total HITS false "${3:-true}" | jq -s .)"
}

@test "a dataplane that cannot be swapped is rejected at injection with the reason" {
	collectd_configure </dev/null
	collectd_start
	one_map 'BPF_TABLE_PUBLIC("array", int, u64, HITS, 1);' public
	run -1 ctl inject m mon0 "$DOCUMENTS/public.json"
	[[ $output == *"ingress-path: map HITS: swap-on-read is not possible, the map is public: others may write to it, too"* ]]
	one_map 'BPF_TABLE_PINNED("array", int, u64, HITS, 1, "/sys/fs/bpf/dynmon-test/hits");' pinned
	run -1 ctl inject m mon0 "$DOCUMENTS/pinned.json"
	[[ $output == *"ingress-path: map HITS: swap-on-read is not possible, the map is pinned: others may write to it, too"* ]]
	run ! inside test -e /sys/fs/bpf/dynmon-test/hits
	document tracepoint '#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, __u32); __type(value, __u64); __uint(max_entries, 1); } HITS SEC(".maps");
SEC("tracepoint/syscalls/sys_enter_bpf") int on_call(void *ctx)
{
	__u32 zero = 0;
	__u64 *n = bpf_map_lookup_elem(&HITS, &zero);

	if (n)
		__sync_fetch_and_add(n, 1);
	return 0;
}
char LICENSE[] SEC("license") = "GPL";' "$(metric hits_total HITS false true | jq -s .)"
	run -1 ctl inject m "$DOCUMENTS/tracepoint.json"
	[[ $output == *"ingress-path: map HITS: swap-on-read is not possible, the kernel cannot replace a program that is attached by its section"* ]]
	one_map 'BPF_TABLE_PUBLIC("array", int, u64, HITS, 1);' owner false
	ctl inject owner mon0 "$DOCUMENTS/owner.json"
	one_map 'BPF_TABLE("extern", int, u64, HITS, 1);' guest
	run -1 ctl inject m mon0 "$DOCUMENTS/guest.json"
	[[ $output == *"ingress-path: map HITS belongs to another monitor: swap-on-read is not possible"* ]]
	[ "$(ctl --json list | jq -c '[.[].name]')" = '["owner"]' ]
	[ "$(attached | wc -l)" -eq 1 ]
}

# -- map reuse --

# shapes NUMBER: the same program with maps of two different shapes.
shapes() {
	local type=hash value=u32 room=8 field=packets flags=0 gone=gone

	[ "$1" = 1 ] || { type=lru_hash value=u64 room=9 field=frames flags=BPF_F_NO_PREALLOC gone=come; }
	document "shapes$1" "struct counted { u64 $field; u64 bytes; };
struct named { u64 packets; u64 bytes; };
BPF_ARRAY(same, u64, 1);
BPF_HASH(structured, u32, struct named, 8);
BPF_TABLE(\"$type\", u32, u64, typed, 8);
BPF_HASH(sized, u32, $value, 8);
BPF_HASH(roomy, u32, u64, $room);
BPF_HASH(renamed, u32, struct counted, 8);
BPF_F_TABLE(\"hash\", u32, u64, flagged, 8, $flags);
BPF_ARRAY($gone, u64, 1);
static __always_inline int handle_rx(struct CTXTYPE *ctx, struct pkt_metadata *md)
{
	u32 key = 7;
	u64 count = 1;
	$value small = 1;
	struct counted counted = { 1, 1 };
	struct named named = { 1, 1 };

	same.atomic_increment(0);
	$gone.atomic_increment(0);
	structured.update(&key, &named);
	typed.update(&key, &count);
	sized.update(&key, &small);
	roomy.update(&key, &count);
	renamed.update(&key, &counted);
	flagged.update(&key, &count);
	return RX_OK;
}" "$(metric same_total same false false | jq -s .)"
}

@test "keep-maps reports for each map that it is kept, or why not" {
	shapes 1
	shapes 2
	collectd_configure </dev/null
	collectd_start
	ctl inject m mon0 "$DOCUMENTS/shapes1.json"
	frames_in 5
	run -0 ctl inject m mon0 keep-maps=true "$DOCUMENTS/shapes2.json"
	[ "$(sort <<<"$output")" = "$(sort <<-'END'
	ingress map same is kept
	ingress map structured is kept
	ingress map typed is new: it is a lru_hash now, it was a hash
	ingress map sized is new: key and value have 4 and 8 bytes now, they had 4 and 4
	ingress map roomy is new: it has room for 9 entries now, it had for 8
	ingress map renamed is new: the type of its value is another one
	ingress map flagged is new: its flags are 0x1 now, they were 0
	ingress map come is new: no map had this name
	monitor m: dataplane injected
	END
	)" ]
	frames_in 2
	[ "$(json_value m ingress same_total)" = "[7]" ]
	# Without keep-maps all maps are new, and a failed injection keeps the old dataplane.
	run -1 ctl inject m mon0 keep-maps=maybe "$DOCUMENTS/shapes1.json"
	[ "$(json_value m ingress same_total)" = "[7]" ]
	[ "$(ctl inject m mon0 "$DOCUMENTS/shapes2.json")" = "monitor m: dataplane injected" ]
	frames_in 3
	[ "$(json_value m ingress same_total)" = "[3]" ]
	# Enabling swap-on-read for a metric, and then disabling it, keeps the counts.
	jq '."ingress-path"."metric-configs"[0]."extraction-options"."swap-on-read" = true' "$DOCUMENTS/shapes2.json" >"$DOCUMENTS/swapped.json"
	ctl inject m mon0 keep-maps=true "$DOCUMENTS/swapped.json" | grep -Fx "ingress map same is kept"
	frames_in 2
	[ "$(json_value m ingress same_total)" = "[5]" ]
	frames_in 2
	[ "$(json_value m ingress same_total)" = "[7]" ]
	ctl inject m mon0 keep-maps=true "$DOCUMENTS/swapped.json" | grep -Fx "ingress map same is kept"
	frames_in 1
	[ "$(json_value m ingress same_total)" = "[8]" ]
	ctl inject m mon0 keep-maps=true "$DOCUMENTS/shapes2.json" |
		grep -Fx "ingress map same is new: it is not swapped on read any more"
}

# -- failed changes leave the old dataplane running --

# All programs on the five interfaces.
programs() {
	local interface

	for interface in mon0 mon1 mon2 mon3 mon4; do
		attached "$interface" | sed "s/^/$interface /"
		near tc filter show dev "$interface" ingress
		near tc filter show dev "$interface" egress
	done
}

# Five interfaces, and one monitor on all of them that counts received frames.
five_interfaces() {
	local i

	for i in 1 2 3 4; do
		cable_up "mon$i" "peer$i"
	done
	KINDS=word
	collectd_configure < <(monitor edge "$1" mon0 mon1 mon2 mon3 mon4)
	collectd_start
	PROGRAMS=$(programs)
}

# unchanged COUNT: the programs are still the same and have counted COUNT frames on each interface.
unchanged() {
	local i

	[ "$(programs)" = "$PROGRAMS" ]
	[ "$(ctl --json list | jq -r '.[0].state')" = running ]
	for i in 0 1 2 3 4; do
		far "$top_builddir/tests/tools/sendframes" "peer$i" 3
	done
	[ "$(ctl metrics edge name=whole_word_total | jq -c '[."ingress-metrics"[].value]')" = "[[$1],[$1],[$1],[$1],[$1]]" ]
	[ "$(programs)" = "$PROGRAMS" ]
}

@test "five interfaces, the verifier rejects the second direction: nothing changes" {
	document edge "$(plain_counts)" "$(metrics false)"
	bundle edge
	five_interfaces tcx
	jq '."egress-path" = {code: "static __always_inline int handle_rx(struct CTXTYPE *ctx, struct pkt_metadata *md) { return *(u8 *)((long)ctx->data + 99); }"}' \
		"$DOCUMENTS/edge.json" >"$DOCUMENTS/half.json"
	run -1 ctl inject edge "$DOCUMENTS/half.json"
	[[ $output == *"egress-path: "*"invalid access to packet"* ]]
	unchanged 3
	run -1 ctl inject edge keep-maps=true "$DOCUMENTS/half.json"
	unchanged 6
}

@test "five interfaces, attaching fails on the third: nothing changes" {
	document edge "$(plain_counts)" "$(metrics false)"
	bundle edge
	five_interfaces tc
	# Detaching the program from mon2 removes the clsact qdisc, so that an ingress qdisc can be
	# added.
	ctl detach edge mon2
	near tc qdisc add dev mon2 ingress
	ctl attach edge mon2
	PROGRAMS=$(programs)
	jq '."egress-path" = ."ingress-path"' "$DOCUMENTS/edge.json" >"$DOCUMENTS/both.json"
	run -1 ctl inject edge keep-maps=true "$DOCUMENTS/both.json"
	[[ $output == *"interface mon2: cannot attach to tc egress: the interface has an ingress qdisc, which has no egress"* ]]
	unchanged 3
	run -1 ctl inject edge "$DOCUMENTS/both.json"
	unchanged 6
}

@test "five interfaces, a link update fails on the third: nothing changes" {
	# With a large MTU, veth accepts only XDP programs that support fragments.
	document edge "$(plain_counts | sed 's/SEC("xdp")/SEC("xdp.frags")/')" "$(metrics false)"
	document unfit "$(plain_counts)" "$(metrics false)"
	document swapped "$(plain_counts)" "$(metrics true)"
	bundle edge xdp
	bundle unfit xdp
	bundle swapped xdp
	five_interfaces xdp
	ip -n "$FAR" link set peer2 mtu 9000
	run -1 ctl inject edge keep-maps=true "$DOCUMENTS/unfit.o"
	[[ $output == *"interface mon2: cannot replace the program on xdp ingress: "* ]]
	unchanged 3
	run -1 ctl inject edge "$DOCUMENTS/swapped.o"
	unchanged 6
	ip -n "$FAR" link set peer2 mtu 1500
	ctl inject edge keep-maps=true "$DOCUMENTS/unfit.o"
	[ "$(programs)" != "$PROGRAMS" ]
	PROGRAMS=$(programs)
	unchanged 9
}

@test "five interfaces, the third is renamed all the time: a failure stays an error" {
	local i

	document edge "$(plain_counts | sed 's/SEC("xdp")/SEC("xdp.frags")/')" "$(metrics false)"
	document unfit "$(plain_counts)" "$(metrics false)"
	bundle edge xdp
	bundle unfit xdp
	five_interfaces xdp
	ip -n "$FAR" link set peer2 mtu 9000
	until [ -e "$BATS_TEST_TMPDIR/enough" ]; do
		ip -n "$NEAR" link set mon2 name other2
		ip -n "$NEAR" link set other2 name mon2
	done 2>/dev/null 3>&- &
	READERS=$!
	for i in {1..20}; do
		run -1 ctl inject edge keep-maps=true "$DOCUMENTS/unfit.o"
		[[ $output == *"cannot replace the program on xdp ingress: "* ]]
	done
	touch "$BATS_TEST_TMPDIR/enough"
	wait "$READERS" # the loop ends after it has restored the name of the interface
	READERS=
	unchanged 3
}

@test "clang is missing: running dataplanes continue" {
	document edge "$(plain_counts)" "$(metrics false)"
	bundle edge
	printf '#!/bin/sh\nexec "%s" --clang=/nonexistent/clang "$@"\n' "$DYNMON_CC" >"$BATS_TEST_TMPDIR/no-clang"
	chmod 755 "$BATS_TEST_TMPDIR/no-clang"
	DYNMON_CC=$BATS_TEST_TMPDIR/no-clang five_interfaces tcx
	run -1 ctl inject edge "$DOCUMENTS/edge.json"
	[[ $output == *"ingress-path: /nonexistent/clang: No such file or directory"* ]]
	unchanged 3
	ctl inject edge keep-maps=true "$DOCUMENTS/edge.o" # a bundle needs no clang
	PROGRAMS=$(programs)
	unchanged 6
}
