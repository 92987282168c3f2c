/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Paths outside a service: attach, detach, cubes, services, netdevs, version. */
#ifndef DYNMON_SERVE_REST_BASE_H
#define DYNMON_SERVE_REST_BASE_H

#include "serve/rest_call.h"

/* Handlers. */
int rest_get_root(struct rest_call *call, struct error *err);
int rest_attach(struct rest_call *call, struct error *err);
int rest_detach(struct rest_call *call, struct error *err);
int rest_get_cubes(struct rest_call *call, struct error *err);
int rest_get_base_cube(struct rest_call *call, struct error *err);
int rest_get_services(struct rest_call *call, struct error *err);
int rest_get_netdevs(struct rest_call *call, struct error *err);
int rest_get_version(struct rest_call *call, struct error *err);

#endif
