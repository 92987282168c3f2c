/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The trial of an object: whether libbpf can open it at all, and lives to tell. */
#ifndef DYNMON_CC_TRIAL_H
#define DYNMON_CC_TRIAL_H

#include "base/error.h"
#include "base/text.h"

#define TRIAL_MIB	  36 /* of an object; a bundle has two, and a document */
#define TRIAL_CPU_SECONDS 5
#define TRIAL_MEMORY_MIB  1024

/*
 * Opens the object with libbpf and throws it away; nothing is loaded. To be called in the sandbox:
 * a forged object may crash this process, and its limits are set for good. What libbpf says is
 * appended to words. -EBADMSG when it cannot be opened.
 */
int trial_run(const struct text *object, struct text *words, struct error *err);

#endif
