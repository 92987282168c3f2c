/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "export/exposition.h"
#include "base/utf8.h"

#include <ctype.h>
#include <math.h>
#include <string.h>
#include <strings.h>

const char *exposition_content_type(enum exposition exposition)
{
	static const char *const types[] = {
		[EXPOSITION_OPENMETRICS] =
			"application/openmetrics-text; version=1.0.0; charset=utf-8",
		[EXPOSITION_PROMETHEUS] = "text/plain; version=0.0.4; charset=utf-8",
		[EXPOSITION_PROTOBUF] =
			("application/vnd.google.protobuf; "
			 "proto=io.prometheus.client.MetricFamily; encoding=delimited"),
	};

	return types[exposition];
}

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

static bool accept_parameter_is(const char *entry, size_t len, const char *name, const char *value)
{
	const char *is = accept_parameter(entry, len, name);
	size_t n = strlen(value);

	return is && !strncasecmp(is, value, n) && strchr(" \t;,", is[n]);
}

/* Returns the weight of an entry: the parameter q, 1 by default. */
static double accept_weight(const char *entry, size_t len)
{
	const char *q = accept_parameter(entry, len, "q");

	return q ? strtod(q, NULL) : 1;
}

static bool accept_type_is(const char *entry, const char *type)
{
	size_t n = strlen(type);

	return !strncasecmp(entry, type, n) && strchr(" \t;,", entry[n]);
}

/* Returns the format that an entry requests, EXPOSITION_COUNT if it is not supported. */
static enum exposition accept_exposition(const char *entry, size_t len)
{
	if (accept_type_is(entry, "application/openmetrics-text"))
		return EXPOSITION_OPENMETRICS;
	if (accept_type_is(entry, "application/vnd.google.protobuf") &&
	    accept_parameter_is(entry, len, "proto", "io.prometheus.client.MetricFamily") &&
	    accept_parameter_is(entry, len, "encoding", "delimited"))
		return EXPOSITION_PROTOBUF;
	if (!strncasecmp(entry, "text/", 5) || !strncmp(entry, "*/*", 3))
		return EXPOSITION_PROMETHEUS;
	return EXPOSITION_COUNT;
}

enum exposition exposition_negotiate(const char *accept)
{
	/* If weights are equal, the first one wins. */
	static const enum exposition preferred[] = { EXPOSITION_PROTOBUF, EXPOSITION_OPENMETRICS,
						     EXPOSITION_PROMETHEUS };
	double weights[EXPOSITION_COUNT + 1] = {}, most = 0;
	enum exposition best = EXPOSITION_PROMETHEUS;

	for (const char *entry = accept; entry && *entry;) {
		size_t len;
		double *weight;

		entry += strspn(entry, " \t");
		len = strcspn(entry, ",");
		weight = &weights[accept_exposition(entry, len)];
		*weight = fmax(*weight, accept_weight(entry, len));
		entry += len;
		if (*entry == ',')
			entry++;
	}
	for (size_t i = 0; i < ARRAY_SIZE(preferred); i++)
		if (weights[preferred[i]] > most) {
			best = preferred[i];
			most = weights[best];
		}
	return best;
}

void exposition_label_value(struct text *out, const char *bytes, size_t n)
{
	size_t plain = 0, i = 0;

	while (i < n) {
		unsigned char c = (unsigned char)bytes[i];
		size_t len = c < 0x80 ? c && c != '\\' && c != '"' && c != '\n' && c != '\r'
				      : utf8_sequence(bytes + i, n - i);

		if (len) {
			i += len;
			continue;
		}
		text_add(out, bytes + plain, i - plain);
		if (c == '\\' || c == '"')
			text_printf(out, "\\%c", c);
		else if (c == '\n')
			text_adds(out, "\\n");
		else
			text_printf(out, "\\\\x%02x", c);
		plain = ++i;
	}
	text_add(out, bytes + plain, n - plain);
}

void exposition_label_plain(struct text *out, const char *bytes, size_t n)
{
	for (size_t i = 0; i < n;) {
		size_t len = utf8_sequence(bytes + i, n - i);

		if (!len || bytes[i] == '\r' || bytes[i] == '\0') {
			text_printf(out, "\\x%02x", (unsigned char)bytes[i]);
			len = 1;
		} else {
			text_add(out, bytes + i, len);
		}
		i += len;
	}
}

void exposition_help(struct text *out, const char *help, enum exposition exposition)
{
	for (; *help; help++) {
		if (*help == '\n')
			text_adds(out, "\\n");
		else if (*help == '\\')
			text_adds(out, "\\\\");
		else if (*help == '"' && exposition == EXPOSITION_OPENMETRICS)
			text_adds(out, "\\\"");
		else if (*help != '\r')
			text_addc(out, *help);
	}
}

/*
 * Formats as Go's shortest "%g", but always with a point or an exponent. Only digits are taken from
 * snprintf(), so that the decimal point does not depend on the locale.
 */
void exposition_bound(struct text *out, double bound)
{
	char digits[20] = "", buffer[40];
	int exponent = 0, precision, n = 0;

	if (!isfinite(bound)) {
		text_double(out, bound);
		return;
	}
	for (precision = 15; precision <= 17; precision++) {
		snprintf(buffer, sizeof(buffer), "%.*e", precision - 1, bound);
		if (strtod(buffer, NULL) == bound)
			break;
	}
	exponent = atoi(strchr(buffer, 'e') + 1);
	for (const char *c = buffer; *c != 'e'; c++)
		if (isdigit((unsigned char)*c))
			digits[n++] = *c;
	while (n > 1 && digits[n - 1] == '0')
		n--;
	digits[n] = '\0';
	if (bound < 0)
		text_addc(out, '-');
	if (exponent < -4 || exponent > 5)
		text_printf(out, "%.1s%s%se%c%02d", digits, n > 1 ? "." : "", digits + 1,
			    exponent < 0 ? '-' : '+', abs(exponent));
	else if (exponent < 0)
		text_printf(out, "0.%.*s%s", -exponent - 1, "000", digits);
	else if (n <= exponent + 1)
		text_printf(out, "%s%.*s.0", digits, exponent + 1 - n, "00000");
	else
		text_printf(out, "%.*s.%s", exponent + 1, digits, digits + exponent + 1);
}

static bool names_have(const struct names *names, const char *name)
{
	for (size_t i = 0; i < names->n; i++)
		if (!strcmp(names->names[i], name))
			return true;
	return false;
}

/* Converts to [a-zA-Z_][a-zA-Z0-9_]* in place. Prometheus reserves names that begin with "__". */
static void sanitize_label(char *name)
{
	for (char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) || (c == name && isdigit((unsigned char)*c)))
			*c = '_';
	if (!strncmp(name, "__", 2))
		name[0] = 'f';
}

const char *names_add(struct names *names, const char *field)
{
	_cleanup_free_ char *name = strdup(*field ? field : "field");
	char *unique;

	if (!name)
		return NULL;
	sanitize_label(name);
	unique = strdup(name);
	for (unsigned int i = 0; unique && names_have(names, unique); i++) {
		char suffix[16] = "";

		free(unique);
		if (i)
			snprintf(suffix, sizeof(suffix), "_%u", i);
		if (asprintf(&unique, "exported_%s%s", name, suffix) < 0)
			unique = NULL;
	}
	if (!unique || names->n == ARRAY_SIZE(names->names)) {
		free(unique);
		return NULL;
	}
	return names->names[names->n++] = unique;
}

void names_release(struct names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->names[i]);
}
