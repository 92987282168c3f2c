/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "export/status.h"
#include "base/utf8.h"
#include "kernel/chain.h"
#include "kernel/netns.h"

#include <string.h>

/* Called with state held. */
static const char *dataplane_word(const struct monitor *monitor)
{
	if (!monitor->dataplane)
		return "-";
	return monitor->document_file ? monitor->document_file : "(injected)";
}

void status_line(struct monitor *monitor, struct text *out)
{
	size_t interfaces = 0;

	pthread_mutex_lock(&monitor->state);
	text_printf(out, "%s\t%s\t%s\t", monitor->name,
		    monitor_state_name(monitor_get_state(monitor)), monitor->hook->name);
	for (size_t i = 0; i < monitor->n_instances; i++)
		if (monitor->instances[i]->interface)
			text_printf(out, "%s%s", interfaces++ ? "," : "",
				    monitor->instances[i]->interface);
	text_printf(out, "%s\t%s\n", interfaces ? "" : "-", dataplane_word(monitor));
	pthread_mutex_unlock(&monitor->state);
}

static void json_member(struct text *out, const char *name, const char *value)
{
	text_printf(out, "\"%s\":", name);
	if (value)
		text_json(out, value, strlen(value));
	else
		text_adds(out, "null");
}

/* Like json_member(), for a name that may contain any bytes. */
static void json_name(struct text *out, const char *name, const char *value)
{
	text_printf(out, "\"%s\":", name);
	if (value)
		text_json_name(out, value);
	else
		text_adds(out, "null");
}

/* Appends the members that summary and full status begin with. Called with state held. */
static void head_json(struct monitor *monitor, struct text *out)
{
	text_addc(out, '{');
	json_member(out, "name", monitor->name);
	text_addc(out, ',');
	json_member(out, "state", monitor_state_name(monitor_get_state(monitor)));
	text_addc(out, ',');
	json_member(out, "hook", monitor->hook->name);
	text_addc(out, ',');
}

/* Bytes of an error in a summary, because a verifier log is long. */
#define SUMMARY_ERROR 240

void status_summary_json(struct monitor *monitor, struct text *out)
{
	const char *error;

	pthread_mutex_lock(&monitor->state);
	head_json(monitor, out);
	json_name(out, "netns", monitor->settings->netns);
	text_addc(out, ',');
	json_name(out, "dataplane", dataplane_word(monitor));
	text_adds(out, ",\"interfaces\":[");
	for (size_t i = 0, n = 0; i < monitor->n_instances; i++) {
		const char *interface = monitor->instances[i]->interface;

		if (!interface)
			continue;
		text_adds(out, n++ ? "," : "");
		text_json_name(out, interface);
	}
	text_printf(out, "],\"unattached\":%zu,\"last-error\":", monitor->unattached);
	error = monitor_last_error(monitor);
	if (error)
		text_json(out, error, utf8_cut(error, strlen(error), SUMMARY_ERROR));
	else
		text_adds(out, "null");
	text_addc(out, '}');
	pthread_mutex_unlock(&monitor->state);
}

/* A program and the name of its monitor. */
struct owned_program {
	uint32_t id;
	const char *monitor;
};

/* The programs of all monitors, sorted by id, so that the kernel is queried once for each. */
struct owned_programs {
	struct owned_program *items;
	size_t n;
};

static int compare_owned(const void *a, const void *b)
{
	const struct owned_program *left = a, *right = b;

	return (left->id > right->id) - (left->id < right->id);
}

static void list_owned(const struct snapshot *all, struct owned_programs *ret)
{
	*ret = (struct owned_programs){
		.items = calloc(all->n * N_DIRECTIONS * 2 + 1, sizeof(*ret->items)),
	};
	for (size_t i = 0; ret->items && i < all->n; i++) {
		const struct snapshot_item *item = &all->items[i];

		for (enum direction direction = 0; item->generation && direction < N_DIRECTIONS;
		     direction++) {
			const struct generation_direction *of =
				&item->generation->directions[direction];
			const char *name = item->monitor->name;

			if (of->object)
				ret->items[ret->n++] =
					(struct owned_program){ object_program_id(of->prog_fd),
								name };
			if (of->second)
				ret->items[ret->n++] = (struct owned_program){
					object_program_id(of->second_prog_fd), name
				};
		}
	}
	if (ret->n)
		qsort(ret->items, ret->n, sizeof(*ret->items), compare_owned);
}

/* Returns the monitor that owns a program, NULL for a foreign program. */
static const char *monitor_of(const struct owned_programs *owned, uint32_t prog_id)
{
	const struct owned_program key = { .id = prog_id }, *found = NULL;

	if (prog_id && owned->n)
		found = bsearch(&key, owned->items, owned->n, sizeof(key), compare_owned);
	return found ? found->monitor : NULL;
}

/* Appends the program chain of a hook, in order of execution, with owners. */
static void chain_json(const struct chain *chain, const struct owned_programs *owned,
		       struct text *out)
{
	text_adds(out, ",\"chain\":[");
	for (size_t i = 0; i < chain->n; i++) {
		text_printf(out, "%s{\"id\":%u,", i ? "," : "", chain->links[i].prog_id);
		json_member(out, "name", chain->links[i].name);
		text_addc(out, ',');
		json_member(out, "monitor", monitor_of(owned, chain->links[i].prog_id));
		text_addc(out, '}');
	}
	text_addc(out, ']');
}

static void direction_json(const struct monitor *monitor, const struct instance *instance,
			   enum direction direction, int ifindex,
			   const struct owned_programs *owned, struct text *out)
{
	const struct hook *hook = hook_for_direction(monitor->hook, direction);
	uint32_t id = object_program_id(generation_prog_fd(instance->generation, direction));
	_cleanup_chain_ struct chain chain = {};

	text_addc(out, '{');
	json_member(out, "direction", direction_name(direction));
	text_printf(out, ",\"id\":%u,", id);
	json_member(out, "hook", hook->name);
	if (ifindex)
		hook_chain(hook, ifindex, direction, &chain);
	chain_json(&chain, owned, out);
	text_addc(out, '}');
}

/*
 * Lists for each instance its programs and the chains they are in. Called with links held, so that
 * nothing changes, and without state, because readers wait for it and the kernel queries take time.
 * Returns NULL if out of memory.
 */
static struct text *list_programs(struct monitor *monitor, const struct snapshot *all)
{
	struct text *lists = calloc(monitor->n_instances, sizeof(*lists));
	struct owned_programs owned;
	struct netns_visit visit;
	bool visiting = netns_enter(monitor->netns_fd, &visit) == 0;

	list_owned(all, &owned);
	for (size_t i = 0; lists && i < monitor->n_instances; i++) {
		const struct instance *instance = monitor->instances[i];
		int ifindex;

		pthread_mutex_lock(&monitor->state);
		ifindex = visiting ? instance->ifindex : 0;
		pthread_mutex_unlock(&monitor->state);
		for (enum direction direction = 0; direction < N_DIRECTIONS; direction++) {
			if (generation_prog_fd(instance->generation, direction) < 0)
				continue;
			text_adds(&lists[i], lists[i].len ? "," : "");
			direction_json(monitor, instance, direction, ifindex, &owned, &lists[i]);
		}
	}
	netns_leave(&visit);
	free(owned.items);
	return lists;
}

static void instance_json(const struct instance *instance, const struct text *programs,
			  struct text *out)
{
	text_addc(out, '{');
	json_name(out, "name", instance->interface);
	text_printf(out, ",\"ifindex\":%d,\"present\":%s,\"attached\":%s,\"programs\":[",
		    instance->ifindex, instance->ifindex ? "true" : "false",
		    instance_is_attached(instance) ? "true" : "false");
	text_add(out, programs->data, programs->len);
	text_adds(out, "]}");
}

/* Lists programs that are attached to a section's hook instead of an interface. */
static void sections_json(const struct monitor *monitor, struct text *out)
{
	const struct generation *generation = monitor->instances[0]->generation;
	const struct object *object =
		generation_has_sections(generation) ? generation->directions[INGRESS].object : NULL;

	text_adds(out, ",\"sections\":[");
	for (size_t i = 0; object && i < object->links.n; i++) {
		const char *section = section_name(object->bpf, i);

		text_adds(out, i ? "," : "");
		text_json(out, section, strlen(section));
	}
	text_addc(out, ']');
}

static void patterns_json(const struct monitor *monitor, struct text *out)
{
	text_adds(out, ",\"attached-by\":[");
	for (size_t i = 0; i < monitor->n_patterns; i++) {
		const struct pattern *pattern = monitor->patterns[i];

		text_adds(out, i ? "," : "");
		text_json_name(out, pattern->text);
	}
	text_addc(out, ']');
}

static void metrics_json(const struct dataplane *dataplane, int direction, struct text *out)
{
	const struct direction_config *config = dataplane && dataplane->directions[direction]
							? dataplane->directions[direction]->config
							: NULL;

	text_printf(out, ",\"%s-metrics\":[", direction_name(direction));
	for (size_t i = 0; config && i < config->n_metrics; i++) {
		text_adds(out, i ? ",{" : "{");
		json_member(out, "name", config->metrics[i].name);
		text_addc(out, ',');
		json_member(out, "map", config->metrics[i].map_name);
		text_addc(out, ',');
		json_member(out, "type", metric_type_name(config->metrics[i].type));
		text_addc(out, '}');
	}
	text_addc(out, ']');
}

void status_json(struct monitor *monitor, const struct snapshot *all, const struct text *feeds,
		 struct text *out)
{
	const struct text nothing = {};
	struct text *programs;

	pthread_mutex_lock(&monitor->links);
	programs = list_programs(monitor, all);
	pthread_mutex_lock(&monitor->state);
	head_json(monitor, out);
	json_member(out, "loglevel", monitor->log_level);
	text_addc(out, ',');
	json_name(out, "netns", monitor->settings->netns);
	text_printf(out, ",\"share\":%s,\"pin\":%s,\"configured\":%s,",
		    monitor->settings->share ? "true" : "false",
		    monitor->settings->pin ? "true" : "false",
		    monitor->configured ? "true" : "false");
	json_name(out, "dataplane", dataplane_word(monitor));
	text_printf(out, ",\"changes\":%llu,\"failures\":%llu,",
		    (unsigned long long)monitor->changes, (unsigned long long)monitor->failures);
	json_member(out, "last-error", monitor_last_error(monitor));
	text_printf(out, ",\"unattached\":%zu,\"interfaces\":[", monitor->unattached);
	for (size_t i = 0, n = 0; i < monitor->n_instances; i++) {
		if (!monitor->instances[i]->interface)
			continue;
		text_adds(out, n++ ? "," : "");
		instance_json(monitor->instances[i], programs ? &programs[i] : &nothing, out);
	}
	text_addc(out, ']');
	patterns_json(monitor, out);
	sections_json(monitor, out);
	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++)
		metrics_json(monitor->dataplane, direction, out);
	text_adds(out, ",\"feeds\":");
	text_add(out, feeds->data, feeds->len);
	text_addc(out, '}');
	pthread_mutex_unlock(&monitor->state);
	for (size_t i = 0; programs && i < monitor->n_instances; i++)
		text_release(&programs[i]);
	free(programs);
	pthread_mutex_unlock(&monitor->links);
}

int status_show(struct registry *registry, const char *name, struct text *out, struct error *err)
{
	_cleanup_(monitor_list_release) struct monitor_list list = {};
	_cleanup_(snapshot_release) struct snapshot all = {};
	_cleanup_text_ struct text feeds = {};
	int r = registry_list(registry, name, &list, err);

	if (r == 0)
		r = registry_snapshot(registry, NULL, &all, err);
	if (r == 0)
		r = registry_feeds_json(registry, name, &feeds, err);
	if (r == 0)
		status_json(list.monitors[0], &all, &feeds, out);
	return r;
}

static void add_trouble(struct text *out, const struct monitor *monitor, const char *trouble)
{
	text_printf(out, "monitor %s: ", monitor->name);
	utf8_show_text(out, trouble, strlen(trouble), true);
	text_addc(out, '\n');
}

int status_troubles(struct registry *registry, struct text *out, struct error *err)
{
	_cleanup_(monitor_list_release) struct monitor_list list = {};
	int r = registry_list(registry, NULL, &list, err), troubles = 0;

	for (size_t i = 0; r == 0 && i < list.n; i++) {
		struct monitor *monitor = list.monitors[i];
		const char *trouble;

		pthread_mutex_lock(&monitor->state);
		trouble = monitor_trouble(monitor);
		if (trouble) {
			add_trouble(out, monitor, trouble);
			troubles++;
		}
		if (trouble && monitor->attach_error && trouble != monitor->attach_error)
			add_trouble(out, monitor, monitor->attach_error);
		pthread_mutex_unlock(&monitor->state);
	}
	return r < 0 ? r : troubles;
}
