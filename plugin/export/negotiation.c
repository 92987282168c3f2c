/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "export/negotiation.h"
#include "export/protobuf.h"
#include "export/text_encoder.h"

#include <math.h>
#include <strings.h>

/* Preferred formats first: if weights are equal, the first one wins. */
static const struct encoding *const encodings[] = {
	&encoding_protobuf,
	&encoding_openmetrics,
	&encoding_prometheus,
};

/* Finds a parameter's value in one entry of an Accept header. Returns NULL if there is none. */
static const char *accept_parameter(const char *entry, size_t len, const char *name)
{
	const char *end = entry + len;
	size_t n = strlen(name);

	while ((entry = memchr(entry, ';', (size_t)(end - entry)))) {
		entry++;
		entry += strspn(entry, " \t");
		if (!strncasecmp(entry, name, n) && entry[n] == '=')
			return entry + n + 1;
	}
	return NULL;
}

/* Returns true if the text begins with a token that ends there. */
static bool accept_token_is(const char *text, const char *token)
{
	size_t n = strlen(token);

	return !strncasecmp(text, token, n) && strchr(" \t;,", text[n]);
}

/* Returns true if an entry of an Accept header requests the format. */
static bool accept_requests(const char *entry, size_t len, const struct encoding *encoding)
{
	bool requested = false;

	for (size_t i = 0; i < ARRAY_SIZE(encoding->media_types); i++) {
		const char *type = encoding->media_types[i];

		if (!type)
			continue;
		requested = requested || accept_token_is(entry, type) ||
			    (strchr("/*", type[strlen(type) - 1]) &&
			     !strncasecmp(entry, type, strlen(type)));
	}
	for (size_t i = 0; requested && i < ARRAY_SIZE(encoding->parameters); i++) {
		const char *const *parameter = encoding->parameters[i];
		const char *value = *parameter ? accept_parameter(entry, len, parameter[0]) : NULL;

		requested = !*parameter || (value && accept_token_is(value, parameter[1]));
	}
	return requested;
}

const struct encoding *negotiate_encoding(const char *accept)
{
	const struct encoding *best = &encoding_prometheus;
	double weights[ARRAY_SIZE(encodings)] = {}, most = 0;

	for (const char *entry = accept; entry && *entry;) {
		const char *q;
		size_t len;

		entry += strspn(entry, " \t");
		len = strcspn(entry, ",");
		q = accept_parameter(entry, len, "q");
		for (size_t i = 0; i < ARRAY_SIZE(encodings); i++)
			if (accept_requests(entry, len, encodings[i]))
				weights[i] = fmax(weights[i], q ? strtod(q, NULL) : 1);
		entry += len;
		if (*entry == ',')
			entry++;
	}
	for (size_t i = 0; i < ARRAY_SIZE(encodings); i++)
		if (weights[i] > most) {
			best = encodings[i];
			most = weights[i];
		}
	return best;
}
