/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Captures the messages of libbpf, including the verifier log, per thread. Nothing reaches stderr,
 * which a daemon does not have.
 */
#ifndef DYNMON_KERNEL_LIBBPF_LOG_H
#define DYNMON_KERNEL_LIBBPF_LOG_H

#include "base/text.h"

/**
 * libbpf_log_begin() - capture libbpf's warnings in the calling thread
 * @to:  warnings are appended until libbpf_log_end(); NULL: warnings are discarded
 *
 * Calls do not nest. The state is thread-local, so any thread may call both functions.
 */
void libbpf_log_begin(struct text *to);
void libbpf_log_end(void);

#endif
