/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the operator configured: the <Plugin dynmon> block of collectd.conf as plain structs.
 *
 * One table knows all options of all blocks; collectd.conf and the control socket's
 * key=value words go through it.
 */
#ifndef DYNMON_CONFIG_SETTINGS_H
#define DYNMON_CONFIG_SETTINGS_H

#include "base/error.h"
#include "base/text.h"

#include <stddef.h>
#include <stdint.h>

#define MONITOR_NAME_MAX      63
#define MONITORS_MAX	      1000
#define INTERFACES_MAX	      4096 /* of one monitor */
#define INTERFACE_OPTIONS_MAX 256  /* Interface options of one monitor */
#define PATTERN_MAX	      255  /* bytes of an Interface */
#define PATTERN_COPIES_MAX    1000 /* {n} in a regular expression, all of them multiplied */
#define INTERVAL_MAX	      86400
#define SERVER_NAMES_MAX      32  /* of one listener */
#define SERVER_NAME_MAX	      253 /* bytes */
#define FEEDS_MAX	      100
#define FEED_NAME_MAX	      63
#define FEED_MATCH_MAX	      511 /* bytes */

/* How collectd sees one metric of a monitor. */
struct metric_settings {
	char *name;
	char *type;	     /* of types.db; NULL: by the metric's type */
	char *type_instance; /* template; NULL: the default */
	bool dispatch;
	uint32_t max_series; /* 0: as the document has it, or VALUE_SERIES_MAX */
};

struct monitor_settings {
	char *name;
	char **interfaces; /* names, "/regular expressions/", "bridge:port" */
	size_t n_interfaces;
	char **positions; /* of the interfaces that have one of their own, or NULL: none has */
	char *netns;	  /* a name or a path; NULL: collectd's own */
	char *position;	  /* among the programs of the hook; NULL: where the kernel puts it */
	char *hook;	  /* as hook_find() takes it */
	char *dataplane;  /* a document's file; NULL: the empty default dataplane */
	double interval;  /* seconds; 0: the plugin's */
	bool share;	  /* one instance for all interfaces */
	bool pin;	  /* links and maps outlive collectd */
	char *log_level;
	char *plugin_instance; /* template; NULL: the default */
	struct metric_settings *metrics;
	size_t n_metrics;
};

/* What of collectd's values goes into a map. */
struct feed_settings {
	char *name;	   /* for messages */
	char *match;	   /* a shell pattern: [host/]plugin[-instance]/type[-instance]; without
			      a host only this host's own values */
	char *data_source; /* NULL: the first */
	char *monitor;
	char *path;  /* ingress or egress; NULL: where there is such a map */
	char *map;   /* as the code calls it */
	char *key;   /* as cell_check_key() takes it; NULL: 0 */
	char *field; /* NULL: the value is a number itself */
	double scale;
};

/* A boolean whose default depends on other options. */
enum choice { CHOICE_DEFAULT, CHOICE_TRUE, CHOICE_FALSE };

struct http_settings {
	char *host;
	char *port;
	char *socket_file; /* instead of host and port */
	enum choice allow_writes;
	char **server_names; /* more names that a Host header may have */
	size_t n_server_names;
};

/* Whether monitors can be changed there: as it was said, else on unix sockets alone. */
bool http_settings_allow_writes(const struct http_settings *http);

struct settings {
	char *socket_file;
	char *socket_group;
	char *socket_perms; /* octal */
	bool delete_socket;
	char *dataplane_dir;
	char *state_dir;
	char *compiler;	   /* NULL: as built in */
	char *include_dir; /* NULL: as built in */
	bool run_stats;	   /* the kernel counts how often programs run, and for how long */
	struct http_settings *https;
	size_t n_https;
	struct monitor_settings *monitors;
	size_t n_monitors;
	struct feed_settings *feeds;
	size_t n_feeds;
};

enum settings_block { BLOCK_PLUGIN, BLOCK_HTTP, BLOCK_MONITOR, BLOCK_METRIC, BLOCK_FEED };

/* A block that is being filled. Valid until the next block of its kind is opened. */
struct settings_node {
	enum settings_block block;
	void *object;
};

/* Sets everything to its default. After success: settings_release(). */
int settings_init(struct settings *settings, struct error *err);
void settings_release(struct settings *settings);

struct settings_node settings_root(struct settings *settings);

/* Writes a block as messages name it, <Monitor "edge">; 128 bytes are enough. */
void settings_label(struct settings_node node, char *label, size_t size);

/*
 * Opens a block inside another: <Monitor "edge"> in the root.
 * argument: what stands behind the block's name; NULL for nothing.
 * -ENOENT: no such block there. -EINVAL: a wrong or missing name, or one that is taken. -E2BIG.
 */
int settings_open(struct settings_node parent, const char *block, const char *argument,
		  struct settings_node *ret, struct error *err);

/*
 * Sets an option of a block, in any letter case. -ENOENT: no such option there.
 * -EINVAL: the value is not possible; the message says what would be.
 */
int settings_set(struct settings_node node, const char *option, const char *value,
		 struct error *err);

/* Looks at the block as a whole once all its options are set. */
int settings_check(struct settings_node node, struct error *err);

/* One monitor's settings by themselves, for those made at runtime. */
int monitor_settings_init(struct monitor_settings *settings, const char *name, struct error *err);
void monitor_settings_release(struct monitor_settings *settings);

/* Whether both say the same, in whatever order of interfaces and metrics. */
bool monitor_settings_equal(const struct monitor_settings *a, const struct monitor_settings *b);
bool monitor_settings_has_interface(const struct monitor_settings *settings, const char *interface);

/*
 * Whether a value is possible for an option of a <Monitor> block; -EINVAL and the like with words.
 */
int monitor_settings_try(const char *monitor, const char *option, const char *value,
			 struct error *err);

/* The settings of that monitor, or NULL. Those that have been taken have no name any more. */
struct monitor_settings *settings_monitor(const struct settings *settings, const char *name);

void feed_settings_release(struct feed_settings *settings);
/* Whether both say the same. */
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

/*
 * What the plugin's own options that are read at the start only say otherwise in new: a line
 * each is appended to report.
 */
void settings_report_fixed(const struct settings *running, const struct settings *new,
			   struct text *report);

/*
 * Gives the interface that was set last a position of its own, as the option Position takes it.
 */
int monitor_settings_set_position(struct monitor_settings *settings, const char *position,
				  struct error *err);

/* What a monitor says of one of its metrics; NULL when nothing. */
const struct metric_settings *monitor_settings_metric(const struct monitor_settings *settings,
						      const char *metric);

#endif
