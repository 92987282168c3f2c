/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules of the exposition formats: escaping, units, label names. The functions
 * keep no state, except for struct names, which is embedded in its owner and used by one thread.
 */
#ifndef DYNMON_EXPORT_EXPOSITION_H
#define DYNMON_EXPORT_EXPOSITION_H

#include "base/text.h"
#include "metric/metric.h"

/* Prefix of the self metrics' families; reserved for them. */
#define SELF_METRICS_PREFIX "dynmon_"

/* Returns true if the name ends in "_" and the unit. Parsers reject any other unit. */
bool exposition_ends_with_unit(const char *name, size_t len, const char *unit);

/* Appends an escaped label value. Bytes that are no UTF-8, NUL and CR become \xHH. */
void exposition_label_value(struct text *out, const char *bytes, size_t n);

/* Appends the value that a parser gets from exposition_label_value(): \xHH, but no escapes. */
void exposition_label_plain(struct text *out, const char *bytes, size_t n);

/* Appends an escaped help text. OpenMetrics also escapes quotes. CR is dropped. */
void exposition_help(struct text *out, const char *help, bool quotes);

/*
 * Appends a bucket bound or quantile as OpenMetrics requires: "1.0", "0.001", "1e+06". Both text
 * formats use this form, so that the labels of a series do not depend on the format.
 */
void exposition_bound(struct text *out, double bound);

/* The label names of a source so far, to keep them unique. A zeroed one is empty. */
struct names {
	char **names;
	size_t n;
};

/**
 * names_add() - add a label name
 * @names: zeroed or used before; release it with names_release()
 * @name:  any text; invalid characters become "_", and a used name gets the prefix "exported_"
 *
 * Return: the unique valid name, owned by @names; NULL if out of memory.
 */
const char *names_add(struct names *names, const char *name);
void names_release(struct names *names);

#endif
