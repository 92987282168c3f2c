/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text that is produced piece by piece while somebody takes it away: the exporters' way out.
 *
 * A piece is one batch of a map, so that memory does not grow with the map, and the next one
 * is read only when the consumer asks for it. A stream owns its snapshot of the monitors, and is
 * used by one thread at a time.
 */
#ifndef DYNMON_EXPORT_STREAM_H
#define DYNMON_EXPORT_STREAM_H

#include "base/error.h"
#include "base/text.h"

struct stream {
	int (*next)(struct stream *stream, struct text *out, struct error *err);
	void (*free)(struct stream *stream);
};

/* Appends the next piece. 1: more is to come; 0: that was the end; -errno: it broke off. */
static inline int stream_next(struct stream *stream, struct text *out, struct error *err)
{
	return stream->next(stream, out, err);
}

static inline struct stream *stream_free(struct stream *stream)
{
	if (stream)
		stream->free(stream);
	return NULL;
}
DEFINE_CLEANUP(struct stream *, stream_free);

#endif
