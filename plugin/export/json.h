/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Metrics as JSON, in the shape that Polycube's Dynmon gives them. */
#ifndef DYNMON_EXPORT_JSON_H
#define DYNMON_EXPORT_JSON_H

#include "export/stream.h"
#include "monitor/registry.h"

struct json_filter {
	int path;	       /* only that one; -1: both */
	const char *name;      /* only metrics of that name; NULL: all */
	const char *interface; /* only those of that interface; NULL: all */
	bool one;	       /* one monitor's metrics by themselves, not an object of monitors */
};

/* How much of it is wanted. But for JSON_LINE the snapshot is of one monitor. */
enum json_shape {
	JSON_LINE,   /* all of it, and a newline */
	JSON_OBJECT, /* one monitor's object */
	JSON_LIST,   /* the list of the path */
	JSON_METRIC, /* the object of the metric; the filter lets one through */
	JSON_VALUE,  /* its value */
};

/* What stands around; copied. What is NULL is not there. */
struct json_frame {
	enum json_shape shape;
	const char *head;  /* text before it */
	const char *tail;  /* text after it */
	const char *links; /* "_links" as JSON: the last member of an object, the last element of
			      a list that is not empty */
};

/*
 * {"ingress-metrics":[{"name":N,"value":V,"timestamp":T},...],"egress-metrics":[...]}
 * for one monitor, {"<monitor>":{...},...} for several. Timestamps are microseconds since
 * 1970. Metrics of a monitor with several interfaces have a member "interface", too.
 * The snapshot is taken, also on failure. frame: NULL for a JSON_LINE.
 */
int json_stream_new(struct snapshot *snapshot, const struct json_filter *filter,
		    const struct json_frame *frame, struct stream **ret, struct error *err);

#endif
