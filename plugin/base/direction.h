/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The directions of packets, seen from the interface. The returned strings are static. */
#ifndef DYNMON_BASE_DIRECTION_H
#define DYNMON_BASE_DIRECTION_H

enum direction { INGRESS, EGRESS, N_DIRECTIONS };

/**
 * direction_name() - return the name of a direction
 * @direction:  direction
 *
 * Return: "ingress" or "egress".
 */
const char *direction_name(enum direction direction);

/**
 * direction_key() - return the key of a direction in a document
 * @direction:  direction
 *
 * Return: "ingress-path" or "egress-path".
 */
const char *direction_key(enum direction direction);

/**
 * direction_from_name() - find a direction by its name
 * @name:  name, compared without regard to case
 *
 * Return: enum direction, or -1 if the name is unknown.
 */
int direction_from_name(const char *name);

#endif
