# Programs that are attached by their section, here to tracepoints, in monitors without interfaces.
# shellcheck shell=bash
bats_require_minimum_version 1.5.0
load lib

# A tracepoint sees the whole machine. Program names and ports include the process ID, because other
# tests use the same examples.
setup_file() { export BATS_NO_PARALLELIZE_WITHIN_FILE=true; }

setup() {
	need_root
	network_up
	bpffs_up
	# libbpf looks for tracepoints there.
	kept mount -t tracefs tracefs /sys/kernel/tracing || skip "this kernel has no tracefs"
	documents_up "$top_srcdir"/examples/*.json "$top_srcdir"/bpf/*.bpf.c
	# A document that comes over the socket may not name files outside of DataplaneDir.
	sed -i 's|"../bpf/|"|' "$DOCUMENTS"/*.json
	RESENT=resent_$$ DROP=drop_$$
	sed -i "s/count_retransmit/$RESENT/; s/count_drop/$DROP/" "$DOCUMENTS"/*.bpf.c
	PORT=$((10000 + $$ % 25000 * 2))
}

start_with() { # MONITOR DOCUMENT [OPTION ...]
	collectd_configure <<-EOF
	<Monitor "$1">
	  Dataplane "$2"
	$(printf '%s\n' "${@:3}")
	</Monitor>
	EOF
	collectd_start
}

retransmits_to() { # PORT: as far as anybody has seen
	ctl openmetrics tcp | sed -n "s/^tcp_retransmits_total{monitor=\"tcp\",interface=\"\",direction=\"ingress\",daddr=\"10.9.0.2\",dport=\"$1\"} //p"
}

at_least() { [ "$("${@:2}")" -ge "$1" ]; }

# The peer does not run TCP and does not answer, so the kernel retransmits. The client gives up by
# itself.
connect_in_vain() { # PORT
	near timeout "$PATIENCE" python3 -c 'import socket, sys
s = socket.socket()
s.settimeout(2.5)
try:
	s.connect(("10.9.0.2", int(sys.argv[1])))
except OSError:
	pass' "$1"
}

# Programs of that name on the whole host.
tracepoint_ids() { bpftool prog show name "$1" | sed -n 's/^\([0-9]*\): tracepoint.*/\1/p'; }

no_program() { [ -z "$(tracepoint_ids "$1")" ]; }

section_ids() { ctl show "$1" | jq -c .sections; }

@test "tcp_retransmits counts retransmissions; a reload keeps the counts" {
	start_with tcp tcp_retransmits.json
	monitor_is tcp running
	[ "$(section_ids tcp)" = '["tracepoint/tcp/tcp_retransmit_skb"]' ]
	[ "$(ctl show tcp | jq -c .interfaces)" = "[]" ]
	connect_in_vain "$PORT"
	eventually at_least 1 retransmits_to "$PORT"
	before=$(retransmits_to "$PORT")
	[ "$before" -eq "$(near cat /proc/net/snmp | awk '/^Tcp:/ { n = $13 } END { print n }')" ]
	[ "$(ctl reload tcp force=true | tail -n 1)" = "monitor tcp: dataplane replaced" ]
	[ "$(retransmits_to "$PORT")" = "$before" ]
	connect_in_vain "$PORT"
	eventually at_least $((before + 1)) retransmits_to "$PORT"
	connect_in_vain $((PORT + 1))
	eventually at_least 1 retransmits_to $((PORT + 1))
	[ "$(ctl metrics tcp | jq -c --argjson port "$PORT" '[."ingress-metrics"[0].value[].key.dport |
		select(. == $port or . == $port + 1)] | sort')" = "[$PORT,$((PORT + 1))]" ]
	eventually csv_exists tcp
	collectd_stop
	eventually no_program "$RESENT"
}

csv_exists() { compgen -G "$DIR/csv/host/dynmon-$1/*-*" >/dev/null; }

# Counts the whole host, so other drops may be included.
drops_of() { # REASON
	local n

	n=$(ctl openmetrics drops | sed -n "s/^dropped_packets_total{monitor=\"drops\",interface=\"\",direction=\"ingress\",reason=\"$1\"} //p")
	echo "${n:-0}"
}

# The number of a drop reason in the kernel.
reason() {
	kept sed -n "s/.*{ \([0-9]*\), \"$1\" }.*/\1/p" /sys/kernel/tracing/events/skb/kfree_skb/format
}

@test "drop_reasons counts drops by reason; DEL detaches" {
	start_with drops drop_reasons.json
	no_socket=$(reason NO_SOCKET)
	[ -n "$no_socket" ]
	before=$(drops_of "$no_socket")
	# To a port without a listener.
	near python3 -c 'import socket
for i in range(50):
	socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", 9))'
	[ "$(drops_of "$no_socket")" -ge $((before + 50)) ]
	before=$(drops_of "$no_socket")
	ctl reload drops force=true
	[ "$(drops_of "$no_socket")" -ge "$before" ]
	[ -n "$(tracepoint_ids "$DROP")" ]
	ctl del drops
	eventually no_program "$DROP"
}

@test "several programs of one object on their tracepoints, and a change of their set" {
	both='#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, __u32); __type(value, __u64); __uint(max_entries, 2); } seen SEC(".maps");
static __always_inline int hit(__u32 key) { __u64 *n = bpf_map_lookup_elem(&seen, &key); if (n) __sync_fetch_and_add(n, 1); return 0; }
SEC("tracepoint/syscalls/sys_enter_getcwd") int getcwd_'$$'(void *ctx) { return hit(0); }
SEC("raw_tracepoint/netif_receive_skb") int on_receive(void *ctx) { return hit(1); }
char l[] SEC("license") = "GPL";'
	jq -n --arg code "$both" '{"ingress-path": {code: $code, "metric-configs": [{name: "seen", "map-name": "seen"}]}}' \
		>"$DOCUMENTS/both.json"
	start_with both both.json
	[ "$(section_ids both)" = '["tracepoint/syscalls/sys_enter_getcwd","raw_tracepoint/netif_receive_skb"]' ] ||
		{ grep "no such file" "$LOG" && skip "no syscall tracepoints"; }
	frames_in 20
	[ "$(ctl metrics both | jq '."ingress-metrics"[0].value[1]')" -ge 20 ]
	jq '."ingress-path".program = "on_receive"' "$DOCUMENTS/both.json" >"$DOCUMENTS/one.json"
	raw "INJECT both keep-maps=true file=one.json" | grep -F 'ingress map seen is kept'
	[ "$(section_ids both)" = '["raw_tracepoint/netif_receive_skb"]' ]
	[ "$(ctl metrics both | jq '."ingress-metrics"[0].value[1]')" -ge 20 ]
	ctl eject both
	[ "$(section_ids both)" = '[]' ]
	monitor_is both empty
	eventually no_program "getcwd_$$"
}

@test "uprobes, including sleepable ones" {
	collectd_configure </dev/null
	collectd_start
	for section in uprobe uprobe.s; do
		jq -n --arg code "#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, __u32); __type(value, __u64); __uint(max_entries, 1); } seen SEC(\".maps\");
SEC(\"$section//bin/bash:main\") int on_bash(void *ctx) { __u32 key = 0; __u64 *n = bpf_map_lookup_elem(&seen, &key); if (n) __sync_fetch_and_add(n, 1); return 0; }
char l[] SEC(\"license\") = \"GPL\";" '{"ingress-path": {code: $code, "metric-configs": [{name: "seen", "map-name": "seen"}]}}' \
			>"$DOCUMENTS/$section.json"
		ctl inject probe "$DOCUMENTS/$section.json"
		[ "$(section_ids probe)" = "[\"$section//bin/bash:main\"]" ]
		inside /bin/bash -c :
		[ "$(ctl metrics probe | jq '."ingress-metrics"[0].value[0]')" -ge 1 ]
		ctl del probe
	done
}

@test "options that need an interface are rejected with a message" {
	collectd_configure <<-EOF
	<Monitor "bound">
	  Interface "mon0"
	  Dataplane "drop_reasons.json"
	</Monitor>
	EOF
	collectd_start
	no_interface="the dataplane's programs are attached by their section, and not to an interface: the monitor must have no interface"
	grep -F "monitor bound: drop_reasons.json: $no_interface" "$LOG"
	monitor_is bound failed
	eventually no_program "$DROP"
	ctl del bound

	ctl add drops
	run raw "INJECT drops interface=mon0 file=drop_reasons.json"
	[ "$output" = "-1 $no_interface" ]
	run raw "INJECT drops file=drop_reasons.json"
	[[ $output == *"monitor drops: dataplane injected"* ]]
	run ctl attach drops mon0
	[ "$output" = "dynmonctl: $no_interface" ]
	run ctl attach drops '/^mon/'
	[ "$output" = "dynmonctl: $no_interface" ]
	monitor_is drops running

	jq '."ingress-path"."metric-configs"[0]."extraction-options" = {"swap-on-read": true}' \
		"$DOCUMENTS/drop_reasons.json" >"$DOCUMENTS/swap.json"
	run raw "INJECT drops file=swap.json"
	[ "$output" = "-1 ingress-path: map drops: swap-on-read is not possible, the kernel cannot replace a program that is attached by its section" ]
	jq --slurpfile counter "$DOCUMENTS/packet_counter.json" '."egress-path" = $counter[0]."egress-path"' \
		"$DOCUMENTS/drop_reasons.json" >"$DOCUMENTS/mixed.json"
	run raw "INJECT drops file=mixed.json"
	[ "$output" = "-1 ingress-path has programs that are attached by their section: egress-path must have no code" ]
	ctl add counter
	raw "INJECT counter file=packet_counter.json" | grep -F "dataplane injected"
	run raw "INJECT counter file=drop_reasons.json"
	[ "$output" = "-1 ingress-path has programs that are attached by their section: egress-path must have no code; first eject the running egress-path" ]
	ctl eject counter
	raw "INJECT counter file=drop_reasons.json" | grep -F "dataplane injected"
	ctl del counter
	sed 's|tracepoint/skb/kfree_skb|tracepoint/skb/no_such_event|' "$top_srcdir/bpf/drop_reasons.bpf.c" \
		>"$DOCUMENTS/missing.bpf.c"
	jq '."ingress-path"."code-file" = "missing.bpf.c"' "$DOCUMENTS/drop_reasons.json" >"$DOCUMENTS/missing.json"
	run raw "INJECT drops file=missing.json"
	[[ $output == '-1 program count_drop: cannot attach to "tracepoint/skb/no_such_event": '* ]]
	# After the failures the old dataplane still works.
	before=$(drops_of "$(reason NO_SOCKET)")
	near python3 -c 'import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", 9))'
	[ "$(drops_of "$(reason NO_SOCKET)")" -gt "$before" ]
}

@test "Pin: programs attached by section continue, and their counts are taken over" {
	start_with tcp tcp_retransmits.json 'Pin true' 'Interval 3600'
	connect_in_vain "$PORT"
	eventually at_least 1 retransmits_to "$PORT"
	before=$(retransmits_to "$PORT")
	collectd_crash
	connect_in_vain "$PORT"
	: >"$LOG"
	collectd_start
	[ "$(retransmits_to "$PORT")" -gt "$before" ]
	[ "$(tracepoint_ids "$RESENT" | wc -l)" -eq 1 ]
	ctl del tcp
	eventually no_program "$RESENT"
	[ -z "$(kept find /sys/fs/bpf/dynmon -mindepth 1)" ]
}
