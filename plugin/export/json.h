/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON encoder for metrics, in the format of Polycube's Dynmon. */
#ifndef DYNMON_EXPORT_JSON_H
#define DYNMON_EXPORT_JSON_H

#include "export/stream.h"
#include "monitor/registry.h"

struct json_filter {
	int direction;	       /* only this direction; -1: both */
	const char *name;      /* only metrics of this name; NULL: all */
	const char *interface; /* only metrics of this interface; NULL: all */
	bool one;	       /* the object of one monitor, not an object of monitors */
};

/* The part of the document to write. For all but JSON_LINE the snapshot is of one monitor. */
enum json_shape {
	JSON_LINE,   /* everything, and a newline */
	JSON_OBJECT, /* the object of the monitor */
	JSON_LIST,   /* the list of metrics of filter->direction */
	JSON_METRIC, /* the object of the one metric that matches the filter */
	JSON_VALUE,  /* the value of that metric, without timestamp */
};

/* Text around the document; copied by json_stream_new(). NULL members are omitted. */
struct json_frame {
	enum json_shape shape;
	const char *head;  /* text before it */
	const char *tail;  /* text after it */
	const char *links; /* "_links" as JSON; last in an object, or in a list that is not empty */
};

/**
 * json_stream_new() - begin a read of metrics as JSON
 * @snapshot: the monitors; ownership moves to the stream, also on failure
 * @filter:   only used during the call
 * @frame:    NULL for a JSON_LINE
 * @ret:      receives the stream
 * @err:      receives the reason
 *
 * The format is
 * {"ingress-metrics":[{"name":N,"value":V,"timestamp":T},...],"egress-metrics":[...]}
 * for one monitor, {"<monitor>":{...},...} for several. Timestamps are microseconds since 1970.
 * Metrics of a monitor with several instances also have a member "interface". Swapped maps are
 * read by this call, all other maps while the stream is consumed.
 *
 * Return: 0 or -ENOMEM.
 */
int json_stream_new(struct snapshot *snapshot, const struct json_filter *filter,
		    const struct json_frame *frame, struct stream **ret, struct error *err);

#endif
