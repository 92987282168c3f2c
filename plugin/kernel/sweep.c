/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/sweep.h"
#include "kernel/filter.h"
#include "kernel/libbpf_log.h"
#include "kernel/owner.h"
#include "kernel/tc.h"

#include <errno.h>
#include <net/if.h>

static void report_removal(struct text *report, int ifindex, const char *kind, pid_t pid)
{
	char name[IF_NAMESIZE];

	if (!if_indextoname((unsigned int)ifindex, name))
		snprintf(name, sizeof(name), "%d", ifindex);
	text_printf(report, "interface %s: removed a %s that collectd (pid %ld) left behind\n",
		    name, kind, (long)pid);
}

/*
 * Removes the filter if its owner is dead. Returns 1 if removed, 0 if not, -errno if the owner
 * cannot be determined. *owner is valid if the result is 1.
 */
static int sweep_filter(int ifindex, enum direction direction, bool kept,
			const struct filter *filter, struct owner *owner)
{
	const struct attachment stale = {
		.ifindex = ifindex,
		.direction = direction,
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

static int sweep_interface(const struct qdisc *qdisc, bool kept, struct text *report)
{
	enum direction end = qdisc->clsact ? N_DIRECTIONS : EGRESS;
	int removed = 0;
	pid_t maker = 0; /* process that created the qdisc; 0: no dead process */

	for (enum direction direction = 0; direction < end; direction++) {
		_cleanup_filters_ struct filter_list list = {};
		int r = filter_list_get(qdisc->ifindex, direction, &list);

		for (size_t i = 0; r >= 0 && i < list.n; i++) {
			struct owner owner;

			r = sweep_filter(qdisc->ifindex, direction, kept, &list.items[i], &owner);
			if (r <= 0)
				continue;
			removed++;
			report_removal(report, qdisc->ifindex, "filter", owner.pid);
			if (owner.made)
				maker = owner.pid;
		}
		if (r < 0)
			return r;
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
		text_adds(report, "cannot find tc filters that a killed collectd left behind: "
				  "CAP_SYS_ADMIN is missing\n");
	return r < 0 ? r : removed;
}
