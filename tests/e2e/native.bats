# Prometheus protobuf and native histograms of real packets: decoded by the test, and as a
# Prometheus server stores them.
# shellcheck shell=bash
bats_require_minimum_version 1.5.0
load lib
load servers

PROTOBUF='application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited'

setup() {
	need_root
	network_up
	documents_up "$BATS_TEST_DIRNAME/fixtures/sizes.bpf.c"
	PAGE=$BATS_TEST_TMPDIR/page
}

# metric NAME MAP TYPE [KEYS]: a metric-config; KEYS are added to its open-metrics-metadata.
metric() {
	echo "{\"name\": \"$1\", \"map-name\": \"$2\", \"open-metrics-metadata\": {\"type\": \"$3\", \"help\": \"Of $1.\"${4:+, $4}}}"
}

BY_SUM='"histogram": {"sum-field": "value.bytes"}, "labels": [{"name": "port", "field": "key"}]'
BY_SLOT='"histogram": {"bucket-field": "key.slot", "slots": 9}'

# start METRIC ...
start() {
	printf '%s\n' "$@" |
		jq -s '{"ingress-path": {"code-file": "sizes.bpf.c", "metric-configs": .}}' >"$DATAPLANE_DIR/sizes.json"
	collectd_configure <<-EOF_CONF
	<Monitor "edge">
	  Interface "mon0"
	  Interval 3600
	  Dataplane "sizes.json"
	</Monitor>
	EOF_CONF
	collectd_start
}

all_kinds() {
	start "$(metric size SIZES histogram "$BY_SUM, \"unit\": \"bytes\"")" \
		"$(metric kilo SIZES histogram "$BY_SUM, \"scale\": 0.001")" \
		"$(metric slots BUCKETS histogram "$BY_SLOT")" \
		"$(metric sizes SIZES summary "$BY_SUM")" \
		"$(metric bytes SIZES counter)"
}

protobuf_page() {
	metrics_page -H "Accept: $PROTOBUF" |
		/usr/bin/python3 "$top_srcdir/tests/tools/parse-protobuf.py" "$top_srcdir/plugin/export/prometheus.proto"
}

native() { sed -n "s/^$1{.*$2.*} native //p" "$PAGE"; }

@test "protobuf has the content of OpenMetrics, and native histograms where slots permit" {
	all_kinds
	packets -d 53
	packets -d 80
	frames_in 1 -s 600 -d 53
	frames_in 3 -s 1000 -d 80
	metrics_page -H 'Accept: application/openmetrics-text' |
		/usr/bin/python3 "$top_srcdir/tests/tools/parse-openmetrics.py" >"$PAGE.openmetrics"
	grep -q '^size_bytes_count{.*port="80"} 38$' "$PAGE.openmetrics"
	protobuf_page >"$PAGE"
	# The read counters differ between the two reads.
	diff <(grep -v '^dynmon_read' "$PAGE.openmetrics") <(grep -v -e '} native ' -e '^dynmon_read' "$PAGE")
	grep -q '^dynmon_interfaces_attached{monitor="edge"} 1$' "$PAGE"
	grep -q '^dynmon_reads_total{monitor="edge",reader="openmetrics"} 2$' "$PAGE"
	[ "$(grep -c '} native ' "$PAGE")" -eq 4 ]
	[ "$(native size_bytes 'port="53"')" = "1=0 64=10 128=20 256=5 1024=1" ]
	[ "$(native size_bytes 'port="80"')" = "1=0 64=10 128=20 256=5 1024=3" ]
	# The last of 9 slots counts all values above 255.
	[ "$(native slots 'port="53"')" = "1=0 64=10 128=20 256=5 512=1" ]
	[ "$(native slots 'port="80"')" = "1=0 64=10 128=20 256=5 512=3" ]
}

@test "protobuf is sent only on request" {
	start "$(metric size SIZES histogram "$BY_SUM")"
	type_of() { metrics_page -o "$PAGE" -w '%{content_type}' "$@"; }
	# The Accept headers that Prometheus 2.42 sends, with and without native histograms.
	others='application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.5,*/*;q=0.1'
	[ "$(type_of -H "Accept: $PROTOBUF,$others")" = "${PROTOBUF//;/; }" ]
	[[ "$(type_of -H "Accept: $others")" == application/openmetrics-text* ]]
	[[ "$(type_of)" == text/plain* ]]
	[[ "$(type_of -H 'Accept: application/vnd.google.protobuf')" == text/plain* ]]
	[[ "$(type_of -H "Accept: ${PROTOBUF/delimited/text}, $others")" == application/openmetrics-text* ]]
	[ "$(type_of -I -H "Accept: $PROTOBUF")" = "${PROTOBUF//;/; }" ]
	metrics_page -D "$PAGE.head" -o "$PAGE" -H "Accept: $PROTOBUF"
	grep -qi '^vary: accept' "$PAGE.head"
}

@test "protobuf has the largest series and the number of the others" {
	start "$(metric size SIZES histogram "$BY_SUM" | jq '."max-series" = 2')"
	for port in 1 2 3 4; do frames_in $((port * 10)) -d "$port" -s 100; done
	protobuf_page >"$PAGE"
	[ "$(grep -c '^size_count' "$PAGE")" -eq 2 ]
	[ "$(native size 'port="4"')" = "1=0 128=40" ]
	grep -q '^dynmon_series_left_out{.*metric="size".*} 2$' "$PAGE"
	grep -q '^dynmon_series_sum{.*metric="size_count".*} 100$' "$PAGE"
	grep -q '^dynmon_series_sum{.*metric="size_sum".*} 10000$' "$PAGE"
}

# -- a Prometheus server --

# The value of the only series of an expression. After a failed scrape there is no series until the
# next scrape.
value() {
	http --get http://127.0.0.1:9090/api/v1/query --data-urlencode "query=$1" |
		jq -re '.data.result | if length == 1 then .[0].value[1] else error("\(length) series") end'
}
# value_near EXPRESSION NUMBER ...: the value equals one of the numbers, within floating-point
# error.
value_near() {
	local is number

	is=$(value "$1")
	for number in "${@:2}"; do
		! jq -en "($is - $number) | fabs < 1e-6" >/dev/null || return 0
	done
	return 1
}

@test "Prometheus scrapes native histograms with correct count, sum and quantiles" {
	all_kinds
	packets -d 53
	cat >"$DIR/prometheus.yml" <<-'EOF_CONF'
	global:
	  scrape_interval: 1s
	scrape_configs:
	  - job_name: dynmon
	    static_configs: [ targets: [ "127.0.0.1:9936" ] ]
	EOF_CONF
	prometheus_start dynmon --enable-feature=native-histograms
	native='size_bytes{port="53"}'
	eventually value_is "histogram_count($native)" 35
	eventually value_is "histogram_sum($native)" 2910
	# Prometheus up to version 2 interpolates linearly within a bucket, later versions
	# exponentially.
	eventually value_near "histogram_quantile(0.5, $native)" 88 "$(jq -n '64 * pow(2; 7.5 / 20)')"
	eventually value_near "histogram_quantile(10 / 35, $native)" 64
	eventually value_near "histogram_quantile(1, $native)" 256
	eventually value_near "histogram_fraction(0, 64, $native)" "$(jq -n '10 / 35')"
	# The sum is unknown; the count and the quantiles are known.
	eventually value_is 'histogram_count(slots{port="53"})' 35
	eventually value_is 'histogram_sum(slots{port="53"})' NaN
	eventually value_near 'histogram_quantile(30 / 35, slots{port="53"})' 128
	# Its scale is not a power of two, so the histogram stays classic.
	eventually value_is 'kilo_bucket{port="53",le="0.063"}' 10
	eventually value_is 'kilo_count{port="53"}' 35
	eventually value_is 'kilo_sum{port="53"}' 2.91
	eventually value_is 'count(kilo_bucket{port="53"})' 12
	eventually value_is 'sizes{port="53",quantile="0.5"}' 87
	eventually value_is 'sizes_sum{port="53"}' 2910
	eventually value_is 'bytes_bytes_total{key="53"}' 2910
	# Later packets continue the series.
	frames_in 65 -s 63 -d 53
	frames_in 100 -s 1400 -d 53
	eventually value_is "histogram_count($native)" 200
	eventually value_near "histogram_quantile(1, increase(${native}[5m]))" 2048
}
