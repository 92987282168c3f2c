# Memory use of collectd after reads that do not fit into one batch.
# shellcheck shell=bash
bats_require_minimum_version 1.5.0
load lib

setup() {
	need_root
	network_up
	DATAPLANE_DIR=$BATS_TEST_TMPDIR
	DOCUMENT=$BATS_TEST_TMPDIR/large.json
}

# A map with 200000 fixed entries, exported as series of two families.
large() {
	jq -n --arg code '
struct counts { u64 packets; u64 bytes; };
BPF_ARRAY(LARGE, struct counts, 200000);
static __always_inline int handle_rx(struct CTXTYPE *ctx, struct pkt_metadata *md) { return RX_OK; }
' '{"ingress-path": {code: $code, "metric-configs": [{name: "large", "map-name": "LARGE",
	"max-series": 200000, "open-metrics-metadata": {type: "counter", help: "h", labels: []}}]}}' >"$DOCUMENT"
}

rss_kib() { awk '/^VmRSS:/ { print $2 }' "/proc/$COLLECTD/status"; }
rss_is_below() { [ "$(rss_kib)" -lt "$1" ]; }

# Eight concurrent scrapes, of both formats, and as many JSON reads.
burst() {
	local i pids=()
	local protobuf='application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited'

	for i in {1..4}; do
		metrics_page -o "$BATS_TEST_TMPDIR/text$i" 3>&- & pids+=($!)
		metrics_page -H "Accept: $protobuf" -o "$BATS_TEST_TMPDIR/protobuf$i" 3>&- & pids+=($!)
		ctl metrics edge >"$BATS_TEST_TMPDIR/json$i" 3>&- & pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i"; done
	for i in {1..4}; do
		[ "$(grep -c '^large_packets_total{' "$BATS_TEST_TMPDIR/text$i")" -eq 200000 ]
		[ "$(stat -c %s "$BATS_TEST_TMPDIR/protobuf$i")" -gt 20000000 ]
		[ "$(stat -c %s "$BATS_TEST_TMPDIR/json$i")" -gt 4000000 ]
	done
}

@test "memory of large reads returns to the system" {
	local before

	[ -z "${DYNMON_PRELOAD:-}" ] || skip "sanitizers keep memory"
	large
	collectd_configure <<-EOF
	<Monitor "edge">
	  Interface "mon0"
	  <Metric "large">
	    Dispatch false
	  </Metric>
	</Monitor>
	EOF
	collectd_start
	ctl inject edge mon0 "$DOCUMENT"
	ctl list >/dev/null
	before=$(rss_kib)
	burst
	burst
	eventually rss_is_below $((before + 16 * 1024))
}
