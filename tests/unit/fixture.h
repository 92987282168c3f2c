/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What several tests need: folders that go away, eBPF objects compiled on the spot, interfaces. */
#ifndef DYNMON_TESTS_UNIT_FIXTURE_H
#define DYNMON_TESTS_UNIT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../tools/settle.h"
#include "base/error.h"
#include "base/text.h"
#include "config/settings.h"
#include "export/openmetrics.h"
#include "kernel/object.h"
#include "monitor/snapshot.h"

/* A new folder below $TMPDIR; the caller frees the name after folder_remove(). */
char *folder_make(void);
/* Removes it with all that is in it. */
void folder_remove(const char *folder);

/* Writes a file of len bytes with that mode. */
void file_make(const char *folder, const char *name, const void *bytes, size_t len, int mode);

/* Whether this process may use eBPF; says on stderr why not. */
bool bpf_possible(void);

/* Skips the test at hand when eBPF, or clang for its objects, is not to be had. */
#define skip_without_bpf()                                                                         \
	do {                                                                                       \
		if (!bpf_possible())                                                               \
			skip();                                                                    \
	} while (0)

/*
 * Compiles libbpf-style C to an object with BTF. false, with words on stderr, when there is no
 * clang; wrong source fails the test.
 */
bool object_compile(const char *source, struct text *elf);

/*
 * An object with one program for tc, compiled and loaded. NULL where eBPF or clang is not to be
 * had; what the kernel refuses fails the test.
 */
struct object *object_from_source(const char *source);

/* Puts an entry into a map of the object; fails the test when that is not possible. */
void object_put(const struct object *object, const char *map, const void *key, const void *value);

/*
 * All series of a metric, or the largest, as "label label number;" in the order of their text; of
 * the last CPU where each has its own. number is the first one. Then "of 5" where some are left
 * out. What is wrong with the config in their place. accumulator: of what is added up.
 */
char *series_of(const struct object *object, const struct metric_config *config, uint32_t limit,
		bool accumulator);

/*
 * An instance of a monitor that runs nowhere: with one metric on each path whose config has a name.
 * settings are taken; configs must outlive it. A snapshot releases it, or snapshot_item_release().
 */
struct snapshot_item snapshot_item_make(struct monitor_settings *settings, const char *interface,
					struct object *object, const struct metric_config *configs);
void snapshot_item_release(struct snapshot_item *item);

/* Appends what the snapshot, which is taken, is exposed as; fails the test when that is an error.
 */
void snapshot_expose(struct snapshot *snapshot, enum exposition exposition, struct text *out);

/* The repository's own folder: $top_srcdir, or found from here; NULL: not to be found. */
const char *source_dir(void);

/* Runs a command line, silently. Its exit status. */
int shell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Puts the process into a network namespace of its own. false: not possible. */
bool netns_private(void);

/*
 * A mount namespace of this process, with a BPF file system in it: nobody else's /sys/fs/bpf.
 * false: not possible.
 */
bool bpffs_private(void);

/* Whether the string contains the other; tells both on stderr when not. */
bool contains(const char *all, const char *part);

#endif
