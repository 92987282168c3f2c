/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A cell is one number in one entry of a map that user space writes. In a per-CPU map, the cell is
 * the number of every CPU.
 *
 * Embedded in its owner, which must keep the object loaded: the descriptor of the map is borrowed.
 * Initialized once and set any number of times. There is no lock; the owner serializes all calls.
 */
#ifndef DYNMON_DECODE_CELL_H
#define DYNMON_DECODE_CELL_H

#include "base/error.h"
#include "decode/plan.h"
#include "kernel/map.h"
#include "kernel/object.h"

/* Limit of the text of a key, in bytes. */
#define CELL_KEY_MAX 1024

/* The location of a cell as the user configures it. Strings are borrowed. */
struct cell_place {
	const char *map;   /* name of the map in the code */
	const char *key;   /* JSON: an integer, or an object of integers for a struct */
	const char *field; /* name in the value; NULL: the whole value is the number */
};

struct cell {
	struct map map;
	char *key;	     /* owned, map.key_size bytes */
	enum plan_kind kind; /* PLAN_UNSIGNED, PLAN_SIGNED, PLAN_FLOAT or PLAN_BOOL */
	uint32_t offset;     /* bytes from the start of the value */
	uint32_t size;	     /* size of the number in bytes */
	char *memory;	     /* mapped pages of the map; NULL: system calls are used */
	size_t memory_len;
	char *at; /* the number in memory */
};

/**
 * cell_init() - find a cell in a loaded object
 * @cell:    initialized; call cell_release() after success
 * @object:  loaded object, must outlive the cell
 * @place:   location of the cell, not used after the call
 * @err:     receives the reason of a failure and the valid alternatives
 *
 * Return: 0 on success, -ENOENT if the map or field does not exist, -EINVAL if the key is invalid
 * or the field is no number, -EOPNOTSUPP if the map type has no entries to set, -EPERM if the map
 * is read-only, other -errno on failure.
 */
int cell_init(struct cell *cell, const struct object *object, const struct cell_place *place,
	      struct error *err);

/**
 * cell_release() - free the resources of a cell
 * @cell:  cell, also if zeroed
 */
void cell_release(struct cell *cell);

/**
 * cell_set() - write the number of a cell
 * @cell:   the cell
 * @value:  value, not NaN; rounded and clamped by cell_encode()
 *
 * Creates a missing entry, with all other fields zero. In an array with BPF_F_MMAPABLE, only the
 * number is written, in one store if it is aligned. In other maps, a struct is read, modified and
 * written back. This is not atomic: an update of the entry by a program in between is lost.
 *
 * Return: 0 on success, -E2BIG if the map is full, -EPERM if the map is read-only, other -errno.
 */
int cell_set(const struct cell *cell, double value);

/**
 * cell_encode() - convert a value to the type of a cell
 * @kind:   PLAN_UNSIGNED, PLAN_SIGNED, PLAN_FLOAT or PLAN_BOOL
 * @size:   bytes: 4 or 8 for PLAN_FLOAT, else 1, 2, 4 or 8
 * @value:  value, not NaN
 * @to:     receives @size bytes, need not be aligned
 *
 * For integers, the value is rounded to the nearest integer, half away from zero, and clamped to
 * the range of the type. A bool is true if the rounded value is not 0.
 */
void cell_encode(enum plan_kind kind, uint32_t size, double value, void *to);

/**
 * cell_check_key() - check the syntax of a key without knowledge of the map
 * @text:  JSON of the key
 * @err:   receives the reason of a failure
 *
 * Return: 0 or -EINVAL.
 */
int cell_check_key(const char *text, struct error *err);

#endif
