/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve/flush.h"
#include "base/log.h"

#include <errno.h>
#include <string.h>

#define TIMEOUT_MAX (INTERVAL_MAX * 366.0)

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
	struct option_values plugins = request_option_values(request, "plugin");
	struct option_values identifiers = request_option_values(request, "identifier");
	_cleanup_error_ struct error remark = {};
	int done = 0, failed = 0, r;
	double timeout;

	r = request_seconds(request, "timeout", -TIMEOUT_MAX, TIMEOUT_MAX, &timeout, err);
	for (size_t i = 0; r == 0 && i < identifiers.n; i++)
		if (identifiers.items[i])
			r = check_identifier(identifiers.items[i], err);
	if (r < 0)
		return r;
	plugins.n += !plugins.n; /* without the option, the only value is NULL */
	identifiers.n += !identifiers.n;
	if (timeout < 0) /* as in collectd */
		timeout = 0;
	for (size_t i = 0; i < plugins.n; i++)
		for (size_t j = 0; j < identifiers.n; j++) {
			_cleanup_error_ struct error flush_err = {};

			r = registry_flush(request->registry, plugins.items[i], timeout,
					   identifiers.items[j], &flush_err);
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
