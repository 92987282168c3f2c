# Persistence of programs and maps when collectd ends, with and without Pin, and their adoption by
# the next collectd.
# shellcheck shell=bash
bats_require_minimum_version 1.5.0
load lib

# The number of interrupted reloads; set KILLS=200 for a long test.
: "${KILLS:=15}"

setup() {
	need_root
	network_up
	bpffs_up
	documents_up "$top_srcdir"/examples/*.json
}

teardown() {
	collectd_kill
	network_down
	[ -z "${blue:-}" ] || ip netns del "$blue" 2>/dev/null || true
}

# configure HOOK [OPTION ...]: the monitor "edge" on mon0. collectd reads it only once, because
# values that a read takes out of a map belong to collectd and are not pinned.
configure() {
	local hook=$1
	shift
	collectd_configure <<-EOF
	<Monitor "edge">
	  Hook "$hook"
	  Dataplane "edge.json"
	  Interval 3600
	$(printf '%s\n' "${@:-Interface \"mon0\"}")
	</Monitor>
	EOF
}

# edge_document EXTRACTION-OPTIONS [STEP]: writes a packet counter that adds STEP.
edge_document() {
	jq --argjson options "$1" --arg step "${2:-1}" \
		'.[] |= (."metric-configs"[]."extraction-options" = $options |
			.code |= sub("PACKETS.atomic_increment\\(0\\)"; "PACKETS.atomic_increment(0, " + $step + ")"))' \
		"$top_srcdir/examples/packet_counter.json" >"$DOCUMENTS/edge.json"
}

# A child process of the last collectd may hold its locks for a moment longer.
unlocked() {
	# shellcheck disable=SC2016 # the inner shell expands it
	kept sh -c 'for pins in /sys/fs/bpf/dynmon/*/ /sys/fs/bpf/dynmon/*/*/; do
		[ ! -d "$pins" ] || flock --nonblock "$pins" true || exit 1
	done'
}

start_again() {
	eventually unlocked
	: >"$LOG"
	rm -rf "$DIR/csv"
	collectd_start
}

# The plugin's programs on an interface: "ingress ID" and "egress ID", including filters of tc.
programs() {
	attached "${1:-mon0}" | awk '{ print $2, $3 }'
	for path in ingress egress; do
		near tc filter show dev "${1:-mon0}" $path 2>/dev/null |
			sed -n "s/.* dynmon_[a-z]*:\[\([0-9]*\)\].*/$path \1/p"
	done
}

# runs_exactly [INTERFACE [MONITOR]]: exactly one program runs on each path, and SHOW lists
# these programs.
runs_exactly() {
	local interface=${1:-mon0} runs

	runs=$(ctl show "${2:-edge}" | jq -r --arg name "$interface" \
		'.interfaces[] | select(.name == $name) | .programs[] | "\(.direction) \(.id)"' | sort)
	[[ $runs == egress\ +([0-9])$'\n'ingress\ +([0-9]) ]] && [ "$(programs "$interface" | sort)" = "$runs" ]
}

pins() { kept find /sys/fs/bpf/dynmon -mindepth 1 2>/dev/null; }

no_pins() { [ -z "$(pins)" ]; }

# taken_over PATH [INTERFACE [MONITOR]]: the log says that the program was taken over
taken_over() { grep -F "dynmon: monitor ${3:-edge}: interface ${2:-mon0}: adopted the $1 program that was left running" "$LOG"; }

# -- the matrix: each hook with each combination of extraction options --

declare -gA OPTIONS=([whole]='{}' [swap]='{"swap-on-read": true}' [empty]='{"empty-on-read": true}'
	[both]='{"swap-on-read": true, "empty-on-read": true}')

# matrix_configure MONITOR ...: a name consists of a hook and an option, such as tcx-swap. Each monitor is on an
# interface of its own, listed in INTERFACES. The other end of mon7 is peer7.
matrix_configure() {
	local option monitor i=0

	for option in "${!OPTIONS[@]}"; do
		edge_document "${OPTIONS[$option]}"
		mv "$DOCUMENTS/edge.json" "$DOCUMENTS/$option.json"
	done
	declare -gA INTERFACES=()
	MONITORS=("$@")
	for monitor; do
		INTERFACES[$monitor]=mon$i
		[ "$i" -eq 0 ] || cable_up "mon$i" "peer$i"
		i=$((i + 1))
	done
	collectd_configure < <(
		for monitor; do
			printf '<Monitor "%s">\nHook "%s"\nDataplane "%s.json"\nInterface "%s"\nInterval 3600\nPin true\n</Monitor>\n' \
				"$monitor" "${monitor%-*}" "${monitor##*-}" "${INTERFACES[$monitor]}"
		done
	)
}

# matrix_frames IN OUT: sends IN frames to and OUT frames out of each interface.
matrix_frames() {
	local interface

	for interface in "${INTERFACES[@]}"; do
		[ "$1" -eq 0 ] || frames_at "${interface/mon/peer}" "$1"
		[ "$2" -eq 0 ] || near "$top_builddir/tests/tools/sendframes" "$interface" "$2"
	done
}

matrix_first_read() {
	local monitor

	for monitor in "${MONITORS[@]}"; do
		[ -n "$(ls "$DIR/csv/host/dynmon-$monitor-${INTERFACES[$monitor]}" 2>/dev/null)" ] || return 1
	done
}

matrix_programs() {
	local monitor

	for monitor in "${MONITORS[@]}"; do
		programs "${INTERFACES[$monitor]}" | sed "s/^/$monitor /"
	done
}

# Each monitor runs its programs, which the last collectd left running.
matrix_taken_over() {
	local monitor

	for monitor in "${MONITORS[@]}"; do
		taken_over ingress "${INTERFACES[$monitor]}" "$monitor"
		taken_over egress "${INTERFACES[$monitor]}" "$monitor"
	done
}

# matrix_read: LAST receives the values of this read, KNOWN the sums of earlier reads. An emptied metric
# has the counts since the last read, other metrics have a total.
matrix_read() {
	local monitor key

	for monitor in "${MONITORS[@]}"; do
		for key in "$monitor ingress" "$monitor egress"; do
			[[ $monitor != *-@(empty|both) ]] || KNOWN[$key]=$((${KNOWN[$key]:-0} + ${LAST[$key]:-0}))
		done
		read -r "LAST[$monitor ingress]" "LAST[$monitor egress]" < <(ctl metrics "$monitor" |
			jq -r '[."ingress-metrics"[0], ."egress-metrics"[0] | .value | add] | join(" ")')
	done
}

# matrix_end COMMAND: ends collectd. A map that no read empties keeps its total. Of other maps the next collectd
# has only the counts that were not read.
matrix_end() {
	local key

	for key in "${!LAST[@]}"; do
		[[ $key == *-whole\ * ]] || KNOWN[$key]=$((${KNOWN[$key]:-0} + LAST[$key]))
		LAST[$key]=0
	done
	"$1"
}

# matrix_has IN OUT: tests that each monitor has counted these frames.
matrix_has() {
	local monitor got

	for monitor in "${MONITORS[@]}"; do
		got="$((${KNOWN[$monitor ingress]:-0} + ${LAST[$monitor ingress]}))"
		got+=" $((${KNOWN[$monitor egress]:-0} + ${LAST[$monitor egress]}))"
		if [ "$got" != "$1 $2" ] || ! runs_exactly "${INTERFACES[$monitor]}" "$monitor"; then
			echo "$monitor: $got, not $1 $2"
			programs "${INTERFACES[$monitor]}"
			ctl show "$monitor"
			return 1
		fi
	done
}

matrix_delete() {
	local monitor

	for monitor in "${MONITORS[@]}"; do
		ctl del "$monitor"
	done
	[ -z "$(matrix_programs)" ]
	no_pins
}

# survives END: frames are counted while collectd is down, and the next collectd takes over the
# programs.
survives() {
	local before

	declare -gA KNOWN=() LAST=()
	matrix_configure {tcx,tc,xdp-generic}-{whole,swap,empty,both}
	collectd_start
	eventually matrix_first_read
	matrix_frames 50 30
	matrix_read
	matrix_frames 2 0
	matrix_read
	matrix_has 52 30
	matrix_frames 4 0
	before=$(matrix_programs)
	[ "$(wc -l <<<"$before")" -eq 24 ]
	matrix_end "$1"
	[ "$(matrix_programs)" = "$before" ]
	matrix_frames 70 20
	start_again
	matrix_taken_over
	eventually matrix_first_read
	matrix_frames 3 4
	matrix_read
	matrix_has 129 54
	# A second restart: the programs were adopted, and the other copy is active.
	matrix_end "$1"
	matrix_frames 6 0
	start_again
	matrix_taken_over
	matrix_read
	matrix_has 135 54
	matrix_delete
	collectd_stop
	nothing_attached
}

# bats test_tags=plain
@test "SIGKILL: frames are still counted, and the next collectd takes over" { survives collectd_crash; }
@test "SIGTERM: frames are still counted, and the next collectd takes over" { survives collectd_stop; }

@test "SIGKILL during reloads, KILLS times: every frame is counted once, on every hook" {
	local sent=0 left=$KILLS monitor reloads

	declare -gA KNOWN=() LAST=()
	matrix_configure tcx-whole tc-whole xdp-generic-swap tcx-swap
	collectd_start
	eventually matrix_first_read
	while [ $((left -= 1)) -ge 0 ]; do
		reloads=()
		for monitor in "${MONITORS[@]}"; do
			(while ctl reload "$monitor" force=true >/dev/null 2>&1; do :; done) 3>&- &
			reloads+=($!)
		done
		matrix_frames 100 0
		sleep "0.$((RANDOM % 4))$((RANDOM % 10))"
		matrix_end collectd_crash
		wait "${reloads[@]}"
		matrix_frames 11 0
		sent=$((sent + 111))
		start_again
		eventually matrix_first_read
		matrix_read
		matrix_has "$sent" 0 || { echo "$left left"; pins; return 1; }
		[ "$(pins | grep -c '/prog-ingress$')" -eq "${#MONITORS[@]}" ]
	done
	matrix_delete
	nothing_attached
}

@test "the pins of a deleted monitor are removed, on every hook" {
	local monitor

	matrix_configure {tcx,tc,xdp-generic}-whole
	collectd_start
	matrix_frames 1 0
	collectd_crash
	[ "$(matrix_programs | wc -l)" -eq 6 ]
	collectd_configure </dev/null
	start_again
	for monitor in "${MONITORS[@]}"; do
		grep -F "dynmon: monitor $monitor: its pins were removed" "$LOG"
	done
	eventually nothing_attached
	no_pins
	matrix_frames 1 0
}

@test "lost log lines of a dead collectd are not counted again" {
	jq -n --arg code 'static __always_inline int handle_rx(struct CTXTYPE *ctx, struct pkt_metadata *md)
		{ for (int i = 0; i < 3000; i++) pcn_log(ctx, LOG_INFO, "line %d", i); return RX_OK; }' \
		'{"ingress-path": {"code": $code, "metric-configs": [{"name": "lost", "map-name": "dynmon_lost"}]}}' \
		>"$DOCUMENTS/edge.json"
	configure tcx 'Interface "mon0"' 'Pin true' 'LogLevel "info"'
	lost() { json_value edge ingress lost | jq '.[0]'; }
	collectd_start
	frames_in 1
	before=$(lost)
	[ "$before" -gt 0 ]
	collectd_crash
	start_again
	taken_over ingress
	[ "$(lost)" -eq "$before" ]
	collectd_stop
	run ! grep -F 'log lines are lost' "$LOG"
}

@test "several interfaces of a regular expression, each with its own counts" {
	cable_up mon1 peer1
	edge_document '{}'
	configure tcx 'Interface "/^mon/"' 'Pin true'
	collectd_start
	frames_in 3
	frames_at peer1 5
	collectd_crash
	frames_in 10
	frames_at peer1 20
	near ip link del mon1
	cable_up mon1 peer1 # a new interface with the same name: nothing runs there
	cable_up mon2 peer2
	frames_at peer1 100
	start_again
	taken_over ingress mon0
	runs_on edge mon0 mon1 mon2
	counted edge mon0 13
	frames_at peer2 1
	counted edge mon2 1
	[ "$(attached mon1 | wc -l)" -eq 2 ]
}

@test "Share: one set of counts is taken over on all interfaces" {
	cable_up mon1 peer1
	edge_document '{}'
	configure tcx 'Interface "mon0"' 'Interface "mon1"' 'Share true' 'Pin true'
	collectd_start
	frames_in 3
	frames_at peer1 5
	collectd_crash
	frames_in 10
	frames_at peer1 20
	start_again
	taken_over ingress mon0
	taken_over egress mon1
	counted edge "" 38
	runs_exactly mon0
	runs_exactly mon1
	frames_at peer1 1
	counted edge "" 39
}

@test "an interface in a network namespace is taken over" {
	blue=dynmon-blue-$$
	ip netns add "$blue"
	ip -n "$FAR" link add blue-peer type veth peer name blue0 netns "$blue"
	ip -n "$FAR" link set blue-peer up arp off
	ip -n "$blue" link set blue0 up arp off
	edge_document '{}'
	for hook in tcx tc; do
		configure $hook 'Interface "blue0"' "NetNS \"$blue\"" 'Pin true'
		collectd_start
		frames_at blue-peer 3
		collectd_crash
		frames_at blue-peer 10
		start_again || { ip netns del "$blue"; return 1; }
		taken_over ingress blue0 && counted edge blue0 13 && ctl del edge ||
			{ ip netns del "$blue"; return 1; }
		collectd_stop
	done
	ip netns del "$blue"
}

@test "without Pin: tcx and xdp links are gone with the process" {
	edge_document '{}'
	configure xdp-generic
	collectd_start
	ctl add more interface=mon0 hook=tcx
	raw "INJECT more file=packet_counter.json" | grep -q '^0'
	[ "$(programs | wc -l)" -eq 4 ]
	collectd_crash
	eventually nothing_attached
	no_pins
}

@test "without Pin: filters of a dead collectd are removed at the next start, foreign ones stay" {
	edge_document '{}'
	cable_up mon1 peer1
	"$DYNMON_CC" --include="$DYNMON_BPFDIR" <"$BATS_TEST_DIRNAME/fixtures/packet_counter.bpf.c" \
		>"$BATS_TEST_TMPDIR/foreign.o"
	near tc qdisc add dev mon0 clsact
	near tc filter add dev mon0 ingress bpf direct-action obj "$BATS_TEST_TMPDIR/foreign.o" sec tc
	foreign=$(near tc filter show dev mon0 ingress)
	configure tc 'Interface "mon0"' 'Interface "mon1"'
	collectd_start
	pid=$COLLECTD
	frames_in 5
	collectd_crash
	[ "$(programs mon0 | wc -l)" -eq 2 ]
	[ "$(programs mon1 | wc -l)" -eq 2 ]
	# The same monitor again: its new filters are the only ones.
	start_again
	grep -F "dynmon: interface mon0: removed a filter that collectd (pid $pid) left behind" "$LOG"
	runs_exactly mon0
	runs_exactly mon1
	counted edge mon0 0 # the counts of the old filters are lost
	frames_in 2
	counted edge mon0 2
	collectd_crash
	# A collectd without that monitor removes the filters, too.
	collectd_configure </dev/null
	start_again
	[ -z "$(programs mon0)$(programs mon1)" ]
	[ "$(near tc filter show dev mon0 ingress)" = "$foreign" ]
	near tc qdisc show dev mon0 | grep -q clsact
	run ! grep clsact <<<"$(near tc qdisc show dev mon1)"
}

@test "without Pin: filters in the namespaces of monitors are removed, too" {
	edge_document '{}'
	blue=dynmon-blue-$$
	ip netns add "$blue"
	ip -n "$FAR" link add blue-peer type veth peer name blue0 netns "$blue"
	configure tc 'Interface "blue0"' "NetNS \"$blue\""
	collectd_start
	pid=$COLLECTD
	eventually runs_on edge blue0
	collectd_crash
	filters() { ip netns exec "$blue" tc filter show dev blue0 "$1" | grep -c handle; }
	start_again
	# Only the new filters.
	[ "$(filters ingress) $(filters egress)" = "1 1" ]
	grep -F "dynmon: interface blue0: removed a filter that collectd (pid $pid) left behind" "$LOG"
}

@test "a monitor that is no longer pinned, and a monitor on another hook" {
	edge_document '{}'
	configure tcx 'Interface "mon0"' 'Pin true'
	collectd_start
	collectd_crash
	configure tc 'Interface "mon0"' 'Pin true'
	start_again
	runs_exactly
	[ -z "$(attached)" ]
	collectd_crash
	configure xdp-generic 'Interface "mon0"' 'Pin true'
	start_again
	runs_exactly
	collectd_crash
	configure tcx
	start_again
	runs_exactly
	no_pins
	collectd_crash
	eventually nothing_attached
}

@test "DEL, EJECT and DETACH remove pins" {
	edge_document '{}'
	for hook in tcx tc xdp-generic; do
		configure $hook 'Interface "mon0"' 'Pin true'
		collectd_start
		pins | grep -q prog-ingress
		ctl eject edge
		[ -z "$(programs)" ]
		run ! grep -e prog -e map -e link <<<"$(pins)"
		ctl reload edge force=true
		runs_exactly
		ctl detach edge mon0
		[ -z "$(programs)" ]
		run ! grep -e link <<<"$(pins)"
		ctl attach edge mon0
		runs_exactly
		ctl del edge
		nothing_attached
		no_pins
		collectd_stop
	done
}

@test "a monitor created at run time is taken over" {
	collectd_configure </dev/null
	collectd_start
	ctl add edge interface=mon0 pin=true
	raw "INJECT edge file=packet_counter.json" | grep -q '^0'
	frames_in 3
	collectd_crash
	frames_in 4
	start_again
	taken_over ingress
	counted edge mon0 7
	runs_exactly
}

# second_collectd [STATE-DIR]: later calls of configure and start are for a second collectd in the
# same namespaces, with its own StateDir or the given one.
second_collectd() {
	FIRST=$COLLECTD FIRST_SOCKET=$SOCKET FIRST_TMPDIR=$BATS_TEST_TMPDIR
	STATE_DIR=${1:-}
	BATS_TEST_TMPDIR=$BATS_TEST_TMPDIR/second
	mkdir -p "$BATS_TEST_TMPDIR"
}

second_ports() {
	sed -i 's/9103/9104/; s/9936/9937/' "$CONF"
	[ -z "$STATE_DIR" ] || sed -i "s|StateDir .*|StateDir \"$STATE_DIR\"|" "$CONF"
}

first_again() {
	COLLECTD=$FIRST SOCKET=$FIRST_SOCKET BATS_TEST_TMPDIR=$FIRST_TMPDIR
	collectd_at "$BATS_TEST_TMPDIR"
}

@test "two collectds with one StateDir: the second uses and removes no pins" {
	edge_document '{}'
	configure tcx 'Interface "mon0"' 'Pin true'
	collectd_start
	ctl add saved interface=mon0
	frames_in 2
	before=$(programs) pinned=$(pins)
	second_collectd "$DIR/state"
	configure tcx 'Interface "mon0"' 'Pin true'
	second_ports
	collectd_start
	grep 'monitor edge: edge.json: Pin: "/sys/fs/bpf/dynmon/%2f.*" is in use by another process' "$LOG"
	grep -F "dynmon: no monitor is restored or saved: StateDir $STATE_DIR is in use by another process; give each collectd its own StateDir" "$LOG"
	monitor_is edge failed
	# The second collectd does not write to StateDir either.
	run ctl add more interface=mon0
	[[ $output == *"monitor more is not saved and is lost at the next restart: StateDir $STATE_DIR is in use by another process"* ]]
	[ ! -e "$STATE_DIR/more.json" ]
	collectd_stop
	[ "$(programs)" = "$before" ]
	[ "$(pins)" = "$pinned" ]
	# A collectd without that monitor does not remove the pins of a running process.
	collectd_configure </dev/null
	second_ports
	collectd_start
	collectd_stop
	first_again
	[ "$(programs)" = "$before" ]
	[ "$(pins)" = "$pinned" ]
	frames_in 3
	counted edge mon0 5
}

# beside HOOK: a collectd with other monitors starts and ends while the first collectd is dead.
beside() {
	edge_document '{}'
	configure "$1" 'Interface "mon0"' 'Pin true'
	collectd_start
	frames_in 2
	before=$(programs) pinned=$(pins)
	collectd_crash
	frames_in 10
	second_collectd
	cable_up mon1 peer1
	collectd_configure <<-EOF
	<Monitor "edge">
	  Hook "$1"
	  Interface "mon1"
	  Pin true
	  Dataplane "edge.json"
	</Monitor>
	EOF
	second_ports
	eventually unlocked
	collectd_start
	frames_at peer1 7
	counted edge mon1 7
	[ "$(programs)" = "$before" ]
	grep -F ': kept pins of the collectd with StateDir "'"$FIRST_TMPDIR/state"'", which is not running; remove this directory' "$LOG"
	run ! grep -F 'is removed' "$LOG"
	frames_in 20
	collectd_crash
	# A collectd without monitors removes only its own pins.
	collectd_configure </dev/null
	second_ports
	start_again
	grep -F 'monitor edge: its pins were removed' "$LOG"
	eventually nothing_attached_to mon1
	[ "$(pins)" = "$pinned" ]
	collectd_stop
	first_again
	start_again
	taken_over ingress
	counted edge mon0 32
	runs_exactly
	ctl del edge
	no_pins
}
nothing_attached_to() { [ -z "$(programs "$1")" ]; }

@test "tcx: another collectd leaves the pins of a dead one alone" { beside tcx; }
@test "tc: another collectd leaves the pins of a dead one alone" { beside tc; }
@test "xdp-generic: another collectd leaves the pins of a dead one alone" { beside xdp-generic; }

@test "without Pin: filters of another dead collectd stay, too" {
	edge_document '{}'
	configure tc
	collectd_start
	collectd_crash
	before=$(programs)
	[ "$(wc -l <<<"$before")" -eq 2 ]
	second_collectd
	collectd_configure </dev/null
	second_ports
	collectd_start
	[ "$(programs)" = "$before" ]
	collectd_stop
	first_again
	start_again
	runs_exactly
	collectd_stop
	nothing_attached
}

@test "pins in the old layout are taken over" {
	edge_document '{}'
	configure tcx 'Interface "mon0"' 'Pin true'
	collectd_start
	frames_in 2
	collectd_crash
	kept sh -c 'cd /sys/fs/bpf/dynmon && mv %2f*/edge . && rmdir %2f*'
	frames_in 10
	start_again
	taken_over ingress
	counted edge mon0 12
	runs_exactly
	kept test ! -e /sys/fs/bpf/dynmon/edge
}

@test "a pin directory of another user is refused" {
	edge_document '{}'
	kept install -d -o nobody -m 0777 /sys/fs/bpf/dynmon
	configure tcx 'Interface "mon0"' 'Pin true'
	collectd_start
	grep -F 'monitor edge: edge.json: Pin: "/sys/fs/bpf/dynmon" belongs to another user or is writable by others: nothing is pinned there; remove this directory, or give' "$LOG"
	monitor_is edge failed
	nothing_attached
	kept rmdir /sys/fs/bpf/dynmon
	ctl reload edge
	monitor_is edge running
	runs_exactly
}

@test "no BPF file system: reported, and nothing is attached" {
	kept umount /sys/fs/bpf
	edge_document '{}'
	configure tcx 'Interface "mon0"' 'Pin true'
	collectd_start
	grep -F 'monitor edge: edge.json: Pin: /sys/fs/bpf/ is no BPF file system; mount one there' "$LOG"
	monitor_is edge failed
	nothing_attached
	ctl add m pin=true
	run ctl inject m mon0 "$DOCUMENTS/packet_counter.json"
	[ "$status" -eq 1 ]
	[ "$output" = "dynmonctl: Pin: /sys/fs/bpf/ is no BPF file system; mount one there" ]
	kept mount -t bpf bpf /sys/fs/bpf
	ctl reload edge
	monitor_is edge running
	pins | grep -q link-ingress
}

renamed_on() {
	edge_document '{}'
	configure "$1" 'Interface "/^mon/"' 'Pin true'
	collectd_start
	frames_in 3
	interface_rename mon0 mon7
	eventually runs_on edge mon7
	frames_in 2
	ctl reload edge force=true
	collectd_crash
	frames_in 10
	start_again
	taken_over ingress mon7
	counted edge mon7 15
	runs_exactly mon7
	# Renamed to a name that does not match, while collectd is down.
	collectd_crash
	interface_rename mon7 other7
	start_again
	[ -z "$(programs other7)" ]
	collectd_stop
	nothing_attached
}

@test "tcx: a pinned interface is renamed" { renamed_on tcx; }
@test "tc: a pinned interface is renamed" { renamed_on tc; }

@test "pinned interfaces swap their names" {
	cable_up mon1 peer1
	edge_document '{}'
	configure tcx 'Interface "/^mon/"' 'Pin true'
	collectd_start
	frames_in 3
	frames_at peer1 5
	near ip link set mon0 down
	near ip link set mon1 down
	near ip link set mon0 name mon9
	near ip link set mon1 name mon0
	near ip link set mon9 name mon1
	near ip link set mon0 up
	near ip link set mon1 up
	eventually counted edge mon1 3
	eventually counted edge mon0 5
	ctl reload edge force=true
	collectd_crash
	frames_in 10
	frames_at peer1 20
	start_again
	taken_over ingress mon0
	taken_over ingress mon1
	counted edge mon1 13
	counted edge mon0 25
	runs_exactly mon0
	runs_exactly mon1
}

@test "an interface that disappeared and returned is pinned again" {
	edge_document '{}'
	for hook in tcx tc; do
		configure $hook 'Interface "late0"' 'Pin true'
		collectd_start
		cable_up late0 peer1
		eventually monitor_is edge running
		frames_at peer1 3
		near ip link del late0
		eventually monitor_is edge waiting
		cable_up late0 peer1
		eventually monitor_is edge running
		frames_at peer1 4
		collectd_crash
		frames_at peer1 10
		start_again
		taken_over ingress late0
		counted edge late0 17
		runs_exactly late0
		ctl del edge
		no_pins
		near ip link del late0
		collectd_stop
	done
}

@test "reload of a pinned monitor: kept maps, changed code, and a document edited while collectd is down" {
	edge_document '{}'
	configure tcx 'Interface "mon0"' 'Pin true'
	collectd_start
	frames_in 5
	edge_document '{}' 100
	ctl reload
	frames_in 1
	counted edge mon0 105
	collectd_crash
	frames_in 2
	start_again
	counted edge mon0 305
	collectd_crash
	frames_in 1
	edge_document '{}' 1000
	start_again
	counted edge mon0 405
	frames_in 1
	counted edge mon0 1405
	runs_exactly
	# A failing document leaves the running programs in place.
	collectd_crash
	cp "$DOCUMENTS/edge.json" "$DOCUMENTS/good.json"
	echo '{' >"$DOCUMENTS/edge.json"
	start_again
	monitor_is edge failed
	frames_in 1
	cp "$DOCUMENTS/good.json" "$DOCUMENTS/edge.json"
	ctl reload
	counted edge mon0 2405
	runs_exactly
}
