/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A field is a named part of a key or value. Labels and samples are made of fields.
 *
 * A list of fields has one owner. Fields are read-only once listed; any number of threads may read
 * them without a lock.
 */
#ifndef DYNMON_DECODE_FIELD_H
#define DYNMON_DECODE_FIELD_H

#include "decode/format.h"
#include "decode/plan.h"

/* Limit of fields of one type. */
#define FIELDS_MAX 64
/* Limit of numbers of one field. A longer array is treated as data, not as numbers. */
#define FIELD_NUMBERS_MAX 1024
/* Limit of numbers in all arrays of structs of one value. */
#define REPEATED_NUMBERS_MAX 4096
/* Limit of names of one enum. Values whose name is beyond the limit are shown as numbers. */
#define ENUMERATORS_MAX 1024

/* A member of a struct that is not a struct itself. All pointers are owned. */
struct field {
	char *name; /* unique in its list; nested names are joined by "_" */
	struct plan plan;
	uint32_t offset;    /* bytes from the start of the struct */
	enum format format; /* guessed from type and name */
	bool chars;	    /* an array of char, usually text */
	uint32_t numbers;   /* numbers to count: 1, the length of an array of integers, or 0 */
	uint32_t type_id;   /* in BTF; 0: unknown */
	bool repeated;	    /* one member of all structs in an array of structs */
	bool padding;	    /* named like padding: neither a label nor a sample by default */
	bool omitted;	    /* has numbers that cannot be exported */
	struct enumerator *enumerators;
	size_t n_enumerators;
};

/* One constant of an enum. */
struct enumerator {
	int64_t value;
	char *name;
};

/**
 * fields_list() - list the fields of a type
 * @btf:      BTF, or NULL; may be untrusted
 * @type_id:  id of the type, 0 if unknown
 * @size:     bytes of the type
 * @name:     name of the only field if the type is not a struct
 * @ret:      receives the fields in the order of declaration, to be freed with fields_free()
 * @n:        receives the number of fields
 * @err:      receives the reason of a failure
 *
 * Return: 0 on success, -E2BIG over FIELDS_MAX, other -errno as plan_init().
 */
int fields_list(const struct btf *btf, uint32_t type_id, uint32_t size, const char *name,
		struct field **ret, size_t *n, struct error *err);

/**
 * fields_free() - free a list of fields
 * @fields:  the list, or NULL
 * @n:       number of fields
 */
void fields_free(struct field *fields, size_t n);

/**
 * fields_list_repeated() - add the numbers in arrays of structs to a list of fields
 * @btf:      BTF, as for fields_list()
 * @type_id:  type of the value
 * @size:     bytes of the value
 * @fields:   list made by fields_list(), extended
 * @n:        number of fields, updated
 * @err:      receives the reason of a failure
 *
 * The member packets of the structs in per_queue[4] becomes one field, the array
 * per_queue_packets. An array of structs that exceeds a limit is left out completely and marked as
 * omitted.
 *
 * Return: 0 or -ENOMEM. The list is valid after a failure and may have some of the new fields.
 */
int fields_list_repeated(const struct btf *btf, uint32_t type_id, uint32_t size,
			 struct field **fields, size_t *n, struct error *err);

/**
 * fields_find() - find a field by its path in a document
 * @fields:  list of fields
 * @n:       number of fields
 * @prefix:  name of the whole in documents: "key" or "value"
 * @path:    path of the field, such as "key.addr.port"
 *
 * Return: the field, or NULL if there is none or memory ran out.
 */
const struct field *fields_find(const struct field *fields, size_t n, const char *prefix,
				const char *path);

/**
 * fields_names() - append the paths of all fields, for messages
 * @fields:  list of fields
 * @n:       number of fields
 * @prefix:  name of the whole in documents: "key" or "value"
 * @out:     receives "key.saddr, key.port"
 */
void fields_names(const struct field *fields, size_t n, const char *prefix, struct text *out);

/**
 * field_text() - append the value of a field as plain text
 * @field:   the field
 * @format:  preferred format
 * @value:   the whole key or value that has the field
 * @out:     the text is appended
 *
 * With FORMAT_AUTO, and for values that @format cannot represent, the text is a string without
 * quotes, hexadecimal digits for bytes that are not text, and JSON for all other types.
 */
void field_text(const struct field *field, enum format format, const void *value, struct text *out);

#endif
