# Values reach the servers behind collectd: Debian's servers, with the configurations in
# conf/pipelines.
# shellcheck shell=bash
bats_require_minimum_version 1.5.0
load lib
load servers

setup() {
	need_root
	network_up
	collectd_at "$BATS_TEST_TMPDIR"
}

# pipeline_configure INTERVAL FILE ...: writes a collectd.conf with these configurations, and packet
# counters on mon0.
pipeline_configure() {
	collectd_write host "$1" "$(pipelines "${@:2}")" <<-EOF
	<Monitor "edge">
	  Interface "mon0"
	  Dataplane "packet_counter.json"
	</Monitor>
	EOF
}

pipeline_start() {
	pipeline_configure "$@"
	collectd_start
}

# Sends 1000 packets in three portions. COMMAND COUNT succeeds for each portion before the next is
# sent.
send_until() {
	local n sent=0

	eventually "$@" 0
	for n in 700 200 100; do
		frames_in "$n"
		sent=$((sent + n))
		eventually "$@" "$sent"
	done
}

# Tests the numbers on standard input: they begin at 0, end at 1000 and never fall. A read may occur
# within a portion.
rises() { awk '(NR == 1 ? $1 != 0 : $1 < last) { bad = 1 } { last = $1 } END { exit bad || last != 1000 }'; }

@test "Prometheus scrapes write_prometheus, and has collectd's host name as instance" {
	need prometheus prometheus
	pipeline_start 0.5 prometheus.conf
	pipelines prometheus.yml
	promtool check config "$DIR/prometheus.yml"
	prometheus_start collectd
	in='collectd_dynmon_packets_total{dynmon="edge-mon0",type="packets-ingress"}'
	send_until value_is "$in"
	eventually labels_are instance "$in" host
	eventually labels_are type '{dynmon="edge-mon0"}' "packets-egress packets-ingress"
	value_is "resets(${in}[5m])" 0
	value_is "max_over_time(${in}[5m]) - min_over_time(${in}[5m])" 1000
}

# carbon_start: starts carbon with Debian's configuration in the directory of this test.
carbon_start() {
	pipelines graphite-storage-schemas.ini
	cat "$DIR/graphite-storage-schemas.ini" /etc/carbon/storage-schemas.conf >"$DIR/storage-schemas.conf"
	mkdir "$DIR/graphite"
	sed -e "s|/var/lib/graphite|$DIR/graphite|; s|/etc/carbon/|$DIR/|; s|/var/log/carbon/|$DIR/|; s|/var/run/|$DIR/|" \
		-e 's/^USER =.*/USER =/' /etc/carbon/carbon.conf >"$DIR/carbon.conf"
	server_start carbon-cache --config="$DIR/carbon.conf" --nodaemon start
	eventually near bash -c ': </dev/tcp/127.0.0.1/2003' || { cat "$DIR/carbon-cache.log"; return 1; }
}

# The points of a counter since the start of the test, oldest first: "TIME VALUE".
whisper() {
	whisper-fetch --from="$BEGIN" "$DIR/graphite/whisper/collectd/host/dynmon-edge-mon0/packets-packets-$1.wsp" |
		grep -v None
}
whisper_is() { [ "$(whisper ingress | tail -n 1 | cut -f 2)" = "$1.000000" ]; }

@test "Graphite: carbon keeps every second's count in its whisper files" {
	need carbon-cache graphite-carbon
	need whisper-fetch python3-whisper
	BEGIN=$(date +%s)
	carbon_start
	pipeline_start 1 graphite.conf
	send_until whisper_is
	whisper ingress | cut -f 2 | rises
	[ "$(whisper egress | cut -f 2 | sort -u)" = 0.000000 ]
	whisper-info "$DIR/graphite/whisper/collectd/host/dynmon-edge-mon0/packets-packets-ingress.wsp" |
		grep -x 'secondsPerPoint: 1'
}

influx_query() { near influx -database collectd -format json -execute "$1" | jq -c '.results[0].series[0].values'; }
influx_is() {
	[ "$(influx_query "SELECT last(value) FROM dynmon_value WHERE type_instance = 'packets-ingress'" |
		jq '.[0][1]')" = "$1" ]
}

@test "InfluxDB receives the network plugin's packets, signed, and answers a query" {
	need influxd influxdb
	need influx influxdb-client
	pipelines fleet-passwords influxdb.toml
	sed -e "s|/var/lib/influxdb|$DIR/influxdb|" -e "/^\[\[collectd\]\]/{r $DIR/influxdb.toml" -e 'd}' \
		/etc/influxdb/influxdb.conf >"$DIR/influxdb.conf"
	server_start influxd -config "$DIR/influxdb.conf"
	eventually near influx -execute 'SHOW DATABASES' || { cat "$DIR/influxd.log"; return 1; }
	pipeline_start 0.5 fleet-sender.conf
	send_until influx_is
	where="host = 'host' AND instance = 'edge-mon0' AND type = 'packets' AND type_instance = 'packets-ingress'"
	[ "$(influx_query "SELECT sum(grown) FROM (SELECT non_negative_difference(value) AS grown FROM dynmon_value WHERE $where)" |
		jq '.[0][1]')" = 1000 ]
	[ "$(influx_query "SHOW TAG VALUES FROM dynmon_value WITH KEY = type_instance WHERE instance = 'edge-mon0'" |
		jq -r '.[][1]' | sort | xargs)" = "packets-egress packets-ingress" ]
}

csv_values() { tail -qn +2 "$DIR/csv/host/dynmon-edge-mon0/packets-packets-$1"-* | sort -n | cut -d, -f2; }
csv_last() { [ "$(csv_values ingress | tail -n 1)" = "$1" ]; }
rrd_is() { [ "$(rrdtool lastupdate "$RRD" | tail -n 1 | cut -d' ' -f2)" = "$1" ]; }
csv_has() { [ "$(csv_values ingress | wc -l)" -ge "$1" ]; }

@test "csv has every count and rrdtool the rates, after a flush and after shutdown" {
	need rrdtool rrdtool
	# RRDtool takes one value per second and drops an update with two values in the same second.
	# The interval must be long enough that the read after a late read is in another second.
	pipeline_configure 5 csv.conf rrdtool.conf
	# A late read must not be a gap, and nothing may be written before the flush, even on a busy
	# machine.
	printf '<Plugin rrdtool>\nHeartBeat 60\nCacheTimeout 600\n</Plugin>\n' >>"$CONF"
	collectd_start
	# Waits until the steps in which a portion begins and ends are completely known.
	eventually csv_has 2
	send_until csv_last
	eventually csv_has $(($(csv_values ingress | wc -l) + 2))
	csv_values ingress | rises
	[ "$(csv_values egress | uniq)" = 0 ]
	RRD=$DIR/rrd/host/dynmon-edge-mon0/packets-packets-ingress.rrd
	run ! rrd_is 1000
	ctl flush plugin=rrdtool
	eventually rrd_is 1000
	collectd_stop
	rrd_is 1000
	# The packet rate of each step.
	[ "$(rrdtool fetch "$RRD" AVERAGE --resolution 5 --start end-5min --end "$(rrdtool last "$RRD")" |
		awk '$2 ~ /^[0-9]/ { sum += 5 * $2 } END { printf "%.3f", sum }')" = 1000.000 ]
}

# Filters the output of write_http and write_kafka: the values of mon0's packet counter, oldest
# first.
counter_json() {
	jq -cs 'flatten | map(select(.plugin == "dynmon" and .type_instance == "packets-ingress")) | sort_by(.time)[]'
}

# Each of these values has all the fields that collectd knows.
counter_is_whole() {
	[ "$(jq -c '[.host, .plugin, .plugin_instance, .type, .type_instance, .dstypes, .dsnames, .interval]' | uniq)" = \
		'["host","dynmon","edge-mon0","packets","packets-ingress",["derive"],["value"],0.5]' ]
}

# The complete lines of a file that is still growing.
posted() { head -n "$(wc -l <"$DIR/posted")" "$DIR/posted"; }
posted_counter() { posted | counter_json; }
posted_is() { [ "$(posted_counter | tail -n 1 | jq '.values[0]')" = "$1" ]; }

@test "write_http posts JSON with names, types and time of each value" {
	ldconfig -p | grep -q libyajl.so.2 || skip "needs Debian's package libyajl2"
	server_start /usr/bin/python3 "$top_srcdir/tests/tools/http-sink.py" 8080 "$DIR/posted"
	eventually near bash -c ': </dev/tcp/127.0.0.1/8080'
	BEGIN=$(date +%s)
	pipeline_start 0.5 http.conf
	send_until posted_is
	posted_counter | jq '.values[0]' | rises
	posted_counter | counter_is_whole
	[ "$(posted_counter | jq --argjson begin "$BEGIN" '.time >= $begin and .time <= now' | uniq)" = true ]
	[ "$(posted | jq -r '.[] | select(.plugin_instance == "edge-mon0").type_instance' | sort -u | xargs)" = \
		"packets-egress packets-ingress" ]
}

# The port of collectd other than the plugin's own port.
broker_port() {
	near ss -Hltnp | sed -n "/pid=$COLLECTD,/s/.* 127\.0\.0\.1:\([0-9]*\) .*/\1/p" | grep -vx 9936
}

consumed() { near timeout "$PATIENCE" kcat -C -q -e -b "127.0.0.1:$(broker_port)" -t collectd | counter_json; }
consumed_is() { [ "$(consumed | tail -n 1 | jq '.values[0]')" = "$1" ]; }

# Debian has no Kafka. The broker is the mock broker of librdkafka in collectd's process, on a
# loopback port. write_kafka comes from Debian and speaks the Kafka protocol, as does kcat.
@test "write_kafka: JSON in a topic, as kcat reads it" {
	need kcat kcat
	pipeline_configure 0.5 kafka.conf
	sed -i '/metadata.broker.list/a Property "test.mock.num.brokers" "1"' "$DIR/kafka.conf"
	collectd_start
	send_until consumed_is
	consumed | jq '.values[0]' | rises
	consumed | counter_is_whole
}
