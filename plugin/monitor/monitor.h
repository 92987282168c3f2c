/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A monitor: a named dataplane and the interfaces it is attached to.
 *
 * Reference counted; the registry holds one reference as long as the monitor exists.
 * Three locks. control serializes everything that changes the monitor and may be held for
 * as long as a compilation takes; monitor_begin() and monitor_end() take and release it.
 * links guards what the hooks run and is held for as long as it takes to put other programs there;
 * a read that swaps takes it, too. state guards what readers see and is held for moments only.
 * Order: control, a swap's, links, the registry's, state, the feeds'.
 */
#ifndef DYNMON_MONITOR_MONITOR_H
#define DYNMON_MONITOR_MONITOR_H

#include "config/pattern.h"
#include "config/settings.h"
#include "kernel/hook.h"
#include "kernel/netns.h"
#include "monitor/read_stats.h"
#include "persist/history.h"
#include "persist/pins.h"
#include "program/generation.h"

#include <pthread.h>
#include <time.h>

/* A loaded copy of the monitor's dataplane, on one interface. */
struct instance {
	/* -- protected by control -- */
	const struct pattern *pattern; /* why it is there; NULL: it is on no interface */
	bool spent; /* its interface is gone for good: the next one counts from zero */
	/* -- protected by state; changed with control held, too -- */
	char *interface;	       /* NULL: none */
	int ifindex;		       /* 0: the interface does not exist now */
	bool troubled;		       /* the interface is there, attaching failed */
	struct generation *generation; /* NULL: the empty dataplane; with Share all have the same.
					  Changed with links held, too */
	/* -- protected by links -- */
	struct attachment attachments[PATH_COUNT];
	/* -- of monitors with Pin, protected by control -- */
	char *place;		 /* where it is pinned; NULL: nowhere yet */
	bool pinned[PATH_COUNT]; /* its attachments are */
	int adopted[PATH_COUNT]; /* programs that run and were another process's; 0: none */
};

/* Returns true if the dataplane runs on the instance's interface. Under state. */
static inline bool instance_is_attached(const struct instance *instance)
{
	return instance->ifindex && instance->generation && !instance->troubled;
}

struct monitor;

/* What monitors find around them. Outlives them. */
struct monitor_context {
	/* A public map of any monitor but asking: a descriptor that is taken, or -ENOENT. */
	int (*find_map)(void *data, const struct monitor *asking, const char *name);
	/* What the monitor of that name runs on an interface where asking is; 0: nothing. */
	uint32_t (*find_program)(void *data, const struct monitor *asking, const char *name,
				 int ifindex, enum path path);
	/* Brings a generation of the monitor up to date with its feeds, as feeds_put(). */
	void (*feed)(void *data, const struct monitor *monitor, struct generation *generation,
		     struct text *news);
	/* As feeds_refill(). */
	void (*refill)(void *data, const struct monitor *monitor, struct generation *generation,
		       bool twin);
	/* A monitor has begun to leave interfaces unattached, see registry_retry(). */
	void (*tell_unattached)(void *data);
	void *data;
	struct pin_store *pins;
};

struct monitor {
	unsigned int refs;			/* atomic */
	unsigned int id;			/* CUBE_ID of dialect code, from 1 */
	uint64_t serial;			/* of all monitors there ever were */
	const struct monitor_settings settings; /* never changes */
	const struct monitor_context *context;	/* NULL: it is alone */
	const struct hook *hook;
	bool configured;	       /* stands in collectd.conf */
	struct read_stats *read_stats; /* set before others know the monitor */

	pthread_mutex_t control;
	bool stale; /* atomic: interfaces have changed while control was held */
	/* -- protected by control -- */
	bool deleted; /* nothing may be attached any more; changed with links held, too */
	bool document_confined;
	bool document_leave[PATH_COUNT]; /* paths that it leaves as they are */
	struct pins *pins;		 /* NULL: it is without Pin */
	struct history history;		 /* of what was injected; empty: nothing was */
	bool in_trouble;		 /* a notice said so */

	pthread_mutex_t links;
	int netns_fd; /* the namespace of its interfaces; -1: collectd's own, or it is not there */

	pthread_mutex_t state;
	/* -- protected by state; changed with control held, too -- */
	struct dataplane *dataplane; /* NULL: the empty one */
	char *log_level;	     /* that of settings, unless it was changed at runtime */
	char *document_file;	     /* what a reload reads again; NULL: nothing */
	bool outdated;		     /* runs something else than its document says, or nothing */
	bool wanting;		     /* the last change failed for want of another monitor */
	struct pattern **patterns;   /* the interfaces that it is for */
	size_t n_patterns;
	/* At least one; without a pattern, only that one. Changed with links held, too. */
	struct instance **instances;
	size_t n_instances;
	char *last_error;   /* of the last change if it failed, else NULL */
	char *attach_error; /* why matching interfaces are not attached; NULL: all are */
	int attach_code;    /* -errno of attach_error; 0: all are attached */
	size_t unattached;  /* number of unattached interfaces, or a lower bound */
	uint64_t changes;   /* dataplanes switched to */
	uint64_t failures;  /* failed changes of its own, without refused requests */
	time_t changed;	    /* time of the last successful change, since 1970; 0: none */
};

/*
 * Makes a monitor that is attached nowhere. settings are taken, also on failure.
 * The interfaces of settings get an instance each; monitor_refresh() attaches them.
 */
int monitor_new(struct monitor_settings *settings, unsigned int id, uint64_t serial,
		bool configured, struct monitor **ret, struct error *err);
struct monitor *monitor_ref(struct monitor *monitor);
/* The last one detaches everything that was not left. */
struct monitor *monitor_unref(struct monitor *monitor);
DEFINE_CLEANUP(struct monitor *, monitor_unref);

void monitor_begin(struct monitor *monitor);
/* Also catches up with interfaces that changed meanwhile, and with feeds. */
void monitor_end(struct monitor *monitor);
DEFINE_CLEANUP(struct monitor *, monitor_end);

/*
 * Looks at the interfaces again: attaches where one has appeared, forgets where one is gone.
 * Safe from any thread; does not wait for a change that is under way. Logs what it finds.
 */
void monitor_refresh(struct monitor *monitor);

/* Brings what the instances run up to date with the feeds. Under control. news: as feeds_put(). */
void monitor_feed(const struct monitor *monitor, struct text *news);

/* Detaches from the interfaces that were attached by that word, or from all: NULL. Under control.
 * -ENOENT; -EINVAL: a regular expression has put it there. */
int monitor_detach(struct monitor *monitor, const char *interface, struct error *err);

/* Whether an interface was attached by that word, or is one that is attached. Under control or
 * state. */
bool monitor_has_interface(const struct monitor *monitor, const char *interface);

/*
 * What an interface is attached by: the word as it was written, but for a name, which follows its
 * interface when that gets another one. Under control or state.
 */
const char *monitor_word(const struct monitor *monitor, const struct pattern *pattern);

/*
 * Detaches everything for good. leave: of a monitor with Pin everything goes on, and stays to be
 * adopted. Waits for a change that is under way.
 */
void monitor_stop(struct monitor *monitor, bool leave);
/* The same, under control. */
void monitor_close(struct monitor *monitor, bool leave);

/**
 * monitor_note() - record the outcome of a change for display
 * @monitor:  under control
 * @err:      NULL for a change that was made; otherwise why the monitor does not run what its own
 *            document says
 *
 * Refused requests are not noted: such a request does not change the monitor, and the failure is
 * the client's.
 */
void monitor_note(struct monitor *monitor, const struct error *err);

/**
 * monitor_note_unattached() - record the unattached interfaces after a scan of all interfaces
 * @monitor:  under control
 * @n:        number of matching interfaces that are not attached, or a lower bound
 * @err:      the reason of the first one; code 0 if all are attached
 *
 * Logs a change of the number or the reason. Counts a failure when the number rises from 0.
 */
void monitor_note_unattached(struct monitor *monitor, size_t n, const struct error *err);

/* The monitor runs what its document says, after a failure that is mended. */
void monitor_settle(struct monitor *monitor);

/*
 * What a reload reads from now on; NULL: nothing. leave: the paths that stay as they are; NULL for
 * none. Under control. -ENOMEM: as it was.
 */
int monitor_set_document(struct monitor *monitor, const char *file, bool confined,
			 const bool leave[PATH_COUNT]);

/* Another log level for code that is compiled from now on; taken. Under control. */
void monitor_set_log_level(struct monitor *monitor, char *level);

enum monitor_state {
	MONITOR_EMPTY,	  /* no dataplane */
	MONITOR_RUNNING,  /* on all its interfaces */
	MONITOR_WAITING,  /* for an interface to be there */
	MONITOR_DETACHED, /* from all interfaces */
	MONITOR_DEGRADED, /* attached to some of the existing interfaces, not to all */
	MONITOR_FAILED,	  /* its dataplane is not loaded or not attached anywhere */
};

/* Under state. */
enum monitor_state monitor_get_state(const struct monitor *monitor);
const char *monitor_state_name(enum monitor_state state);

/**
 * monitor_trouble() - the reason why a monitor is not healthy
 * @monitor:  under state
 *
 * Return: a message that is valid under state, or NULL if the monitor is healthy. Notifications,
 * /healthz and the order of the page all use this definition of health.
 */
const char *monitor_trouble(const struct monitor *monitor);

/* The text of last-error: last_error, or else attach_error. Under state. */
const char *monitor_last_error(const struct monitor *monitor);

#endif
