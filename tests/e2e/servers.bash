# Servers that collectd's values go to, and the configurations of conf/pipelines that send them there.
# shellcheck shell=bash

# need COMMAND PACKAGE
need() { command -v "$1" >/dev/null || skip "needs $1, of Debian's package $2"; }

# server_start COMMAND ...: runs in $NEAR until the test ends, with what it says in $DIR/COMMAND.log.
server_start() {
	ip netns exec "$NEAR" "$@" >"$DIR/${1##*/}.log" 2>&1 3>&- &
	SERVERS+=($!)
}

servers_kill() {
	local server

	for server in "${SERVERS[@]}"; do
		kill -TERM "$server" 2>/dev/null || true
	done
	for server in "${SERVERS[@]}"; do
		eventually process_gone "$server" || kill -KILL "$server" 2>/dev/null || true
		wait "$server" 2>/dev/null || true
	done
	SERVERS=()
}

# pipelines FILE ...: copies of those in conf/pipelines to $DIR, with this test's directories, with
# servers on the loopback and without waiting. Prints what includes the collectd.confs among them.
pipelines() {
	local file

	for file; do
		sed -e "s|/var/lib/collectd|$DIR|; s|/etc/collectd|$DIR|" \
			-e 's/[a-z]*\.example\.org/127.0.0.1/' \
			-e 's/\(FlushInterval\) 10/\1 0.2/; s/\(batch-timeout =\) "10s"/\1 "200ms"/' \
			-e 's/\(scrape_interval:\) 10s/\1 1s/; s/\(retentions =\) 10s:/\1 1s:/' \
			"$top_srcdir/conf/pipelines/$file" >"$DIR/$file"
		[[ $file != *.conf ]] || echo "Include \"$DIR/$file\""
	done
}

# -- Prometheus --

# prometheus_start JOB: with $DIR/prometheus.yml, until it has scraped that job. In $NEAR, by its
# loopback.
prometheus_start() {
	server_start prometheus --config.file="$DIR/prometheus.yml" --storage.tsdb.path="$DIR/tsdb" \
		--web.listen-address=127.0.0.1:9090 --log.level=warn
	eventually is_up "$1" || { cat "$DIR/prometheus.log"; return 1; }
}

api() { http --get "http://127.0.0.1:9090/api/v1/$1" "${@:2}" | jq -ce 'select(.status == "success").data'; }

# A scrape that takes longer than the second until the next one fails, and then there are no series at that
# moment: what a test asks of now it asks with eventually, and at once only what it asks of the last minutes.

# query EXPRESSION: [{metric, value}, ...]; value: of its only series.
query() { api query --data-urlencode "query=$1" | jq -c '.result | map({metric, value: (.value[1] | tonumber)})'; }
value() { query "$1" | jq -e 'if length == 1 then .[0].value else error("\(length) series") end'; }
value_is() { [ "$(value "$1")" = "$2" ]; }
is_up() { value_is "up{job=\"$1\"}" 1; }
# holds EXPRESSION: a comparison that some series pass. gone: no series is there.
holds() { [ "$(query "$1" | jq length)" -gt 0 ]; }
gone() { [ "$(query "$1")" = "[]" ]; }
# labels LABEL EXPRESSION: their values, sorted.
labels() { query "$2" | jq -r ".[].metric.$1" | sort | xargs; }
labels_are() { [ "$(labels "$1" "$2")" = "$3" ]; }
