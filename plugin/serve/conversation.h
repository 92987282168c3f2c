/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One connection's requests and answers on the control socket: collectd's unixsock protocol over
 * the verbs. A request is a line; the answer is "<number> <text>" and that many lines. A negative
 * number is an error, in whose text a newline is written \n and a backslash \\.
 *
 * A conversation is used by one thread at a time; control.c decides which one. The conversation
 * does not own its descriptors.
 */
#ifndef DYNMON_SERVE_CONVERSATION_H
#define DYNMON_SERVE_CONVERSATION_H

#include "monitor/registry.h"

#include <sys/socket.h>

#define CONVERSATION_STALL_SECONDS   10 /* a request that does not go on, an answer not read */
#define CONVERSATION_REQUEST_SECONDS 60 /* until the line, and then the document, is complete */

/* Bytes of the documents of all requests under way. One document may have 36 MiB. */
#define CONVERSATION_DOCUMENTS_MAX (256 * 1024 * 1024)

struct conversation {
	struct registry *registry;
	int fd;			   /* does not block */
	int stop_fd;		   /* readable: give up */
	_Atomic size_t *documents; /* bytes of the documents of all conversations */
	struct ucred peer;
	struct text input; /* read, not yet used */
	struct text output;
};

/**
 * conversation_serve() - answer the requests that have arrived
 * @conversation: a connection that is readable
 *
 * Answers requests until nothing of a further one has arrived.
 *
 * Return: true if the connection can wait for its next request, false if the connection is over.
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

/* Frees the buffers; the conversation can go on. */
void conversation_release(struct conversation *conversation);

#endif
