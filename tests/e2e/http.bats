# HTTP on a real collectd: every request gets an answer, and requests from other sites take no
# values.
# shellcheck shell=bash
bats_require_minimum_version 1.5.0
load lib

API=http://127.0.0.1:9000/polycube/v1

setup() {
	need_root
	network_up
	documents_up
	HELD=()
}

teardown() {
	[ ${#HELD[@]} -eq 0 ] || kill "${HELD[@]}" 2>/dev/null || true
	collectd_kill
	network_down
}

# rx BODY: a handler in Dynmon's dialect.
rx() { echo "static __always_inline int handle_rx(struct CTXTYPE *ctx, struct pkt_metadata *md) { $1 return RX_OK; }"; }

# document NAME CODE METRIC ...: writes a document with an ingress path. Each METRIC is a
# metric-config.
document() {
	local name=$1 code=$2
	shift 2
	printf '%s\n' "$@" | jq -s --arg code "$code" \
		'{"ingress-path": {code: $code, "metric-configs": .}, "egress-path": {}}' >"$DOCUMENTS/$name"
}

# start [LINES]: starts one listener with writes and one without. LINES are added to the plugin's
# block.
start() {
	collectd_configure <<-EOF
	<Http>
	  Port 9000
	  AllowWrites true
	</Http>
	$*
	EOF
	collectd_start
}

# A monitor with an array large enough to make a read slow.
start_large() {
	document large.json "BPF_TABLE(\"array\", u32, u64, MANY, 5000000); $(rx '')" \
		'{"name": "many", "map-name": "MANY", "open-metrics-metadata": {"type": "gauge"}}'
	start '<Monitor "large">
	  Dataplane "large.json"
	  Interval 3600
	</Monitor>'
}

# in_background COMMAND ...: runs COMMAND until the test ends.
in_background() {
	ip netns exec "$NEAR" "$@" >/dev/null 2>&1 3>&- &
	HELD+=($!)
}

monitors() { http "$API/cubes" | jq -r '.dynmon[]?.name' | sort; }
status_of() { http -o /dev/null -w '%{http_code}\n' "$@"; }

@test "the time limit applies only while the plugin waits for the client" {
	start_large
	# The header has been sent and the plugin reads the map. There is no time limit.
	in_background curl -sS -D "$BATS_TEST_TMPDIR/head" -o "$BATS_TEST_TMPDIR/body" http://127.0.0.1:9000/metrics
	eventually test -s "$BATS_TEST_TMPDIR/head"
	kill -STOP "$COLLECTD"
	sleep 35
	kill -CONT "$COLLECTD"
	wait "${HELD[0]}"
	tail -n 1 "$BATS_TEST_TMPDIR/body" | grep -q '^dynmon'
	grep -c '^many{' "$BATS_TEST_TMPDIR/body" | grep -qx 10000
	run ! grep 'was cut after' "$LOG"
}

@test "a truncated answer is logged with the client, the bytes sent, and the reason" {
	start_large
	value=$API/dynmon/large/metrics/ingress-metrics/many/value
	near bash -c "curl -sS -N --max-time $PATIENCE $value | head -c 1000 >/dev/null" || true
	eventually grep "http://127.0.0.1:9000: GET /polycube/v1/dynmon/large/metrics/.*/value by 127.0.0.1: answer 200 was cut after [0-9]* bytes of its body: the client closed the connection" "$LOG"
	# One client that does not read, and one client that is connected when collectd ends.
	in_background bash -c "curl -sS -N $value | sleep 300"
	eventually grep 'was cut after .*: the client read nothing for 30 s' "$LOG"
	in_background bash -c "curl -sS -N $value >'$BATS_TEST_TMPDIR/taken' | sleep 300"
	eventually test -s "$BATS_TEST_TMPDIR/taken"
	collectd_stop
	eventually grep 'was cut after .*: the plugin is being stopped' "$LOG"
}

@test "each of many concurrent requests is executed and answered, or rejected unexecuted" {
	local name status

	start
	near python3 "$top_srcdir/tests/tools/burst.py" 127.0.0.1 9000 150 >"$BATS_TEST_TMPDIR/burst"
	cut -d ' ' -f 2 "$BATS_TEST_TMPDIR/burst" | sort | uniq -c
	monitors >"$BATS_TEST_TMPDIR/there"
	sed -n 's/ 201$//p' "$BATS_TEST_TMPDIR/burst" | sort | diff - "$BATS_TEST_TMPDIR/there"
	run ! grep -v -e ' 201$' -e ' 503$' "$BATS_TEST_TMPDIR/burst"
}

@test "Host must be a name of the listener, an address, or a ServerName" {
	start '<Http>
	  Host "10.9.0.1"
	  Port 9001
	  ServerName "dynmon.example.org"
	</Http>
	<Http>
	  SocketFile "'"$BATS_TEST_TMPDIR"'/http.sock"
	</Http>'
	for name in localhost:9000 127.0.0.1 '[::1]:1' host "$(hostname)"; do
		[ "$(status_of -H "Host: $name" http://127.0.0.1:9000/metrics)" = 200 ]
	done
	http -H 'Host: evil.example:9000' http://127.0.0.1:9000/metrics |
		grep -Fx '"evil.example:9000" is not a name of this listener; to accept this name, add ServerName to the listener'"'s <Http> block"
	[ "$(status_of -X POST -H 'Host: evil.example' -d '{}' "$API/dynmon/m")" = 421 ]
	[ "$(status_of -H 'Host: dynmon.example.org' http://127.0.0.1:9000/metrics)" = 421 ]
	[ "$(status_of -H 'Host: dynmon.example.org' http://10.9.0.1:9001/metrics)" = 200 ]
	[ "$(status_of -H 'Host: dynmon.example.org' --unix-socket "$BATS_TEST_TMPDIR/http.sock" http://localhost/metrics)" = 200 ]
	[ -z "$(monitors)" ]
}

# Metrics whose reads remove values: a queue, and a gauge that is emptied.
start_taken() {
	document taken.json "BPF_ARRAY(LEVEL, u64, 1); BPF_QUEUE(JOBS, u64, 100);
		$(rx 'u64 one = 1; LEVEL.atomic_increment(0); JOBS.push(&one, 0);')" \
		'{"name": "level", "map-name": "LEVEL", "extraction-options": {"empty-on-read": true}, "open-metrics-metadata": {"type": "gauge"}}' \
		'{"name": "jobs", "map-name": "JOBS"}'
	document kept.json "BPF_ARRAY(KEPT, u64, 1); $(rx 'KEPT.atomic_increment(0);')" \
		'{"name": "kept", "map-name": "KEPT", "open-metrics-metadata": {"type": "gauge"}}'
	start '<Http>
	  Host "10.9.0.1"
	  Port 9001
	</Http>
	<Monitor "taken">
	  Interface "mon0"
	  Dataplane "taken.json"
	  Interval 3600
	</Monitor>
	<Monitor "kept">
	  Interface "mon0"
	  Dataplane "kept.json"
	  Interval 3600
	</Monitor>'
	# collectd reads once at startup.
	eventually both_are_read
	frames_in 3
}
nothing_is_taken() {
	[ "$(json_value taken ingress level)" = "[3]" ]
	[ "$(json_value taken ingress jobs)" = "[1,1,1]" ]
}

@test "pages of other sites cannot empty maps by a read" {
	local headers

	start_taken
	for headers in 'Sec-Fetch-Site: cross-site' 'Sec-Fetch-Site: same-site' 'Origin: http://evil.example' 'Origin: null' \
		'User-Agent: Mozilla/5.0 (X11; Linux x86_64)'; do
		for path in /metrics '/metrics?monitor=taken' /dynmon/taken /dynmon/taken/metrics /dynmon/taken/open-metrics \
			/dynmon/taken/metrics/ingress-metrics /dynmon/taken/metrics/ingress-metrics/jobs \
			/dynmon/taken/metrics/ingress-metrics/jobs/value; do
			[ "$(status_of -H "$headers" "http://127.0.0.1:9000$path")" = 403 ]
			[ "$(status_of -I -H "$headers" "http://127.0.0.1:9000$path")" = 403 ]
		done
		# Requests to these paths remove no values.
		for path in / /status /healthz '/metrics?look=10' '/metrics?monitor=kept' /dynmon/kept /dynmon/kept/metrics /cubes; do
			[ "$(status_of -H "$headers" "http://127.0.0.1:9000$path")" = 200 ]
		done
	done
	nothing_is_taken
	frames_in 3
	for headers in 'User-Agent: Prometheus/2.42.0' 'User-Agent:' 'Sec-Fetch-Site: none' 'Sec-Fetch-Site: same-origin'; do
		[ "$(status_of -H "$headers" http://127.0.0.1:9000/metrics)" = 200 ]
	done
	[ "$(http http://127.0.0.1:9000/dynmon/taken/metrics/ingress-metrics/jobs/value)" = "[1,1,1]" ]
}

@test "a real browser: cross-site requests and DNS rebinding" {
	command -v chromium >/dev/null || skip "chromium is not installed"
	start_taken
	mkdir "$BATS_TEST_TMPDIR/site"
	cat >"$BATS_TEST_TMPDIR/site/index.html" <<-'EOF'
	<script>
	const addresses = ["http://127.0.0.1:9000", "http://10.9.0.1:9001"];
	const paths = ["/metrics", "/polycube/v1/dynmon/taken/metrics"];
	const all = addresses.flatMap((address) => paths.map((path) => address + path));
	async function attack() {
		for (const url of all) {
			await new Promise((done) => Object.assign(new Image(), { onerror: done, onload: done, src: url }));
			await fetch(url, { mode: "no-cors" }).catch(() => 0);
		}
		await fetch(addresses[0] + "/polycube/v1/dynmon/made", { method: "POST", mode: "no-cors", body: "{}" }).catch(() => 0);
		document.title = "done";
	}
	attack();
	</script>
	EOF
	in_background python3 -m http.server --bind 127.0.0.1 --directory "$BATS_TEST_TMPDIR/site" 8000
	eventually near curl -sS http://localhost:8000/
	near python3 "$top_srcdir/tests/tools/browser.py" http://localhost:8000/ 'wait document.title === "done"'
	nothing_is_taken
	[ "$(monitors)" = $'kept\ntaken' ]
	# DNS rebinding: the name of another site resolves to this host.
	near env BROWSER_FLAG='--host-resolver-rules=MAP evil.example 127.0.0.1' \
		python3 "$top_srcdir/tests/tools/browser.py" http://evil.example:9000/metrics \
		'wait document.body.innerText.includes("\"evil.example:9000\" is not a name of this listener")'
	# A page loaded from the plugin itself, by address and by name of the listener.
	for url in http://10.9.0.1:9001/ http://localhost:9000/; do
		near python3 "$top_srcdir/tests/tools/browser.py" "$url" \
			"wait document.querySelector('[data-monitor=kept] [data-family=kept] .value')"
	done
}
