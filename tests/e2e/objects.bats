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

# Counts the frames from port targ_port on, in a map that has room for few of them.
ports_code() {
	cat <<-'CODE'
	#include <linux/bpf.h>
	#include <linux/if_ether.h>
	#include <linux/ip.h>
	#include <linux/udp.h>
	#include <bpf/bpf_helpers.h>
	#include <bpf/bpf_endian.h>
	const volatile __u16 targ_port = 1000;
	struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, __u16); __type(value, __u64); __uint(max_entries, 8); } ports SEC(".maps");
	SEC("tc") int count(struct __sk_buff *skb)
	{
		void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
		struct udphdr *udp = data + sizeof(struct ethhdr) + sizeof(struct iphdr);
		__u64 one = 1, *n;
		__u16 port;

		if ((void *)(udp + 1) > end)
			return -1;
		port = bpf_ntohs(udp->dest);
		if (port < targ_port)
			return -1;
		n = bpf_map_lookup_elem(&ports, &port);
		if (n)
			__sync_fetch_and_add(n, 1);
		else
			bpf_map_update_elem(&ports, &port, &one, 0);
		return -1;
	}
	char _license[] SEC("license") = "GPL";
	CODE
}
# total MONITOR NUMBER: the monitor has counted this many frames.
total() { [ "$(json_value "$1" ingress n | jq 'map(.value) | add // 0')" -eq "$2" ]; }

@test "variables and maps of the code are set by the document, Set, and set=" {
	ports_code | document ports.json "{$(metric ports)}"
	jq '."ingress-path" += {variables: {targ_port: 50}, maps: {ports: {"max-entries": 4}}}' \
		"$DOCUMENTS/ports.json" >"$DOCUMENTS/set.json"
	collectd_configure <<-EOF
	<Monitor "edge">
	  Interface "mon0"
	  Dataplane "ports.json"
	  Set "targ_port=50"
	</Monitor>
	EOF
	collectd_start
	ctl inject plain mon0 "$DOCUMENTS/ports.json"
	ctl inject document mon0 "$DOCUMENTS/set.json"
	ctl inject word mon0 set=targ_port=60 "$DOCUMENTS/ports.json"
	ctl inject file mon0 set=targ_port=60 file=ports.json
	run -1 ctl inject word mon0 set=targ_port=70000 "$DOCUMENTS/ports.json"
	[[ $output == *'ingress-path: variable "targ_port": expected an integer from 0 to 65535, found "70000"'* ]]
	run -1 ctl inject word mon0 set=nosuch=1 "$DOCUMENTS/ports.json"
	[[ $output == *'ingress-path: variable "nosuch" does not exist; the code has the variables: targ_port'* ]]
	run -1 ctl inject word mon0 set=nosuch "$DOCUMENTS/ports.json"
	[[ $output == *'set: expected NAME=VALUE'* ]]
	frames_in 2 -d 55
	frames_in 3 -d 65
	total plain 0
	total edge 5
	total document 5
	total word 3
	total file 3
	[ "$(offline --json check "$DOCUMENTS/set.json" | jq '.ingress.maps[] | select(.name == "ports").entries')" -eq 4 ]
	# A reload applies a changed Set, and keeps what was injected.
	sed -i 's/targ_port=50/targ_port=65/' "$CONF"
	ctl reload | grep -Fx 'monitor edge: dataplane replaced'
	run -0 ctl reload
	[ "$output" = "nothing has changed" ]
	frames_in 1 -d 64
	total edge 5
	total file 4
	# A restart restores what was injected, with its variables.
	collectd_stop
	collectd_start
	frames_in 1 -d 59
	frames_in 1 -d 60
	total word 1
	total file 1
	total document 2
	total edge 0
}

@test "an invalid Set of collectd.conf fails the monitor with a reason" {
	ports_code | document ports.json "{$(metric ports)}"
	collectd_configure <<-EOF
	<Monitor "edge">
	  Interface "mon0"
	  Dataplane "ports.json"
	  Set "targ_port=many"
	</Monitor>
	EOF
	collectd_start
	grep -F 'ingress-path: variable "targ_port": expected an integer from 0 to 65535, found "many"' "$LOG"
	monitor_is edge failed
	sed -i 's/targ_port=many/targ_port/' "$CONF"
	run -1 ctl reload
	[[ $output == *'Set: expected NAME=VALUE, a variable of the dataplane and its value'* ]]
}

@test "a map is pinned by the document" {
	ports_code | document ports.json "{$(metric ports), \"maps\": {\"ports\": {\"pin\": \"/sys/fs/bpf/ports\"}}, \"variables\": {\"targ_port\": 0}}"
	start_empty
	ctl inject one mon0 "$DOCUMENTS/ports.json"
	frames_in 2
	ctl del one
	inside test -e /sys/fs/bpf/ports
	ctl inject two mon0 "$DOCUMENTS/ports.json"
	frames_in 1
	total two 3
}

@test "programs of a static PROG_ARRAY are loaded, and a map of maps has its static maps" {
	document calls.json "{$(metric inner)}" <<-'CODE'
	#include <linux/bpf.h>
	#include <bpf/bpf_helpers.h>
	struct array { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, __u32); __type(value, __u64); __uint(max_entries, 1); };
	struct array inner SEC(".maps");
	struct { __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS); __uint(max_entries, 2); __type(key, __u32); __array(values, struct array); }
		outer SEC(".maps") = { .values = { [1] = &inner } };
	SEC("tc/called") int called(struct __sk_buff *skb)
	{
		__u32 one = 1, zero = 0;
		void *map = bpf_map_lookup_elem(&outer, &one);
		__u64 *n = map ? bpf_map_lookup_elem(map, &zero) : NULL;

		if (n)
			__sync_fetch_and_add(n, 1);
		return -1;
	}
	struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 4); __type(key, __u32); __array(values, int(void *)); }
		calls SEC(".maps") = { .values = { [3] = (void *)&called } };
	SEC("tc") int entry(struct __sk_buff *skb)
	{
		bpf_tail_call(skb, &calls, 3);
		return -1;
	}
	char _license[] SEC("license") = "GPL";
	CODE
	jq '."ingress-path"."metric-configs"[0]."extraction-options" = {"empty-on-read": true}' "$DOCUMENTS/calls.json" >"$DOCUMENTS/empty.json"
	jq '."ingress-path"."metric-configs"[0]."extraction-options" = {"swap-on-read": true}' "$DOCUMENTS/calls.json" >"$DOCUMENTS/swap.json"
	start_empty
	for document in calls empty swap; do
		ctl inject $document mon0 "$DOCUMENTS/$document.json"
	done
	frames_in 3
	for document in calls empty swap; do
		[ "$(json_value $document ingress n)" = "[3]" ]
	done
	ctl inject calls mon0 keep-maps=true "$DOCUMENTS/calls.json" | grep -Fx 'ingress map inner is kept'
	frames_in 1
	[ "$(json_value calls ingress n)" = "[4]" ]
	[ "$(json_value empty ingress n)" = "[1]" ]
	[ "$(json_value swap ingress n)" = "[4]" ]
}
