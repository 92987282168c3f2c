/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pins of a monitor with the option Pin: links, programs and maps in the BPF file system, which
 * outlive collectd and which the next collectd reuses.
 *
 *	STORE/MONITOR/PLACE/link-ingress
 *	STORE/MONITOR/PLACE/7/prog-ingress  twin-prog-ingress
 *	STORE/MONITOR/PLACE/7/map-ingress-NAME  twin-map-ingress-NAME
 *
 * STORE is the directory of this collectd, see pin_store.h. PLACE is an interface, PINS_SHARED, or
 * PINS_SECTIONS. A generation is pinned completely, under a new number, before its programs are
 * attached. Therefore the attached program identifies the valid number whenever a process dies. A
 * dot in a name is written %2e, because the BPF file system does not permit dots.
 *
 * The monitor owns its pins and uses them under its control lock.
 */
#ifndef DYNMON_PERSIST_PINS_H
#define DYNMON_PERSIST_PINS_H

#include "persist/pin_store.h"
#include "program/generation.h"

/* Longer than the name of any interface. */
#define PINS_SHARED   "shared-by-all-interfaces"
#define PINS_SECTIONS "attached-by-section"
#define PINS_ASIDE    "interface-with-index-"

struct pins;

/**
 * pins_open() - open the directory of a monitor, and create it if missing
 * @store:    must outlive the pins
 * @monitor:  name of the monitor
 * @ret:      receives the pins, for pins_close()
 *
 * Return: 0; -EBUSY if another process has opened the directory; other errors as pin_store_open().
 */
int pins_open(struct pin_store *store, const char *monitor, struct pins **ret, struct error *err);
/* Closes the directory. The pins stay. Accepts NULL. */
struct pins *pins_close(struct pins *pins);

/*
 * Removes the pins of a place; place NULL: of all places. A link that only its pin keeps is
 * detached.
 */
void pins_remove(struct pins *pins, const char *place);
/*
 * Renames a place. Pins at the new name are removed. Returns 0, also without such a place, or
 * -errno.
 */
int pins_move(struct pins *pins, const char *from, const char *to);
/* Removes each place for which keep returns false. */
void pins_prune(struct pins *pins, bool (*keep)(void *data, const char *place), void *data);

/* Pins a generation under a new number. A failure leaves no pins of the generation. -errno. */
int pins_save(struct pins *pins, const char *place, const struct generation *generation,
	      uint64_t *number, struct error *err);
/* Removes all generations of a place except number. Number 0 removes all generations. */
void pins_settle(struct pins *pins, const char *place, uint64_t number);
/* Removes one generation. */
void pins_forget(struct pins *pins, const char *place, uint64_t number);

/*
 * Pins a link and replaces an earlier pin. name: "ingress", "egress", or a number. Returns 0 or
 * -errno.
 */
int pins_save_link(struct pins *pins, const char *place, const char *name, int fd,
		   struct error *err);

/*
 * pins_get_link() returns the descriptor of a pinned link, owned by the caller, or -errno. The
 * other functions remove the pin of one link, or of all links from a number on.
 */
int pins_get_link(struct pins *pins, const char *place, const char *name);
void pins_remove_link(struct pins *pins, const char *place, const char *name);
void pins_remove_links_from(struct pins *pins, const char *place, unsigned int number);

/* A pinned generation of a place. */
struct pinned {
	int prog_fds[N_DIRECTIONS]; /* the running program; -1: none */
	uint32_t prog_ids[N_DIRECTIONS];
	bool second_runs; /* the second copy's program runs */
	struct reusable_maps reusable_maps;
};

/**
 * pins_find() - find the pinned generation that has a running program
 * @runs:  returns true if the program with this kernel ID runs
 * @data:  for @runs
 * @ret:   receives the generation, for pinned_release()
 *
 * If several generations or none qualify, the generation with the highest number is chosen.
 *
 * Return: 1 with *ret set; 0 if no generation is pinned, or on any failure.
 */
int pins_find(struct pins *pins, const char *place,
	      bool (*runs)(void *data, enum direction direction, uint32_t prog_id), void *data,
	      struct pinned *ret);
/* Accepts a zeroed struct. */
void pinned_release(struct pinned *pinned);

#endif
