/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/sweep.h"
#include "kernel/filter.h"
#include "kernel/libbpf_log.h"
#include "kernel/owner.h"
#include "kernel/tc.h"

#include <errno.h>
#include <net/if.h>

static void report_removal(struct text *report, int ifindex, const char *what, pid_t pid)
{
	char name[IF_NAMESIZE];

	if (!if_indextoname((unsigned int)ifindex, name))
		snprintf(name, sizeof(name), "%d", ifindex);
	text_printf(report, "interface %s: a %s that collectd (pid %ld) left behind is removed\n",
		    name, what, (long)pid);
}

/*
 * Removes a filter of a dead process. Returns 1 if removed, 0 if not, -errno if the owner cannot be
 * determined. *owner is valid if the result is 1.
 */
static int sweep_filter(int ifindex, bool egress, bool kept, const struct filter *filter,
			struct owner *owner)
{
	const struct attachment stale = {
		.ifindex = ifindex,
		.egress = egress,
		.handle = filter->handle,
		.priority = filter->priority,
		.prog_id = filter->prog_id,
	};
	int r;

	if (!filter->prog_id || filter->chain != 0)
		return 0;
	r = owner_of(filter->prog_id, ifindex, owner);
	if (r <= 0 || owner->alive || (owner->kept && !kept))
		return r < 0 ? r : 0;
	/* A filter of another collectd: that one adopts or removes it when it runs. */
	if (!owner->ours && (owner->known || owner->kept))
		return 0;
	/*
	 * The owner map goes away with the program, so first record the qdisc as created by this
	 * process.
	 */
	if (owner->made)
		owner_set_made(ifindex, true);
	return tc_remove(&stale);
}

static int sweep_direction(int ifindex, bool egress, bool kept, pid_t *maker, struct text *report)
{
	_cleanup_filters_ struct filter_list list = {};
	int r = filter_list_get(ifindex, egress, &list), removed = 0;

	for (size_t i = 0; r >= 0 && i < list.n; i++) {
		struct owner owner;

		r = sweep_filter(ifindex, egress, kept, &list.items[i], &owner);
		if (r <= 0)
			continue;
		removed++;
		report_removal(report, ifindex, "filter", owner.pid);
		if (owner.made)
			*maker = owner.pid;
	}
	return r < 0 ? r : removed;
}

static int sweep_interface(const struct qdisc *qdisc, bool kept, struct text *report)
{
	int removed = 0;
	pid_t maker = 0;

	for (int egress = 0; egress < (qdisc->clsact ? 2 : 1); egress++) {
		int r = sweep_direction(qdisc->ifindex, egress, kept, &maker, report);

		if (r < 0)
			return r;
		removed += r;
	}
	if (maker && tc_clean(qdisc->ifindex)) {
		report_removal(report, qdisc->ifindex, "clsact qdisc", maker);
		removed++;
	}
	return removed;
}

int hook_sweep(bool kept, struct text *report)
{
	_cleanup_qdiscs_ struct qdisc_list list = {};
	int r = qdisc_list_get(&list), removed = 0;

	libbpf_log_begin(NULL);
	for (size_t i = 0; r >= 0 && i < list.n; i++) {
		r = sweep_interface(&list.items[i], kept, report);
		removed += r > 0 ? r : 0;
	}
	libbpf_log_end();
	if (r == -EPERM)
		text_adds(report, "whether filters were left behind cannot be found out: "
				  "CAP_SYS_ADMIN is missing\n");
	return r < 0 ? r : removed;
}
