/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel's verifier says of a program, told with the line of the source that it is about.
 */
#ifndef DYNMON_PROGRAM_VERIFIER_LOG_H
#define DYNMON_PROGRAM_VERIFIER_LOG_H

#include "base/error.h"
#include "dataplane/document.h"

/*
 * Puts the line of the path's code, and what is wrong there, before a message with a verifier's log
 * in it; one without is left as it is. Returns code, with which the call failed.
 */
int verifier_log_annotate(struct error *err, int code, const struct path_config *config);

#endif
