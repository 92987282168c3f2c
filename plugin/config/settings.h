/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration: the <Plugin dynmon> block of collectd.conf as plain structs. The caller owns
 * each struct and provides locking if threads share it.
 *
 * One table defines the options of all blocks (option.h). Both collectd.conf and the key=value
 * words of the control socket are parsed with this table.
 */
#ifndef DYNMON_CONFIG_SETTINGS_H
#define DYNMON_CONFIG_SETTINGS_H

#include "base/error.h"
#include "base/text.h"

#include <stddef.h>
#include <stdint.h>

#define MONITOR_NAME_MAX      63
#define MONITORS_MAX	      1000
#define INTERFACES_MAX	      4096 /* per monitor */
#define INTERFACE_OPTIONS_MAX 256  /* Interface options per monitor */
#define PATTERN_MAX	      255  /* bytes of an Interface */
#define PATTERN_COPIES_MAX    1000 /* product of all {n} in a regular expression */
#define INTERVAL_MAX	      86400
#define SERVER_NAMES_MAX      32  /* per listener */
#define SERVER_NAME_MAX	      253 /* bytes */
#define FEEDS_MAX	      100
#define FEED_NAME_MAX	      63
#define FEED_MATCH_MAX	      511 /* bytes */

/* How collectd sees one metric of a monitor. */
struct metric_settings {
	char *name;
	char *type;	     /* from types.db; NULL: chosen by the type of the metric */
	char *type_instance; /* template; NULL: default */
	bool dispatch;
	uint32_t max_series; /* 0: from the document, or VALUE_SERIES_MAX */
};

struct monitor_settings {
	char *name;
	char **interfaces; /* names, "/regular expressions/", "bridge:port" */
	size_t n_interfaces;
	char **positions; /* per interface, NULL: none; the array may be NULL */
	char *netns;	  /* name or path; NULL: namespace of collectd */
	char *position;	  /* position in the hook's program chain; NULL: unspecified */
	char *hook;	  /* as accepted by hook_find() */
	char *dataplane;  /* file of the document; NULL: empty default dataplane */
	double interval;  /* seconds; 0: Interval of the plugin */
	bool share;	  /* one instance for all interfaces */
	bool pin;	  /* links and maps outlive collectd */
	char *log_level;
	char *plugin_instance; /* template; NULL: default */
	struct metric_settings *metrics;
	size_t n_metrics;
	unsigned int refs; /* atomic; 0: embedded in its owner */
};

/* A feed: which values of collectd are stored in which map. */
struct feed_settings {
	char *name;  /* for messages */
	char *match; /* shell pattern: [host/]plugin[-instance]/type[-instance]; without a host only
			values of this host match */
	char *data_source; /* NULL: first data source */
	char *monitor;
	char *direction; /* ingress or egress; NULL: each direction with such a map */
	char *map;	 /* name of the map in the code */
	char *key;	 /* as accepted by cell_check_key(); NULL: 0 */
	char *field;	 /* NULL: the map value is a number */
	double scale;
};

/* A boolean whose default depends on other options. */
enum choice { CHOICE_DEFAULT, CHOICE_TRUE, CHOICE_FALSE };

struct http_settings {
	char *host;
	char *port;
	char *socket_file; /* replaces host and port */
	enum choice allow_writes;
	char **server_names; /* additional names accepted in Host headers */
	size_t n_server_names;
};

/*
 * Returns true if this listener permits changes: AllowWrites if set; otherwise true for a Unix
 * socket and false for TCP.
 */
bool http_settings_allow_writes(const struct http_settings *http);

struct settings {
	char *socket_file;
	char *socket_group;
	char *socket_perms; /* octal */
	bool delete_socket;
	char *dataplane_dir;
	char *state_dir;
	char *compiler;	   /* NULL: compiled-in path */
	char *include_dir; /* NULL: compiled-in path */
	bool run_stats;	   /* the kernel counts the runs and the run time of programs */
	struct http_settings *https;
	size_t n_https;
	struct monitor_settings *monitors;
	size_t n_monitors;
	struct feed_settings *feeds;
	size_t n_feeds;
};

enum settings_block { BLOCK_PLUGIN, BLOCK_HTTP, BLOCK_MONITOR, BLOCK_METRIC, BLOCK_FEED };

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
