/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The requests and answers of one connection on the control socket, in the protocol of collectd's
 * unixsock plugin. A request is a line; the answer is "<number> <text>" and that number of lines. A
 * negative number is an error; a newline in its text is written \n, a backslash \\.
 *
 * A conversation is used by one thread at a time; control.c decides which one. The conversation
 * does not own its descriptors.
 */
#ifndef DYNMON_SERVE_CONVERSATION_H
#define DYNMON_SERVE_CONVERSATION_H

#include "monitor/registry.h"

#include <sys/socket.h>

#define CONVERSATION_STALL_SECONDS   10 /* without progress of a request or an answer */
#define CONVERSATION_REQUEST_SECONDS 60 /* until the line, and then the document, is complete */

/* Bytes of the documents of all requests under way. One document may have 36 MiB. */
#define CONVERSATION_DOCUMENTS_MAX (256 * 1024 * 1024)

/*
 * Concurrent requests that change something. Changes of one monitor wait for each other and take no
 * place in the compile queue meanwhile. The other connections are reserved for reads.
 */
#define CONVERSATION_CHANGES_MAX 192

struct conversation {
	struct registry *registry;
	int fd;			   /* non-blocking */
	int stop_fd;		   /* becomes readable when the plugin stops */
	_Atomic size_t *documents; /* total bytes of documents, shared by all conversations */
	_Atomic size_t *changes;   /* changes in progress, shared by all conversations */
	struct ucred peer;
	struct text input; /* received, but not processed */
	struct text output;
};

/**
 * conversation_serve() - answer the requests that have arrived
 * @conversation: a connection that is readable
 *
 * Answers requests until no byte of a further request has arrived.
 *
 * Return: true if the connection can wait for its next request, false if it must end.
 */
bool conversation_serve(struct conversation *conversation);

/**
 * conversation_refuse() - send an error that answers no particular request
 * @fd: the connection, which need not be writable
 * @message: one line of text
 *
 * Does not block: the line is lost if the client has not read its earlier answers.
 */
void conversation_refuse(int fd, const char *message);

/* Frees the buffers. The conversation stays usable. */
void conversation_release(struct conversation *conversation);

#endif
