/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The trial of an untrusted object: libbpf opens the object in a process that may crash.
 *
 * Runs in the sandbox of dynmon-cc --open, not in the daemon.
 */
#ifndef DYNMON_CC_TRIAL_H
#define DYNMON_CC_TRIAL_H

#include "base/error.h"
#include "base/text.h"

#define TRIAL_MIB	  36 /* maximum size of an object; a bundle has two objects and a document */
#define TRIAL_CPU_SECONDS 5
#define TRIAL_MEMORY_MIB  1024

/**
 * trial_run() - check an object, open it with libbpf, and discard it
 * @object:  the object
 * @diagnostics:   receives the warnings of libbpf; must stay valid while the process uses libbpf
 * @err:     receives the reason for a failure
 *
 * Nothing is loaded into the kernel. Call this function in the sandbox: a crafted object can crash
 * the process. The resource limits of the process stay lowered.
 *
 * Return: 0, -EBADMSG if the object is rejected, another -errno if the limits cannot be set.
 */
int trial_run(const struct text *object, struct text *diagnostics, struct error *err);

#endif
