/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The verb INJECT, with optional output: the duration of its phases and of the wait for the first
 * packet.
 */
#ifndef DYNMON_SERVE_INJECT_H
#define DYNMON_SERVE_INJECT_H

#include "serve/request.h"

/* Returns 0, -EINVAL for an invalid option, or the error of registry_inject(). */
int verb_inject(const struct request *request, struct answer *answer, struct error *err);

#endif
