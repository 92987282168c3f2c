/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A monitor: a named dataplane and the interfaces it is attached to.
 *
 * Reference counted. The registry holds one reference as long as the monitor exists. A monitor has
 * three locks:
 *
 *   control  serializes all changes of the monitor; may be held during a compilation.
 *            Taken by monitor_begin(), released by monitor_end().
 *   links    guards which programs the hooks run; held while programs are replaced.
 *            swap-on-read takes this lock, too.
 *   state    guards what readers see; held only briefly.
 *
 * Lock order: reload (of the registry), control, swap, links, registry, state, feeds. "Under
 * control" means that the caller holds the control lock; "under state" likewise.
 */
#ifndef DYNMON_MONITOR_MONITOR_H
#define DYNMON_MONITOR_MONITOR_H

#include "config/settings.h"
#include "kernel/netns.h"
#include "monitor/instance.h"
#include "monitor/read_stats.h"
#include "persist/history.h"
#include "persist/pins.h"

#include <pthread.h>
#include <time.h>

struct registry;

struct monitor {
	unsigned int refs;	   /* atomic */
	unsigned int id;	   /* CUBE_ID of code in the Polycube dialect, at least 1 */
	uint64_t serial;	   /* unique; serial numbers are never reused */
	char *name;		   /* immutable */
	struct registry *registry; /* NULL: the monitor is alone */
	const struct hook *hook;
	struct read_stats *read_stats; /* immutable after publication */

	pthread_mutex_t control;
	bool stale; /* atomic: interfaces changed while control was held */
	/* -- protected by control -- */
	bool deleted; /* nothing may be attached any more; writers also hold links */
	bool document_confined;
	bool document_leave[N_DIRECTIONS]; /* directions that the document leaves unchanged */
	struct pins *pins;		   /* NULL: without Pin, or not open */
	struct history history;		   /* of injections; empty: none */
	bool unhealthy;			   /* a notification of the failure was posted */

	pthread_mutex_t links;
	int netns_fd; /* namespace of the interfaces; -1: collectd's own, or missing */

	pthread_mutex_t state;
	/* -- protected by state; writers also hold control -- */
	/*
	 * Immutable object. A change of settings replaces the pointer; writers also hold links.
	 * Name, hook, NetNS, Position, Share and Pin stay the same for the life of the monitor.
	 */
	struct monitor_settings *settings;
	bool configured;	     /* defined in collectd.conf */
	struct dataplane *dataplane; /* NULL: the empty dataplane */
	char *log_level;	     /* as in settings, unless changed at run time */
	char *document_file;	     /* what a reload reads again; NULL: none */
	bool outdated;		     /* does not run what its document says */
	bool missing_monitor;	   /* the last change failed because another monitor was missing */
	struct pattern **patterns; /* the names and regular expressions of interfaces */
	size_t n_patterns;
	/*
	 * At least one. Without patterns, the only instance is a placeholder. Writers also hold
	 * links
	 */
	struct instance **instances;
	size_t n_instances;
	char *last_error;   /* of the last change if it failed, else NULL */
	char *attach_error; /* why matching interfaces are not attached; NULL: all are */
	int attach_code;    /* -errno of attach_error; 0: all are attached */
	size_t unattached;  /* number of unattached interfaces, or a lower bound */
	uint64_t changes;   /* number of successful changes */
	uint64_t failures;  /* failed changes of its own, without refused requests */
	time_t changed;	    /* time of the last successful change, since 1970; 0: none */
};

/**
 * monitor_new() - create a monitor that is not attached to any interface
 * @settings:   ownership is taken, also on failure
 * @id:         CUBE_ID, at least 1
 * @serial:     unique number
 * @configured: the monitor is defined in collectd.conf
 * @ret:        receives the monitor with one reference
 * @err:        receives the reason of a failure
 *
 * Each interface named in the settings gets an instance. monitor_refresh() attaches the instances.
 *
 * Return: 0, or -ENOMEM.
 */
int monitor_new(struct monitor_settings *settings, unsigned int id, uint64_t serial,
		bool configured, struct monitor **ret, struct error *err);

/**
 * monitor_get_settings() - take a reference to the current settings
 * @monitor: takes the state lock
 *
 * Return: the settings, for monitor_settings_unref().
 */
struct monitor_settings *monitor_get_settings(struct monitor *monitor);

/**
 * monitor_ref() - take a reference
 * @monitor: the monitor
 *
 * Return: @monitor.
 */
struct monitor *monitor_ref(struct monitor *monitor);

/**
 * monitor_unref() - drop a reference
 * @monitor: may be NULL
 *
 * Dropping the last reference detaches and frees the monitor.
 *
 * Return: NULL.
 */
struct monitor *monitor_unref(struct monitor *monitor);
DEFINE_CLEANUP(struct monitor *, monitor_unref);

/**
 * monitor_find_pattern() - find a pattern by its text
 * @monitor: under control or state
 * @text:    as in the settings
 *
 * Return: the index of the pattern; n_patterns if there is none.
 */
size_t monitor_find_pattern(const struct monitor *monitor, const char *text);

/**
 * monitor_reserve_patterns() - make room for further patterns
 * @monitor: under control; takes the state lock
 * @n:       number of patterns, at least 1
 *
 * Return: false if out of memory.
 */
bool monitor_reserve_patterns(struct monitor *monitor, size_t n);

/**
 * monitor_has_interface() - check for a pattern or an instance
 * @monitor:   under control or state
 * @interface: text of a pattern or name of an interface
 *
 * Return: true if a pattern has this text or an instance has this interface.
 */
bool monitor_has_interface(const struct monitor *monitor, const char *interface);

/**
 * monitor_interface() - the current text of a pattern
 * @monitor: under control or state
 * @pattern: one of the monitor's
 *
 * A pattern that is an interface name follows its interface when the interface is renamed.
 *
 * Return: a string that is valid as long as the lock is held.
 */
const char *monitor_interface(const struct monitor *monitor, const struct pattern *pattern);

/**
 * links_begin() - lock links and enter the network namespace of the monitor's interfaces
 * @monitor: under control
 * @visit:   receives the state to restore in links_end()
 * @err:     receives the reason of a failure
 *
 * The lock is held even after a failure, so every call is paired with links_end().
 *
 * Return: 0; -errno if the namespace was not entered. Attach and detach nothing after a failure.
 */
int links_begin(struct monitor *monitor, struct netns_visit *visit, struct error *err);

/**
 * links_end() - return to the previous network namespace and unlock links
 * @monitor: under control
 * @visit:   set by links_begin()
 */
void links_end(struct monitor *monitor, struct netns_visit *visit);

/**
 * monitor_set_place() - update the interface that readers see
 * @monitor:   under control; takes the state lock
 * @instance:  an instance of the monitor
 * @interface: new name, copied; NULL keeps the name
 * @ifindex:   0 if the interface does not exist
 * @attach_failed: the interface exists, but attaching failed
 *
 * Without memory the name is not changed.
 */
void monitor_set_place(struct monitor *monitor, struct instance *instance, const char *interface,
		       int ifindex, bool attach_failed);

/**
 * monitor_close() - detach all interfaces for good
 * @monitor: under control
 * @leave:   keep the programs of a monitor with Pin running, for adoption by another process
 */
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
 * monitor_settle() - clear the last error of a monitor that runs what its document says
 * @monitor: under control
 */
void monitor_settle(struct monitor *monitor);

/**
 * monitor_set_document() - set the document that a reload reads again
 * @monitor:  under control
 * @file:     copied; NULL: none
 * @confined: restrict the file to the dataplane directory
 * @leave:    directions that the document leaves unchanged; NULL: none
 *
 * Return: 0; -ENOMEM if nothing was changed.
 */
int monitor_set_document(struct monitor *monitor, const char *file, bool confined,
			 const bool leave[N_DIRECTIONS]);

/**
 * monitor_set_log_level() - set the log level for code that is compiled from now on
 * @monitor: under control
 * @level:   ownership is taken
 */
void monitor_set_log_level(struct monitor *monitor, char *level);

enum monitor_state {
	MONITOR_EMPTY,	  /* no dataplane */
	MONITOR_RUNNING,  /* on all its interfaces */
	MONITOR_WAITING,  /* for an interface to appear */
	MONITOR_DETACHED, /* no interface is configured */
	MONITOR_DEGRADED, /* attached to some of the existing interfaces, not to all */
	MONITOR_FAILED,	  /* its dataplane is not loaded or not attached anywhere */
};

/**
 * monitor_get_state() - derive the state of a monitor
 * @monitor: under state
 *
 * Return: the state.
 */
enum monitor_state monitor_get_state(const struct monitor *monitor);

/**
 * monitor_state_name() - name of a state, for example "running"
 * @state: the state
 *
 * Return: a static string.
 */
const char *monitor_state_name(enum monitor_state state);

/**
 * monitor_health_reason() - the reason why a monitor is not healthy
 * @monitor:  under state
 *
 * Return: a message that is valid under state, or NULL if the monitor is healthy. Notifications,
 * /healthz and the order of the page all use this definition of health.
 */
const char *monitor_health_reason(const struct monitor *monitor);

/**
 * monitor_last_error() - the text of last-error
 * @monitor: under state
 *
 * Return: last_error, otherwise attach_error, otherwise NULL; valid under state.
 */
const char *monitor_last_error(const struct monitor *monitor);

#endif
