/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sealing: replaces libbpf's copy of a loaded object by the data that the plugin needs. Only
 * object.c uses it; the results are in struct object.
 */
#ifndef DYNMON_KERNEL_SEAL_H
#define DYNMON_KERNEL_SEAL_H

#include "kernel/object.h"

/**
 * object_seal() - take over the descriptors of a loaded object and close libbpf's object
 * @object:  loaded just now, and used by one thread
 *
 * Maps and programs get descriptors above DESCRIPTORS_LOW, which libbpf cannot give them. The
 * descriptor of the BTF is closed: programs and maps hold the kernel's BTF. Objects with equal BTF
 * share one copy in memory. An object whose programs are attached by their sections stays open:
 * libbpf attaches them.
 *
 * Return: 0 on success; -errno on failure; the object can then only be freed.
 */
int object_seal(struct object *object);

/* Undoes object_seal(), also after a partial failure. Accepts objects that were never loaded. */
void object_unseal(struct object *object);

#endif
