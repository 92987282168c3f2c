/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The JSON reader moves the values of a JSON text into structs. Tables of keys define the keys that
 * an object may have. Each error message names the location of the invalid value, quotes the value
 * and describes valid values.
 *
 * A reader lives on the stack of the function that parses the text and is used by one thread.
 */
#ifndef DYNMON_DATAPLANE_JSON_READER_H
#define DYNMON_DATAPLANE_JSON_READER_H

#include "base/error.h"
#include "base/text.h"

#include <json-c/json_types.h>

#define NAME_MAX_BYTES 255		 /* default limit of strings */
#define DOCUMENT_MAX   (4 * 1024 * 1024) /* bytes of JSON of one document */
#define WARNINGS_MAX   (16 * 1024)	 /* bytes; further warnings are dropped */

/* State of a reader. Pointers are borrowed; the text where is released by the user. */
struct json_reader {
	struct text where; /* current location: "ingress-path.metric-configs[1].map-name" */
	const struct json_key *key;  /* row of the current value; NULL: defaults */
	const struct json_key *root; /* where misplaced keys are searched; NULL: nowhere */
	const char *root_name;	     /* the place of the keys in root */
	const void *context;	     /* for parsers of the user */
	struct text *warnings;	     /* one per line */
	struct error *err;
};

/*
 * A parser converts a value of any type and stores it in the struct at to. Returns 0, or -errno
 * with an error that names the location. The reader must not be used after a failure.
 */
typedef int json_parser(struct json_reader *reader, struct json_object *value, void *to);

/* One key of an object: name, parser and place of the value, and parameters of the parser. */
struct json_key {
	const char *name;
	json_parser *parse;
	size_t offset; /* bytes from the start of the struct to the place of the value */
	bool required;
	uint32_t bytes;		     /* strings: limit; 0: NAME_MAX_BYTES */
	uint32_t min, max;	     /* integers: range; lists: limit of elements */
	const char *expected;	     /* integers, names: description for messages */
	const char *const *names;    /* names: in the order of the enum, terminated by NULL */
	const struct json_key *keys; /* objects, lists of objects: table of keys */
	json_parser *element;	     /* lists: parser of an element */
	size_t size;		     /* lists: bytes of an element of the array */
	size_t count;		     /* lists: offset of the number of elements, a size_t */
	bool unique;		     /* lists: elements start with a char *, their unique name */
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
 * @reader:    reader, positioned at the value
 * @expected:  description of valid values
 * @found:     the invalid value; only its first bytes are quoted
 *
 * Return: -EINVAL.
 */
int json_reader_wrong(struct json_reader *reader, const char *expected, struct json_object *found);

/**
 * json_reader_object() - read the keys of an object
 * @reader:  reader, positioned at the object
 * @object:  the value, which need not be an object
 * @keys:    table of valid keys, terminated by an empty row
 * @to:      struct that the offsets in @keys refer to
 *
 * Unknown keys cause warnings. A warning names the places below the reader's root where the key
 * exists. Keys with the value null count as missing.
 *
 * Return: 0 on success, -ENODATA if a required key is missing, -EINVAL if @object is no object,
 * other -errno of a parser.
 */
int json_reader_object(struct json_reader *reader, struct json_object *object,
		       const struct json_key *keys, void *to);

/* Parses an object with the row's keys. The offsets of keys refer to the place of the object. */
json_parser json_parse_object;

/*
 * Parses a list into a new array, whose pointer is at the row's offset. The owner frees the array
 * and its elements also after a failure; the last element may be incomplete.
 */
json_parser json_parse_list;

/*
 * Parses a string of valid UTF-8 without NUL, within the limit of bytes, into a char *. The
 * previous string is freed.
 */
json_parser json_parse_string;

/* Parses a string like json_parse_string(). The string must not be empty. */
json_parser json_parse_name;

/* Parses true or false into a bool. */
json_parser json_parse_bool;

/* Parses an integer from min to max into a uint32_t. */
json_parser json_parse_u32;

/* Parses one of the row's names, without regard to case, into an enum. */
json_parser json_parse_enum;

/* Accepts any value and stores nothing. */
json_parser json_parse_ignored;

#endif
