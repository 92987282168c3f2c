/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fixture.h"
#include "kernel/netif.h"

#include <errno.h>
#include <net/if.h>
#include <pthread.h>

static bool possible;

static int set_up(void **state)
{
	(void)state;
	possible = netns_private();
	return 0;
}

static void test_list(void **state)
{
	_cleanup_netifs_ struct netif_list list = {};
	const struct netif *bridge, *port;
	int index;

	(void)state;
	if (!possible)
		skip();
	assert_int_equal(shell("ip link add bridge0 type bridge && "
			       "ip link add port0 type veth peer name a_name_of_15_ch && "
			       "ip link set port0 master bridge0"),
			 0);
	assert_int_equal(netif_list_get(&list, NULL), 0);
	bridge = netif_list_find(&list, "bridge0");
	port = netif_list_find(&list, "port0");
	assert_non_null(bridge);
	assert_non_null(port);
	assert_non_null(netif_list_find(&list, "lo"));
	assert_non_null(netif_list_find(&list, "a_name_of_15_ch"));
	assert_null(netif_list_find(&list, "none"));
	assert_null(netif_list_find(&list, ""));
	assert_int_equal(bridge->index, if_nametoindex("bridge0"));
	assert_int_equal(bridge->master, 0);
	assert_int_equal(port->master, bridge->index);
	assert_ptr_equal(netif_list_at(&list, port->index), port);
	assert_null(netif_list_at(&list, 0));
	index = port->index;
	netif_list_release(&list);
	assert_null(netif_list_find(&list, "lo"));
	/* renamed, and no longer a port of the bridge */
	assert_int_equal(shell("ip link set port0 nomaster && ip link set port0 name port1"), 0);
	assert_int_equal(netif_list_get(&list, NULL), 0);
	assert_null(netif_list_find(&list, "port0"));
	port = netif_list_find(&list, "port1");
	assert_non_null(port);
	assert_int_equal(port->index, index);
	assert_int_equal(port->master, 0);
	assert_int_equal(shell("ip link del bridge0 && ip link del port1"), 0);
}

#define MANY 300

static void *churn(void *data)
{
	while (!__atomic_load_n((bool *)data, __ATOMIC_ACQUIRE))
		shell("ip link add churn type bridge && ip link del churn");
	return NULL;
}

/* A list longer than one message, with concurrent changes: each permanent interface occurs once. */
static void test_many(void **state)
{
	bool stop = false;
	pthread_t thread;

	(void)state;
	if (!possible)
		skip();
	assert_int_equal(shell("for i in $(seq %d); do echo link add many$i type bridge; done | "
			       "ip -batch -",
			       MANY),
			 0);
	assert_int_equal(pthread_create(&thread, NULL, churn, &stop), 0);
	for (int turn = 0; turn < 200; turn++) {
		_cleanup_netifs_ struct netif_list list = {};
		unsigned int n = 0;
		int r;

		do /* on a slow machine the list may change continuously, which is reported */
			r = netif_list_get(&list, NULL);
		while (r == -EINTR);
		assert_int_equal(r, 0);
		for (size_t i = 0; i < list.n; i++)
			n += !strncmp(list.items[i].name, "many", 4);
		assert_int_equal(n, MANY);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
}

static void test_exists(void **state)
{
	(void)state;
	assert_true(netif_exists(1));
	assert_false(netif_exists(INT32_MAX));
}

static void test_qdiscs(void **state)
{
	int index;

	(void)state;
	if (!possible || shell("command -v tc"))
		skip();
	assert_int_equal(shell("ip link add q0 type bridge"), 0);
	index = (int)if_nametoindex("q0");
	assert_int_equal(netif_has_clsact(index), 0);
	assert_int_equal(netif_has_filters(index), 0);
	assert_int_equal(shell("tc qdisc add dev q0 ingress"), 0);
	assert_int_equal(netif_has_clsact(index), 0);
	assert_int_equal(shell("tc qdisc del dev q0 ingress && tc qdisc add dev q0 clsact"), 0);
	assert_int_equal(netif_has_clsact(index), 1);
	assert_int_equal(netif_has_filters(index), 0);
	assert_int_equal(shell("tc filter add dev q0 egress bpf bytecode \"1,6 0 0 1\""), 0);
	assert_int_equal(netif_has_filters(index), 1);
	assert_int_equal(shell("ip link del q0"), 0);
	assert_int_equal(netif_has_filters(index), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_exists),
		cmocka_unit_test(test_qdiscs),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
