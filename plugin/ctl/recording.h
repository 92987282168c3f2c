/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A capture file, pcap or pcapng, of Ethernet frames. */
#ifndef DYNMON_CTL_RECORDING_H
#define DYNMON_CTL_RECORDING_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

#define RECORDING_PACKETS_MAX 10000000
#define RECORDING_BYTES_MAX   (256 * 1024) /* of one frame */

struct recording {
	struct pcap *pcap;
	const char *name; /* not owned */
	uint64_t packets; /* given out */
};

struct frame {
	const unsigned char *bytes; /* valid until the next one */
	uint32_t len;
	bool cut; /* it was longer on the wire */
};

/* -EINVAL: no capture, or not of Ethernet. After success: recording_close(). */
int recording_open(struct recording *recording, const char *file, struct error *err);
void recording_close(struct recording *recording);

/* 1: *frame is the next one; 0: that was the last; -EINVAL: damaged; -EFBIG over a limit. */
int recording_next(struct recording *recording, struct frame *frame, struct error *err);

#endif
