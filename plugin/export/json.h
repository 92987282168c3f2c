/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Metrics as JSON, in the shape that Polycube's Dynmon gives them. */
#ifndef DYNMON_EXPORT_JSON_H
#define DYNMON_EXPORT_JSON_H

#include "export/stream.h"
#include "monitor/registry.h"

struct json_filter {
	int path;	  /* only that one; -1: both */
	const char *name; /* only metrics of that name; NULL: all */
	bool one;	  /* one monitor's metrics by themselves, not an object of monitors */
};

/*
 * {"ingress-metrics":[{"name":N,"value":V,"timestamp":T},...],"egress-metrics":[...]}
 * for one monitor, {"<monitor>":{...},...} for several. Timestamps are microseconds since
 * 1970. Metrics of a monitor with several interfaces have a member "interface", too.
 * The view is taken, also on failure.
 */
int json_stream_new(struct view *view, const struct json_filter *filter, struct stream **ret,
		    struct error *err);

#endif
