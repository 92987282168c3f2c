/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The JSON reader moves the values of a document into structs. Tables of keys define the keys that
 * an object may have. Each error message names the location of the invalid value and quotes it.
 *
 * A reader lives on the stack of the function that parses the document and is used by one thread.
 */
#ifndef DYNMON_DATAPLANE_JSON_READER_H
#define DYNMON_DATAPLANE_JSON_READER_H

#include "base/error.h"
#include "base/text.h"

#include <json-c/json_types.h>

struct image;

/* State of a reader. Pointers are borrowed; the text where is released by the user. */
struct json_reader {
	const char *dir;	   /* base directory of files; NULL: the working directory */
	const char *folder;	   /* directory of the document, relative to dir; NULL: dir */
	bool confined;		   /* files must be below dir */
	const struct image *image; /* ELF file with the objects; NULL: the document is JSON text */
	struct text where;	   /* current location: "ingress-path.metric-configs[1].map-name" */
	struct text *warnings;	   /* one per line */
	struct error *err;
};

/* One key of an object. take() converts the value and stores it; to is the struct plus offset. */
struct key {
	const char *name;
	int (*take)(struct json_reader *json_reader, struct json_object *value, void *to);
	size_t offset; /* of the member that take() sets, in bytes */
	bool required;
};

/**
 * json_reader_parse() - parse JSON text
 * @bytes:  text, need not be terminated
 * @len:    number of bytes
 * @ret:    receives the value, owned by the caller; NULL if the text is "null"
 * @err:    receives line and column of a syntax error
 *
 * Return: 0 on success, -EINVAL if the syntax is invalid, -ENOMEM.
 */
int json_reader_parse(const char *bytes, size_t len, struct json_object **ret, struct error *err);

/**
 * json_reader_wrong() - set the error "<where>: expected <expected>, found <value>"
 * @json_reader:  reader, positioned at the value
 * @expected:     description of valid values
 * @found:        the invalid value; only its first bytes are quoted
 *
 * Return: -EINVAL.
 */
int json_reader_wrong(struct json_reader *json_reader, const char *expected,
		      struct json_object *found);

/**
 * json_reader_object() - read the keys of an object
 * @json_reader:  reader, positioned at the object
 * @object:       the value, which need not be an object
 * @keys:         table of valid keys, terminated by an empty row
 * @to:           struct that the offsets in @keys refer to
 *
 * Unknown keys cause warnings. Keys with the value null are ignored.
 *
 * Return: 0 on success, -ENODATA if a required key is missing, -EINVAL if @object is no object,
 * other -errno from take(). The reader must not be used after a failure.
 */
int json_reader_object(struct json_reader *json_reader, struct json_object *object,
		       const struct key *keys, void *to);

/**
 * json_reader_list() - read a list into a new array
 * @json_reader:  reader, positioned at the list
 * @list:         the value, which need not be a list
 * @max:          limit of elements
 * @size:         bytes of one element of the array
 * @take:         converts an element; its last argument is the zeroed element of the array
 * @items:        receives the array, owned by the caller even after a failure
 * @n:            0 at the call; counts the elements, including one whose conversion failed
 *
 * Return: 0 on success, -EINVAL if @list is no list, -EFBIG over @max, other -errno from take().
 */
int json_reader_list(struct json_reader *json_reader, struct json_object *list, size_t max,
		     size_t size, int (*take)(struct json_reader *, struct json_object *, void *),
		     void **items, size_t *n);

/**
 * take_bounded() - read a string
 * @json_reader:  reader, positioned at the value
 * @value:        the value, which need not be a string
 * @max:          limit in bytes
 * @to:           char *, NULL or the previous string, which is freed
 *
 * Return: 0 on success, -EINVAL unless the value is a string of valid UTF-8 without NUL,
 * -EFBIG over @max, -ENOMEM.
 */
int take_bounded(struct json_reader *json_reader, struct json_object *value, size_t max, void *to);

/* take() for a string of at most NAME_MAX_BYTES bytes; see take_bounded(). */
int take_string(struct json_reader *json_reader, struct json_object *value, void *to);

/* take() for a string as take_string(), which must not be empty. */
int take_name(struct json_reader *json_reader, struct json_object *value, void *to);

/* take() for true or false into a bool. */
int take_bool(struct json_reader *json_reader, struct json_object *value, void *to);

#endif
