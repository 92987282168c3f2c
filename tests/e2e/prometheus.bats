# A Prometheus server scrapes a running collectd and answers queries about the counts.
# shellcheck shell=bash
bats_require_minimum_version 1.5.0
load lib
load examples
load servers

setup() {
	need_root
	network_up
	collectd_at "$BATS_TEST_TMPDIR"
	export PYTHONPATH=$top_srcdir/tests/tools PYTHONDONTWRITEBYTECODE=1
}

# Scrapes the plugin's page and the page of write_prometheus every second.
scrape_both() {
	cat >"$DIR/prometheus.yml" <<-'EOF'
	global:
	  scrape_interval: 1s
	scrape_configs:
	  - job_name: dynmon
	    static_configs: [ targets: [ "127.0.0.1:9936" ] ]
	  - job_name: collectd
	    static_configs: [ targets: [ "127.0.0.1:9103" ] ]
	EOF
	prometheus_start dynmon
}

counter_monitor() {
	collectd_configure <<-EOF
	<Monitor "edge">
	  Interface "mon0"
	  Dataplane "packet_counter.json"
	</Monitor>
	EOF
}

# Tests rate() and increase() of a counter that has grown by GROWTH within the scraped range. At
# each end of the range, extrapolation adds at most 1.1 times the interval between two samples.
extrapolated() { # SELECTOR GROWTH
	local n

	eventually holds "count_over_time($1[5m]) >= 3"
	n=$(value "count_over_time($1[5m])")
	holds "increase($1[5m]) >= $2 * 0.999 and increase($1[5m]) <= $2 * (1 + 2.2 / ($n - 2))"
	holds "abs(rate($1[5m]) * 300 - increase($1[5m])) < 1e-6 * increase($1[5m])"
}

@test "counters: exact increase() and rate() across a restart and a reload" {
	counter_monitor
	collectd_start
	scrape_both
	in='packets_total{job="dynmon",monitor="edge",interface="mon0",direction="ingress"}'
	out='packets_total{job="dynmon",monitor="edge",interface="mon0",direction="egress"}'
	eventually value_is "$in" 0
	for n in 700 200 100; do
		frames_in "$n"
		frames_out $((n / 10))
		sent=$((${sent:-0} + n))
		eventually value_is "$in" "$sent"
	done
	eventually value_is "$out" 100
	value_is "max_over_time(${in}[5m]) - min_over_time(${in}[5m])" 1000
	value_is "max_over_time(${out}[5m]) - min_over_time(${out}[5m])" 100
	extrapolated "$in" 1000
	extrapolated "$out" 100
	eventually value_is 'sum(packets_total{job="dynmon"})' 1100
	eventually labels_are direction 'packets_total{job="dynmon"} > 500' ingress
	eventually value_is 'collectd_dynmon_packets_total{dynmon="edge-mon0",type="packets-ingress"}' 1000
	# A replaced dataplane continues to count.
	ctl reload edge force=true
	frames_in 50
	eventually value_is "$in" 1050
	value_is "resets(${in}[5m])" 0
	# A new collectd starts at zero, and Prometheus adds the two counts.
	collectd_stop
	eventually value_is 'up{job="dynmon"}' 0
	collectd_start
	eventually value_is "$in" 0
	frames_in 500
	eventually value_is "$in" 500
	value_is "resets(${in}[5m])" 1
	extrapolated "$in" 1550
}

# Prometheus has scraped as many samples as the page has now.
all_scraped() {
	value_is 'scrape_samples_scraped{job="dynmon"}' \
		"$(metrics_page -H 'Accept: application/openmetrics-text' | grep -vc '^#')"
}
# health_is: compares the health and the error of the last scrape. metadata_is METRIC MEMBERS VALUE:
# compares the metadata that Prometheus has for the metric.
health_is() { [ "$(api targets | jq -c '[.activeTargets[] | select(.labels.job == "dynmon") | .health, .lastError]')" = "$1" ]; }
metadata_is() {
	[ "$(api targets/metadata --data-urlencode 'match_target={job="dynmon"}' --data-urlencode "metric=$1" |
		jq -c "[.[] | $2]")" = "$3" ]
}

@test "a scrape has types, help, all samples and no errors" {
	counter_monitor
	collectd_start
	scrape_both
	eventually holds 'scrape_samples_scraped{job="dynmon"} > 0'
	eventually all_scraped
	eventually health_is '["up",""]'
	eventually metadata_is packets '.type, .help' '["counter","Packets seen on the interface."]'
}

@test "labels: address, port and protocol of flows; arbitrary text" {
	cat >"$DIR/labelled.json" <<-'EOF'
	{ "ingress-path": {
	    "code": "BPF_ARRAY(SEEN, u64, 3);\nstatic __always_inline int handle_rx(struct CTXTYPE *ctx, struct pkt_metadata *md) { SEEN.atomic_increment(1); return RX_OK; }",
	    "metric-configs": [ { "name": "seen", "map-name": "SEEN", "open-metrics-metadata": { "type": "counter", "help": "A \"quoted\" \\ text.",
	      "labels": [ { "name": "text", "value": "a \"b\" \\ c\nd é" }, { "name": "index", "field": "index", "format": "map", "values": { "1": "one, {two}" } } ] } } ] } }
	EOF
	collectd_configure <<-EOF
	<Monitor "flows">
	  Interface "mon0"
	  Dataplane "flow_bytes.json"
	</Monitor>
	<Monitor "talkers">
	  Interface "mon0"
	  Dataplane "top_talkers.json"
	</Monitor>
	EOF
	collectd_start
	ctl inject text mon0 "$DIR/labelled.json"
	scrape_both
	frames_in 30 -d 53
	frames_in 20 -d 53 -p 5353 -s 100
	frames_in 12 -d 123 -a 10.9.0.7
	eventually value_is 'sum(flows_packets_total)' 62
	eventually value_is 'flows_packets_total{saddr="10.9.0.2",daddr="10.9.0.1",sport="40000",dport="53",proto="udp"}' 30
	eventually value_is 'sum(flows_bytes_total{dport="53"})' $((30 * 60 + 20 * 100))
	eventually value_is 'sum(flows_packets_total{saddr=~"10\\.9\\.0\\.[^2]"})' 12
	eventually labels_are dport 'sum by (dport) (flows_packets_total)' "123 53"
	eventually labels_are saddr 'topk(1, talkers_bytes_total)' 10.9.0.2
	eventually value_is 'talkers_bytes_total{saddr="10.9.0.7"}' $((12 * 60))
	gone 'flows_packets_total{proto="tcp"}'
	eventually value_is 'seen_total{index="one, {two}"}' 62
	text_is() { [ "$(query "$1" | jq -c '.[] | .value, .metric.text')" = "$2" ]; }
	eventually text_is 'seen_total{text="a \"b\" \\ c\nd é",index="2"}' $'0\n"a \\"b\\" \\\\ c\\nd é"'
	[ "$(api label/monitor/values | jq -c .)" = '["flows","talkers","text"]' ]
	# A deleted series ends.
	ctl del text
	eventually gone 'seen_total'
}

@test "counters with empty-on-read are complete for Prometheus despite other readers" {
	jq '(.. | ."metric-configs"? // empty)[]."extraction-options" = {"empty-on-read": true}' \
		"$top_srcdir/examples/packet_counter.json" >"$DIR/emptied.json"
	DATAPLANE_DIR=$DIR collectd_configure <<-EOF
	<Monitor "edge">
	  Interface "mon0"
	  Dataplane "emptied.json"
	</Monitor>
	EOF
	collectd_start
	scrape_both
	in='packets_total{monitor="edge",direction="ingress"}'
	eventually value_is "$in" 0
	read=0
	for i in 1 2 3 4 5; do
		frames_in 100
		read=$((read + $(json_value edge ingress packets_total | jq '.[0]')))
		eventually value_is "$in" $((i * 100))
	done
	[ "$read" -eq 500 ]
	value_is "resets(${in}[5m])" 0
	value_is "max_over_time(${in}[5m]) - min_over_time(${in}[5m])" 500
	extrapolated "$in" 500
}

# 90 packets of 100 bytes and 10 of 1000. histogram_quantile() interpolates within a bucket.
@test "histograms: histogram_quantile() and means by label" {
	example packet_sizes
	scrape_both
	eventually value_is 'packet_size_bytes_count{direction="ingress"}' 0
	send_from far peer0 <<<'frames += ([eth(bytes(86), proto=0x88b5)] * 9 + [eth(bytes(986), proto=0x88b5)]) * 10'
	send_from near mon0 <<<'frames += [eth(bytes(486), proto=0x88b5)] * 7'
	eventually value_is 'packet_size_bytes_count{direction="ingress"}' 100
	eventually value_is 'packet_size_bytes_count{direction="egress"}' 7
	eventually value_is 'packet_size_bytes_bucket{direction="ingress",le="127.0"}' 90
	eventually value_is 'packet_size_bytes_bucket{direction="ingress",le="+Inf"}' 100
	quantile() { query "histogram_quantile($1, $2)" | jq -c 'map(.value * 1000 | round / 1000)'; }
	quantile_is() { [ "$(quantile "$1" "$2")" = "$3" ]; }
	bucket='packet_size_bytes_bucket{direction="ingress"}'
	between() { jq -n "((${2} - $1) * $3 + $1) * 1000 | round / 1000 | [.]" -c; }
	eventually quantile_is 0.5 "$bucket" "$(between 63 127 '50 / 90')"
	eventually quantile_is 0.95 "$bucket" "$(between 511 1023 '5 / 10')"
	# Quantiles of the rate: all buckets are scaled by the same factor.
	[ "$(quantile 0.5 "rate(${bucket}[5m])")" = "$(between 63 127 '50 / 90')" ]
	[ "$(quantile 0.95 "rate(${bucket}[5m])")" = "$(between 511 1023 '5 / 10')" ]
	[ "$(quantile 0.5 'sum by (le, direction) (rate(packet_size_bytes_bucket[5m]))' | jq -c sort)" = \
		"$(jq -n -c "$(between 63 127 '50 / 90') + $(between 255 511 '1 / 2') | sort")" ]
	holds 'abs(rate(packet_size_bytes_sum{direction="ingress"}[5m]) / rate(packet_size_bytes_count{direction="ingress"}[5m]) - 190) < 1e-6'
	extrapolated 'packet_size_bytes_sum{direction="egress"}' 3500
	eventually metadata_is packet_size_bytes '.type, .unit' '["histogram","bytes"]'
	eventually value_is 'collectd_dynmon_bytes{dynmon="sizes-mon0",type="packet_size-p50-egress"}' 383
}

@test "histograms and summaries: duration of handshakes by leg" {
	example tcp_handshake
	scrape_both
	start=$(date +%s%N)
	handshake() { # PORT
		send_from far peer0 <<<"frames += [eth(ipv4(tcp($1, 80, SYN, 1)))]"
		sleep 0.1
		send_from near mon0 <<<"frames += [eth(ipv4(tcp(80, $1, SYN | ACK, 5, 2), '10.9.0.1', '10.9.0.2'))]"
		send_from far peer0 <<<"frames += [eth(ipv4(tcp($1, 80, ACK, 2, 6)))]"
	}
	# A series begins with its first count, and a rate needs a sample before.
	handshake 9
	eventually value_is 'sum(tcp_handshake_seconds_count{leg="server"})' 1
	for port in 1 2 3; do
		handshake "$port"
	done
	took=$(jq -n "($(date +%s%N) - $start) / 1e9")
	eventually value_is 'sum by (direction) (tcp_handshake_seconds_count) > 0' 12
	eventually value_is 'tcp_handshake_seconds_count{direction="ingress",leg="server"}' 4
	eventually holds 'tcp_handshake_seconds_sum{direction="ingress",leg="server"} >= 0.4'
	eventually holds "tcp_handshake_seconds_sum{direction=\"ingress\",leg=\"both\"} <= $took"
	# The bucket of 0.1 seconds begins at 0.065535, and the upper bound of a bucket is at most
	# twice the measured time.
	holds "histogram_quantile(0.5, rate(tcp_handshake_seconds_bucket{leg=\"server\"}[5m])) > 0.0655 < 2 * $took"
	eventually holds "tcp_handshake_quantiles_seconds{direction=\"ingress\",leg=\"server\",quantile=\"0.5\"} > 0.0655 < 2 * $took"
	[ "$(labels leg 'rate(tcp_handshake_seconds_count[5m]) > 0')" = "both client server" ]
	gone 'rate(tcp_handshake_seconds_count{direction="egress"}[5m]) > 0'
}

# The Prometheus expressions in the configuration of an example.
suggested() { sed -n 's/^#   \(.*(.*\[[0-9]m\].*\)$/\1/p' "$top_srcdir/examples/$1.conf"; }

@test "the queries suggested by the examples have results" {
	example syn_flood
	for name in top_talkers ethertypes packet_sizes tcp_handshake; do
		ctl inject "$name" mon0 "$top_srcdir/examples/$name.json"
	done
	scrape_both
	server='eth(ipv4(tcp(port, 80, SYN, 1), "10.9.0.2", "10.9.0.77"))'
	send_from far peer0 <<<"frames += [$server for port in range(1)]"
	eventually value_is 'tcp_server_syns_total{addr="10.9.0.77"}' 1
	send_from far peer0 <<<"frames += [$server for port in range(20000)]"
	eventually value_is 'tcp_server_syns_total{addr="10.9.0.77"}' 20001
	[ "$(suggested syn_flood | wc -l)" -eq 1 ]
	# A rate needs two scrapes of the series.
	eventually labels_are addr "$(suggested syn_flood)" 10.9.0.77
	eventually labels_are saddr "$(suggested top_talkers)" 10.9.0.2
	eventually labels_are vlan "$(suggested ethertypes)" none
	[ "$(suggested packet_sizes | wc -l)" -eq 2 ]
	while read -r question; do eventually holds "$question"; done < <(suggested packet_sizes)
	for name in tcp_handshake dns; do
		[ -n "$(suggested "$name")" ]
		while read -r question; do query "$question"; done < <(suggested "$name")
	done
}
