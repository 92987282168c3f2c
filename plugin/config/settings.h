/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration: the <Plugin dynmon> block of collectd.conf, see block.h for its structs.
 *
 * One table defines the options of all blocks (option.h). Both collectd.conf and the key=value
 * words of the control socket are parsed with this table.
 */
#ifndef DYNMON_CONFIG_SETTINGS_H
#define DYNMON_CONFIG_SETTINGS_H

#include "base/error.h"
#include "base/text.h"
#include "config/block.h"

/* A block during parsing. Valid until the next block of the same kind is opened. */
struct settings_node {
	enum settings_block block;
	void *object;
};

/*
 * Sets all options to their defaults. On success, call settings_release() later. Returns 0 or
 * -ENOMEM.
 */
int settings_init(struct settings *settings, struct error *err);
void settings_release(struct settings *settings);

struct settings_node settings_root(struct settings *settings);

/* Writes the name of a block for messages, such as <Monitor "edge">. 128 bytes are enough. */
void settings_label(struct settings_node node, char *label, size_t size);

/* Returns true if the block can contain blocks of this name. The letter case does not matter. */
bool settings_has_block(struct settings_node parent, const char *block);

/**
 * settings_open() - open a block inside another block
 * @parent:    the outer block, such as settings_root()
 * @block:     name of the block, such as "Monitor"; the letter case does not matter
 * @argument:  argument of the block, such as "edge"; NULL for none
 * @ret:       receives the block
 *
 * Return: 0; -ENOENT if the outer block has no such block; -EINVAL if the argument is invalid,
 * missing or already used; -E2BIG at a limit; -ENOMEM.
 */
int settings_open(struct settings_node parent, const char *block, const char *argument,
		  struct settings_node *ret, struct error *err);

/**
 * settings_set() - set an option of a block
 * @option:  the letter case does not matter
 *
 * Return: 0; -ENOENT if the block has no such option; -EINVAL if the value is invalid, with the
 * expected values in @err; -ENOMEM.
 */
int settings_set(struct settings_node node, const char *option, const char *value,
		 struct error *err);

/* Checks a block after all its options are set: required options and combinations. */
int settings_check(struct settings_node node, struct error *err);

/*
 * Settings of one monitor that is created at run time. Return 0, -EINVAL for a bad name, -ENOMEM.
 */
int monitor_settings_init(struct monitor_settings *settings, const char *name, struct error *err);
void monitor_settings_release(struct monitor_settings *settings);

/**
 * monitor_settings_share() - move settings into an object with a reference count
 * @settings:  empty afterwards, also on failure
 *
 * The object is immutable: a change of settings creates a new object.
 *
 * Return: the object with one reference; NULL if memory ran out.
 */
struct monitor_settings *monitor_settings_share(struct monitor_settings *settings);
struct monitor_settings *monitor_settings_ref(struct monitor_settings *settings);
/* Accepts NULL. Returns NULL. */
struct monitor_settings *monitor_settings_unref(struct monitor_settings *settings);
DEFINE_CLEANUP(struct monitor_settings *, monitor_settings_unref);

/* Returns true if both are equal, regardless of the order of interfaces and metrics. */
bool monitor_settings_equal(const struct monitor_settings *a, const struct monitor_settings *b);
bool monitor_settings_has_interface(const struct monitor_settings *settings, const char *interface);

/*
 * Checks a value for an option of a <Monitor> block without storing it. Returns as settings_set().
 */
int monitor_settings_try(const char *monitor, const char *option, const char *value,
			 struct error *err);

/*
 * Returns the settings of a monitor, or NULL. Settings that were moved out have no name and are
 * skipped.
 */
struct monitor_settings *settings_monitor(const struct settings *settings, const char *name);

/*
 * Returns true if this listener permits changes: AllowWrites if set; otherwise true for a Unix
 * socket and false for TCP.
 */
bool http_settings_allow_writes(const struct http_settings *http);

void feed_settings_release(struct feed_settings *settings);
/* Returns true if name and options are equal. */
bool feed_settings_equal(const struct feed_settings *a, const struct feed_settings *b);
/**
 * feed_settings_own_only() - test if a feed takes only values of this host
 * @settings:  of the feed, with a match
 *
 * Return: true if the match names no host.
 */
bool feed_settings_own_only(const struct feed_settings *settings);

/**
 * feed_settings_match() - compare a value's name with the match of a feed
 * @settings:  of the feed, with a match
 * @id:        host/plugin[-instance]/type[-instance]
 *
 * Return: true if the name matches. A match without a host matches every host; the caller checks
 * the origin of the value with feed_settings_own_only().
 */
bool feed_settings_match(const struct feed_settings *settings, const char *id);

/**
 * settings_report_fixed() - report changed options that require a restart
 * @running:  settings in use
 * @new:      settings that were just read
 * @report:   receives a line for each changed option that a reload does not apply
 */
void settings_report_fixed(const struct settings *running, const struct settings *new,
			   struct text *report);

/**
 * monitor_settings_set_position() - set the position of the last added interface
 * @settings:  have at least one interface
 * @position:  in the syntax of the option Position
 *
 * Return: as settings_set().
 */
int monitor_settings_set_position(struct monitor_settings *settings, const char *position,
				  struct error *err);

/* Returns the settings of a metric, or NULL if the monitor has none for the metric. */
const struct metric_settings *monitor_settings_metric(const struct monitor_settings *settings,
						      const char *metric);

#endif
