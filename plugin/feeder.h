/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What collectd writes comes in: the values that monitors are fed with. */
#ifndef DYNMON_FEEDER_H
#define DYNMON_FEEDER_H

struct registry;

/*
 * Registers the write callback with collectd, unless that has been done: it stays for as long as
 * collectd runs. Not before there are feeds: a write plugin that takes everything and stores
 * nothing would keep collectd from telling that the others fail, or that there is none.
 */
void feeder_register(void);

/*
 * Where values go. Before feeder_start() they are dropped; feeder_stop() is for when collectd's
 * writers are gone.
 */
void feeder_start(struct registry *registry);
void feeder_stop(void);

#endif
