/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Injection, ejection and reload of documents: a document is parsed, compiled, loaded, and switched
 * to.
 *
 * Called under control of the monitor, by any thread.
 */
#ifndef DYNMON_MONITOR_LOADER_H
#define DYNMON_MONITOR_LOADER_H

#include "monitor/transaction.h"

struct injection {
	const char *monitor; /* name; created if it does not exist */
	enum { INJECT_ANY, INJECT_NEW, INJECT_EXISTING } into; /* -EEXIST and -ENOENT otherwise */
	struct monitor_settings *settings; /* of a new monitor, taken; NULL: the defaults */
	const char *interface;		   /* attach to this interface, too; may be NULL */
	const char *log_level; /* new LogLevel; NULL: unchanged. Without a document, the running
				  code is recompiled */
	bool keep_maps;	       /* reuse maps that the new dataplane also defines */
	const char *file;      /* a document below the dataplane directory; or NULL */
	const char *bytes;     /* or the document itself; NULL for none */
	size_t len;
	char *const *assignments; /* "NAME=VALUE": variables of the document */
	size_t n_assignments;
	bool leave[N_DIRECTIONS];   /* treat the direction as {} in the document: keep what runs */
	struct phase_times *phases; /* receives the duration of each phase; may be NULL */
	int client_fd;		    /* as in struct compiler */
};

/**
 * injection_is_put_off() - check whether a failed injection may succeed if repeated
 * @code: error code of the injection
 *
 * Return: true if neither the document nor the monitor caused the failure: too many injections
 * wait, or the client has disconnected.
 */
bool injection_is_put_off(int code);

/**
 * loader_inject() - replace the running dataplane by the injection's document
 * @monitor:   under control
 * @injection: the request
 * @warnings:  receives a line for each warning of the document and the compiler and for each kept
 *             map
 * @err:       receives the reason of a failure
 *
 * A failure changes neither the dataplane nor the monitor's health.
 *
 * Return: 0; -EUSERS if too many compilations wait, try again; -ECANCELED if the client has
 * disconnected or the plugin stops; another -errno.
 */
int loader_inject(struct monitor *monitor, const struct injection *injection, struct text *warnings,
		  struct error *err);

/**
 * loader_eject() - switch to the empty dataplane and clear the history
 * @monitor: under control
 * @err:     receives the reason of a failure
 *
 * Return: 0, or -errno; a failure changes nothing.
 */
int loader_eject(struct monitor *monitor, struct error *err);

/**
 * loader_eject_direction() - remove the code of one direction
 * @monitor: under control
 * @direction:    the direction to empty
 * @err:     receives the reason of a failure
 *
 * The other direction keeps its maps.
 *
 * Return: 0, or -errno; a failure changes nothing.
 */
int loader_eject_direction(struct monitor *monitor, enum direction direction, struct error *err);

/**
 * loader_reload() - read the monitor's document again and switch to it if it has changed
 * @monitor: under control
 * @force:   switch even if the document has not changed
 * @report:  receives a line for each warning, with the monitor's name
 * @err:     receives the reason of a failure
 *
 * Records the outcome with monitor_note().
 *
 * Return: 1 if the monitor has switched; 0 if nothing has changed or there is no document; -errno
 * if the old dataplane keeps running.
 */
int loader_reload(struct monitor *monitor, bool force, struct text *report, struct error *err);

/**
 * loader_report_typos() - warn of <Metric> blocks that match no metric of the dataplane
 * @monitor: under control
 * @report:  receives a line for each block
 */
void loader_report_typos(const struct monitor *monitor, struct text *report);

/**
 * loader_replay() - inject the documents of a history, oldest first
 * @monitor: under control
 * @history: not the monitor's own history
 * @report:  receives a line for each warning, with the monitor's name
 * @err:     receives the reason of a failure
 *
 * Records the outcome with monitor_note().
 *
 * Return: 1, or -errno; documents injected before the failure keep running.
 */
int loader_replay(struct monitor *monitor, const struct history *history, struct text *report,
		  struct error *err);

/**
 * loader_again() - replay the monitor's own history
 * @monitor: under control; a failure keeps its history
 * @report:  receives a line for each warning, with the monitor's name
 * @err:     receives the reason of a failure
 *
 * Return: 1, or -errno.
 */
int loader_again(struct monitor *monitor, struct text *report, struct error *err);

#endif
