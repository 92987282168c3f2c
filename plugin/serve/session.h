/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * struct session: the requests and answers of one connection on the control socket, in the protocol
 * of collectd's unixsock plugin. A request is a line; the answer is "<number> <text>" and that
 * number of lines. A negative number is an error; a newline in its text is written \n, a backslash
 * \\.
 *
 * A session is used by one thread at a time; control.c decides which one. The session does not own
 * its descriptors.
 */
#ifndef DYNMON_SERVE_SESSION_H
#define DYNMON_SERVE_SESSION_H

#include "monitor/registry.h"

#include <sys/socket.h>

#define SESSION_STALL_SECONDS	10 /* without progress of a request or an answer */
#define SESSION_REQUEST_SECONDS 60 /* until the line, and then the document, is complete */

/* Bytes of the documents of all requests in progress. One document may have 36 MiB. */
#define SESSION_DOCUMENTS_MAX (256 * 1024 * 1024)

/*
 * Concurrent requests that change something. Changes of one monitor wait for each other and take no
 * place in the compile queue meanwhile. The other connections are reserved for reads.
 */
#define SESSION_CHANGES_MAX 192

struct session {
	struct registry *registry;
	int fd;			   /* non-blocking */
	int stop_fd;		   /* becomes readable when the plugin stops */
	_Atomic size_t *documents; /* total bytes of documents, shared by all sessions */
	_Atomic size_t *changes;   /* changes in progress, shared by all sessions */
	struct ucred peer;
	struct text input; /* received, but not processed */
	struct text output;
};

/**
 * session_serve() - answer the requests that have arrived
 * @session: a connection that is readable
 *
 * Answers requests until no byte of a further request has arrived.
 *
 * Return: true if the connection can wait for its next request, false if it must end.
 */
bool session_serve(struct session *session);

/**
 * session_refuse() - send an error that answers no particular request
 * @fd: the connection, which need not be writable
 * @message: one line of text
 *
 * Does not block: the line is lost if the client has not read its earlier answers.
 */
void session_refuse(int fd, const char *message);

/* Frees the buffers. The session stays usable. */
void session_release(struct session *session);

#endif
