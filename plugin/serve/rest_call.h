/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * struct rest_call: a request of the REST API in progress. It lives on the stack of rest_run() and
 * is used by the thread of the request.
 *
 * A handler writes the JSON of its answer with call->json and returns 0; the status is 200 unless
 * the handler sets another. If a handler returns -errno with a message, rest.c makes the error
 * answer. Without further details it is plain text with the status 400; 404 and "data-missing" for
 * -ENOENT; 500 for -ENOMEM; 503 if the injection was postponed.
 */
#ifndef DYNMON_SERVE_REST_CALL_H
#define DYNMON_SERVE_REST_CALL_H

#include "base/json_writer.h"
#include "monitor/operation.h"
#include "serve/http_message.h"
#include "serve/rest_path.h"

#include <json-c/json.h>

#define REST_SERVICE "dynmon"
#define REST_JSON    "application/yang.data+json; charset=utf-8"

DEFINE_CLEANUP(struct json_object *, json_object_put);
#define _cleanup_json_ _cleanup_(json_object_putp)

struct rest_call {
	const struct http_request *request;
	struct http_answer *answer;
	struct rest_path path;
	struct json_writer json; /* writes the body of the answer */
	struct monitor *monitor; /* a reference; NULL before rest_monitor() */
	/* -- details of the error that the handler returns -- */
	unsigned int error_status; /* 0: derived from the code */
	const char *error_tag;	   /* as in RESTCONF, such as "invalid-value"; NULL: none */
	struct text error_field;   /* the invalid member of the body; empty: none */
};

/* Returns word n of the path, counted from 0, or NULL. */
static inline const char *rest_word(const struct rest_call *call, size_t n)
{
	return n < call->path.n ? call->path.words[n] : NULL;
}

/*
 * Set an error and its details, and return its code: an invalid member of the body, with the
 * message "<member>: expected <expected>"; a code of another function for such a member, where
 * -ENODATA means that the member is missing; a conflict with the status 409.
 */
int rest_wrong(struct rest_call *call, struct error *err, const char *member, const char *expected,
	       ...) __attribute__((format(printf, 4, 5)));
int rest_invalid(struct rest_call *call, const char *member, int code);
int rest_conflict(struct rest_call *call, const char *tag, int code);

/*
 * rest_links_begin() begins an array of links with the link "//HOST/path/" to the request itself.
 * rest_links_add() adds a link to a child, or to the request itself if child is NULL. The caller
 * ends the array.
 */
void rest_links_begin(const struct rest_call *call, struct json_writer *json);
void rest_links_add(const struct rest_call *call, struct json_writer *json, const char *child);

/* Gets the body, of any type; NULL for JSON null. An empty body is an empty object. */
int rest_body(struct rest_call *call, struct json_object **ret, struct error *err);
/* Gets the body, which must be an object. */
int rest_body_object(struct rest_call *call, struct json_object **ret, struct error *err);
/* Gets a string member of the body; NULL if the member is missing. The body owns the string. */
int rest_body_string(struct rest_call *call, struct json_object *body, const char *name,
		     const char **ret, struct error *err);

/* Sets call->monitor. name: NULL for the name in the path. */
int rest_monitor(struct rest_call *call, const char *name, struct error *err);

/*
 * Returns -EPERM, for an answer with the status 403, if the request may come from another site and
 * a read of the snapshot takes values.
 */
int rest_check_foreign(struct rest_call *call, const struct snapshot *snapshot, struct error *err);

#endif
