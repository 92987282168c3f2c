/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/netif.h"
#include "kernel/netns.h"
#include "kernel/owner.h"
#include "kernel/sweep.h"
#include "trail.h"

#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static bool possible;

static int set_up(void **state)
{
	(void)state;
	possible = trail_possible();
	return 0;
}

#define skip_if_impossible()                                                                       \
	do {                                                                                       \
		if (!possible)                                                                     \
			skip();                                                                    \
	} while (0)

/*
 * Actions of a child before it is killed. The child must not use cmocka, which belongs to the
 * parent.
 */
enum deed {
	DEED_REPLACE = 1 << 0,
	DEED_KEEP = 1 << 1,
	DEED_BOTH = 1 << 2,  /* ingress, too */
	DEED_OTHER = 1 << 3, /* as another collectd */
};

static bool child_work(int ifindex, int deeds)
{
	const struct hook *hook = hook_find("tc");
	struct attachment egress, ingress;
	int fd = program("first", 1), next = program("next", 2);

	if (deeds & DEED_OTHER)
		owner_identify("/var/lib/other");
	return attachment_attach(&egress, hook, ifindex, true, fd, NULL, NULL) == 0 &&
	       (!(deeds & DEED_BOTH) ||
		attachment_attach(&ingress, hook, ifindex, false, fd, NULL, NULL) == 0) &&
	       (!(deeds & DEED_KEEP) || attachment_keep(&egress) == 0) &&
	       (!(deeds & DEED_REPLACE) || attachment_replace(&egress, next, NULL) == 0);
}

/* Starts a process that attaches to the egress of v0 and waits. */
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

/* Expects a sweep to remove and report this number of leftovers of the process. */
static void expect_sweep(int filters, int qdiscs, pid_t pid)
{
	_cleanup_text_ struct text report = {}, expected = {};

	for (int i = 0; i < filters + qdiscs; i++)
		text_printf(&expected,
			    "interface v0: removed a %s that collectd (pid %d) left behind\n",
			    i < filters ? "filter" : "clsact qdisc", (int)pid);
	assert_int_equal(hook_sweep(false, &report), filters + qdiscs);
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
	/* filters of a living process stay; after its death all are removed */
	pid = child_start(ifindex, DEED_BOTH);
	expect_sweep(0, 0, 0);
	assert_string_equal(chain_names(hook, ifindex, true), "first");
	child_kill(pid);
	assert_string_equal(chain_names(hook, ifindex, true), "first");
	expect_sweep(2, 1, pid);
	assert_int_equal(netif_has_filters(ifindex), 0);
	assert_int_equal(netif_has_clsact(ifindex), 0);
	expect_sweep(0, 0, 0);
	/* a replaced program carries the owner's mark, too */
	pid = child_start(ifindex, DEED_REPLACE);
	child_kill(pid);
	assert_string_equal(chain_names(hook, ifindex, true), "next");
	expect_sweep(1, 1, pid);
	/* a zombie counts as dead, as in a container without an init */
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
	/* a foreign qdisc and a foreign filter stay */
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
	/* a dead process's qdisc that is in use again is removed with our last filter */
	dead = child_start(ifindex, 0);
	assert_int_equal(attachment_attach(&ours, hook, ifindex, true, fd, NULL, NULL), 0);
	child_kill(dead);
	expect_sweep(1, 0, dead);
	assert_int_equal(netif_has_clsact(ifindex), 1);
	attachment_detach(&ours);
	assert_int_equal(netif_has_clsact(ifindex), 0);
	/* under an ingress qdisc */
	assert_int_equal(shell("tc qdisc add dev v0 ingress"), 0);
	assert_int_equal(attachment_attach(&ours, hook, ifindex, false, fd, NULL, NULL), 0);
	expect_sweep(0, 0, 0);
	attachment_detach(&ours);
	close(fd);
	veth_delete();
}

/* Each namespace is swept separately, even if interface indexes are equal. */
static void test_sweep_namespaces(void **state)
{
	_cleanup_close_ int fd = -1;
	struct netns_visit visit;
	char name[64];
	int ifindex;
	pid_t pid;

	(void)state;
	skip_if_impossible();
	snprintf(name, sizeof(name), "dynmon-sweep-%d", (int)getpid());
	if (shell("ip netns add %s", name))
		skip();
	fd = netns_open(name, NULL);
	assert_true(fd >= 0);
	assert_int_equal(netns_enter(fd, &visit), 0);
	ifindex = veth();
	pid = child_start(ifindex, 0);
	netns_leave(&visit);
	child_kill(pid);
	expect_sweep(0, 0, 0);
	assert_int_equal(netns_enter(fd, &visit), 0);
	expect_sweep(1, 1, pid);
	netns_leave(&visit);
	assert_int_equal(shell("ip netns del %s", name), 0);
}

/* Without the capability to inspect foreign programs nothing is removed, and that is reported. */
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
		if (hook_sweep(false, &report) != -EPERM)
			_exit(2);
		if (strcmp(text_str(&report), "cannot find tc filters that a killed collectd left "
					      "behind: CAP_SYS_ADMIN is missing\n"))
			_exit(3);
		/* the names come from the filters themselves */
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
	uint32_t id = 4000000000u;
	struct owner owner;
	int ifindex, fd;
	pid_t pid;

	(void)state;
	skip_if_impossible();
	ifindex = veth();
	fd = program("ours", 3);
	pid = child_start(ifindex, DEED_KEEP | DEED_REPLACE);
	child_kill(pid);
	/* marked to be kept */
	expect_sweep(0, 0, 0);
	assert_int_equal(hook_chain(hook, ifindex, true, &chain), 0);
	assert_int_equal(chain.n, 1);
	assert_int_equal(owner_of(chain.links[0].prog_id, ifindex, &owner), 1);
	assert_int_equal(owner.pid, pid);
	assert_true(!owner.alive && owner.kept && owner.made);
	assert_int_equal(attachment_adopt(&adopted, hook, ifindex, true, -1, &id), -ENOLINK);
	id = chain.links[0].prog_id;
	assert_int_equal(attachment_adopt(&adopted, hook, ifindex, false, -1, &id), -ENOLINK);
	assert_int_equal(attachment_adopt(&adopted, hook_find("tcx"), ifindex, true, -1, &id),
			 -ENOLINK);
	assert_false(attachment_attached(&adopted));
	assert_int_equal(attachment_adopt(&adopted, hook, ifindex, true, -1, &id), 0);
	assert_int_equal(owner_of(chain.links[0].prog_id, ifindex, &owner), 1);
	assert_true(owner.pid == getpid() && owner.alive && owner.kept && owner.made);
	assert_int_equal(attachment_link_fd(&adopted), -1);
	expect_sweep(0, 0, 0);
	assert_int_equal(attachment_replace(&adopted, fd, NULL), 0);
	assert_int_equal(packet(ifindex), 3);
	assert_int_equal(owner_of(object_program_id(fd), ifindex, &owner), 1);
	assert_true(owner.pid == getpid() && owner.kept);
	/* left attached, then adopted again */
	other = adopted;
	attachment_leave(&adopted);
	assert_false(attachment_attached(&adopted));
	assert_int_equal(packet(ifindex), 3);
	id = object_program_id(fd);
	assert_int_equal(attachment_adopt(&adopted, hook, ifindex, true, -1, &id), 0);
	assert_int_equal(adopted.priority, other.priority);
	assert_int_equal(adopted.handle, other.handle);
	/* detaching also removes the qdisc that the dead process had created */
	attachment_detach(&adopted);
	assert_int_equal(netif_has_clsact(ifindex), 0);
	close(fd);
	veth_delete();
}

/* Filters of another collectd stay: they belong to its next start. */
static void test_sweep_other_collectd(void **state)
{
	int ifindex, status = -1;
	pid_t dead, pid;

	(void)state;
	skip_if_impossible();
	ifindex = veth();
	for (int keep = 0; keep < 2; keep++) {
		_cleanup_text_ struct text report = {};

		dead = child_start(ifindex, DEED_OTHER | (keep ? DEED_KEEP : 0));
		child_kill(dead);
		assert_int_equal(hook_sweep(true, &report), 0);
		assert_string_equal(chain_names(hook_find("tc"), ifindex, true), "first");
		pid = fork();
		if (pid == 0) {
			owner_identify("/var/lib/other");
			_exit(hook_sweep(true, &report) == 2 ? 0 : 1);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
		assert_int_equal(netif_has_clsact(ifindex), 0);
	}
	veth_delete();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sweep),
		cmocka_unit_test(test_sweep_others),
		cmocka_unit_test(test_sweep_namespaces),
		cmocka_unit_test(test_sweep_unprivileged),
		cmocka_unit_test(test_adopt_filter),
		cmocka_unit_test(test_sweep_other_collectd),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
