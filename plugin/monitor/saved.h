/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The text form of a monitor created at run time. State files hold this text:
 *
 * {
 *   "version": 1, "name": "probe", "hook": "auto", "loglevel": "off",
 *   "netns": "blue", "position": "first", "share": false, "pin": false,
 *   "interfaces": ["eth0", "/^veth/", "br1:port1"],
 *   "dataplanes": [ { "leave": ["egress"], "file": "probe.json" } ]
 * }
 *
 * "dataplanes" lists the documents in order of injection. Each has one of these members: "file", a
 * name below the dataplane directory; "document", the injected JSON; "document-data", the injected
 * bytes in base64.
 */
#ifndef DYNMON_MONITOR_SAVED_H
#define DYNMON_MONITOR_SAVED_H

#include "monitor/monitor.h"

/* A saved monitor. Owned by its user, used by one thread. A zeroed object is empty. */
struct saved {
	struct monitor_settings settings;
	struct history history;
};

/**
 * saved_release() - free the content of a saved monitor
 * @saved: may be zeroed
 */
void saved_release(struct saved *saved);

/**
 * saved_format() - format a monitor as text
 * @monitor: under control
 * @out:     its content is replaced
 *
 * Return: 0; -EINVAL if the text could not be parsed again; -ENOMEM.
 */
int saved_format(const struct monitor *monitor, struct text *out);

/**
 * saved_parse() - parse the text of a saved monitor
 * @bytes:    the text
 * @len:      its length in bytes
 * @name:     the expected name of the monitor
 * @ret:      receives the monitor on success; then saved_release()
 * @warnings: receives a line for each warning
 * @err:      receives the reason of a failure
 *
 * Return: 0; -EINVAL if the text is not valid or names another monitor; another -errno.
 */
int saved_parse(const char *bytes, size_t len, const char *name, struct saved *ret,
		struct text *warnings, struct error *err);

#endif
