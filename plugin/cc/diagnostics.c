/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cc/diagnostics.h"

#include <ctype.h>

/* Maximum bytes of a quoted source line. Code in a JSON document can be a single line. */
#define SHOWN_MAX 160

/* Returns true if the line contains part. */
static bool line_has(const char *line, size_t len, const char *part)
{
	return memmem(line, len, part, strlen(part));
}

/* Returns 12 for a line "NAME:12: ...", and 0 for other lines. */
static unsigned long line_number(const char *line, size_t len, const char *name)
{
	size_t name_len = strlen(name);
	unsigned long n = 0;

	if (len <= name_len || memcmp(line, name, name_len) || line[name_len] != ':')
		return 0;
	for (size_t i = name_len + 1; i < len && isdigit((unsigned char)line[i]); i++)
		n = n < 1000000 ? n * 10 + (unsigned long)(line[i] - '0') : n;
	return n;
}

/* Appends line n of the source without indentation. */
static void source_show(const char *source, size_t len, unsigned long n, struct text *out)
{
	const char *end = source + len, *at = source, *stop;

	while (--n && at) {
		at = memchr(at, '\n', (size_t)(end - at));
		at = at ? at + 1 : NULL;
	}
	if (!at)
		return;
	stop = memchr(at, '\n', (size_t)(end - at));
	if (!stop)
		stop = end;
	while (at < stop && isspace((unsigned char)*at))
		at++;
	while (stop > at && isspace((unsigned char)stop[-1]))
		stop--;
	if (at == stop)
		return;
	if (stop - at > SHOWN_MAX)
		stop = at + SHOWN_MAX;
	text_adds(out, "    ");
	text_add(out, at, (size_t)(stop - at));
	text_addc(out, '\n');
}

void diagnostics_explain(const struct text *diagnostics, const char *name, const char *source,
			 size_t len, struct text *out)
{
	unsigned long guessed = 0; /* line of the last error with a suggested name */
	const char *at = diagnostics->data, *end = at + diagnostics->len;

	while (at < end) {
		const char *nl = memchr(at, '\n', (size_t)(end - at));
		size_t line = (size_t)((nl ? nl : end) - at);
		unsigned long n = line_number(at, line, name);

		if (!line_has(at, line, "note: expanded from macro") &&
		    !line_has(at, line, "expansions in backtrace;") &&
		    /* follows from the suggested name of a map, whose methods are unknown here */
		    !(n && n == guessed && line_has(at, line, "error: no member named"))) {
			text_add(out, at, line);
			text_addc(out, '\n');
			if (n)
				source_show(source, len, n, out);
		}
		if (n && line_has(at, line, "; did you mean '"))
			guessed = n;
		at += line + (nl ? 1 : 0);
	}
}

void diagnostics_advise(struct text *diagnostics)
{
	static const struct {
		const char *part, *advice;
	} rows[] = {
		{ "undeclared identifier 'IPPROTO_",
		  "include <linux/in.h>, which declares IPPROTO_*" },
		{ "/netinet/", "<netinet/...> is for user space: include <linux/ip.h>, or "
			       "<dynmon/packet.h>, which parses packets" },
		{ "'vmlinux.h' file not found",
		  "vmlinux.h is not provided: include <linux/bpf.h> and the headers of the "
		  "protocols, or <dynmon/packet.h>, which parses packets" },
		{ "BPF_HASHMAP", "BPF_HASHMAP: did you mean BPF_HASH?" },
	};
	size_t len = diagnostics->len;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (line_has(diagnostics->data, len, rows[i].part))
			text_printf(diagnostics, "dynmon-cc: hint: %s\n", rows[i].advice);
}

void diagnostics_limit(struct text *diagnostics)
{
	const size_t max = (size_t)DIAGNOSTICS_KIB << 10;

	if (diagnostics->len <= max)
		return;
	diagnostics->len = max;
	while (diagnostics->len && diagnostics->data[diagnostics->len - 1] != '\n')
		diagnostics->len--;
	text_printf(diagnostics, "dynmon-cc: diagnostics end here, after %d KiB\n",
		    DIAGNOSTICS_KIB);
}
