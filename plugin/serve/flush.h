/* SPDX-License-Identifier: GPL-2.0-or-later */
/* FLUSH, with the words and the answer of collectd's unixsock plugin. */
#ifndef DYNMON_SERVE_FLUSH_H
#define DYNMON_SERVE_FLUSH_H

#include "serve/verb.h"

/*
 * Has collectd flush every plugin named for every identifier named, all where none is. What fails
 * is counted in the answer, and logged; a remark is in the answer. -EINVAL: a word is invalid;
 * nothing was done.
 */
int flush_run(const struct request *request, struct answer *answer, struct error *err);

#endif
