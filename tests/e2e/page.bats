# The status page in a real browser: its content, its use, and that it takes no values.
# shellcheck shell=bash
bats_require_minimum_version 1.5.0
load lib

setup() {
	need_root
	command -v chromium >/dev/null || skip "chromium is not installed"
	network_up
	documents_up "$top_srcdir/examples/packet_counter.json"
}

URL=http://127.0.0.1:9936/
browser() { near /usr/bin/python3 "$top_srcdir/tests/tools/browser.py" "$URL" "$@"; }

# document NAME CODE METRIC ...: writes a document with an ingress path. Each argument METRIC is a
# metric-config in JSON.
document() {
	local name=$1 code=$2
	shift 2
	printf '%s\n' "$@" | jq -s --arg code "$code" \
		'{"ingress-path": {code: $code, "metric-configs": .}, "egress-path": {}}' >"$DOCUMENTS/$name"
}

# rx BODY: a handler in Dynmon's dialect.
rx() { echo "static __always_inline int handle_rx(struct CTXTYPE *ctx, struct pkt_metadata *md) { $1 return RX_OK; }"; }

# start [NAME:DOCUMENT ...]: starts a monitor on mon0 for each argument.
start() {
	local monitor

	for monitor; do
		printf '<Monitor "%s">\nInterface "mon0"\nDataplane "%s"\n%s\n</Monitor>\n' \
			"${monitor%%:*}" "${monitor#*:}" "${LINES_OF_ALL:-}"
	done >"$DOCUMENTS/monitors"
	collectd_configure <"$DOCUMENTS/monitors"
	collectd_start
}

sizes() {
	document sizes.json "BPF_HISTOGRAM(SIZES); $(rx 'SIZES.atomic_increment(bpf_log2l(md->packet_len));')" \
		'{"name": "size", "map-name": "SIZES", "open-metrics-metadata": {"type": "histogram", "help": "Sizes.", "unit": "bytes"}}'
}

# Steps. ASK: the page sends its requests now, without waiting. AGAIN: the page has requested
# everything again and was redrawn.
ASK='print void document.dispatchEvent(new Event("visibilitychange"))'
AGAIN='wait page.answered - (window.since ??= page.answered) > 3000'
# JavaScript for the text of the elements that a selector matches.
text() { echo "[...document.querySelectorAll('$1')].map((e) => e.innerText.replaceAll('\\u202f', ' '))"; }

@test "the page shows monitors, interfaces, values and buckets correctly" {
	sizes
	start edge:packet_counter.json sizes:sizes.json broken:nosuch.json
	frames_in 1234 -s 63
	frames_in 20 -s 64
	frames_out 7
	run browser \
		"wait document.querySelector('[data-monitor=edge] [data-family=packets] tr:nth-child(2)')" \
		"wait document.querySelector('[data-monitor=sizes] .bars rect')" \
		"wait document.querySelector('[data-monitor=broken] pre')" \
		"print $(text '[data-monitor=edge] .value')" \
		"print $(text '[data-monitor=edge] tbody .labels')" \
		"print [...document.querySelectorAll('[data-monitor=sizes] .bars rect')].map((e) => e.dataset.le + '=' + e.dataset.n)" \
		"print $(text '.state')" \
		"print $(text '[data-monitor=broken] pre')" \
		"print $(text '[data-monitor=sizes] .panel > div:nth-of-type(2) td')" \
		"print $(text '[data-figure=monitors], [data-figure=dataplane_failures]')" \
		"wait document.querySelector('.spark .line').getAttribute('d')"
	echo "$output"
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = '["1 254", "7"]' ]
	[ "${lines[1]}" = '["ingress", "egress"]' ]
	[ "${lines[2]}" = '["31=0", "63=1234", "127=20", "255=0"]' ]
	# Failed monitors come first.
	[ "${lines[3]}" = '["failed", "running", "running"]' ]
	[[ ${lines[4]} == *"nosuch.json: No such file or directory"* ]]
	[ "${lines[5]}" = '["mon0", "ingress", "tcx", "2 of 2", "edgesizes"]' ]
	[ "${lines[6]}" = '["3", "1"]' ]
}

@test "charts show only the last minute" {
	sizes
	LINES_OF_ALL='Interval 3600' start sizes:sizes.json
	frames_in 9 -s 63
	local rects="[...document.querySelectorAll('.bars rect')].filter((e) => e.dataset.n > 0).map((e) => e.dataset.n).join()"
	run browser "wait $rects === '9'" \
		"sh top_builddir=$top_builddir FAR=$FAR; ip netns exec \$FAR \$top_builddir/tests/tools/sendframes -s 300 peer0 4" \
		"$ASK" \
		"wait $rects === '9,4'" \
		"print document.querySelector('.switch button:last-child').click()" \
		"wait $rects === '4'" \
		"print document.querySelector('.switch button:first-child').click()" \
		"wait $rects === '9,4'"
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "text from documents is escaped" {
	local evil='<img src=x onerror="window.broken=1"><script>window.broken=1</script>'
	document '<i>x.json' "BPF_ARRAY(A, u64, 1); $(rx 'A.atomic_increment(0);')" \
		"$(jq -n --arg evil "$evil" '{name: "count<b>", "map-name": "A", "open-metrics-metadata": {type: "counter", help: $evil,
			labels: [{name: "site", value: $evil}]}}')" \
		"$(jq -n --arg evil "$evil" '{name: $evil, "map-name": "A"}')"
	printf '{"ingress-path": {"code": 7, "%s": 1}}' '<u>u</u>' >"$DOCUMENTS/<u>x.json"
	cable_up '<s>x' peer1
	collectd_configure <<-EOF
	<Monitor "edge">
	  Interface "<s>x"
	  Interface "mon0"
	  Dataplane "<i>x.json"
	</Monitor>
	<Monitor "broken">
	  Dataplane "<u>x.json"
	</Monitor>
	EOF
	collectd_start
	run browser "wait document.querySelector('[data-monitor=edge] .value')" \
		"wait document.querySelector('[data-monitor=broken] pre')" \
		"print document.querySelectorAll('img, main script, b, u, s').length" \
		"print 'broken' in window" \
		"print $(text '[data-monitor=edge] .card .labels')" \
		"print $(text '[data-monitor=edge] .head')[0]" \
		"print $(text '[data-monitor=edge] .panel > div:first-child > p')" \
		"print $(text '[data-monitor=broken] .what, [data-monitor=broken] pre')"
	echo "$output"
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = 0 ]
	[ "${lines[1]}" = false ]
	[[ $(jq -r '.[0]' <<<"${lines[2]}") == *"site=$evil"* ]]
	[[ $(jq -r . <<<"${lines[3]}") == *"<s>x, mon0"*"<i>x.json"* ]]
	[[ $(jq -r '.[0]' <<<"${lines[4]}") == "$evil: only in JSON." ]]
	[[ ${lines[5]} == *"<u>x.json"* ]]
}

@test "the page empties no map and counts as no read" {
	document all.json "BPF_ARRAY(TOTAL, u64, 1); BPF_ARRAY(LEVEL, u64, 1); BPF_ARRAY(KEPT, u64, 1); BPF_QUEUE(JOBS, u64, 100);
		$(rx 'u64 one = 1; TOTAL.atomic_increment(0); LEVEL.atomic_increment(0); KEPT.atomic_increment(0); JOBS.push(&one, 0);')" \
		'{"name": "total", "map-name": "TOTAL", "extraction-options": {"empty-on-read": true}, "open-metrics-metadata": {"type": "counter"}}' \
		'{"name": "level", "map-name": "LEVEL", "extraction-options": {"empty-on-read": true}, "open-metrics-metadata": {"type": "gauge"}}' \
		'{"name": "kept", "map-name": "KEPT", "open-metrics-metadata": {"type": "gauge"}}' \
		'{"name": "jobs", "map-name": "JOBS"}'
	document swapped.json "BPF_ARRAY(SWAPPED, u64, 1); $(rx 'SWAPPED.atomic_increment(0);')" \
		'{"name": "swapped", "map-name": "SWAPPED", "extraction-options": {"swap-on-read": true}, "open-metrics-metadata": {"type": "counter"}}'
	LINES_OF_ALL='Interval 3600' start all:all.json swapped:swapped.json
	eventually both_are_read
	before=$(ctl stats | grep '^reads')
	runs=$(program_id swapped mon0 ingress)
	frames_in 5
	run browser "wait document.querySelector('[data-family=kept] .value')?.innerText === '5'" \
		"wait document.querySelector('[data-family=swapped] .value')?.innerText === '0'" \
		"$AGAIN" \
		"print [...document.querySelectorAll('[data-family]')].map((e) => e.dataset.family)" \
		"print $(text '[data-monitor=all] .panel > div:first-child > p')" \
		"print $(text '[data-family=total] .value')"
	echo "$output"
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = '["kept", "total", "swapped"]' ]
	[ "${lines[1]}" = '["total: shown as their last reader found them, since reads empty or swap their maps.", "level: not shown: each read takes their values away from others.", "jobs: only in JSON."]' ]
	[ "${lines[2]}" = '["0"]' ]
	[ "$(ctl stats | grep '^reads')" = "$before" ]
	[ "$(program_id swapped mon0 ingress)" = "$runs" ]
	[ "$(json_value all ingress level)" = "[5]" ]
	[ "$(json_value all ingress total)" = "[5]" ]
	[ "$(json_value all ingress jobs)" = "[1,1,1,1,1]" ]
	# The opposite: reads that do take values.
	[ "$(http "${URL}metrics?look=1&monitor=all" | grep '^total_total')" = 'total_total{monitor="all",interface="mon0",direction="ingress"} 5' ]
	[ "$(json_value swapped ingress swapped)" = "[5]" ]
	[ "$(program_id swapped mon0 ingress)" != "$runs" ]
}

@test "feeds, gauges, summaries, and a monitor that is deleted" {
	document all.json "BPF_ARRAY(LEVEL, s64, 1); BPF_HISTOGRAM(SIZES);
		$(rx 's64 level = -5; LEVEL.update(&(int){0}, &level); SIZES.atomic_increment(bpf_log2l(md->packet_len));')" \
		'{"name": "level", "map-name": "LEVEL", "open-metrics-metadata": {"type": "gauge", "unit": "seconds"}}' \
		'{"name": "sizes", "map-name": "SIZES", "open-metrics-metadata": {"type": "summary", "unit": "bytes", "quantiles": [0.5]}}'
	LINES_OF_ALL='Interval 3600
	</Monitor>
	<Feed "steps">
	Match "load/load"
	Monitor "all"
	Map "SIZES"
	Key 63
	</Feed>
	<Monitor "other">' start all:all.json
	frames_in 40 -s 100
	run browser "wait document.querySelector('[data-family=level_seconds] .value')?.innerText.startsWith('-5')" \
		"print $(text '[data-family=level_seconds] .value')" \
		"print $(text '[data-family=sizes_bytes] .value, [data-family=sizes_bytes] .chip')" \
		"print $(text '[data-monitor=all] .panel > div:nth-of-type(3) td')" \
		"sh $top_builddir/dynmonctl -s $SOCKET del other >/dev/null" \
		"wait document.querySelectorAll('.monitor').length === 1" \
		"sh $top_builddir/dynmonctl -s $SOCKET eject all >/dev/null" \
		"wait document.querySelector('.state').innerText === 'empty'" \
		"wait !document.querySelector('.card')" "print $(text '[data-monitor=all] .panel > div:first-child')"
	echo "$output"
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = '["-5 s"]' ]
	[ "${lines[1]}" = '["p50 95 B", "40"]' ]
	[ "${lines[2]}" = '["steps", "load/load", "SIZES[63]", "none yet", ""]' ]
	[ "${lines[3]}" = '["METRICS\n\nNone that can be shown."]' ]
}

@test "the page is usable with the keyboard" {
	start m{1..6}:packet_counter.json
	local at='document.activeElement.innerText.split("\n")[0]'
	local open="[...document.querySelectorAll('[aria-expanded=true] .name')].map((e) => e.innerText)"
	run browser "wait document.querySelectorAll('.monitor').length === 6" \
		"key Tab" "print document.activeElement.id" "key Tab" "print document.activeElement.id" \
		"key Tab" "print $at" "key ArrowDown" "print $at" "key Enter" "print $open" \
		"wait document.querySelector('[data-monitor=m2] .value')" "print $at" \
		"key /" "print document.activeElement.id" "type M5" "wait document.querySelectorAll('.monitor').length === 1" \
		"key Enter" "print $at" "key Enter" "print $open" "print document.activeElement.matches(':focus-visible')" \
		"key ArrowUp" "key Escape" "wait document.querySelectorAll('.monitor').length === 6" \
		"print $open" "key ArrowDown" "key ArrowDown" "print $at" "key Enter" "print $open" \
		"key ArrowDown" "key ArrowDown" "key ArrowDown" "print $at" \
		"wait document.querySelector('[data-monitor=m5] th button')" "key Tab" "print $at" "key Enter" \
		"print document.activeElement.parentNode.ariaSort" "$AGAIN" "print $at" \
		"print document.getElementById(document.querySelector('[aria-expanded=true]').getAttribute('aria-controls')).ariaLabel"
	echo "$output"
	[ "$status" -eq 0 ]
	[ "${lines[*]}" = '"search" "order" "m1" "m2" ["m2"] "m2" "search" "m5" ["m5"] true ["m2", "m5"] "m2" ["m5"] "m5" "series" "ascending" "series ▴" "Monitor m5"' ]
}

@test "the page survives a restart of the server" {
	start edge:packet_counter.json
	browser "wait document.querySelector('.value')?.innerText === '0'" "print $(text '#notice')" \
		"sh touch $DIR/ready; until [ -e $DIR/gone ]; do sleep 0.1; done" \
		"wait document.getElementById('notice').innerText" "print $(text '#notice')" \
		"print document.title" "print $(text .name)" \
		"sh touch $DIR/seen; until [ -e $DIR/back ]; do sleep 0.1; done" \
		"wait !document.getElementById('notice').innerText" "wait document.querySelector('.value')?.innerText === '3'" \
		>"$DIR/shown" 3>&- &
	local page=$!
	PATIENCE=180 eventually test -e "$DIR/ready"
	collectd_stop
	touch "$DIR/gone"
	PATIENCE=180 eventually test -e "$DIR/seen"
	collectd_start
	frames_in 3
	touch "$DIR/back"
	wait "$page"
	cat "$DIR/shown"
	mapfile -t lines <"$DIR/shown"
	[ "${lines[0]}" = '[""]' ]
	[[ ${lines[1]} == '["No answer from 127.0.0.1:9936 since '*'What is shown is from before; trying again."]' ]]
	[ "${lines[2]}" = '"no answer · dynmon · 127.0.0.1:9936"' ]
	[ "${lines[3]}" = '["edge"]' ]
}

@test "the page limits monitors and series and shows how many are left out" {
	document many.json "BPF_ARRAY(MANY, u64, 5000); $(rx 'MANY.atomic_increment(7);')" \
		'{"name": "many", "map-name": "MANY", "open-metrics-metadata": {"type": "counter"}}'
	{
		for i in $(seq 299); do printf '<Monitor "m%03d">\nHook "tcx"\n</Monitor>\n' "$i"; done
		printf '<Monitor "many">\nInterface "mon0"\nDataplane "many.json"\nInterval 3600\n</Monitor>\n'
	} >"$DOCUMENTS/monitors"
	collectd_configure <"$DOCUMENTS/monitors"
	collectd_start
	frames_in 2
	run browser "wait document.querySelectorAll('.monitor').length === 100" \
		"print $(text '#monitors > li:last-child')" \
		"print document.querySelectorAll('[aria-expanded=true]').length" \
		"key /" "type many" "key Enter" "key Enter" "wait document.querySelector('[data-family=many] tbody tr')" \
		"print document.querySelectorAll('[data-family=many] tbody tr').length" \
		"print $(text '[data-family=many] tbody tr:first-child .value, [data-family=many] tbody tr:first-child .labels')" \
		"print $(text '[data-family=many] > div:last-child')" \
		"print document.querySelector('[data-family=many] .link').click()" \
		"print document.querySelectorAll('[data-family=many] tbody tr').length"
	echo "$output"
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = '["200 more monitors not drawn: search for them."]' ]
	[ "${lines[1]}" = 0 ]
	[ "${lines[2]}" = 10 ]
	[ "${lines[3]}" = '["index=7", "2"]' ]
	[ "${lines[4]}" = '["all 100 series 4 900 smaller series left out."]' ]
	[ "${lines[6]}" = 100 ]
}

@test "dark mode, small screens and hidden tabs" {
	sizes
	start edge:packet_counter.json sizes:sizes.json
	frames_in 30 -s 100
	local back='getComputedStyle(document.body).backgroundColor'
	# shellcheck disable=SC2016 # JavaScript
	local hide='print void Object.defineProperty(document, "hidden", {value: %s, configurable: true}), void document.dispatchEvent(new Event("visibilitychange"))'
	# shellcheck disable=SC2059 # a format
	run browser "light" "wait document.querySelector('.bars rect')" "print $back" "dark" "print $back" \
		"shot $BATS_TEST_TMPDIR/dark.png" "size 360 740" \
		"wait document.documentElement.clientWidth === 360" "print document.documentElement.scrollWidth" "shot $BATS_TEST_TMPDIR/phone.png" \
		"$(printf "$hide" true)" "wait !polling.now" "print window.last = +page.answered" "sh sleep 5" \
		"print page.answered - window.last" "$(printf "$hide" false)" "wait page.answered > window.last"
	echo "$output"
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = '"rgb(244, 246, 248)"' ]
	[ "${lines[1]}" = '"rgb(14, 19, 25)"' ]
	[ "${lines[2]}" = 360 ]
	[ "${lines[5]}" = 0 ]
	[ "$(head -c 8 "$BATS_TEST_TMPDIR/dark.png" | od -An -tx1 | xargs)" = "89 50 4e 47 0d 0a 1a 0a" ]
	[ -s "$BATS_TEST_TMPDIR/phone.png" ]
}

@test "browsers get the page with its policy, other clients the lines of LIST" {
	start edge:packet_counter.json
	http "$URL" | grep -Fx $'edge\trunning\ttcx\tmon0\tpacket_counter.json'
	http -H 'Accept: text/plain, */*;q=0.1' "$URL" | head -n 1 | grep -q '^collectd-dynmon '
	http -D "$DIR/head" -H 'Accept: text/html,application/xhtml+xml,*/*;q=0.8' "$URL" >"$DIR/page"
	head -n 1 "$DIR/page" | grep -Fx '<!DOCTYPE html>'
	grep -qi '^Content-Type: text/html; charset=utf-8' "$DIR/head"
	grep -qi "^Content-Security-Policy: default-src 'none'; connect-src 'self'; .*script-src 'sha256-[A-Za-z0-9+/]\{43\}='; .*frame-ancestors 'none'" "$DIR/head"
	[ "$(wc -c <"$DIR/page")" -lt 40960 ]
	http "${URL}status" | jq '.monitors == [{name: "edge", state: "running", hook: "tcx", netns: null, dataplane: "packet_counter.json", interfaces: ["mon0"], unattached: 0, "last-error": null}]' | is_true
	[ "$(http "${URL}status?monitor=edge" | jq -c .monitor)" = "$(ctl show edge | jq -c .)" ]
	[ "$(http "${URL}status?monitor=nosuch" -o /dev/null -w '%{http_code}')" = 404 ]
	for look in 0 -1 10001 x 1x ''; do
		[ "$(http "${URL}metrics?look=$look" -w '%{http_code}')" = "look: expected a number from 1 to 10000, found \"$look\"
400" ]
	done
	[ "$(http "${URL}metrics?look" -o /dev/null -w '%{http_code}')" = 400 ]
}
