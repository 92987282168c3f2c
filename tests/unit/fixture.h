/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shared test helpers: temporary folders, eBPF objects compiled at run time, namespaces and
 * snapshots. Failures of the helpers fail the running test unless stated otherwise.
 */
#ifndef DYNMON_TESTS_UNIT_FIXTURE_H
#define DYNMON_TESTS_UNIT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../tools/settle.h"
#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "config/settings.h"
#include "export/openmetrics.h"
#include "kernel/object.h"
#include "monitor/snapshot.h"

/* Creates a folder below $TMPDIR. The caller frees the name after folder_remove(). */
char *folder_make(void);
/* Removes the folder and its contents. */
void folder_remove(const char *folder);

/* Writes a file of len bytes with the given mode. */
void file_make(const char *folder, const char *name, const void *bytes, size_t len, int mode);

/* Returns true if this process may use eBPF; otherwise prints the reason to stderr. */
bool bpf_possible(void);

/* Skips the running test if eBPF, or clang for its objects, is not available. */
#define skip_without_bpf()                                                                         \
	do {                                                                                       \
		if (!bpf_possible())                                                               \
			skip();                                                                    \
	} while (0)

/*
 * Compiles libbpf-style C to an object with BTF. Returns false and prints a message to stderr if
 * clang is not available; a compile error fails the test.
 */
bool object_compile(const char *source, struct text *elf);

/*
 * Compiles and loads an object with one tc program. Returns NULL if eBPF or clang is not available;
 * a load error fails the test.
 */
struct object *object_from_source(const char *source);

/* Inserts an entry into a map of the object; an error fails the test. */
void object_put(const struct object *object, const char *map, const void *key, const void *value);

/*
 * Returns the series of a metric (limit: the largest ones) as "label label number;", sorted by
 * text. The number is the first sample; per-CPU series show the last CPU. "of 5" follows if some
 * of 5 series are left out. If the config is invalid, the error message is returned instead.
 * accumulator: shows the accumulated values. The caller frees the string.
 */
char *series_of(const struct object *object, const struct metric_config *config, uint32_t limit,
		bool accumulator);

/*
 * An instance of a monitor that is not attached, with one metric on each path whose config has a
 * name. Takes ownership of settings; configs must outlive the item. Release the item with its
 * snapshot or with snapshot_item_release().
 */
struct snapshot_item snapshot_item_make(struct monitor_settings *settings, const char *interface,
					struct object *object, const struct metric_config *configs);
void snapshot_item_release(struct snapshot_item *item);

/* Appends the exposition of the snapshot and releases the snapshot. An error fails the test. */
void snapshot_expose(struct snapshot *snapshot, const struct encoding *encoding, struct text *out);

/*
 * Returns the root of the repository: $top_srcdir, or found from the working directory; NULL: not
 * found.
 */
const char *source_dir(void);

/* Runs a command line without output. Returns its exit status. */
int shell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Moves the process into a new network namespace. Returns false if that is not permitted. */
bool netns_private(void);

/*
 * Gives the process its own mount namespace with a private BPF file system at /sys/fs/bpf. Returns
 * false if that is not permitted.
 */
bool bpffs_private(void);

/* Fails the test with the message if r is an error. */
void must(int r, const struct error *err);

/* A sink for log_set_sink() that discards all lines. */
void ignore_log(enum log_level level, const char *line);

/* Limit in milliseconds for something that happens soon. It is not a measurement. */
#define PATIENCE_MS 60000

/* Receives up to n bytes of a socket. Returns 0 at the end; fails the test after PATIENCE_MS. */
size_t receive(int fd, char *to, size_t n);

/* The configuration of an exported counter "m" that reads the map. */
struct metric_config config_of(const char *map);

/* Returns true if the string contains the other one; otherwise prints both to stderr. */
bool contains(const char *all, const char *part);

#endif
