#!/usr/bin/env bats
# dynmon-cc: accepted sources, error messages, rejected sources. Run as root.

setup_file() {
	export top_srcdir="${top_srcdir:-$BATS_TEST_DIRNAME/../..}"
	export top_builddir="${top_builddir:-$top_srcdir}"
	export DYNMON_CC="${DYNMON_CC:-$top_builddir/dynmon-cc}"
	export DYNMON_BPFDIR="${DYNMON_BPFDIR:-$top_srcdir/bpf}"
	export FIXTURES="$BATS_TEST_DIRNAME/fixtures"
	export BPFFS="$BATS_FILE_TMPDIR/bpf"

	[ "$(id -u)" = 0 ] || skip "needs root"
	mkdir "$BPFFS"
	mount -t bpf bpf "$BPFFS"
	chmod a+rx "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" # the stand-ins for clang run as nobody
	gcc -O1 -static -o "$BATS_FILE_TMPDIR/probe" "$FIXTURES/sandbox_probe.c"
	for name in sleeper writer; do
		cp "$BATS_FILE_TMPDIR/probe" "$BATS_FILE_TMPDIR/$name"
	done
}

teardown_file() {
	[ "$(id -u)" != 0 ] || umount "$BPFFS"
}

setup() {
	OBJECT="$BATS_TEST_TMPDIR/object.o"
	OPEN=
}

# Copies for unprivileged users: the source tree may be in a directory that only its owner can
# enter.
copy_open() {
	OPEN=$(mktemp -d)
	chmod 755 "$OPEN"
	cp "$DYNMON_CC" "$OPEN/dynmon-cc"
	cp -r "$DYNMON_BPFDIR" "$OPEN/bpf"
}

teardown() {
	[ -z "$OPEN" ] || rm -rf "$OPEN"
}

HANDLE='static __always_inline int handle_rx(struct CTXTYPE *ctx, struct pkt_metadata *md)'

# cc [OPTION]... < SOURCE: compiles to $OBJECT
cc() {
	"$DYNMON_CC" --include="$DYNMON_BPFDIR" "$@" >"$OBJECT"
}

# body [OPTION]... -- STATEMENTS [DECLARATIONS]: compiles a dataplane with these statements
body() {
	local options=()

	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	printf '%s\n%s\n{\n%s\nreturn RX_OK;\n}\n' "${3:-}" "$HANDLE" "$2" | cc "${options[@]}"
}

loads() {
	local pin=$BPFFS/program-$BATS_SUITE_TEST_NUMBER

	bpftool prog load "$OBJECT" "$pin" 2>"$BATS_TEST_TMPDIR/loader" ||
		{ tail -20 "$BATS_TEST_TMPDIR/loader"; return 1; }
	rm "$pin"
}

instructions() {
	echo $((0x$(llvm-objdump -h "$OBJECT" | awk '$2 == "tc" || $2 == "xdp" { print $3 }') / 8))
}

# has TEXT: $output contains TEXT
has() {
	[[ "$output" == *"$1"* ]] || { printf 'missing: %s\nin: %s\n' "$1" "$output"; return 1; }
}

# -- what it compiles --

@test "every map type with its methods compiles and loads" {
	while IFS='|' read -r declaration statements; do
		echo "$declaration $statements"
		body -- "u32 k = 1; u64 k8 = 1, v = 1; int i = 0; $statements" \
			"struct pair { u32 a, b; }; typedef u8 mac_t[6]; $declaration"
		loads
	done <<-'END'
		BPF_TABLE("hash", u32, u64, M, 16);|u64 *p = M.lookup(&k); if (p) *p += 1;
		BPF_TABLE("hash", u32, u64, M, 4 * 4);|M.update(&k, &v); M.insert(&k, &v); M.delete(&k);
		BPF_TABLE("array", int, mac_t, M, 4);|mac_t *m = M.lookup(&i); if (m) (*m)[5] = 1;
		BPF_TABLE("percpu_hash", u32, u64, M, 16);|M.increment(k);
		BPF_TABLE("percpu_array", int, u64, M, 16);|M.increment(0, 5);
		BPF_TABLE("lru_hash", u32, struct pair, M, 16);|struct pair p = {}; M.lookup_or_init(&k, &p)->a++;
		BPF_TABLE("lru_percpu_hash", u32, u64, M, 16);|u64 *p = M.lookup_or_try_init(&k, &v); if (p) ++*p;
		BPF_TABLE("lpm_trie", struct pair, u64, M, 16);|struct pair p = { 32, k }; M.lookup(&p);
		BPF_TABLE("histogram", int, u64, M, 64);|M.atomic_increment(bpf_log2l(ctx->len));
		BPF_TABLE("histogram", struct pair, u64, M, 64);|struct pair p = {}; M.increment(p);
		BPF_TABLE("prog", int, int, M, 4);|M.call(ctx, 1);
		BPF_TABLE("extern", u32, u64, M, 16);|M.lookup(&k);
		BPF_TABLE_SHARED("hash", u32, u64, M, 16);|M.lookup(&k);
		BPF_TABLE_PUBLIC("hash", u32, u64, M, 16);|M.lookup(&k);
		BPF_TABLE_PINNED("hash", u32, u64, M, 16, "/sys/fs/bpf/m");|M.lookup(&k);
		BPF_F_TABLE("hash", u32, u64, M, 16, BPF_F_NO_PREALLOC);|M.lookup(&k);
		BPF_QUEUESTACK("queue", M, u64, 16, 0);|M.push(&v, 0); M.pop(&v); M.peek(&v);
		BPF_QUEUESTACK("stack", M, struct pair, 16, 0);|struct pair p = {}; M.push(&p, BPF_EXIST);
		BPF_QUEUESTACK("extern", M, u64, 16, 0);|M.push(&v, 0);
		BPF_QUEUESTACK_SHARED("queue", M, u64, 16, 0);|M.push(&v, 0);
		BPF_QUEUESTACK_PUBLIC("queue", M, u64, 16, 0);|M.push(&v, 0);
		BPF_QUEUESTACK_PINNED("queue", M, u64, 16, 0, "/sys/fs/bpf/q");|M.push(&v, 0);
		BPF_TABLE("hash", struct pair, u64, M, 16);|M.update(&(struct pair){ 1, 2 }, &v); M.increment((struct pair){ .a = 1, .b = k });
		BPF_ARRAY(M);|M.increment(1);
		BPF_ARRAY(M, u32);|u32 *p = M.lookup(&i);
		BPF_ARRAY(M, u32, 3);|u32 *p = M.lookup(&i);
		BPF_HASH(M);|M.increment(1);
		BPF_HASH(M, u32);|u64 *p = M.lookup(&k);
		BPF_HASH(M, u32, u32);|u32 *p = M.lookup(&k);
		BPF_HASH(M, u32, u32, 3);|u32 *p = M.lookup(&k);
		BPF_PERCPU_ARRAY(M, u64, 3);|u64 *p = M.lookup(&i);
		BPF_PERCPU_HASH(M, u32, u64, 3);|u64 *p = M.lookup(&k);
		BPF_LRU_HASH(M, u32, u64, 3);|u64 *p = M.lookup(&k);
		BPF_LRU_PERCPU_HASH(M, u32, u64, 3);|u64 *p = M.lookup(&k);
		BPF_LPM_TRIE(M, struct pair, u64, 3);|struct pair p = {}; M.lookup(&p);
		BPF_HISTOGRAM(M);|M.increment(1);
		BPF_HISTOGRAM(M, int, 3);|M.increment(1);
		BPF_QUEUE(M, u64, 3);|M.push(&v, 0);
		BPF_STACK(M, u64, 3);|M.push(&v, 0);
		BPF_PROG_ARRAY(M, 3);|M.call(ctx, 1);
		BPF_PERF_OUTPUT(M);|M.perf_submit(ctx, &v, sizeof(v)); M.perf_submit_skb(ctx, 14, &v, sizeof(v));
		BPF_HASH(M, u64, u64) BPF_ARRAY(N)|N.lookup(M.lookup(&k8) ? &i : &i);
	END
}

@test "maps have the requested types, sizes and flags" {
	body -- "" 'struct pair { u32 a, b; };
		BPF_TABLE("percpu_hash", u32, struct pair, M, 2 * 8);
		BPF_LPM_TRIE(T, struct pair, u16, 7);
		BPF_HISTOGRAM(A); BPF_HISTOGRAM(H, struct pair);
		BPF_F_TABLE("hash", u8, u8, F, 1, BPF_F_NO_PREALLOC);'
	bpftool prog load "$OBJECT" "$BPFFS/program" pinmaps "$BPFFS/maps"
	output=$(for m in M T A H F; do bpftool map show pinned "$BPFFS/maps/$m"; done | tr -s '\n\t ' ' ')
	rm -r "$BPFFS/program" "$BPFFS/maps"
	has "percpu_hash name M flags 0x0 key 4B value 8B max_entries 16 "
	has "lpm_trie name T flags 0x1 key 8B value 2B max_entries 7 "
	has "array name A flags 0x0 key 4B value 8B max_entries 64 "
	has "hash name H flags 0x0 key 8B value 8B max_entries 64 "
	has "hash name F flags 0x1 key 1B value 1B max_entries 1 "
}

@test "declaration tags define the scope of a map" {
	body -- "" 'BPF_TABLE("hash", u32, u32, PLAIN, 1);
		BPF_TABLE_SHARED("hash", u32, u32, A, 1); BPF_TABLE_PUBLIC("hash", u32, u32, B, 1);
		BPF_TABLE_PINNED("hash", u32, u32, C, 1, "/sys/fs/bpf/c");
		BPF_TABLE("extern", u32, u32, D, 1);
		BPF_QUEUESTACK_SHARED("extern", E, u32, 1, 0);'
	output=$(bpftool btf dump file "$OBJECT" | grep -o "DECL_TAG '[^']*'" | cut -d"'" -f2 | grep -v '^dynmon:dialect$' |
		tr '\n' ' ')
	echo "$output"
	[ "$output" = "dynmon:shared dynmon:public dynmon:pin=/sys/fs/bpf/c dynmon:extern \
dynmon:shared dynmon:extern " ]
}

@test "the rest of the dialect compiles and loads on both hooks at all log levels" {
	for options in --hook=tc --hook=xdp --direction=egress; do
		for level in off critical error warn info debug trace; do
			echo "$options $level"
			body $options --log-level=$level -- '
				u32 m[3] = { 1, 2, 3 }, one = 1;
				uint64_t now = pcn_get_time_epoch();
				char bytes[8];

				memset(bytes, 0, sizeof(bytes));
				memcpy(bytes, &now, sizeof(bytes));
				pcn_log(ctx, LOG_TRACE, "none");
				pcn_log(ctx, LOG_DEBUG, "%d", -1);
				pcn_log(ctx, LOG_INFO, "%I %P", one, (u16)one);
				pcn_log(ctx, LOG_WARN, "%d %d %llu", one, (u8)2, now);
				pcn_log(ctx, LOG_ERR, "%d %d %d %d", 1, 2, 3, 4);
				pcn_log(ctx, LOG_CRITICAL, "%hhu", bytes[0]);
				bpf_trace_printk("%d\n", one);
				if (pcn_is_vlan_present(ctx))
					one = pcn_get_vlan_id(ctx) + pcn_get_vlan_proto(ctx);
				if (one == 3)
					pcn_vlan_pop_tag(ctx);
				if (one == 4)
					pcn_vlan_push_tag(ctx, htons(ETH_P_8021Q), 5);
				pcn_l3_csum_replace(ctx, 24, htons(1), htons(2), 2);
				pcn_l4_csum_replace(ctx, 40, 1, 2, 4 | BPF_F_MARK_MANGLED_0);
				one += pcn_csum_diff(NULL, 0, m, 4, 0);
				md->traffic_class = CUBE_ID + md->packet_len;
				if (one == 5)
					return pcn_pkt_controller(ctx, md, 7);
				if (one == 6)
					return pcn_pkt_controller_with_metadata(ctx, md, 7, m);
				if (one == 7)
					return pcn_pkt_drop(ctx, md);'
			loads
		done
	done
}

@test "disabled logging leaves nothing in the object" {
	body -- 'pcn_log(ctx, LOG_CRITICAL, "%d", ctx->len); pcn_pkt_controller(ctx, md, 1);'
	[ "$(instructions)" = 2 ]
	run llvm-objdump -h "$OBJECT"
	[[ "$output" != *.maps* && "$output" != *.rodata* ]]
	body --log-level=error -- 'pcn_log(ctx, LOG_WARN, "%d", ctx->len);'
	[ "$(instructions)" = 2 ]
	body --log-level=error -- 'pcn_log(ctx, LOG_ERR, "%d", ctx->len);'
	[ "$(instructions)" -gt 2 ]
}

@test "unused metadata adds no instructions" {
	for hook in tc xdp; do
		body --hook=$hook -- ""
		[ "$(instructions)" = 2 ]
	done
}

@test "macros, comments, strings and CRLF" {
	body -- 'COUNT(A, 1); COUNT(H, 2);
		struct { int A, lookup; } s = {};
		s.A = s.lookup; /* A.lokup(&k) */
		const char *text = "A.lokup(&k)";
		bpf_trace_printk("%s", text);' \
		'#define COUNT(map, key) \
			map.atomic_increment(key)
		#define MAP(name) BPF_ARRAY(name, u64, 4)
		MAP(A); BPF_HASH(H);'
	loads
	printf '#define X \\\r\n 1\r\n/* a\r\n b */\r\nBPF_ARRAY(A,\r\n u64, 1);\r\n%s {\r\nint k = X - 1;\r\nA.lookup\r\n(&k); return RX_OK; }' \
		"$HANDLE" | cc
	loads
}

@test "headers that dataplanes include are available" {
	for header in bpf errno filter icmp icmpv6 if_arp if_ether if_packet if_vlan igmp in in6 ip \
		ipv6 pkt_cls ptrace tcp types udp; do
		body -- "" "#include <uapi/linux/$header.h>"
	done
	for header in bcc/helpers.h bcc/proto.h linux/ip.h linux/string.h string.h stdint.h \
		stdbool.h stddef.h limits.h errno.h; do
		body -- "" "#include <$header>"
	done
	body -- 'uint64_t a = 1; u64 *b = &a; _Static_assert(sizeof(uintptr_t) == 8, "");' \
		'#include <stdint.h>'
}

@test "jhash has the published results, and compiles in the dialect" {
	gcc -xc -o "$BATS_TEST_TMPDIR/jhash" - <<-END
		#include "$DYNMON_BPFDIR/linux/jhash.h"
		int main(void)
		{
			const char *text = "Four score and seven years ago"; /* vectors of lookup3.c */
			__u32 words[] = { 1, 2, 3, 4 };

			return !(jhash("", 0, 0) == 0xdeadbeef && jhash(text, 30, 0) == 0x17770551 &&
				 jhash(text, 30, 1) == 0xcd628161 &&
				 jhash2(words, 4, 5) == jhash(words, 16, 5) &&
				 jhash_3words(1, 2, 3, 7) == jhash2(words, 3, 7) &&
				 jhash_2words(1, 2, 7) == jhash2(words, 2, 7) &&
				 jhash_1word(1, 7) == jhash2(words, 1, 7));
		}
	END
	"$BATS_TEST_TMPDIR/jhash"
	body -- 'u32 k[5] = { ctx->len }; M.increment(jhash(k, sizeof(k), 1) ^ jhash2(k, 5, pcn_get_packet_tstamp(ctx)));' \
		'#include <linux/jhash.h>
		BPF_HASH(M, u32, u64);'
	loads
}

@test "common errors get a hint" {
	while IFS='|' read -r line hint; do
		run body -- "$(case $line in '#'*|BPF*) ;; *) echo "$line" ;; esac)" "$(case $line in '#'*|BPF*) echo "$line" ;; esac)"
		[ "$status" -eq 1 ]
		has "dynmon-cc: hint: $hint"
	done <<-'END'
		return IPPROTO_UDP;|include <linux/in.h>
		#include <netinet/ip.h>|<netinet/...> is for user space: include <linux/ip.h>, or <dynmon/packet.h>
		#include <vmlinux.h>|vmlinux.h is not provided
		BPF_HASHMAP(M, u32, u64);|BPF_HASHMAP: did you mean BPF_HASH?
	END
	run body -- 'PACKETZ.increment(0);' 'BPF_ARRAY(PACKETS, u64, 1);'
	[ "$(grep -c 'error:' <<<"$output")" -eq 1 ]
}

@test "dataplanes may define types and macros that the headers have, too" {
	body -- "" 'struct iphdr { u8 x; }; struct tcphdr { u8 x; }; struct udphdr { u8 x; };
		struct icmphdr { u8 x; }; struct eth_hdr { u8 x; }; struct ipv6hdr { u8 x; };
		#define IPPROTO_TCP 6
		const uint16_t UINT16_MAX = 0xffff;'
}

@test "libbpf C compiles unchanged and loads" {
	for fixture in "$FIXTURES"/{packet_counter,ntp_packets_counter,ntp_mode_private}.bpf.c; do
		cc <"$fixture"
		loads
	done
	run cc --dialect-only <"$FIXTURES/packet_counter.bpf.c"
	[ "$status" = 1 ]
}

@test "the examples compile and load, as root and as nobody" {
	copy_open
	for example in packet_counter ntp_packets_counter ntp_mode_private; do
		for path in ingress egress; do
			code="$(python3 -c 'import json, sys
print(json.load(sys.stdin)[sys.argv[1] + "-path"].get("code", ""))' $path \
				<"$top_srcdir/examples/$example.json")"
			[ -n "$code" ] || continue
			cc --direction=$path <<<"$code"
			loads
			setpriv --reuid=65534 --regid=65534 --clear-groups \
				"$OPEN/dynmon-cc" --include="$OPEN/bpf" --direction=$path \
				<<<"$code" >"$BATS_TEST_TMPDIR/nobody.o"
			[ "$(llvm-objdump -d "$OBJECT" | tail -n +4)" = "$(llvm-objdump -d "$BATS_TEST_TMPDIR/nobody.o" | tail -n +4)" ]
		done
	done
}

# -- what it says --

@test "help and wrong usage" {
	run cc --help
	[ "$status" = 0 ]
	grep -q -- --dialect-only "$OBJECT"
	while read -r option words; do
		# shellcheck disable=SC2086 # several words
		run cc $option
		echo "$option"
		[ "$status" = 2 ]
		has "$words"
	done <<-'END'
		--hook=ct --hook=ct: invalid value
		--direction=in --direction=in: invalid value
		--log-level=loud --log-level=loud: invalid value
		--cube-id=-1 --cube-id=-1: invalid value
		--cube-id=70000 --cube-id=70000: invalid value
		--include=/nonexistent --include=/nonexistent: invalid value
		--status-fd=99 --status-fd=99: invalid value
		--no-sandbox unknown option
		--hook unknown option or missing value
		file.c unexpected argument
	END
	run cc --hook=xdp --direction=egress
	[ "$status" = 2 ]
	has "no egress direction"
}

@test "the status descriptor receives one line" {
	local status_file="$BATS_TEST_TMPDIR/status"

	body --status-fd=7 -- "" 7>"$status_file"
	[ "$(cat "$status_file")" = "0 ok" ]
	run cc --status-fd=7 7>"$status_file" <<<"int handle_rx = ;"
	[ "$status" = 1 ]
	[ "$(cat "$status_file")" = "1 the source does not compile" ]
	run cc --status-fd=7 --hook=x 7>"$status_file"
	[ "$status" = 2 ]
	[ "$(cat "$status_file")" = "2 --hook=x: invalid value" ]
	run cc --status-fd=7 --clang=clang-99 7>"$status_file" <<<"int handle_rx;"
	[ "$status" = 3 ]
	[ "$(cat "$status_file")" = "3 clang-99 is not installed (Debian: apt install clang)" ]
}

@test "diagnostics have the name, line and text of the user's source" {
	local code

	code="$(cat <<-'END'
		#define MANY 4
		/* a comment
		   of lines */
		BPF_HASH(H, u64, u64,
		         MANY);
		BPF_ARRAY(A)
		static __always_inline int handle_rx(struct CTXTYPE *ctx, struct pkt_metadata *md)
		{
			u32 key = 0;
			u64 *wrong = H.lookup(&key);

			H.update(&kye,
				 &key);
			return nothing;
		}
	END
	)"
	for ending in '' $'\r'; do
		run cc --name=ingress-path.code <<<"${code//$'\n'/$ending$'\n'}$ending"
		[ "$status" = 1 ]
		has "ingress-path.code:10: warning: incompatible pointer types"
		has "
    u64 *wrong = H.lookup(&key);
"
		has "ingress-path.code:12: error: use of undeclared identifier 'kye'
    H.update(&kye,
"
		has "ingress-path.code:14: error: use of undeclared identifier 'nothing'
    return nothing;
"
		[[ "$output" != *"expanded from"* ]]
	done
}

# says TEXT < SOURCE
says() {
	run cc
	[ "$status" = 1 ]
	has "$1"
}

@test "errors in the dialect have specific messages" {
	says "<code>:2: error: map 'M' has the unknown type \"hsh\"; known are hash, array" <<<"
BPF_TABLE(\"hsh\", int, int, M, 4); int handle_rx;"
	says "<code>:2: error: map 'M' is declared twice, first in line 1" <<<"BPF_ARRAY(M);
BPF_HASH(M); int handle_rx;"
	says "<code>:1: error: map 'M' has no method 'lokup'" <<<"BPF_ARRAY(M); $HANDLE { M.lokup(1); }"
	says "<code>:1: error: conflicting types for 'handle_rx'" \
		<<<"static int handle_rx(struct CTXTYPE *ctx) { return RX_OK; }"
	says "function 'handle_rx' has internal linkage but is not defined" \
		<<<"int x = sizeof(handle_rx);"
	says "a transparent monitor cannot redirect packets; return RX_OK or RX_DROP" \
		<<<"$HANDLE { return pcn_pkt_redirect(ctx, md, 1); }"
	says "neither Dynmon's dialect (a function handle_rx) nor libbpf's C (SEC(\"...\"))" \
		<<<'int main(void) { return 0; } /* handle_rx SEC("tc") */'
	says "implicit declaration of function 'nope'" <<<"$HANDLE { nope(); return RX_OK; }"
	run body --log-level=info -- 'pcn_log(ctx, LOG_INFO, "%d", 1, 2, 3, 4, 5);'
	has "pcn_log: at most 4 arguments"
	run body --log-level=info -- "pcn_log(ctx, LOG_INFO, \"$(printf 'x%.0s' {1..128})\");"
	has "pcn_log: the format is longer than 127 bytes"
}

@test "a name in diagnostics cannot break out of its quotes" {
	run cc --name='a"b\c
#error broken out' <<<"int handle_rx = nope;"
	[ "$status" = 1 ]
	has "undeclared identifier 'nope'"
	[[ "$output" != *"error: broken out"* ]]
}

@test "the translated source can be printed" {
	printf 'BPF_ARRAY(A);\n%s { A.increment(0); return RX_OK; }' "$HANDLE" | cc --dialect-only
	grep -q 'dynmon_table_array( A, int, u64, 10240, 0);' "$OBJECT"
	grep -q 'dynmon_increment(A,(0));' "$OBJECT"
}

@test "missing programs are reported with their package" {
	run cc --clang=clang-99 <<<"int handle_rx;"
	[ "$status" = 3 ]
	has "clang-99 is not installed (Debian: apt install clang)"
	run cc --clang=/nonexistent/clang <<<"int handle_rx;"
	[ "$status" = 3 ]
	# The headers of an installed plugin are found without an option.
	run "$DYNMON_CC" --include="$BATS_TEST_TMPDIR" <<<"$HANDLE { return RX_OK; }"
	[[ "$status" = 0 || "$output" == *"dynmon/dialect.h is not installed in"* ]]
}

@test "headers may be in a directory that user nobody cannot enter" {
	mkdir -p "$BATS_TEST_TMPDIR/home/headers"
	cp -r "$DYNMON_BPFDIR"/. "$BATS_TEST_TMPDIR/home/headers"
	chmod 700 "$BATS_TEST_TMPDIR/home"
	"$DYNMON_CC" --include="$BATS_TEST_TMPDIR/home/headers" <<<"$HANDLE { return RX_OK; }" >"$BATS_TEST_TMPDIR/object.o"
	llvm-objdump -h "$BATS_TEST_TMPDIR/object.o" | grep -q '\btc\b'
}

# -- what it refuses --

@test "the sandbox confines a compromised compiler" {
	run env OUTSIDE=1 "$BATS_FILE_TMPDIR/probe" 5</etc/passwd
	rm -f /tmp/dynmon-cc-probe
	for word in root capabilities read-shadow read-passwd read-environ read-root write-tmp \
		write-null open-files environment fork inet-socket unix-socket netlink-socket \
		ptrace bpf unshare kill-others big-files run-sh; do
		# A container may forbid user namespaces.
		[ "$word" != unshare ] || unshare --user true 2>/dev/null || continue
		[[ " ${lines[*]} " == *" $word "* ]] || { echo "the probe cannot see $word"; false; }
	done

	run env OUTSIDE=1 "$DYNMON_CC" --include="$DYNMON_BPFDIR" \
		--clang="$BATS_FILE_TMPDIR/probe" 5</etc/passwd <<<'SEC("tc") int x;'
	echo "$output"
	[ "$output" = end ]
	copy_open
	run setpriv --reuid=1000 --regid=1000 --clear-groups --inh-caps +net_admin \
		--ambient-caps +net_admin "$OPEN/dynmon-cc" --include="$OPEN/bpf" \
		--clang="$BATS_FILE_TMPDIR/probe" <<<'SEC("tc") int x;'
	echo "$output"
	[ "$output" = end ]
}

@test "files outside the sandbox cannot be included" {
	for file in /etc/shadow /etc/passwd /proc/self/environ /proc/1/cmdline \
		../../etc/passwd; do
		for source in "#include \"$file\"
int handle_rx;" "#include \"$file\"
SEC(\"tc\") int x;" "asm(\".incbin \\\"$file\\\"\"); $HANDLE { return 0; }"; do
			run cc <<<"$source"
			echo "$output"
			[ "$status" = 1 ]
			[[ "$output" == *"cannot open file"* || "$output" == *"file not found"* ||
				"$output" == *"Could not find incbin file"* ]]
			[[ "$output" != *root:* ]]
		done
	done
}

@test "size and memory are limited, and the message names the limit" {
	run cc < <(head -c 1100000 /dev/zero)
	[ "$status" = 4 ]
	has "the source is larger than 1 MiB"

	run cc < <(python3 -c '
print("#define A0 x+x+x+x+x+x+x+x")
for i in range(1, 12): print(f"#define A{i} " + "+".join([f"A{i-1}"] * 8))
print("int handle_rx = A11;")')
	[ "$status" = 4 ]
	has "the compiler's output exceeded 16 MiB"

	run cc <<<'char a[1500000000] = { [1499999999] = 4 };
static int handle_rx(struct CTXTYPE *ctx, struct pkt_metadata *md) { return a[md->md[0]]; }'
	[ "$status" = 4 ]
	has "the compiler needed more than 2048 MiB of memory"

	run cc --clang="$BATS_FILE_TMPDIR/writer" <<<'SEC("tc") int x;'
	[ "$status" = 4 ]
	has "the compiler's output exceeded 16 MiB"
}

@test "time is limited to 10 s of CPU and 20 s of wall clock" {
	run cc < <(python3 -c '
print("#define A0")
for i in range(1, 14): print(f"#define A{i} " + " ".join([f"A{i-1}"] * 8))
print("A13 int handle_rx;")')
	[ "$status" = 4 ]
	# With less than half a CPU, the other limit is reached first.
	[[ $output == *"the compiler ran longer than 20 s"* ]] || has "the compiler used more than 10 s of CPU time"
	run cc --clang="$BATS_FILE_TMPDIR/sleeper" <<<'SEC("tc") int x;'
	[ "$status" = 4 ]
	has "the compiler ran longer than 20 s"
}

@test "too many diagnostics are cut with a note" {
	run cc < <(python3 -c '
for i in range(12000): print(f"int *p{i} = 5;")
print("int handle_rx(struct CTXTYPE *c, struct pkt_metadata *m) { return 0; }")')
	[ "$status" = 0 ]
	[ "${lines[-1]}" = "dynmon-cc: diagnostics end here, after 256 KiB" ]
	[ "${#output}" -lt 263000 ]
}

@test "a crash of the compiler is reported as an error of the source" {
	run cc < <(python3 -c 'print("int handle_rx = " + "- " * 300000 + "1;")')
	[ "$status" = 1 ]
	has "the source is too much for the compiler"
}

@test "the compiler dies with its parent" {
	local pid child=

	"$DYNMON_CC" --include="$DYNMON_BPFDIR" --clang="$BATS_FILE_TMPDIR/sleeper" \
		<<<'SEC("tc") int x;' >/dev/null 2>&1 3>&- &
	pid=$!
	for _ in {1..600}; do
		child=$(pgrep -P $pid) && break
		sleep 0.1
	done
	[ -n "$child" ]
	kill -KILL $pid
	for _ in {1..600}; do
		# A zombie counts as ended: the process that inherits the child may be slow to reap
		# it.
		grep -qs '^State:[[:space:]]*[^ZX[:space:]]' "/proc/$child/status" || return 0
		sleep 0.1
	done
	false
}

child_of() { child=$(pgrep -P "$1"); }

@test "when memory is short, the kernel kills the compiler first, and the message says so" {
	local pid status=0 child=

	"$DYNMON_CC" --include="$DYNMON_BPFDIR" --clang="$BATS_FILE_TMPDIR/sleeper" \
		<<<'SEC("tc") int x;' >/dev/null 2>"$BATS_TEST_TMPDIR/words" 3>&- &
	pid=$!
	for _ in {1..600}; do
		! child_of $pid || break
		sleep 0.1
	done
	[ "$(cat "/proc/$pid/oom_score_adj" "/proc/$child/oom_score_adj" | xargs)" = "1000 1000" ]
	kill -KILL "$child"
	wait $pid || status=$?
	[ "$status" -eq 4 ]
	grep -Fx "dynmon-cc: the compiler was killed, most likely because the machine is out of memory" \
		"$BATS_TEST_TMPDIR/words"
}
