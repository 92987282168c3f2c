# Histograms and summaries of real packets: buckets, sums and quantiles in every format.
# shellcheck shell=bash
bats_require_minimum_version 1.5.0
load lib

setup() {
	need_root
	network_up
	documents_up "$BATS_TEST_DIRNAME/fixtures/sizes.bpf.c"
	PAGE=$BATS_TEST_TMPDIR/page
}

# document METRIC ...: each argument is a metric-config in JSON.
document() {
	printf '%s\n' "$@" |
		jq -s '{"ingress-path": {"code-file": "sizes.bpf.c", "metric-configs": .}}' >"$DOCUMENTS/sizes.json"
}

# The same in Dynmon's dialect.
dialect() {
	jq -n '{"ingress-path": {code: "
		BPF_HISTOGRAM(SIZES);
		static __always_inline int handle_rx(struct CTXTYPE *ctx, struct pkt_metadata *md)
		{
			SIZES.atomic_increment(bpf_log2l(md->packet_len));
			return RX_OK;
		}", "metric-configs": [{name: "size", "map-name": "SIZES", "open-metrics-metadata":
		{type: "histogram", help: "Sizes.", unit: "bytes"}}]}}' >"$DOCUMENTS/sizes.json"
}

start() {
	collectd_configure <<-EOF
	<Monitor "edge">
	  Interface "mon0"
	  Dataplane "sizes.json"
	$(cat)
	</Monitor>
	EOF
	collectd_start
}

openmetrics() {
	metrics_page -H 'Accept: application/openmetrics-text; version=1.0.0' >"$PAGE"
	/usr/bin/python3 "$top_srcdir/tests/tools/parse-openmetrics.py" <"$PAGE" >"$PAGE.parsed"
}

# buckets NAME LABEL: prints "le=n le=n ..." for each bucket that differs from the previous bucket.
buckets() {
	sed -n "s/^$1_bucket{.*$2.*le=\"\([^\"]*\)\"} \(.*\)/\1=\2/p" "$PAGE" |
		awk -F= 'BEGIN { before = "-" } $2 != before { printf "%s%s", sep, $0; sep = " " } { before = $2 }'
}

# slots_in_key HISTOGRAM MORE: as ebpf_exporter's maps.bpf.h, slots of log2 rounded up in the key, and
# the sum in the slot after the last one.
slots_in_key() {
	jq -n --argjson histogram "$1" --argjson more "$2" '{"ingress-path": {code: "
		BPF_PERCPU_HASH(SIZES, u32, u64, 128);
		static __always_inline int handle_rx(struct CTXTYPE *ctx, struct pkt_metadata *md)
		{
			u32 slot = bpf_log2l(md->packet_len - 1), sum = 12;

			SIZES.increment(slot);
			SIZES.increment(sum, md->packet_len);
			return RX_OK;
		}", "metric-configs": ([{name: "size", "map-name": "SIZES", "per-cpu": "list", "open-metrics-metadata":
		{type: "histogram", help: "Sizes.", unit: "bytes", histogram: $histogram}}] + $more)}}' >"$DOCUMENTS/sizes.json"
}

# all_cpus SAMPLE: prints the sum over the CPUs of the samples that begin like this.
all_cpus() { awk -v name="$1" 'index($0, name) == 1 && /cpu="/ { n += $NF } END { print n + 0 }' "$PAGE"; }

@test "a sum in the slot after the buckets, bounds of powers of two, a histogram for each CPU" {
	slots_in_key '{"buckets": "exp2", "slots": 12, "sum-slot": true}' '[]'
	start <<<'  Interval 3600'
	frames_in 8 -s 100
	frames_in 3 -s 128
	frames_in 1 -s 129
	openmetrics
	[ "$(all_cpus size_bytes_sum)" -eq 1313 ]
	[ "$(all_cpus size_bytes_count)" -eq 12 ]
	bucket='size_bytes_bucket{monitor="edge",interface="mon0",direction="ingress",cpu='
	[ "$(sed -n "s/$bucket\"[0-9]*\",le=\"64.0\"} //p" "$PAGE" | sort -u)" = 0 ]
	[ "$(sed -n "s/$bucket\"[0-9]*\",le=\"128.0\"} //p" "$PAGE" | paste -sd + | bc)" -eq 11 ]
	[ "$(sed -n "s/$bucket\"[0-9]*\",le=\"+Inf\"} //p" "$PAGE" | paste -sd + | bc)" -eq 12 ]
	run ! grep -F 'looks like the sum' "$LOG"
	# Without the option, the sum counts as measurements. A name that the histogram reserves renames it.
	slots_in_key '{"buckets": "exp2"}' '[{"name": "size_bytes_count", "map-name": "SIZES",
		"open-metrics-metadata": {"type": "counter", "help": "Slots."}}]'
	run -0 ctl inject edge mon0 keep-maps=true "$DOCUMENTS/sizes.json"
	[[ $output == *'metric "size" is exported as "size_bytes_histogram": metric "size_bytes_count" uses a name that it reserves'* ]]
	openmetrics
	[ "$(all_cpus size_bytes_histogram_bucket)" -gt 1313 ]
	[ "$(grep -c 'metric "size": the last slot in use of map SIZES, 12, has [0-9]* and looks like the sum' "$LOG")" -eq 1 ]
}

@test "slots in a value: buckets, sum and count, with labels" {
	document '{"name": "size", "map-name": "SIZES", "open-metrics-metadata": {"type": "histogram", "help": "Sizes.", "unit": "bytes", "histogram": {"sum-field": "value.bytes"},
		"labels": [{"name": "port", "field": "key"}]}}'
	start <<<'  Interval 3600'
	packets -d 53
	packets -d 80
	packets -d 80
	openmetrics
	grep -Fx '# TYPE size_bytes histogram' "$PAGE"
	grep -Fx '# UNIT size_bytes bytes' "$PAGE"
	[ "$(buckets size_bytes 'port="53"')" = "1.0=0 63.0=10 127.0=30 255.0=35" ]
	[ "$(buckets size_bytes 'port="80"')" = "1.0=0 63.0=20 127.0=60 255.0=70" ]
	grep -Fx 'size_bytes_bucket{monitor="edge",interface="mon0",direction="ingress",port="53",le="+Inf"} 35' "$PAGE"
	grep -Fx 'size_bytes_count{monitor="edge",interface="mon0",direction="ingress",port="53"} 35' "$PAGE"
	grep -Fx 'size_bytes_sum{monitor="edge",interface="mon0",direction="ingress",port="53"} 2910' "$PAGE"
	metrics_page | tee "$PAGE" | near promtool check metrics
	[ "$(buckets size_bytes 'port="53"')" = "1.0=0 63.0=10 127.0=30 255.0=35" ]
	[ "$(json_value edge ingress size | jq '[.. | .bytes? // empty] | add')" -eq 8730 ]
}

@test "slots in the key: entries become one series; without a sum field there is no count" {
	document '{"name": "size", "map-name": "BUCKETS", "open-metrics-metadata": {"type": "histogram", "help": "Sizes.", "histogram": {"bucket-field": "key.slot", "slots": 9}}}'
	start <<<'  Interval 3600'
	packets -d 53
	frames_in 1 -s 600 -d 53
	frames_in 2 -s 1000 -d 80
	openmetrics
	[ "$(buckets size 'port="53"')" = "1.0=0 63.0=10 127.0=30 255.0=35 +Inf=36" ]
	[ "$(buckets size 'port="80"')" = "1.0=0 +Inf=2" ]
	run ! grep -E 'size_(sum|count)|slot=' "$PAGE"
	metrics_page | near promtool check metrics
}

@test "the dialect's BPF_HISTOGRAM has BCC's slots" {
	dialect
	start <<<'  Interval 3600'
	packets
	openmetrics
	[ "$(buckets size_bytes '')" = "0.0=0 63.0=10 127.0=30 255.0=35" ]
	[ "$(grep -c '^size_bytes_bucket' "$PAGE")" -eq 64 ]
}

@test "emptied histograms accumulate" {
	document '{"name": "size", "map-name": "SIZES", "extraction-options": {"empty-on-read": true}, "open-metrics-metadata": {"type": "histogram", "help": "Sizes.", "histogram": {"sum-field": "value.bytes"}}}' \
		'{"name": "count", "map-name": "BUCKETS", "extraction-options": {"swap-on-read": true}, "open-metrics-metadata": {"type": "histogram", "help": "Sizes.", "histogram": {"bucket-field": "key.slot"}}}'
	start <<<'  Interval 3600'
	for round in 1 2 3; do
		packets -d 53
		openmetrics
		[ "$(buckets size 'key="53"')" = "1.0=0 63.0=$((round * 10)) 127.0=$((round * 30)) 255.0=$((round * 35))" ]
		[ "$(buckets count 'port="53"')" = "1.0=0 63.0=$((round * 10)) 127.0=$((round * 30)) 255.0=$((round * 35))" ]
		grep -q "^size_sum.* $((round * 2910))\$" "$PAGE"
	done
}

@test "a reload reports what happens to an emptied histogram" {
	metric() { printf '{"name": "size", "map-name": "SIZES", "extraction-options": {"empty-on-read": true}, "open-metrics-metadata": {"type": "%s"%s}}' "$1" "$2"; }
	document "$(metric histogram ', "histogram": {"sum-field": "value.bytes"}')"
	start <<<'  Interval 3600'
	packets -d 53
	openmetrics
	grep -q '^size_count.* 35$' "$PAGE"
	document "$(metric histogram)"
	[ "$(ctl reload | grep zero)" = 'monitor edge: ingress metric "size" starts at zero: what is added up of map SIZES has changed' ]
	document "$(metric summary ', "value": "value.bytes"')"
	[ "$(ctl reload | grep unknown)" = 'monitor edge: ingress metric "size" is of unknown type: map SIZES has no slots for a summary' ]
}

@test "a summary has quantiles, count and sum, also in collectd" {
	document '{"name": "size", "map-name": "SIZES", "open-metrics-metadata": {"type": "summary", "help": "Sizes.", "unit": "bytes", "histogram": {"sum-field": "value.bytes"}, "quantiles": [0.5, 0.9, 0.999]}}' \
		'{"name": "kilo", "map-name": "SIZES", "open-metrics-metadata": {"type": "histogram", "help": "Sizes.", "scale": 0.001, "histogram": {"sum-field": "value.bytes"}}}'
	start </dev/null
	packets -d 53
	openmetrics
	labels='monitor="edge",interface="mon0",direction="ingress",key="53"'
	grep -Fx '# TYPE size_bytes summary' "$PAGE"
	grep -Fx "size_bytes{$labels,quantile=\"0.5\"} 87" "$PAGE"
	grep -Fx "size_bytes{$labels,quantile=\"0.9\"} 165.4" "$PAGE"
	grep -Fx "size_bytes_count{$labels} 35" "$PAGE"
	grep -Fx "size_bytes_sum{$labels} 2910" "$PAGE"
	grep -q '^size_bytes_bucket' "$PAGE" && return 1
	[ "$(buckets kilo 'key="53"')" = "0.001=0 0.063=10 0.127=30 0.255=35" ]
	grep -Fx "kilo_sum{$labels} 2.91" "$PAGE"
	metrics_page | near promtool check metrics
	eventually csv_is edge-mon0 derive-size-count-53 35
	eventually csv_is edge-mon0 derive-size-sum-53 2910
	eventually csv_is edge-mon0 bytes-size-p50-53 87.000000
	eventually csv_is edge-mon0 bytes-size-p90-53 165.400000
	eventually csv_is edge-mon0 bytes-size-p99_9-53 254.104000
	eventually csv_is edge-mon0 gauge-kilo-sum-53 2.910000
	eventually csv_is edge-mon0 gauge-kilo-p50-53 0.087000
}

@test "the largest histograms are exported, with the totals of all" {
	document '{"name": "size", "map-name": "SIZES", "max-series": 2, "open-metrics-metadata": {"type": "histogram", "help": "Sizes.", "histogram": {"sum-field": "value.bytes"}}}'
	start <<<'  Interval 3600'
	for port in 1 2 3 4; do frames_in $((port * 10)) -d "$port" -s 100; done
	openmetrics
	[ "$(grep -c '^size_count' "$PAGE")" -eq 2 ]
	grep -q '^size_count{.*key="4"} 40$' "$PAGE"
	grep -q '^size_sum{.*key="3"} 3000$' "$PAGE"
	grep -q '^dynmon_series_left_out{.*metric="size"} 2$' "$PAGE"
	grep -q '^dynmon_series_sum{.*metric="size_count"} 100$' "$PAGE"
	grep -q '^dynmon_series_sum{.*metric="size_sum"} 10000$' "$PAGE"
}

@test "a histogram without slots is rejected if the document describes the map" {
	document '{"name": "size", "map-name": "SIZES", "open-metrics-metadata": {"type": "histogram", "histogram": {"bucket-field": "value.slot"}}}'
	start </dev/null
	grep -F 'metric "size": bucket-field: no field is called "value.slot"; there are key, value.slots, value.bytes' "$LOG"
	document '{"name": "size", "map-name": "SIZES", "open-metrics-metadata": {"type": "counter", "quantiles": [0.5]}}'
	run ! ctl reload
	[[ "$output" == *'require the type histogram or summary, found "counter"'* ]]
}
