/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Applies the presets of a direction, see dataplane/presets.h, to its object before it is loaded.
 */
#ifndef DYNMON_PROGRAM_PRESETTING_H
#define DYNMON_PROGRAM_PRESETTING_H

#include "program/generation.h"

/**
 * presetting_apply() - set variables and properties of maps
 * @object:   opened, but not loaded
 * @presets:  presets of the direction
 * @err:      names the variable or map, and valid values or names
 *
 * Return: 0; -ENOENT if there is no such variable or map; -EINVAL if a value does not fit.
 */
int presetting_apply(struct object *object, const struct presets *presets, struct error *err);

/**
 * presetting_check() - check that each variable that may be in any direction is in one
 * @generation:  the objects of all directions are open
 * @direction:   whose presets to check
 * @err:         names the variable and lists those of the direction's code
 *
 * Return: 0, or -ENOENT.
 */
int presetting_check(const struct generation *generation, enum direction direction,
		     struct error *err);

#endif
