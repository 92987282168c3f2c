# The files of conf/ with the programs that read them: collectd with the user and capabilities of
# the drop-in, Prometheus with the scrape job and the alerts, and the queries of the dashboard.
# shellcheck shell=bash
bats_require_minimum_version 1.5.0
load lib
load servers

CONF_DIR=$top_srcdir/conf
DROP_IN=$CONF_DIR/systemd/dynmon.conf

setup() {
	need_root
	network_up
	DIR=$BATS_TEST_TMPDIR
	documents_up "$top_srcdir"/examples/packet_counter.json
}

# -- the service --

# drop_in KEY: the last value of KEY in the drop-in.
drop_in() { sed -n "s/^$1=//p" "$DROP_IN" | tail -n 1; }

# converts CAP_BPF CAP_NET_ADMIN to -all,+bpf,+net_admin, the syntax of setpriv
setpriv_caps() {
	local cap list=-all

	for cap in $(drop_in "$1"); do
		cap=${cap#CAP_}
		list+=,+${cap,,}
	done
	echo "$list"
}

# Creates what systemd creates for the service: the user, the directories, and the entries of
# tmpfiles.conf, in a mount namespace for later runs of collectd. The BPF file system and tracefs
# belong to root, as on Debian.
service_up() {
	local user directory root=$DIR/root

	mkdir -p "$root/etc" "$root/netns"
	cp /etc/passwd /etc/group "$root/etc"
	systemd-sysusers --root="$root" - <"$CONF_DIR/systemd/sysusers.conf"
	user=$(drop_in User)
	# shellcheck disable=SC2016 # the inner shell expands it
	ip netns exec "$NEAR" sh -ec '
		mount --bind "$1/etc/passwd" /etc/passwd
		mount --bind "$1/etc/group" /etc/group
		mount -t bpf -o mode=700 bpf /sys/fs/bpf
		mount -t tracefs -o mode=700 tracefs /sys/kernel/tracing
		mount --rbind /run/netns "$1/netns"
		mount -t tmpfs tmpfs /run
		mkdir /run/netns
		mount --rbind "$1/netns" /run/netns
		mkdir -p /var/lib/collectd
		mount -t tmpfs tmpfs /var/lib/collectd
		touch /run/made
		exec sleep infinity' sh "$root" >"$DIR/service.out" 2>&1 3>&- &
	KEEPER=$!
	disown "$KEEPER"
	eventually kept test -e /run/made || { cat "$DIR/service.out"; return 1; }
	for directory in "/run/$(drop_in RuntimeDirectory)" "/var/lib/$(drop_in StateDirectory)"; do
		kept mkdir -p "$directory"
		kept chown "$user:$(drop_in Group)" "$directory"
	done
	kept systemd-tmpfiles --create - <"$CONF_DIR/systemd/tmpfiles.conf"
	AS_USER=(setpriv --reuid="$user" --regid="$(drop_in Group)" --init-groups
		--bounding-set "$(setpriv_caps CapabilityBoundingSet)"
		--inh-caps "$(setpriv_caps AmbientCapabilities)"
		--ambient-caps "$(setpriv_caps AmbientCapabilities)")
	[ "$(drop_in NoNewPrivileges)" = yes ]
	AS_USER+=(--no-new-privs)
}

# Writes a collectd.conf for the service with the plugin's default StateDir. Standard input is the
# content of the plugin's block. Copies the plugin to a directory that the user can read, because
# the build directory may not be readable.
service_configure() {
	mkdir "$DIR/installed"
	cp "$top_builddir/.libs/dynmon.so" "$DYNMON_CC" "$DIR/installed"
	cp -r "$DYNMON_BPFDIR" "$DIR/installed/bpf"
	DYNMON_CC=$DIR/installed/${DYNMON_CC##*/} DYNMON_BPFDIR=$DIR/installed/bpf collectd_configure
	SOCKET=/run/$(drop_in RuntimeDirectory)/control.sock
	sed -i -e "s|SocketFile .*|SocketFile \"$SOCKET\"|" -e '/StateDir/d' \
		-e "s|PluginDir .*|PluginDir \"$DIR/installed\"|" "$CONF"
	chmod a+x "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test"
	chmod -R a+rX "$DIR"
	kept chown "$(drop_in User)" "$DIR"
}

# dynmonctl as an administrator runs it, with its default socket.
ctl() { kept "$top_builddir/dynmonctl" "$@"; }

# sees MONITOR COUNT [PATH]: the packet counter equals COUNT
sees() { [ "$(json_value "$1" "${3:-ingress}" packets_total)" = "[$2]" ]; }

said_once() { [ "$(grep '] dynmon: ' "$LOG" | grep -cF "$1")" -eq 1 ] || { cat "$LOG"; return 1; }; }

@test "the drop-in: systemd accepts it, and it grants three capabilities" {
	[ "$(drop_in AmbientCapabilities)" = "CAP_BPF CAP_NET_ADMIN CAP_PERFMON" ]
	[ "$(drop_in CapabilityBoundingSet)" = "$(drop_in AmbientCapabilities)" ]
	[ "$(drop_in LimitNOFILE)" = 1024:262144 ]
	mkdir -p "$DIR/units/collectd.service.d"
	cp /lib/systemd/system/collectd.service "$DIR/units"
	cp "$DROP_IN" "$DIR/units/collectd.service.d"
	verify() { SYSTEMD_UNIT_PATH=$DIR/units: systemd-analyze verify --man=no "$DIR/units/collectd.service" 2>&1; }
	run -0 verify
	[[ $output != *collectd* ]] # other services may have errors that are not tested here
	# A control: an error in the drop-in is reported.
	echo "NoNewPrivilege=yes" >>"$DIR/units/collectd.service.d/dynmon.conf"
	run verify
	[[ $output == *"NoNewPrivilege"* ]]
}

@test "as the drop-in's user: hooks count, code is compiled, injected documents are restored" {
	service_up
	cable_up mon1 peer1
	jq '."ingress-path"."metric-configs"[0]."extraction-options" = {"swap-on-read": true, "empty-on-read": true}' \
		"$DATAPLANE_DIR/packet_counter.json" >"$DATAPLANE_DIR/swap.json"
	service_configure <<-EOF
	<Monitor "tcx">
	  Interface "mon0"
	  Hook "tcx"
	  Dataplane "packet_counter.json"
	</Monitor>
	<Monitor "tc">
	  Interface "mon0"
	  Hook "tc"
	  Dataplane "packet_counter.json"
	</Monitor>
	<Monitor "xdp">
	  Interface "mon0"
	  Hook "xdp"
	  Dataplane "packet_counter.json"
	</Monitor>
	<Monitor "xdp-generic">
	  Interface "mon1"
	  Hook "xdp-generic"
	  Dataplane "packet_counter.json"
	</Monitor>
	<Monitor "swap">
	  Interface "mon0"
	  Dataplane "swap.json"
	  <Metric "packets_total">
	    Dispatch false
	  </Metric>
	</Monitor>
	EOF
	collectd_start
	mapfile -t now < <(sed -n 's/^\(Uid\|CapEff\|CapBnd\|NoNewPrivs\):\t//p' "/proc/$COLLECTD/status")
	[[ ${now[0]} != *"	0	"* ]]
	[ "${now[1]}" = "$(printf %016x $((1 << 12 | 1 << 38 | 1 << 39)))" ] # linux/capability.h
	[ "${now[2]}" = "${now[1]}" ]
	[ "${now[3]}" -eq 1 ]
	frames_in 1000
	frames_out 300
	frames_at peer1 77
	sees xdp-generic 77
	for hook in tcx tc xdp; do
		sees "$hook" 1000
		sees "$hook" 300 egress
	done
	sees swap 1000
	frames_in 5
	sees swap 5
	eventually csv_is tcx-mon0 packets-packets-ingress 1005
	# a dataplane that is compiled again and changed
	ctl inject probe mon0 "$top_srcdir/examples/ntp_packets_counter.json"
	frames_in 9 -d 123
	[ "$(json_value probe ingress ntp_packets_total)" = "[9]" ]
	ctl reload tcx force=true
	sees tcx 1014
	run ! ctl inject probe mon0 "$top_srcdir/README.md"
	collectd_stop
	nothing_attached
	collectd_start
	monitor_is probe running
	frames_in 4 -d 123
	[ "$(json_value probe ingress ntp_packets_total)" = "[4]" ]
	http http://127.0.0.1:9936/healthz | grep -Fx ok
	# The only missing information: whether tc filters were left behind by a killed collectd.
	run grep -E 'dynmon: .*(not permitted|denied|CAP_)' "$LOG"
	run ! grep -v 'cannot find tc filters that a killed collectd left behind: CAP_SYS_ADMIN is missing$' <<<"$output"
}

@test "as the drop-in's user: Pin works in the directory that tmpfiles.d creates" {
	service_up
	service_configure <<-EOF
	<Monitor "edge">
	  Interface "mon0"
	  Hook "tcx"
	  Pin true
	  Dataplane "packet_counter.json"
	</Monitor>
	EOF
	collectd_start
	frames_in 10
	sees edge 10
	collectd_crash
	frames_in 20
	kept rm -f "/run/$(drop_in RuntimeDirectory)/control.sock" # systemd recreates the directory
	collectd_start
	grep -qF 'monitor edge: interface mon0: adopted the ingress program that was left running' "$LOG"
	frames_in 3
	sees edge 33
	ctl del edge
	[ -z "$(kept ls /sys/fs/bpf/dynmon)" ]
	nothing_attached
}

@test "as the drop-in's user: BTF tracepoints count; missing capabilities are logged once" {
	service_up
	cat >"$DATAPLANE_DIR/switches.bpf.c" <<-'EOF'
	#include <linux/bpf.h>
	#include <bpf/bpf_helpers.h>
	struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32); __type(value, __u64); } N SEC(".maps");
	SEC("tp_btf/sched_switch") int count(void *ctx)
	{
		__u32 zero = 0;
		__u64 *n = bpf_map_lookup_elem(&N, &zero);

		if (n)
			__sync_fetch_and_add(n, 1);
		return 0;
	}
	char LICENSE[] SEC("license") = "GPL";
	EOF
	jq -n '{"ingress-path": {"code-file": "switches.bpf.c", "metric-configs": [{"name": "switches_total", "map-name": "N"}]}}' \
		>"$DATAPLANE_DIR/switches.json"
	mkdir "$DIR/bpf"
	cp "$top_srcdir"/bpf/*.bpf.c "$DIR/bpf"
	cp "$top_srcdir"/examples/drop_reasons.json "$DATAPLANE_DIR"
	# a foreign filter, which may look like a filter of a killed collectd
	"$DYNMON_CC" --include="$DYNMON_BPFDIR" <"$BATS_TEST_DIRNAME/fixtures/packet_counter.bpf.c" >"$DIR/foreign.o"
	near tc qdisc add dev mon0 clsact
	near tc filter add dev mon0 ingress bpf direct-action obj "$DIR/foreign.o" sec tc
	service_configure <<-EOF
	<Monitor "edge">
	  Interface "mon0"
	  Dataplane "packet_counter.json"
	</Monitor>
	<Monitor "switches">
	  Dataplane "switches.json"
	</Monitor>
	<Monitor "drops">
	  Dataplane "drop_reasons.json"
	</Monitor>
	<Monitor "elsewhere">
	  Interface "peer0"
	  NetNS "$FAR"
	  Dataplane "packet_counter.json"
	</Monitor>
	<Monitor "later">
	  Interface "lo"
	  NetNS "$FAR-later"
	  Dataplane "packet_counter.json"
	</Monitor>
	EOF
	collectd_start
	frames_in 12
	sees edge 12
	counts_switches() { [ "$(json_value switches ingress switches_total | jq '.[0]')" -gt 0 ]; }
	eventually counts_switches
	refused="cannot be entered: Operation not permitted; this needs CAP_SYS_ADMIN"
	said_once "monitor elsewhere: network namespace $FAR $refused"
	run ! grep -F '"peer0" does not exist' "$LOG"
	said_once 'cannot attach to "tracepoint/skb/kfree_skb": no permission to read /sys/kernel/tracing; use SEC("raw_tracepoint/...") or SEC("tp_btf/..."), which do not need it'
	said_once "cannot find tc filters that a killed collectd left behind: CAP_SYS_ADMIN is missing"
	monitor_is elsewhere failed
	monitor_is drops failed
	monitor_is edge running
	# a network namespace that is created later, too
	monitor_is later waiting
	ip netns add "$FAR-later"
	reports_reason() { ctl show later | jq --arg why "$refused" '."last-error" | endswith($why)' | is_true; }
	eventually reports_reason || { ip netns del "$FAR-later"; return 1; }
	ip netns del "$FAR-later"
	eventually said_once "monitor later: network namespace $FAR-later $refused"
	run http http://127.0.0.1:9936/healthz
	echo "$output"
	[[ $output == *elsewhere*"$refused"* && $output == *later*"$refused"* && $output == *drops* ]]
}

# -- Prometheus and Grafana --

@test "promtool accepts the scrape job and the alerts; each alert fires only with cause" {
	run -0 promtool check config "$CONF_DIR/prometheus/prometheus.yml"
	run -0 promtool check rules --lint=all --lint-fatal "$CONF_DIR/prometheus/dynmon-alerts.yml"
	fixture=$BATS_TEST_DIRNAME/fixtures/alerts.yml
	run -0 promtool test rules "$fixture"
	# every alert has a test
	[ "$(sed -n 's/^ *- alert: //p' "$CONF_DIR/prometheus/dynmon-alerts.yml" | sort)" = \
		"$(sed -n 's/^ *- alertname: //p' "$fixture" | sort -u)" ]
}

fires() { api alerts | jq --arg name "$1" --arg monitor "$2" \
	'.alerts | any(.labels.alertname == $name and .labels.monitor == $monitor)' | is_true; }

# A query of the dashboard in the form that Grafana sends, with all hosts and monitors selected.
# shellcheck disable=SC2016 # they are the dashboard's, not the shell's
as_sent() { sed -e 's/\$instance/.*/g; s/\$monitor/.*/g; s/\$__rate_interval/1m/g' -e "s/\\\$metric/$1/g"; }

@test "all queries of the dashboard have results" {
	dashboard=$CONF_DIR/grafana/dynmon.json
	cp "$top_srcdir"/examples/flow_bytes.json "$DATAPLANE_DIR/"
	mkdir "$DIR/bpf"
	cp "$top_srcdir"/bpf/*.bpf.c "$DIR/bpf"
	collectd_configure <<-EOF
	RunStats true
	<Monitor "edge">
	  Interface "mon0"
	  Dataplane "packet_counter.json"
	</Monitor>
	<Monitor "flows">
	  Interface "mon0"
	  Dataplane "flows.json"
	</Monitor>
	EOF
	jq '(.. | ."metric-configs"? // empty)[]."max-series" = 2' "$DATAPLANE_DIR/flow_bytes.json" >"$DATAPLANE_DIR/flows.json"
	collectd_start
	ctl() { "$top_builddir/dynmonctl" -s "$SOCKET" "$@"; }
	# the shipped configuration with a scrape and an evaluation every second
	sed 's/_interval: 15s/_interval: 1s/' "$CONF_DIR/prometheus/prometheus.yml" >"$DIR/prometheus.yml"
	cp "$CONF_DIR/prometheus/dynmon-alerts.yml" "$DIR"
	prometheus_start dynmon
	for port in 1 2 3 4; do
		frames_in 10 -d "$port"
	done
	# the values of the variables: label_values(SELECTOR, LABEL)
	while IFS=$'\t' read -r name definition; do
		[[ $definition =~ ^label_values\((.*),\ (.*)\)$ ]]
		eventually holds "count by (${BASH_REMATCH[2]}) ($(as_sent <<<"${BASH_REMATCH[1]}"))" ||
			{ echo "variable $name: $definition"; return 1; }
	done < <(jq -r '.templating.list[] | select(.type == "query") | [.name, .definition] | @tsv' "$dashboard")
	mapfile -t expressions < <(jq -r '.panels[].targets[]?.expr' "$dashboard")
	[ ${#expressions[@]} -gt 10 ]
	for expression in "${expressions[@]}"; do
		sent=$(as_sent packets_total <<<"$expression")
		eventually holds "$sent" || { echo "no result: $expression, as $sent"; api query --data-urlencode "query=$sent"; return 1; }
	done
	# The alerts use existing self metrics, and one of the alerts fires.
	page=$(metrics_page)
	while read -r name; do
		grep -qE "^${name}[{ ]" <<<"$page" || { echo "no figure $name"; return 1; }
	done < <(grep -oE 'dynmon_[a-z_]+' "$CONF_DIR/prometheus/dynmon-alerts.yml" | sort -u)
	echo '{' >"$DATAPLANE_DIR/packet_counter.json"
	run ! ctl reload edge
	eventually fires DynmonReloadsFail edge
	eventually fires DynmonDataplaneOutdated edge
	run ! fires DynmonReloadsFail flows
}
