/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An Interface option: a name, "bridge:port", or "/regular expression/". The monitor owns its
 * patterns. A pattern is read-only after its creation.
 */
#ifndef DYNMON_CONFIG_PATTERN_H
#define DYNMON_CONFIG_PATTERN_H

#include "base/error.h"
#include "kernel/netif.h"

#include <regex.h>

#define PATTERN_MAX	   255	/* bytes */
#define PATTERN_COPIES_MAX 1000 /* product of all {n} in a regular expression */

struct pattern {
	char *text;	/* as configured */
	char *position; /* position in the hook's program chain; NULL: unspecified */
	char *bridge;	/* NULL: with or without a bridge */
	char *port;	/* name of the interface or bridge port; NULL: use regex */
	bool is_regex;
	regex_t regex; /* valid if is_regex */
};

/* Checks the text of an Interface option. Returns 0, -EINVAL with the expected text, or -ENOMEM. */
int pattern_check(const char *text, struct error *err);

/**
 * pattern_new() - create a pattern
 * @text:      valid, as checked by pattern_check(); copied
 * @position:  valid; copied; NULL for none
 *
 * Return: the pattern, for pattern_free(); NULL if memory ran out.
 */
struct pattern *pattern_new(const char *text, const char *position);
struct pattern *pattern_free(struct pattern *pattern);
DEFINE_CLEANUP(struct pattern *, pattern_free);

/* Returns the name of the only interface that can match; NULL for a regular expression. */
static inline const char *pattern_name(const struct pattern *pattern)
{
	return pattern->port;
}

/* Returns true if an interface of the list matches. */
bool pattern_matches(const struct pattern *pattern, const struct netif_list *list,
		     const struct netif *netif);

/*
 * Returns true if an interface that has matched still matches. The interface may have been renamed:
 * a fixed name is not compared again, a bridge and a regular expression are.
 */
bool pattern_keeps(const struct pattern *pattern, const struct netif_list *list,
		   const struct netif *netif);

#endif
