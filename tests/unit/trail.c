/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "trail.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>

static int trail = -1; /* an array with one number: the digits of the programs that ran */

bool trail_possible(void)
{
	if (!bpf_possible() || !netns_private())
		return false;
	trail = bpf_map_create(BPF_MAP_TYPE_ARRAY, "trail", 4, 4, 1, NULL);
	return trail >= 0;
}

#define INSN(op, dst, src, o, i)                                                                   \
	{                                                                                          \
		.code = (op), .dst_reg = (dst), .src_reg = (src), .off = (o), .imm = (i)           \
	}

int program(const char *name, int digit)
{
	const short mark = offsetof(struct __sk_buff, mark);
	const struct bpf_insn insns[] = {
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, 6, 1, 0, 0),
		INSN(BPF_LDX | BPF_MEM | BPF_W, 7, 6, mark, 0),
		INSN(BPF_ALU64 | BPF_MUL | BPF_K, 7, 0, 0, 8),
		INSN(BPF_ALU64 | BPF_ADD | BPF_K, 7, 0, 0, digit),
		INSN(BPF_STX | BPF_MEM | BPF_W, 6, 7, mark, 0),
		INSN(BPF_ST | BPF_MEM | BPF_W, 10, 0, -4, 0),
		INSN(BPF_LD | BPF_DW | BPF_IMM, 1, BPF_PSEUDO_MAP_FD, 0, trail),
		INSN(0, 0, 0, 0, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, 2, 10, 0, 0),
		INSN(BPF_ALU64 | BPF_ADD | BPF_K, 2, 0, 0, -4),
		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_map_lookup_elem),
		INSN(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1, 0),
		INSN(BPF_STX | BPF_MEM | BPF_W, 0, 7, 0, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, -1),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};
	int fd =
		bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, name, "GPL", insns, ARRAY_SIZE(insns), NULL);

	assert_true(fd >= 0);
	return fd;
}

int xdp_program(void)
{
	const struct bpf_insn insns[] = {
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 2),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "xdp", "GPL", insns, ARRAY_SIZE(insns), NULL);

	assert_true(fd >= 0);
	return fd;
}

int veth(void)
{
	assert_int_equal(shell("ip link add v0 type veth peer name v1 && "
			       "sysctl -qw net.ipv6.conf.v0.disable_ipv6=1; "
			       "ip link set v0 up && ip link set v1 up"),
			 0);
	assert_int_equal(link_settle("v0"), 0);
	return (int)if_nametoindex("v0");
}

void veth_delete(void)
{
	assert_int_equal(shell("ip link del v0"), 0);
}

unsigned int packet(int ifindex)
{
	const struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = ifindex };
	_cleanup_close_ int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));
	const unsigned char frame[60] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2,
					  0,	0,    0,    0,	  1,	0x88, 0xb5 };
	uint32_t zero = 0, digits = 0;

	assert_int_equal(bpf_map_update_elem(trail, &zero, &zero, BPF_ANY), 0);
	assert_int_equal(
		sendto(fd, frame, sizeof(frame), 0, (const struct sockaddr *)&to, sizeof(to)),
		sizeof(frame));
	assert_int_equal(frames_settle(), 0);
	assert_int_equal(bpf_map_lookup_elem(trail, &zero, &digits), 0);
	return digits;
}

const char *chain_names(const struct hook *hook, int ifindex, bool egress)
{
	_cleanup_chain_ struct chain chain = {};
	static char names[512];

	assert_int_equal(hook_chain(hook, ifindex, egress, &chain), 0);
	names[0] = '\0';
	for (size_t i = 0; i < chain.n; i++) {
		assert_int_not_equal(chain.links[i].prog_id, 0);
		strcat(names, i ? " " : "");
		strcat(names, chain.links[i].name);
	}
	return names;
}

uint32_t foreign(int ifindex, const char *name, int digit, uint32_t priority)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = BPF_TC_EGRESS);
	_cleanup_close_ int fd = program(name, digit);
	LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = fd, .priority = priority);

	assert_int_equal(bpf_tc_attach(&hook, &opts), 0);
	return object_program_id(fd);
}
