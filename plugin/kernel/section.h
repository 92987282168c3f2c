/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Programs that attach by their section instead of to an interface: tracepoints, kprobes and the
 * like.
 *
 * The functions belong to struct object: the caller serializes calls on one object. They use
 * libbpf's copy of the object, which stays open for such programs.
 */
#ifndef DYNMON_KERNEL_SECTION_H
#define DYNMON_KERNEL_SECTION_H

#include "kernel/object.h"

/**
 * object_has_sections_only() - test whether programs attach by their section
 * @object:  opened object
 * @name:    name of a program; NULL: all programs of the object
 *
 * Return: true if the object has such programs and all of them attach by section. Then use
 * object_select_sections() instead of object_select().
 */
bool object_has_sections_only(const struct object *object, const char *name);

/**
 * object_select_sections() - select programs that attach by section for loading
 * @object:  opened, but not loaded
 * @name:    name of the only program to select; NULL: all
 */
void object_select_sections(struct object *object, const char *name);

/**
 * object_attach_sections() - attach the selected programs of a loaded object, all or none
 * @object:  loaded object
 * @err:     receives the section and libbpf's messages
 *
 * Idempotent. object_detach_sections() undoes it.
 *
 * Return: 0 on success, -errno on failure.
 */
int object_attach_sections(struct object *object, struct error *err);
void object_detach_sections(struct object *object);

/* Returns the section of the program of object->links[i]; "" if i is out of range. */
const char *object_section(const struct object *object, size_t i);

#endif
