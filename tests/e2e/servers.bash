# Servers that receive collectd's values, and the configurations in conf/pipelines that send to
# them.
# shellcheck shell=bash

SERVERS=()

teardown() {
	servers_kill
	collectd_kill
	network_down
}

# need COMMAND PACKAGE
need() { command -v "$1" >/dev/null || skip "needs $1, of Debian's package $2"; }

# server_start COMMAND ...: runs a server in $NEAR until the test ends. Its output goes to
# $DIR/COMMAND.log.
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

# pipelines FILE ...: copies files of conf/pipelines to $DIR. The copies use the directories of this
# test, servers on the loopback, and no delays. Prints Include lines for the collectd.conf files.
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

# prometheus_start JOB [OPTION ...]: starts Prometheus with $DIR/prometheus.yml and waits until it has scraped
# that job. It runs in $NEAR and listens on the loopback.
prometheus_start() {
	server_start prometheus --config.file="$DIR/prometheus.yml" --storage.tsdb.path="$DIR/tsdb" \
		--web.listen-address=127.0.0.1:9090 --log.level=warn "${@:2}"
	eventually is_up "$1" || { cat "$DIR/prometheus.log"; return 1; }
}

api() { http --get "http://127.0.0.1:9090/api/v1/$1" "${@:2}" | jq -ce 'select(.status == "success").data'; }

# A scrape that takes more than a second, the interval, fails and leaves no series at that moment.
# Queries about the present therefore use eventually; only queries about the last minutes are made
# once.

# query EXPRESSION: prints [{metric, value}, ...]. value: prints the value of the only series.
query() { api query --data-urlencode "query=$1" | jq -c '.result | map({metric, value: (.value[1] | tonumber)})'; }
value() { query "$1" | jq -e 'if length == 1 then .[0].value else error("\(length) series") end'; }
value_is() { [ "$(value "$1")" = "$2" ]; }
is_up() { value_is "up{job=\"$1\"}" 1; }
# holds EXPRESSION: at least one series passes the comparison. gone: there are no series.
holds() { [ "$(query "$1" | jq length)" -gt 0 ]; }
gone() { [ "$(query "$1")" = "[]" ]; }
# labels LABEL EXPRESSION: the values of that label, sorted.
labels() { query "$2" | jq -r ".[].metric.$1" | sort | xargs; }
labels_are() { [ "$(labels "$1" "$2")" = "$3" ]; }
