/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The instances of a monitor, for those parts of it that change them. Everything under control. */
#ifndef DYNMON_MONITOR_INSTANCE_H
#define DYNMON_MONITOR_INSTANCE_H

#include "monitor/monitor.h"
#include "program/load.h"

/* pattern is not taken, interface is copied; both may be NULL. NULL: out of memory. */
struct instance *instance_new(const struct pattern *pattern, const char *interface);
/* It must be detached. Takes NULL. */
struct instance *instance_free(struct instance *instance);
DEFINE_CLEANUP(struct instance *, instance_free);

/*
 * Take and give back links, in the network namespace of the monitor's interfaces. -errno: the
 * thread is not there and must attach and detach nothing, but links is held all the same.
 */
int links_begin(struct monitor *monitor, struct netns_visit *visit, struct error *err);
void links_end(struct monitor *monitor, struct netns_visit *visit);

/*
 * Attaches one path of an instance, at the position that its pattern says. Between links_begin()
 * and links_end(). Errors as attachment_attach(), with the interface named.
 */
int instance_attach_path(const struct monitor *monitor, struct instance *instance, int ifindex,
			 enum path path, int prog_fd, struct error *err);

/* Puts what an instance runs on its paths, where it is not there yet: on all of them, or none. */
int instance_attach(const struct monitor *monitor, struct instance *instance, int ifindex,
		    struct error *err);

/* Between links_begin() and links_end(). */
void instance_detach(struct instance *instance);
/* Lets what is pinned go on; the instance is as detached. */
void instance_leave(struct instance *instance);

/* What readers see of an instance. interface: NULL leaves it. -ENOMEM: the name is not changed. */
int instance_set_place(struct monitor *monitor, struct instance *instance, const char *interface,
		       int ifindex, bool troubled);

/* Adds an instance, in the place of one on no interface. -ENOMEM. Takes the instance if it works.
 */
int instance_add(struct monitor *monitor, struct instance *instance);

/*
 * Detaches an instance and takes it away. The last one stays, on no interface. spent: it will not
 * be the next interface's.
 */
void instance_drop(struct monitor *monitor, size_t i, bool spent);

/* What an instance goes on with when it is loaded. */
struct inheritance {
	const struct generation *previous; /* may be NULL */
	bool keep_maps;			   /* those of previous */
	struct text *report;		   /* as in struct load_options */
};

/* Loads a dataplane for an instance; with Pin what another process has left is gone on with. */
int instance_load(struct monitor *monitor, struct instance *instance, struct dataplane *dataplane,
		  const struct inheritance *inheritance, struct generation **ret,
		  struct error *err);

#endif
