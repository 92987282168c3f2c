/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/tracking.h"
#include "base/log.h"
#include "monitor/attach.h"
#include "monitor/notification.h"
#include "monitor/pinning.h"
#include "monitor/registry.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>

/* Opens the namespace when it appears, and closes it when it is gone or replaced. */
static void follow_netns(struct monitor *monitor)
{
	const char *name = monitor->settings->netns;
	int fd = monitor->netns_fd;

	if (!name || (fd >= 0 && netns_is(fd, name)))
		return;
	fd = netns_open(name, NULL);
	if (fd < 0 && monitor->netns_fd < 0)
		return;
	log_notice("monitor %s: network namespace %s %s", monitor->name, name,
		   fd < 0 ? "is gone" : "has appeared");
	/* Interface indexes of the old namespace are meaningless in the new one. */
	for (size_t i = 0; monitor->netns_fd >= 0 && i < monitor->n_instances; i++) {
		struct instance *instance = monitor->instances[i];

		if (instance->ifindex)
			notification_post(NOTIFICATION_WARNING, monitor->name, instance->interface,
					  "interface %s is gone", instance->interface);
		instance_withdraw(monitor, instance, NULL);
	}
	pthread_mutex_lock(&monitor->links);
	fd_close(&monitor->netns_fd);
	monitor->netns_fd = fd;
	pthread_mutex_unlock(&monitor->links);
}

int tracking_list(struct monitor *monitor, struct netif_list *ret, struct error *err)
{
	struct netns_visit visit;
	int r;

	*ret = (struct netif_list){};
	follow_netns(monitor);
	if (monitor->settings->netns && monitor->netns_fd < 0)
		return 0;
	r = netns_enter(monitor->netns_fd, &visit);
	if (r < 0)
		return error_set(err, r, "network namespace %s cannot be entered: %s",
				 monitor->settings->netns, netns_strerror(r));
	r = netif_list_get(ret, err);
	netns_leave(&visit);
	return r;
}

bool *tracking_mark(const struct monitor *monitor, const struct netif_list *list)
{
	bool *marks = calloc(list->n + 1, sizeof(*marks));

	for (size_t i = 0; marks && i < monitor->n_instances; i++) {
		int ifindex = monitor->instances[i]->ifindex;
		const struct netif *netif = ifindex ? netif_list_at(list, ifindex) : NULL;

		if (netif)
			marks[netif - list->items] = true;
	}
	return marks;
}

/* One scan of all interfaces, with the matching interfaces that are not attached. */
struct scan {
	struct netif_list list;
	bool *has_instance; /* marks, one for each item of list */
	bool load_failed;   /* do not retry: all instances load the same objects */
	size_t unattached;
	struct error first; /* reason of the first failure */
};

static void scan_release(struct scan *scan)
{
	netif_list_release(&scan->list);
	free(scan->has_instance);
	error_release(&scan->first);
}

/* Takes ownership of the content of err. */
static void scan_add_unattached(struct scan *scan, struct error *err)
{
	scan->unattached++;
	if (scan->first.code)
		return;
	scan->first = *err;
	*err = (struct error){};
}

static bool has_instance(const struct monitor *monitor, const struct pattern *pattern,
			 const struct instance *but)
{
	for (size_t i = 0; i < monitor->n_instances; i++)
		if (monitor->instances[i] != but && monitor->instances[i]->pattern == pattern)
			return true;
	return false;
}

static void tracking_attach(struct monitor *monitor, struct instance *instance, int ifindex,
			    struct scan *scan)
{
	const char *name = monitor->name;
	_cleanup_error_ struct error err = {};
	struct netns_visit visit;
	int r;

	r = links_begin(monitor, &visit, &err);
	if (r == 0)
		r = instance_attach(monitor, instance, ifindex, &err);
	/* Without a dataplane, pins of another process have not been adopted yet; keep them. */
	if (r == 0 && instance->generation)
		pinning_settle(monitor, instance, 0);
	links_end(monitor, &visit);
	monitor_set_place(monitor, instance, NULL, ifindex, r < 0);
	if (r < 0) {
		scan_add_unattached(scan, &err);
	} else if (instance->generation) {
		log_info("monitor %s: interface %s has appeared", name, instance->interface);
		notification_post(NOTIFICATION_OKAY, name, instance->interface,
				  "interface %s has appeared", instance->interface);
	}
}

/* Handles an interface that is gone or no longer matches. */
static void tracking_withdraw(struct monitor *monitor, size_t i, const char *reason)
{
	struct instance *instance = monitor->instances[i];

	log_notice("monitor %s: interface %s %s", monitor->name, instance->interface, reason);
	notification_post(NOTIFICATION_WARNING, monitor->name, instance->interface,
			  "interface %s %s", instance->interface, reason);
	if (!pattern_name(instance->pattern) || has_instance(monitor, instance->pattern, instance))
		instance_drop(monitor, i, true);
	else
		instance_withdraw(monitor, instance, pattern_name(instance->pattern));
}

static void follow_instance(struct monitor *monitor, struct scan *scan, size_t i)
{
	const struct netif_list *list = &scan->list;
	struct instance *instance = monitor->instances[i];
	const struct pattern *pattern = instance->pattern;
	const struct netif *netif = netif_list_at(list, instance->ifindex);

	if (!pattern)
		return;
	if (!instance->ifindex) { /* a regular expression does not wait for a name */
		if (!pattern_name(pattern) && !netif_list_find(list, instance->interface))
			instance_drop(monitor, i, true);
		return;
	}
	if (!netif) {
		tracking_withdraw(monitor, i, "is gone");
		return;
	}
	if (!pattern_keeps(pattern, list, netif)) {
		tracking_withdraw(monitor, i,
				  pattern->bridge ? "is no port of the bridge any more"
						  : "has another name");
		return;
	}
	if (strcmp(netif->name, instance->interface) != 0) {
		log_notice("monitor %s: interface %s is called %s now", monitor->name,
			   instance->interface, netif->name);
		monitor_set_place(monitor, instance, netif->name, instance->ifindex,
				  instance->attach_failed);
		pinning_follow(monitor, instance);
	}
	if (instance->attach_failed)
		tracking_attach(monitor, instance, instance->ifindex, scan);
}

/* Returns an instance of the pattern that waits for the interface, or NULL. */
static struct instance *waiting_instance(const struct monitor *monitor,
					 const struct pattern *pattern, const char *name)
{
	for (size_t i = 0; i < monitor->n_instances; i++) {
		struct instance *instance = monitor->instances[i];

		if (instance->pattern == pattern && !instance->ifindex &&
		    (pattern_name(pattern) || !strcmp(instance->interface, name)))
			return instance;
	}
	return NULL;
}

/* Creates an instance for an interface that matches a pattern, or returns NULL. */
static struct instance *create_instance(struct monitor *monitor, const struct pattern *pattern,
					const char *name, struct scan *scan)
{
	_cleanup_(generation_unrefp) struct generation *generation = NULL;
	_cleanup_(instance_freep) struct instance *instance = NULL;
	const struct instance *first = monitor->instances[0];
	const struct inheritance nothing = {};
	_cleanup_error_ struct error err = {};
	uint64_t number = 0;
	int r = 0;

	if (scan->load_failed) {
		scan->unattached++;
		return NULL;
	}
	if (monitor->n_instances >= INTERFACES_MAX)
		r = error_set(&err, -E2BIG, "a monitor attaches to at most %d interfaces",
			      INTERFACES_MAX);
	instance = r == 0 ? instance_new(pattern, name) : NULL;
	if (r == 0 && !instance)
		r = error_oom(&err);
	/* With Share all instances have one generation; the first one inherits a placeholder's. */
	if (monitor->settings->share || (!first->pattern && !first->obsolete))
		generation = generation_ref(first->generation);
	else if (r == 0 && monitor->dataplane)
		r = instance_load(monitor, instance, monitor->dataplane, &nothing, &generation,
				  &err);
	scan->load_failed = r < 0;
	if (r == 0) /* no old program runs that could still count */
		r = generation_add_past(generation, &err);
	if (r == 0)
		r = pinning_save(monitor, instance, generation, &number, &err);
	if (r == 0) {
		instance->generation = steal_ptr(&generation);
		generation_keep(instance->generation);
		r = instance_add(monitor, instance);
	}
	if (r < 0) {
		error_prefix(&err, r, "interface %s", name);
		scan_add_unattached(scan, &err);
		return NULL;
	}
	return steal_ptr(&instance);
}

static void follow_pattern(struct monitor *monitor, struct scan *scan,
			   const struct pattern *pattern)
{
	const struct netif_list *list = &scan->list;
	bool seen = false;

	for (size_t i = 0; i < list->n; i++) {
		const struct netif *netif = &list->items[i];
		struct instance *instance;

		if (scan->has_instance[i] || !pattern_matches(pattern, list, netif))
			continue;
		seen = scan->has_instance[i] = true; /* other patterns would fail in the same way */
		instance = waiting_instance(monitor, pattern, netif->name);
		if (!instance)
			instance = create_instance(monitor, pattern, netif->name, scan);
		if (instance)
			tracking_attach(monitor, instance, netif->index, scan);
	}
	/* A name without interface gets an instance that waits. */
	if (pattern_name(pattern) && !seen && !has_instance(monitor, pattern, NULL))
		create_instance(monitor, pattern, pattern_name(pattern), scan);
}

void tracking_note_unattached(struct monitor *monitor, size_t n, const struct error *err)
{
	const char *name = monitor->name;
	bool news = err->code != monitor->attach_code || n != monitor->unattached;
	bool begins = err->code && !monitor->attach_code;
	char *message = NULL, *old;

	if (!news && !err->code)
		return;
	if (n > 1 &&
	    asprintf(&message, "%zu interfaces are not attached: %s", n, error_message(err)) < 0)
		message = NULL;
	else if (n == 1)
		message = strdup(error_message(err));
	if (news && n)
		log_error("monitor %s: %s", name, message ? message : "out of memory");
	else if (news)
		log_notice("monitor %s: all of its interfaces are attached", name);
	pthread_mutex_lock(&monitor->state);
	if (begins)
		monitor->failures++;
	old = monitor->attach_error;
	monitor->attach_error = message;
	monitor->attach_code = err->code;
	monitor->unattached = n;
	pthread_mutex_unlock(&monitor->state);
	free(old);
	if (begins && monitor->registry)
		eventfd_write(monitor->registry->list_fd, 1);
}

void tracking_refresh(struct monitor *monitor)
{
	_cleanup_(scan_release) struct scan scan = {};
	int r;

	if (monitor->deleted)
		return;
	r = tracking_list(monitor, &scan.list, &scan.first);
	if (r == 0) {
		for (size_t i = monitor->n_instances; i-- > 0;)
			follow_instance(monitor, &scan, i);
		scan.has_instance = tracking_mark(monitor, &scan.list);
		if (!scan.has_instance)
			r = error_oom(&scan.first);
		for (size_t i = 0; r == 0 && i < monitor->n_patterns; i++)
			follow_pattern(monitor, &scan, monitor->patterns[i]);
	}
	/* The interfaces changed during the listing; that change triggers the next scan. */
	if (r == -EINTR)
		return;
	if (r < 0) /* the number of unattached interfaces is unknown */
		scan.unattached++;
	tracking_note_unattached(monitor, scan.unattached, &scan.first);
}

void monitor_begin(struct monitor *monitor)
{
	pthread_mutex_lock(&monitor->control);
}

void monitor_feed(const struct monitor *monitor, struct text *news)
{
	for (size_t i = 0; monitor->registry && !monitor->deleted && i < monitor->n_instances; i++)
		feeds_put(monitor->registry->feeds, monitor->name,
			  monitor->instances[i]->generation, news);
}

void monitor_end(struct monitor *monitor)
{
	const char *name = monitor->name, *reason;

	do {
		bool stale = __atomic_exchange_n(&monitor->stale, false, __ATOMIC_ACQ_REL);
		_cleanup_text_ struct text news = {};

		/* A change may have freed resources that an attachment needs. */
		if (stale || monitor->attach_code)
			tracking_refresh(monitor);
		/* Feeds may have changed while control was held. */
		monitor_feed(monitor, &news);
		if (news.len)
			log_error("monitor %s: %s", name, text_str(&news));
		pthread_mutex_lock(&monitor->state);
		reason = monitor_health_reason(monitor);
		if (reason && !monitor->unhealthy && !monitor->deleted)
			notification_post(NOTIFICATION_FAILURE, name, NULL, "monitor %s: %s", name,
					  reason);
		else if (!reason && monitor->unhealthy && !monitor->deleted)
			notification_post(NOTIFICATION_OKAY, name, NULL, "monitor %s has recovered",
					  name);
		pthread_mutex_unlock(&monitor->state);
		monitor->unhealthy = reason != NULL;
		pthread_mutex_unlock(&monitor->control);
		/* A thread that set stale while control was held relies on this one to scan. */
	} while (__atomic_load_n(&monitor->stale, __ATOMIC_ACQUIRE) &&
		 pthread_mutex_trylock(&monitor->control) == 0);
}

void monitor_refresh(struct monitor *monitor)
{
	__atomic_store_n(&monitor->stale, true, __ATOMIC_RELEASE);
	if (pthread_mutex_trylock(&monitor->control) == 0)
		monitor_end(monitor);
}
