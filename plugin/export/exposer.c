/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "export/exposer.h"

#include <errno.h>

int exposer_init(struct exposer *exposer, enum exposition exposition)
{
	*exposer = (struct exposer){ .exposition = exposition };
	if (exposition == EXPOSITION_PROTOBUF)
		exposer->protobuf = protobuf_new();
	return exposition == EXPOSITION_PROTOBUF && !exposer->protobuf ? -ENOMEM : 0;
}

void exposer_release(struct exposer *exposer)
{
	exposer->protobuf = protobuf_free(exposer->protobuf);
}

/* Parsers reject a unit that is not the suffix of the name after a "_". */
static bool exposer_ends_with_unit(const char *name, size_t len, const char *unit)
{
	size_t n = strlen(unit);

	return len > n && name[len - n - 1] == '_' && !memcmp(name + len - n, unit, n);
}

static void add_line(struct text *out, const char *what, const char *name, size_t len)
{
	text_adds(out, what);
	text_add(out, name, len);
	text_addc(out, ' ');
}

void exposer_family(struct exposer *exposer, const char *name, enum metric_type type,
		    const char *unit, const char *help, struct text *out)
{
	static const char *const types[][2] = {
		[METRIC_COUNTER] = { "counter", "counter" },
		[METRIC_GAUGE] = { "gauge", "gauge" },
		[METRIC_HISTOGRAM] = { "histogram", "histogram" },
		[METRIC_SUMMARY] = { "summary", "summary" },
		[METRIC_UNTYPED] = { "unknown", "untyped" },
	};
	bool openmetrics = exposer->exposition == EXPOSITION_OPENMETRICS;
	size_t len = strlen(name), family = len;

	if (type == METRIC_COUNTER)
		family -= strlen("_total");
	if (unit && !exposer_ends_with_unit(name, family, unit))
		unit = NULL;
	if (exposer->protobuf) {
		protobuf_family(exposer->protobuf, name, type, unit, help, out);
		return;
	}
	if (openmetrics)
		len = family;
	add_line(out, "# HELP ", name, len);
	exposition_help(out, help, exposer->exposition);
	add_line(out, "\n# TYPE ", name, len);
	text_adds(out, types[type][openmetrics ? 0 : 1]);
	if (unit && openmetrics) {
		add_line(out, "\n# UNIT ", name, len);
		text_adds(out, unit);
	}
	text_addc(out, '\n');
}

void exposer_sample(struct exposer *exposer, const char *name, const struct value_label *labels,
		    size_t n_labels, struct number number, struct text *out)
{
	if (exposer->protobuf) {
		protobuf_sample(exposer->protobuf, labels, n_labels, number);
		return;
	}
	text_adds(out, name);
	for (size_t i = 0; i < n_labels; i++) {
		text_printf(out, "%s%s=\"", i ? "," : "{", labels[i].name);
		exposition_label_value(out, labels[i].value, strlen(labels[i].value));
		text_addc(out, '"');
	}
	text_adds(out, n_labels ? "} " : " ");
	number_text(number, out);
	text_addc(out, '\n');
}

void exposer_end(struct exposer *exposer, struct text *out)
{
	if (exposer->protobuf)
		protobuf_end(exposer->protobuf, out);
	else if (exposer->exposition == EXPOSITION_OPENMETRICS)
		text_adds(out, "# EOF\n");
}
