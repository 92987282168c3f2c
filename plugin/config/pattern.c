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

int pattern_check(const char *value, struct error *err)
{
	size_t len = strlen(value);
	const char *port = strchr(value, ':');

	if (len > PATTERN_MAX)
		return error_set(err, -EINVAL, "expected at most %d bytes, found %zu", PATTERN_MAX,
				 len);
	if (*value == '/') {
		_cleanup_free_ char *expression = NULL;
		char why[128];
		regex_t regex;
		int r;

		if (len < 3 || value[len - 1] != '/')
			return error_set(err, -EINVAL,
					 "expected a regular expression between slashes, found "
					 "\"%.100s\"",
					 value);
		expression = strndup(value + 1, len - 2);
		if (!expression)
			return error_oom(err);
		if (!counts_are_small(expression))
			return error_set(err, -EINVAL,
					 "expected counts of %d or less, multiplied, found "
					 "\"%.100s\"",
					 PATTERN_COPIES_MAX, value);
		r = regcomp(&regex, expression, REG_EXTENDED | REG_NOSUB);
		if (r == 0) {
			regfree(&regex);
			return 0;
		}
		regerror(r, &regex, why, sizeof(why));
		return error_set(err, -EINVAL,
				 "expected an extended regular expression, found \"%.100s\": %s",
				 value, why);
	}
	if (port ? is_interface_name(value, (size_t)(port - value)) &&
			    is_interface_name(port + 1, strlen(port + 1))
		 : is_interface_name(value, len))
		return 0;
	return error_set(err, -EINVAL,
			 "expected the name of a network interface, bridge:port, or /a regular "
			 "expression/, found \"%.100s\"",
			 value);
}

static int compile(struct pattern *pattern)
{
	_cleanup_free_ char *expression =
		strndup(pattern->text + 1, strlen(pattern->text) - 2 /* without the slashes */);

	return expression && regcomp(&pattern->regex, expression, REG_EXTENDED | REG_NOSUB) == 0
		       ? 0
		       : -1;
}

struct pattern *pattern_new(const char *text, const char *position)
{
	struct pattern *pattern = calloc(1, sizeof(*pattern));
	const char *colon = strchr(text, ':');
	bool failed;

	if (!pattern)
		return NULL;
	pattern->text = strdup(text);
	pattern->position = position ? strdup(position) : NULL;
	failed = !pattern->text || (position && !pattern->position);
	if (*text == '/') {
		if (!failed && compile(pattern) == 0)
			return pattern;
		free(pattern->text);
		free(pattern->position);
		free(pattern);
		return NULL;
	}
	if (colon)
		pattern->bridge = strndup(text, (size_t)(colon - text));
	pattern->port = strdup(colon ? colon + 1 : text);
	if (failed || !pattern->port || (colon && !pattern->bridge))
		return pattern_free(pattern);
	return pattern;
}

struct pattern *pattern_free(struct pattern *pattern)
{
	if (!pattern)
		return NULL;
	if (!pattern->port && pattern->text && *pattern->text == '/')
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
