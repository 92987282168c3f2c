/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Programs that attach by their section instead of to an interface: tracepoints, kprobes and the
 * like.
 *
 * libbpf attaches them, so its object stays open. The owner of the object serializes the calls.
 */
#ifndef DYNMON_KERNEL_SECTION_H
#define DYNMON_KERNEL_SECTION_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

struct bpf_link;
struct bpf_object;

/* Links of the attached programs, in the order of the object. Zeroed: detached. */
struct section_links {
	struct bpf_link **items;
	size_t n;
};

/**
 * sections_only() - test whether programs attach by their section
 * @object:  opened object
 * @name:    name of a program; NULL: all programs of the object
 *
 * Return: true if the object has such programs and all of them attach by section. Then use
 * sections_select() instead of object_select().
 */
bool sections_only(const struct bpf_object *object, const char *name);

/**
 * sections_select() - select programs that attach by section for loading
 * @object:  opened, but not loaded
 * @name:    name of the only program to select; NULL: all
 */
void sections_select(struct bpf_object *object, const char *name);

/**
 * sections_attach() - attach the selected programs of a loaded object, all or none
 * @links:   receives the links; detach with sections_detach()
 * @object:  loaded object
 * @err:     receives the section and libbpf's messages
 *
 * Idempotent.
 *
 * Return: 0 on success, -errno on failure.
 */
int sections_attach(struct section_links *links, const struct bpf_object *object,
		    struct error *err);
void sections_detach(struct section_links *links);

/* Returns the section of the program of link i; "" if i is out of range. */
const char *section_name(const struct bpf_object *object, size_t i);

#endif
