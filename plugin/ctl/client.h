/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A client of the control socket: a connection for one request. Used by one thread. */
#ifndef DYNMON_CTL_CLIENT_H
#define DYNMON_CTL_CLIENT_H

#include "base/error.h"
#include "base/text.h"

struct client {
	int fd;
	struct text input; /* received bytes */
	size_t used;	   /* processed bytes of input */
};

/**
 * client_request() - connect, send a request and read the status line of the answer
 * @client:   initialized here; call client_close() in any case
 * @line:     without the newline
 * @payload:  document after the line; may be NULL
 * @status:   receives the text of the status line
 *
 * Return: the number in the status line, 0 or more; -EREMOTEIO with the plugin's message in @err if
 * the plugin reports a failure; another -errno, with the remedy in @err, if the plugin cannot be
 * reached.
 */
int64_t client_request(struct client *client, const char *socket_file, const char *line,
		       const struct text *payload, struct text *status, struct error *err);
void client_close(struct client *client);

/**
 * client_read_part() - read a part of the current line of the answer
 * @part:  receives the bytes, valid until the next read; the last part has the newline
 * @n:     receives the number of bytes
 *
 * Return: 1 if the part ends the line, 0 if not; -EPIPE if the connection ended too early; other
 * -errno.
 */
int client_read_part(struct client *client, const char **part, size_t *n, struct error *err);

/* Appends a line of the answer without its newline. Cuts the line if the text exceeds max bytes. */
int client_read_line(struct client *client, size_t max, struct text *line, struct error *err);

/**
 * client_lines() - send a request over a new connection and return the lines of the answer
 * @line:     without the newline; the verb must count its lines
 * @payload:  document after the line; may be NULL
 * @lines:    receives the lines, each with its newline
 * @status:   receives the text of the status line
 *
 * Return: 0, or -errno with a message in @err.
 */
int client_lines(const char *socket_file, const char *line, const struct text *payload,
		 struct text *lines, struct text *status, struct error *err);

#endif
