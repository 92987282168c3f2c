/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "export/exposition.h"
#include "base/array.h"
#include "base/utf8.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

bool exposition_ends_with_unit(const char *name, size_t len, const char *unit)
{
	size_t n = strlen(unit);

	return len > n && name[len - n - 1] == '_' && !memcmp(name + len - n, unit, n);
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

void exposition_help(struct text *out, const char *help, bool quotes)
{
	for (; *help; help++) {
		if (*help == '\n')
			text_adds(out, "\\n");
		else if (*help == '\\')
			text_adds(out, "\\\\");
		else if (*help == '"' && quotes)
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

const char *names_add(struct names *names, const char *field)
{
	_cleanup_free_ char *name = strdup(*field ? field : "field");
	char *unique, **slot;

	if (!name)
		return NULL;
	/* Prometheus reserves names that begin with "__". */
	for (char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) || (c == name && isdigit((unsigned char)*c)))
			*c = '_';
	if (!strncmp(name, "__", 2))
		name[0] = 'f';
	unique = strdup(name);
	for (unsigned int i = 0; unique && names_have(names, unique); i++) {
		char suffix[16] = "";

		free(unique);
		if (i)
			snprintf(suffix, sizeof(suffix), "_%u", i);
		if (asprintf(&unique, "exported_%s%s", name, suffix) < 0)
			unique = NULL;
	}
	slot = unique ? array_append(names->names, names->n) : NULL;
	if (!slot) {
		free(unique);
		return NULL;
	}
	return *slot = unique;
}

void names_release(struct names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->names[i]);
	free(names->names);
}
