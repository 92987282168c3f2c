/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A generation: one loaded copy of a dataplane, which an instance runs until the next change.
 *
 * With swap-on-read, a generation has two copies of its programs. Each copy has its own copy of the
 * swapped maps; all other maps are shared. One copy runs while the other is read.
 *
 * Reference counted. A generation is read-only after loading, except for which copy runs and for
 * feed targets. Readers hold a reference, so that a reload cannot free the maps they read.
 */
#ifndef DYNMON_PROGRAM_GENERATION_H
#define DYNMON_PROGRAM_GENERATION_H

#include "dataplane/dataplane.h"
#include "kernel/object.h"
#include "kernel/run_stats.h"
#include "metric/metric.h"
#include "program/reusable_map.h"

#include <pthread.h>

/*
 * Selects which of two copies runs. Reference counted: a generation shares the object with the
 * previous one, and therefore starts with the copy that runs.
 */
struct swap {
	unsigned int refs; /* atomic */
	/* Held while the idle copy is read. Taken before any monitor's links lock. */
	pthread_mutex_t reading;
	bool second_runs; /* atomic; writers hold the monitor's links lock */
};

struct generation_direction {
	struct object *object; /* NULL: nothing runs on this direction */
	int prog_fd;	       /* of object; -1 if its programs are attached by section */
	struct object *second; /* the second copy; NULL: nothing is swapped */
	int second_prog_fd;
	bool by_section;	 /* tracepoints and similar programs, which have no interface */
	struct run_stats before; /* totals of the programs that these replaced */
	struct metric *metrics;
	size_t n_metrics;
};

struct feed_target;

struct generation {
	unsigned int refs; /* atomic */
	struct dataplane *dataplane;
	struct swap *swap; /* NULL: nothing is swapped */
	struct generation_direction directions[N_DIRECTIONS];
	/* -- protected by the feeds lock, see feed.h -- */
	struct feed_target *targets;
	size_t n_targets;
	void (*feed_targets_free)(struct feed_target *targets,
				  size_t n); /* set with the first target */
};

/**
 * generation_bind() - create the metrics of a generation
 * @generation: its objects are loaded
 * @monitor:    name of the owner; NULL: none
 * @previous:   a metric keeps its accumulator if its map is kept; may be NULL
 * @report:     receives a line for each metric that does not behave as expected; may be NULL
 * @err:        receives the reason of a failure, with the direction named
 *
 * Called by one thread before the generation is published.
 *
 * Return: 0, or -errno.
 */
int generation_bind(struct generation *generation, const char *monitor,
		    const struct generation *previous, struct text *report, struct error *err);

/**
 * generation_reusable_maps() - collect the maps of a generation for reuse
 * @generation:    may be NULL
 * @reusable_maps: receives the maps; borrows from @generation
 *
 * Return: 0, or -ENOMEM.
 */
int generation_reusable_maps(const struct generation *generation,
			     struct reusable_maps *reusable_maps);

/**
 * generation_prog_fd() - the program of the copy that runs
 * @generation: may be NULL
 * @direction:       the direction
 *
 * Return: a descriptor owned by the generation; -1 if the direction has no program for an
 * interface.
 */
int generation_prog_fd(const struct generation *generation, enum direction direction);

/**
 * generation_run_stats() - run statistics of a direction's programs and their predecessors
 * @generation: the generation
 * @direction:       the direction
 *
 * Return: the totals.
 */
struct run_stats generation_run_stats(const struct generation *generation,
				      enum direction direction);

/**
 * generation_follow() - continue the run statistics of the previous generation
 * @generation: not published yet; may be NULL
 * @previous:   its programs no longer run; may be NULL
 */
void generation_follow(struct generation *generation, const struct generation *previous);

/**
 * generation_has_past() - check for counts of old maps that must be added to new maps
 * @generation: may be NULL
 *
 * Return: true if generation_add_past() has work to do.
 */
bool generation_has_past(const struct generation *generation);

/**
 * generation_add_past() - add the counts of maps that could not be kept as they are
 * @generation: not published yet; may be NULL
 * @err:        receives the reason of a failure
 *
 * Call this function after the old programs were replaced and an RCU grace period has ended.
 *
 * Return: 0; -errno if some counts were not added.
 */
int generation_add_past(struct generation *generation, struct error *err);

/**
 * generation_has_hooks() - check for programs that are attached to an interface
 * @generation: may be NULL
 *
 * Return: true if there is such a program.
 */
bool generation_has_hooks(const struct generation *generation);

/**
 * generation_has_sections() - check for programs that are attached by their section
 * @generation: may be NULL
 *
 * Return: true if there is such a program.
 */
bool generation_has_sections(const struct generation *generation);

/**
 * generation_attach_sections() - attach all programs that are attached by their section
 * @generation: may be NULL
 * @err:        receives the reason of a failure
 *
 * Return: 0; -errno if none is attached.
 */
int generation_attach_sections(struct generation *generation, struct error *err);

/**
 * generation_detach_sections() - detach all programs that are attached by their section
 * @generation: may be NULL
 * @next:       an object that next also runs stays attached; may be NULL
 */
void generation_detach_sections(struct generation *generation, const struct generation *next);

/**
 * generation_keep() - keep the maps that the generation has pinned
 * @generation: runs now; may be NULL
 */
void generation_keep(struct generation *generation);

/**
 * generation_ref() - take a reference
 * @generation: may be NULL
 *
 * Return: @generation.
 */
struct generation *generation_ref(struct generation *generation);

/**
 * generation_unref() - drop a reference; the last one frees the generation
 * @generation: may be NULL
 *
 * Return: NULL.
 */
struct generation *generation_unref(struct generation *generation);
DEFINE_CLEANUP(struct generation *, generation_unref);

#endif
