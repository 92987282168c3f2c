/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which interfaces a monitor is for: a name, "bridge:port", or "/a regular expression/".
 *
 * Read-only once made.
 */
#ifndef DYNMON_CONFIG_PATTERN_H
#define DYNMON_CONFIG_PATTERN_H

#include "base/error.h"
#include "kernel/netif.h"

#include <regex.h>

struct pattern {
	char *text;	/* as the operator wrote it */
	char *position; /* among the programs of the hook, as settings have it; NULL: anywhere */
	char *bridge;	/* NULL: of no bridge */
	char *port;	/* the name, or the bridge's port; NULL: a regular expression */
	regex_t regex;	/* when there is no port */
};

/* text and position are copied; they are valid, as settings_set() takes them. NULL: no memory. */
struct pattern *pattern_new(const char *text, const char *position);
struct pattern *pattern_free(struct pattern *pattern);
DEFINE_CLEANUP(struct pattern *, pattern_free);

/* The name of the one interface it can be for; NULL: a regular expression. */
static inline const char *pattern_name(const struct pattern *pattern)
{
	return pattern->port;
}

/* Whether one of the interfaces in the list is meant. */
bool pattern_matches(const struct pattern *pattern, const struct netif_list *list,
		     const struct netif *netif);

/* Whether an interface that was meant still is, whatever name it may have got meanwhile. */
bool pattern_keeps(const struct pattern *pattern, const struct netif_list *list,
		   const struct netif *netif);

#endif
