/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Waits for deferred work of the kernel: starting an interface, receiving a frame. */
#ifndef DYNMON_TESTS_TOOLS_SETTLE_H
#define DYNMON_TESTS_TOOLS_SETTLE_H

/**
 * link_settle() - wait until an interface can send
 * @interface: name in the caller's network namespace
 *
 * The end of a veth that is set up first gets its carrier when the other end is set up, and its
 * queue somewhat later, from a kernel thread. Frames sent before that are dropped without an error.
 *
 * Return: 0, -errno on failure.
 */
int link_settle(const char *interface);

/**
 * frames_settle() - wait until the kernel has processed all frames sent before
 *
 * A frame that was sent into a veth waits in a queue of the sender's CPU until a softirq receives
 * it. Usually the softirq has run when the send returns, but the kernel leaves a long queue to
 * ksoftirqd, which may wait for the CPU like any other thread. Tests that compare counts call this
 * between sending and reading.
 *
 * The caller's network namespace needs its loopback interface up. A monitor on that interface
 * counts the datagrams of this function.
 *
 * Return: 0, -errno on failure.
 */
int frames_settle(void);

#endif
