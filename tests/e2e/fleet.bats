# A fleet: hosts with monitors send signed values to one collectd, where Prometheus scrapes them.
# shellcheck shell=bash
bats_require_minimum_version 1.5.0
load lib
load servers

setup() {
	need_root
	need prometheus prometheus
	network_up
	FLEET=$NEAR HOSTS=() SERVERS=()
	# $NEAR is the receiver. Its bridge connects all hosts.
	ip -n "$NEAR" link add br0 type bridge
	ip -n "$NEAR" addr add 10.8.0.1/24 dev br0
	ip -n "$NEAR" link set br0 up
	collectd_at "$BATS_TEST_TMPDIR"
	collectd_write receiver 0.5 "$(pipelines fleet-receiver.conf fleet-passwords prometheus.conf)" </dev/null
	# The number of intervals after which a value is missing. With collectd's default of 2,
	# hosts come and go on a busy machine.
	echo 'Timeout 10' >>"$CONF"
	collectd_start
}

teardown() {
	local host

	servers_kill
	for host in "${HOSTS[@]}"; do
		on "$host" collectd_kill
		on "$host" host_down
	done
	collectd_kill
	network_down
}

# on HOST COMMAND ...: runs COMMAND with the namespace, files and collectd of that host. Runs in
# this shell, so that COMMAND can start or stop collectd.
on() {
	local NEAR=$FLEET-$1 DIR SOCKET LOG CONF
	local -n KEEPER=KEEPER_$1 COLLECTD=COLLECTD_$1

	collectd_at "$BATS_TEST_TMPDIR/$1"
	"${@:2}"
}

# host_up NAME: creates mon0, connected to peer-NAME in $FAR, and up0 on the bridge.
host_up() {
	HOSTS+=("$1")
	mkdir "$BATS_TEST_TMPDIR/$1"
	ip netns add "$FLEET-$1"
	on "$1" host_network "$1" "10.8.0.$((1 + ${#HOSTS[@]}))"
	on "$1" bpffs_up
}

host_network() {
	near sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
	ip -n "$NEAR" link set lo up
	cable_up mon0 "peer-$1"
	ip -n "$NEAR" link add up0 type veth peer name "$1" netns "$FLEET"
	ip -n "$NEAR" addr add "$2/24" dev up0
	ip -n "$NEAR" link set up0 up
	ip -n "$FLEET" link set "$1" up master br0
}

host_down() {
	[ -z "${KEEPER:-}" ] || kill -KILL "$KEEPER" 2>/dev/null || true
	ip netns del "$NEAR"
}

# sender_configure HOSTNAME USER PASSWORD [LEVEL]
sender_configure() {
	collectd_write "$1" 0.5 "$(pipelines fleet-sender.conf)" <<-EOF
	<Monitor "edge">
	  Interface "mon0"
	  Dataplane "packet_counter.json"
	  Pin       true
	</Monitor>
	EOF
	sed -i -e "s/127.0.0.1/10.8.0.1/; s/\(Username\) .*/\1 \"$2\"/; s/\(Password\) .*/\1 \"$3\"/" \
		-e "s/\(SecurityLevel\) .*/\1 \"${4:-Sign}\"/" "$DIR/fleet-sender.conf"
}

# sender_up HOST: starts collectd with the line of the host in fleet-passwords.
sender_up() {
	host_up "$1"
	on "$1" sender_configure "$1" "$1" "change-$1"
	on "$1" collectd_start
}

# The values that the receiver has: lines of "HOST COUNT".
received() {
	http http://127.0.0.1:9103/metrics |
		sed -n 's/^collectd_dynmon_packets_total{dynmon="edge-mon0",type="packets-ingress",instance="\(.*\)"} \([0-9]*\) .*/\1 \2/p'
}
received_is() { [ "$(received | sort | xargs)" = "$*" ]; }

ingress='collectd_dynmon_packets_total{type="packets-ingress"}'
of() { echo "collectd_dynmon_packets_total{type=\"packets-ingress\",instance=\"$1\"}"; }

@test "three hosts and one receiver: no value is lost or duplicated across a crash" {
	for host in alpha beta gamma; do sender_up "$host"; done
	pipelines prometheus.yml
	prometheus_start collectd
	frames_at peer-alpha 100
	frames_at peer-beta 200
	frames_at peer-gamma 300
	eventually received_is alpha 100 beta 200 gamma 300
	eventually value_is "sum($ingress)" 600
	eventually labels_are instance "$ingress" "alpha beta gamma"

	on beta collectd_crash
	frames_at peer-alpha 10
	frames_at peer-beta 50
	# collectd removes values that no longer arrive from the page.
	eventually received_is alpha 110 gamma 300
	# Packets were counted while collectd was down, because the monitor is pinned.
	on beta collectd_start
	eventually received_is alpha 110 beta 250 gamma 300
	frames_at peer-beta 5
	eventually received_is alpha 110 beta 255 gamma 300

	eventually value_is "$(of beta)" 255
	eventually value_is "sum($ingress)" 665
	eventually value_is "count($ingress)" 3
	for host in alpha beta gamma; do value_is "resets($(of "$host")[5m])" 0; done
	# No series is on the page twice, for any host.
	[ -z "$(http http://127.0.0.1:9103/metrics | sed -n 's/^\([^#].*}\) .*/\1/p' | sort | uniq -d)" ]
}

says_thrice() { [ "$(grep -c "$1" "$LOG")" -ge 3 ]; }

# refused USER PASSWORD LEVEL WORDS: the receiver ignores values from mallory and logs the reason.
refused() {
	on mallory sender_configure mallory "$1" "$2" "$3"
	on mallory collectd_start
	eventually says_thrice "$4"
	received >"$DIR/received"
	run ! grep mallory "$DIR/received"
	on mallory collectd_stop
	eventually received_is alpha 100
}

@test "unsigned packets and packets with a wrong password are ignored" {
	sender_up alpha
	frames_at peer-alpha 100
	eventually received_is alpha 100
	host_up mallory
	refused alpha change-nothing Sign 'Hash mismatch. Username: alpha'
	refused mallory change-alpha Sign 'Unknown user: mallory'
	refused alpha change-alpha None 'Unsigned packet or part has been ignored'
	# A control: with valid credentials, values of mallory arrive.
	on mallory sender_configure mallory beta change-beta
	on mallory collectd_start
	frames_at peer-mallory 7
	eventually received_is alpha 100 mallory 7
}
