/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/pattern.h"

#include <string.h>

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
