#!/usr/bin/env bats
# The dialect costs nothing: an example has no more instructions than the same program written by
# hand.

setup_file() {
	export top_srcdir="${top_srcdir:-$BATS_TEST_DIRNAME/../..}"
	export top_builddir="${top_builddir:-$top_srcdir}"
	export DYNMON_CC="${DYNMON_CC:-$top_builddir/dynmon-cc}"
	export DYNMON_BPFDIR="${DYNMON_BPFDIR:-$top_srcdir/bpf}"
}

# instructions < SOURCE: prints the number of instructions
instructions() {
	"$DYNMON_CC" --include="$DYNMON_BPFDIR" >"$BATS_TEST_TMPDIR/object.o"
	echo $((0x$(llvm-objdump -h "$BATS_TEST_TMPDIR/object.o" | awk '$2 == "tc" { print $3 }') / 8))
}

# compare EXAMPLE
compare() {
	local dialect by_hand
	dialect=$(python3 -c 'import json, sys
sys.stdout.write(json.load(sys.stdin)["ingress-path"]["code"])' \
		<"$top_srcdir/examples/$1.json" | instructions)
	by_hand=$(instructions <"$BATS_TEST_DIRNAME/fixtures/$1.bpf.c")
	echo "$1: $dialect in the dialect, $by_hand by hand"
	[ "$dialect" -gt 2 ] && [ "$dialect" -le "$by_hand" ]
}

@test "packet_counter" {
	compare packet_counter
}

@test "ntp_packets_counter" {
	compare ntp_packets_counter
}

@test "ntp_mode_private" {
	compare ntp_mode_private
}
