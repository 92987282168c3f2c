/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Deliberately empty. The C library takes the BPF target for a 32-bit machine and asks for this
 * file, which a 64-bit Debian does not have; linux/icmp.h and others get there by linux/if.h.
 */
