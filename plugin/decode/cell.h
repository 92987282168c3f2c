/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A cell: one number in one entry of a map, which user space sets. In a per-CPU map that of every
 * CPU.
 *
 * Embedded in its owner, who keeps the object. Made once, then set any number of times, by one
 * thread at a time.
 */
#ifndef DYNMON_DECODE_CELL_H
#define DYNMON_DECODE_CELL_H

#include "decode/plan.h"
#include "kernel/map.h"
#include "kernel/object.h"

/* Bytes of a key's text. */
#define CELL_KEY_MAX 1024

/* Where a cell is, in a user's words. */
struct cell_place {
	const char *map;   /* as the code calls it */
	const char *key;   /* JSON: a number, or an object of numbers for a struct */
	const char *field; /* of a struct; NULL: the value is the number */
};

struct cell {
	struct map map;
	char *key;
	enum plan_kind kind; /* PLAN_UNSIGNED, PLAN_SIGNED, PLAN_FLOAT or PLAN_BOOL */
	uint32_t offset;     /* bytes from the start of the value */
	uint32_t size;	     /* bytes of the number */
	char *memory;	     /* pages of the map, mapped; NULL: it is set by system calls */
	size_t memory_len;
	char *at; /* the number in there */
};

/*
 * Finds a cell of a loaded object.
 * -ENOENT: there is no such map or field; -EINVAL: no such entry or number is possible there;
 * -EOPNOTSUPP: a map type without entries to set; -EPERM: the map is read-only; the words say what
 * there is. After success: cell_release().
 */
int cell_init(struct cell *cell, const struct object *object, const struct cell_place *place,
	      struct error *err);
void cell_release(struct cell *cell);

/*
 * Sets the number as cell_encode() has it, and makes the entry when it is not there; its other
 * fields are zero then. In an array with BPF_F_MMAPABLE only the number is written, at once;
 * elsewhere a struct is read and written as a whole: what a program changes in it between the two
 * is lost. value: no NaN. -errno: E2BIG for a map that is full, EPERM for one that is read-only.
 */
int cell_set(const struct cell *cell, double value);

/*
 * Writes a value as a number of that kind and size: to an integer it is rounded to the nearest one,
 * halves away from zero, and clamped to what there is room for; a bool is whether it is not 0 then.
 */
void cell_encode(enum plan_kind kind, uint32_t size, double value, void *to);

/* Whether a text can be a key of some map: -EINVAL with words. */
int cell_check_key(const char *text, struct error *err);

#endif
