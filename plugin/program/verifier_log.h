/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Verifier log: relates the kernel's verdict on a program to a line of its source. */
#ifndef DYNMON_PROGRAM_VERIFIER_LOG_H
#define DYNMON_PROGRAM_VERIFIER_LOG_H

#include "base/error.h"
#include "dataplane/document.h"

/**
 * verifier_log_annotate() - prefix a verifier log with the source line and the verdict
 * @err:    an error whose message contains a verifier log; other messages are unchanged
 * @code:   error code of the failed load
 * @config: the direction that failed to load
 *
 * Return: @code.
 */
int verifier_log_annotate(struct error *err, int code, const struct direction_config *config);

#endif
