# Polycube's REST API: the requests of Dynmon's clients, with a real collectd.
# shellcheck shell=bash
bats_require_minimum_version 1.5.0
load lib

API=http://127.0.0.1:9000/polycube/v1

setup() {
	need_root
	network_up
	documents_up "$top_srcdir"/examples/*.json
	HELD=
}

teardown() {
	[ -z "$HELD" ] || kill "$HELD" 2>/dev/null || true
	collectd_kill
	network_down
}

# start [MORE OPTIONS]: configures Polycube's port with writes, a second port without writes, and a
# unix socket.
start() {
	collectd_configure <<-EOF
	<Http>
	  Port 9000
	  AllowWrites true
	</Http>
	<Http>
	  SocketFile "$BATS_TEST_TMPDIR/http.sock"
	</Http>
	$*
	EOF
	collectd_start
}

# rest METHOD URL [CURL'S OPTIONS]: sends a request and sets STATUS, HEAD and BODY.
rest() {
	local method=$1 url=$2
	shift 2
	STATUS=$(http -X "$method" -D "$BATS_TEST_TMPDIR/head" -o "$BATS_TEST_TMPDIR/body" -w '%{http_code}' "$@" "$url")
	HEAD=$(tr -d '\r' <"$BATS_TEST_TMPDIR/head")
	BODY=$(cat "$BATS_TEST_TMPDIR/body" 2>/dev/null || true)
	rm -f "$BATS_TEST_TMPDIR/body"
	echo "$method $url: $STATUS $BODY"
}

# gives METHOD PATH STATUS BODY [CURL'S OPTIONS]: requires exactly this status and body. A BODY that
# ends in * is a prefix.
gives() {
	local method=$1 path=$2 status=$3 body=$4
	shift 4
	rest "$method" "$API$path" "$@"
	[ "$STATUS" = "$status" ] || { echo "expected status $status"; return 1; }
	# shellcheck disable=SC2053 # a pattern
	if [[ $body == *'*' ]]; then
		[[ $BODY == "${body%\*}"* ]]
	else
		[ "$BODY" = "$body" ]
	fi || { echo "expected $body"; return 1; }
}

# restconf TAG FIELD: the last answer is a RESTCONF error with this tag and field.
restconf() {
	[ "$(jq -r '."ietf-restconf:errors".error[0] | "\(."error-type") \(."error-tag") \(."error-info")"' <<<"$BODY")" = \
		"application $1 $2" ]
}

links() { jq -c 'if type == "array" then .[-1][1] else ._links end | [.[] | "\(.rel) \(.href)"]' <<<"$BODY"; }

# value MONITOR METRIC [PATH]: the bare value of a metric
value() { http "$API/dynmon/$1/metrics/${3:-ingress}-metrics/$2/value"; }

@test "Dynmon's manual: create, inject, attach, read" {
	start
	ip -n "$NEAR" link add br1 type bridge
	cable_up toveth1 peer1
	ip -n "$NEAR" link set toveth1 master br1

	gives POST /dynmon/monitor/ 201 "" -d '{}'
	gives GET /dynmon/monitor/ 200 '{"name":"monitor","uuid":"*'
	[ "$(jq -c 'keys_unsorted' <<<"$BODY")" = '["name","uuid","service-name","type","loglevel","parent","dataplane-config","metrics","_links"]' ]
	[ "$(jq -c '[."service-name",.type,.loglevel,.parent,."dataplane-config",.metrics]' <<<"$BODY")" = \
		'["dynmon","TC","OFF","",{},{"ingress-metrics":[],"egress-metrics":[]}]' ]
	uuid=$(jq -r .uuid <<<"$BODY")
	[[ $uuid =~ ^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$ ]]
	# A PUT in the form that curl's manual describes.
	rest PUT "$API/dynmon/monitor/dataplane-config" -H "Content-Type: application/json" \
		--upload-file "$DOCUMENTS/packet_counter.json"
	[ "$STATUS $BODY" = "201 " ]
	gives POST /attach/ 200 "" -d '{"cube":"monitor","port":"mon0"}'
	frames_in 5
	[ "$(value monitor packets_total)" = "[5]" ]
	[ "$(value monitor packets_total egress)" = "[0]" ]
	gives GET /dynmon/monitor/ 200 '{"name":"monitor","uuid":"'"$uuid"'","service-name":"dynmon","type":"TC","loglevel":"OFF","parent":"mon0","dataplane-config":{"ingress-path":{"name":"*'

	# monitor metrics show: one of the requests follows the redirection, as the CLI does
	gives GET /monitor/metrics/ 308 ""
	grep -qxi 'Location: /polycube/v1/dynmon/monitor/metrics/' <<<"$HEAD"
	gives GET /monitor/metrics/ 200 '{"ingress-metrics":[{"name":"packets_total","value":[5],"timestamp":*' -L
	[ "$(jq -c '[keys_unsorted, (."ingress-metrics"[0] | keys_unsorted)]' <<<"$BODY")" = \
		'[["ingress-metrics","egress-metrics","_links"],["name","value","timestamp"]]' ]
	rest GET "$API/dynmon/monitor/open-metrics"
	[ "$STATUS" = 200 ]
	grep -qi '^Content-Type: text/plain' <<<"$HEAD"
	grep -Fxq 'packets_total{monitor="monitor",interface="mon0",direction="ingress"} 5' <<<"$BODY"
	[ "$(tail -n 1 <<<"$BODY")" = "# EOF" ]
	/usr/bin/python3 "$top_srcdir/tests/tools/parse-openmetrics.py" <<<"$BODY"

	# to a port of a bridge
	gives POST /attach 400 'Cube monitor is already attached' -d '{"cube":"monitor","port":"br1:toveth1"}'
	gives POST /detach 200 "" -d '{"cube":"monitor","port":"mon0"}'
	gives POST /attach 400 'Port br1:none does not exist' -d '{"cube":"monitor","port":"br1:none"}'
	gives POST /attach 200 "" -d '{"cube":"monitor","port":"br1:toveth1"}'
	frames_at peer1 3
	[ "$(value monitor packets_total)" = "[8]" ]
	gives GET /dynmon/monitor/parent 200 '"br1:toveth1"'
	gives DELETE /dynmon/monitor/ 200 ""
	gives GET /dynmon/monitor/ 404 '{"ietf-restconf:errors":*'
	nothing_attached
}

@test "the requests of Dynmon's injector and extractor" {
	start
	document=$(jq -c . "$DOCUMENTS/packet_counter.json")
	# a missing monitor: created with all its members, attached last
	gives GET /dynmon/monitor_0 404 '*'
	gives POST /dynmon/monitor_0 201 "" -d '{"dataplane-config": '"$document"', "type": "TC", "loglevel": "OFF"}'
	gives POST /attach 200 "" -d '{"cube": "monitor_0", "port": "mon0", "position": "last"}'
	frames_in 2
	# an existing monitor: detached, attached elsewhere, and injected with another dataplane
	gives GET /dynmon/monitor_0 200 '*'
	[ "$(jq -r .parent <<<"$BODY")" = mon0 ]
	cable_up mon1 peer1
	gives POST /detach 200 "" -d '{"cube": "monitor_0", "port": "mon0"}'
	gives POST /attach 200 "" -d '{"cube": "monitor_0", "port": "mon1", "position": "last"}'
	gives PUT /dynmon/monitor_0/dataplane-config 201 "" -d "$(jq -c '."egress-path" = {}' "$DOCUMENTS/ntp_packets_counter.json")"
	frames_at peer1 4 -d 123
	[ "$(value monitor_0 ntp_packets_total)" = "[4]" ]
	# -t ingress keeps the dataplane of the other path
	gives GET /dynmon/monitor_0/dataplane-config 200 '*'
	[ "$(jq -r '."egress-path"."metric-configs"[0].name' <<<"$BODY")" = packets_total ]

	# the extractor, for all metrics and for one
	gives GET /dynmon/monitor_0/metrics// 200 '*'
	[ "$(jq -c 'del(._links) | [.[][0].name]' <<<"$BODY")" = '["ntp_packets_total","packets_total"]' ]
	[ "$(links)" = '["self //127.0.0.1:9000/polycube/v1/dynmon/monitor_0/metrics/","ingress-metrics //127.0.0.1:9000/polycube/v1/dynmon/monitor_0/metrics/ingress-metrics/","egress-metrics //127.0.0.1:9000/polycube/v1/dynmon/monitor_0/metrics/egress-metrics/"]' ]
	gives GET /dynmon/monitor_0/metrics/ingress-metrics/ntp_packets_total/value 200 '[4]'
	gives GET /dynmon/monitor_0/metrics/ingress-metrics/ 200 '[{"name":"ntp_packets_total","value":[4],"timestamp":*'
	[ "$(jq -c '.[1][0]' <<<"$BODY")" = '"_links"' ]
	[ "$(links)" = '["self //127.0.0.1:9000/polycube/v1/dynmon/monitor_0/metrics/ingress-metrics/","ntp_packets_total //127.0.0.1:9000/polycube/v1/dynmon/monitor_0/metrics/ingress-metrics/ntp_packets_total/"]' ]
}

# wire STATUS METHOD PATH BODY HEADER ...: sends a request byte by byte as given and tests the first
# line of the answer.
wire() {
	local status=$1 method=$2 path=$3 body=$4 line
	shift 4

	# shellcheck disable=SC2016 # the inner shell expands it
	line=$({
		printf '%s %s HTTP/1.1\r\n' "$method" "$path"
		printf '%s\r\n' "$@"
		printf '\r\n%s' "$body"
	} | near bash -c 'exec 3<>/dev/tcp/127.0.0.1/9000 && cat >&3 && IFS= read -t 60 -r line <&3 && echo "$line"')
	[ "${line%$'\r'}" = "HTTP/1.1 $status" ] || { echo "$method $path: $line, expected $status"; return 1; }
}

@test "the requests of Dynmon's clients, byte for byte" {
	start
	v1=/polycube/v1
	document=$(jq -c . "$DOCUMENTS/packet_counter.json")
	# The scripts, which use Python's requests.
	script=('Host: localhost:9000' 'User-Agent: python-requests/2.28.1' 'Accept-Encoding: gzip, deflate'
		'Accept: */*' 'Connection: keep-alive')
	wire '404 Not Found' GET $v1/dynmon/monitor_0 '' "${script[@]}"
	body='{"dataplane-config": '$document', "type": "TC", "loglevel": "OFF"}'
	wire '201 Created' POST $v1/dynmon/monitor_0 "$body" "${script[@]}" "Content-Length: ${#body}"
	body='{"cube": "monitor_0", "port": "mon0", "position": "last"}'
	wire '200 OK' POST $v1/attach "$body" "${script[@]}" "Content-Length: ${#body}"
	wire '200 OK' GET $v1/dynmon/monitor_0 '' "${script[@]}"
	wire '201 Created' PUT $v1/dynmon/monitor_0/dataplane-config "$document" "${script[@]}" "Content-Length: ${#document}"
	wire '200 OK' GET $v1/dynmon/monitor_0/metrics// '' "${script[@]}"
	wire '200 OK' GET $v1/dynmon/monitor_0/metrics/ingress-metrics/packets_total/value '' "${script[@]}"
	body='{"cube": "monitor_0", "port": "mon0"}'
	wire '200 OK' POST $v1/detach "$body" "${script[@]}" "Content-Length: ${#body}"

	# The CLI, written in Go.
	cli=('Host: 127.0.0.1:9000' 'User-Agent: Go-http-client/1.1')
	json=('Content-Type: application/json' 'Accept-Encoding: gzip')
	wire '201 Created' POST $v1/dynmon/monitor/ '{}' "${cli[@]}" 'Content-Length: 2' "${json[@]}"
	body='{"cube":"monitor","port":"mon0"}'
	wire '200 OK' POST $v1/attach/ "$body" "${cli[@]}" "Content-Length: ${#body}" "${json[@]}"
	wire '308 Permanent Redirect' GET $v1/monitor/metrics/ '' "${cli[@]}" 'Accept-Encoding: gzip'
	wire '200 OK' GET $v1/dynmon/monitor/metrics/ '' "${cli[@]}" 'Accept-Encoding: gzip' "Referer: http://127.0.0.1:9000$v1/monitor/metrics/"
	wire '200 OK' GET $v1/dynmon/monitor/open-metrics/ '' "${cli[@]}" 'Accept-Encoding: gzip'
	wire '200 OK' PATCH $v1/dynmon/monitor/loglevel/ '"DEBUG"' "${cli[@]}" 'Content-Length: 7' 'Accept-Encoding: gzip'
	wire '200 OK' OPTIONS "$v1/dynmon?help=NONE" '' "${cli[@]}" 'Accept-Encoding: gzip'
	wire '200 OK' OPTIONS "$v1/?help=NONE" '' "${cli[@]}" 'Accept-Encoding: gzip'
	wire '200 OK' DELETE $v1/dynmon/monitor/ '' "${cli[@]}" 'Accept-Encoding: gzip'
	wire '409 Conflict' DELETE $v1/dynmon/monitor/ '' "${cli[@]}" 'Accept-Encoding: gzip'

	# curl, with the PUT of the manual.
	wire '201 Created' PUT $v1/dynmon/monitor_0/dataplane-config "$document" 'Host: localhost:9000' 'User-Agent: curl/7.88.1' \
		'Accept: */*' 'Content-Type: application/json' "Content-Length: ${#document}"
}

@test "the expectations of Dynmon's map extraction test" {
	start
	jq -n --rawfile code "$BATS_TEST_DIRNAME/fixtures/packed.c" '
		def metric(map): {name: map, "map-name": map};
		{"ingress-path": {name: "packed", code: $code,
			"metric-configs": [metric("SESSIONS"), metric("LAST"), metric("RECENT")]}, "egress-path": {}}' \
		>"$BATS_TEST_TMPDIR/packed.json"
	gives POST /dynmon/dm 201 "" -d '{}'
	gives POST /attach 200 "" -d '{"cube":"dm","port":"mon0"}'
	gives PUT /dynmon/dm/dataplane-config 201 "" -H "Content-Type: application/json" --upload-file "$BATS_TEST_TMPDIR/packed.json"
	[ "$(value dm SESSIONS)" = "[]" ]
	frames_in 1
	[ "$(value dm SESSIONS)" = '[{"key":{"saddr":1,"daddr":2,"sport":11,"dport":22,"proto":0},"value":0}]' ]
	[ "$(value dm LAST)" = '[{"timestamp":1010,"length":1010}]' ]
	[ "$(value dm RECENT)" = '[{"timestamp":1010,"length":1010}]' ]
	[ "$(value dm RECENT)" = '[]' ]
}

@test "every path has its methods; repeated slashes and a missing prefix are accepted" {
	start
	gives POST /dynmon/m 201 "" -d '{"dataplane-config":'"$(cat "$DOCUMENTS/packet_counter.json")"'}'
	config='GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'
	while read -r path allow; do
		for url in "$path" "$path/" "/${path//\//\/\/}//"; do
			rest OPTIONS "$API$url"
			[ "$STATUS" = 204 ]
			grep -qxF "Allow: $allow" <<<"$HEAD"
			rest OPTIONS "http://127.0.0.1:9000$url"
			[ "$STATUS" = 204 ]
			grep -qxF "Allow: $allow" <<<"$HEAD"
		done
		rest COPY "$API$path"
		[ "$STATUS" = 405 ]
		grep -qxF "Allow: $allow" <<<"$HEAD"
		[[ $allow != *GET* ]] || {
			rest GET "$API$path"
			[ "$STATUS" = 200 ]
			grep -qix 'Content-Type: \(application/yang.data+json\|text/plain\); charset=utf-8' <<<"$HEAD"
		}
		for method in POST PUT PATCH DELETE; do
			[[ $allow == *$method* ]] || gives "$method" "$path" 405 "$method is not supported by this path; supported: $allow" -d '{}'
		done
	done <<-END
	/dynmon GET, HEAD, POST, PATCH, OPTIONS
	/dynmon/m $config
	/dynmon/m/name GET, HEAD, OPTIONS
	/dynmon/m/uuid GET, HEAD, OPTIONS
	/dynmon/m/type GET, HEAD, OPTIONS
	/dynmon/m/service-name GET, HEAD, OPTIONS
	/dynmon/m/loglevel GET, HEAD, PATCH, OPTIONS
	/dynmon/m/parent GET, HEAD, OPTIONS
	/dynmon/m/dataplane-config $config
	/dynmon/m/dataplane $config
	/dynmon/m/dataplane-config/ingress-path $config
	/dynmon/m/dataplane/egress-path $config
	/dynmon/m/dataplane-config/ingress-path/name GET, HEAD, OPTIONS
	/dynmon/m/dataplane/ingress-path/code GET, HEAD, OPTIONS
	/dynmon/m/dataplane-config/egress-path/metric-configs GET, HEAD, OPTIONS
	/dynmon/m/dataplane-config/egress-path/metric-configs/packets_total GET, HEAD, OPTIONS
	/dynmon/m/dataplane-config/egress-path/metric-configs/packets_total/map-name GET, HEAD, OPTIONS
	/dynmon/m/dataplane-config/egress-path/metric-configs/packets_total/extraction-options/swap-on-read GET, HEAD, OPTIONS
	/dynmon/m/metrics GET, HEAD, OPTIONS
	/dynmon/m/metrics/ingress-metrics GET, HEAD, OPTIONS
	/dynmon/m/metrics/egress-metrics GET, HEAD, OPTIONS
	/dynmon/m/metrics/egress-metrics/packets_total GET, HEAD, OPTIONS
	/dynmon/m/metrics/egress-metrics/packets_total/name GET, HEAD, OPTIONS
	/dynmon/m/metrics/egress-metrics/packets_total/value GET, HEAD, OPTIONS
	/dynmon/m/metrics/egress-metrics/packets_total/timestamp GET, HEAD, OPTIONS
	/dynmon/m/open-metrics GET, HEAD, OPTIONS
	/attach POST, OPTIONS
	/detach POST, OPTIONS
	/cubes GET, HEAD, OPTIONS
	/cubes/m GET, HEAD, OPTIONS
	/services GET, HEAD, OPTIONS
	/services/dynmon GET, HEAD, OPTIONS
	/netdevs GET, HEAD, OPTIONS
	/netdevs/mon0 GET, HEAD, OPTIONS
	/version GET, HEAD, OPTIONS
	END
	# pages of the plugin
	[ "$(http http://127.0.0.1:9000/healthz)" = ok ]
	http http://127.0.0.1:9000/metrics | grep -q packets_total
}

@test "answers of general resources" {
	start
	gives GET /dynmon 200 '[]'
	gives GET /cubes 200 '{}'
	gives POST /dynmon/m 201 "" -d '{"type":"xdp_skb","loglevel":"debug"}'
	gives GET /dynmon/m/name 200 '"m"'
	gives GET /dynmon/m/type 200 '"XDP_SKB"'
	gives GET /dynmon/m/loglevel 200 '"DEBUG"'
	gives GET /dynmon/m/service-name 200 '"dynmon"'
	gives GET /dynmon/m/parent 200 '""'
	uuid=$(http "$API/dynmon/m/uuid")
	cube='{"name":"m","uuid":'"$uuid"',"service-name":"dynmon","type":"XDP_SKB","loglevel":"DEBUG","parent":""}'
	gives GET /cubes/m 200 "$cube"
	gives GET /cubes 200 '{"dynmon":['"$cube"']}'
	gives GET /dynmon/ 200 '['"$cube"',["_links",[{"rel":"self","href":"//127.0.0.1:9000/polycube/v1/dynmon/"},{"rel":"m","href":"//127.0.0.1:9000/polycube/v1/dynmon/m/"}]]]'
	gives GET /services/dynmon 200 '{"name":"dynmon",*'
	gives GET /services 200 '[{"name":"dynmon",*'
	gives GET /services/bridge 404 '*'
	gives GET /netdevs/mon0 200 '[{"name":"mon0","addresses":["10.9.0.1"]}]'
	gives GET /netdevs/none 404 '*'
	rest GET "$API/netdevs"
	[ "$(jq -c '[.[].name] | sort' <<<"$BODY")" = '["lo","mon0"]' ]
	gives GET /version 200 '{"polycubed":{"version":"0.1.0"}}'
	gives GET / 200 '[{"rel":"self","href":"//127.0.0.1:9000/polycube/v1/"},*'
	rest GET "$API/dynmon/m"
	[ "$(links)" = "$(jq -nc --arg at //127.0.0.1:9000/polycube/v1/dynmon/m/ \
		'["self \($at)"] + (["uuid","type","service-name","loglevel","parent","dataplane-config","metrics","open-metrics"] | map("\(.) \($at)\(.)/"))')" ]
	# a monitor name without the service, followed by a path
	rest PUT "$API/m//dataplane-config?x=1&y" -d '{}'
	[ "$STATUS" = 308 ]
	grep -qx 'Location: /polycube/v1/dynmon/m//dataplane-config?x=1&y' <<<"$HEAD"
	rest GET http://127.0.0.1:9000/m
	[ "$STATUS" = 308 ]
	grep -qx 'Location: /dynmon/m' <<<"$HEAD"
	gives GET /nosuch 404 'No cube found named nosuch'
	gives GET /nosuch/metrics 404 'No cube found named nosuch'
	gives GET /dynmon/m/nosuch 404 'Cannot find /polycube/v1/dynmon/m/nosuch'
	gives GET /version/of/what 404 'Cannot find *'
	gives GET /%zz 400 'path: *'
	gives GET /a%00b 400 'path: *'
	gives GET /%ff 400 'path: *'
	gives GET "/$(printf 'a/%.0s' {1..20})" 400 'path: more than *'
	[ "$(http -I "$API/version" -o /dev/null -w '%{http_code}')" = 200 ]
}

@test "OPTIONS lists commands and elements for the CLI" {
	start
	gives POST /dynmon/dm 201 "" -d '{}'
	name='{"name":{"name":"name","type":"key","simpletype":"string","description":"Name of the dynmon service","example":"dynmon1"}}'
	gives OPTIONS '/dynmon?help=NONE' 200 '{"commands":["add","del","show"],"params":'"$name"',"elements":[{"name":"dm"}]}'
	gives OPTIONS '/dynmon?help=SHOW' 200 '{"params":'"$name"',"elements":[{"name":"dm"}]}'
	gives OPTIONS '/dynmon?help=DEL' 200 '{"params":'"$name"',"elements":[{"name":"dm"}]}'
	rest OPTIONS "$API/dynmon?help=ADD"
	[ "$(jq -c '[keys_unsorted, (."optional-params" | keys_unsorted)]' <<<"$BODY")" = '[["params","optional-params"],["type","loglevel"]]' ]
	rest OPTIONS "$API/dynmon/dm?help=NONE"
	[ "$(jq -c '[.commands, (.params | keys_unsorted), (.params.metrics | [keys_unsorted, .type])]' <<<"$BODY")" = \
		'[["set","show"],["dataplane-config","metrics"],[["name","description","example","type"],"complex"]]' ]
	rest OPTIONS "$API/dynmon/dm?help=SHOW"
	[ "$(jq -c '.params | keys_unsorted' <<<"$BODY")" = '["uuid","type","service-name","loglevel","parent","dataplane-config","metrics","open-metrics"]' ]
	rest OPTIONS "$API/dynmon/dm?help=SET"
	[ "$(jq -c '.params | keys_unsorted' <<<"$BODY")" = '["loglevel"]' ]
	rest OPTIONS "$API/dynmon/dm/metrics?help=NONE"
	[ "$(jq -c '[.commands, (.params | map_values(.type))]' <<<"$BODY")" = '[["show"],{"ingress-metrics":"list","egress-metrics":"list"}]' ]
	gives OPTIONS '/cubes?help=NONE' 200 '{"commands":["show"]}'
	gives OPTIONS '?help=NONE' 200 '{"params":{"dynmon":{"name":"dynmon",*'
	# a monitor name without the service
	gives OPTIONS '/dm/metrics?help=SHOW' 308 ''
	grep -qx 'Location: /polycube/v1/dynmon/dm/metrics?help=SHOW' <<<"$HEAD"
	gives OPTIONS '/dynmon?help=WHAT' 400 'help: expected one of NONE, SHOW, ADD, DEL, found "WHAT"'
	gives OPTIONS '/dynmon/dm?help=' 400 'help: expected one of *'
	gives OPTIONS '/attach?help=NONE' 400 '*'
}

@test "an injected document can be read back" {
	start '<Monitor "file">
	  Dataplane "twice.json"
	</Monitor>' || true
	cat >"$DOCUMENTS/count.c" <<-'END'
	BPF_ARRAY(PACKETS, u64, 1);
	static __always_inline int handle_rx(struct CTXTYPE *ctx, struct pkt_metadata *md)
	{
		PACKETS.atomic_increment(0);
		return RX_OK;
	}
	END
	gives POST /dynmon/m 201 "" -d '{}'
	gives GET /dynmon/m/dataplane-config 200 '{"_links":[{"rel":"self","href":"//127.0.0.1:9000/polycube/v1/dynmon/m/dataplane-config/"}]}'
	gives GET /dynmon/m/dataplane-config/ingress-path 404 '*'
	gives PUT /dynmon/m/dataplane-config 201 "" -d '{"egress-path":{}, "name":"x", "foo":1, "ingress-path":
		{"metric-configs":[{"open-metrics-metadata":{"type":"COUNTER","labels":[],"unit":"packets","scale":0.5},"map-name":"PACKETS","max-series":7,"name":"a/b c"}],
		 "code-file":"count.c", "name":"in"}}'
	grep -q 'dynmon: PUT /polycube/v1/dynmon/m/dataplane-config: foo: unknown key, ignored$' "$LOG"
	rest GET "$API/dynmon/m/dataplane-config"
	[ "$(jq -c 'del(._links)' <<<"$BODY")" = '{"ingress-path":{"name":"in","code-file":"count.c","metric-configs":[{"name":"a/b c","map-name":"PACKETS","extraction-options":{"swap-on-read":false,"empty-on-read":false},"open-metrics-metadata":{"type":"counter","unit":"packets","scale":0.5},"max-series":7}]}}' ]
	path=$(jq -c '."ingress-path"' <<<"$BODY")
	gives GET /dynmon/m/dataplane/ingress-path/name 200 '"in"'
	gives GET /dynmon/m/dataplane/ingress-path/metric-configs/a%2Fb%20c/extraction-options/swap-on-read 200 false
	gives GET /dynmon/m/dataplane/ingress-path/metric-configs/a%2Fb%20c/max-series 200 7
	gives GET /dynmon/m/dataplane/ingress-path/metric-configs/none 404 '*'
	rest GET "$API/dynmon/m/dataplane/ingress-path/metric-configs"
	[ "$(jq -r '.[1][1][1].href' <<<"$BODY")" = '//127.0.0.1:9000/polycube/v1/dynmon/m/dataplane/ingress-path/metric-configs/a%2Fb%20c/' ]
	rest GET "http:$(jq -r '.[1][1][1].href' <<<"$BODY")"
	[ "$(jq -r .name <<<"$BODY")" = "a/b c" ]
	gives GET /dynmon/m/metrics/ingress-metrics/a%2Fb%20c/value 200 '[0]'
	# the returned document is accepted again, path by path; the other path is unaffected
	gives PUT /dynmon/m/dataplane-config/egress-path 201 "" -d "$path"
	gives PATCH /dynmon/m/dataplane-config/ingress-path 200 "" -d "$path"
	rest GET "$API/dynmon/m/dataplane-config"
	[ "$(jq -c '."egress-path"' <<<"$BODY")" = "$path" ]
	gives DELETE /dynmon/m/dataplane-config/ingress-path 204 ""
	rest GET "$API/dynmon/m/dataplane-config"
	[ "$(jq -c 'del(._links)' <<<"$BODY")" = '{"egress-path":'"$path"'}' ]
	# and a restart restores it
	collectd_stop
	collectd_start
	rest GET "$API/dynmon/m/dataplane-config"
	[ "$(jq -c 'del(._links)' <<<"$BODY")" = '{"egress-path":'"$path"'}' ]
	gives DELETE /dynmon/m/dataplane-config 204 ""
	rest GET "$API/dynmon/m/dataplane-config"
	[ "$(jq -c 'del(._links)' <<<"$BODY")" = '{}' ]
	# an object, and a document injected over the control socket
	"$DYNMON_CC" --include="$DYNMON_BPFDIR" <"$BATS_TEST_DIRNAME/fixtures/packet_counter.bpf.c" >"$BATS_TEST_TMPDIR/object.o"
	object=$(base64 -w 0 "$BATS_TEST_TMPDIR/object.o")
	gives PUT /dynmon/m/dataplane-config/ingress-path 201 "" -d '{"object-data":"'"$object"'","program":"packet_counter_ingress"}' ||
		gives PUT /dynmon/m/dataplane-config/ingress-path 201 "" -d '{"object-data":"'"$object"'"}'
	[ "$(http "$API/dynmon/m/dataplane-config/ingress-path/object-data")" = "\"$object\"" ]
	raw "INJECT m file=packet_counter.json"
	[ "$(http "$API/dynmon/m/dataplane-config/egress-path/code")" = "$(jq -c '."egress-path".code' "$DOCUMENTS/packet_counter.json")" ]
}

@test "invalid requests are rejected with the reason and change nothing" {
	start
	good=$(jq -c . "$DOCUMENTS/packet_counter.json")
	gives POST /dynmon/m 201 "" -d '{"dataplane-config":'"$good"'}'
	gives POST /attach 200 "" -d '{"cube":"m","port":"mon0"}'
	frames_in 3
	before=$(http "$API/dynmon/m/dataplane-config")

	gives POST /dynmon/m 409 '*' -d '{}'
	restconf data-exists null
	gives PUT /dynmon/m 409 '*' -d '{"dataplane-config":{}}'
	restconf data-exists null
	gives PUT /dynmon/old 201 "" -d '{"dataplane":'"$(jq -c '."ingress-path" |
		{name: "1.0", code, metrics: ."metric-configs"}' <<<"$good")"'}'
	[ "$(http "$API/dynmon/old/dataplane/ingress-path/name")" = '"1.0"' ]
	[ "$(http "$API/dynmon/old/dataplane-config" | jq '."ingress-path"."metric-configs" | length')" -gt 0 ]
	gives DELETE /dynmon/old 200 ""
	gives DELETE /dynmon/none 409 '*'
	restconf data-missing null
	for method in POST PUT PATCH DELETE; do
		gives "$method" /dynmon/none/dataplane-config 404 '*' -d '{}'
		restconf data-missing null
	done
	gives PATCH /dynmon/none 404 '*' -d '{}'
	gives GET /dynmon/none/metrics 404 '*'
	gives GET /dynmon/m/metrics/ingress-metrics/none/value 404 '*'
	gives POST /dynmon/ 400 '*' -d '{}'
	restconf missing-attribute name
	gives POST /dynmon/ 400 '*' -d '{"name":7}'
	restconf invalid-value name
	gives POST /dynmon/a%2Fb 400 '*' -d '{}'
	restconf invalid-value name
	gives POST /dynmon/n 400 '*' -d '{"name":"other"}'
	restconf invalid-value name
	gives POST /dynmon/n 400 '{"ietf-restconf:errors":{"error":[{"error-type":"application","error-tag":"invalid-value","error-info":"type","error-message":"type: expected one of TC, XDP_SKB, XDP_DRV, found \"TX\""}]}}' -d '{"type":"TX"}'
	gives POST /dynmon/n 400 '*' -d '{"loglevel":"LOUD"}'
	restconf invalid-value loglevel
	gives POST /dynmon/n 400 '*' -d '{"service-name":"bridge"}'
	restconf invalid-value service-name
	gives POST /dynmon/n 400 '*' -d '{"loglvl":"OFF"}'
	restconf invalid-value loglvl
	gives POST /dynmon/n 400 '*' -d '{"dataplane-config":7}'
	restconf invalid-value dataplane-config
	gives POST /dynmon/n 400 '*' -d '{"dataplane-config":{"ingress-path":{"name":"x"}}}'
	restconf missing-attribute ingress-path
	gives PUT /dynmon/m/dataplane-config 400 '*' -d '{"ingress-path":{"code":7}}'
	restconf invalid-value ingress-path.code
	gives PUT /dynmon/m/dataplane-config 400 '*' -d "${good/counter\"/nonsense\"}"
	restconf invalid-value 'ingress-path.metric-configs[0].open-metrics-metadata.type'
	gives PUT /dynmon/m/dataplane-config/egress-path 400 '*' -d '{"code-file":"../../etc/passwd"}'
	restconf invalid-value egress-path.code-file
	gives PUT /dynmon/m/dataplane-config 400 'JSON syntax: line 2, column 5: *' -d $'{\n"a" 7}'
	gives PUT /dynmon/m/dataplane-config/ingress-path 400 'JSON syntax: *' -d '{},"egress-path":{"code":"x"}'
	gives PUT /dynmon/m/dataplane-config 400 '*' -d '[]'
	gives PATCH /dynmon/m 400 '*' -d '{"type":"XDP_DRV"}'
	restconf invalid-value type
	gives PATCH /dynmon/m/loglevel 400 '*' -d '{}'
	restconf invalid-value loglevel
	gives PATCH /dynmon/m/loglevel 400 '*' -d '"LOUD"'
	restconf invalid-value loglevel
	# messages of the compiler and the verifier
	gives PUT /dynmon/m/dataplane-config 400 'ingress-path: *' -d "${good/PACKETS.atomic/PACKETZ.atomic}"
	[[ $BODY == *"use of undeclared identifier 'PACKETZ'"* ]]
	gives PATCH /dynmon/m 400 '*' -d '{"loglevel":"DEBUG","dataplane-config":'"${good/PACKETS.atomic/PACKETZ.atomic}"'}'
	gives GET /dynmon/m/loglevel 200 '"OFF"'
	loop='static __always_inline int handle_rx(struct CTXTYPE *ctx, struct pkt_metadata *md) { return *(volatile int *)(long)md->packet_len; }'
	gives PUT /dynmon/m/dataplane-config/ingress-path 400 '*' -d "$(jq -nc --arg code "$loop" '{code: $code}')"
	[[ $BODY == *"invalid mem access"* ]]
	gives POST /dynmon/n 400 '*' -d '{"dataplane-config":'"${good/PACKETS.atomic/PACKETZ.atomic}"'}'
	gives GET /dynmon/n 404 '*'

	gives POST /attach 400 'Cube is missing' -d '{"port":"mon0"}'
	gives POST /attach 400 'Port is missing' -d '{"cube":"m"}'
	gives POST /attach 400 'Cube none does not exist' -d '{"cube":"none","port":"mon0"}'
	gives POST /detach 400 'Cube none does not exist' -d '{"cube":"none","port":"mon0"}'
	gives POST /attach 400 'Cube m is already attached' -d '{"cube":"m","port":"mon0"}'
	gives POST /attach 400 'position and before cannot be used together' -d '{"cube":"m","port":"mon0","position":"first","before":"x"}'
	gives POST /attach 400 'after and before cannot be used together' -d '{"cube":"m","port":"mon0","after":"y","before":"x"}'
	gives POST /attach 400 'position: expected auto, first or last, found "middle"' -d '{"cube":"m","port":"mon0","position":"middle"}'
	gives POST /attach 400 'Cube x does not exist' -d '{"cube":"m","port":"mon0","before":"x"}'
	gives POST /detach 400 'monitor m is not attached to lo' -d '{"cube":"m","port":"lo"}'
	[ "$(http "$API/dynmon/m/dataplane-config")" = "$before" ]
	[ "$(value m packets_total)" = "[3]" ]
}

@test "positions in the chain, and several interfaces of a monitor" {
	start
	for name in a b c d; do
		gives POST "/dynmon/$name" 201 "" -d '{"dataplane-config":'"$(cat "$DOCUMENTS/packet_counter.json")"'}'
	done
	gives POST /attach 200 "" -d '{"cube":"a","port":"mon0","position":"auto"}'
	gives POST /attach 200 "" -d '{"cube":"b","port":"mon0","position":"first"}'
	gives POST /attach 200 "" -d '{"cube":"c","port":"mon0","before":"a"}'
	gives POST /attach 200 "" -d '{"cube":"d","port":"mon0","after":"b"}'
	[ "$(ctl show a | jq -c '[.interfaces[0].programs[0].chain[].monitor]')" = '["b","d","c","a"]' ]
	# Attached through the control socket, because a monitor has only one parent in this API.
	cable_up mon1 peer1
	ctl attach a mon1
	frames_in 2
	frames_at peer1 5
	gives GET /dynmon/a/parent 200 '"mon0"'
	gives GET /dynmon/a/metrics/ingress-metrics/packets_total/value 400 '*'
	restconf missing-attribute interface
	[[ $BODY == *"?interface=NAME, one of mon0, mon1"* ]]
	gives GET '/dynmon/a/metrics/ingress-metrics/packets_total/value?interface=mon1' 200 '[5]'
	gives GET '/dynmon/a/metrics/ingress-metrics/packets_total?interface=mon0' 200 '{"name":"packets_total","interface":"mon0","value":[2],"timestamp":*'
	[ "$(jq -c 'keys_unsorted[-1]' <<<"$BODY")" = '"_links"' ]
	gives GET '/dynmon/a/metrics/ingress-metrics/packets_total/value?interface=lo' 404 '*'
	gives GET '/dynmon/a/metrics/egress-metrics?interface=mon1' 200 '[{"name":"packets_total","interface":"mon1","value":[0],*'
	[ "$(jq length <<<"$BODY")" -eq 2 ]
}

@test "a change of the log level keeps the counts" {
	start '<Monitor "configured">
	  Interface "mon0"
	  Dataplane "talk.json"
	</Monitor>' || true
	code='BPF_ARRAY(N, u64, 1); static __always_inline int handle_rx(struct CTXTYPE *ctx, struct pkt_metadata *md) { N.atomic_increment(0); pcn_log(ctx, LOG_INFO, "heard it"); return RX_OK; }'
	jq -nc --arg code "$code" '{"ingress-path": {code: $code, "metric-configs": [{name: "n", "map-name": "N"}]}, "egress-path": {}}' >"$DOCUMENTS/talk.json"
	ctl reload configured
	gives POST /dynmon/m 201 "" -d '{"dataplane-config":'"$(cat "$DOCUMENTS/talk.json")"'}'
	gives POST /attach 200 "" -d '{"cube":"m","port":"mon0"}'
	frames_in 2
	for name in m configured; do
		# in the form of the CLI, and as a member
		gives PATCH "/dynmon/$name/loglevel/" 200 "" -d '"INFO"'
		gives GET "/dynmon/$name/loglevel" 200 '"INFO"'
		[ "$(value "$name" n)" = "[2]" ]
	done
	frames_in 1
	eventually grep -q 'configured.*heard it' "$LOG"
	gives PATCH /dynmon/m 200 "" -d '{"loglevel":"off","service-name":"dynmon","type":"tc"}'
	gives PATCH /dynmon 200 "" -d '{"name":"m","loglevel":"err"}'
	[ "$(value m n)" = "[3]" ]
	# A reload without changes keeps the level. A restart restores only the level of a monitor
	# that was created at runtime.
	ctl reload
	gives GET /dynmon/configured/loglevel 200 '"INFO"'
	collectd_stop
	collectd_start
	gives GET /dynmon/m/loglevel 200 '"ERR"'
	gives GET /dynmon/configured/loglevel 200 '"OFF"'
}

@test "writes require AllowWrites, except on unix sockets" {
	collectd_configure <<-EOF
	<Http>
	  SocketFile "$BATS_TEST_TMPDIR/http.sock"
	</Http>
	<Http>
	  SocketFile "$BATS_TEST_TMPDIR/reads.sock"
	  AllowWrites false
	</Http>
	<Http>
	  Host "::1"
	</Http>
	<Http>
	  Port 9000
	  AllowWrites true
	</Http>
	EOF
	near sysctl -qw net.ipv6.conf.lo.disable_ipv6=0
	collectd_start
	rest POST http://localhost/dynmon/m -d '{}' --unix-socket "$BATS_TEST_TMPDIR/http.sock"
	[ "$STATUS" = 201 ]
	grep -q "POST /dynmon/m by uid 0, pid [0-9]*: done" "$LOG"
	[ "$(stat -c %a "$BATS_TEST_TMPDIR/http.sock")" = 660 ]
	while read -r method path body; do
		rest "$method" "http://127.0.0.1:9936$path" -d "$body"
		[ "$STATUS" = 403 ]
		[ "$BODY" = "http://127.0.0.1:9936 is read-only: set AllowWrites true in its <Http> block, or use a Unix socket, which permits changes by default" ]
		rest "$method" "http://localhost$path" -d "$body" --unix-socket "$BATS_TEST_TMPDIR/reads.sock"
		[ "$STATUS" = 403 ]
		[[ $BODY == "$BATS_TEST_TMPDIR/reads.sock is read-only"* ]]
	done <<-'END'
	POST /dynmon/n {}
	PATCH /dynmon {"name":"m","loglevel":"DEBUG"}
	DELETE /dynmon/m
	PUT /polycube/v1/dynmon/m/dataplane-config {}
	PATCH /dynmon/m/loglevel "DEBUG"
	POST /attach {"cube":"m","port":"mon0"}
	POST /detach {"cube":"m","port":"mon0"}
	END
	rest DELETE "http://[::1]:9936/dynmon/m"
	[ "$STATUS" = 403 ]
	[[ $BODY == "http://[::1]:9936 is read-only"* ]]
	rest GET http://127.0.0.1:9936/polycube/v1/dynmon/m
	[ "$STATUS" = 200 ]
	[ "$(jq -r .loglevel <<<"$BODY")" = OFF ]
	[ "$(http http://127.0.0.1:9936/cubes | jq -c '[.dynmon[].name]')" = '["m"]' ]
	# Web pages are rejected, whatever their origin.
	rest DELETE http://127.0.0.1:9000/dynmon/m -H 'Origin: http://127.0.0.1:9000'
	[ "$STATUS" = 403 ]
	[[ $BODY == "a web page cannot change anything"* ]]
	rest DELETE http://127.0.0.1:9000/dynmon/m
	[ "$STATUS" = 200 ]
	grep -q "DELETE /dynmon/m by 127.0.0.1: done" "$LOG"
}

@test "a body may have 1 MiB, and Expect: 100-continue is answered" {
	start
	gives POST /dynmon/m 201 "" -d '{}'
	code='static __always_inline int handle_rx(struct CTXTYPE *ctx, struct pkt_metadata *md) { return RX_OK; }'
	# padded with blanks to the maximum size, and one byte more
	jq -nc --arg code "$code" '{"ingress-path": {code: $code}}' >"$BATS_TEST_TMPDIR/full"
	printf '%*s' $((1048576 - $(stat -c %s "$BATS_TEST_TMPDIR/full"))) '' >>"$BATS_TEST_TMPDIR/full"
	printf ' ' | cat "$BATS_TEST_TMPDIR/full" - >"$BATS_TEST_TMPDIR/over"
	head -c 5000000 /dev/zero | tr '\0' ' ' >"$BATS_TEST_TMPDIR/large"
	for header in 'Expect: 100-continue' 'Expect:' 'Transfer-Encoding: chunked'; do
		gives PUT /dynmon/m/dataplane-config 201 "" -H "$header" --data-binary "@$BATS_TEST_TMPDIR/full"
		for file in over large; do
			gives PUT /dynmon/m/dataplane-config 413 'the body exceeds the limit of 1048576 bytes' \
				--expect100-timeout "$PATIENCE" -H "$header" --data-binary "@$BATS_TEST_TMPDIR/$file"
		done
	done
	# A client that sends Expect: 100-continue is answered before it sends the body.
	http -v -X PUT --expect100-timeout "$PATIENCE" -H 'Expect: 100-continue' --data-binary "@$BATS_TEST_TMPDIR/full" \
		"$API/dynmon/m/dataplane-config" 2>"$BATS_TEST_TMPDIR/talk"
	grep -q '< HTTP/1.1 100 Continue' "$BATS_TEST_TMPDIR/talk"
	http -v -X PUT --expect100-timeout "$PATIENCE" -H 'Expect: 100-continue' --data-binary "@$BATS_TEST_TMPDIR/full" \
		http://127.0.0.1:9936/dynmon/m/dataplane-config 2>"$BATS_TEST_TMPDIR/talk"
	run ! grep -q '100 Continue' "$BATS_TEST_TMPDIR/talk"
	grep -q '< HTTP/1.1 403' "$BATS_TEST_TMPDIR/talk"
	# A listener without writes does not buffer a body of any length.
	for file in full over large; do
		rest PUT http://127.0.0.1:9936/dynmon/m/dataplane-config -H 'Expect:' --data-binary "@$BATS_TEST_TMPDIR/$file"
		[ "$STATUS" = 403 ]
	done
	# A header that is too long is rejected, and the listener continues.
	status=$(http -H "X: $(printf '%*s' 40000 '' | tr ' ' x)" "$API/version" -o /dev/null -w '%{http_code}')
	[[ $status == 4* ]]
	gives GET /version 200 '*'
}

@test "slow and silent clients do not delay others" {
	start
	# More connections than the limit, which send nothing, half a header, or half a body.
	ip netns exec "$NEAR" python3 "$top_srcdir/tests/tools/slowclients.py" 127.0.0.1 9000 100 \
		>"$BATS_TEST_TMPDIR/slow" 3>&- &
	HELD=$!
	eventually grep -q connected "$BATS_TEST_TMPDIR/slow"
	# The listener may close a slow connection to make room for a new one; the client then
	# retries.
	for _ in {1..20}; do
		eventually gives GET /version 200 '*'
	done
	eventually gives POST /dynmon/m 201 "" -d '{}'
	kill -0 "$HELD"
}

# A client that sends a header line every second and never ends its request. Prints the status line of
# the answer without its first byte.
# shellcheck disable=SC2016 # the inner shell expands it
dawdle() {
	near bash -c 'exec 3<>/dev/tcp/127.0.0.1/9000
		printf "GET /version HTTP/1.1\r\n" >&3
		for _ in {1..120}; do
			printf "X: y\r\n" >&3
			IFS= read -r -N 1 -t 1 _ <&3
			[ $? -gt 128 ] || { IFS= read -r -t 60 line <&3; echo "ended: ${line%?}"; exit; }
		done
		echo "goes on"'
}

@test "an endless request is closed, however busy the connection is" {
	start
	run dawdle
	echo "$output"
	[[ $output == "ended: "*" 408 Request Timeout" ]]
	gives GET /version 200 '*'
}

@test "HEAD is answered without a body" {
	start
	gives POST /dynmon/m 201 "" -d '{}'
	for path in / /metrics /status /healthz /dynmon /dynmon/m /dynmon/m/metrics /dynmon/m/open-metrics; do
		printf 'HEAD %s HTTP/1.1\r\nHost: localhost\r\n\r\nGET /version HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' "$path" |
			near bash -c 'exec 3<>/dev/tcp/127.0.0.1/9000 && cat >&3 && timeout 60 cat <&3' |
			tr -d '\r' >"$BATS_TEST_TMPDIR/answers"
		cat "$BATS_TEST_TMPDIR/answers"
		[ "$(head -n 1 "$BATS_TEST_TMPDIR/answers")" = "HTTP/1.1 200 OK" ]
		# The header is followed by the next answer, or by the end of the connection that
		# the header announces.
		after=$(sed '1,/^$/d' "$BATS_TEST_TMPDIR/answers")
		[[ $after == "HTTP/1.1 200 OK"* ]] || { [ -z "$after" ] && grep -qix 'Connection: close' "$BATS_TEST_TMPDIR/answers"; }
	done
}

# Tests whether the compiler of the test below is running.
compiling() { grep -q "$BATS_TEST_TMPDIR/compiler" /proc/[0-9]*/cmdline; }

@test "a long injection does not delay a scrape" {
	cat >"$BATS_TEST_TMPDIR/compiler" <<-EOF
	#!/bin/sh
	while [ -e "$BATS_TEST_TMPDIR/hold" ]; do sleep 0.1; done
	exec "$DYNMON_CC" "\$@"
	EOF
	chmod +x "$BATS_TEST_TMPDIR/compiler"
	DYNMON_CC="$BATS_TEST_TMPDIR/compiler" start
	gives POST /dynmon/m 201 "" -d '{"dataplane-config":'"$(cat "$DOCUMENTS/packet_counter.json")"'}'
	gives POST /attach 200 "" -d '{"cube":"m","port":"mon0"}'
	touch "$BATS_TEST_TMPDIR/hold"
	ip netns exec "$NEAR" curl -sS -X PUT --data-binary "@$DOCUMENTS/ntp_packets_counter.json" -w '%{http_code}' \
		"$API/dynmon/m/dataplane-config" >"$BATS_TEST_TMPDIR/put" 3>&- &
	HELD=$!
	eventually compiling
	# Longer than a client without its own time limit would wait; the compiler has 30 s.
	local end=$((SECONDS + 12))
	while [ "$SECONDS" -lt "$end" ]; do
		frames_in 1
		http http://127.0.0.1:9000/metrics | grep -q '^packets_total{monitor="m"'
		http http://127.0.0.1:9936/metrics | grep -q '^packets_total{monitor="m"'
		gives GET /dynmon/m 200 '*'
		gives GET /dynmon/m/metrics 200 '*'
		gives GET /dynmon/m/dataplane-config 200 '*'
		gives GET /cubes 200 '*'
		sleep 1
	done
	[ ! -s "$BATS_TEST_TMPDIR/put" ]
	rm "$BATS_TEST_TMPDIR/hold"
	wait "$HELD"
	HELD=
	[ "$(cat "$BATS_TEST_TMPDIR/put")" = 201 ]
	gives GET /dynmon/m/metrics/ingress-metrics/ntp_packets_total/value 200 '[0]'
	# collectd ends during a compilation: the client gets an error
	touch "$BATS_TEST_TMPDIR/hold"
	ip netns exec "$NEAR" curl -sS -X PUT --data-binary "@$DOCUMENTS/packet_counter.json" \
		"$API/dynmon/m/dataplane-config" >"$BATS_TEST_TMPDIR/put" 2>&1 3>&- &
	HELD=$!
	eventually compiling
	collectd_stop
	wait "$HELD" || true
	HELD=
	cat "$BATS_TEST_TMPDIR/put"
	[ -s "$BATS_TEST_TMPDIR/put" ]
}

@test "many entries are streamed completely" {
	start
	code='BPF_TABLE("array", u32, u64, MANY, 1000000); static __always_inline int handle_rx(struct CTXTYPE *ctx, struct pkt_metadata *md) { return RX_OK; }'
	gives POST /dynmon/m 201 "" -d "$(jq -nc --arg code "$code" '{"dataplane-config": {"ingress-path": {code: $code, "metric-configs": [{name: "many", "map-name": "MANY"}]}}}')"
	http -D "$BATS_TEST_TMPDIR/head" "$API/dynmon/m/metrics/ingress-metrics/many/value" >"$BATS_TEST_TMPDIR/many"
	grep -qi '^Transfer-Encoding: chunked' "$BATS_TEST_TMPDIR/head"
	[ "$(jq length "$BATS_TEST_TMPDIR/many")" -eq 1000000 ]
	http "$API/dynmon/m" | jq '.metrics."ingress-metrics"[0].value | length == 1000000' | is_true
}
