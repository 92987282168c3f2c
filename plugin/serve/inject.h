/* SPDX-License-Identifier: GPL-2.0-or-later */
/* INJECT, and what is asked about it: how long its phases took, and when the first packet came. */
#ifndef DYNMON_SERVE_INJECT_H
#define DYNMON_SERVE_INJECT_H

#include "serve/verb.h"

/* -EINVAL: a word is wrong; else what registry_inject() returns. */
int verb_inject(const struct request *request, struct answer *answer, struct error *err);

#endif
