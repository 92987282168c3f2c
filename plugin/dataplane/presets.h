/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Presets: what a document or a setting changes in compiled code before it is loaded, the values of
 * variables and the properties of maps. See dynmon-dataplane(5).
 *
 * Embedded in struct direction_config. A zeroed object is empty; all strings and arrays are owned.
 */
#ifndef DYNMON_DATAPLANE_PRESETS_H
#define DYNMON_DATAPLANE_PRESETS_H

#include "dataplane/json_reader.h"

#define PRESETS_MAX	256 /* variables, and maps, of one direction */
#define PRESET_TEXT_MAX 512 /* bytes of the value of a variable */

struct variable_preset {
	char *name;    /* with dots for members: "filter.port" */
	char *value;   /* in the syntax of variable_set() */
	bool anywhere; /* a direction whose code has no such variable ignores it */
};

struct map_preset {
	char *name;
	uint32_t max_entries; /* 0: as in the code */
	char *pin;	      /* NULL: not pinned */
};

struct presets {
	struct variable_preset *variables; /* of equal names the last one counts */
	size_t n_variables;
	struct map_preset *maps;
	size_t n_maps;
};

/* Parses {"NAME": true, "STRUCT.MEMBER": 53} into struct presets. */
json_parser presets_parse_variables;

/* Parses {"NAME": {"max-entries": 4096, "pin": "/sys/fs/bpf/x"}} into struct presets. */
json_parser presets_parse_maps;

/**
 * presets_assign() - set a variable in each direction that has it
 * @presets:     presets
 * @assignment:  "NAME=VALUE", valid for presets_check_assignment()
 *
 * Return: 0 or -ENOMEM.
 */
int presets_assign(struct presets *presets, const char *assignment);

/* Returns 0 if the syntax is NAME=VALUE; -EINVAL with a message otherwise. */
int presets_check_assignment(const char *assignment, struct error *err);

bool presets_equal(const struct presets *a, const struct presets *b);
void presets_release(struct presets *presets);

#endif
