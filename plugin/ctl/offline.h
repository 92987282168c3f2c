/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compiling and loading of a dataplane without the plugin, for check, compile and test. */
#ifndef DYNMON_CTL_OFFLINE_H
#define DYNMON_CTL_OFFLINE_H

#include "ctl/options.h"
#include "program/generation.h"

/**
 * offline_compile() - compile a document for options->hook
 * @file:    document, bundle or object
 * @target:  receives the hook, log level and CUBE_ID of the options
 * @ret:     receives the dataplane with one reference
 *
 * Prints warnings to stderr.
 *
 * Return: 0, or -errno with a message in @err.
 */
int offline_compile(const struct options *options, const char *file, struct compile_target *target,
		    struct dataplane **ret, struct error *err);

/*
 * Loads a dataplane into the kernel, without pins and maps of other monitors. Remarks about maps
 * and metrics are stored in warnings, which must be empty, and printed to stderr.
 */
int offline_load(struct dataplane *dataplane, const struct compile_target *target,
		 struct generation **ret, struct text *warnings, struct error *err);

#endif
