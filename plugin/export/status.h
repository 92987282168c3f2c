/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The status of monitors as text and JSON. Any thread may call these functions; they take the
 * monitor's state lock, status_show() also its links lock. Out of memory is recorded in the output
 * text, see text_status().
 */
#ifndef DYNMON_EXPORT_STATUS_H
#define DYNMON_EXPORT_STATUS_H

#include "base/json_writer.h"
#include "monitor/registry.h"

/*
 * Appends one line with five fields separated by tabs: name, state, hook, interfaces separated by
 * commas ("-" if none), dataplane (file name, "(injected)", or "-" if none).
 */
void status_line(struct monitor *monitor, struct text *out);

/*
 * Appends a JSON object with these fields, the network namespace, the number of unattached
 * interfaces and the beginning of the last error, for lists of many monitors.
 */
void status_summary_json(struct monitor *monitor, struct json_writer *json);

/**
 * status_show() - append the full status of a monitor found by name
 * @registry: the monitors
 * @name:     name of the monitor
 * @out:      receives the JSON object, without newline
 * @err:      receives the reason
 *
 * Queries the kernel while it holds the links lock.
 *
 * Return: 0; -ENOENT if there is no such monitor; -ENOMEM.
 */
int status_show(struct registry *registry, const char *name, struct text *out, struct error *err);

/**
 * status_troubles() - list the monitors that do not run as configured
 * @registry: the monitors
 * @out:      receives one line for each, a second one if a different attachment error exists
 * @err:      receives the reason
 *
 * Return: the number of such monitors, or -ENOMEM.
 */
int status_troubles(struct registry *registry, struct text *out, struct error *err);

#endif
