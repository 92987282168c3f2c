/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The trial of an object: whether libbpf can open it at all, and lives to tell. */
#ifndef DYNMON_CC_TRIAL_H
#define DYNMON_CC_TRIAL_H

#include "base/error.h"
#include "base/text.h"

#define TRIAL_MIB	  36 /* of an object; a bundle has two, and a document */
#define TRIAL_CPU_SECONDS 5
#define TRIAL_MEMORY_MIB  1024

/**
 * trial_run() - check an object, open it with libbpf, and discard it
 * @object:  the object
 * @words:   receives libbpf's messages
 * @err:     receives the reason of a failure
 *
 * Loads nothing. Call it in the sandbox: a forged object may crash this process, and the limits of
 * the process stay lowered.
 *
 * Return: 0, -EBADMSG if the object is refused, another -errno if the limits cannot be set.
 */
int trial_run(const struct text *object, struct text *words, struct error *err);

#endif
