/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Feeds: passes values from collectd to the monitors. */
#include "base/log.h"
#include "monitor/registry_private.h"

int registry_set_feeds(struct registry *registry, struct settings *settings, struct text *report,
		       struct error *err)
{
	return feeds_set(registry->feeds, settings, report, err);
}

bool registry_wants(const struct registry *registry, const char *plugin)
{
	return feeds_want(registry->feeds, plugin);
}

/*
 * Generations published after the snapshot are brought up to date by their publisher, see feed.h. A
 * missing monitor gets the value when it is created.
 */
static void deliver(void *data, const char *monitor)
{
	struct registry *registry = data;
	_cleanup_(snapshot_release) struct snapshot snapshot = {};
	_cleanup_text_ struct text news = {};

	if (registry_snapshot(registry, monitor, &snapshot, NULL) < 0)
		return;
	for (size_t i = 0; i < snapshot.n; i++)
		feeds_put(registry->feeds, monitor, snapshot.items[i].generation, &news);
	if (news.len)
		log_error("monitor %s: %s", monitor, text_str(&news));
}

void registry_feed(struct registry *registry, const struct feed_source *source)
{
	_cleanup_text_ struct text news = {};

	feeds_take(registry->feeds, source, deliver, registry, &news);
	if (news.len)
		log_error("%s", text_str(&news));
}

struct waiting {
	struct registry *registry;
	struct text *report; /* may be NULL */
	uint64_t n;
};

static void look_for_monitor(void *data, const char *feed, const char *name)
{
	struct waiting *waiting = data;
	_cleanup_(monitor_unrefp) struct monitor *monitor = registry_find(waiting->registry, name);

	if (monitor)
		return;
	waiting->n++;
	if (waiting->report)
		text_printf(waiting->report,
			    "feed \"%s\": no monitor is called \"%s\", waiting for it\n", feed,
			    name);
}

void registry_report_feeds(struct registry *registry, struct text *report)
{
	struct waiting waiting = { registry, report, 0 };

	feeds_each(registry->feeds, true, look_for_monitor, &waiting);
}

void registry_feed_stats(struct registry *registry, struct feed_stats *ret, uint64_t *waits)
{
	struct waiting waiting = { registry, NULL, 0 };

	feeds_stats(registry->feeds, ret);
	feeds_each(registry->feeds, false, look_for_monitor, &waiting);
	*waits = waiting.n;
}

int registry_feeds_json(struct registry *registry, const char *name, struct text *out,
			struct error *err)
{
	_cleanup_(snapshot_release) struct snapshot snapshot = {};
	_cleanup_free_ const struct generation **generations = NULL;
	int r = registry_snapshot(registry, name, &snapshot, err);

	if (r < 0)
		return r;
	generations = calloc(snapshot.n + 1, sizeof(*generations));
	if (!generations)
		return error_oom(err);
	for (size_t i = 0; i < snapshot.n; i++)
		generations[i] = snapshot.items[i].generation;
	feeds_json(registry->feeds, name, generations, snapshot.n, out);
	return 0;
}
