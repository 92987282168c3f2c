# Objects of other projects: pins by name, variables, tail calls, maps of maps.
# shellcheck shell=bash
bats_require_minimum_version 1.5.0
load lib

setup() {
	need_root
	network_up
	documents_up
}

# document NAME KEYS: a document of the C code on standard input, with further keys of the direction.
document() {
	jq -n --rawfile code /dev/stdin --argjson keys "$2" '{"ingress-path": ({code: $code} + $keys)}' >"$DOCUMENTS/$1"
}

# The metric n of the map named.
metric() { printf '"metric-configs": [{"name": "n", "map-name": "%s", "open-metrics-metadata": {"type": "counter"}}]' "$1"; }

@test "a map with LIBBPF_PIN_BY_NAME belongs to its monitor, which is reported" {
	cable_up mon1 peer1
	start_empty
	document pinned.json "{$(metric hits)}" <<-'CODE'
	#include <linux/bpf.h>
	#include <bpf/bpf_helpers.h>
	struct { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, __u32); __type(value, __u64); __uint(max_entries, 1);
		__uint(pinning, LIBBPF_PIN_BY_NAME); } hits SEC(".maps");
	SEC("tc") int count(struct __sk_buff *skb) {
		__u32 key = 0;
		__u64 *n = bpf_map_lookup_elem(&hits, &key);

		if (n)
			__sync_fetch_and_add(n, 1);
		return -1;
	}
	char _license[] SEC("license") = "GPL";
	CODE
	run -0 offline check "$DOCUMENTS/pinned.json"
	[[ $output == *"ingress: LIBBPF_PIN_BY_NAME is ignored, the monitor has its own maps: hits"* ]]
	run -0 ctl inject one mon0 "$DOCUMENTS/pinned.json"
	[[ $output == *"ingress: LIBBPF_PIN_BY_NAME is ignored, the monitor has its own maps: hits"* ]]
	ctl inject two mon1 "$DOCUMENTS/pinned.json"
	frames_in 2
	frames_at peer1 3
	[ "$(json_value one ingress n)" = "[2]" ]
	[ "$(json_value two ingress n)" = "[3]" ]
	ctl inject one mon0 "$DOCUMENTS/pinned.json"
	[ "$(json_value one ingress n)" = "[0]" ]
	run ! inside test -e /sys/fs/bpf/hits
}
