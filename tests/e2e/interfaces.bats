# Attachment of monitors: interfaces that appear, disappear and are renamed, network namespaces, and
# the position among other programs.
# shellcheck shell=bash
bats_require_minimum_version 1.5.0
load lib

setup() {
	need_root
	network_up
	documents_up "$top_srcdir"/examples/*.json
	BLUE=dynmon-blue-$$-$BATS_SUITE_TEST_NUMBER
}

teardown() {
	collectd_kill
	[ ! -e "/run/netns/$BLUE" ] || ip netns del "$BLUE"
	[ -z "${HOLDER:-}" ] || kill -KILL "$HOLDER" 2>/dev/null || true
	network_down
}

# start_with OPTION ...: each OPTION is a line of the monitor's block.
start_with() {
	collectd_configure <<-EOF
	<Monitor "edge">
	$(printf '%s\n' "$@")
	  Dataplane "packet_counter.json"
	</Monitor>
	EOF
	collectd_start
}

# Writes a copy of the counter document with these extraction options to FILE.
with_options() { # FILE EXTRACTION-OPTIONS
	jq --argjson options "$2" \
		'.[]."metric-configs"[]."extraction-options" = $options' \
		"$top_srcdir/examples/packet_counter.json" >"$DOCUMENTS/$1"
}

# The programs of a hook, in the order of the kernel: one "name" each.
order() { attached mon0 | awk -v direction="$1" '$2 == direction { print $3 }' | xargs; }

# The same from SHOW.
chain() {
	ctl show "$1" | jq -r --arg direction "$2" \
		'.interfaces[0].programs[] | select(.direction == $direction) | .chain[].id' | xargs
}

ids() { # DIRECTION MONITOR ...
	local direction=$1 monitor
	shift
	for monitor; do
		program_id "$monitor" mon0 "$direction"
	done | xargs
}

@test "several Interface lines and a regular expression attach each interface once" {
	cable_up veth1 peer1
	cable_up other1 peer2
	start_with 'Interface "mon0"' 'Interface "veth1"' 'Interface "/^veth[0-9]+$/"'
	runs_on edge mon0 veth1
	frames_in 3
	frames_at peer1 5
	frames_at peer2 7
	counted edge mon0 3
	counted edge veth1 5
	run ! counted edge other1 7
	[ "$(attached veth1 | wc -l)" -eq 2 ]
	[ "$(ctl show edge | jq -c '."attached-by"')" = '["mon0","veth1","/^veth[0-9]+$/"]' ]
	collectd_stop
	nothing_attached
}

@test "a regular expression follows interfaces that appear, disappear and are renamed" {
	start_with 'Interface "/^veth/"'
	monitor_is edge waiting
	cable_up veth1 peer1
	cable_up veth2 peer2
	cable_up other3 peer3
	eventually runs_on edge veth1 veth2
	frames_at peer1 4
	frames_at peer2 6
	counted edge veth1 4
	counted edge veth2 6

	interface_rename other3 veth3 # renamed to a matching name
	eventually runs_on edge veth1 veth2 veth3
	frames_at peer3 2
	counted edge veth3 2

	kept_id=$(program_id edge veth2 ingress)
	interface_rename veth2 veth22 # the same interface under another matching name
	eventually runs_on edge veth1 veth22 veth3
	[ "$(program_id edge veth22 ingress)" = "$kept_id" ]
	frames_at peer2 1
	counted edge veth22 7

	interface_rename veth1 other1 # renamed to a name that does not match
	eventually runs_on edge veth22 veth3
	[ -z "$(attached other1)" ]
	near ip link del veth3
	eventually runs_on edge veth22
	near ip link del veth22
	eventually runs_on edge
	cable_up veth9 peer9 # a new interface starts at zero
	eventually runs_on edge veth9
	frames_at peer9 3
	counted edge veth9 3
	collectd_stop
	nothing_attached
}

@test "a renamed interface stays attached, and a new one with the old name is attached" {
	start_with 'Interface "mon0"'
	frames_in 5
	before=$(program_id edge mon0 ingress)
	interface_rename mon0 moved0
	eventually runs_on edge moved0
	[ "$(program_id edge moved0 ingress)" = "$before" ]
	frames_in 2
	counted edge moved0 7
	attached moved0 | grep -Fx "tcx ingress $before dynmon_ingress"

	cable_up mon0 peer1
	eventually runs_on edge moved0 mon0
	frames_at peer1 4
	counted edge mon0 4
	counted edge moved0 7
	# The attached interface is deleted; the monitor still looks for the configured name.
	near ip link del moved0
	eventually runs_on edge mon0
	frames_at peer1 1
	counted edge mon0 5
	near ip link del mon0
	eventually monitor_is edge waiting
	collectd_stop
}

@test "two interfaces that swap their names keep their counts" {
	cable_up mon1 peer1
	start_with 'Interface "mon0"' 'Interface "mon1"'
	frames_in 2
	frames_at peer1 3
	near ip link set mon0 down
	near ip link set mon1 down
	near ip link set mon0 name between
	near ip link set mon1 name mon0
	near ip link set between name mon1
	near ip link set mon0 up
	near ip link set mon1 up
	eventually counted edge mon1 2
	eventually counted edge mon0 3
	[ "$(attached mon0 | wc -l)" -eq 2 ]
	[ "$(attached mon1 | wc -l)" -eq 2 ]
}

@test "a bridge port: joins, leaves, is renamed, disappears with the bridge" {
	near ip link add br1 type bridge
	near ip link add br2 type bridge
	near ip link set br1 up
	near ip link set br2 up
	cable_up port1 peer1
	start_with 'Interface "br1:port1"'
	monitor_is edge waiting # the interface is not a port yet
	[ -z "$(attached port1)" ]
	near ip link set port1 master br1
	eventually monitor_is edge running
	frames_at peer1 3
	counted edge port1 3

	near ip link set port1 nomaster
	eventually monitor_is edge waiting
	[ -z "$(attached port1)" ]
	near ip link set port1 master br2 # a port of another bridge
	ctl reload >/dev/null
	monitor_is edge waiting
	near ip link set port1 master br1
	eventually monitor_is edge running
	frames_at peer1 2
	counted edge port1 5

	before=$(program_id edge port1 ingress)
	interface_rename port1 port9
	eventually runs_on edge port9
	cable_up more0 peer2 # an unrelated event
	eventually near ip link show more0
	ctl reload >/dev/null
	[ "$(program_id edge port9 ingress)" = "$before" ]
	frames_at peer1 1
	counted edge port9 6
	near ip link del br1
	eventually monitor_is edge waiting
	[ -z "$(attached port9)" ]
	run ctl attach edge br2:nosuch
	[ "$output" = 'dynmonctl: interface "br2:nosuch": there is no bridge "br2" with a port "nosuch"' ]
}

@test "Share: one set of counts for all interfaces, without interface label" {
	cable_up mon1 peer1
	start_with 'Interface "/^mon/"' 'Share true'
	frames_in 3
	frames_at peer1 4
	counted edge "" 7
	[ "$(program_id edge mon0 ingress)" = "$(program_id edge mon1 ingress)" ]
	[ "$(ctl openmetrics edge | grep -c '^packets_total')" -eq 2 ] # one for each path
	cable_up mon2 peer2
	eventually runs_on edge mon0 mon1 mon2
	frames_at peer2 10
	counted edge "" 17
	near ip link del mon1
	eventually runs_on edge mon0 mon2
	frames_in 1
	counted edge "" 18
	ctl reload edge force=true
	[ "$(program_id edge mon0 ingress)" = "$(program_id edge mon2 ingress)" ]
	frames_at peer2 2
	counted edge "" 20
	[ "$(json_value edge ingress packets_total)" = "[20]" ]
	near ip link del mon0
	near ip link del mon2
	eventually runs_on edge
	cable_up mon3 peer3
	eventually runs_on edge mon3
	frames_at peer3 1
	counted edge "" 21 # shared counts do not belong to one interface
}

same_program() { [ "$(attached mon0 | head -n 1)" = "$(attached mon1 | head -n 1)" ]; }

@test "Share with swap-on-read: no frame of any interface is lost or counted twice" {
	with_options swap.json '{"swap-on-read": true, "empty-on-read": true}'
	cable_up mon1 peer1
	collectd_configure <<-EOF
	<Monitor "edge">
	  Interface "mon0"
	  Interface "mon1"
	  Share true
	  Dataplane "swap.json"
	  <Metric "packets_total">
	    Dispatch false
	  </Metric>
	</Monitor>
	EOF
	collectd_start
	frames_in 100000 3>&- &
	one=$!
	frames_at peer1 100000 3>&- &
	two=$!
	sum=0
	while kill -0 "$one" 2>/dev/null || kill -0 "$two" 2>/dev/null; do
		sum=$((sum + $(json_value edge ingress packets_total | jq add)))
	done
	wait "$one"
	wait "$two"
	sum=$((sum + $(json_value edge ingress packets_total | jq add)))
	sum=$((sum + $(json_value edge ingress packets_total | jq add)))
	[ "$sum" -eq 200000 ]
	eventually same_program # both monitors have switched; collectd's own reads switch, too
}

# Creates a network namespace with blue0 in it. The other end, blue-peer, is in $FAR.
blue_up() {
	ip netns add "$BLUE"
	ip netns exec "$BLUE" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
	ip -n "$FAR" link add blue-peer type veth peer name blue0 netns "$BLUE"
	ip -n "$FAR" link set blue-peer up arp off
	ip -n "$BLUE" link set blue0 up arp off
}

blue_peer_gone() { ! ip -n "$FAR" link show blue-peer 2>/dev/null; }

in_blue_attached() { ip netns exec "$BLUE" "$top_builddir/tests/tools/attached" blue0; }

netns_comes_and_goes() { # HOOK NETNS
	start_with 'Interface "blue0"' "NetNS \"$2\"" "Hook \"$1\""
	monitor_is edge waiting
	blue_up
	eventually monitor_is edge running
	frames_at blue-peer 6
	counted edge blue0 6
	[ "$(ctl show edge | jq -r .netns)" = "$2" ]
	nothing_attached # in the namespace of collectd
	# The plugin holds no reference to the namespace: deleting it deletes its interface, and
	# with it the peer.
	ip netns del "$BLUE"
	eventually blue_peer_gone
	eventually monitor_is edge waiting
	blue_up
	eventually monitor_is edge running
	frames_at blue-peer 3
	counted edge blue0 9
	ip -n "$BLUE" link set blue0 down
	ip -n "$BLUE" link set blue0 name azure0
	ip -n "$BLUE" link set azure0 up
	eventually runs_on edge azure0
	frames_at blue-peer 1
	counted edge azure0 10
	ip -n "$BLUE" link set azure0 down
	ip -n "$BLUE" link set azure0 name blue0
	collectd_stop
	[ -z "$(in_blue_attached)" ]
	run ! grep clsact <<<"$(ip netns exec "$BLUE" tc qdisc show dev blue0)"
	ip netns del "$BLUE"
	eventually blue_peer_gone
}

@test "NetNS by name: appears later, is deleted and created again (tcx)" { netns_comes_and_goes tcx "$BLUE"; }
@test "NetNS by path: appears later, is deleted and created again (tc)" { netns_comes_and_goes tc "/run/netns/$BLUE"; }
@test "NetNS by name: appears later, is deleted and created again (xdp-generic)" { netns_comes_and_goes xdp-generic "$BLUE"; }

@test "NetNS of a process disappears with the process" {
	unshare --net sleep infinity 3>&- &
	HOLDER=$!
	eventually sh -c "[ \$(readlink /proc/$HOLDER/ns/net) != \$(readlink /proc/self/ns/net) ]"
	ip -n "$FAR" link add blue-peer type veth peer name blue0 netns "$HOLDER"
	ip -n "$FAR" link set blue-peer up arp off
	nsenter --target "$HOLDER" --net -- ip link set blue0 up arp off
	start_with 'Interface "/^blue/"' "NetNS \"/proc/$HOLDER/ns/net\""
	eventually runs_on edge blue0
	frames_at blue-peer 2
	counted edge blue0 2
	kill -KILL "$HOLDER"
	eventually blue_peer_gone
	eventually runs_on edge
	eventually monitor_is edge waiting
}

@test "monitors in several namespaces are distinct despite equal interface names" {
	blue_up
	ip -n "$BLUE" link set blue0 down
	ip -n "$BLUE" link set blue0 name mon0
	ip -n "$BLUE" link set mon0 up
	start_with 'Interface "mon0"'
	ctl add blue interface=mon0 netns="$BLUE"
	raw "INJECT blue file=packet_counter.json" | grep -Fx "0 monitor blue: dataplane injected"
	ctl attach edge lo
	frames_in 2
	frames_at blue-peer 5
	counted edge mon0 2
	counted blue mon0 5
	# A neighbour must be in the same namespace.
	ctl add third netns="$BLUE"
	raw "INJECT third file=packet_counter.json" >/dev/null
	run ctl attach third mon0 position=after:edge
	[ "$status" -eq 1 ]
	[[ $output == *'position "after:edge": no monitor of that name runs on the ingress of this interface' ]]
	run ctl attach third mon0 position=before:third
	[[ $output == *'position "before:third": a monitor has no position relative to itself' ]]
	ctl attach third mon0 position=before:blue
	[ "$(ctl show third | jq -c '[.interfaces[0].programs[0].chain[].monitor]')" = '["third","blue"]' ]
}

# add_monitors NAME ...: adds monitors with a dataplane and without interfaces.
add_monitors() {
	local name

	for name; do
		ctl add "$name" hook="${HOOK:-tcx}"
		raw "INJECT $name file=packet_counter.json" | grep -q '^0'
	done
}

positions_on() {
	HOOK=$1
	start_empty
	add_monitors a b first last before after
	ctl attach a mon0
	ctl attach b mon0
	ctl attach first mon0 position=first
	ctl attach last mon0 position=last
	ctl attach before mon0 position=before:b
	ctl attach after mon0 position=after:a
	for path in ingress egress; do
		expected=$(ids "$path" "${ORDER[@]}")
		[ "$(chain a "$path")" = "$expected" ]
		[ "$HOOK" = tc ] || [ "$(order "$path")" = "$expected" ]
	done
	# Every monitor counts: no program ends the chain.
	frames_in 4
	for name in "${ORDER[@]}"; do
		counted "$name" mon0 4
	done
	# A reload leaves all programs at their positions.
	ctl reload b force=true
	[ "$(chain a ingress)" = "$(ids ingress "${ORDER[@]}")" ]

	by_id=$(program_id after mon0 ingress) # after this program tc has free priorities
	add_monitors near
	# A program id belongs to one path: a program of the other path cannot be placed next to it.
	run ctl attach near mon0 "position=after:#$by_id"
	[ "$status" -eq 1 ]
	[[ $output == *"program $by_id, after which to attach, is not on this hook" ]]
	[ "$(chain a ingress)" = "$(ids ingress "${ORDER[@]}")" ]
	[ "$(chain a egress)" = "$(ids egress "${ORDER[@]}")" ]
	jq '."egress-path" = {}' "$top_srcdir/examples/packet_counter.json" >"$DOCUMENTS/half.json"
	ctl eject near
	raw "INJECT near file=half.json" | grep -q '^0'
	ctl attach near mon0 "position=after:#$by_id"
	chain near ingress | grep -w "$by_id $(program_id near mon0 ingress)"
	for name in nosuch "#4000000000" near; do
		add_monitors lost
		run ctl attach lost mon0 "position=before:$name"
		[ "$status" -eq 1 ]
		[[ $output == "dynmonctl: interface mon0: "* ]]
		[[ $output == *"no monitor of that name runs on the"* || $output == *"program 4000000000, before which to attach, is not on this hook" ]]
		[ "$(ctl show lost | jq -c '[.interfaces, ."attached-by"]')" = '[[],[]]' ]
		[ "$(chain a egress)" = "$(ids egress "${ORDER[@]}")" ]
		ctl del lost
	done
	collectd_stop
	nothing_attached
}

@test "tcx: first, last, before and after a monitor or a program" {
	ORDER=(first a after before b last)
	positions_on tcx
}

# tc puts a program without a position before the existing programs.
@test "tc: first, last, before and after a monitor or a program" {
	ORDER=(first before b a after last)
	positions_on tc
}

@test "xdp: a position before or after another program is rejected" {
	start_empty
	HOOK=xdp-generic add_monitors m
	run ctl attach m mon0 position=before:#1
	[[ $output == *"XDP runs one program, so Position before or after is not possible" ]]
	[ -z "$(attached)" ]
	ctl attach m mon0 position=first
	frames_in 2
	counted m mon0 2
}

@test "Position in the configuration applies to later interfaces" {
	collectd_configure <<-EOF
	<Monitor "edge">
	  Interface "/^late/"
	  Interface "mon0"
	  Dataplane "packet_counter.json"
	</Monitor>
	<Monitor "guard">
	  Interface "/^late/"
	  Interface "mon0"
	  Position "before:edge"
	  Dataplane "packet_counter.json"
	</Monitor>
	EOF
	collectd_start
	[ "$(chain edge ingress)" = "$(ids ingress guard edge)" ]
	cable_up late0 peer1
	eventually runs_on edge late0 mon0
	eventually monitor_is guard running
	eventually runs_on guard late0 mon0
	[ "$(attached late0 | awk '$2 == "ingress" { print $3 }' | xargs)" = \
		"$(program_id guard late0 ingress) $(program_id edge late0 ingress)" ]
	# Without its neighbour, the monitor reports an error until the neighbour is back.
	ctl detach edge mon0
	ctl reload guard force=true # an attached program stays in place
	monitor_is guard running
	ctl detach guard mon0
	run ctl attach guard mon0
	[[ $output == *'position "before:edge": no monitor of that name runs on the ingress of this interface' ]]
}

# Attaches programs of another owner to mon0, one on each hook.
foreign_up() {
	FOREIGN=$BATS_TEST_TMPDIR/foreign.o
	"$DYNMON_CC" --include="$DYNMON_BPFDIR" \
		<"$BATS_TEST_DIRNAME/fixtures/packet_counter.bpf.c" >"$FOREIGN"
	near tc qdisc add dev mon0 clsact
	near tc filter add dev mon0 ingress bpf direct-action obj "$FOREIGN" sec tc
	near tc filter add dev mon0 egress pref 7 bpf direct-action obj "$FOREIGN" sec tc
}

foreign() { near tc filter show dev mon0 ingress && near tc filter show dev mon0 egress; }

@test "SHOW lists the program chain, and foreign programs stay untouched" {
	foreign_up
	before=$(foreign)
	foreign_id=$(sed -n 's/.* id \([0-9]*\).*/\1/p' <<<"$before" | head -n 1)
	[ -n "$foreign_id" ]
	start_empty
	HOOK=tc add_monitors first last after
	ctl attach first mon0 position=first
	ctl attach last mon0 position=last
	jq '."egress-path" = {}' "$top_srcdir/examples/packet_counter.json" >"$DOCUMENTS/half.json"
	ctl eject after
	raw "INJECT after file=half.json" | grep -q '^0'
	ctl attach after mon0 "position=after:#$foreign_id"
	[ "$(chain first ingress)" = "$(program_id first mon0 ingress) $foreign_id $(program_id after mon0 ingress) $(program_id last mon0 ingress)" ]
	ctl show first | jq --argjson id "$foreign_id" \
		'.interfaces[0].programs[0].chain[] | select(.id == $id) | .monitor == null and (.name | length) > 0' | is_true
	ctl show first | jq '.interfaces[0].programs[0].chain | map(.monitor) == ["first", null, "after", "last"]' | is_true
	frames_in 3
	counted last mon0 3
	ctl reload first force=true
	ctl detach after mon0
	ctl del last
	interface_rename mon0 mon1
	eventually runs_on first mon1
	interface_rename mon1 mon0
	eventually runs_on first mon0
	ctl del first
	[ "$(foreign)" = "$before" ]
	collectd_stop
	[ "$(foreign)" = "$before" ]
	near tc qdisc show dev mon0 | grep -q clsact
}

@test "a position relative to a foreign tcx program, and a foreign XDP program" {
	start_empty
	# Monitors of another collectd count as foreign programs.
	add_monitors theirs
	HOOK=xdp-generic add_monitors theirs-xdp
	ctl attach theirs mon0
	ctl attach theirs-xdp mon0
	foreign_id=$(program_id theirs mon0 ingress)
	before=$(attached)
	other=$COLLECTD other_socket=$SOCKET
	BATS_TEST_TMPDIR=$BATS_TEST_TMPDIR/second
	mkdir "$BATS_TEST_TMPDIR"
	collectd_configure <<-EOF
	<Monitor "late">
	  Interface "mon0"
	  Position "first"
	  Dataplane "packet_counter.json"
	</Monitor>
	<Monitor "xdp">
	  Interface "mon0"
	  Hook "xdp-generic"
	  Dataplane "packet_counter.json"
	</Monitor>
	EOF
	sed -i 's/9103/9104/; s/9936/9937/' "$CONF"
	collectd_start
	[ "$(order ingress)" = "$(program_id late mon0 ingress) $foreign_id $(attached | awk '/^xdp/ { print $3 }')" ]
	ctl show late | jq --argjson id "$foreign_id" \
		'.interfaces[0].programs[0].chain[1] == {id: $id, name: "dynmon_ingress", monitor: null}' | is_true
	ctl detach late
	ctl add after
	jq '."egress-path" = {}' "$top_srcdir/examples/packet_counter.json" >"$DOCUMENTS/half.json"
	raw "INJECT after file=half.json" | grep -q '^0'
	ctl attach after mon0 "position=after:#$foreign_id"
	[ "$(chain after ingress)" = "$foreign_id $(program_id after mon0 ingress)" ]
	grep -F 'interface mon0: cannot attach to xdp-generic ingress: an XDP program is attached there already' "$LOG"
	monitor_is xdp failed
	collectd_stop
	[ "$(attached)" = "$before" ]
	COLLECTD=$other SOCKET=$other_socket
	frames_in 2
	counted theirs mon0 2
	counted theirs-xdp mon0 2
}

@test "DETACH by name, by interface of a regular expression, by the expression" {
	cable_up veth1 peer1
	cable_up veth2 peer2
	start_with 'Interface "mon0"' 'Interface "/^veth/"'
	ctl detach edge mon0
	[ -z "$(attached)" ]
	runs_on edge veth1 veth2
	run ctl detach edge veth1
	[ "$status" -eq 1 ]
	[ "$output" = 'dynmonctl: monitor edge is attached to veth1 by the regular expression /^veth/; detach this expression' ]
	runs_on edge veth1 veth2
	run ctl detach edge nosuch0
	[ "$output" = 'dynmonctl: monitor edge is not attached to nosuch0' ]
	run ctl detach edge '/^other/'
	[ "$output" = 'dynmonctl: monitor edge is not attached to /^other/' ]
	ctl detach edge '/^veth/'
	nothing_attached
	cable_up veth3 peer3
	ctl attach edge veth3
	runs_on edge veth3
	# A renamed interface is detached by its current name or by the name it had when it was
	# attached.
	interface_rename veth3 moved3
	eventually runs_on edge moved3
	ctl detach edge moved3
	nothing_attached
	ctl attach edge moved3
	interface_rename moved3 again3
	eventually runs_on edge again3
	ctl detach edge moved3
	nothing_attached
	[ "$(ctl show edge | jq -c '."attached-by"')" = "[]" ]
	ctl attach edge '/^veth/'
	ctl attach edge mon0
	ctl detach edge
	nothing_attached
}

@test "ATTACH over the socket: all forms, quoted words" {
	near ip link add br1 type bridge
	cable_up port1 peer1
	near ip link set port1 master br1
	cable_up veth1 peer2
	start_with
	[ "$(raw 'ATTACH edge mon0')" = "0 monitor edge attached to mon0" ]
	[ "$(raw 'ATTACH "edge" "br1:port1" "position=first"')" = "0 monitor edge attached to br1:port1" ]
	[ "$(raw 'ATTACH edge "/^(veth|no such)[0-9]+$/" "position=last"')" = '0 monitor edge attached to /^(veth|no such)[0-9]+$/' ]
	runs_on edge mon0 port1 veth1
	frames_at peer2 3
	counted edge veth1 3
	cable_up veth7 peer7
	eventually runs_on edge mon0 port1 veth1 veth7
	# A pattern that no interface matches yet.
	[ "$(raw 'ATTACH edge "/^later \"quoted\"/"')" = '0 monitor edge attached to /^later "quoted"/' ]
	[ "$(raw 'ATTACH edge "/^veth"')" = '-1 Monitor "edge": Interface: expected a regular expression between slashes, found "/^veth"' ]
	[[ $(raw 'ATTACH edge "/^(veth/"') == '-1 Monitor "edge": Interface: expected an extended regular expression, found "/^(veth/": '* ]]
	[ "$(raw 'ATTACH edge "no such"')" = '-1 Monitor "edge": Interface: expected the name of a network interface, bridge:port, or /a regular expression/, found "no such"' ]
	[ "$(raw 'ATTACH edge nosuch0')" = '-1 interface "nosuch0" does not exist' ]
	[ "$(raw 'ATTACH edge mon0')" = '-1 interface mon0 is attached already' ]
	[ "$(raw 'ATTACH edge port1')" = '-1 interface port1 is attached already' ]
	[ "$(raw 'ATTACH edge lo position=middle')" = '-1 Monitor "edge": Position: expected first, last, before:M or after:M, where M is a monitor or #ID of a program, found "middle"' ]
	[ "$(raw 'ATTACH nosuch lo')" = '-1 no monitor is called "nosuch"' ]
	[ "$(raw 'DETACH edge "/^(veth|no such)[0-9]+$/"')" = '0 monitor edge detached from /^(veth|no such)[0-9]+$/' ]
	runs_on edge mon0 port1
	[ "$(raw 'DETACH edge br1:port1')" = '0 monitor edge detached from br1:port1' ]
	runs_on edge mon0
}

@test "ADD with all options of a block" {
	blue_up
	start_empty
	[ "$(raw "ADD m interface=/^blue/ hook=tc netns=$BLUE position=first share=true pin=false loglevel=info")" = "0 monitor m added" ]
	raw "INJECT m file=packet_counter.json" | grep -q '^0'
	eventually runs_on m blue0
	[ "$(ctl show m | jq -c '[.hook, .netns == "'"$BLUE"'", .share, .pin, .loglevel, ."attached-by"]')" = '["tc",true,true,false,"info",["/^blue/"]]' ]
	frames_at blue-peer 3
	counted m "" 3
	[ "$(raw 'ADD n netns=../etc')" = '-1 Monitor "n": NetNS: expected the name of a network namespace or an absolute file name, found "../etc"' ]
	[ "$(raw 'ADD n share=perhaps')" = '-1 Monitor "n": Share: expected true or false, found "perhaps"' ]
	run ! ctl show n
}

# The number of messages that netlink sockets in $NEAR have lost.
netlink_drops() { near cat /proc/net/netlink | awk 'NR > 1 { n += $9 } END { print n + 0 }'; }

@test "netlink overrun: missed events are recovered by a scan" {
	start_with 'Interface "/^(mon|veth)/"' 'Interface "late0"'
	frames_in 2
	cable_up veth1 peer1
	eventually runs_on edge mon0 veth1
	kill -STOP "$COLLECTD"
	drops=$(netlink_drops)
	{
		for i in $(seq 300); do echo "link add other$i type veth peer name p$i"; done
		for i in $(seq 300); do echo "link del other$i"; done
	} >"$BATS_TEST_TMPDIR/batch"
	near ip -batch "$BATS_TEST_TMPDIR/batch"
	# The messages for these changes get lost.
	cable_up veth2 peer2
	cable_up late0 peer3
	near ip link del veth1
	interface_rename mon0 moved0
	{
		for i in $(seq 300); do echo "link add veth-x$i type veth peer name p$i"; done
		for i in $(seq 280); do echo "link del veth-x$i"; done
	} >"$BATS_TEST_TMPDIR/batch"
	near ip -batch "$BATS_TEST_TMPDIR/batch"
	[ "$(netlink_drops)" -gt "$drops" ]
	kill -CONT "$COLLECTD"
	# shellcheck disable=SC2046 # words
	eventually runs_on edge veth2 late0 $(seq -f 'veth-x%g' 281 300)
	frames_at peer2 4
	frames_at peer3 5
	counted edge veth2 4
	counted edge late0 5
	[ -z "$(attached moved0)" ]
	# The plugin continues to process events.
	near ip link del veth2
	cable_up veth4 peer4
	# shellcheck disable=SC2046 # words
	eventually runs_on edge late0 veth4 $(seq -f 'veth-x%g' 281 300)
	interface_rename moved0 mon0
	# shellcheck disable=SC2046 # words
	eventually runs_on edge mon0 late0 veth4 $(seq -f 'veth-x%g' 281 300)
	frames_in 1
	counted edge mon0 1
	collectd_stop
	nothing_attached
}

# -- interfaces that cannot be attached --

# unattached N: every output shows N unattached interfaces
unattached() {
	[ "$(ctl show edge | jq .unattached)" -eq "$1" ] &&
		[ "$(ctl stats | sed -n 's/^interfaces_unattached //p')" -eq "$1" ] &&
		[ "$(metrics_page | sed -n 's/^dynmon_interfaces_unattached{monitor="edge"} //p')" -eq "$1" ] &&
		[ "$(http http://127.0.0.1:9936/status | jq '.monitors[0].unattached')" -eq "$1" ]
}
all_seen() { [ "$(ctl show edge | jq '.unattached + ([.interfaces[] | select(.attached)] | length)')" -eq "$1" ]; }
# attached_to N interfaces
attached_to() { [ "$(ctl show edge | jq '[.interfaces[] | select(.attached)] | length')" -eq "$1" ]; }
healthz() { http -o "$BATS_TEST_TMPDIR/health" -w '%{http_code}' http://127.0.0.1:9936/healthz; }
# notified SEVERITY TEXT: the number of such notifications for the monitor as a whole
notified() { grep -cE "Notification: severity = $1, .*plugin_instance = edge, message = monitor edge.*$2" "$LOG"; }

@test "without free descriptors a monitor is degraded; recovery; one notification" {
	AS_USER=(prlimit --nofile=1024:8192)
	start_with 'Interface "/^v/"'
	grep -F 'dynmon: the limit of descriptors was raised from 1024 to 8192' "$LOG"
	# Descriptors for some of 40 interfaces. Lowers only the soft limit, because raising the
	# hard limit again needs privileges.
	prlimit --pid "$COLLECTD" --nofile=200:8192
	for i in {1..40}; do
		near ip link add "v$i" type veth peer name "p$i"
	done
	eventually monitor_is edge degraded
	eventually all_seen 40
	missing=$(ctl show edge | jq .unattached)
	[ "$missing" -gt 1 ]
	unattached "$missing"
	ctl show edge | jq -r '."last-error"' >"$BATS_TEST_TMPDIR/error"
	grep -xE "$missing interfaces are not attached: interface v[0-9]+: too many open files: the limit of descriptors is 200; raise LimitNOFILE .*" "$BATS_TEST_TMPDIR/error"
	run ! grep -i memlock "$LOG"
	ctl list | grep -E '^edge +degraded '
	NO_COLOR='' TERM=xterm near python3 "$top_srcdir/tests/tools/on-terminal.py" out "$top_builddir/dynmonctl" -s "$SOCKET" list |
		grep -F $'\033[33mdegraded'
	[ "$(healthz)" -eq 503 ]
	grep -F "monitor edge: $(cat "$BATS_TEST_TMPDIR/error")" "$BATS_TEST_TMPDIR/health"
	[ "$(notified FAILURE 'too many open files')" -eq 1 ]
	[ "$(ctl show edge | jq .failures)" -eq 1 ]
	# other plugins have enough descriptors left
	[ "$(find "/proc/$COLLECTD/fd" -mindepth 1 | wc -l)" -lt 160 ]
	# no event announces the free descriptors
	prlimit --pid "$COLLECTD" --nofile=8192:8192
	eventually monitor_is edge running
	unattached 0
	[ "$(ctl show edge | jq -c '[."last-error", .failures]')" = '[null,1]' ]
	[ "$(healthz)" -eq 200 ]
	eventually notified OKAY 'has recovered'
	[ "$(notified OKAY 'has recovered')" -eq 1 ]
	[ "$(notified FAILURE '')" -eq 1 ]
	collectd_stop
	nothing_attached
}

@test "an interface with a foreign XDP program is attached when the program is gone" {
	start_with 'Interface "/^v/"' 'Hook "xdp-generic"'
	near ip link add v1 type veth peer name p1
	eventually runs_on edge v1
	near ip link add v2 type veth peer name p2
	near ip link add taken0 type veth peer name p3
	ctl add other hook=xdp-generic interface=taken0
	ctl inject other "$DOCUMENTS/packet_counter.json"
	near ip link set taken0 name v3
	eventually monitor_is edge degraded
	unattached 1
	[[ $(ctl show edge | jq -r '."last-error"') == "interface v3: cannot attach to xdp-generic ingress: an XDP program is attached there already" ]]
	[ "$(ctl show edge | jq -c '[.interfaces[] | [.name, .attached]] | sort')" = '[["v1",true],["v2",true],["v3",false]]' ]
	[ "$(healthz)" -eq 503 ]
	ctl del other
	eventually monitor_is edge running
	eventually unattached 0
	[ "$(healthz)" -eq 200 ]
	collectd_stop
}

@test "few descriptors are used, numbered 1024 and above" {
	AS_USER=(prlimit --nofile=1024:8192)
	start_with 'Interface "/^v/"'
	grep -F 'dynmon: the limit of descriptors was raised from 1024 to 8192' "$LOG"
	before=$(find "/proc/$COLLECTD/fd" -mindepth 1 | wc -l)
	for i in {1..20}; do
		near ip link add "v$i" type veth peer name "p$i"
	done
	eventually attached_to 20
	find "/proc/$COLLECTD/fd" -mindepth 1 -printf '%f %l\n' >"$BATS_TEST_TMPDIR/fds"
	# a link, a program and a map for each direction, and no BTF
	[ "$(wc -l <"$BATS_TEST_TMPDIR/fds")" -le $((before + 20 * 6)) ]
	run ! grep btf "$BATS_TEST_TMPDIR/fds"
	[ "$(awk '/anon_inode:bpf/ && $1 < 1024' "$BATS_TEST_TMPDIR/fds" | wc -l)" -eq 0 ]
	[ "$(awk '/anon_inode:bpf/' "$BATS_TEST_TMPDIR/fds" | wc -l)" -eq 120 ]
	collectd_stop
}

@test "more interfaces than the former limit" {
	start_with 'Interface "/^v/"' 'Hook "tc"'
	for i in {1..300}; do
		echo "link add v$i type veth peer name p$i"
	done >"$BATS_TEST_TMPDIR/batch"
	near ip -batch "$BATS_TEST_TMPDIR/batch"
	eventually attached_to 300
	monitor_is edge running
	unattached 0
	collectd_stop
}
