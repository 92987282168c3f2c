/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a monitor with Pin keeps in the BPF file system: links, programs and maps that outlive
 * collectd, so that the next one goes on with them.
 *
 *	STORE/MONITOR/PLACE/link-ingress
 *	STORE/MONITOR/PLACE/7/prog-ingress  twin-prog-ingress
 *	STORE/MONITOR/PLACE/7/map-ingress-NAME  twin-map-ingress-NAME
 *
 * STORE is this collectd's directory, see pin_store.h. PLACE is an interface, or PINS_SHARED or
 * PINS_SECTIONS. A generation is written as a whole, under a new number, before its programs are
 * attached: whenever a process dies, the attached program identifies the valid number. A dot in a
 * name is written %2e, because the BPF file system does not permit dots.
 *
 * Used under the monitor's control.
 */
#ifndef DYNMON_PERSIST_PINS_H
#define DYNMON_PERSIST_PINS_H

#include "persist/pin_store.h"
#include "program/generation.h"

/* Longer than any interface's name. */
#define PINS_SHARED   "shared-by-all-interfaces"
#define PINS_SECTIONS "attached-by-section"
#define PINS_ASIDE    "interface-with-index-"

struct pins;

/*
 * Opens a monitor's folder, and makes it if it is missing. -EBUSY if another process has opened it;
 * other errors as pin_store_open(). The store must outlive the pins.
 */
int pins_open(struct pin_store *store, const char *monitor, struct pins **ret, struct error *err);
/* Everything stays. Takes NULL. */
struct pins *pins_close(struct pins *pins);

/* Removes what is pinned at a place, or everywhere: NULL. Links that are pinned only end with it.
 */
void pins_remove(struct pins *pins, const char *place);
/* Gives a place another name, of which there must be none. -errno. */
int pins_move(struct pins *pins, const char *from, const char *to);
/* Removes the places that keep, called for each, does not want. */
void pins_prune(struct pins *pins, bool (*keep)(void *data, const char *place), void *data);

/* Writes a generation under a new number. On failure nothing of it stays. */
int pins_save(struct pins *pins, const char *place, const struct generation *generation,
	      uint64_t *number, struct error *err);
/* Removes all generations at a place but that one. 0: none stays. */
void pins_settle(struct pins *pins, const char *place, uint64_t number);
/* Removes one again. */
void pins_forget(struct pins *pins, const char *place, uint64_t number);

/* Pins a link in the place of one that was there; name: "ingress", "egress", or a number. */
int pins_save_link(struct pins *pins, const char *place, const char *name, int fd,
		   struct error *err);

/* A link that was pinned; -errno. And no more of it, and of those with higher numbers. */
int pins_get_link(struct pins *pins, const char *place, const char *name);
void pins_remove_link(struct pins *pins, const char *place, const char *name);
void pins_remove_links_from(struct pins *pins, const char *place, unsigned int number);

/* A generation that was pinned at a place. */
struct pinned {
	int prog_fds[PATH_COUNT]; /* what runs there; -1: nothing */
	uint32_t prog_ids[PATH_COUNT];
	bool twin_runs; /* it is the second copy's */
	struct reusable_maps reusable_maps;
};

/*
 * Finds the generation that has a program which runs: runs tells of the kernel's ids. When none
 * does the newest one. 1: *ret is set, for pinned_release(); 0: there is nothing.
 */
int pins_find(struct pins *pins, const char *place,
	      bool (*runs)(void *data, enum path path, uint32_t prog_id), void *data,
	      struct pinned *ret);
/* Takes a zeroed one, too. */
void pinned_release(struct pinned *pinned);

#endif
