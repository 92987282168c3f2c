# The plugin's self metrics, and immediate reads: FLUSH and SIGUSR1.
# shellcheck shell=bash
bats_require_minimum_version 1.5.0
load lib

setup() {
	need_root
	network_up
	documents_up "$top_srcdir"/examples/packet_counter.json "$BATS_TEST_DIRNAME/fixtures/flows.bpf.c"
}

teardown() {
	[ -z "${LISTENER:-}" ] || kill "$LISTENER" 2>/dev/null || true
	collectd_kill
	network_down
}

DIRECTIONS='monitor="edge",interface="mon0",direction='

# figure NAME: a value from STATS. exposed NAME: the value from the metrics page, with the dynmon_
# prefix.
figure() { ctl stats | sed -n "s/^$1 //p"; }
figure_is() { [ "$(figure "$1")" = "$2" ]; }
exposed() { metrics_page | sed -n "s/^dynmon_$1 //p"; }

# edge OPTION [DOCUMENT]: configures a monitor and one option of the plugin. slow: after its start,
# collectd reads only when a test asks.
edge() {
	collectd_configure <<-EOF
	SelfMetrics true
	$1
	<Monitor "edge">
	  Interface "mon0"
	  Dataplane "${2:-packet_counter.json}"
	</Monitor>
	EOF
	# Several write threads of collectd may reorder values, and the older of two values is
	# rejected as "too old".
	sed -i 's/^Interval 0.2$/&\nWriteThreads 1/' "$CONF"
}
slow() {
	edge '' "$@"
	sed -i 's/^Interval 0.2$/Interval 3600/' "$CONF"
}

csv_is_own() { [ "$(cat "$DIR/csv/host/dynmon/$1"-[0-9]* | tail -n 1 | cut -d, -f2)" = "$2" ]; }
# Lines of the csv plugin for ingress: one for the first read and one for each flush.
lines_of_ingress() { cat "$DIR/csv/host/dynmon-edge-mon0/packets-packets-ingress"-* | grep -c '^[0-9]'; }
grows_to() { [ "$(grep -c "^[0-9]" "${@:2}")" -ge "$1" ]; }

@test "RunStats: the runs of a program equal the packets, also across a reload" {
	edge 'RunStats true'
	collectd_start
	frames_in 100
	frames_out 30
	[ "$(figure "program_runs{${DIRECTIONS}\"ingress\"}")" -eq 100 ]
	[ "$(exposed "program_runs_total{${DIRECTIONS}\"egress\"}")" -eq 30 ]
	seconds=$(exposed "program_run_seconds_total{${DIRECTIONS}\"ingress\"}")
	[ "$(jq -n "$seconds > 0 and $seconds < 50")" = true ]
	eventually csv_is_own derive-program_runs-edge-mon0-ingress 100
	ctl reload edge force=true
	frames_in 20
	[ "$(figure "program_runs{${DIRECTIONS}\"ingress\"}")" -eq 120 ]
	[ "$(figure "program_runs{${DIRECTIONS}\"egress\"}")" -eq 30 ]
	[ "$(jq -n "$(exposed "program_run_seconds_total{${DIRECTIONS}\"ingress\"}") > $seconds")" = true ]
	# another document with other maps, on one path
	ctl inject edge direction=ingress "$DATAPLANE_DIR/packet_counter.json"
	frames_in 3
	frames_out 1
	[ "$(figure "program_runs{${DIRECTIONS}\"ingress\"}")" -eq 123 ]
	[ "$(figure "program_runs{${DIRECTIONS}\"egress\"}")" -eq 31 ]
	# other settings, the same programs, another hook
	sed -i 's/Dataplane "packet/Hook "tc"\n&/' "$CONF"
	ctl reload
	ctl show edge | jq '.hook == "tc"' | is_true
	frames_in 7
	[ "$(figure "program_runs{${DIRECTIONS}\"ingress\"}")" -eq 130 ]
	sed -i 's/Hook "tc"/&\nLogLevel "info"/' "$CONF"
	ctl reload
	frames_in 1
	[ "$(figure "program_runs{${DIRECTIONS}\"ingress\"}")" -eq 131 ]
	collectd_stop
}

@test "RunStats counts both copies of swapped programs while packets flow" {
	jq '."ingress-path"."metric-configs"[0]."extraction-options" = {"swap-on-read": true}' \
		"$DATAPLANE_DIR/packet_counter.json" >"$DATAPLANE_DIR/swap.json"
	edge 'RunStats true' swap.json
	collectd_start
	frames_in 200000 &
	sender=$!
	last=0 sending=true
	while $sending; do
		# At least one iteration, even if the sender is done.
		kill -0 "$sender" 2>/dev/null || sending=false
		now=$(figure "program_runs{${DIRECTIONS}\"ingress\"}")
		[ "$now" -ge "$last" ]
		last=$now
		json_value edge ingress packets_total >/dev/null
		ctl reload edge force=true >/dev/null
	done
	wait "$sender"
	[ "$(figure "program_runs{${DIRECTIONS}\"ingress\"}")" -eq 200000 ]
	[ "$(figure 'dataplane_changes{monitor="edge"}')" -gt 1 ]
}

# Tests whether collectd has enabled the run count of the kernel, which is enabled while any process
# holds its descriptor.
asks() { find "/proc/$COLLECTD/fd" -lname 'anon_inode:bpf-stats' | grep -q .; }

@test "RunStats false exports nothing and enables nothing; a reload switches it" {
	edge ''
	collectd_start
	frames_in 10
	run ! grep program_run <(ctl stats)
	run ! grep program_run <(metrics_page)
	eventually test -e "$DIR/csv/host/dynmon"
	run ! ls "$DIR"/csv/host/dynmon/*program_run*
	run ! asks
	sed -i 's/<Monitor/RunStats true\n&/' "$CONF"
	run ctl reload
	[[ $output == *"RunStats: switched on"* ]]
	asks
	before=$(figure "program_runs{${DIRECTIONS}\"ingress\"}")
	frames_in 5
	[ "$(figure "program_runs{${DIRECTIONS}\"ingress\"}")" -eq $((before + 5)) ]
	run raw RELOAD
	[ "$output" = "0 nothing has changed" ]
	asks
	sed -i 's/RunStats true/RunStats off/' "$CONF"
	run ctl reload
	[[ $output == *"RunStats: switched off"* ]]
	run ! asks
	run ! grep program_run <(ctl stats)
	run ! grep "a change takes effect" "$LOG"
	sed -i 's/RunStats off/RunStats "perhaps"/' "$CONF"
	run ctl reload
	[ "$status" -ne 0 ]
	[[ $output == *'RunStats: expected '*'found "perhaps"'* ]]
}

@test "SelfMetrics false keeps the self metrics out of collectd; a reload switches it" {
	edge ''
	sed -i '/SelfMetrics/d' "$CONF"
	collectd_start
	frames_in 5
	eventually csv_is edge-mon0 packets-packets-ingress 5
	[ ! -e "$DIR/csv/host/dynmon" ]
	[ "$(figure monitors)" -eq 1 ]
	[ "$(exposed monitors)" -eq 1 ]
	[ "$(raw FLUSH)" = "0 Done: 1 successful, 0 errors" ]
	[ "$(figure flushes)" -eq 1 ]
	[ ! -e "$DIR/csv/host/dynmon" ]
	sed -i 's/<Monitor/SelfMetrics true\n&/' "$CONF"
	run ctl reload
	[ "$output" = "SelfMetrics: switched on" ]
	eventually csv_is_own count-monitors 1.000000
	eventually csv_is_own derive-flushes 1
	run ! grep "a change takes effect" "$LOG"
}

@test "RunStats without the capability is logged, and the rest works" {
	edge 'RunStats true'
	# No function here: $! must be the process of collectd.
	ip netns exec "$NEAR" setpriv --bounding-set -sys_admin --inh-caps -sys_admin \
		env LD_PRELOAD="${DYNMON_PRELOAD:-}" collectd -f -C "$CONF" >"$DIR/collectd.out" 2>&1 3>&- &
	COLLECTD=$!
	eventually grep -q 'version .* is ready' "$LOG"
	grep -q 'dynmon: RunStats: cannot enable run statistics: Operation not permitted; this needs CAP_SYS_ADMIN' "$LOG"
	[ "$(figure monitors)" -eq 1 ]
	run ! grep program_run <(ctl stats)
}

@test "self metrics: map entries and capacity, series left out, reads" {
	jq -n '{"ingress-path": {"code-file": "flows.bpf.c", "metric-configs": [
		{"name": "flows", "map-name": "FLOWS", "max-series": 2, "open-metrics-metadata": {"type": "counter", "help": "F."}}]}}' >"$DATAPLANE_DIR/flows.json"
	slow flows.json
	collectd_start
	flows="{${DIRECTIONS}\"ingress\",metric=\"flows\"}"
	eventually figure_is 'reads{monitor="edge",reader="collectd"}' 1
	[ "$(figure "map_entries$flows")" -eq 0 ]
	for port in 1 2 3 4 5; do frames_in 2 -d "$port"; done
	# as of the last read: the figures do not read the map
	[ "$(figure "map_entries$flows")" -eq 0 ]
	ctl metrics edge >/dev/null
	[ "$(figure "map_entries$flows")" -eq 5 ]
	[ "$(exposed "map_entries$flows")" -eq 5 ]
	[ "$(exposed "map_capacity$flows")" -eq "$(sed -n 's/.*max_entries, \([0-9]*\).*/\1/p' "$DATAPLANE_DIR/flows.bpf.c" | head -n 1)" ]
	[ "$(figure "series_left_out{${DIRECTIONS}\"ingress\",metric=\"flows\",reader=\"openmetrics\"}")" -eq 3 ]
	[ "$(figure "series_left_out{${DIRECTIONS}\"ingress\",metric=\"flows\",reader=\"collectd\"}")" = "" ]
	[ "$(figure 'reads{monitor="edge",reader="json"}')" -eq 1 ]
	[ "$(figure 'reads{monitor="edge",reader="openmetrics"}')" -eq 2 ]
	for reader in collectd json openmetrics; do
		[ "$(jq -n "$(figure "read_seconds{monitor=\"edge\",reader=\"$reader\"}") > 0")" = true ]
	done
	# read counters continue after a change of settings
	sed -i 's/Dataplane "flows/LogLevel "info"\n&/' "$CONF"
	ctl reload
	[ "$(figure 'reads{monitor="edge",reader="openmetrics"}')" -eq 2 ]
}

@test "self metrics: changes, failures, time of the last change" {
	edge ''
	before=$(date +%s)
	collectd_start
	loaded=$(exposed 'dataplane_change_timestamp_seconds{monitor="edge"}')
	[ "$loaded" -ge "$before" ]
	[ "$loaded" -le "$(date +%s)" ]
	[ "$(exposed 'dataplane_changes_total{monitor="edge"}')" -eq 1 ]
	[ "$(exposed 'interfaces_attached{monitor="edge"}')" -eq 1 ]
	echo '{"ingress-path":{"code":"no"}}' >"$BATS_TEST_TMPDIR/wrong.json"
	run ctl inject edge "$BATS_TEST_TMPDIR/wrong.json"
	[ "$status" -ne 0 ]
	# The request was rejected; the monitor is healthy.
	[ "$(exposed requests_refused_total)" -eq 1 ]
	[ "$(exposed 'dataplane_failures_total{monitor="edge"}')" -eq 0 ]
	[ "$(exposed 'dataplane_change_timestamp_seconds{monitor="edge"}')" -eq "$loaded" ]
	while [ "$(date +%s)" -le "$loaded" ]; do sleep 0.05; done
	ctl reload edge force=true
	[ "$(exposed 'dataplane_changes_total{monitor="edge"}')" -eq 2 ]
	[ "$(exposed 'dataplane_change_timestamp_seconds{monitor="edge"}')" -gt "$loaded" ]
	ctl detach edge
	[ "$(exposed 'interfaces_attached{monitor="edge"}')" -eq 0 ]
	ctl add never
	[ "$(exposed 'dataplane_change_timestamp_seconds{monitor="never"}')" = "" ]
	[ "$(figure monitors)" -eq 2 ]
	# A failed injection leaves the old dataplane running. A broken document does not replace
	# it.
	[ "$(figure 'monitor_failed{monitor="edge"}') $(figure 'dataplane_outdated{monitor="edge"}')" = "0 0" ]
	cp "$DATAPLANE_DIR/packet_counter.json" "$BATS_TEST_TMPDIR/kept.json"
	echo '{' >"$DATAPLANE_DIR/packet_counter.json"
	run ! ctl reload edge
	[ "$(exposed 'monitor_failed{monitor="edge"}') $(exposed 'dataplane_outdated{monitor="edge"}')" = "0 1" ]
	cp "$BATS_TEST_TMPDIR/kept.json" "$DATAPLANE_DIR/packet_counter.json"
	ctl reload edge
	[ "$(exposed 'dataplane_outdated{monitor="edge"}')" -eq 0 ]
	sed -i 's|^<Monitor "edge">|<Monitor "none">\nDataplane "none.json"\n</Monitor>\n&|' "$CONF"
	run ctl reload
	monitor_is none failed
	[ "$(exposed 'monitor_failed{monitor="none"}')" -eq 1 ]
	failed=$(figure dataplane_failures)
	ctl del none
	ctl del edge
	[ "$(exposed 'dataplane_changes_total{monitor="edge"}')" = "" ]
	[ "$(figure dataplane_changes)" -eq 2 ]
	[ "$(figure dataplane_failures)" -eq "$failed" ]
	[ "$failed" -eq 2 ]
}

@test "self metrics pass the strict parser and promtool, and do not clash with metrics" {
	jq '."ingress-path"."metric-configs"[0].name = "dynmon_reads"' \
		"$DATAPLANE_DIR/packet_counter.json" >"$DATAPLANE_DIR/like.json"
	jq -n --arg code '#include <linux/bpf.h>
		#include <bpf/bpf_helpers.h>
		SEC("raw_tp/sys_enter") int figures_calls(void *ctx) { return 0; }
		char _license[] SEC("license") = "GPL";' '{"ingress-path": {code: $code}}' >"$DATAPLANE_DIR/calls.json"
	collectd_configure <<-EOF
	RunStats true
	<Monitor "edge">
	  Interface "mon0"
	  Dataplane "like.json"
	</Monitor>
	<Monitor "calls">
	  Dataplane "calls.json"
	</Monitor>
	<Monitor "empty">
	</Monitor>
	EOF
	collectd_start
	frames_in 4
	page=$BATS_TEST_TMPDIR/page
	metrics_page -H 'Accept: application/openmetrics-text; version=1.0.0' >"$page"
	/usr/bin/python3 "$top_srcdir/tests/tools/parse-openmetrics.py" <"$page"
	grep -Fx '# UNIT dynmon_program_run_seconds seconds' "$page"
	grep -Fx '# TYPE dynmon_program_runs counter' "$page"
	grep -Fx "exported_dynmon_reads_total{${DIRECTIONS}\"ingress\"} 4" "$page"
	grep -Fx 'dynmon_reads_total{monitor="empty",reader="openmetrics"} 1' "$page"
	grep -E '^dynmon_program_runs_total\{monitor="calls",interface="",direction="ingress"\} [1-9][0-9]*$' "$page"
	[ "$(sed -n 's/^# TYPE dynmon_\([a-z_]*\) .*/\1/p' "$page" | sort | uniq -d)" = "" ]
	grep '^# HELP dynmon_' "$page" | grep -Ev '^# HELP [a-z_]+ [A-Z].*\.$' && return 1
	metrics_page | promtool check metrics
	# with a monitor in the query, the page has only the metrics of that monitor
	run ! grep '^dynmon_' <(http 'http://127.0.0.1:9936/metrics?monitor=edge')
}

@test "FLUSH dispatches the values at once, with each of its options" {
	slow
	collectd_start
	packets="packets-packets-ingress"
	eventually csv_is edge-mon0 "$packets" 0
	frames_in 5
	[ "$(raw FLUSH)" = "0 Done: 1 successful, 0 errors" ]
	eventually csv_is edge-mon0 "$packets" 5
	eventually csv_is_own derive-flushes 1
	frames_in 1
	[ "$(raw 'flush plugin=dynmon timeout=0')" = "0 Done: 1 successful, 0 errors" ]
	eventually csv_is edge-mon0 "$packets" 6
	frames_in 1
	near collectdctl -s "$SOCKET" flush
	eventually csv_is edge-mon0 "$packets" 7
	frames_in 1
	near collectdctl -s "$SOCKET" flush plugin=dynmon identifier="host/dynmon-edge-mon0/$packets"
	eventually csv_is edge-mon0 "$packets" 8
	frames_in 1
	ctl flush plugin=csv plugin=dynmon
	eventually csv_is edge-mon0 "$packets" 9
	frames_in 1
	# flushes of other plugins, or of values older than these, do not read ours
	raw 'FLUSH plugin=csv' | grep -Fx '0 Done: 1 successful, 0 errors'
	raw 'FLUSH identifier=host/load/load identifier=host/dynmonic/x' | grep -Fx '0 Done: 2 successful, 0 errors'
	raw 'FLUSH timeout=3600' | grep -Fx '0 Done: 1 successful, 0 errors'
	[ "$(figure flushes)" -eq 5 ]
	[ "$(csv_value edge-mon0 "$packets")" -eq 9 ]
	raw 'FLUSH timeout=never' | grep -Fx -- '-1 timeout: expected seconds from -31622400 to 31622400, found "never"'
	raw 'FLUSH now' | grep -F -- '-1 unexpected argument: now; usage: FLUSH '
	collectd_stop
	[ "$(lines_of_ingress)" -eq 6 ]
	run ! grep -iE "too old|left after" "$LOG"
}

@test "SIGUSR1 and a flush over collectd's socket dispatch the values at once" {
	slow
	sed -i 's/^\t*LoadPlugin csv$/LoadPlugin unixsock\n&/' "$CONF"
	cat >>"$CONF" <<-EOF
	<Plugin unixsock>
	  SocketFile "$DIR/unixsock"
	</Plugin>
	EOF
	collectd_start
	eventually csv_is edge-mon0 packets-packets-ingress 0
	frames_in 5
	kill -USR1 "$COLLECTD"
	eventually csv_is edge-mon0 packets-packets-ingress 5
	frames_in 5
	near collectdctl -s "$DIR/unixsock" flush plugin=dynmon
	eventually csv_is edge-mon0 packets-packets-ingress 10
	near collectdctl -s "$DIR/unixsock" listval | grep -Fx host/dynmon-edge-mon0/packets-packets-ingress
	run ! grep -i "too old" "$LOG"
}

@test "FLUSH also flushes write plugins" {
	ip netns exec "$NEAR" python3 "$top_srcdir/tests/tools/listen.py" 2003 "$BATS_TEST_TMPDIR/graphite" 3>&- &
	LISTENER=$!
	eventually test -e "$BATS_TEST_TMPDIR/graphite"
	slow
	sed -i 's/^\t*LoadPlugin csv$/LoadPlugin write_graphite\n&/' "$CONF"
	cat >>"$CONF" <<-EOF
	<Plugin write_graphite>
	  <Node "here">
	    Host "127.0.0.1"
	    Port "2003"
	    Protocol "tcp"
	    StoreRates false
	  </Node>
	</Plugin>
	EOF
	collectd_start
	eventually csv_is edge-mon0 packets-packets-ingress 0
	frames_in 5
	near collectdctl -s "$SOCKET" flush
	eventually grep -Eq '^host\.dynmon-edge-mon0\.packets-packets-ingress 5 ' "$BATS_TEST_TMPDIR/graphite"
	# Sends a late value; otherwise the flushed values stay in the buffer of the write plugin.
	eventually grep -Eq '^host\.dynmon\.derive-maps_full 0 ' "$BATS_TEST_TMPDIR/graphite"
}

# precache RULES: a filter chain that all values pass before they enter collectd's cache.
precache() {
	sed -i '1i LoadPlugin match_regex\nLoadPlugin target_replace' "$CONF" # before PluginDir
	cat >>"$CONF" <<-EOF
	<Chain "PreCache">
	$1
	</Chain>
	EOF
}

# Twenty flushes in sequence. This would take too long if a flush waited for dropped values.
flush_often() {
	for _ in {1..20}; do printf 'FLUSH\n'; done |
		near timeout "$PATIENCE" python3 "$top_srcdir/tests/tools/rawsocket.py" "$SOCKET" >"$DIR/flushed"
	[ "$(sort "$DIR/flushed" | uniq -c | xargs)" = "20 0 Done: 1 successful, 0 errors" ]
}

@test "FLUSH does not wait for self metrics that a filter chain drops" {
	slow
	precache '<Rule "no figures">
	  <Match "regex">
	    Plugin "^dynmon$"
	    PluginInstance "^$"
	  </Match>
	  Target "stop"
	</Rule>'
	collectd_start
	eventually csv_is edge-mon0 packets-packets-ingress 0
	frames_in 5
	flush_often
	eventually csv_is edge-mon0 packets-packets-ingress 5
	[ "$(figure flushes)" -eq 20 ]
	[ ! -e "$DIR/csv/host/dynmon" ]
}

@test "FLUSH waits for values that a filter chain renames" {
	slow
	precache '<Target "replace">
	  Host "host" "elsewhere"
	  Plugin "dynmon" "renamed"
	  TypeInstance "packets" "frames"
	</Target>'
	collectd_start
	frames_in 5
	flush_often
	file=$(echo "$DIR"/csv/elsewhere/renamed-edge-mon0/packets-frames-ingress-*)
	eventually grep -q ',5$' "$file"
}

@test "FLUSH reports when a filter chain drops everything" {
	slow
	precache '<Rule "nothing">
	  <Match "regex">
	    Plugin "^dynmon$"
	  </Match>
	  Target "stop"
	</Rule>'
	collectd_start
	raw FLUSH | grep -Eqx '0 Done: 1 successful, 0 errors; [1-9][0-9]* values did not come out of the PreCache filter chain, which may have dropped them'
	[ ! -e "$DIR/csv/host/dynmon-edge-mon0" ]
}

@test "concurrent flushes count nothing twice and lose nothing" {
	jq '."ingress-path"."metric-configs"[0]."extraction-options" = {"empty-on-read": true}' \
		"$DATAPLANE_DIR/packet_counter.json" >"$DATAPLANE_DIR/drain.json"
	edge '' drain.json
	sed -i 's/^Interval 0.2$/Interval 0.02/' "$CONF"
	collectd_start
	frames_in 100000 &
	sender=$!
	flushers=()
	for _ in 1 2 3 4; do
		(for _ in $(seq 25); do raw FLUSH; done >>"$BATS_TEST_TMPDIR/flushed") &
		flushers+=($!)
	done
	for _ in $(seq 20); do
		kill -USR1 "$COLLECTD"
		sleep 0.02
	done
	wait "${flushers[@]}" "$sender"
	[ "$(grep -Fxc '0 Done: 1 successful, 0 errors' "$BATS_TEST_TMPDIR/flushed")" -eq 100 ]
	raw FLUSH
	eventually csv_is edge-mon0 packets-packets-ingress 100000
	# no line is less than the previous line
	[ -z "$(awk -F, '/^[0-9]/ { if ($2 + 0 < last) print; last = $2 + 0 }' "$DIR/csv/host/dynmon-edge-mon0/packets-packets-ingress"-*)" ]
	collectd_stop
	run ! grep -i "too old" "$LOG"
}

@test "a full map is logged once with its monitor, and counted" {
	jq -n '{"ingress-path": {code: "BPF_TABLE(\"hash\", u64, u64, LENGTHS, 2);\nstatic __always_inline int handle_rx(struct CTXTYPE *ctx, struct pkt_metadata *md) { u64 len = md->packet_len, one = 1; LENGTHS.update(&len, &one); return RX_OK; }",
		"metric-configs": [{name: "lengths", "map-name": "LENGTHS", "max-series": 1, "open-metrics-metadata": {type: "gauge", help: "L."}}]}}' >"$DATAPLANE_DIR/lengths.json"
	slow lengths.json
	collectd_start
	frames_in 1 -s 100
	ctl metrics edge
	[ "$(figure maps_full)" -eq 0 ]
	frames_in 1 -s 200
	frames_in 1 -s 300
	for _ in 1 2 3; do ctl metrics edge >/dev/null; done
	[ "$(figure maps_full)" -ge 3 ]
	full='dynmon: monitor edge: metric "lengths": map LENGTHS is full with 2 entries: new entries are lost'
	[ "$(grep -cF "$full" "$LOG")" -eq 1 ]
	metrics_page >/dev/null
	metrics_page >/dev/null
	[ "$(grep -cF 'dynmon: monitor edge: metric "lengths": only the largest 1 of 2 series are passed to openmetrics' "$LOG")" -eq 1 ]
}

@test "a late read is not followed by another one at once" {
	# The first read comes after the start, which takes longer than an interval.
	printf '#!/bin/sh\nsleep 5\nexec %s "$@"\n' "$DYNMON_CC" >"$BATS_TEST_TMPDIR/slow-cc"
	chmod 755 "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR/slow-cc"
	edge ''
	sed -i "s/^Interval 0.2$/Interval 2/; s|Compiler .*|Compiler \"$BATS_TEST_TMPDIR/slow-cc\"|" "$CONF"
	collectd_start
	for counter in dynmon/derive-flushes dynmon-edge-mon0/packets-packets-ingress; do
		eventually grows_to 3 "$DIR/csv/host/$counter"-*
		awk -F, '/^[0-9]/ { if (last && $1 - last < 0.2) exit 1; last = $1 }' "$DIR/csv/host/$counter"-*
	done
}
