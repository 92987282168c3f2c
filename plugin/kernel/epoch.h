/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The time since 1970 in eBPF, which has the monotonic clock alone: objects that need it have a
 * constant, dynmon_epoch_base, with what the two clocks are apart in ns (bpf/dynmon/dialect.h). The
 * compiler's is of another boot, or of another host.
 */
#ifndef DYNMON_KERNEL_EPOCH_H
#define DYNMON_KERNEL_EPOCH_H

#include "base/error.h"

struct object;

/*
 * Sets the constant, if the object has it, to the current time; before the object is loaded.
 * -errno.
 */
int object_set_epoch(struct object *object, struct error *err);

#endif
