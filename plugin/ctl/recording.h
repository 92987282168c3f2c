/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads capture files of Ethernet frames: pcap or pcapng. Used by one thread. */
#ifndef DYNMON_CTL_RECORDING_H
#define DYNMON_CTL_RECORDING_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

#define RECORDING_PACKETS_MAX 10000000
#define RECORDING_BYTES_MAX   (256 * 1024) /* per frame */

struct recording {
	struct pcap *pcap;
	const char *name; /* not owned */
	uint64_t packets; /* frames returned so far */
};

struct frame {
	const unsigned char *bytes; /* valid until the next frame is read */
	uint32_t len;
	bool cut; /* incomplete: the frame was longer on the wire */
};

/*
 * Returns 0; -EINVAL if the file is not a capture of Ethernet frames; other -errno. After a
 * success, call recording_close().
 */
int recording_open(struct recording *recording, const char *file, struct error *err);
void recording_close(struct recording *recording);

/*
 * Returns 1 with the next frame; 0 at the end; -EINVAL if the file is damaged; -EFBIG beyond a
 * limit.
 */
int recording_next(struct recording *recording, struct frame *frame, struct error *err);

#endif
