/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A client of the control socket: one request and one answer at a time. Used by one thread. */
#ifndef DYNMON_CTL_CLIENT_H
#define DYNMON_CTL_CLIENT_H

#include "base/error.h"
#include "base/text.h"

struct client {
	int fd;
	struct text input; /* received bytes */
	size_t used;	   /* processed bytes of input */
};

/*
 * Returns 0, or -errno with a message that includes the remedy. After a success, call
 * client_close().
 */
int client_open(struct client *client, const char *socket_file, struct error *err);
void client_close(struct client *client);

/**
 * client_request() - send a request and read the status line of the answer
 * @line:     without the newline
 * @payload:  document after the line; may be NULL
 * @status:   receives the text of the status line
 *
 * Return: the number in the status line, 0 or more; -EREMOTEIO with the plugin's message in @err if
 * the plugin reports a failure; another -errno if the plugin cannot be reached.
 */
int64_t client_request(struct client *client, const char *line, const struct text *payload,
		       struct text *status, struct error *err);

/**
 * client_read_line() - read a line of the answer
 * @take:  receives the line with its newline; a long line is passed in parts
 * @data:  for @take
 *
 * Return: 0; -EPIPE if the connection ended too early; other -errno.
 */
int client_read_line(struct client *client, void (*take)(void *data, const char *part, size_t len),
		     void *data, struct error *err);

#endif
