/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve/session.h"
#include "base/clock.h"
#include "base/log.h"
#include "serve/verb.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>

#define READ_SIZE (16 * 1024)

/* Returns 1 when ready; 0 on timeout or if the plugin stops; -errno. */
static int wait_for(const struct session *session, short events, int seconds)
{
	struct pollfd polls[2] = {
		{ .fd = session->fd, .events = events },
		{ .fd = session->stop_fd, .events = POLLIN },
	};
	int r;

	do
		r = poll(polls, 2, seconds * 1000);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : r > 0 && !polls[1].revents;
}

/*
 * Reads once. Returns true if more input may follow; false at the end of the input, after an error,
 * or if the client is too slow: until is the time limit of the request in seconds.
 */
static bool read_input(struct session *session, int64_t until)
{
	char *to = text_reserve(&session->input, READ_SIZE);
	ssize_t n;

	if (!to || clock_now_s() >= until || wait_for(session, POLLIN, SESSION_STALL_SECONDS) <= 0)
		return false;
	n = recv(session->fd, to, READ_SIZE, MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	session->input.len += (size_t)n;
	return n > 0;
}

/* Drops the first n bytes of the input. */
static void consume_input(struct session *session, size_t n)
{
	session->input.len -= n;
	memmove(session->input.data, session->input.data + n, session->input.len);
}

/* Sends the output. Returns 0 or -errno; -ETIMEDOUT if the client does not read. */
static int send_output(struct session *session)
{
	struct text *output = &session->output;
	size_t sent = 0;

	if (text_status(output) < 0)
		return -ENOMEM;
	while (sent < output->len) {
		int r = wait_for(session, POLLOUT, SESSION_STALL_SECONDS);
		ssize_t n;

		if (r <= 0)
			return r < 0 ? r : -ETIMEDOUT;
		n = send(session->fd, output->data + sent, output->len - sent,
			 MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (n > 0)
			sent += (size_t)n;
	}
	text_clear(output);
	return 0;
}

static void add_error_line(struct text *output, const char *message)
{
	text_adds(output, "-1 ");
	for (; *message; message++) {
		if (*message == '\n')
			text_adds(output, "\\n");
		else if (*message == '\\')
			text_adds(output, "\\\\");
		else
			text_addc(output, *message);
	}
	text_addc(output, '\n');
}

static int send_error(struct session *session, const char *message)
{
	add_error_line(&session->output, message);
	return send_output(session);
}

void session_refuse(int fd, const char *message)
{
	_cleanup_text_ struct text line = {};

	add_error_line(&line, message);
	if (text_status(&line) == 0)
		send(fd, line.data, line.len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static int send_answer(struct session *session, struct answer *answer)
{
	struct text *output = &session->output;
	_cleanup_error_ struct error err = {};
	size_t n = 0;
	int more, r;

	if (!answer->stream) {
		for (size_t i = 0; i < answer->lines.len; i++)
			n += answer->lines.data[i] == '\n';
		text_printf(output, "%zu %s\n", n,
			    answer->status.len ? text_str(&answer->status)
			    : n == 1	       ? "line"
					       : "lines");
		text_add(output, answer->lines.data, answer->lines.len);
		return send_output(session);
	}
	/* JSON is one line. Uncounted lines are followed by a terminating line. */
	text_adds(output, answer->until_eof ? "0 " ANSWER_UNTIL_EOF "\n" : "1 line\n");
	do {
		more = stream_next(answer->stream, output, &err);
		if (more < 0) { /* the client sees the end of the connection */
			log_error("control socket: %s", error_message(&err));
			return more;
		}
		r = send_output(session);
	} while (r == 0 && more);
	return r;
}

/* Runs a request and sends its answer. A negative result ends the connection. */
static int run_request(struct session *session, const struct command *command, const char *payload,
		       size_t payload_len)
{
	const struct verb *verb = verb_find(command->words[0]);
	const bool change = verb && verb->writes;
	_cleanup_(answer_release) struct answer answer = {};
	_cleanup_error_ struct error err = {};
	struct request request = {
		.registry = session->registry,
		.command = command,
		.payload = payload,
		.payload_len = payload_len,
		.client_fd = session->fd,
	};
	int r;

	if (change && atomic_fetch_add(session->changes, 1) >= SESSION_CHANGES_MAX)
		r = error_set(&err, -EUSERS,
			      "too many changes are under way (%d); nothing was done, try again",
			      SESSION_CHANGES_MAX);
	else
		r = verb_run(&request, &answer, &err);
	if (change) {
		atomic_fetch_sub(session->changes, 1);
		log_notice("%s%s%.64s by uid %u, pid %d: %s", verb->name, command->n > 1 ? " " : "",
			   command->n > 1 ? command->words[1] : "", session->peer.uid,
			   session->peer.pid, r < 0 ? error_message(&err) : "done");
	}
	return r < 0 ? send_error(session, error_message(&err)) : send_answer(session, &answer);
}

/* Serves a request with a document of size bytes after its line. */
static int serve_document(struct session *session, const struct command *command, size_t size)
{
	int64_t until = clock_now_s() + SESSION_REQUEST_SECONDS;
	size_t others = atomic_fetch_add(session->documents, size);
	int r = 0;

	if (others + size > SESSION_DOCUMENTS_MAX) {
		send_error(session, "the documents of the requests in progress exceed 256 MiB; "
				    "nothing was done, try again");
		r = -EDQUOT;
	}
	while (r == 0 && session->input.len < size)
		r = read_input(session, until) ? 0 : -EPROTO;
	if (r == 0)
		r = run_request(session, command, session->input.data, size);
	if (r == 0)
		consume_input(session, size);
	atomic_fetch_sub(session->documents, size);
	return r;
}

/*
 * Serves the request whose line is the first len bytes of the input. A negative result ends the
 * connection.
 */
static int serve_request(struct session *session, size_t len)
{
	_cleanup_(command_release) struct command command = {};
	_cleanup_error_ struct error err = {};
	int64_t size;
	int r = command_parse(&command, session->input.data, len, &err);

	consume_input(session, len + 1);
	if (r < 0)
		return send_error(session, error_message(&err));
	if (!command.n)
		return send_error(session, "the request line is empty");
	size = verb_payload(&command, &err);
	if (size < 0) { /* the start of the next request is not known */
		send_error(session, error_message(&err));
		return -EPROTO;
	}
	return size ? serve_document(session, &command, (size_t)size)
		    : run_request(session, &command, NULL, 0);
}

bool session_serve(struct session *session)
{
	int64_t until = clock_now_s() + SESSION_REQUEST_SECONDS;
	const struct text *input = &session->input;

	for (;;) {
		const char *end = input->len ? memchr(input->data, '\n', input->len) : NULL;

		if (end && end - input->data <= COMMAND_LINE_MAX) {
			if (serve_request(session, (size_t)(end - input->data)) < 0)
				return false;
			until = clock_now_s() + SESSION_REQUEST_SECONDS;
			continue;
		}
		if (input->len > COMMAND_LINE_MAX) {
			send_error(session, "the request line is too long");
			return false;
		}
		if (!input->len && wait_for(session, POLLIN, 0) == 0)
			return true;
		if (!read_input(session, until))
			return false;
	}
}

void session_release(struct session *session)
{
	text_release(&session->input);
	text_release(&session->output);
}
