/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of a key or value that can be named: labels are made of them. */
#ifndef DYNMON_DECODE_FIELD_H
#define DYNMON_DECODE_FIELD_H

#include "decode/format.h"
#include "decode/plan.h"

/* More fields of one key are refused. */
#define FIELDS_MAX 64
/* Numbers of one field: an array of more is data of another kind. */
#define FIELD_NUMBERS_MAX 1024
/* Numbers in all arrays of structs of one value. */
#define REPEATED_NUMBERS_MAX 4096
/* Names of an enum's values; what has a further one is shown as a number. */
#define ENUMERATORS_MAX 1024

/* A part of a struct that can be named: a member that is not a struct itself. */
struct field {
	char *name; /* nested names are joined by "_"; one of its kind in its struct */
	struct plan plan;
	uint32_t offset;    /* bytes from the start of the struct */
	enum format format; /* by its type */
	bool chars;	    /* an array of char, which is text as a rule */
	uint32_t numbers;   /* what it can be counted as: 1, more in an array of integers, or 0 */
	uint32_t type_id;   /* in BTF; 0: none */
	bool repeated;	    /* a part of the structs in an array: an array of these */
	bool omitted;	    /* there are numbers in it, and it can be counted as none */
	struct enumerator *enumerators;
	size_t n_enumerators;
};

/* A name of an enum's value. */
struct enumerator {
	int64_t value;
	char *name;
};

/*
 * Lists the fields of a type, in the order of their declaration. A type that is no struct is one
 * field with the given name. Errors as plan_init(). *ret is freed with fields_free().
 */
int fields_list(const struct btf *btf, uint32_t type_id, uint32_t size, const char *name,
		struct field **ret, size_t *n, struct error *err);
void fields_free(struct field *fields, size_t n);

/*
 * Adds to a value's fields those of the structs in its arrays: the numbers called packets in
 * per_queue[4] are an array called per_queue_packets. All of an array of structs is omitted where
 * there would be too many of them. -ENOMEM; *fields are then as they were, or some more.
 */
int fields_list_repeated(const struct btf *btf, uint32_t type_id, uint32_t size,
			 struct field **fields, size_t *n, struct error *err);

/*
 * The field that a document calls path, such as "key.addr.port": prefix is what the whole is called
 * there, "key". NULL: none of that name.
 */
const struct field *fields_find(const struct field *fields, size_t n, const char *prefix,
				const char *path);
/* Appends what there is to name: "key.saddr, key.port". */
void fields_names(const struct field *fields, size_t n, const char *prefix, struct text *out);

/*
 * Appends a field's value as plain text, in a format; what has no text in that one, and everything
 * with FORMAT_AUTO: a string without quotes, bytes that are no text as hexadecimal digits, anything
 * else as JSON.
 */
void field_text(const struct field *field, enum format format, const void *value, struct text *out);

#endif
