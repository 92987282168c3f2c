/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve/flush.h"
#include "base/log.h"

#include <errno.h>
#include <string.h>

#define TIMEOUT_MAX (INTERVAL_MAX * 366.0)

/* The values of a repeatable option. Without the option, the only value is NULL. */
struct option_values {
	const char *values[COMMAND_WORDS_MAX];
	size_t n;
};

static struct option_values option_values_find(const struct command *command, const char *option)
{
	struct option_values found = {};
	size_t len = strlen(option);

	for (size_t i = 1; i < command->n; i++)
		if (!strncmp(command->words[i], option, len) && command->words[i][len] == '=')
			found.values[found.n++] = command->words[i] + len + 1;
	if (!found.n)
		found.n = 1;
	return found;
}

/* host/plugin-instance/type-instance; both instances are optional. */
static int check_identifier(const char *identifier, struct error *err)
{
	const char *plugin = strchr(identifier, '/');
	const char *type = plugin ? strchr(plugin + 1, '/') : NULL;

	if (type && plugin > identifier && type > plugin + 1 && type[1] && !strchr(type + 1, '/'))
		return 0;
	return error_set(
		err, -EINVAL,
		"identifier: expected host/plugin-instance/type-instance, found \"%.200s\"",
		identifier);
}

int flush_run(const struct request *request, struct answer *answer, struct error *err)
{
	struct option_values plugins = option_values_find(request->command, "plugin");
	struct option_values identifiers = option_values_find(request->command, "identifier");
	_cleanup_error_ struct error remark = {};
	int done = 0, failed = 0, r;
	double timeout;

	r = request_seconds(request, "timeout", -TIMEOUT_MAX, TIMEOUT_MAX, &timeout, err);
	for (size_t i = 0; r == 0 && i < identifiers.n; i++)
		if (identifiers.values[i])
			r = check_identifier(identifiers.values[i], err);
	if (r < 0)
		return r;
	if (timeout < 0) /* as in collectd */
		timeout = 0;
	for (size_t i = 0; i < plugins.n; i++)
		for (size_t j = 0; j < identifiers.n; j++) {
			_cleanup_error_ struct error flush_err = {};

			r = registry_flush(request->registry, plugins.values[i], timeout,
					   identifiers.values[j], &flush_err);
			if (r < 0)
				log_error("FLUSH: %s", error_message(&flush_err));
			else if (r > 0)
				error_set(&remark, flush_err.code, "%s", error_message(&flush_err));
			done += r >= 0;
			failed += r < 0;
		}
	text_printf(&answer->status, "Done: %d successful, %d errors", done, failed);
	if (remark.code)
		text_printf(&answer->status, "; %s", error_message(&remark));
	return 0;
}
