/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The blocks of the configuration as plain structs. The caller owns each struct and provides
 * locking if threads share it. See settings.h for the functions.
 */
#ifndef DYNMON_CONFIG_BLOCK_H
#define DYNMON_CONFIG_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MONITOR_NAME_MAX      63
#define MONITORS_MAX	      1000
#define INTERFACES_MAX	      4096 /* per monitor */
#define INTERFACE_OPTIONS_MAX 256  /* Interface options per monitor */
#define ASSIGNMENTS_MAX	      256  /* Set options per monitor */
#define INTERVAL_MAX	      86400
#define SERVER_NAMES_MAX      32  /* per listener */
#define SERVER_NAME_MAX	      253 /* bytes */
#define FEEDS_MAX	      100
#define FEED_NAME_MAX	      63
#define FEED_MATCH_MAX	      511 /* bytes */

/* How collectd sees one metric of a monitor. */
struct metric_settings {
	char *name;	     /* first in the struct of each block that has a name */
	char *type;	     /* from types.db; NULL: chosen by the type of the metric */
	char *type_instance; /* template; NULL: default */
	bool dispatch;
	uint32_t max_series; /* 0: from the document, or VALUE_SERIES_MAX */
};

struct monitor_settings {
	char *name;
	char **interfaces; /* names, "/regular expressions/", "bridge:port" */
	size_t n_interfaces;
	char **positions;   /* per interface, NULL: none; the array may be NULL */
	char *netns;	    /* name or path; NULL: namespace of collectd */
	char *position;	    /* position in the hook's program chain; NULL: unspecified */
	char *hook;	    /* as accepted by hook_find() */
	char *dataplane;    /* file of the document; NULL: empty default dataplane */
	char **assignments; /* "NAME=VALUE": variables of the dataplane */
	size_t n_assignments;
	double interval; /* seconds; 0: Interval of the plugin */
	bool share;	 /* one instance for all interfaces */
	bool pin;	 /* links and maps outlive collectd */
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
	bool self_metrics; /* dispatch the self metrics to collectd */
	struct http_settings *https;
	size_t n_https;
	struct monitor_settings *monitors;
	size_t n_monitors;
	struct feed_settings *feeds;
	size_t n_feeds;
};

enum settings_block { BLOCK_PLUGIN, BLOCK_HTTP, BLOCK_MONITOR, BLOCK_METRIC, BLOCK_FEED };

#endif
