/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Operations of the hooks whose attachments are BPF links: tcx, XDP, and XDP in generic mode. Only
 * hook.c uses this header; see struct hook.
 */
#ifndef DYNMON_KERNEL_LINK_H
#define DYNMON_KERNEL_LINK_H

#include "kernel/attachment.h"

/* Returns false if the kernel is too old for tcx. */
bool tcx_supported(void);

int tcx_attach(struct attachment *attachment, int prog_fd, const struct position *position,
	       struct error *err);
int tcx_adopt(struct attachment *attachment, int link_fd, uint32_t *prog_id);
int tcx_chain(const struct hook *hook, int ifindex, enum direction direction, struct chain *chain);

int xdp_attach(struct attachment *attachment, int prog_fd, const struct position *position,
	       struct error *err);
int xdp_adopt(struct attachment *attachment, int link_fd, uint32_t *prog_id);
int xdp_chain(const struct hook *hook, int ifindex, enum direction direction, struct chain *chain);

int link_replace(struct attachment *attachment, int prog_fd);
void link_detach(struct attachment *attachment);

#endif
