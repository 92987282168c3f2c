/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve/flush.h"
#include "base/log.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* The values of a repeatable option. If the option is missing, the only value is NULL. */
struct selection {
	const char *values[COMMAND_WORDS_MAX];
	size_t n;
};

static void choice_init(struct selection *choice, const struct command *command, const char *option)
{
	size_t len = strlen(option);

	*choice = (struct selection){};
	for (size_t i = 1; i < command->n; i++)
		if (!strncmp(command->words[i], option, len) && command->words[i][len] == '=')
			choice->values[choice->n++] = command->words[i] + len + 1;
	if (!choice->n)
		choice->n = 1;
}

/* As in collectd, a negative timeout is 0. */
static int take_timeout(const struct command *command, double *ret, struct error *err)
{
	const char *value = command_option(command, "timeout");
	char *end = NULL;

	*ret = value ? strtod(value, &end) : 0;
	if (value && (!*value || *end || !isfinite(*ret) || *ret > INTERVAL_MAX * 366.0))
		return error_set(err, -EINVAL, "timeout: expected seconds, found \"%.60s\"", value);
	if (*ret < 0)
		*ret = 0;
	return 0;
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
	struct selection plugins, identifiers;
	_cleanup_error_ struct error remark = {};
	int done = 0, failed = 0, r;
	double timeout;

	choice_init(&plugins, request->command, "plugin");
	choice_init(&identifiers, request->command, "identifier");
	r = take_timeout(request->command, &timeout, err);
	for (size_t i = 0; r == 0 && i < identifiers.n; i++)
		if (identifiers.values[i])
			r = check_identifier(identifiers.values[i], err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < plugins.n; i++)
		for (size_t j = 0; j < identifiers.n; j++) {
			_cleanup_error_ struct error why = {};

			r = registry_flush(request->registry, plugins.values[i], timeout,
					   identifiers.values[j], &why);
			if (r < 0)
				log_error("FLUSH: %s", error_message(&why));
			else if (r > 0)
				error_set(&remark, why.code, "%s", error_message(&why));
			done += r >= 0;
			failed += r < 0;
		}
	text_printf(&answer->status, "Done: %d successful, %d errors", done, failed);
	if (remark.code)
		text_printf(&answer->status, "; %s", error_message(&remark));
	return 0;
}
