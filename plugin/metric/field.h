/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of a key or value that can be named: labels are made of them. */
#ifndef DYNMON_METRIC_FIELD_H
#define DYNMON_METRIC_FIELD_H

#include "metric/plan.h"

/* More fields of one key are refused. */
#define FIELDS_MAX 64

/* A part of a struct that can be named: a member that is not a struct itself. */
struct field {
	char *name; /* nested names are joined by "_" */
	struct plan plan;
	uint32_t offset; /* bytes from the start of the struct */
};

/*
 * Lists the fields of a type, in the order of their declaration. A type that is no struct is one
 * field with the given name. Errors as plan_init(). *ret is freed with fields_free().
 */
int fields_list(const struct btf *btf, uint32_t type_id, uint32_t size, const char *name,
		struct field **ret, size_t *n, struct error *err);
void fields_free(struct field *fields, size_t n);

/*
 * Appends a field's value as plain text: a string without quotes, bytes that are no text as
 * hexadecimal digits, anything else as JSON.
 */
void field_text(const struct field *field, const void *value, struct text *out);

#endif
