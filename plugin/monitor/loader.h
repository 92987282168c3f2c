/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Brings documents into monitors: read, compiled, loaded, switched to. Read-only: any number of
 * threads may use a loader, each for a monitor whose control it holds.
 */
#ifndef DYNMON_MONITOR_LOADER_H
#define DYNMON_MONITOR_LOADER_H

#include "monitor/transaction.h"

struct loader {
	struct compiler compiler;
	char *dataplane_dir;
};

struct injection {
	const char *monitor;				       /* made when it does not exist */
	enum { INJECT_ANY, INJECT_NEW, INJECT_EXISTING } into; /* else -EEXIST, -ENOENT */
	struct monitor_settings *settings; /* of one that is made, taken; NULL: the defaults */
	const char *interface;		   /* attached when it is not; may be NULL */
	const char *log_level; /* LogLevel from now on; NULL: as it is. Without a document what
				  runs is compiled again */
	bool keep_maps;	       /* go on with those that the new dataplane has, too */
	const char *file;      /* a document below the dataplane directory, or */
	const char *bytes;     /* the document itself */
	size_t len;
	bool leave[PATH_COUNT];	    /* as if the document had {} there */
	struct phase_times *phases; /* to take the time of; NULL: nobody asks */
	int client_fd;		    /* as in struct compiler */
};

/*
 * Returns true if the error code of a failed injection is caused neither by the document nor by the
 * monitor: too many injections wait, or the client is gone.
 */
bool injection_is_put_off(int code);

/*
 * Replaces the running dataplane by the injection's document. A failure changes neither the
 * dataplane nor the monitor's health. warnings: receives a line for each warning of the document
 * and the compiler and for each kept map. -EUSERS: too many compilations wait, try again.
 * -ECANCELED: the client is gone or the plugin stops.
 */
int loader_inject(const struct loader *loader, struct monitor *monitor,
		  const struct injection *injection, struct text *warnings, struct error *err);

/* Back to the empty dataplane. */
int loader_eject(struct monitor *monitor, struct error *err);

/* Nothing runs on that path any more; the other one goes on with its maps. */
int loader_eject_path(struct monitor *monitor, enum path path, struct error *err);

/*
 * Reads the monitor's document again, switches to it when it has changed, or with force, and
 * remembers the outcome. 1: switched; 0: nothing has changed, or there is none; -errno: the old one
 * goes on. report: warnings are appended, a line each, with the monitor's name.
 */
int loader_reload(const struct loader *loader, struct monitor *monitor, bool force,
		  struct text *report, struct error *err);

/* Warns of <Metric> blocks that are about no metric of the dataplane: most likely mistyped. */
void loader_report_typos(const struct monitor *monitor, struct text *report);

/*
 * Injects what a history says, which is not the monitor's own, one document after the other, and
 * remembers the outcome. 1, or -errno: what was injected before stays. report: as above.
 */
int loader_replay(const struct loader *loader, struct monitor *monitor,
		  const struct history *history, struct text *report, struct error *err);

/* The same with the monitor's own history, which is there still when it fails. */
int loader_again(const struct loader *loader, struct monitor *monitor, struct text *report,
		 struct error *err);

#endif
