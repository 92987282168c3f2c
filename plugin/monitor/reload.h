/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reload: compares a configuration with the running monitors and changes those that differ. Reloads
 * are serialized and safe from any thread.
 */
#ifndef DYNMON_MONITOR_RELOAD_H
#define DYNMON_MONITOR_RELOAD_H

#include "monitor/operation.h"

/**
 * registry_apply() - bring the monitors in line with new settings and changed documents
 * @registry: the registry
 * @new:      new settings, from which monitors are taken; NULL: unchanged settings
 * @only:     name of the only monitor to update; NULL: all
 * @force:    switch to documents that have not changed, too
 * @report:   receives a line for each change and each warning
 * @err:      receives the messages of all failures
 *
 * Monitors that are no longer configured are deleted, new monitors are added, and changed settings
 * are applied, with the same programs where possible. The documents of all other monitors are read
 * again. A document has changed if its text or a file that it names has changed. A monitor whose
 * new document or new settings fail keeps its old dataplane. Failures do not affect other monitors.
 *
 * Return: 0, or the error code of the last failure.
 */
int registry_apply(struct registry *registry, struct settings *new, const char *only, bool force,
		   struct text *report, struct error *err);

/**
 * registry_reload() - read the configuration again and apply it
 * @registry: the registry
 * @name:     name of the only monitor to update; NULL: all
 * @force:    as in registry_apply()
 * @report:   as in registry_apply()
 * @err:      receives the messages of all failures
 *
 * Reloads are serialized. An error in the configuration changes nothing. Without the observer's
 * configure(), only documents are read again.
 *
 * Return: as registry_apply().
 */
int registry_reload(struct registry *registry, const char *name, bool force, struct text *report,
		    struct error *err);

#endif
