/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A monitor made at runtime as text, which is what its file holds:
 *
 * {
 *   "version": 1, "name": "probe", "hook": "auto", "loglevel": "off",
 *   "netns": "blue", "position": "first", "share": false, "pin": false,
 *   "interfaces": ["eth0", "/^veth/", "br1:port1"],
 *   "dataplanes": [ { "leave": ["egress"], "file": "probe.json" } ]
 * }
 *
 * dataplanes are the documents in the order in which they were injected; each has one of
 * "file", a name below the dataplane directory, "document", the JSON that came in, and
 * "document-data", what came in in base64.
 */
#ifndef DYNMON_MONITOR_SAVED_H
#define DYNMON_MONITOR_SAVED_H

#include "monitor/monitor.h"

/* A monitor as it was saved. Zeroed is empty; saved_release(). */
struct saved {
	struct monitor_settings settings;
	struct history history;
};

void saved_release(struct saved *saved);

/*
 * The monitor's text, in the place of what is in out; under the monitor's control.
 * -EINVAL: it could not be read back; -ENOMEM.
 */
int saved_format(const struct monitor *monitor, struct text *out);

/* What is in such a text; name: the monitor that it must be of. -EINVAL. */
int saved_parse(const char *bytes, size_t len, const char *name, struct saved *ret,
		struct text *warnings, struct error *err);

#endif
