/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "export/status.h"
#include "base/json_writer.h"
#include "base/utf8.h"
#include "kernel/chain.h"
#include "kernel/netns.h"

#include <string.h>

/* Called with state held. */
static const char *dataplane_text(const struct monitor *monitor)
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
	text_printf(out, "%s\t%s\n", interfaces ? "" : "-", dataplane_text(monitor));
	pthread_mutex_unlock(&monitor->state);
}

/* Appends the members that summary and full status begin with. Called with state held. */
static void status_begin_json(struct monitor *monitor, struct json_writer *json)
{
	json_object_begin(json);
	json_member_string(json, "name", monitor->name);
	json_member_string(json, "state", monitor_state_name(monitor_get_state(monitor)));
	json_member_string(json, "hook", monitor->hook->name);
}

/* Bytes of an error in a summary, because a verifier log is long. */
#define SUMMARY_ERROR 240

void status_summary_json(struct monitor *monitor, struct json_writer *json)
{
	const char *error;

	pthread_mutex_lock(&monitor->state);
	status_begin_json(monitor, json);
	json_member_name(json, "netns", monitor->settings->netns);
	json_member_name(json, "dataplane", dataplane_text(monitor));
	json_key(json, "interfaces");
	json_array_begin(json);
	for (size_t i = 0; i < monitor->n_instances; i++)
		if (monitor->instances[i]->interface)
			json_put_name(json, monitor->instances[i]->interface);
	json_array_end(json);
	json_member_u64(json, "unattached", monitor->unattached);
	json_key(json, "last-error");
	error = monitor_last_error(monitor);
	if (error)
		text_json(json_value(json), error, utf8_cut(error, strlen(error), SUMMARY_ERROR));
	else
		json_put_string(json, NULL);
	json_object_end(json);
	pthread_mutex_unlock(&monitor->state);
}

/* The programs of all monitors, sorted by id, so that the kernel is queried once for each. */
struct owned_programs {
	struct owned_program {
		uint32_t id;
		const char *monitor;
	} * items;
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
		const struct generation *generation = all->items[i].generation;

		for (enum direction direction = 0; generation && direction < N_DIRECTIONS;
		     direction++) {
			const struct generation_direction *from =
				&generation->directions[direction];
			const char *name = all->items[i].monitor->name;

			if (from->object)
				ret->items[ret->n++] =
					(struct owned_program){ object_program_id(from->prog_fd),
								name };
			if (from->second)
				ret->items[ret->n++] = (struct owned_program){
					object_program_id(from->second_prog_fd), name
				};
		}
	}
	if (ret->n)
		qsort(ret->items, ret->n, sizeof(*ret->items), compare_owned);
}

/* Returns the monitor that owns a program, NULL for a foreign program. */
static const char *owner_of(const struct owned_programs *owned, uint32_t prog_id)
{
	const struct owned_program key = { .id = prog_id }, *found = NULL;

	if (prog_id && owned->n)
		found = bsearch(&key, owned->items, owned->n, sizeof(key), compare_owned);
	return found ? found->monitor : NULL;
}

/* Appends a program and the chain of its hook, in order of execution, with owners. */
static void program_json(const struct monitor *monitor, const struct instance *instance,
			 enum direction direction, int ifindex, const struct owned_programs *owned,
			 struct json_writer *json)
{
	const struct hook *hook = hook_for_direction(monitor->hook, direction);
	_cleanup_chain_ struct chain chain = {};

	if (ifindex)
		hook_chain(hook, ifindex, direction, &chain);
	json_object_begin(json);
	json_member_string(json, "direction", direction_name(direction));
	json_member_u64(json, "id",
			object_program_id(generation_prog_fd(instance->generation, direction)));
	json_member_string(json, "hook", hook->name);
	json_key(json, "chain");
	json_array_begin(json);
	for (size_t i = 0; i < chain.n; i++) {
		json_object_begin(json);
		json_member_u64(json, "id", chain.links[i].prog_id);
		json_member_string(json, "name", chain.links[i].name);
		json_member_string(json, "monitor", owner_of(owned, chain.links[i].prog_id));
		json_object_end(json);
	}
	json_array_end(json);
	json_object_end(json);
}

/*
 * Returns for each instance a JSON array of its programs and the chains they are in. Called with
 * links held, so that nothing changes, and without state, because readers wait for it and the
 * kernel queries take time. Returns NULL if out of memory.
 */
static struct text *programs_json(struct monitor *monitor, const struct snapshot *all)
{
	struct text *lists = calloc(monitor->n_instances, sizeof(*lists));
	struct owned_programs owned;
	struct netns_visit visit;
	bool visiting = netns_enter(monitor->netns_fd, &visit) == 0;

	list_owned(all, &owned);
	for (size_t i = 0; lists && i < monitor->n_instances; i++) {
		const struct instance *instance = monitor->instances[i];
		struct json_writer json = { .out = &lists[i] };
		int ifindex;

		pthread_mutex_lock(&monitor->state);
		ifindex = visiting ? instance->ifindex : 0;
		pthread_mutex_unlock(&monitor->state);
		json_array_begin(&json);
		for (enum direction direction = 0; direction < N_DIRECTIONS; direction++)
			if (generation_prog_fd(instance->generation, direction) >= 0)
				program_json(monitor, instance, direction, ifindex, &owned, &json);
		json_array_end(&json);
	}
	netns_leave(&visit);
	free(owned.items);
	return lists;
}

/* programs: from programs_json(), or NULL. */
static void instance_json(const struct instance *instance, const struct text *programs,
			  struct json_writer *json)
{
	json_object_begin(json);
	json_member_name(json, "name", instance->interface);
	json_member_i64(json, "ifindex", instance->ifindex);
	json_member_bool(json, "present", instance->ifindex);
	json_member_bool(json, "attached", instance_is_attached(instance));
	json_key(json, "programs");
	if (programs) {
		text_add(json_value(json), programs->data, programs->len);
		if (text_status(programs) < 0)
			json->out->failed = true;
	} else {
		text_adds(json_value(json), "[]");
	}
	json_object_end(json);
}

/* Lists programs that are attached to a section's hook instead of an interface. */
static void sections_json(const struct monitor *monitor, struct json_writer *json)
{
	const struct generation *generation = monitor->instances[0]->generation;
	const struct object *object =
		generation_has_sections(generation) ? generation->directions[INGRESS].object : NULL;

	json_key(json, "sections");
	json_array_begin(json);
	for (size_t i = 0; object && i < object->links.n; i++)
		json_put_string(json, section_name(object->bpf, i));
	json_array_end(json);
}

static void metrics_json(const struct dataplane *dataplane, enum direction direction,
			 struct json_writer *json)
{
	const struct direction_config *config = dataplane && dataplane->directions[direction]
							? dataplane->directions[direction]->config
							: NULL;

	json_key(json, direction == INGRESS ? "ingress-metrics" : "egress-metrics");
	json_array_begin(json);
	for (size_t i = 0; config && i < config->n_metrics; i++) {
		json_object_begin(json);
		json_member_string(json, "name", config->metrics[i].name);
		json_member_string(json, "map", config->metrics[i].map_name);
		json_member_string(json, "type", metric_type_name(config->metrics[i].type));
		json_object_end(json);
	}
	json_array_end(json);
}

/*
 * Appends the full status of a monitor. all: snapshot of all monitors, to name the owners of
 * programs in chains. feeds: from registry_feeds_json(). Queries the kernel with the links lock
 * held.
 */
static void status_json(struct monitor *monitor, const struct snapshot *all,
			const struct text *feeds, struct json_writer *json)
{
	struct text *programs;

	pthread_mutex_lock(&monitor->links);
	programs = programs_json(monitor, all);
	pthread_mutex_lock(&monitor->state);
	status_begin_json(monitor, json);
	json_member_string(json, "loglevel", monitor->log_level);
	json_member_name(json, "netns", monitor->settings->netns);
	json_member_bool(json, "share", monitor->settings->share);
	json_member_bool(json, "pin", monitor->settings->pin);
	json_member_bool(json, "configured", monitor->configured);
	json_member_name(json, "dataplane", dataplane_text(monitor));
	json_member_u64(json, "changes", monitor->changes);
	json_member_u64(json, "failures", monitor->failures);
	json_member_string(json, "last-error", monitor_last_error(monitor));
	json_member_u64(json, "unattached", monitor->unattached);
	json_key(json, "interfaces");
	json_array_begin(json);
	for (size_t i = 0; i < monitor->n_instances; i++)
		if (monitor->instances[i]->interface)
			instance_json(monitor->instances[i], programs ? &programs[i] : NULL, json);
	json_array_end(json);
	json_key(json, "attached-by");
	json_array_begin(json);
	for (size_t i = 0; i < monitor->n_patterns; i++)
		json_put_name(json, monitor->patterns[i]->text);
	json_array_end(json);
	sections_json(monitor, json);
	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++)
		metrics_json(monitor->dataplane, direction, json);
	json_key(json, "feeds");
	text_add(json_value(json), feeds->data, feeds->len);
	json_object_end(json);
	pthread_mutex_unlock(&monitor->state);
	for (size_t i = 0; programs && i < monitor->n_instances; i++)
		text_release(&programs[i]);
	free(programs);
	pthread_mutex_unlock(&monitor->links);
}

int status_show(struct registry *registry, const char *name, struct text *out, struct error *err)
{
	struct json_writer json = { .out = out };
	_cleanup_(monitor_list_release) struct monitor_list list = {};
	_cleanup_(snapshot_release) struct snapshot all = {};
	_cleanup_text_ struct text feeds = {};
	int r = registry_list(registry, name, &list, err);

	if (r == 0)
		r = registry_snapshot(registry, NULL, &all, err);
	if (r == 0)
		r = registry_feeds_json(registry, name, &feeds, err);
	if (r == 0)
		status_json(list.monitors[0], &all, &feeds, &json);
	return r;
}

static void add_problem(struct text *out, const struct monitor *monitor, const char *problem)
{
	text_printf(out, "monitor %s: ", monitor->name);
	text_show(out, problem, strlen(problem), true);
	text_addc(out, '\n');
}

int status_troubles(struct registry *registry, struct text *out, struct error *err)
{
	_cleanup_(monitor_list_release) struct monitor_list list = {};
	int r = registry_list(registry, NULL, &list, err), problems = 0;

	for (size_t i = 0; r == 0 && i < list.n; i++) {
		struct monitor *monitor = list.monitors[i];
		const char *problem;

		pthread_mutex_lock(&monitor->state);
		problem = monitor_health_reason(monitor);
		if (problem) {
			add_problem(out, monitor, problem);
			problems++;
		}
		if (problem && monitor->attach_error && problem != monitor->attach_error)
			add_problem(out, monitor, monitor->attach_error);
		pthread_mutex_unlock(&monitor->state);
	}
	return r < 0 ? r : problems;
}
