/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A generation: one loaded copy of a dataplane, what an instance runs at a time.
 *
 * With swap-on-read it is two copies of its programs, each with its own copy of the maps that are
 * swapped; all other maps are common. One copy runs while the other one is read.
 *
 * Reference counted, and read-only once loaded but for which copy runs: whoever reads its maps
 * holds a reference, so that a reload never takes a map away under a reader.
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
 * Which of two copies runs. It outlives a reload that keeps the maps: the next generation begins
 * with the copy that runs. Reference counted.
 */
struct swap {
	unsigned int refs; /* atomic */
	/* Held while the copy that does not run is read; taken before monitors' links. */
	pthread_mutex_t reading;
	bool twin_runs; /* atomic; changed with the links of the monitor held */
};

struct generation_path {
	struct object *object; /* NULL: nothing runs on this path */
	int prog_fd;	       /* the object's; -1 when its programs are attached by section */
	struct object *twin;   /* the second copy; NULL: nothing is swapped */
	int twin_prog_fd;
	bool by_section;	 /* tracepoints and the like: on no interface */
	struct run_stats before; /* of the programs in whose place these were put */
	struct metric *metrics;
	size_t n_metrics;
};

struct feed_target;

struct generation {
	unsigned int refs; /* atomic */
	struct dataplane *dataplane;
	struct swap *swap; /* NULL: nothing is swapped */
	struct generation_path paths[PATH_COUNT];
	/* -- protected by the lock of the feeds, see feed.h -- */
	struct feed_target *targets;
	size_t n_targets;
	void (*feed_targets_free)(struct feed_target *targets,
				  size_t n); /* set with the first target */
};

/* Adds all maps of a generation. -ENOMEM. generation may be NULL. */
int generation_reusable_maps(const struct generation *generation,
			     struct reusable_maps *reusable_maps);

/* The program that runs on a path, or is to; -1: none on an interface. generation may be NULL. */
int generation_prog_fd(const struct generation *generation, enum path path);

/* What a path's programs have run, and those before them. */
struct run_stats generation_run_stats(const struct generation *generation, enum path path);

/*
 * Lets what runs from now on go on with the run statistics of previous, whose programs must not run
 * any more; while nobody reads generation. Either may be NULL.
 */
void generation_follow(struct generation *generation, const struct generation *previous);

/*
 * Whether counts of maps that could not be kept as they are have still to be added to its own, and
 * doing so: when what runs has been replaced and no packet is under way in it any more, and before
 * anybody reads generation, which may be NULL. -errno: not all of them.
 */
bool generation_has_past(const struct generation *generation);
int generation_add_past(struct generation *generation, struct error *err);

/* Whether any of its programs belongs on an interface, or is attached by its section. */
bool generation_has_hooks(const struct generation *generation);
bool generation_has_sections(const struct generation *generation);

/* Attaches and detaches the programs that are attached by their section. All or none. Take NULL. */
int generation_attach_sections(struct generation *generation, struct error *err);
/* Those of objects that next, which may be NULL, does not have, too. */
void generation_detach_sections(struct generation *generation, const struct generation *next);

/* It is in use: maps that it has pinned stay. Takes NULL. */
void generation_keep(struct generation *generation);

struct generation *generation_ref(struct generation *generation);
struct generation *generation_unref(struct generation *generation);
DEFINE_CLEANUP(struct generation *, generation_unref);

#endif
