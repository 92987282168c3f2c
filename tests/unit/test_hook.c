/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fixture.h"
#include "kernel/chain.h"
#include "kernel/netif.h"
#include "kernel/owner.h"
#include "kernel/sweep.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/capability.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static const char *const tc_hooks[] = { "tcx", "tc" };

static bool possible;
static int trail = -1; /* an array of one number: the octal digits of the programs that ran */

static int set_up(void **state)
{
	(void)state;
	possible = bpf_possible() && netns_private();
	if (possible)
		trail = bpf_map_create(BPF_MAP_TYPE_ARRAY, "trail", 4, 4, 1, NULL);
	return 0;
}

#define skip_if_impossible()                                                                       \
	do {                                                                                       \
		if (!possible)                                                                     \
			skip();                                                                    \
	} while (0)

#define INSN(op, dst, src, o, i)                                                                   \
	{                                                                                          \
		.code = (op), .dst_reg = (dst), .src_reg = (src), .off = (o), .imm = (i)           \
	}

/* A program for tc that adds its digit to the packet's mark, notes that, and lets others run. */
static int program(const char *name, int digit)
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

static int xdp_program(void)
{
	const struct bpf_insn insns[] = {
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 2),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "xdp", "GPL", insns, ARRAY_SIZE(insns), NULL);

	assert_true(fd >= 0);
	return fd;
}

static int veth(void)
{
	assert_int_equal(shell("ip link add v0 type veth peer name v1 && "
			       "sysctl -qw net.ipv6.conf.v0.disable_ipv6=1; "
			       "ip link set v0 up && ip link set v1 up"),
			 0);
	return netif_index("v0", NULL);
}

static void veth_delete(void)
{
	assert_int_equal(shell("ip link del v0"), 0);
}

/* Sends a frame out of the interface. The digits of the programs that it met, as they ran. */
static unsigned int packet(int ifindex)
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
	assert_int_equal(bpf_map_lookup_elem(trail, &zero, &digits), 0);
	return digits;
}

/* "b a c": the names on a hook. */
static const char *chain_names(const struct hook *hook, int ifindex, bool egress)
{
	_cleanup_chain_ struct chain chain = {};
	static char names[512];

	assert_int_equal(chain_get(hook, ifindex, egress, &chain), 0);
	names[0] = '\0';
	for (size_t i = 0; i < chain.n; i++) {
		assert_int_not_equal(chain.links[i].prog_id, 0);
		strcat(names, i ? " " : "");
		strcat(names, chain.links[i].name);
	}
	return names;
}

static int attach(struct attachment *attachment, const struct hook *hook, int ifindex, int fd,
		  enum position_where where, uint32_t id)
{
	const struct position position = { where, id };
	_cleanup_error_ struct error err = {};
	int r = attachment_attach(attachment, hook, ifindex, true, fd, &position, &err);

	if (r < 0)
		fail_msg("%s", error_message(&err));
	return r;
}

/* A filter as others put it there, on the egress of v0. Returns its program's id. */
static uint32_t foreign(int ifindex, const char *name, int digit, uint32_t priority)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = BPF_TC_EGRESS);
	_cleanup_close_ int fd = program(name, digit);
	LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = fd, .priority = priority);

	assert_int_equal(bpf_tc_attach(&hook, &opts), 0);
	return object_program_id(fd);
}

static void test_order(void **state)
{
	(void)state;
	skip_if_impossible();
	for (size_t h = 0; h < ARRAY_SIZE(tc_hooks); h++) {
		const struct hook *hook = hook_find(tc_hooks[h]);
		static const char *const names[] = { "one", "two", "three", "four", "five", "six" };
		struct attachment at[6];
		int fds[6], ifindex = veth();
		uint32_t one;

		for (int i = 0; i < 6; i++)
			fds[i] = program(names[i], i + 1);
		one = object_program_id(fds[0]);
		attach(&at[0], hook, ifindex, fds[0], POSITION_ANY, 0);
		attach(&at[1], hook, ifindex, fds[1], POSITION_FIRST, 0);
		attach(&at[2], hook, ifindex, fds[2], POSITION_LAST, 0);
		attach(&at[3], hook, ifindex, fds[3], POSITION_BEFORE, one);
		attach(&at[4], hook, ifindex, fds[4], POSITION_AFTER, one);
		assert_string_equal(chain_names(hook, ifindex, true), "two four one five three");
		assert_int_equal(packet(ifindex), 024153);
		attach(&at[5], hook, ifindex, fds[5], POSITION_FIRST, 0);
		assert_string_equal(chain_names(hook, ifindex, true),
				    "six two four one five three");
		assert_int_equal(packet(ifindex), 0624153);
		assert_string_equal(chain_names(hook, ifindex, false), "");
		/* the place is kept when the program is replaced */
		assert_int_equal(attachment_replace(&at[0], fds[0], NULL), 0);
		fd_close(&fds[3]);
		fds[3] = program("other", 7);
		assert_int_equal(attachment_replace(&at[3], fds[3], NULL), 0);
		assert_int_equal(packet(ifindex), 0627153);
		for (int i = 0; i < 6; i++) {
			attachment_detach(&at[i]);
			close(fds[i]);
		}
		assert_string_equal(chain_names(hook, ifindex, true), "");
		assert_int_equal(netif_has_clsact(ifindex), 0);
		veth_delete();
	}
}

/* Those who let the kernel choose come between what is first and what is last. */
static void test_tc_others(void **state)
{
	const struct hook *hook = hook_find("tc");
	struct attachment first, last, before;
	int ifindex, fds[3];
	uint32_t id;

	(void)state;
	skip_if_impossible();
	ifindex = veth();
	for (int i = 0; i < 3; i++)
		fds[i] = program("ours", i + 1);
	attach(&first, hook, ifindex, fds[0], POSITION_FIRST, 0);
	attach(&last, hook, ifindex, fds[1], POSITION_LAST, 0);
	foreign(ifindex, "five", 5, 0);
	foreign(ifindex, "six", 6, 0);
	assert_int_equal(packet(ifindex), 01652);
	id = foreign(ifindex, "seven", 7, 0);
	attach(&before, hook, ifindex, fds[2], POSITION_BEFORE, id);
	assert_string_equal(chain_names(hook, ifindex, true), "ours ours seven six five ours");
	assert_int_equal(packet(ifindex), 0137652);
	/* ours go, theirs and what they hang on stay: nothing of it goes with us */
	attachment_detach(&first);
	attachment_detach(&last);
	attachment_detach(&before);
	assert_int_equal(packet(ifindex), 0765);
	assert_int_equal(netif_has_clsact(ifindex), 1);
	for (int i = 0; i < 3; i++)
		close(fds[i]);
	veth_delete();
}

static void expect_failure(const struct hook *hook, int ifindex, int fd, struct position position,
			   int code, const char *message)
{
	_cleanup_free_ char *names = strdup(chain_names(hook, ifindex, !hook->xdp));
	_cleanup_error_ struct error err = {};
	struct attachment attachment;

	assert_int_equal(
		attachment_attach(&attachment, hook, ifindex, !hook->xdp, fd, &position, &err),
		code);
	assert_true(contains(error_message(&err), message));
	assert_false(attachment_attached(&attachment));
	assert_int_equal(attachment_link_fd(&attachment), -1);
	assert_string_equal(chain_names(hook, ifindex, !hook->xdp), names);
}

static void test_no_such_place(void **state)
{
	int ifindex, fd, elsewhere, xdp;

	(void)state;
	skip_if_impossible();
	ifindex = veth();
	fd = program("ours", 1);
	elsewhere = program("elsewhere", 2);
	xdp = xdp_program();
	for (size_t h = 0; h < ARRAY_SIZE(tc_hooks); h++) {
		const uint32_t ids[] = { 0, 4000000000u, object_program_id(elsewhere),
					 object_program_id(xdp) };
		const struct hook *hook = hook_find(tc_hooks[h]);

		for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
			char words[128];

			snprintf(words, sizeof(words),
				 "cannot attach to %s egress: no program with id %u, before which "
				 "it is to run, is there",
				 hook->name, ids[i]);
			expect_failure(hook, ifindex, fd,
				       (struct position){ POSITION_BEFORE, ids[i] }, -ENOENT,
				       words);
			expect_failure(hook, ifindex, fd,
				       (struct position){ POSITION_AFTER, ids[i] }, -ENOENT,
				       "after which it is to run");
		}
		/* the qdisc was made for nothing */
		assert_int_equal(netif_has_clsact(ifindex), 0);
	}
	close(fd);
	close(elsewhere);
	close(xdp);
	veth_delete();
}

static void test_tc_no_room(void **state)
{
	const struct hook *hook = hook_find("tc");
	static const uint32_t priorities[] = { 1, 10, 11, 13, 65535 };
	uint32_t ids[ARRAY_SIZE(priorities)];
	struct attachment between;
	int ifindex, fd;

	(void)state;
	skip_if_impossible();
	ifindex = veth();
	fd = program("ours", 7);
	assert_int_equal(shell("tc qdisc add dev v0 clsact"), 0);
	for (size_t i = 0; i < ARRAY_SIZE(priorities); i++)
		ids[i] = foreign(ifindex, "other", (int)i + 1, priorities[i]);
	/* the place has a filter that is no eBPF program */
	assert_int_equal(shell("tc filter add dev v0 egress prio 12 bpf bytecode \"1,6 0 0 0\""),
			 0);
	expect_failure(hook, ifindex, fd, (struct position){ POSITION_FIRST, 0 }, -EBUSY,
		       "leave no priority free at that place");
	expect_failure(hook, ifindex, fd, (struct position){ POSITION_LAST, 0 }, -EBUSY,
		       "leave no priority free at that place");
	expect_failure(hook, ifindex, fd, (struct position){ POSITION_BEFORE, ids[2] }, -EBUSY,
		       "leave no priority free at that place");
	expect_failure(hook, ifindex, fd, (struct position){ POSITION_AFTER, ids[2] }, -EBUSY,
		       "leave no priority free at that place");
	expect_failure(hook, ifindex, fd, (struct position){ POSITION_AFTER, ids[4] }, -EBUSY,
		       "leave no priority free at that place");
	assert_int_equal(shell("tc filter del dev v0 egress prio 12"), 0);
	attach(&between, hook, ifindex, fd, POSITION_AFTER, ids[2]);
	assert_int_equal(between.priority, 12);
	attachment_detach(&between);
	attach(&between, hook, ifindex, fd, POSITION_BEFORE, ids[4]);
	assert_int_equal(packet(ifindex), 0123475);
	attachment_detach(&between);
	assert_int_equal(packet(ifindex), 012345);
	close(fd);
	veth_delete();
}

/* Two in the same priority: the newest runs first, and nothing goes between. */
static void test_tc_same_priority(void **state)
{
	const struct hook *hook = hook_find("tc");
	struct attachment attachment;
	uint32_t older, newer;
	int ifindex, fd;

	(void)state;
	skip_if_impossible();
	ifindex = veth();
	fd = program("ours", 7);
	assert_int_equal(shell("tc qdisc add dev v0 clsact"), 0);
	older = foreign(ifindex, "older", 1, 20);
	newer = foreign(ifindex, "newer", 2, 20);
	assert_int_equal(packet(ifindex), 021);
	assert_string_equal(chain_names(hook, ifindex, true), "newer older");
	expect_failure(hook, ifindex, fd, (struct position){ POSITION_AFTER, newer }, -EBUSY,
		       "leave no priority free at that place");
	expect_failure(hook, ifindex, fd, (struct position){ POSITION_BEFORE, older }, -EBUSY,
		       "leave no priority free at that place");
	attach(&attachment, hook, ifindex, fd, POSITION_BEFORE, newer);
	assert_int_equal(packet(ifindex), 0721);
	attachment_detach(&attachment);
	attach(&attachment, hook, ifindex, fd, POSITION_AFTER, older);
	assert_int_equal(packet(ifindex), 0217);
	attachment_detach(&attachment);
	close(fd);
	veth_delete();
}

/* There is always room for one more that is first or last, for long. */
static void test_tc_many(void **state)
{
	const struct hook *hook = hook_find("tc");
	struct attachment attachments[200];
	int ifindex, fd;

	(void)state;
	skip_if_impossible();
	ifindex = veth();
	fd = program("ours", 1);
	for (size_t i = 0; i < ARRAY_SIZE(attachments); i++) {
		attach(&attachments[i], hook, ifindex, fd, i % 2 ? POSITION_FIRST : POSITION_LAST,
		       0);
		if (i >= 2 && i % 2)
			assert_true(attachments[i].priority < attachments[i - 2].priority);
		else if (i >= 2)
			assert_true(attachments[i].priority > attachments[i - 2].priority);
	}
	for (size_t i = 0; i < ARRAY_SIZE(attachments); i++)
		attachment_detach(&attachments[i]);
	assert_int_equal(netif_has_clsact(ifindex), 0);
	close(fd);
	veth_delete();
}

static void test_xdp(void **state)
{
	static const enum position_where places[] = { POSITION_ANY, POSITION_FIRST, POSITION_LAST };
	static const char *const names[] = { "xdp", "xdp-generic" };
	int ifindex, fd;

	(void)state;
	skip_if_impossible();
	ifindex = veth();
	fd = xdp_program();
	for (size_t h = 0; h < ARRAY_SIZE(names); h++) {
		const struct hook *hook = hook_find(names[h]), *other = hook_find(names[!h]);

		for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
			const struct position position = { places[i], 0 };
			struct attachment attachment;

			assert_int_equal(attachment_attach(&attachment, hook, ifindex, false, fd,
							   &position, NULL),
					 0);
			assert_string_equal(chain_names(hook, ifindex, false), "xdp");
			assert_string_equal(chain_names(other, ifindex, false), "");
			expect_failure(hook, ifindex, fd, (struct position){ POSITION_FIRST, 0 },
				       -EBUSY, "an XDP program is attached there already");
			attachment_detach(&attachment);
		}
		expect_failure(hook, ifindex, fd, (struct position){ POSITION_BEFORE, 1 },
			       -EOPNOTSUPP, "XDP runs one program");
		expect_failure(hook, ifindex, fd, (struct position){ POSITION_AFTER, 1 },
			       -EOPNOTSUPP, "XDP runs one program");
	}
	close(fd);
	veth_delete();
}

static void test_no_interface(void **state)
{
	static const enum position_where places[] = { POSITION_ANY, POSITION_FIRST,
						      POSITION_AFTER };
	struct chain chain;
	int fd;

	(void)state;
	skip_if_impossible();
	fd = program("ours", 1);
	for (size_t h = 0; h < ARRAY_SIZE(tc_hooks); h++)
		for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
			const struct position position = { places[i], 1 };
			_cleanup_error_ struct error err = {};
			struct attachment attachment;

			assert_int_equal(attachment_attach(&attachment, hook_find(tc_hooks[h]),
							   9999, true, fd, &position, &err),
					 -ENODEV);
			assert_true(contains(error_message(&err), "no such interface"));
		}
	close(fd);
	assert_int_equal(chain_get(hook_find("tcx"), 9999, false, &chain), -ENODEV);
	assert_null(chain.links);
	assert_int_equal(chain_get(hook_find("tc"), 9999, false, &chain), 0);
	assert_int_equal(chain.n, 0);
	chain_release(&chain);
	assert_int_equal(chain_get(hook_find("xdp"), 9999, false, &chain), -ENODEV);
	assert_null(chain.links);
}

/* What a child does before it is killed; it must not use cmocka, which is the parent's. */
enum deed {
	DEED_REPLACE = 1 << 0,
	DEED_KEEP = 1 << 1,
	DEED_BOTH = 1 << 2, /* ingress too */
};

static bool child_work(int ifindex, int deeds)
{
	const struct hook *hook = hook_find("tc");
	struct attachment egress, ingress;
	int fd = program("first", 1), next = program("next", 2);

	return attachment_attach(&egress, hook, ifindex, true, fd, NULL, NULL) == 0 &&
	       (!(deeds & DEED_BOTH) ||
		attachment_attach(&ingress, hook, ifindex, false, fd, NULL, NULL) == 0) &&
	       (!(deeds & DEED_KEEP) || attachment_keep(&egress) == 0) &&
	       (!(deeds & DEED_REPLACE) || attachment_replace(&egress, next, NULL) == 0);
}

/* A process that attaches to the egress of v0, and stays. */
static pid_t child_start(int ifindex, int deeds)
{
	int ready[2];
	char word = 0;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (child_work(ifindex, deeds) && write(ready[1], "y", 1) == 1)
			pause();
		_exit(1);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &word, 1), 1);
	close(ready[0]);
	return pid;
}

static void child_kill(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* That many are removed, and told, which that process left behind. */
static void expect_sweep(int filters, int qdiscs, pid_t pid)
{
	_cleanup_text_ struct text report = {}, expected = {};

	for (int i = 0; i < filters + qdiscs; i++)
		text_printf(&expected,
			    "interface v0: a %s that collectd (pid %d) left behind is removed\n",
			    i < filters ? "filter" : "clsact qdisc", (int)pid);
	assert_int_equal(hook_sweep(&report), filters + qdiscs);
	assert_string_equal(text_str(&report), text_str(&expected));
}

static void test_sweep(void **state)
{
	const struct hook *hook = hook_find("tc");
	int ifindex;
	pid_t pid;

	(void)state;
	skip_if_impossible();
	ifindex = veth();
	/* the living one's stay; when it is dead, all of it goes */
	pid = child_start(ifindex, DEED_BOTH);
	expect_sweep(0, 0, 0);
	assert_string_equal(chain_names(hook, ifindex, true), "first");
	child_kill(pid);
	assert_string_equal(chain_names(hook, ifindex, true), "first");
	expect_sweep(2, 1, pid);
	assert_int_equal(netif_has_filters(ifindex), 0);
	assert_int_equal(netif_has_clsact(ifindex), 0);
	expect_sweep(0, 0, 0);
	/* a replaced program carries the mark too */
	pid = child_start(ifindex, DEED_REPLACE);
	child_kill(pid);
	assert_string_equal(chain_names(hook, ifindex, true), "next");
	expect_sweep(1, 1, pid);
	/* dead, but nobody has asked about it: as in a container without an init */
	pid = child_start(ifindex, 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitid(P_PID, (id_t)pid, &(siginfo_t){}, WEXITED | WNOWAIT), 0);
	expect_sweep(1, 1, pid);
	waitpid(pid, NULL, 0);
	veth_delete();
}

static void test_sweep_others(void **state)
{
	const struct hook *hook = hook_find("tc");
	struct attachment ours;
	int ifindex, fd;
	pid_t dead, alive;

	(void)state;
	skip_if_impossible();
	ifindex = veth();
	fd = program("ours", 3);
	/* somebody's qdisc, and somebody's filter: they stay */
	assert_int_equal(shell("tc qdisc add dev v0 clsact"), 0);
	foreign(ifindex, "foreign", 5, 0);
	dead = child_start(ifindex, 0);
	alive = child_start(ifindex, 0);
	assert_int_equal(attachment_attach(&ours, hook, ifindex, true, fd, NULL, NULL), 0);
	child_kill(dead);
	expect_sweep(1, 0, dead);
	assert_string_equal(chain_names(hook, ifindex, true), "ours first foreign");
	attachment_detach(&ours);
	child_kill(alive);
	expect_sweep(1, 0, alive);
	assert_string_equal(chain_names(hook, ifindex, true), "foreign");
	assert_int_equal(shell("tc qdisc del dev v0 clsact"), 0);
	/* a qdisc of the dead one that somebody uses now goes with our last filter */
	dead = child_start(ifindex, 0);
	assert_int_equal(attachment_attach(&ours, hook, ifindex, true, fd, NULL, NULL), 0);
	child_kill(dead);
	expect_sweep(1, 0, dead);
	assert_int_equal(netif_has_clsact(ifindex), 1);
	attachment_detach(&ours);
	assert_int_equal(netif_has_clsact(ifindex), 0);
	/* below an ingress qdisc */
	assert_int_equal(shell("tc qdisc add dev v0 ingress"), 0);
	assert_int_equal(attachment_attach(&ours, hook, ifindex, false, fd, NULL, NULL), 0);
	expect_sweep(0, 0, 0);
	attachment_detach(&ours);
	close(fd);
	veth_delete();
}

/* Without the capability to look at others' programs nothing is touched, and that is told. */
static void test_sweep_unprivileged(void **state)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[2] = {};
	_cleanup_text_ struct text report = {};
	int ifindex, status = -1;
	pid_t dead, pid;

	(void)state;
	skip_if_impossible();
	ifindex = veth();
	dead = child_start(ifindex, 0);
	child_kill(dead);
	pid = fork();
	if (pid == 0) {
		caps[0].effective = caps[0].permitted = 1u << CAP_NET_ADMIN;
		caps[1].effective = caps[1].permitted =
			1u << (CAP_BPF - 32) | 1u << (CAP_PERFMON - 32);
		if (syscall(SYS_capset, &header, caps) < 0)
			_exit(1);
		if (hook_sweep(&report) != -EPERM)
			_exit(2);
		if (strcmp(text_str(&report), "whether filters were left behind cannot be found "
					      "out: CAP_SYS_ADMIN is missing\n"))
			_exit(3);
		/* the names are from the filters themselves */
		_exit(strcmp(chain_names(hook_find("tc"), ifindex, true), "first") ? 4 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	expect_sweep(1, 1, dead);
	veth_delete();
}

static void test_adopt_filter(void **state)
{
	const struct hook *hook = hook_find("tc");
	_cleanup_chain_ struct chain chain = {};
	struct attachment adopted = {}, other;
	struct owner owner;
	int ifindex, fd;
	pid_t pid;

	(void)state;
	skip_if_impossible();
	ifindex = veth();
	fd = program("ours", 3);
	pid = child_start(ifindex, DEED_KEEP | DEED_REPLACE);
	child_kill(pid);
	/* it was to stay */
	expect_sweep(0, 0, 0);
	assert_int_equal(chain_get(hook, ifindex, true, &chain), 0);
	assert_int_equal(chain.n, 1);
	assert_int_equal(owner_of(chain.links[0].prog_id, ifindex, &owner), 1);
	assert_int_equal(owner.pid, pid);
	assert_true(!owner.alive && owner.kept && owner.made);
	assert_int_equal(attachment_adopt_filter(&adopted, hook, ifindex, true, 4000000000u),
			 -ENOLINK);
	assert_int_equal(
		attachment_adopt_filter(&adopted, hook, ifindex, false, chain.links[0].prog_id),
		-ENOLINK);
	assert_int_equal(attachment_adopt_filter(&adopted, hook_find("tcx"), ifindex, true,
						 chain.links[0].prog_id),
			 -ENOLINK);
	assert_false(attachment_attached(&adopted));
	assert_int_equal(
		attachment_adopt_filter(&adopted, hook, ifindex, true, chain.links[0].prog_id), 0);
	assert_int_equal(owner_of(chain.links[0].prog_id, ifindex, &owner), 1);
	assert_true(owner.pid == getpid() && owner.alive && owner.kept && owner.made);
	assert_int_equal(attachment_link_fd(&adopted), -1);
	expect_sweep(0, 0, 0);
	assert_int_equal(attachment_replace(&adopted, fd, NULL), 0);
	assert_int_equal(packet(ifindex), 3);
	assert_int_equal(owner_of(object_program_id(fd), ifindex, &owner), 1);
	assert_true(owner.pid == getpid() && owner.kept);
	/* left, and found again */
	other = adopted;
	attachment_leave(&adopted);
	assert_false(attachment_attached(&adopted));
	assert_int_equal(packet(ifindex), 3);
	assert_int_equal(
		attachment_adopt_filter(&adopted, hook, ifindex, true, object_program_id(fd)), 0);
	assert_int_equal(adopted.priority, other.priority);
	assert_int_equal(adopted.handle, other.handle);
	/* with it goes the qdisc that the other process had made */
	attachment_detach(&adopted);
	assert_int_equal(netif_has_clsact(ifindex), 0);
	close(fd);
	veth_delete();
}

static void test_adopt_link(void **state)
{
	static const struct {
		const char *hook;
		bool egress;
	} cases[] = {
		{ "tcx", false }, { "tcx", true }, { "xdp", false }, { "xdp-generic", false }
	};
	char path[128];

	(void)state;
	skip_if_impossible();
	snprintf(path, sizeof(path), "/sys/fs/bpf/dynmon-test-%d", (int)getpid());
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct hook *hook = hook_find(cases[i].hook);
		int ifindex = veth(), fd = hook->xdp ? xdp_program() : program("ours", 1), link;
		struct attachment attachment, adopted = {};
		uint32_t id = 0;

		assert_int_equal(attachment_attach(&attachment, hook, ifindex, cases[i].egress, fd,
						   NULL, NULL),
				 0);
		if (bpf_obj_pin(attachment_link_fd(&attachment), path) < 0)
			skip();
		/* pinned, it stays */
		attachment_leave(&attachment);
		link = bpf_obj_get(path);
		assert_true(link >= 0);
		for (size_t k = 0; k < ARRAY_SIZE(cases); k++) {
			_cleanup_error_ struct error err = {};

			if (k == i)
				continue;
			assert_int_equal(attachment_adopt_link(&adopted, hook_find(cases[k].hook),
							       ifindex, cases[k].egress, link, &id,
							       &err),
					 -ENOLINK);
			assert_true(contains(error_message(&err), "not a link that is alive on"));
		}
		assert_int_equal(attachment_adopt_link(&adopted, hook, ifindex + 1000,
						       cases[i].egress, link, &id, NULL),
				 -ENOLINK);
		assert_int_equal(attachment_adopt_link(&adopted, hook_find("tc"), ifindex,
						       cases[i].egress, link, &id, NULL),
				 -ENOLINK);
		assert_int_equal(attachment_adopt_link(&adopted, hook, ifindex, cases[i].egress, fd,
						       &id, NULL),
				 -ENOLINK);
		assert_int_equal(attachment_adopt_link(&adopted, hook, ifindex, cases[i].egress, -1,
						       &id, NULL),
				 -ENOLINK);
		assert_false(attachment_attached(&adopted));
		assert_int_equal(attachment_adopt_link(&adopted, hook, ifindex, cases[i].egress,
						       link, &id, NULL),
				 0);
		assert_int_equal(id, object_program_id(fd));
		assert_int_equal(attachment_link_fd(&adopted), link);
		assert_int_equal(attachment_replace(&adopted, fd, NULL), 0);
		/* unpinned and detached it is gone */
		assert_int_equal(unlink(path), 0);
		attachment_detach(&adopted);
		assert_string_equal(chain_names(hook, ifindex, cases[i].egress), "");
		/* a link whose interface is gone */
		assert_int_equal(attachment_attach(&attachment, hook, ifindex, cases[i].egress, fd,
						   NULL, NULL),
				 0);
		veth_delete();
		assert_int_equal(attachment_adopt_link(&adopted, hook, ifindex, cases[i].egress,
						       attachment_link_fd(&attachment), &id, NULL),
				 -ENOLINK);
		assert_int_equal(attachment_keep(&attachment), 0);
		attachment_detach(&attachment);
		close(fd);
	}
}

static void test_zeroed(void **state)
{
	struct attachment attachment = {};

	(void)state;
	assert_int_equal(attachment_link_fd(&attachment), -1);
	assert_int_equal(attachment_keep(&attachment), 0);
	attachment_leave(&attachment);
	attachment_detach(&attachment);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_tc_others),
		cmocka_unit_test(test_no_such_place),
		cmocka_unit_test(test_tc_no_room),
		cmocka_unit_test(test_tc_same_priority),
		cmocka_unit_test(test_tc_many),
		cmocka_unit_test(test_xdp),
		cmocka_unit_test(test_no_interface),
		cmocka_unit_test(test_sweep),
		cmocka_unit_test(test_sweep_others),
		cmocka_unit_test(test_sweep_unprivileged),
		cmocka_unit_test(test_adopt_filter),
		cmocka_unit_test(test_adopt_link),
		cmocka_unit_test(test_zeroed),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
