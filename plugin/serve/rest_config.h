/* SPDX-License-Identifier: GPL-2.0-or-later */
/* .../dataplane-config and the paths below: the document that a monitor runs. */
#ifndef DYNMON_SERVE_REST_CONFIG_H
#define DYNMON_SERVE_REST_CONFIG_H

#include "serve/rest_call.h"

/*
 * Returns the document that the monitor runs, in Dynmon's order of members and with its defaults.
 * The caller releases it with json_object_put(). NULL if memory ran out.
 */
struct json_object *rest_config(struct monitor *monitor);

/* Appends the document as compact JSON. */
void rest_config_text(struct json_object *config, struct text *out);

/* Injects. On success, the answer has the given status. */
int rest_inject(struct rest_call *call, const struct injection *injection, unsigned int status,
		struct error *err);

/* Handlers. */
int rest_get_config(struct rest_call *call, struct error *err);
int rest_put_config(struct rest_call *call, struct error *err);
int rest_patch_config(struct rest_call *call, struct error *err);
int rest_delete_config(struct rest_call *call, struct error *err);

#endif
