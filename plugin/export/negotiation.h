/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Content negotiation: the table of exposition formats, and the choice among them. */
#ifndef DYNMON_EXPORT_NEGOTIATION_H
#define DYNMON_EXPORT_NEGOTIATION_H

#include "export/encoder.h"

/**
 * negotiate_encoding() - choose the format for a client
 * @accept: Accept header, or NULL if there is none
 *
 * Return: the known format with the largest weight; the text format of Prometheus if the header
 * names none.
 */
const struct encoding *negotiate_encoding(const char *accept);

#endif
