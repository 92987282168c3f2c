# What stays when collectd goes, with Pin and without, and what the next collectd makes of it.
# shellcheck shell=bash
bats_require_minimum_version 1.5.0
load lib

# How often a reload is interrupted; KILLS=200 for a long look.
: "${KILLS:=15}"

setup() {
	need_root
	network_up
	bpffs_up
	DOCUMENTS=$BATS_TEST_TMPDIR/documents
	mkdir "$DOCUMENTS"
	DATAPLANE_DIR=$DOCUMENTS
	cp "$top_srcdir"/examples/*.json "$DOCUMENTS"
}

teardown() {
	collectd_kill
	network_down
	[ -z "${blue:-}" ] || ip netns del "$blue" 2>/dev/null || true
}

# configure HOOK [OPTION ...]: the monitor "edge" on mon0. collectd reads it once: what a read takes
# out of a map is collectd's, and is not pinned.
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

# edge_document EXTRACTION-OPTIONS [STEP]: a packet counter that adds STEP.
edge_document() {
	jq --argjson options "$1" --arg step "${2:-1}" \
		'.[] |= (."metric-configs"[]."extraction-options" = $options |
			.code |= sub("PACKETS.atomic_increment\\(0\\)"; "PACKETS.atomic_increment(0, " + $step + ")"))' \
		"$top_srcdir/examples/packet_counter.json" >"$DOCUMENTS/edge.json"
}

# A process that the last collectd had started may have its locks for a moment longer.
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

first_read() { [ -n "$(ls "$DIR/csv/host/dynmon-edge-mon0" 2>/dev/null)" ]; }

# Our programs on an interface: "ingress ID" and "egress ID", those of tc's filters too.
programs() {
	attached "${1:-mon0}" | awk '{ print $2, $3 }'
	for path in ingress egress; do
		near tc filter show dev "${1:-mon0}" $path 2>/dev/null |
			sed -n "s/.* dynmon_[a-z]*:\[\([0-9]*\)\].*/$path \1/p"
	done
}

# Exactly one on each path, and these are what the monitor says that it runs.
runs_exactly() {
	local interface=${1:-mon0}

	[ "$(programs "$interface" | sort)" = "$(printf 'egress %s\ningress %s' \
		"$(program_id edge "$interface" egress)" "$(program_id edge "$interface" ingress)")" ]
}

pins() { kept find /sys/fs/bpf/dynmon -mindepth 1 2>/dev/null; }

no_pins() { [ -z "$(pins)" ]; }

value() { json_value edge "$1" packets_total | jq add; }

taken_over() { grep -F "dynmon: monitor edge: interface ${2:-mon0}: the $1 program that was left running is taken over" "$LOG"; }

# A counter that is taken out of its map when it is read starts again with collectd: its totals add up.
# survives HOOK EXTRACTION-OPTIONS kill|stop
survives() {
	local in=0 out=0 last_in=0 last_out=0 taken=true empties=false end=collectd_stop

	[ "$3" = stop ] || end=collectd_crash
	[ "$2" != '{}' ] || taken=false
	[[ $2 != *empty* ]] || empties=true
	edge_document "$2"
	configure "$1" 'Interface "mon0"' 'Pin true'
	collectd_start
	eventually first_read
	frames_in 50
	frames_out 30
	read_both
	frames_in 2
	read_both
	frames_in 4
	finish_reads
	before=$(programs)
	[ "$(wc -l <<<"$before")" -eq 2 ]
	$end
	[ "$(programs)" = "$before" ]
	frames_in 70
	frames_out 20
	start_again
	taken_over ingress
	taken_over egress
	eventually first_read
	frames_in 3
	frames_out 4
	read_both
	finish_reads
	[ "$in" -eq 129 ]
	[ "$out" -eq 54 ]
	runs_exactly
	# And once more, with what was adopted, and from where the other copy runs.
	$end
	frames_in 6
	start_again
	taken_over ingress
	read_both
	finish_reads
	[ "$in" -eq 135 ]
	runs_exactly
	ctl del edge
	[ -z "$(programs)" ]
	no_pins
	collectd_stop
	nothing_attached
}

# Emptied metrics tell what has come since the last read; others a total.
read_both() {
	last_in=$(value ingress) last_out=$(value egress)
	[ "$empties" = false ] || add_up
}

add_up() {
	in=$((in + last_in)) out=$((out + last_out))
}

# What this collectd knew is gone with it.
finish_reads() {
	[ "$empties" = true ] || {
		[ "$taken" = true ] || in=0 out=0
		add_up
	}
}

@test "tcx: SIGKILL, frames are counted on, the next collectd takes over" { survives tcx '{}' kill; }
@test "tc: SIGKILL, frames are counted on, the next collectd takes over" { survives tc '{}' kill; }
@test "xdp-generic: SIGKILL, frames are counted on, the next collectd takes over" { survives xdp-generic '{}' kill; }
@test "tcx: SIGTERM likewise" { survives tcx '{}' stop; }
@test "tc: SIGTERM likewise" { survives tc '{}' stop; }
@test "xdp-generic: SIGTERM likewise" { survives xdp-generic '{}' stop; }
@test "tcx: SIGKILL with swap-on-read" { survives tcx '{"swap-on-read": true}' kill; }
@test "tc: SIGKILL with swap-on-read" { survives tc '{"swap-on-read": true}' kill; }
@test "xdp-generic: SIGKILL with swap-on-read" { survives xdp-generic '{"swap-on-read": true}' kill; }
@test "tcx: SIGKILL with empty-on-read" { survives tcx '{"empty-on-read": true}' kill; }
@test "tcx: SIGKILL with both" { survives tcx '{"swap-on-read": true, "empty-on-read": true}' kill; }
@test "tc: SIGKILL with both" { survives tc '{"swap-on-read": true, "empty-on-read": true}' kill; }
@test "xdp-generic: SIGTERM with both" { survives xdp-generic '{"swap-on-read": true, "empty-on-read": true}' stop; }

@test "log lines that a dead collectd has counted as lost are not counted again" {
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
	cable_up mon1 peer1 # another one of that name: nothing runs there
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

@test "a namespace's interface is taken over, too" {
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

@test "without Pin: filters of a dead collectd are removed at the next start, others' are not" {
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
	# The same monitor again: beside its own new filters there are none.
	start_again
	grep -F "dynmon: interface mon0: a filter that collectd (pid $pid) left behind is removed" "$LOG"
	runs_exactly mon0
	runs_exactly mon1
	counted edge mon0 0 # its counts were nobody's
	frames_in 2
	counted edge mon0 2
	collectd_crash
	# And a collectd without that monitor.
	collectd_configure </dev/null
	start_again
	[ -z "$(programs mon0)$(programs mon1)" ]
	[ "$(near tc filter show dev mon0 ingress)" = "$foreign" ]
	near tc qdisc show dev mon0 | grep -q clsact
	run ! grep clsact <<<"$(near tc qdisc show dev mon1)"
}

@test "without Pin: so are those in the namespaces of its monitors" {
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
	# The new ones alone.
	[ "$(filters ingress) $(filters egress)" = "1 1" ]
	grep -F "dynmon: interface blue0: a filter that collectd (pid $pid) left behind is removed" "$LOG"
}

# forgotten HOOK: a monitor with Pin that the next collectd is not configured to have.
forgotten() {
	edge_document '{}'
	configure "$1" 'Interface "mon0"' 'Pin true'
	collectd_start
	frames_in 1
	collectd_crash
	[ "$(programs | wc -l)" -eq 2 ]
	collectd_configure </dev/null
	start_again
	grep -F 'dynmon: monitor edge: what was pinned for it is removed' "$LOG"
	eventually nothing_attached
	no_pins
	frames_in 1
}

@test "tcx: what was pinned for a monitor that is no more is removed" { forgotten tcx; }
@test "tc: what was pinned for a monitor that is no more is removed" { forgotten tc; }
@test "xdp-generic: what was pinned for a monitor that is no more is removed" { forgotten xdp-generic; }

@test "a monitor that is not pinned any more, and one that has another hook now" {
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

@test "what is pinned goes with DEL, EJECT and DETACH" {
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

@test "a monitor that was made at runtime is taken over as well" {
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

# second_collectd [STATE-DIR]: what is configured and started from now on is another collectd, in the same
# namespaces, with a StateDir of its own or the one given.
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

@test "two collectds with one StateDir: the second one gets no pins, and takes none away" {
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
	grep -F 'monitor edge: edge.json: Pin: another process has "/sys/fs/bpf/dynmon/%2f' "$LOG"
	grep -F "dynmon: no monitor is restored or saved: StateDir $STATE_DIR: another process has it; give each collectd a StateDir of its own" "$LOG"
	monitor_is edge failed
	# Nor does it write there.
	run ctl add more interface=mon0
	[[ $output == *"monitor more is not saved, and will not come back after a restart: StateDir $STATE_DIR: another process has it"* ]]
	[ ! -e "$STATE_DIR/more.json" ]
	collectd_stop
	[ "$(programs)" = "$before" ]
	[ "$(pins)" = "$pinned" ]
	# One without that monitor does not clean up behind a process that lives.
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

# beside HOOK: a collectd with other monitors starts and ends while the first one is dead.
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
	grep -F ': pins of a collectd with StateDir "'"$FIRST_TMPDIR/state"'" that does not run; they stay, remove that directory' "$LOG"
	run ! grep -F 'is removed' "$LOG"
	frames_in 20
	collectd_crash
	# And one that has no monitors any more removes its own pins alone.
	collectd_configure </dev/null
	second_ports
	start_again
	grep -F 'monitor edge: what was pinned for it is removed' "$LOG"
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

@test "pins where the first layout had them are taken over" {
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

@test "a directory of pins that is another user's is refused" {
	edge_document '{}'
	kept install -d -o nobody -m 0777 /sys/fs/bpf/dynmon
	configure tcx 'Interface "mon0"' 'Pin true'
	collectd_start
	grep -F 'monitor edge: edge.json: Pin: "/sys/fs/bpf/dynmon" belongs to another user, or others may write to it: nothing is pinned there; remove it, or give it to' "$LOG"
	monitor_is edge failed
	nothing_attached
	kept rmdir /sys/fs/bpf/dynmon
	ctl reload edge
	monitor_is edge running
	runs_exactly
}

@test "no BPF file system: that is said, and nothing is attached" {
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

rename() {
	near ip link set "$1" down
	near ip link set "$1" name "$2"
	near ip link set "$2" up
}

renamed_on() {
	edge_document '{}'
	configure "$1" 'Interface "/^mon/"' 'Pin true'
	collectd_start
	frames_in 3
	rename mon0 mon7
	eventually runs_on edge mon7
	frames_in 2
	ctl reload edge force=true
	collectd_crash
	frames_in 10
	start_again
	taken_over ingress mon7
	counted edge mon7 15
	runs_exactly mon7
	# To a name that is none of ours, while nobody looks.
	collectd_crash
	rename mon7 other7
	start_again
	[ -z "$(programs other7)" ]
	collectd_stop
	nothing_attached
}

@test "tcx: an interface that is renamed while it is pinned" { renamed_on tcx; }
@test "tc: an interface that is renamed while it is pinned" { renamed_on tc; }

@test "interfaces that swap their names while they are pinned" {
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

@test "an interface that went and came back is pinned as before" {
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

@test "reload of a pinned monitor: kept maps, changed code, and a document edited while nobody looks" {
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
	# A document that fails leaves what runs to run on.
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

# killed HOOK EXTRACTION-OPTIONS: at random points of reloads, KILLS times. Every frame is counted once.
killed() {
	local sent=0 left=$KILLS base=0 total

	edge_document "$2"
	configure "$1" 'Interface "mon0"' 'Pin true'
	collectd_start
	eventually first_read
	while [ $((left -= 1)) -ge 0 ]; do
		(while ctl reload edge force=true >/dev/null 2>&1; do :; done) 3>&- &
		reloads=$!
		frames_in 100
		sleep "0.$((RANDOM % 4))$((RANDOM % 10))"
		collectd_crash
		wait "$reloads"
		frames_in 11
		sent=$((sent + 111))
		start_again
		eventually first_read
		total=$((base + $(value ingress)))
		[ "$2" = '{}' ] || base=$total
		[ "$total" -eq "$sent" ] || { echo "$total of $sent, $left left"; pins; return 1; }
		runs_exactly || { programs; ctl show edge; return 1; }
		[ "$(pins | grep -c '/prog-ingress$')" -eq 1 ]
	done
	ctl del edge
	no_pins
	nothing_attached
}

@test "tcx: SIGKILL in the middle of reloads" { killed tcx '{}'; }
@test "tc: SIGKILL in the middle of reloads" { killed tc '{}'; }
@test "xdp-generic: SIGKILL in the middle of reloads, with swap-on-read" { killed xdp-generic '{"swap-on-read": true}'; }
@test "tcx: SIGKILL in the middle of reloads, with swap-on-read" { killed tcx '{"swap-on-read": true}'; }
