/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by rest_*.c only. All functions run in the thread of the request. */
#ifndef DYNMON_SERVE_REST_PRIVATE_H
#define DYNMON_SERVE_REST_PRIVATE_H

#include "monitor/operation.h"
#include "serve/rest.h"
#include "serve/rest_path.h"

#include <json-c/json_types.h>

#define REST_SERVICE "dynmon"

/* An element of the data model, for the help of clients and for links. */
struct rest_schema {
	const char *name;
	enum rest_kind { REST_LEAF, REST_LIST, REST_COMPLEX } kind;
	const char *simpletype; /* of a leaf */
	const char *description;
	const char *example;
	enum { REST_READ_ONLY, REST_AT_CREATION, REST_WRITABLE } writable;
	const struct rest_schema *children; /* the last one has no name; NULL: none */
};

enum rest_method { REST_GET, REST_POST, REST_PUT, REST_PATCH, REST_DELETE, REST_METHODS };

struct rest_call;

struct rest_route {
	const char *pattern; /* as accepted by rest_path_matches() */
	/* Handlers, which set an answer in every case. NULL if the method is not supported. */
	void (*run[REST_METHODS])(struct rest_call *call);
	void (*help)(struct rest_call *call, const char *what); /* NULL if there is no help */
};

/* A request in progress. */
struct rest_call {
	const struct http_request *request;
	struct http_answer *answer;
	struct rest_path path;
};

/* Returns word n of the path, counted from 0, or NULL. */
static inline const char *rest_word(const struct rest_call *call, size_t n)
{
	return n < call->path.n ? call->path.words[n] : NULL;
}

/* -- answers -- */

/* Ends the request with an empty body. */
void rest_done(struct rest_call *call, unsigned int status);
/* Ends the request with status 200 and JSON: the current body of the answer. */
void rest_json(struct rest_call *call);

/*
 * Ends the request with an error as in RESTCONF. tag: such as "invalid-value"; field: the invalid
 * member, or NULL; words: message for the user.
 */
void rest_error(struct rest_call *call, unsigned int status, const char *tag, const char *field,
		const char *words);
void rest_invalid(struct rest_call *call, const char *field, const struct error *err);
/* Ends the request with status 404. */
void rest_missing(struct rest_call *call, const char *words);
/*
 * Ends the request with a plain text error: 500 if memory ran out, 503 if the injection was
 * postponed, otherwise 400.
 */
void rest_failed(struct rest_call *call, const struct error *err);

/* -- links: "//HOST/path/" of the request and of its children -- */

/* A list of links. rest_links_begin() adds the link to the request itself. */
void rest_links_begin(const struct rest_call *call, struct text *links);
void rest_links_add(const struct rest_call *call, struct text *links, const char *name);
void rest_links_end(struct text *links);
/* Makes the complete list: the request itself and its children in the schema. */
void rest_links(const struct rest_call *call, struct text *links);

/*
 * Returns the schema of the element in the path. An element of a list has the schema of the list,
 * whose children are the members of an element.
 */
const struct rest_schema *rest_schema_of(const struct rest_call *call);

/* Appends ,"name":value. first: omits the comma. value: NULL is "". */
void rest_member(struct text *out, bool first, const char *name, const char *value);

/* -- bodies -- */

/*
 * Returns the body as an object, to be released by the caller with json_object_put(). An empty body
 * is an empty object. Returns NULL with an error in the answer.
 */
struct json_object *rest_body_object(struct rest_call *call);
/*
 * Returns the body, of any type. 0, or -errno with an error in the answer. *ret is NULL for JSON
 * null.
 */
int rest_body(struct rest_call *call, struct json_object **ret);
/*
 * Returns a string member of the body. NULL with *r 0 if the member is missing, NULL with *r < 0
 * and an error in the answer if it is not a string.
 */
const char *rest_body_string(struct rest_call *call, struct json_object *body, const char *name,
			     int *r);

/* -- the dataplane's document: rest_config.c -- */

/*
 * Returns the document that the monitor runs, in Dynmon's order of members and with its defaults.
 * The caller releases it with json_object_put(). NULL if memory ran out.
 */
struct json_object *rest_config(struct monitor *monitor);
/* Appends the document as compact JSON. */
void rest_config_text(struct json_object *config, struct text *out);

/* -- one monitor -- */

/*
 * Returns true if the request may come from another site and the snapshot takes values. The
 * snapshot is then released, and the answer has the error.
 */
bool rest_refuse_foreign(struct rest_call *call, struct snapshot *snapshot);

/* Returns a reference to the monitor in the path. NULL with an error in the answer. */
struct monitor *rest_monitor(struct rest_call *call);
/* Polycube's names: TC, XDP_SKB or XDP_DRV; a log level in upper case. */
const char *rest_type(const struct monitor *monitor);
const char *rest_level(const char *log_level);
/* Appends the members from "name" to "parent", without braces. */
void rest_cube_members(struct monitor *monitor, struct text *out);
/* Injects, and ends the request with status or with an error. */
void rest_inject(struct rest_call *call, const struct injection *injection, unsigned int status);

/* -- handlers in the table of routes -- */

void rest_get_cubes_of_service(struct rest_call *call);
void rest_post_service(struct rest_call *call);
void rest_patch_service(struct rest_call *call);
void rest_get_cube(struct rest_call *call);
void rest_post_cube(struct rest_call *call);
void rest_patch_cube(struct rest_call *call);
void rest_delete_cube(struct rest_call *call);
void rest_get_leaf(struct rest_call *call);
void rest_patch_log_level(struct rest_call *call);

void rest_get_config(struct rest_call *call);
void rest_put_config(struct rest_call *call);
void rest_patch_config(struct rest_call *call);
void rest_delete_config(struct rest_call *call);

void rest_get_metrics(struct rest_call *call);
void rest_get_metric_list(struct rest_call *call);
void rest_get_metric(struct rest_call *call);
void rest_get_open_metrics(struct rest_call *call);

void rest_get_root(struct rest_call *call);
void rest_attach(struct rest_call *call);
void rest_detach(struct rest_call *call);
void rest_get_cubes(struct rest_call *call);
void rest_get_base_cube(struct rest_call *call);
void rest_get_services(struct rest_call *call);
void rest_get_netdevs(struct rest_call *call);
void rest_get_version(struct rest_call *call);

void rest_help_root(struct rest_call *call, const char *what);
void rest_help_service(struct rest_call *call, const char *what);
void rest_help_list(struct rest_call *call, const char *what);
void rest_help_cube(struct rest_call *call, const char *what);

#endif
