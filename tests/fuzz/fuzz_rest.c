/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests to Polycube's REST API. The first byte selects the method, the rest of the first line is
 * the URI, and the body follows. There is no compiler, so nothing is loaded; monitors are created,
 * changed and deleted. Built and run by tests/run fuzz; -dict=tests/fuzz/rest.dict helps.
 */
#include "base/log.h"
#include "base/utf8.h"
#include "serve/rest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void no_log(enum log_level level, const char *line)
{
	(void)level;
	(void)line;
}

/* Every response has a status and a content type, and its body is valid UTF-8. */
static void check(struct http_answer *answer)
{
	_cleanup_error_ struct error err = {};

	while (answer->stream && stream_next(answer->stream, &answer->body, &err) > 0)
		;
	if (err.code || answer->status < 200 || answer->status >= 500 || !answer->content_type)
		abort();
	for (size_t i = 0; i < answer->body.len;) {
		size_t n = utf8_sequence(answer->body.data + i, answer->body.len - i);

		if (!n)
			abort();
		i += n;
	}
	for (size_t i = 0; i < answer->location.len; i++)
		if (answer->location.data[i] == '\n')
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const methods[] = { "GET",	 "POST",    "PUT",  "PATCH",
					       "DELETE", "OPTIONS", "HEAD", "BREW" };
	static struct registry *registry;
	const char *line = (const char *)data + 1, *end;
	_cleanup_free_ char *uri = NULL;

	if (!registry) {
		/* in /proc/self/fdinfo no relative path leads to a file that blocks */
		log_set_sink(no_log);
		if (registry_new(&(struct compiler){}, "/proc/self/fdinfo", NULL, &registry, NULL) <
		    0)
			abort();
	}
	end = size ? memchr(line, '\n', size - 1) : NULL;
	if (!end)
		return 0;
	uri = strndup(line, (size_t)(end - line));
	for (int refuse = 0; uri && refuse < 2; refuse++) {
		_cleanup_(http_answer_release) struct http_answer answer = {};
		const struct http_request request = {
			.registry = registry,
			.method = methods[data[0] % 8],
			.uri = uri,
			.host = "fuzz",
			.body = end + 1,
			.len = size - (size_t)(end + 1 - (const char *)data),
			.writes = data[0] < 200,
			.listener = "here",
		};

		if (!refuse)
			rest_run(&request, &answer);
		else if (!rest_refuse(&request, &answer))
			continue;
		check(&answer);
	}
	return 0;
}
