/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programs whose section says what they are attached to: tracepoints and the like. */
#ifndef DYNMON_KERNEL_SECTION_H
#define DYNMON_KERNEL_SECTION_H

#include "kernel/object.h"

/*
 * Whether all its programs are attached by their section, or, with a name, the one called so: then
 * object_select_sections() is for it, and not object_select().
 */
bool object_has_sections_only(const struct object *object, const char *name);

/*
 * Picks the programs that are attached by their section and not to an interface: tracepoints and
 * the like. name: only that one; NULL: all.
 */
void object_select_sections(struct object *object, const char *name);

/*
 * Attaches the picked programs of a loaded object by their sections; all or none. Does nothing when
 * they are attached. -errno with the section and libbpf's words.
 */
int object_attach_sections(struct object *object, struct error *err);
void object_detach_sections(struct object *object);

/* The section of the program that link i is of. */
const char *object_section(const struct object *object, size_t i);

#endif
