/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Receives the values that collectd writes and passes them to feeds. The write callback runs in
 * collectd's write threads, several at a time.
 */
#ifndef DYNMON_COLLECTD_FEED_INPUT_H
#define DYNMON_COLLECTD_FEED_INPUT_H

struct registry;

/**
 * feed_input_register() - register the write callback with collectd
 *
 * Call this only while collectd loads the plugin: collectd's list of write callbacks has no lock,
 * and its write threads read the list. Without feeds the callback returns at once.
 */
void feed_input_register(void);

/**
 * feed_input_start() - set the receiver of values
 * @registry:  receives them until feed_input_stop()
 *
 * Earlier values are dropped. collectd joins its write threads before it shuts plugins down, so no
 * thread is in the callback when feed_input_stop() is called.
 */
void feed_input_start(struct registry *registry);
void feed_input_stop(void);

#endif
