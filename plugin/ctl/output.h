/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file that --output names. */
#ifndef DYNMON_CTL_OUTPUT_H
#define DYNMON_CTL_OUTPUT_H

#include "base/error.h"
#include "base/text.h"

/**
 * output_write() - write a file
 * @name:   name of the file
 * @bytes:  contents
 * @err:    receives the reason with the name
 *
 * A regular file is replaced in one step, so that no reader sees an incomplete file. A device or a
 * pipe is opened for writing.
 *
 * Return: 0 or -errno.
 */
int output_write(const char *name, const struct text *bytes, struct error *err);

#endif
