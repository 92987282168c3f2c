/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The JSON reader over a document's JSON: tables of keys say what an object may have, and every
 * message names the place of a wrong value and quotes it.
 */
#ifndef DYNMON_DATAPLANE_JSON_READER_H
#define DYNMON_DATAPLANE_JSON_READER_H

#include "base/error.h"
#include "base/text.h"

#include <json-c/json_types.h>

struct image;

/*
 * A JSON reader. where is the way to the value at hand, as a person would write
 * it: "ingress-path.metric-configs[1].map-name".
 */
struct json_reader {
	const char *dir;
	const char *folder; /* below dir, where the document is; NULL: dir itself */
	bool confined;
	const struct image *image; /* the ELF file that has the objects; NULL: it came as text */
	struct text where;
	struct text *warnings;
	struct error *err;
};

/* One key of an object: how to take its value into the struct at hand. */
struct key {
	const char *name;
	int (*take)(struct json_reader *json_reader, struct json_object *value, void *to);
	size_t offset; /* of the member that take() fills */
	bool required;
};

/*
 * Parses JSON. -EINVAL with line and column. On success *ret is the caller's; NULL stands for null.
 */
int json_reader_parse(const char *bytes, size_t len, struct json_object **ret, struct error *err);

/* "<where>: expected <what>, found <value>". Returns -EINVAL. */
int json_reader_wrong(struct json_reader *json_reader, const char *expected,
		      struct json_object *found);

/*
 * Takes the values of an object's keys into the struct at to; keys ends with an empty row. Unknown
 * keys are warnings, null is as if the key were not there. -ENODATA: a required one is missing.
 */
int json_reader_object(struct json_reader *json_reader, struct json_object *object,
		       const struct key *keys, void *to);

/* Walks a list of at most max into *items, an array of *n elements of size bytes each. */
int json_reader_list(struct json_reader *json_reader, struct json_object *list, size_t max,
		     size_t size, int (*take)(struct json_reader *, struct json_object *, void *),
		     void **items, size_t *n);

/* A string without NUL, in UTF-8, of at most max bytes, into a char *, which is freed before. */
int take_bounded(struct json_reader *json_reader, struct json_object *value, size_t max, void *to);
/* One of at most NAME_MAX_BYTES. */
int take_string(struct json_reader *json_reader, struct json_object *value, void *to);
/* One that is not empty. */
int take_name(struct json_reader *json_reader, struct json_object *value, void *to);
/* A bool. */
int take_bool(struct json_reader *json_reader, struct json_object *value, void *to);

#endif
