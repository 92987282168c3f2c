# Metrics with struct values: families, labels, formats, units, and omitted series.
# shellcheck shell=bash
bats_require_minimum_version 1.5.0
load lib

setup() {
	need_root
	network_up
	documents_up "$BATS_TEST_DIRNAME/fixtures/flows.bpf.c"
}

# document METRIC ...: each argument is a metric-config in JSON.
document() {
	printf '%s\n' "$@" |
		jq -s '{"ingress-path": {"code-file": "flows.bpf.c", "metric-configs": .}}' >"$DOCUMENTS/flows.json"
}

start() {
	collectd_configure <<-EOF
	<Monitor "edge">
	  Interface "mon0"
	  Dataplane "flows.json"
	$(cat)
	</Monitor>
	EOF
	collectd_start
}

openmetrics() { metrics_page -H 'Accept: application/openmetrics-text; version=1.0.0'; }

@test "a struct key and value gives labels and families without declarations" {
	document '{"name": "flow_total", "map-name": "FLOWS", "open-metrics-metadata": {"type": "counter", "help": "Flows."}}'
	start </dev/null
	frames_in 30 -d 53
	frames_in 12 -d 80 -s 100
	page=$BATS_TEST_TMPDIR/page
	openmetrics >"$page"
	/usr/bin/python3 "$top_srcdir/tests/tools/parse-openmetrics.py" <"$page"
	grep -Fx '# TYPE flow_packets counter' "$page"
	labels='monitor="edge",interface="mon0",direction="ingress",saddr="10.9.0.2",to_port="53",proto="udp",mac="02:00:00:00:00:01",ifindex="mon0",exported_direction="DIRECTION_OUT",tag="new"'
	grep -Fx "flow_packets_total{$labels} 30" "$page"
	grep -Fx "flow_bytes_total{$labels} 1800" "$page"
	grep -Fx "flow_nanoseconds_total{$labels} 7500000000" "$page"
	grep -Fx "flow_packets_total{${labels/53/80}} 12" "$page"
	grep -Fx "flow_bytes_total{${labels/53/80}} 1200" "$page"
	run ! grep last_port "$page" # a port number is not exported as a value
	[ "$(grep '^# TYPE' "$page" | grep -cv dynmon_)" -eq 3 ]
	# the JSON form is unchanged
	[ "$(json_value edge ingress flow_total | jq -c '[.[].value.packets] | sort')" = "[12,30]" ]
	eventually csv_is edge-mon0 packets-flow-packets-10.9.0.2-53-udp-02:00:00:00:00:01-mon0-DIRECTION_OUT-new 30
	collectd_stop
}

@test "one field with unit and scale, labels renamed, formatted and replaced" {
	document '{"name": "busy", "map-name": "FLOWS", "open-metrics-metadata": {"type": "counter", "help": "Busy.", "value": "value.nanoseconds", "unit": "seconds", "scale": 1e-9,
		"labels": [{"name": "site", "value": "lab"}, {"name": "service", "field": "key.to.port", "format": "map", "values": {"53": "dns"}},
			{"name": "source", "field": "key.saddr", "format": "hex"}, {"name": "last", "field": "value.last_port"}]}}'
	start <<-'END'
	  <Metric "busy">
	    Type "gauge"
	    TypeInstance "%{metric}/%{label:service}/%{label:site}"
	  </Metric>
	END
	frames_in 3 -d 53
	openmetrics | grep -Fx '# UNIT busy_seconds seconds'
	openmetrics | grep -Fx 'busy_seconds_total{monitor="edge",interface="mon0",direction="ingress",site="lab",source="0a090002",service="dns",proto="udp",mac="02:00:00:00:00:01",ifindex="mon0",exported_direction="DIRECTION_OUT",tag="new",last="53"} 0.75'
	eventually csv_is edge-mon0 gauge-busy_dns_lab 0.750000
}

@test "labels are meta data of collectd values" {
	document '{"name": "busy", "map-name": "FLOWS", "open-metrics-metadata": {"type": "counter", "value": "value.packets",
		"labels": [{"name": "site", "value": "lab"}, {"name": "service", "field": "key.to.port"}]}}'
	collectd_at "$BATS_TEST_TMPDIR"
	collectd_write host 0.2 '
	LoadPlugin write_log
	<Plugin write_log>
	  Format "JSON"
	</Plugin>' <<-'END'
	<Monitor "edge">
	  Interface "mon0"
	  Dataplane "flows.json"
	</Monitor>
	END
	collectd_start
	frames_in 3 -d 53
	meta_is() {
		sed -n 's/^\[{"values"/&/p' "$LOG" | jq -c '.[] | select(.plugin_instance == "edge-mon0") | .meta' | tail -n 1 |
			jq '. == {site: "lab", saddr: "10.9.0.2", service: "53", proto: "udp", mac: "02:00:00:00:00:01",
				ifindex: "mon0", direction: "DIRECTION_OUT", tag: "new"}' | grep -x true
	}
	eventually meta_is
}

@test "the largest series are exported, with the sum of all and the number of the others" {
	document '{"name": "top", "map-name": "FLOWS", "max-series": 3, "top-by": "value.packets", "open-metrics-metadata": {"type": "counter", "help": "Top."}}'
	start <<-'END'
	  <Metric "top">
	    MaxSeries 2
	  </Metric>
	END
	# The largest counts are sent first, so that they are the largest at each read of collectd.
	for port in 6 5 4 3 2 1; do frames_in $((port * 10)) -d "$port"; done
	page=$BATS_TEST_TMPDIR/page
	openmetrics >"$page"
	/usr/bin/python3 "$top_srcdir/tests/tools/parse-openmetrics.py" <"$page"
	[ "$(sed -n 's/^top_packets_total.*to_port="\([0-9]*\)".* \([0-9]*\)$/\1 \2/p' "$page" | sort)" = $'4 40\n5 50\n6 60' ]
	[ "$(grep -c '^top_bytes_total{' "$page")" -eq 3 ]
	grep -Fx 'dynmon_series_left_out{monitor="edge",interface="mon0",direction="ingress",metric="top_packets_total"} 3' "$page"
	grep -Fx 'dynmon_series_sum{monitor="edge",interface="mon0",direction="ingress",metric="top_packets_total"} 210' "$page"
	eventually csv_is edge-mon0 packets-top-packets-total 210
	eventually csv_is edge-mon0 gauge-top-packets-left_out 4.000000
	for port in 5 6; do
		eventually csv_is edge-mon0 "packets-top-packets-10.9.0.2-$port-udp-02:00:00:00:00:01-mon0-DIRECTION_OUT-new" $((port * 10))
	done
	[ "$(find "$DIR/csv/host/dynmon-edge-mon0" -name 'packets-top-packets-10.9*' | wc -l)" -eq 2 ]
	openmetrics >/dev/null
	[ "$(grep -c 'metric "top": only the largest [0-9]* of 6 series' "$LOG")" -eq 1 ] # logged once, not at every read
	[ "$(json_value edge ingress top | jq length)" -eq 6 ]
}

@test "per-CPU values are added up, or exported for each CPU" {
	document '{"name": "all", "map-name": "BY_CPU", "open-metrics-metadata": {"type": "counter", "help": "All."}}' \
		'{"name": "each", "map-name": "BY_CPU", "per-cpu": "list", "open-metrics-metadata": {"type": "counter", "help": "Each."}}'
	start </dev/null
	frames_in 40
	page=$BATS_TEST_TMPDIR/page
	openmetrics >"$page"
	grep -Fx 'all_total{monitor="edge",interface="mon0",direction="ingress"} 40' "$page"
	[ "$(awk '/^each_total/ { sum += $2; n++ } END { print sum, (n > 0) }' "$page")" = "40 1" ]
	grep -q '^each_total{.*cpu="0"} ' "$page"
}

@test "the maximum number of labels" {
	cat >"$DOCUMENTS/wide.bpf.c" <<-'END'
	#include <linux/bpf.h>
	#include <linux/pkt_cls.h>
	#include <bpf/bpf_helpers.h>
	#define F8(f) __u8 f##0, f##1, f##2, f##3, f##4, f##5, f##6, f##7;
	struct wide { F8(a) F8(b) F8(c) F8(d) F8(e) F8(f) F8(g) F8(h) };
	typedef __u64 pair[2];
	struct {
		__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
		__type(key, struct wide);
		__type(value, pair);
		__uint(max_entries, 8);
	} WIDE SEC(".maps");
	SEC("tc") int count(struct __sk_buff *skb)
	{
		struct wide key = {};
		pair value = { 1, 2 };

		bpf_map_update_elem(&WIDE, &key, &value, BPF_ANY);
		return TC_ACT_UNSPEC;
	}
	char LICENSE[] SEC("license") = "GPL";
	END
	jq -n '{"ingress-path": {"code-file": "wide.bpf.c", "metric-configs": [{name: "wide", "map-name": "WIDE", "per-cpu": "list", "open-metrics-metadata":
		{type: "gauge", labels: [range(32) | {name: "l\(.)", value: "x"}]}}]}}' >"$DOCUMENTS/flows.json"
	start </dev/null
	frames_in 1
	page=$BATS_TEST_TMPDIR/page
	openmetrics >"$page"
	/usr/bin/python3 "$top_srcdir/tests/tools/parse-openmetrics.py" <"$page"
	grep -q '^wide{monitor="edge",interface="mon0",direction="ingress",l0="x",.*,l31="x",a0="0",.*,h7="0",cpu="0",index="1"} ' "$page"
	metrics_page -H 'Accept: application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited' |
		/usr/bin/python3 "$top_srcdir/tests/tools/parse-protobuf.py" "$top_srcdir/plugin/export/prometheus.proto" >"$page"
	grep -F 'h7="0"' "$page" | grep -F 'cpu="0"' | grep -qF 'index="1"'
}

@test "entries with equal labels become one series; a metric without numbers is reported" {
	cat >"$DOCUMENTS/merged.bpf.c" <<-'END'
	#include <linux/bpf.h>
	#include <linux/pkt_cls.h>
	#include <bpf/bpf_helpers.h>
	struct size { __u32 dir : 3, proto : 8; enum { SHORT, LONG } kind : 2; };
	struct pairs { __u64 pairs[2][2]; };
	struct {
		__uint(type, BPF_MAP_TYPE_HASH);
		__type(key, __u32);
		__type(value, __u64);
		__uint(max_entries, 8);
	} LENGTHS SEC(".maps");
	struct {
		__uint(type, BPF_MAP_TYPE_HASH);
		__type(key, struct size);
		__type(value, __u64);
		__uint(max_entries, 8);
	} SIZES SEC(".maps");
	struct {
		__uint(type, BPF_MAP_TYPE_ARRAY);
		__type(key, __u32);
		__type(value, struct pairs);
		__uint(max_entries, 1);
	} PAIRS SEC(".maps");
	static void count_in(void *map, void *key)
	{
		__u64 one = 1, *n = bpf_map_lookup_elem(map, key);

		if (n)
			__sync_fetch_and_add(n, 1);
		else
			bpf_map_update_elem(map, key, &one, BPF_ANY);
	}
	SEC("tc") int count(struct __sk_buff *skb)
	{
		__u32 zero = 0, len = skb->len;
		struct size size;

		__builtin_memset(&size, 0, sizeof(size)); /* the bits that have no name, too */
		size.dir = 5;
		size.proto = 17;
		size.kind = len > 250 ? LONG : SHORT;
		count_in(&LENGTHS, &len);
		count_in(&SIZES, &size);
		bpf_map_lookup_elem(&PAIRS, &zero);
		return TC_ACT_UNSPEC;
	}
	char LICENSE[] SEC("license") = "GPL";
	END
	jq -n '{"ingress-path": {"code-file": "merged.bpf.c", "metric-configs": [
		{name: "lengths", "map-name": "LENGTHS", "max-series": 1, "open-metrics-metadata": {type: "counter", labels: [
			{name: "metric", value: "mine"}, {name: "length", field: "key", values: {"100": "small", "200": "small"}}]}},
		{name: "below", "map-name": "LENGTHS", "open-metrics-metadata": {type: "counter", labels: [
			{name: "length", field: "key", values: {"100": "small", "200": "small"}}]}},
		{name: "sizes", "map-name": "SIZES", "open-metrics-metadata": {type: "counter"}},
		{name: "pairs", "map-name": "PAIRS", "open-metrics-metadata": {type: "gauge"}}]}}' >"$DOCUMENTS/flows.json"
	start </dev/null
	frames_in 30 -s 100
	frames_in 20 -s 200
	frames_in 40 -s 300
	page=$BATS_TEST_TMPDIR/page
	openmetrics >"$page"
	/usr/bin/python3 "$top_srcdir/tests/tools/parse-openmetrics.py" <"$page"
	at='monitor="edge",interface="mon0",direction="ingress"'
	[ "$(grep '^below_total' "$page" | sort)" = "below_total{$at,length=\"300\"} 40
below_total{$at,length=\"small\"} 50" ]
	grep -Fx "lengths_total{$at,metric=\"mine\",length=\"small\"} 50" "$page"
	grep -Fx "dynmon_series_left_out{$at,exported_metric=\"mine\",metric=\"lengths_total\"} 1" "$page"
	grep -Fx "dynmon_series_sum{$at,exported_metric=\"mine\",metric=\"lengths_total\"} 90" "$page"
	grep -Fx "sizes_total{$at,dir=\"5\",proto=\"udp\",kind=\"LONG\"} 40" "$page"
	eventually csv_is edge-mon0 derive-below-small 50
	[ "$(json_value edge ingress below | jq length)" -eq 3 ]
	grep -F 'monitor edge: ingress metric "pairs" is in JSON alone: ' "$LOG"
	grep -F 'ingress metric "pairs" has in JSON alone, not in OpenMetrics and collectd: value.pairs of map PAIRS' "$LOG"
	metrics_page -H 'Accept: application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited' |
		/usr/bin/python3 "$top_srcdir/tests/tools/parse-protobuf.py" "$top_srcdir/plugin/export/prometheus.proto" >"$page"
	[ "$(grep -c small "$page")" -eq 2 ]
	run ! grep uc_update "$LOG"
	collectd_stop
}

@test "arrays of structs in a value: families with an index; per CPU, emptied, ranked" {
	cat >"$DOCUMENTS/queues.bpf.c" <<-'END'
	#include <linux/bpf.h>
	#include <linux/pkt_cls.h>
	#include <bpf/bpf_helpers.h>
	struct queue { __u64 packets; __u32 bytes; __u8 seen, last : 1; __u32 history[2]; };
	struct device { struct queue per_queue[4]; __u64 drops; };
	struct {
		__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
		__type(key, __u32);
		__type(value, struct device);
		__uint(max_entries, 1);
	} DEVICE SEC(".maps");
	struct {
		__uint(type, BPF_MAP_TYPE_HASH);
		__type(key, __u32);
		__type(value, struct device);
		__uint(max_entries, 8);
	} SIZES SEC(".maps");
	static void count_in(struct device *device, __u32 len)
	{
		struct queue *queue = &device->per_queue[len / 100 & 3];

		queue->packets++;
		queue->bytes += len;
		queue->seen = 1;
		queue->last = 1;
		device->drops += len > 250;
	}
	SEC("tc") int count(struct __sk_buff *skb)
	{
		__u32 zero = 0, len = skb->len;
		struct device none = {}, *device = bpf_map_lookup_elem(&DEVICE, &zero);

		if (device)
			count_in(device, len);
		bpf_map_update_elem(&SIZES, &len, &none, BPF_NOEXIST);
		device = bpf_map_lookup_elem(&SIZES, &len);
		if (device)
			count_in(device, len);
		return TC_ACT_UNSPEC;
	}
	char LICENSE[] SEC("license") = "GPL";
	END
	jq -n '{"ingress-path": {"code-file": "queues.bpf.c", "metric-configs": [
		{name: "dev", "map-name": "DEVICE", "extraction-options": {"empty-on-read": true},
		 "open-metrics-metadata": {type: "counter"}},
		{name: "top", "map-name": "SIZES", "max-series": 1, "top-by": "value.per_queue.packets",
		 "open-metrics-metadata": {type: "gauge"}},
		{name: "sizes", "map-name": "SIZES",
		 "open-metrics-metadata": {type: "counter", value: "value.per_queue.bytes"}}]}}' >"$DOCUMENTS/flows.json"
	start </dev/null
	frames_in 30 -s 100
	frames_in 20 -s 200
	frames_in 5 -s 300
	page=$BATS_TEST_TMPDIR/page
	openmetrics >/dev/null # this read empties the map
	frames_in 7 -s 200
	openmetrics >"$page"
	/usr/bin/python3 "$top_srcdir/tests/tools/parse-openmetrics.py" <"$page"
	at='monitor="edge",interface="mon0",direction="ingress"'
	[ "$(grep '^dev_' "$page" | grep -v _seen_)" = "dev_drops_total{$at} 5
dev_per_queue_bytes_total{$at,index=\"0\"} 0
dev_per_queue_bytes_total{$at,index=\"1\"} 3000
dev_per_queue_bytes_total{$at,index=\"2\"} 5400
dev_per_queue_bytes_total{$at,index=\"3\"} 1500
dev_per_queue_packets_total{$at,index=\"0\"} 0
dev_per_queue_packets_total{$at,index=\"1\"} 30
dev_per_queue_packets_total{$at,index=\"2\"} 27
dev_per_queue_packets_total{$at,index=\"3\"} 5" ]
	[ "$(grep -c '^dev_per_queue_seen_total' "$page")" -eq 4 ]
	grep -Fx "top_per_queue_packets{$at,key=\"100\",index=\"1\"} 30" "$page"
	[ "$(grep -c '^top_per_queue_packets' "$page")" -eq 4 ]
	grep -Fx "dynmon_series_sum{$at,metric=\"top_per_queue_packets\"} 62" "$page"
	grep -Fx "sizes_total{$at,key=\"200\",index=\"2\"} 5400" "$page"
	eventually csv_is edge-mon0 packets-dev-per_queue_packets-2 27
	metrics_page -H 'Accept: application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited' |
		/usr/bin/python3 "$top_srcdir/tests/tools/parse-protobuf.py" "$top_srcdir/plugin/export/prometheus.proto" >"$page"
	[ "$(grep -c '^dev_per_queue_packets_total{' "$page")" -eq 4 ]
	message='has in JSON alone, not in OpenMetrics and collectd: value.per_queue_last, value.per_queue_history of map'
	grep -F "monitor edge: ingress metric \"dev\" $message DEVICE" "$LOG"
	grep -F "monitor edge: ingress metric \"top\" $message SIZES" "$LOG"
	run ! grep -F 'ingress metric "sizes" has' "$LOG" # its document declares the families itself
	[ "$(grep -cF "$message DEVICE" "$LOG")" -eq 1 ]
	collectd_stop
}

@test "an unknown field is rejected, and the error lists the fields" {
	document '{"name": "m", "map-name": "FLOWS", "open-metrics-metadata": {"type": "counter", "value": "value.octets"}}'
	start </dev/null
	grep -F 'metric "m": value: no field is called "value.octets"; there are key.saddr, key.to_port, key.proto, key.mac, key.ifindex, key.direction, key.tag, value.packets, value.bytes, value.last_port, value.nanoseconds' "$LOG"
	document '{"name": "m", "map-name": "FLOWS", "open-metrics-metadata": {"type": "counter", "labels": [{"name": "a", "field": "key.saddr", "format": "mac"}]}}'
	run ! ctl reload
	[[ "$output" == *'label "a": format "mac" requires 6 bytes, but field "key.saddr" has 4'* ]]
}

@test "counters continue across a reload that reads another field of an emptied map" {
	metric() { printf '{"name": "m", "map-name": "FLOWS", "extraction-options": {"empty-on-read": true}, "open-metrics-metadata": {"type": "counter", "value": "value.%s"}}' "$1"; }
	document "$(metric packets)"
	start <<<'  Interval 3600'
	frames_in 7
	openmetrics | grep -q '^m_total{.*} 7$'
	frames_in 2
	openmetrics | grep -q '^m_total{.*} 9$'
	document "$(metric bytes)"
	ctl reload
	frames_in 3
	openmetrics | grep -q '^m_total{.*} 180$' # only the packets after the reload
	collectd_stop
}
