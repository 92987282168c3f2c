/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "program/verifier_log.h"

#include <ctype.h>
#include <string.h>

/* A source location in the log: "; return *p; @ ingress-path.code:7". */
struct location {
	const char *source; /* source text as in the object; often empty */
	size_t source_len;
	const char *file;
	size_t file_len;
	unsigned long line; /* 0: no location */
};

struct verdict {
	struct location location;
	const char *text; /* NULL: none */
	size_t len;
};

static bool location_is_in(const struct location *location, const char *file)
{
	return strlen(file) == location->file_len &&
	       !strncmp(file, location->file, location->file_len);
}

static bool parse_location(const char *line, size_t len, struct location *ret)
{
	const char *end = line + len, *at = end, *colon;
	char *number_end;

	if (len < 2 || strncmp(line, "; ", 2) != 0)
		return false;
	while (at > line + 1 && strncmp(at - 2, "@ ", 2) != 0)
		at--;
	colon = at > line + 1 ? memrchr(at, ':', (size_t)(end - at)) : NULL;
	if (!colon)
		return false;
	*ret = (struct location){ .source = line + 2,
				  .file = at,
				  .file_len = (size_t)(colon - at) };
	ret->source_len = at - 2 > ret->source ? (size_t)(at - 2 - ret->source) : 0;
	ret->line = strtoul(colon + 1, &number_end, 10);
	return number_end == end;
}

/* Returns true for an instruction or a state: "11: (71) r1 = ...", "from 8 to 11: R0=...". */
static bool is_verifier_trace(const char *line, size_t len)
{
	size_t digits = 0;

	while (digits < len && isdigit((unsigned char)line[digits]))
		digits++;
	return (digits && digits < len && line[digits] == ':') || *line == ';' ||
	       !strncmp(line, "from ", 5) || !strncmp(line, "last_idx ", 9) ||
	       !strncmp(line, "regs=", 5) || !strncmp(line, "mark_precise", 12);
}

/*
 * Finds the verdict and the last location before it, preferring locations in the direction's own
 * source.
 */
static bool verifier_log_find(const char *log, const char *origin, struct verdict *ret)
{
	bool own = false;

	*ret = (struct verdict){};
	for (const char *line = log; *line;) {
		size_t len = strcspn(line, "\n");
		struct location location;

		if (!strncmp(line, "processed ", 10))
			return ret->text && ret->location.line;
		if (parse_location(line, len, &location)) {
			bool is_own = location_is_in(&location, origin);

			if (location.line && (is_own || !own))
				ret->location = location;
			own = own || is_own;
		}
		if (is_verifier_trace(line, len)) {
			ret->text = NULL;
		} else if (len && !ret->text) {
			ret->text = line;
			ret->len = len;
		}
		line += len + (line[len] == '\n');
	}
	return false;
}

static const char *verifier_log_line_end(const char *at, const char *end)
{
	const char *newline = memchr(at, '\n', (size_t)(end - at));

	return newline ? newline : end;
}

/* Appends the source line without surrounding white space. */
static void add_source(struct text *out, const struct location *location,
		       const struct direction_config *config)
{
	const char *at = config->source.data,
		   *end = config->source.len ? at + config->source.len : at;
	size_t len = location->source_len;

	if (location_is_in(location, config->origin) && config->source.len) {
		for (unsigned long i = 1; at < end && i < location->line; i++) {
			at = verifier_log_line_end(at, end);
			at += at < end;
		}
		len = (size_t)(verifier_log_line_end(at, end) - at);
	} else {
		at = location->source;
	}
	for (; len && isspace((unsigned char)*at); len--)
		at++;
	while (len && isspace((unsigned char)at[len - 1]))
		len--;
	if (len)
		text_printf(out, "    %.*s\n", (int)len, at);
}

int verifier_log_annotate(struct error *err, int code, const struct direction_config *config)
{
	_cleanup_free_ char *log = err && err->message ? strdup(err->message) : NULL;
	_cleanup_text_ struct text out = {};
	struct verdict verdict;

	if (!log || !verifier_log_find(log, config->origin, &verdict))
		return code;
	text_printf(&out, "%.*s:%lu: the verifier: %.*s\n", (int)verdict.location.file_len,
		    verdict.location.file, verdict.location.line, (int)verdict.len, verdict.text);
	add_source(&out, &verdict.location, config);
	text_adds(&out, log);
	return text_status(&out) < 0 ? code : error_set(err, code, "%s", text_str(&out));
}
