/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of all options of all blocks. A row defines how the value of an option is checked and
 * where it is stored; setting, comparing and releasing blocks follow the table. The table is
 * constant. Other directories use settings.h instead.
 */
#ifndef DYNMON_CONFIG_OPTION_H
#define DYNMON_CONFIG_OPTION_H

#include "base/error.h"
#include "config/block.h"

/* The type of the member that holds the value. */
enum option_type {
	OPTION_STRING, /* char *, NULL: not set */
	OPTION_LIST,   /* char ** and a size_t; each value is appended */
	OPTION_SET,    /* a list without duplicates, whose order does not matter */
	OPTION_BOOL,
	OPTION_CHOICE, /* enum choice */
	OPTION_DOUBLE,
	OPTION_U32,
};

struct option {
	enum settings_block block;
	const char *name;
	enum option_type type;
	size_t offset; /* of the member in the struct of the block */
	/*
	 * Checks a value, and may replace it by its canonical form. Returns 0, -EINVAL with a
	 * message, or -ENOMEM.
	 */
	int (*check)(const char **value, struct error *err);
	const char *initial; /* default value; NULL: the member is zero */
	size_t count;	     /* lists: offset of the number of elements */
	size_t max;	     /* lists: maximum number of elements */
	const char *hint;    /* lists: what to do at the maximum, or NULL */
	bool required;
	bool live; /* <Plugin dynmon> only: a reload applies a change */
};

/* In the order of messages; the last element has no name. */
extern const struct option options[];

/* Sets the option of a block to a value. Returns 0, -EINVAL, -E2BIG or -ENOMEM. */
int option_set(const struct option *option, void *block, const char *value, struct error *err);

/* Returns true if the option has the same value in two blocks. */
bool option_equal(const struct option *option, const void *a, const void *b);

/* Frees the value of the option in a block. */
void option_release(const struct option *option, void *block);

/*
 * Names are used in file names, addresses, and space-separated words. Returns 0 or -EINVAL. @name
 * may be NULL, which is invalid.
 */
int monitor_name_check(const char *name, struct error *err);

#endif
