/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /dynmon and /dynmon/:name: monitors as Polycube's cubes. */
#ifndef DYNMON_SERVE_REST_CUBE_H
#define DYNMON_SERVE_REST_CUBE_H

#include "serve/rest_call.h"

/* Writes an object with the members from "name" to "parent". */
void rest_cube_write(struct monitor *monitor, struct json_writer *json);

/* Handlers. */
int rest_get_service(struct rest_call *call, struct error *err);
int rest_patch_service(struct rest_call *call, struct error *err);
int rest_get_cube(struct rest_call *call, struct error *err);
int rest_post_cube(struct rest_call *call, struct error *err);
int rest_patch_cube(struct rest_call *call, struct error *err);
int rest_delete_cube(struct rest_call *call, struct error *err);
int rest_get_leaf(struct rest_call *call, struct error *err);
int rest_patch_log_level(struct rest_call *call, struct error *err);

#endif
