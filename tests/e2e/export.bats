# Output formats: JSON, OpenMetrics, Prometheus text, collectd values.
# shellcheck shell=bash
# bats file_tags=plain
bats_require_minimum_version 1.5.0
load lib

setup() {
	need_root
	network_up
	documents_up "$top_srcdir"/examples/*.json
}

# Every readable kind of map. Each packet writes known values to it.
all_maps() {
	jq -n --rawfile code "$BATS_TEST_DIRNAME/fixtures/all_maps.bpf.c" '
		def metric(name; type): {name: name, "map-name": name, "open-metrics-metadata":
			{type: type, help: "Map \(name), with \"quotes\" and a \\.", labels: [{name: "site", value: "a\"b\\c\nd"}]}};
		{"ingress-path": {code: $code, "metric-configs": [
			metric("counts"; "counter"), metric("levels"; "GAUGE"), metric("ports"; "counter"),
			metric("named"; "Counter"), metric("percpu"; "counter"), metric("percpu_ports"; "counter"),
			metric("recent"; "gauge"), metric("networks"; "gauge"), metric("structs"; "gauge"),
			metric("jobs"; "untyped"), metric("plates"; "untyped"), metric("slots"; "histogram"),
			{name: "drained", "map-name": "drained", "extraction-options": {"empty-on-read": true}},
			{name: "zeroed", "map-name": "zeroed", "extraction-options": {"empty-on-read": true}}]},
		 "egress-path": {}}' >"$DATAPLANE_DIR/all_maps.json"
}

start_all_maps() {
	all_maps
	collectd_configure <<-EOF
	<Monitor "all">
	  Interface "mon0"
	  Dataplane "all_maps.json"
	  $(cat)
	</Monitor>
	EOF
	collectd_start
}

value() { json_value all ingress "$1"; }

@test "JSON has Dynmon's format for every kind of map" {
	start_all_maps </dev/null
	[ "$(value ports)" = "[]" ]
	frames_in 3 -d 53
	frames_in 2 -d 123
	[ "$(value counts)" = "[5,10,15,20]" ]
	[ "$(value levels)" = "[-5]" ]
	[ "$(value ports | jq -c 'sort_by(.key)')" = '[{"key":53,"value":3},{"key":123,"value":2}]' ]
	[ "$(value named | jq -c 'sort_by(.key.port)')" = '[{"key":{"name":"udp","port":53},"value":3},{"key":{"name":"udp","port":123},"value":2}]' ]
	[ "$(value percpu | jq -c '[.[] | [.key, (.value | add)]]')" = "[[0,5],[1,10]]" ]
	[ "$(value percpu | jq '.[0].value | length')" -eq "$(($(sed 's/.*-//' /sys/devices/system/cpu/possible) + 1))" ]
	[ "$(value percpu_ports | jq -c '[.[] | [.key, (.value | add)]] | sort')" = "[[53,3],[123,2]]" ]
	[ "$(value recent | jq -c 'sort_by(.key)')" = '[{"key":53,"value":42},{"key":123,"value":42}]' ]
	[ "$(value networks)" = '[{"key":{"bits":24,"address":[10,9,0,0]},"value":5}]' ]
	# Compared as text, because jq numbers have 53 bits.
	raw "METRICS all name=structs" | grep -F '"value":[{"packets":5,"wide":18446744073709551615,"low":-1,"flags":5,"yes":true,"kind":1,"inner":{"a":[1,2]},"x":7}],'
	[ "$(value jobs)" = "[53,53,53,123,123]" ]
	[ "$(value jobs)" = "[]" ]
	[ "$(value plates)" = "[123,123,53,53,53]" ]
	[ "$(value drained | jq -c 'sort_by(.key)')" = '[{"key":53,"value":3},{"key":123,"value":2}]' ]
	[ "$(value drained)" = "[]" ]
	frames_in 1 -d 53
	[ "$(value drained)" = '[{"key":53,"value":1}]' ]
	[ "$(value zeroed)" = "[6,6]" ]
	[ "$(value zeroed)" = "[0,0]" ]
}

@test "METRICS has the members of Dynmon's answer in the same order" {
	start_all_maps </dev/null
	before=$(date +%s%6N)
	run ctl metrics all
	[ "$(jq -c 'keys_unsorted' <<<"$output")" = '["ingress-metrics","egress-metrics"]' ]
	[ "$(jq -c '."ingress-metrics"[0] | keys_unsorted' <<<"$output")" = '["name","value","timestamp"]' ]
	[ "$(jq -r '."ingress-metrics"[0].timestamp' <<<"$output")" -ge "$before" ]
	[ "$(jq -r '."ingress-metrics"[0].timestamp' <<<"$output")" -le "$(date +%s%6N)" ]
	[ "$(jq -c '[."ingress-metrics"[].name]' <<<"$output" | head -c 30)" = '["counts","levels","ports","na' ]
	[ "$(wc -l <<<"$output")" -eq 1 ]
	[[ $output != *'": '* ]]
	run raw "METRICS all direction=egress"
	[ "${lines[1]}" = '{"ingress-metrics":[],"egress-metrics":[]}' ]
	run raw "METRICS all name=levels"
	[ "$(jq -c '[."ingress-metrics"[].name]' <<<"${lines[1]}")" = '["levels"]' ]
	run raw "METRICS"
	[ "${lines[0]}" = "1 line" ]
	[ "$(jq -c 'keys' <<<"${lines[1]}")" = '["all"]' ]
}

@test "OpenMetrics and Prometheus' text satisfy the strict parser and promtool" {
	start_all_maps </dev/null
	frames_in 3 -d 53
	frames_in 2 -d 123
	http -D "$BATS_TEST_TMPDIR/head" -H 'Accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5' \
		http://127.0.0.1:9936/metrics >"$BATS_TEST_TMPDIR/open"
	grep -qi '^Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8' "$BATS_TEST_TMPDIR/head"
	[ "$(tail -n 1 "$BATS_TEST_TMPDIR/open")" = "# EOF" ]
	[ "$(ctl openmetrics all)" = "$(grep -Ev '^(# [A-Z]+ )?dynmon_' "$BATS_TEST_TMPDIR/open")" ]
	run /usr/bin/python3 "$top_srcdir/tests/tools/parse-openmetrics.py" <"$BATS_TEST_TMPDIR/open"
	echo "$output"
	[ "$status" -eq 0 ]
	labels='interface="mon0",monitor="all",site="a"b\c
d"'
	[[ $output == *"counts_total{direction=\"ingress\",index=\"0\",$labels} 5"* ]]
	[[ $output == *"counts_total{direction=\"ingress\",index=\"3\",$labels} 20"* ]]
	[[ $output == *"levels{direction=\"ingress\",$labels} -5"* ]]
	[[ $output == *"ports_total{direction=\"ingress\",interface=\"mon0\",key=\"53\",monitor=\"all\""*" 3"* ]]
	[[ $output == *"named_total{direction=\"ingress\",interface=\"mon0\",monitor=\"all\",name=\"udp\",port=\"123\""*" 2"* ]]
	[[ $output == *"percpu_total{direction=\"ingress\",index=\"1\",$labels} 10"* ]]
	[[ $output == *"percpu_ports_total{direction=\"ingress\",interface=\"mon0\",key=\"53\",monitor=\"all\""*" 3"* ]]
	[[ $output == *"recent{direction=\"ingress\",interface=\"mon0\",key=\"123\""*" 42"* ]]
	[[ $output == *"networks{address=\"0a090000\",bits=\"24\""*" 5"* ]]
	[[ $output == *"structs_packets{"*" 5"* ]]

	http -D "$BATS_TEST_TMPDIR/head" http://127.0.0.1:9936/metrics >"$BATS_TEST_TMPDIR/text"
	grep -qi '^Content-Type: text/plain; version=0.0.4; charset=utf-8' "$BATS_TEST_TMPDIR/head"
	grep -q '^# TYPE counts_total counter$' "$BATS_TEST_TMPDIR/text"
	run ! grep -q EOF "$BATS_TEST_TMPDIR/text"
	[ "$(grep -c '^# TYPE counts_total' "$BATS_TEST_TMPDIR/text")" -eq 1 ]
	promtool check metrics <"$BATS_TEST_TMPDIR/text"
	[ "$(http "http://127.0.0.1:9936/metrics?monitor=nosuch" -o /dev/null -w '%{http_code}')" = 404 ]
	[ "$(http -X POST -d x http://127.0.0.1:9936/metrics -o /dev/null -w '%{http_code}')" = 405 ]
	[ "$(http http://127.0.0.1:9936/nosuch -o /dev/null -w '%{http_code}')" = 404 ]
	[ "$(http -I http://127.0.0.1:9936/metrics -o /dev/null -w '%{http_code}')" = 200 ]
}

@test "collectd gets scalars with the configured types and names" {
	start_all_maps <<-EOF
	PluginInstance "%{monitor}_%{interface}"
	<Metric "counts">
	  Type "packets"
	  TypeInstance "in/%{metric}"
	</Metric>
	<Metric "levels">
	  Dispatch false
	</Metric>
	<Metric "recent">
	  Type "nosuchtype"
	</Metric>
	<Metric "networks">
	  Type "if_octets"
	</Metric>
	<Metric "structs">
	  Type "load"
	</Metric>
	EOF
	frames_in 3 -d 53
	frames_in 2 -d 123
	eventually csv_is all_mon0 packets-in_counts-0 5
	eventually csv_is all_mon0 packets-in_counts-3 20
	eventually csv_is all_mon0 derive-ports-53 3
	eventually csv_is all_mon0 derive-named-udp-123 2
	eventually csv_is all_mon0 derive-percpu-1 10
	run ! ls "$DIR"/csv/host/dynmon-all_mon0/*levels*
	eventually grep 'metric "recent": type "nosuchtype" is not in types.db' "$LOG"
	[ "$(grep -c 'metric "recent": type "nosuchtype" is not in types.db' "$LOG")" -eq 1 ]
	eventually grep 'metric "structs": type "load" has several data sources; choose a type with one, or one of if_packets' "$LOG"
	eventually grep 'metric "networks": type "if_octets" has rx and tx: the metric is no counter; choose a type' "$LOG"
	eventually prometheus_is 'collectd_dynmon_packets_total{dynmon="all_mon0",type="in_counts-3"' 20
}

@test "a type with rx and tx has both directions of a counter, as in the interface plugin" {
	collectd_configure <<-EOF
	<Monitor "edge">
	  Interface "mon0"
	  Dataplane "packet_counter.json"
	  PluginInstance "%{interface}"
	  <Metric "packets_total">
	    Type "if_packets"
	    TypeInstance ""
	  </Metric>
	</Monitor>
	<Monitor "other">
	  Interface "mon0"
	  Dataplane "packet_counter.json"
	  <Metric "packets_total">
	    Type "if_dropped"
	  </Metric>
	</Monitor>
	EOF
	printf 'if_dropped\tin:DERIVE:0:U, out:DERIVE:0:U\n' >"$DIR/types.db"
	sed -i "s|^\t*TypesDB .*|& \"$DIR/types.db\"|" "$CONF"
	collectd_start
	frames_in 5
	frames_out 3
	eventually grep -q ',5,3$' "$DIR"/csv/host/dynmon-mon0/if_packets-2*
	eventually prometheus_is 'collectd_dynmon_if_packets_tx_total{dynmon="mon0"' 3
	eventually grep 'monitor other: metric "packets_total": type "if_dropped" has other data sources than rx and tx' "$LOG"
	[ ! -e "$DIR/csv/host/dynmon-other-mon0" ]
}

@test "a negative scaled gauge stays negative in an integer type" {
	all_maps
	jq '(."ingress-path"."metric-configs"[] | select(.name == "levels") | ."open-metrics-metadata".scale) = 0.5' \
		"$DATAPLANE_DIR/all_maps.json" >"$DATAPLANE_DIR/scaled.json"
	collectd_configure <<-EOF
	<Monitor "all">
	  Interface "mon0"
	  Dataplane "scaled.json"
	  <Metric "levels">
	    Type "derive"
	  </Metric>
	</Monitor>
	EOF
	collectd_start
	frames_in 7
	[ "$(json_value all ingress levels)" = "[-7]" ]
	eventually csv_is all-mon0 derive-levels -3
	grep 'metric "levels": type "derive" is for counters: collectd stores the rate of the gauge' "$LOG"
}

@test "the number of series per metric for collectd is limited" {
	jq -n '{"ingress-path": {code: "BPF_ARRAY(MANY, u64, 1500);\nstatic __always_inline int handle_rx(struct CTXTYPE *ctx, struct pkt_metadata *md) { MANY.atomic_increment(7); return RX_OK; }",
		"metric-configs": [{name: "many", "map-name": "MANY", "open-metrics-metadata": {type: "counter"}}]}}' >"$DATAPLANE_DIR/many.json"
	collectd_configure <<-EOF
	<Monitor "many">
	  Interface "mon0"
	  Dataplane "many.json"
	</Monitor>
	EOF
	# Each read writes a thousand files. If the interval is too short, collectd's queue grows.
	sed -i 's/^Interval 0.2$/Interval 3/' "$CONF"
	collectd_start
	eventually grep -q 'monitor many: metric "many": only the largest 1000 of 1500 series are passed to collectd' "$LOG"
	frames_in 2
	eventually csv_is many-mon0 derive-many-7 2
	[ "$(metrics_page | grep -c '^many_total{')" -eq 1500 ]
	[ "$(grep -c 'series are passed to' "$LOG")" -eq 1 ]
}

@test "self metrics" {
	collectd_configure <<-EOF
	SelfMetrics true
	<Monitor "edge">
	  Interface "mon0"
	  Dataplane "packet_counter.json"
	</Monitor>
	EOF
	collectd_start
	eventually test -e "$DIR/csv/host/dynmon"
	[ "$(ctl stats | grep -v '{' | tr '\n' ' ')" = "monitors 1 interfaces_attached 1 interfaces_unattached 0 dataplane_changes 1 dataplane_failures 0 events_lost 0 events_left_out 0 maps_full 0 flushes 0 requests_refused 0 feeds 0 feeds_waiting 0 feed_values 0 feed_errors 0 " ]
	eventually prometheus_is 'collectd_dynmon_count{dynmon="interfaces_attached"' 1
}

# reads COMMAND PATTERN FILE: reads 30 times and writes the number of matches to FILE.
reads() { for _ in $(seq 30); do $1; done | grep -c "$2" >"$BATS_TEST_TMPDIR/reads.$3"; }

@test "concurrent readers of all kinds see consistent counts" {
	collectd_configure <<-EOF
	<Monitor "edge">
	  Interface "mon0"
	  Dataplane "packet_counter.json"
	</Monitor>
	EOF
	collectd_start
	frames_in 1234
	eventually counted edge mon0 1234
	readers=()
	for i in 1 2 3; do
		reads metrics_page '^packets_total{.*ingress"} 1234$' "http.$i" &
		readers+=($!)
		reads "ctl metrics edge" '"value":\[1234\]' "json.$i" &
		readers+=($!)
		reads "ctl openmetrics" 'ingress"} 1234$' "open.$i" &
		readers+=($!)
	done
	wait "${readers[@]}"
	[ "$(cat "$BATS_TEST_TMPDIR"/reads.* | sort | uniq -c | xargs)" = "9 30" ]
}

# is_utf8: tests whether standard input is valid UTF-8.
is_utf8() { iconv -f UTF-8 -t UTF-8 >/dev/null; }

# Checks pages of the older text format: prometheus_client parses them, and promtool reports no errors.
page_is_valid() {
	local status=0

	promtool check metrics <"$1" || status=$?
	[ "$status" -eq 0 ] || [ "$status" -eq 3 ]
	PYTHONPATH='' /usr/bin/python3 -c 'import sys
from prometheus_client.parser import text_string_to_metric_families
series = [(s.name, tuple(sorted(s.labels.items()))) for f in text_string_to_metric_families(sys.stdin.buffer.read().decode("utf-8")) for s in f.samples]
sys.exit(len(series) != len(set(series)))' <"$1"
}

# Interface names that a tenant may choose, and their escaped forms: bytes that are not UTF-8, a
# name equal to the escaped form of these bytes, the Latin-1 character of one byte, a bidirectional
# control, an escape sequence, quotes and a backslash.
NAMES=($'\xff\xfe' '\xff\xfe' $'\xc3\xbf\xc3\xbe' $'r\xe2\x80\xael' $'\x1b[31m' 'q"u\o' 'a;(id)')
CALLED=('\xff\xfe' '\x5cxff\x5cxfe' $'\xc3\xbf\xc3\xbe' $'r\xe2\x80\xael' $'\x1b[31m' 'q"u\o' 'a;(id)')
FIELDS=('\xff\xfe' '\x5cxff\x5cxfe' $'\xc3\xbf\xc3\xbe' 'r\u202el' '\x1b[31m' 'q"u\o' 'a;(id)')

# has_sent INDEX: the values of collectd for that interface include the frames sent to it.
has_sent() { csv_is "edge-${FIELDS[$1]}" packets-packets-ingress "$(($1 + 1))"; }

@test "interface names with arbitrary bytes: output is valid UTF-8 and names stay distinct" {
	for i in "${!NAMES[@]}"; do cable_up "${NAMES[i]}" "far$i"; done
	collectd_configure <<-EOF
	<Monitor "edge">
	  Interface "/./"
	  Dataplane "packet_counter.json"
	</Monitor>
	EOF
	sed -i '1i Timeout 1000' "$CONF"
	collectd_start
	for i in "${!NAMES[@]}"; do frames_at "far$i" "$((i + 1))"; done
	for i in "${!NAMES[@]}"; do eventually has_sent "$i" || { echo "no ${FIELDS[i]@Q}"; ls "$DIR/csv/host"; return 1; }; done
	find "$DIR/csv" -printf '%f\n' >"$BATS_TEST_TMPDIR/files"
	is_utf8 <"$BATS_TEST_TMPDIR/files"
	# pages
	ctl openmetrics >"$BATS_TEST_TMPDIR/text"
	/usr/bin/python3 "$top_srcdir/tests/tools/parse-openmetrics.py" <"$BATS_TEST_TMPDIR/text" >"$BATS_TEST_TMPDIR/openmetrics"
	metrics_page >"$BATS_TEST_TMPDIR/text"
	page_is_valid "$BATS_TEST_TMPDIR/text"
	metrics_page -H 'Accept: application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited' \
		>"$BATS_TEST_TMPDIR/message"
	/usr/bin/python3 "$top_srcdir/tests/tools/parse-protobuf.py" "$top_srcdir/plugin/export/prometheus.proto" <"$BATS_TEST_TMPDIR/message" >"$BATS_TEST_TMPDIR/protobuf"
	for i in "${!NAMES[@]}"; do
		for series in openmetrics protobuf; do
			grep -Fxq "packets_total{direction=\"ingress\",interface=\"${CALLED[i]}\",monitor=\"edge\"} $((i + 1))" \
				"$BATS_TEST_TMPDIR/$series"
		done
	done
	# each name twice: one per path
	http http://127.0.0.1:9103/metrics >"$BATS_TEST_TMPDIR/text"
	page_is_valid "$BATS_TEST_TMPDIR/text"
	[ "$(grep -c '^collectd_dynmon_packets_total{.*type="packets-ingress"' "$BATS_TEST_TMPDIR/text")" -eq "$((${#NAMES[@]} + 2))" ]
	# getval accepts the identifiers that listval prints, from dynmonctl and collectdctl
	ctl listval | cut -d ' ' -f 2- >"$BATS_TEST_TMPDIR/identifiers"
	is_utf8 <"$BATS_TEST_TMPDIR/identifiers"
	run ! grep -P '[\x00-\x1f\x7f]' "$BATS_TEST_TMPDIR/identifiers"
	while IFS= read -r identifier; do
		ctl getval "$identifier" >/dev/null
		near collectdctl -s "$SOCKET" getval "$identifier" >/dev/null
	done <"$BATS_TEST_TMPDIR/identifiers"
	[ "$(grep -c '/dynmon-edge-.*/packets-packets-ingress$' "$BATS_TEST_TMPDIR/identifiers")" -eq "$((${#NAMES[@]} + 2))" ]
	# JSON from all commands
	expected=$(printf '%s\n' lo mon0 "${CALLED[@]}" | jq -Rsc 'rtrimstr("\n") / "\n" | sort')
	ctl show edge >"$BATS_TEST_TMPDIR/json"
	is_utf8 <"$BATS_TEST_TMPDIR/json"
	[ "$(jq -c '[.interfaces[].name] | sort' "$BATS_TEST_TMPDIR/json")" = "$expected" ]
	ctl metrics edge direction=ingress >"$BATS_TEST_TMPDIR/json"
	is_utf8 <"$BATS_TEST_TMPDIR/json"
	[ "$(jq -c '[."ingress-metrics"[].interface] | sort' "$BATS_TEST_TMPDIR/json")" = "$expected" ]
	ctl -j list >"$BATS_TEST_TMPDIR/json"
	is_utf8 <"$BATS_TEST_TMPDIR/json"
	[ "$(jq -c '.[].interfaces / "," | sort' "$BATS_TEST_TMPDIR/json")" = "$expected" ]
	http http://127.0.0.1:9936/polycube/v1/netdevs >"$BATS_TEST_TMPDIR/json"
	is_utf8 <"$BATS_TEST_TMPDIR/json"
	[ "$(jq -c '[.[].name] | sort' "$BATS_TEST_TMPDIR/json")" = "$expected" ]
	[ "$(http http://127.0.0.1:9936/polycube/v1/netdevs/%5Cxff%5Cxfe | jq -r '.[].name')" = '\xff\xfe' ]
	# the control socket and a pipe have the unescaped bytes
	for name in "${NAMES[@]}"; do ctl list | LC_ALL=C grep -Fq "$name"; done
	# the log, in which a message and a notification contain the name
	for i in "${!NAMES[@]}"; do ip -n "$NEAR" link del "${NAMES[i]}"; done
	for i in "${!NAMES[@]}"; do eventually grep -Fq "plugin_instance = edge, type_instance = ${FIELDS[i]}, message" "$LOG"; done
	is_utf8 <"$LOG"
	run ! grep -P '[\x00-\x08\x0b-\x1f\x7f]|\x{202e}' "$LOG"
}

@test "an interface whose name is not UTF-8 keeps its counts and pins across a restart" {
	cable_up $'\xc3\xbf' peer2 # the Latin-1 character of the byte
	cable_up $'\xff' peer1
	bpffs_up
	collectd_configure </dev/null
	collectd_start
	ctl add probe "interface="$'\xff' pin=true
	ctl inject probe "$DATAPLANE_DIR/packet_counter.json"
	frames_at peer1 3
	eventually counted probe '\\xff' 3
	is_utf8 <"$DIR/state/probe.json"
	for end in stop crash; do
		"collectd_$end"
		frames_at peer1 2
		collectd_start
		eventually monitor_is probe running
		runs_on probe '\xff'
		# a pinned dataplane counts while collectd is down
		[ "$end" = stop ] || eventually counted probe '\\xff' "$((counts + 2))"
		counts=$(ctl openmetrics probe | sed -n 's/^packets_total{.*ingress"} //p')
	done
	[ "$(ctl list | LC_ALL=C grep -c $'  \xff  ')" -eq 1 ]
}
