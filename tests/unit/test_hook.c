/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/netif.h"
#include "trail.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <pthread.h>

static const char *const tc_hooks[] = { "tcx", "tc" };

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
		/* a replaced program keeps its position */
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

/* Programs with an automatic position run between those that are first and those that are last. */
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
	/* our filters are removed; foreign filters and their qdisc stay */
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
				 "cannot attach to %s egress: program %u, before which to attach, "
				 "is not on this hook",
				 hook->name, ids[i]);
			expect_failure(hook, ifindex, fd,
				       (struct position){ POSITION_BEFORE, ids[i] }, -ENOENT,
				       words);
			expect_failure(hook, ifindex, fd,
				       (struct position){ POSITION_AFTER, ids[i] }, -ENOENT,
				       "after which to attach");
		}
		/* the qdisc created for the failed attachments was removed */
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
	/* the priority is used by a filter that is not eBPF */
	assert_int_equal(shell("tc filter add dev v0 egress prio 12 bpf bytecode \"1,6 0 0 0\""),
			 0);
	expect_failure(hook, ifindex, fd, (struct position){ POSITION_FIRST, 0 }, -EBUSY,
		       "leave no priority free for this Position");
	expect_failure(hook, ifindex, fd, (struct position){ POSITION_LAST, 0 }, -EBUSY,
		       "leave no priority free for this Position");
	expect_failure(hook, ifindex, fd, (struct position){ POSITION_BEFORE, ids[2] }, -EBUSY,
		       "leave no priority free for this Position");
	expect_failure(hook, ifindex, fd, (struct position){ POSITION_AFTER, ids[2] }, -EBUSY,
		       "leave no priority free for this Position");
	expect_failure(hook, ifindex, fd, (struct position){ POSITION_AFTER, ids[4] }, -EBUSY,
		       "leave no priority free for this Position");
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

/* Two filters with one priority: the newest runs first, and none can be inserted between them. */
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
		       "leave no priority free for this Position");
	expect_failure(hook, ifindex, fd, (struct position){ POSITION_BEFORE, older }, -EBUSY,
		       "leave no priority free for this Position");
	attach(&attachment, hook, ifindex, fd, POSITION_BEFORE, newer);
	assert_int_equal(packet(ifindex), 0721);
	attachment_detach(&attachment);
	attach(&attachment, hook, ifindex, fd, POSITION_AFTER, older);
	assert_int_equal(packet(ifindex), 0217);
	attachment_detach(&attachment);
	close(fd);
	veth_delete();
}

/* Positions first and last remain available after many attachments. */
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

struct crowd {
	int ifindex;
	int fd;
	unsigned int failed;
};

static void *come_and_go(void *data)
{
	struct crowd *crowd = data;

	for (int i = 0; i < 200; i++) {
		struct attachment attachment;

		if (attachment_attach(&attachment, hook_find("tc"), crowd->ifindex, i % 2,
				      crowd->fd, NULL, NULL) < 0)
			__atomic_add_fetch(&crowd->failed, 1, __ATOMIC_RELAXED);
		attachment_detach(&attachment);
	}
	return NULL;
}

/* Race: removing the last filter must not remove the qdisc under a concurrent first attachment. */
static void test_tc_threads(void **state)
{
	struct crowd crowd = {};
	pthread_t threads[4];

	(void)state;
	skip_if_impossible();
	crowd.ifindex = veth();
	crowd.fd = program("ours", 1);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, &crowd), 0);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(crowd.failed, 0);
	assert_int_equal(netif_has_clsact(crowd.ifindex), 0);
	close(crowd.fd);
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
	assert_int_equal(hook_chain(hook_find("tcx"), 9999, false, &chain), -ENODEV);
	assert_null(chain.links);
	assert_int_equal(hook_chain(hook_find("tc"), 9999, false, &chain), 0);
	assert_int_equal(chain.n, 0);
	chain_release(&chain);
	assert_int_equal(hook_chain(hook_find("xdp"), 9999, false, &chain), -ENODEV);
	assert_null(chain.links);
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
		/* a pinned link stays attached */
		attachment_leave(&attachment);
		link = bpf_obj_get(path);
		assert_true(link >= 0);
		for (size_t k = 0; k < ARRAY_SIZE(cases); k++) {
			if (k == i)
				continue;
			assert_int_equal(attachment_adopt(&adopted, hook_find(cases[k].hook),
							  ifindex, cases[k].egress, link, &id),
					 -ENOLINK);
		}
		assert_int_equal(attachment_adopt(&adopted, hook, ifindex + 1000, cases[i].egress,
						  link, &id),
				 -ENOLINK);
		assert_int_equal(attachment_adopt(&adopted, hook_find("tc"), ifindex,
						  cases[i].egress, link, &id),
				 -ENOLINK);
		assert_int_equal(
			attachment_adopt(&adopted, hook, ifindex, cases[i].egress, fd, &id),
			-ENOLINK);
		assert_int_equal(
			attachment_adopt(&adopted, hook, ifindex, cases[i].egress, -1, &id),
			-ENOLINK);
		assert_false(attachment_attached(&adopted));
		assert_int_equal(
			attachment_adopt(&adopted, hook, ifindex, cases[i].egress, link, &id), 0);
		assert_int_equal(id, object_program_id(fd));
		assert_int_equal(attachment_link_fd(&adopted), link);
		assert_int_equal(attachment_replace(&adopted, fd, NULL), 0);
		/* unpinned and detached, the link is freed */
		assert_int_equal(unlink(path), 0);
		attachment_detach(&adopted);
		assert_string_equal(chain_names(hook, ifindex, cases[i].egress), "");
		/* a link whose interface was deleted */
		assert_int_equal(attachment_attach(&attachment, hook, ifindex, cases[i].egress, fd,
						   NULL, NULL),
				 0);
		veth_delete();
		assert_int_equal(attachment_adopt(&adopted, hook, ifindex, cases[i].egress,
						  attachment_link_fd(&attachment), &id),
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
		cmocka_unit_test(test_tc_threads),
		cmocka_unit_test(test_xdp),
		cmocka_unit_test(test_no_interface),
		cmocka_unit_test(test_adopt_link),
		cmocka_unit_test(test_zeroed),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
