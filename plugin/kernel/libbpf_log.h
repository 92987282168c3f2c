/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What libbpf says while it works for the calling thread: its own messages and the
 * verifier's log. Nothing of it reaches stderr, which a daemon does not have.
 */
#ifndef DYNMON_KERNEL_LIBBPF_LOG_H
#define DYNMON_KERNEL_LIBBPF_LOG_H

#include "base/text.h"

/*
 * Between these two calls, libbpf's warnings in this thread are appended to to (may be NULL:
 * thrown away). Not to be nested.
 */
void libbpf_log_begin(struct text *to);
void libbpf_log_end(void);

#endif
