/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The data model of a monitor. It gives the links of an answer, and the answers to OPTIONS with
 * help=WHAT, which polycubectl uses for its help ("?").
 */
#ifndef DYNMON_SERVE_REST_SCHEMA_H
#define DYNMON_SERVE_REST_SCHEMA_H

#include "serve/rest_call.h"

/* Writes the links to the request itself and to its children in the data model. */
void rest_schema_links(const struct rest_call *call, struct json_writer *json);

/* Handlers of help. what: NONE, SHOW, SET, ADD or DEL. */
int rest_help_root(struct rest_call *call, const char *what, struct error *err);
int rest_help_service(struct rest_call *call, const char *what, struct error *err);
int rest_help_list(struct rest_call *call, const char *what, struct error *err);
int rest_help_cube(struct rest_call *call, const char *what, struct error *err);

#endif
