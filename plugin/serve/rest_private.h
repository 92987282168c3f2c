/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the rest_*.c share, and nobody else. */
#ifndef DYNMON_SERVE_REST_PRIVATE_H
#define DYNMON_SERVE_REST_PRIVATE_H

#include "serve/rest.h"
#include "serve/rest_path.h"

#include <json-c/json_types.h>

#define REST_SERVICE "dynmon"

/* What there is to know about an element: for clients' help, and for links to it. */
struct rest_schema {
	const char *name;
	enum rest_kind { REST_LEAF, REST_LIST, REST_COMPLEX } kind;
	const char *simpletype; /* of a leaf */
	const char *description;
	const char *example;
	enum { REST_READ_ONLY, REST_AT_CREATION, REST_WRITABLE } writable;
	const struct rest_schema *children; /* ended by one without a name; NULL: none */
};

enum rest_method { REST_GET, REST_POST, REST_PUT, REST_PATCH, REST_DELETE, REST_METHODS };

struct rest_call;

struct rest_route {
	const char *pattern; /* as rest_path_matches() takes it */
	/* NULL: not possible there. Fill the answer; what went wrong is told in it. */
	void (*run[REST_METHODS])(struct rest_call *call);
	void (*help)(struct rest_call *call, const char *what); /* NULL: there is none */
};

/* A request on its way. */
struct rest_call {
	const struct rest_request *request;
	struct rest_answer *answer;
	struct rest_path path;
};

/* The nth word of the path from 0; NULL: there are fewer. */
static inline const char *rest_word(const struct rest_call *call, size_t n)
{
	return n < call->path.n ? call->path.words[n] : NULL;
}

/* -- answers -- */

/* Ends with an empty body. */
void rest_done(struct rest_call *call, unsigned int status);
/* Ends with JSON: what is in the answer's body by now. */
void rest_json(struct rest_call *call);

/*
 * RESTCONF's errors: tag is "invalid-value" and so on, field what it is about (NULL: nothing
 * special), words are for people.
 */
void rest_error(struct rest_call *call, unsigned int status, const char *tag, const char *field,
		const char *words);
void rest_invalid(struct rest_call *call, const char *field, const struct error *err);
/* There is no such thing: 404. */
void rest_missing(struct rest_call *call, const char *words);
/* 400 in plain words, 500 when memory ran out, or 503 when an injection is put off. */
void rest_failed(struct rest_call *call, const struct error *err);

/* -- links: "//HOST/path/" of the request and of what is below it -- */

/* Begins a list of links with that to the request itself, and ends it. */
void rest_links_begin(const struct rest_call *call, struct text *links);
void rest_links_add(const struct rest_call *call, struct text *links, const char *name);
void rest_links_end(struct text *links);
/* All of it: the request and the children that its element has by its schema. */
void rest_links(const struct rest_call *call, struct text *links);

/*
 * What of a monitor the path is about; an element of a list is as the list, with what it is made
 * of as children.
 */
const struct rest_schema *rest_schema_of(const struct rest_call *call);

/* ,"name":value; first: without the comma. value: NULL is "". */
void rest_member(struct text *out, bool first, const char *name, const char *value);

/* -- bodies -- */

/*
 * The request's body, an object; no body is an empty one. The caller puts it. NULL: the answer says
 * what is wrong.
 */
struct json_object *rest_body_object(struct rest_call *call);
/* Of any type. 0, or -errno after which the answer says why. NULL stands for null. */
int rest_body(struct rest_call *call, struct json_object **ret);
/* A member that is a string, or NULL: there is none, *r is 0; or it is wrong: *r is not. */
const char *rest_body_string(struct rest_call *call, struct json_object *body, const char *name,
			     int *r);

/* -- the dataplane's document: rest_config.c -- */

/*
 * What the monitor runs, as it was injected, in Dynmon's order and with its defaults; the caller
 * puts it. NULL: out of memory.
 */
struct json_object *rest_config(struct monitor *monitor);
/* As compact text. */
void rest_config_text(struct json_object *config, struct text *out);

/* -- one monitor -- */

/*
 * Returns true if a page of another site must not read the snapshot. The snapshot is then released,
 * and answer has the refusal.
 */
bool rest_refuse_foreign(struct rest_call *call, struct snapshot *snapshot);

/* A reference to the monitor that the path names; NULL: the answer says that there is none. */
struct monitor *rest_monitor(struct rest_call *call);
/* TC, XDP_SKB or XDP_DRV; a level in upper case. */
const char *rest_type(const struct monitor *monitor);
const char *rest_level(const char *log_level);
/* "name":..., up to "parent":..., without the braces. */
void rest_cube_members(struct monitor *monitor, struct text *out);
/* Injects, and answers with that status, or with what is wrong. */
void rest_inject(struct rest_call *call, const struct injection *injection, unsigned int status);

/* -- what the table of routes calls -- */

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
