/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fixture.h"
#include "metric/selection.h"
#include "metric/setup.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <pthread.h>

#define ENTRIES 20000

static const char source[] =
	"#include <linux/bpf.h>\n"
	"#include <bpf/bpf_helpers.h>\n"
	"#define MAP(T, K, V, N, NAME) struct { __uint(type, BPF_MAP_TYPE_##T); __type(key, K);\\\n"
	"	__type(value, V); __uint(max_entries, N); } NAME SEC(\".maps\")\n"
	"struct counts { __u64 packets; __u64 bytes; };\n"
	"MAP(HASH, __u32, struct counts, 20000, LARGE);\n"
	"MAP(HASH, __u32, struct counts, 20000, DRAINED);\n"
	"MAP(HASH, __u32, struct counts, 10, SMALL);\n"
	"SEC(\"tc\") int handle(struct __sk_buff *skb) { return 0; }\n";

static struct object *object;

static int set_up(void **state)
{
	int fd;

	(void)state;
	object = object_from_source(source);
	if (!object)
		return 0;
	fd = object_map_fd(object_find_map(object, "LARGE"));
	for (uint32_t i = 0; i < ENTRIES; i++) {
		const uint64_t counts[2] = { i, 2 * i };

		if (bpf_map_update_elem(fd, &i, counts, BPF_ANY) < 0)
			return -1;
	}
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	object = object_unref(object);
	return 0;
}

static void metric_make(struct metric *metric, struct metric_config *config, const char *map)
{
	*config = (struct metric_config){
		.name = (char *)"m",
		.map_name = (char *)map,
		.exported = true,
		.type = METRIC_GAUGE,
		.empty_on_read = !strcmp(map, "DRAINED"),
	};
	assert_int_equal(metric_init(metric, config, object, NULL), 0);
}

struct reading {
	const struct metric *metric;
	enum metric_use use;
	uint32_t limit;
	struct selection *selection;
	int result;
	pthread_t thread;
};

static void *read_thread(void *data)
{
	struct reading *reading = data;

	reading->result =
		selection_get(reading->metric, reading->use, reading->limit, &reading->selection);
	return NULL;
}

static void start(struct reading *reading)
{
	assert_int_equal(pthread_create(&reading->thread, NULL, read_thread, reading), 0);
}

/* Waits until the given number of readers waits for passes over the metric. */
static void wait_for_readers(const struct metric *metric, unsigned int n)
{
	unsigned int waiting = 0;

	while (waiting != n) {
		waiting = 0;
		pthread_mutex_lock(&metric->notes->lock);
		for (struct selection *each = metric->notes->selections; each; each = each->next)
			if (each->state == SELECTION_WAITS)
				waiting += __atomic_load_n(&each->refs, __ATOMIC_RELAXED);
		pthread_mutex_unlock(&metric->notes->lock);
		sched_yield();
	}
}

static void set_running(struct selection *selection, bool runs)
{
	struct metric_notes *notes = selection->metric->notes;
	struct selection **at = &notes->selections;

	pthread_mutex_lock(&notes->lock);
	if (runs) {
		selection->next = notes->selections;
		notes->selections = selection;
	} else {
		while (*at != selection)
			at = &(*at)->next;
		*at = selection->next;
		pthread_cond_broadcast(&notes->selected);
	}
	pthread_mutex_unlock(&notes->lock);
}

/* Readers that arrive during a pass share the next one; readers with other options do not wait. */
static void test_shared(void **state)
{
	enum { READERS = 6 };
	struct reading read_stats[READERS], other;
	struct metric_config config;
	struct selection running;
	struct metric metric;

	(void)state;
	if (!object)
		skip();
	metric_make(&metric, &config, "LARGE");
	/* A pass that began before the readers came. */
	running = (struct selection){
		.metric = &metric, .use = METRIC_FOR_SAMPLES, .limit = 10, .state = SELECTION_RUNS
	};
	set_running(&running, true);
	for (size_t i = 0; i < READERS; i++) {
		read_stats[i] = (struct reading){ &metric, METRIC_FOR_SAMPLES, 10, NULL, 1, 0 };
		start(&read_stats[i]);
	}
	wait_for_readers(&metric, READERS);
	for (int i = 0; i < 2; i++) {
		other = (struct reading){ &metric,     i ? METRIC_FOR_LOOKING : METRIC_FOR_SAMPLES,
					  i ? 10 : 20, NULL,
					  1,	       0 };
		read_thread(&other);
		assert_int_equal(other.result, 0);
		assert_int_equal(other.selection->count, other.limit);
		selection_unref(other.selection);
	}
	set_running(&running, false);
	for (size_t i = 0; i < READERS; i++) {
		pthread_join(read_stats[i].thread, NULL);
		assert_int_equal(read_stats[i].result, 0);
		assert_ptr_equal(read_stats[i].selection, read_stats[0].selection);
	}
	assert_null(metric.notes->selections);
	for (size_t i = 0; i < READERS; i++) {
		const struct selection *selection = read_stats[i].selection;

		/* complete for each reader, even after others have released it */
		assert_int_equal(selection->seen, ENTRIES);
		assert_int_equal(selection->count, 10);
		assert_int_equal(selection->sums[0].u, (uint64_t)ENTRIES * (ENTRIES - 1) / 2);
		selection_unref(read_stats[i].selection);
	}
	/* A later reader starts its own pass. */
	read_thread(&other);
	assert_int_equal(other.result, 0);
	selection_unref(other.selection);
	metric_release(&metric);
}

/* Passes are not shared for maps read in one batch, nor if readers take values from each other. */
static void test_not_shared(void **state)
{
	static const char *const maps[] = { "SMALL", "DRAINED" };

	(void)state;
	if (!object)
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(maps); i++) {
		struct reading reading;
		struct metric_config config;
		struct selection running;
		struct metric metric;
		const uint32_t key = 1;
		const uint64_t counts[2] = { 3, 4 };

		metric_make(&metric, &config, maps[i]);
		object_put(object, maps[i], &key, counts);
		running = (struct selection){ .metric = &metric, .state = SELECTION_RUNS };
		running.use = METRIC_FOR_SAMPLES;
		set_running(&running, true);
		reading = (struct reading){ &metric, METRIC_FOR_SAMPLES, 0, NULL, 1, 0 };
		read_thread(&reading); /* does not wait for another reader */
		assert_int_equal(reading.result, 0);
		assert_int_equal(reading.selection->count, 1);
		selection_unref(reading.selection);
		set_running(&running, false);
		metric_release(&metric);
	}
}

static void *read_often(void *data)
{
	const struct metric *metric = data;
	unsigned long wrong = 0;

	for (int i = 0; i < 30; i++) {
		struct selection *selection;

		if (selection_get(metric, METRIC_FOR_SAMPLES, i % 3 ? 0 : 7, &selection) < 0)
			return (void *)1;
		wrong += selection->seen != ENTRIES || selection->count != (i % 3 ? ENTRIES : 7);
		selection_unref(selection);
	}
	return (void *)wrong;
}

/* Readers that start and stop at random. */
static void test_many(void **state)
{
	pthread_t threads[8];
	struct metric_config config;
	struct metric metric;

	(void)state;
	if (!object)
		skip();
	metric_make(&metric, &config, "LARGE");
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, read_often, &metric), 0);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
		void *wrong;

		pthread_join(threads[i], &wrong);
		assert_null(wrong);
	}
	assert_null(metric.notes->selections);
	metric_release(&metric);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_not_shared),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
