# <Feed> blocks: collectd values are written to maps, and dataplanes react to them.
# shellcheck shell=bash
bats_require_minimum_version 1.5.0
load lib

setup() {
	need_root
	network_up
	documents_up
}

# conf: writes a collectd.conf with these lines in the block, and with collectd's own socket for
# PUTVAL. With one write thread, a value has reached all plugins when the next value arrives.
conf() {
	local ours

	collectd_configure
	ours=$(cat "$CONF")
	cat >"$CONF" <<-END
	WriteThreads 1
	LoadPlugin unixsock
	<Plugin unixsock>
	  SocketFile "$BATS_TEST_TMPDIR/unixsock"
	</Plugin>
	$ours
	END
}

# feed NAME [LINES]: a <Feed> block that writes the load to the field one_of of the monitor edge.
feed() {
	printf '<Feed "%s">\nMatch "load/load"\nMonitor "edge"\nMap "config"\nField "one_of"\n%s\n</Feed>\n' \
		"$1" "${2:-}"
}

# monitor [LINES]: a <Monitor> block for edge on mon0.
monitor() {
	printf '<Monitor "edge">\nInterface "mon0"\nDataplane "dataplane.json"\n%s\n</Monitor>\n' "${1:-}"
}

# put ID VALUES [TIME]: sends a value to collectd.
put() {
	local answer

	answer=$(printf 'PUTVAL "host/%s" interval=10 %s:%s\n' "$1" "${3:-N}" "$2" |
		near python3 "$top_srcdir/tests/tools/rawsocket.py" "$BATS_TEST_TMPDIR/unixsock")
	[[ "$answer" == 0\ * ]] || { echo "$answer"; return 1; }
}

# document [SWAP [EMPTY]] <CODE: writes dataplane.json, whose metric is the map config.
document() {
	jq -n --rawfile code /dev/stdin --argjson swap "${1:-false}" --argjson empty "${2:-false}" '{"ingress-path": {"name": "fed", "code": $code,
		"metric-configs": [{"name": "config", "map-name": "config",
		"extraction-options": {"swap-on-read": $swap, "empty-on-read": $empty}}]}, "egress-path": {}}' >"$DOCUMENTS/dataplane.json"
}

# code FIELDS [FLAGS] [STATEMENTS]: a program with a map of structs with these fields. For each
# packet, the program looks up the entry and copies one_of to seen.
code() {
	cat <<-END
	#include <linux/bpf.h>
	#include <bpf/bpf_helpers.h>
	struct config { $1 };
	struct { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, __u32); __type(value, struct config);
		__uint(max_entries, 1); __uint(map_flags, ${2:-0}); } config SEC(".maps");
	SEC("tc") int fed(struct __sk_buff *skb)
	{
		__u32 zero = 0;
		struct config *entry = bpf_map_lookup_elem(&config, &zero);

		if (entry) { ${3:-entry->seen = entry->one_of;} }
		return -1;
	}
	char LICENSE[] SEC("license") = "GPL";
	END
}

# config JQ: a field of the map entry.
config() { json_value edge ingress config | jq -c ".[0]${1:-}"; }
config_is() { [ "$(config "$1")" = "$2" ]; }
fed() { ctl show edge | jq -c ".feeds[] | select(.name == \"$1\") | $2"; }
fed_is() { [ "$(fed "$1" "$2")" = "$3" ]; }
stat_is() { [ "$(ctl stats | awk -v name="$1" '$1 == name { print $2 }')" = "$2" ]; }

@test "a feed sets a sampling rate that follows the load" {
	DATAPLANE_DIR=$top_srcdir/examples
	conf < <(printf '<Monitor "sampler">\nInterface "mon0"\nDataplane "sampler.json"\n</Monitor>\n'
		sed -n '/<Feed/,/<\/Feed>/p' "$top_srcdir/examples/sampler.conf")
	collectd_start
	sampled() {
		ctl openmetrics sampler | awk '/^sampler_(sampled|packets)_total/ { print $2 }' | xargs
	}
	one_of() { ctl openmetrics sampler | awk '/^sampling_one_of/ { print $2 }'; }
	one_of_is() { [ "$(one_of)" = "$1" ]; }
	frames_in 100
	[ "$(sampled)" = "100 100" ]
	put load/load 0.52:7:7
	eventually one_of_is 5
	frames_in 100
	[ "$(sampled)" = "200 120" ]
	put load/load 4:7:7
	eventually one_of_is 40
	frames_in 200
	[ "$(sampled)" = "400 125" ]
	[ "$(ctl show sampler | jq -c '.feeds[] | [.name, .from, .value, .scale, .values, .errors, ."last-error"]')" = \
		'["load","host/load/load",4,10,2,0,null]' ]
	collectd_stop
	nothing_attached
}

@test "a reload starts with the last value of a feed" {
	# least is one more than the smallest value that a packet has seen. A reload with other
	# fields creates a new map.
	least='if (!entry->least || entry->one_of < entry->least - 1) entry->least = entry->one_of + 1;'
	document < <(code '__u32 one_of; __u32 least;' 0 "$least")
	conf < <(monitor; feed load)
	collectd_start
	put load/load 7:0:0
	eventually config_is .one_of 7
	document < <(code '__u32 one_of; __u64 more; __u32 least;' 0 "$least")
	while :; do frames_in 100; done &
	sender=$!
	run ctl reload
	kill "$sender"
	wait "$sender" || true
	[[ "$output" == *'ingress map config is new'* ]]
	[ "$(config .one_of)" = 7 ]
	frames_in 1
	[ "$(config .least)" = 8 ]
	put load/load 9:0:0
	eventually config_is .one_of 9
	[ "$(fed load '.values, .errors' | xargs)" = "2 0" ]
	# The new map has no such field. The reload command reports this, and the log contains it
	# once.
	document < <(code '__u32 few; __u32 seen;' 0 'entry->seen = 1;')
	run -0 ctl reload
	[[ "$output" == *'monitor edge: feed "load": ingress: map config: the value has no field "one_of"; there are few, seen'* ]]
	put load/load 10:0:0
	eventually fed_is load .values 3
	put load/load 11:0:0
	eventually fed_is load .errors 3
	[ "$(grep -c 'feed "load": ' "$LOG")" -le 1 ]
	[ "$(fed load '."last-error"')" = '"ingress: map config: the value has no field \"one_of\"; there are few, seen"' ]
	stat_is feed_errors 3
	document < <(code '__u32 one_of; __u32 seen;')
	ctl reload
	[ "$(config .one_of)" = 11 ]
	[ "$(fed load '."last-error"')" = null ]
}

@test "a feed into an mmapable map keeps what the program writes next to it" {
	document < <(code '__u32 one_of; __u32 seen; __u64 packets;' BPF_F_MMAPABLE \
		'entry->seen = entry->one_of; __sync_fetch_and_add(&entry->packets, 1);')
	conf < <(monitor; feed load)
	collectd_start
	frames_in 5000 &
	for i in $(seq 20); do put load/load "$i:0:0"; done
	wait $!
	eventually config_is .one_of 20
	[ "$(fed load .values)" = 20 ]
	eventually config_is .packets 5000
	frames_in 1
	[ "$(config .seen)" = 20 ]
}

@test "a feed writes both copies of a swapped map, and the maps of each interface" {
	cable_up mon1 peer1
	document true < <(code '__u32 one_of; __u32 seen;')
	conf < <(monitor 'Interface "mon1"'; feed load)
	collectd_start
	seen() { ctl metrics edge | jq -c ".\"ingress-metrics\"[$1].value[0].seen"; }
	put load/load 6:0:0
	put load/load 6:0:0
	# A value is counted after it has been written to all copies of the map.
	eventually fed_is load .values 2
	# After any number of reads each packet sees the value; seen is the sum of the values that
	# packets have copied.
	ctl metrics edge
	ctl metrics edge
	ctl metrics edge
	before=$(seen 0)
	frames_in 1
	[ "$(seen 0)" = $((before + 6)) ]
	frames_in 1
	[ "$(seen 0)" = $((before + 12)) ]
	before=$(seen 1)
	frames_at peer1 1
	[ "$(seen 1)" = $((before + 6)) ]
	cable_up mon2 peer2
	ctl attach edge mon2
	frames_at peer2 1
	[ "$(seen 2)" = 6 ]
}

@test "feeds match rates, data sources, hosts and patterns; a missing value is logged once" {
	document < <(code '__s32 one_of; __u32 rate; __s16 other;' 0 ';')
	conf < <(monitor; feed load 'DataSource "longterm"'; cat <<-EOF
	<Feed "rate">
	  Match "host/interface-*/if_octets"
	  DataSource "tx"
	  Monitor "edge"
	  Path "ingress"
	  Map "config"
	  Key 0
	  Field "rate"
	  Scale 8
	</Feed>
	<Feed "other">
	  Match "elsewhere/load/load"
	  Monitor "edge"
	  Map "config"
	  Field "other"
	</Feed>
	<Feed "nosuch">
	  Match "load/lo?d"
	  DataSource "shortest"
	  Monitor "edge"
	  Map "config"
	  Field "other"
	</Feed>
	EOF
	)
	collectd_start
	now=$(date +%s)
	put load/load 1:2:-3.5
	eventually config_is .one_of -4
	put interface-eth0/if_octets 0:1000 $((now - 20))
	put interface-eth0/if_octets 0:2000 $((now - 10))
	eventually config_is .rate 800
	[ "$(fed rate '.values, .from' | xargs)" = "1 host/interface-eth0/if_octets" ]
	put load/load 1:2:U
	put load/load 1:2:99999999999
	eventually config_is .one_of 2147483647
	[ "$(fed load .values)" = 2 ]
	[ "$(fed other '.values, .value' | xargs)" = "0 null" ]
	[ "$(config .other)" = 0 ]
	eventually fed_is nosuch .errors 3
	[ "$(grep -c 'feed "nosuch": type load has no data source "shortest"; there are shortterm, midterm, longterm' "$LOG")" = 1 ]
}

@test "a reload adds, changes and removes feeds; a missing monitor is waited for" {
	document < <(code '__u32 one_of; __u32 other; __u32 seen;')
	conf < <(monitor)
	collectd_start
	put load/load 1:1:1
	put after/gauge 1
	eventually test -d "$DIR/csv/host/after"
	[ "$(ctl stats | grep -c '^feed.* 0$')" = 4 ]
	conf < <(monitor; feed load; feed late | sed 's/"edge"/"later"/')
	[ "$(ctl reload)" = "$(printf 'feed "load": added\nfeed "late": added\nfeed "late": no monitor is called "later", waiting for it')" ]
	stat_is feeds 2
	stat_is feeds_waiting 1
	put load/load 3:1:1
	eventually config_is .one_of 3
	eventually stat_is feed_values 2
	[[ "$(ctl reload)" != *feed* ]]
	ctl inject later mon0 "$DOCUMENTS/dataplane.json"
	stat_is feeds_waiting 0
	[ "$(json_value later ingress config | jq .[0].one_of)" = 3 ]
	# Another field receives the last value at once, without waiting for the next value.
	conf < <(monitor; feed load 'Scale 2' | sed 's/one_of/other/')
	[ "$(ctl reload)" = "$(printf 'feed "load": settings changed\nfeed "late": removed, it is not configured any more')" ]
	[ "$(config '|[.one_of, .other]')" = '[3,6]' ]
	put load/load 4:1:1
	eventually config_is .other 8
	[ "$(config .one_of)" = 3 ]
	conf < <(monitor)
	[ "$(ctl reload)" = 'feed "load": removed, it is not configured any more' ]
	put load/load 5:1:1
	put load/load 6:1:1
	[ "$(config .other)" = 8 ]
	stat_is feed_values 3
	collectd_stop
	nothing_attached
}

# forge HOST VALUE: sends a packet of collectd's network protocol with the load of that host.
forge() {
	near python3 - "$1" "$2" <<-'END'
	import socket, struct, sys, time

	def string(kind, text):
	    return struct.pack(">HH", kind, 5 + len(text)) + text.encode() + b"\0"

	def number(kind, value):
	    return struct.pack(">HHQ", kind, 12, value)

	values = [float(sys.argv[2])] * 3
	packet = (string(0, sys.argv[1]) + number(8, int(time.time()) << 30) + number(9, 10 << 30) +
	          string(2, "load") + string(4, "load") +
	          struct.pack(">HHH", 6, 6 + 9 * len(values), len(values)) + b"\1" * len(values) +
	          struct.pack("<%dd" % len(values), *values))
	socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(packet, ("127.0.0.1", 25826))
	END
}

@test "a value from the network is accepted only if Match names a host" {
	document < <(code '__u32 one_of; __u32 one; __u32 all; __u32 seen;')
	named() { feed "$1" | sed "s|load/load|$2/load/load|; s/one_of/$1/"; }
	conf < <(monitor; feed own; named one elsewhere; named all '*')
	sed -i '1i LoadPlugin network\n<Plugin network>\n  Listen "127.0.0.1" "25826"\n</Plugin>' "$CONF"
	collectd_start
	# One forged packet with the name of this host, and one with another name: collectd accepts
	# both.
	forge host 666
	eventually fed_is all .values 1
	[ "$(config .one_of)" = 0 ]
	forge elsewhere 5
	eventually fed_is all .values 2
	eventually fed_is one .values 1
	[ "$(config '|[.one_of, .one, .all]')" = '[0,5,5]' ]
	[ "$(fed own '.values, .errors' | xargs)" = "0 0" ]
	[ "$(grep -cF 'feed "own": a value that came from another host or over the network is ignored: Match "load/load" takes only values of this host' "$LOG")" = 1 ]
	# A value that collectd itself has read.
	put load/load 7:7:7
	eventually fed_is own .values 1
	[ "$(config .one_of)" = 7 ]
}

@test "the write callback is registered from the start, with and without feeds" {
	document < <(code '__u32 one_of; __u32 seen;')
	conf < <(monitor)
	cat >>"$CONF" <<-END
	PostCacheChain "to-dynmon"
	<Chain "to-dynmon">
	  <Target "write">
	    Plugin "dynmon"
	    Plugin "csv"
	  </Target>
	</Chain>
	END
	chain=$(sed -n '/^PostCacheChain/,$p' "$CONF")
	collectd_start
	put after/gauge 1
	eventually test -d "$DIR/csv/host/after"
	conf < <(monitor; feed load)
	echo "$chain" >>"$CONF"
	ctl reload
	put load/load 3:1:1
	eventually config_is .one_of 3
	collectd_stop
	run ! grep -F -e 'Dispatching value to the' -e 'No write callback' "$LOG"
}

@test "a feed into a map with empty-on-read is rejected" {
	document false true < <(code '__u32 one_of; __u32 seen;')
	conf < <(monitor; feed load)
	collectd_start
	grep -F 'feed "load": ingress: map config: metric "config" empties the map with each read (empty-on-read)' "$LOG"
	put load/load 5:1:1
	eventually fed_is load .errors 1
	[ "$(config .one_of)" = 0 ]
}

@test "a full map is logged once; the program finds the created entry" {
	jq -n --rawfile code /dev/stdin '{"ingress-path": {"name": "fed", "code": $code, "metric-configs": [
		{"name": "config", "map-name": "config"}]}, "egress-path": {}}' >"$DOCUMENTS/dataplane.json" <<-'END'
	#include <linux/bpf.h>
	#include <bpf/bpf_helpers.h>
	struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, __u32); __type(value, __u32);
		__uint(max_entries, 1); } config SEC(".maps");
	SEC("tc") int fed(struct __sk_buff *skb)
	{
		__u32 one = 1, *value = bpf_map_lookup_elem(&config, &one);

		if (value)
			*value = 77;
		return -1;
	}
	char LICENSE[] SEC("license") = "GPL";
	END
	conf < <(monitor; feed first $'Key 1' | grep -v Field; feed second $'Key 2' | grep -v Field)
	collectd_start
	put load/load 5:1:1
	eventually fed_is second .errors 1
	put load/load 6:1:1
	eventually fed_is second .errors 2
	[ "$(grep -c 'monitor edge: feed "second": map config: the map is full' "$LOG")" = 1 ]
	[ "$(fed second '."last-error"')" = '"map config: the map is full"' ]
	[ "$(config .value)" = 6 ]
	frames_in 1
	[ "$(config .value)" = 77 ]
}

@test "invalid <Feed> blocks prevent the start and give the reason" {
	refused() { # BLOCK WORDS
		conf <<<"$1"
		run near env LD_PRELOAD="${DYNMON_PRELOAD:-}" timeout "$PATIENCE" collectd -f -C "$CONF"
		[ "$status" -ne 0 ]
		[ "$status" -ne 124 ]
		grep -F "$2" "$LOG"
	}
	refused '<Feed "a">
	  Match "load"
	  Key "x"
	  Path "up"
	  Scale "much"
	  Monitor "a b"
	</Feed>' 'dynmon: Feed "a": Match: expected [host/]plugin[-instance]/type[-instance], with *, ? and [...] as in the shell'
	for words in 'Key: expected an integer, or {"field": number, ...} for a struct, found "x"' \
		'Path: expected ingress or egress, found "up"' 'Scale: expected a number, found "much"' 'Monitor: monitor name: expected'; do
		grep -F "$words" "$LOG"
	done
	refused '<Feed "a">
	  Match "load/load"
	</Feed>' 'dynmon: Feed "a": expected the option Monitor'
	refused '<Feed "a">
	</Feed>' 'dynmon: Feed "a": expected the option Match'
	refused '<Feed "a">
	  Match "load/load"
	  Key "{\"port\": 1.5}"
	</Feed>' 'dynmon: Feed "a": Key: port: expected an integer, found 1.5'
}
