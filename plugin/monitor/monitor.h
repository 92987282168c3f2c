/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A monitor: a named dataplane and the interfaces it is attached to.
 *
 * Reference counted; the registry holds one reference as long as the monitor exists.
 * Two locks. control serializes everything that changes the monitor and may be held for
 * as long as a compilation takes; monitor_begin() and monitor_end() take and release it.
 * state guards what readers see and is held for moments only. Order: control, registry's,
 * state.
 */
#ifndef DYNMON_MONITOR_MONITOR_H
#define DYNMON_MONITOR_MONITOR_H

#include "kernel/hook.h"
#include "monitor/generation.h"
#include "monitor/settings.h"

#include <pthread.h>

/* A loaded copy of the monitor's dataplane, on one interface. */
struct instance {
	char *interface; /* NULL: on none yet */
	/* -- protected by state -- */
	int ifindex;		       /* 0: the interface does not exist now */
	bool troubled;		       /* the interface is there, attaching failed */
	struct generation *generation; /* NULL: the empty dataplane */
	/* -- protected by control -- */
	struct attachment attachments[PATH_COUNT];
};

struct monitor {
	unsigned int refs;			/* atomic */
	unsigned int id;			/* CUBE_ID of dialect code, from 1 */
	uint64_t serial;			/* of all monitors there ever were */
	const struct monitor_settings settings; /* never changes */
	const struct hook *hook;
	bool configured; /* stands in collectd.conf */

	pthread_mutex_t control;
	bool stale; /* atomic: interfaces have changed while control was held */
	/* -- protected by control -- */
	bool deleted; /* nothing may be attached any more */
	bool document_confined;
	bool document_leave[PATH_COUNT]; /* paths that it leaves as they are */

	pthread_mutex_t state;
	/* -- protected by state; changed with control held, too -- */
	struct dataplane *dataplane; /* NULL: the empty one */
	char *document_file;	     /* what a reload reads again; NULL: nothing */
	bool outdated;		     /* runs something else than its document says, or nothing */
	struct instance **instances; /* at least one */
	size_t n_instances;
	char *last_error;  /* of the last change that failed; NULL after one that did not */
	uint64_t changes;  /* dataplanes switched to */
	uint64_t failures; /* changes that failed */
};

/*
 * Makes a monitor that is attached nowhere. settings are taken, also on failure.
 * The interfaces of settings get an instance each; monitor_refresh() attaches them.
 */
int monitor_new(struct monitor_settings *settings, unsigned int id, uint64_t serial,
		bool configured, struct monitor **ret, struct error *err);
struct monitor *monitor_ref(struct monitor *monitor);
/* The last one detaches everything. */
struct monitor *monitor_unref(struct monitor *monitor);
DEFINE_CLEANUP(struct monitor *, monitor_unref);

void monitor_begin(struct monitor *monitor);
/* Also catches up with interfaces that changed meanwhile. */
void monitor_end(struct monitor *monitor);
DEFINE_CLEANUP(struct monitor *, monitor_end);

/*
 * Lets every instance run dataplane, or none: all generations are loaded before the first
 * link is switched, and what was switched is switched back when one fails. Under control.
 * dataplane: a reference is taken; NULL is the empty one.
 * interface: a further interface to attach to in the same step, or NULL.
 * -ENODEV: that interface does not exist. -EEXIST: it is attached already.
 */
int monitor_switch(struct monitor *monitor, struct dataplane *dataplane, const char *interface,
		   const struct surroundings *around, struct error *err);

/* Detaches from an interface, or from all when it is NULL. Under control. -ENOENT. */
int monitor_detach(struct monitor *monitor, const char *interface, struct error *err);

/* Whether the monitor has an instance for that interface. Under control or state. */
bool monitor_has_interface(const struct monitor *monitor, const char *interface);

/*
 * Looks at the interfaces again: attaches where one has appeared, forgets where one is gone.
 * Safe from any thread; does not wait for a change that is under way. Logs what it finds.
 */
void monitor_refresh(struct monitor *monitor);

/* Detaches everything for good. Waits for a change that is under way. */
void monitor_stop(struct monitor *monitor);

/*
 * Remembers the outcome of a change for people to look at. err: NULL for a good one.
 * outdated: after a failure the monitor does not run what its document says.
 */
void monitor_note(struct monitor *monitor, const struct error *err, bool outdated);

/* The monitor runs what its document says, after a failure that is mended. */
void monitor_settle(struct monitor *monitor);

/*
 * What a reload reads from now on; NULL: nothing. leave: the paths that stay as they are; NULL for
 * none. Under control. -ENOMEM: as it was.
 */
int monitor_set_document(struct monitor *monitor, const char *file, bool confined,
			 const bool leave[PATH_COUNT]);

enum monitor_state {
	MONITOR_EMPTY,	  /* no dataplane */
	MONITOR_RUNNING,  /* on all its interfaces */
	MONITOR_WAITING,  /* for an interface to be there */
	MONITOR_DETACHED, /* from all interfaces */
	MONITOR_FAILED,	  /* there should be a dataplane, and it could not be loaded or attached */
};

/* Under state. */
enum monitor_state monitor_get_state(const struct monitor *monitor);
const char *monitor_state_name(enum monitor_state state);

#endif
