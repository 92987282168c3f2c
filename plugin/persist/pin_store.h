/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The directory of all pins of this collectd: PIN_STORE_DIR/OWNER. OWNER is the path of its
 * StateDir, escaped for the BPF file system ("%2fvar%2flib%2fcollectd%2fdynmon"). A collectd with
 * another StateDir never touches these pins. One process locks the directory while pins of any
 * monitor are open. The directory is removed with the last pin.
 *
 * Only collectd's user and root may write to these directories, because programs pinned there are
 * attached to hooks.
 *
 * The registry owns the store. All functions may be called from any thread.
 */
#ifndef DYNMON_PERSIST_PIN_STORE_H
#define DYNMON_PERSIST_PIN_STORE_H

#include "base/error.h"
#include "base/text.h"
#include "kernel/object.h"

#include <stdbool.h>

#define PIN_STORE_DIR OBJECT_PIN_DIR "dynmon"

struct pin_store;

/**
 * pin_store_new() - name the directory of a collectd's pins
 * @state_dir:  identifies this collectd; repeated and trailing slashes are ignored
 *
 * Creates and locks nothing yet.
 *
 * Return: the store, for pin_store_free(); NULL without memory.
 */
struct pin_store *pin_store_new(const char *state_dir);
struct pin_store *pin_store_free(struct pin_store *store);

/**
 * pin_store_path() - the store's directory
 * @store:  the store
 *
 * Return: the path, valid as long as the store.
 */
const char *pin_store_path(const struct pin_store *store);

/**
 * pin_store_open() - create, check and lock the directory, if not open already
 * @store:  the store
 * @err:    receives the reason of a failure and the remedy
 *
 * Balance each success with pin_store_close().
 *
 * Return: 0; -ENOTSUP without a BPF file system; -EBUSY if another process has locked the
 * directory; -EPERM if others may write to it; other -errno.
 */
int pin_store_open(struct pin_store *store, struct error *err);
void pin_store_close(struct pin_store *store);

/**
 * pin_store_take_old() - take over a monitor's pins from the first layout
 * @store:    open
 * @monitor:  the monitor's name, escaped
 * @err:      receives the reason of a failure
 *
 * The first layout had no owners: PIN_STORE_DIR/MONITOR.
 *
 * Return: 0, also without such pins; -EBUSY if a running process has them; other -errno.
 */
int pin_store_take_old(struct pin_store *store, const char *monitor, struct error *err);

/**
 * pin_store_sweep() - remove the pins of this collectd's unwanted monitors
 * @store:   the store
 * @keep:    returns true to keep the pins of a monitor
 * @data:    for @keep
 * @report:  receives a line for each monitor whose pins are removed, and for each directory that
 *           belongs to another collectd that is not running; such a directory stays
 *
 * Does nothing while another process has locked the directory. Pins of open monitors stay.
 */
void pin_store_sweep(struct pin_store *store, bool (*keep)(void *data, const char *monitor),
		     void *data, struct text *report);

#endif
