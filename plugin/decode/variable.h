/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The global variables of an object's code. Their types are those of the object's BTF.
 *
 * The functions keep no state. Like the object, they belong to one thread until it is loaded.
 */
#ifndef DYNMON_DECODE_VARIABLE_H
#define DYNMON_DECODE_VARIABLE_H

#include "kernel/object.h"

/**
 * variable_exists() - test if the code has a variable
 * @object:  the object
 * @name:    its name; members of structs follow after a dot and are not tested
 */
bool variable_exists(const struct object *object, const char *name);

/* Sets the error that there is no such variable, which lists those of the code. Returns -ENOENT. */
int variable_unknown(const struct object *object, const char *name, struct error *err);

/**
 * variable_set() - set the initial value of a variable
 * @object:  opened, but not loaded
 * @name:    name of the variable, and of a member of a struct: "filter.port"
 * @value:   "true" or "false"; a decimal or hexadecimal integer; the name of an enum's constant;
 *           text for an array of char
 * @err:     receives the valid values or names
 *
 * Integers of the types __be16, __be32 and __be64 are given in host byte order.
 *
 * Return: 0 on success, -ENOENT if there is no such variable or member, -EINVAL if the value does
 * not fit the type or the type cannot be set, -ENOMEM.
 */
int variable_set(struct object *object, const char *name, const char *value, struct error *err);

#endif
