/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A stream produces the text of an encoder in chunks, at the pace of its consumer.
 *
 * A chunk is at most one batch of a map, so memory does not grow with the map. The next chunk is
 * read when the consumer asks for it. A stream owns its snapshot of the monitors, so a reload
 * cannot free anything it reads. One thread at a time uses a stream; there is no lock.
 */
#ifndef DYNMON_EXPORT_STREAM_H
#define DYNMON_EXPORT_STREAM_H

#include "base/error.h"
#include "base/text.h"

struct stream {
	int (*next)(struct stream *stream, struct text *out, struct error *err);
	void (*free)(struct stream *stream);
};

/**
 * stream_next() - append the next chunk
 * @stream: the stream
 * @out:    receives the chunk
 * @err:    receives the reason
 *
 * Return: 1 if more chunks follow, 0 at the end, -errno if the stream cannot continue.
 */
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
