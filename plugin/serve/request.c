/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve/request.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

void answer_release(struct answer *answer)
{
	text_release(&answer->status);
	text_release(&answer->lines);
	answer->stream = stream_free(answer->stream);
}

const char *request_option(const struct request *request, const char *name)
{
	return command_option(request->command, name);
}

struct option_values request_option_values(const struct request *request, const char *name)
{
	const struct command *command = request->command;
	struct option_values found = {};
	size_t len = strlen(name);

	for (size_t i = 1; i < command->n; i++)
		if (!strncmp(command->words[i], name, len) && command->words[i][len] == '=')
			found.items[found.n++] = command->words[i] + len + 1;
	return found;
}

int request_bool(const struct request *request, const char *name, bool *ret, struct error *err)
{
	const char *value = request_option(request, name);

	*ret = value && !strcasecmp(value, "true");
	if (!value || *ret || !strcasecmp(value, "false"))
		return 0;
	return error_set(err, -EINVAL, "%s: expected true or false, found \"%.60s\"", name, value);
}

int request_seconds(const struct request *request, const char *name, double min, double max,
		    double *ret, struct error *err)
{
	const char *value = request_option(request, name);
	char *end;

	*ret = 0;
	if (!value)
		return 0;
	*ret = strtod(value, &end);
	if (*value && !*end && !isspace((unsigned char)*value) && *ret >= min && *ret <= max)
		return 0;
	return error_set(err, -EINVAL, "%s: expected seconds from %.0f to %.0f, found \"%.60s\"",
			 name, min, max, value);
}

int request_direction(const struct request *request, bool both, int *ret, struct error *err)
{
	const char *value = request_option(request, "direction");

	*ret = value ? direction_from_name(value) : -1;
	if (!value || *ret >= 0 || (both && !strcasecmp(value, "both")))
		return 0;
	return error_set(err, -EINVAL, "direction: expected %singress or egress, found \"%.60s\"",
			 both ? "both, " : "", value);
}
