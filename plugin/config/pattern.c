/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/pattern.h"

#include <ctype.h>
#include <errno.h>
#include <net/if.h>
#include <string.h>

static bool is_interface_name(const char *name, size_t len)
{
	return len > 0 && len < IF_NAMESIZE && !memchr(name, '/', len) && !memchr(name, ':', len) &&
	       strcspn(name, " \t\n\v\f\r") >= len;
}

/*
 * When an expression is compiled, {n} copies the preceding element n times. Nested counts multiply:
 * a few characters could exhaust all memory.
 */
static bool counts_are_small(const char *expression)
{
	unsigned long copies = 1;

	for (const char *at = expression; (at = strchr(at, '{'));) {
		unsigned long most = 1;

		for (at++; isdigit((unsigned char)*at) || *at == ',';) {
			char *end;
			unsigned long count = strtoul(at, &end, 10);

			most = count > most ? count : most;
			at = *at == ',' ? at + 1 : end;
		}
		if (most > PATTERN_COPIES_MAX / copies)
			return false;
		copies *= most;
	}
	return true;
}

/* Compiles a regular expression between slashes. Call regfree() after success. */
static int regex_compile(regex_t *regex, const char *text, struct error *err)
{
	size_t len = strlen(text);
	_cleanup_free_ char *expression = len > 2 ? strndup(text + 1, len - 2) : NULL;
	char reason[128];
	int r;

	if (len < 3 || text[len - 1] != '/')
		return error_set(err, -EINVAL,
				 "expected a regular expression between slashes, found \"%.100s\"",
				 text);
	if (!expression)
		return error_oom(err);
	if (!counts_are_small(expression))
		return error_set(err, -EINVAL,
				 "expected counts of %d or less, multiplied, found \"%.100s\"",
				 PATTERN_COPIES_MAX, text);
	r = regcomp(regex, expression, REG_EXTENDED | REG_NOSUB);
	if (r == 0)
		return 0;
	regerror(r, regex, reason, sizeof(reason));
	return error_set(err, -EINVAL,
			 "expected an extended regular expression, found \"%.100s\": %s", text,
			 reason);
}

int pattern_check(const char *text, struct error *err)
{
	size_t len = strlen(text), bridge_len = strcspn(text, ":");

	if (len > PATTERN_MAX)
		return error_set(err, -EINVAL, "expected at most %d bytes, found %zu", PATTERN_MAX,
				 len);
	if (*text == '/') {
		regex_t regex;
		int r = regex_compile(&regex, text, err);

		if (r == 0)
			regfree(&regex);
		return r;
	}
	if (is_interface_name(text, bridge_len) &&
	    (bridge_len == len || is_interface_name(text + bridge_len + 1, len - bridge_len - 1)))
		return 0;
	return error_set(err, -EINVAL,
			 "expected the name of a network interface, bridge:port, or /a regular "
			 "expression/, found \"%.100s\"",
			 text);
}

struct pattern *pattern_new(const char *text, const char *position)
{
	struct pattern *pattern = calloc(1, sizeof(*pattern));
	const char *colon = *text == '/' ? NULL : strchr(text, ':');

	if (!pattern)
		return NULL;
	pattern->text = strdup(text);
	if (*text == '/')
		pattern->is_regex = regex_compile(&pattern->regex, text, NULL) == 0;
	else
		pattern->port = strdup(colon ? colon + 1 : text);
	if (colon)
		pattern->bridge = strndup(text, (size_t)(colon - text));
	if (position)
		pattern->position = strdup(position);
	if (pattern->text && (pattern->is_regex || pattern->port) && !colon == !pattern->bridge &&
	    !position == !pattern->position)
		return pattern;
	return pattern_free(pattern);
}

struct pattern *pattern_free(struct pattern *pattern)
{
	if (!pattern)
		return NULL;
	if (pattern->is_regex)
		regfree(&pattern->regex);
	free(pattern->text);
	free(pattern->position);
	free(pattern->bridge);
	free(pattern->port);
	free(pattern);
	return NULL;
}

static bool is_on_bridge(const struct pattern *pattern, const struct netif_list *list,
			 const struct netif *netif)
{
	const struct netif *bridge =
		pattern->bridge ? netif_list_find(list, pattern->bridge) : NULL;

	return !pattern->bridge || (bridge && bridge->index == netif->master);
}

bool pattern_matches(const struct pattern *pattern, const struct netif_list *list,
		     const struct netif *netif)
{
	if (!pattern->port)
		return regexec(&pattern->regex, netif->name, 0, NULL, 0) == 0;
	return !strcmp(netif->name, pattern->port) && is_on_bridge(pattern, list, netif);
}

bool pattern_keeps(const struct pattern *pattern, const struct netif_list *list,
		   const struct netif *netif)
{
	return pattern->port ? is_on_bridge(pattern, list, netif)
			     : pattern_matches(pattern, list, netif);
}
