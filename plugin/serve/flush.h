/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verb FLUSH, with the syntax and the answer of collectd's unixsock plugin. */
#ifndef DYNMON_SERVE_FLUSH_H
#define DYNMON_SERVE_FLUSH_H

#include "serve/request.h"

/**
 * flush_run() - flush each given plugin for each given identifier
 *
 * Without plugin= all plugins are flushed; without identifier= all values are flushed. Failures are
 * logged and counted in the answer. Remarks are part of the answer.
 *
 * Return: 0, also if a flush failed; -EINVAL for an invalid word, and nothing was flushed.
 */
int flush_run(const struct request *request, struct answer *answer, struct error *err);

#endif
