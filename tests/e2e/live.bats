# A dataplane that is replaced and read while packets flow: no packet is lost, none counted twice,
# and what fails changes nothing.
# shellcheck shell=bash
bats_require_minimum_version 1.5.0
load lib

setup() {
	need_root
	network_up
	DOCUMENTS=$BATS_TEST_TMPDIR/documents
	SEEN=$BATS_TEST_TMPDIR/seen.json
	mkdir "$DOCUMENTS"
	DATAPLANE_DIR=$DOCUMENTS
	COUNTS=$BATS_TEST_DIRNAME/fixtures/counts.bpf.c
	READERS=
	KINDS="word narrow hash cpu cpu_hash"
}

teardown() {
	[ -z "$READERS" ] || kill "$READERS" 2>/dev/null || true
	collectd_kill
	network_down
}

offline() {
	"$top_builddir/dynmonctl" --compiler="$DYNMON_CC" --include="$DYNMON_BPFDIR" "$@"
}

# bundle NAME [HOOK]: of the document, so that a reload compiles nothing
bundle() { offline compile "$DOCUMENTS/$1.json" -o "$DOCUMENTS/$1.o" --hook="${2:-tcx}"; }

# metric NAME MAP EMPTY SWAP [TYPE]: an element of metric-configs.
metric() {
	jq -n --arg name "$1" --arg map "$2" --argjson empty "$3" --argjson swap "$4" --arg type "${5:-counter}" \
		'{name: $name, "map-name": $map, "extraction-options": {"empty-on-read": $empty, "swap-on-read": $swap},
		"open-metrics-metadata": {type: $type, help: "Packets.", labels: []}}'
}

# metrics SWAP: of all the maps of fixtures/counts.bpf.c
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

# The maps of fixtures/counts.bpf.c in the dialect.
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

# Each program three times: in the dialect, for libbpf with a document, and as a bare object.
three_kinds() {
	document dialect "$(dialect_counts)" "$(metrics true)"
	document libbpf "$(plain_counts)" "$(metrics true)"
	bundle dialect "$1"
	bundle libbpf "$1"
	"$DYNMON_CC" --include="$DYNMON_BPFDIR" <"$COUNTS" >"$DOCUMENTS/bare.o"
}

# monitor NAME HOOK INTERFACE ... [OPTION]: its block, for NAME.o; read as often as collectd can.
monitor() {
	local name=$1 hook=$2 interface
	shift 2
	echo "<Monitor \"$name\">"
	for interface; do
		echo "Interface \"$interface\""
	done
	printf 'Hook "%s"\nDataplane "%s.o"\nInterval 0.05\n%s\n</Monitor>\n' "$hook" "$name" "${OPTIONS:-}"
}

# Three kinds of consumer besides collectd, and a RELOAD force=true after the other.
# read_live [--enough N] MONITOR ...
read_live() {
	# No function: $! must be the readers.
	ip netns exec "$NEAR" python3 "$top_srcdir/tests/tools/readers.py" "$SOCKET" \
		--url http://127.0.0.1:9936/metrics --reload "force=true" "$@" >"$SEEN" 2>"$SEEN.errors" 3>&- &
	READERS=$!
	eventually grep -q reading "$SEEN"
}

# Stops them, and wants that no counter fell and that no answer was missing.
stop_reading() {
	kill -TERM "$READERS"
	wait "$READERS"
	READERS=
	sed -i '/^{/!d' "$SEEN"
	jq -c '{reads, kept, new, errors, falls, json_falls}' "$SEEN"
	cat "$SEEN.errors"
	run ! grep -iE 'error|fail' "$LOG"
	jq -e '.errors == [] and .falls == []' "$SEEN"
}

# flood COUNT PEER ...: so many frames from each at once, as fast as they go, half of them by each of
# two senders, and of two sizes; and again until the readers have had enough. SENT: by each. What the
# cable has no room for the kernel refuses, and it is sent again.
flood() {
	local count=$1 peer senders
	shift
	SENT=0
	until [ "$SENT" -gt 0 ] && { [ "$SENT" -ge 5000000 ] || grep -q enough "$SEEN"; }; do
		senders=()
		for peer; do
			ip netns exec "$FAR" "$top_builddir/tests/tools/sendframes" -s 60 "$peer" $((count / 2)) 3>&- &
			senders+=($!)
			ip netns exec "$FAR" "$top_builddir/tests/tools/sendframes" -s 200 "$peer" $((count / 2)) 3>&- &
			senders+=($!)
		done
		for peer in "${senders[@]}"; do
			wait "$peer"
		done
		SENT=$((SENT + count / 2 * 2))
	done
	grep -q enough "$SEEN"
}

# What the csv plugin has last for all series of a metric: csv_sum PLUGIN-INSTANCE TYPE-INSTANCE
csv_sum() {
	local file sum=0 files=("$DIR/csv/host/dynmon-$1/derive-$2"*)

	for file in "${files[@]}"; do
		sum=$((sum + $(tail -n 1 "$file" | cut -d, -f2)))
	done
	echo "$sum"
}

csv_sum_is() { [ "$(csv_sum "$1" "$2")" = "$3" ]; }

# exact MONITOR PATH INTERFACE METRIC COUNT: for everybody who has read. SEVERAL: the monitor is on
# several interfaces.
exact() {
	local which=last name="$1 $2 ${SEVERAL:+$3} $4" got

	[ -n "${SEVERAL:-}" ] || name="$1 $2 - $4"
	[[ $4 != drained* ]] || which=sum
	got=$(jq --arg name "$name" --arg which "$which" '.json[$name][$which]' "$SEEN")
	echo "$name: JSON $which $got, sent $5"
	[ "$got" = "$5" ]
	if [ "$which" = last ]; then
		jq -e --arg name "$name" '.json_falls | index($name) == null' "$SEEN" >/dev/null
	fi
	got=$(jq --arg start "$4{monitor=\"$1\",interface=\"$3\",path=\"$2\"" \
		'[.samples | to_entries[] | select(.key | startswith($start)) | .value] | add' "$SEEN")
	echo "$name: samples $got"
	[ "$got" = "$5" ]
	eventually csv_sum_is "$1-$3" "$4" "$5"
}

# all_exact MONITOR INTERFACE COUNT: for all the maps of fixtures/counts.bpf.c, on ingress
all_exact() {
	local kind

	for kind in $KINDS; do
		exact "$1" ingress "$2" "drained_${kind}_total" "$3"
		exact "$1" ingress "$2" "whole_${kind}_total" "$3"
	done
}

# -- exactness: three consumers and a reload after the other, at full speed --

swap_on() {
	cable_up mon1 peer1
	cable_up mon2 peer2
	three_kinds "$1"
	collectd_configure < <(monitor dialect "$1" mon0; monitor libbpf "$1" mon1; monitor bare "$1" mon2)
	collectd_start
	read_live dialect libbpf bare
	flood 100000 peer0 peer1 peer2
	stop_reading
	all_exact dialect mon0 "$SENT"
	all_exact libbpf mon1 "$SENT"
	all_exact bare mon2 "$SENT"
	[ "$(jq .new "$SEEN")" -eq 0 ]
	collectd_stop
	nothing_attached
}

@test "swap-on-read on tcx: exact with reloads and all readers" { swap_on tcx; }
@test "swap-on-read on tc: exact with reloads and all readers" { swap_on tc; }
@test "swap-on-read on xdp: exact with reloads and all readers" { swap_on xdp; }
@test "swap-on-read on xdp-generic: exact with reloads and all readers" { swap_on xdp-generic; }

@test "reloads with kept maps: exact, hundreds of them, on every hook" {
	cable_up mon1 peer1
	document tcx "$(plain_counts)" "$(metrics false | jq 'map(select(.name | startswith("whole")))')"
	bundle tcx
	ln "$DOCUMENTS/tcx.o" "$DOCUMENTS/tc.o"
	bundle tcx xdp
	mv "$DOCUMENTS/tcx.o" "$DOCUMENTS/xdp.o"
	ln "$DOCUMENTS/tc.o" "$DOCUMENTS/tcx.o"
	ln "$DOCUMENTS/xdp.o" "$DOCUMENTS/generic.o"
	collectd_configure < <(monitor tcx tcx mon0; monitor tc tc mon0; monitor xdp xdp mon0; monitor generic xdp-generic mon1)
	collectd_start
	read_live --enough 100 tcx tc xdp generic
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
