/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The other end of the control socket: one request, one answer. */
#ifndef DYNMON_CTL_CLIENT_H
#define DYNMON_CTL_CLIENT_H

#include "base/error.h"
#include "base/text.h"

struct client {
	int fd;
	struct text input; /* received */
	size_t used;	   /* bytes of it */
};

/* -errno with words that say what to do. After success: client_close(). */
int client_open(struct client *client, const char *socket_file, struct error *err);
void client_close(struct client *client);

/*
 * Sends a line (without its newline) and payload (may be NULL), and reads the status line.
 * Returns its number, which is 0 or more, with the text in status; when the plugin reports a
 * failure, -EREMOTEIO with the plugin's words in err; any other -errno when it cannot be reached.
 */
int64_t client_request(struct client *client, const char *line, const struct text *payload,
		       struct text *status, struct error *err);

/*
 * Hands the next line of the answer, with its newline, to take; a long one comes in parts.
 * 0, -errno, or -EPIPE when the connection ended too early.
 */
int client_read_line(struct client *client, void (*take)(void *data, const char *part, size_t len),
		     void *data, struct error *err);

#endif
