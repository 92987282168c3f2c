/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads capture files of Ethernet frames: pcap or pcapng. Used by one thread. A file of its own,
 * because pcap/bpf.h and linux/bpf.h both define struct bpf_insn.
 */
#ifndef DYNMON_CTL_CAPTURE_H
#define DYNMON_CTL_CAPTURE_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

#define CAPTURE_PACKETS_MAX 10000000
#define CAPTURE_BYTES_MAX   (256 * 1024) /* per frame */

struct capture {
	struct pcap *pcap;
	const char *name;	    /* not owned */
	uint32_t packets;	    /* frames read so far */
	const unsigned char *frame; /* valid until the next frame is read */
	uint32_t len;
	bool cut; /* the frame is incomplete in the capture */
};

/*
 * Returns 0; -EINVAL if the file is not a capture of Ethernet frames. After a success, call
 * capture_close().
 */
int capture_open(struct capture *capture, const char *file, struct error *err);
void capture_close(struct capture *capture);

/*
 * Reads the next frame. Returns 1; 0 at the end; -EINVAL if the file is damaged; -EFBIG beyond a
 * limit.
 */
int capture_next(struct capture *capture, struct error *err);

#endif
