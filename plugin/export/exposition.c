/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "export/exposition.h"

#include <ctype.h>
#include <math.h>
#include <string.h>
#include <strings.h>

const char *exposition_content_type(enum exposition exposition)
{
	return exposition == EXPOSITION_OPENMETRICS
		       ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
		       : "text/plain; version=0.0.4; charset=utf-8";
}

/* The weight of one entry of an Accept header, by its q parameter; 1 without one. */
static double accept_weight(const char *parameters, size_t len)
{
	for (size_t i = 0; i + 2 < len; i++)
		if (parameters[i] == ';') {
			size_t j = i + 1;

			while (j < len && (parameters[j] == ' ' || parameters[j] == '\t'))
				j++;
			if (j + 2 < len && tolower((unsigned char)parameters[j]) == 'q' &&
			    parameters[j + 1] == '=')
				return strtod(parameters + j + 2, NULL);
		}
	return 1;
}

enum exposition exposition_negotiate(const char *accept)
{
	double openmetrics = 0, text = 0;

	for (const char *entry = accept; entry && *entry;) {
		size_t len = strcspn(entry, ",");
		double weight = accept_weight(entry, len);

		while (len && (*entry == ' ' || *entry == '\t')) {
			entry++;
			len--;
		}
		if (!strncasecmp(entry, "application/openmetrics-text", 28) &&
		    strchr(" \t;,", entry[28])) {
			if (weight > openmetrics)
				openmetrics = weight;
		} else if ((!strncasecmp(entry, "text/", 5) || !strncmp(entry, "*/*", 3)) &&
			   weight > text) {
			text = weight;
		}
		entry += len;
		if (*entry == ',')
			entry++;
	}
	return openmetrics > 0 && openmetrics >= text ? EXPOSITION_OPENMETRICS
						      : EXPOSITION_PROMETHEUS;
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

/* As Go's shortest "%g", with a point or an exponent in it. The digits alone are taken: a locale
 * has no say. */
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

void exposition_header(struct text *out, enum exposition exposition, const char *name, size_t len,
		       const char *type, const char *unit, const char *help)
{
	text_adds(out, "# HELP ");
	text_add(out, name, len);
	text_addc(out, ' ');
	exposition_help(out, help, exposition);
	text_adds(out, "\n# TYPE ");
	text_add(out, name, len);
	text_addc(out, ' ');
	text_adds(out, type);
	text_addc(out, '\n');
	if (!unit || exposition != EXPOSITION_OPENMETRICS)
		return;
	text_adds(out, "# UNIT ");
	text_add(out, name, len);
	text_addc(out, ' ');
	text_adds(out, unit);
	text_addc(out, '\n');
}

static bool names_have(const struct names *names, const char *name)
{
	for (size_t i = 0; i < names->n; i++)
		if (!strcmp(names->names[i], name))
			return true;
	return false;
}

/* [a-zA-Z_][a-zA-Z0-9_]*; __name is Prometheus' own. Changes the name in place. */
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
