/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hooks. A new hook is a row of the table in hook.c and its operations. */
#ifndef DYNMON_KERNEL_HOOK_H
#define DYNMON_KERNEL_HOOK_H

#include "kernel/attachment.h"

/**
 * hook_find() - look up a hook by name
 * @name:  "tcx", "tc", "xdp", "xdp-generic", or "auto"; case-insensitive
 *
 * "auto" is tcx if the kernel supports it, otherwise tc. Both serve ingress and egress.
 *
 * Return: the hook, or NULL for an unknown name. hook_names() lists the names for messages.
 */
const struct hook *hook_find(const char *name);
const char *hook_names(void);

/*
 * Returns the hook for a direction: @hook itself, except that XDP has no egress and uses "auto"
 * there.
 */
const struct hook *hook_for_direction(const struct hook *hook, enum direction direction);

#endif
