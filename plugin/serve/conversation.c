/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve/conversation.h"
#include "base/clock.h"
#include "base/log.h"
#include "serve/verb.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#define PIECE_SIZE (16 * 1024)

/* Returns 1 when ready; 0 on timeout or if the plugin stops; -errno. */
static int wait_for(const struct conversation *conversation, short events, int seconds)
{
	struct pollfd polls[2] = {
		{ .fd = conversation->fd, .events = events },
		{ .fd = conversation->stop_fd, .events = POLLIN },
	};
	int r;

	do
		r = poll(polls, 2, seconds * 1000);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : r > 0 && !polls[1].revents;
}

/*
 * Reads once. Returns 1 if more input may follow; 0 at the end of the input or if the client is too
 * slow; -errno.
 */
static int fill_input(struct conversation *conversation, int seconds)
{
	char *to = text_reserve(&conversation->input, PIECE_SIZE);
	ssize_t n;
	int r;

	if (!to)
		return -ENOMEM;
	r = wait_for(conversation, POLLIN, seconds);
	if (r <= 0)
		return r;
	n = recv(conversation->fd, to, PIECE_SIZE, MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 1 : -errno;
	conversation->input.len += (size_t)n;
	return n > 0;
}

/* Drops the first n bytes of the input. */
static void consume_input(struct conversation *conversation, size_t n)
{
	conversation->input.len -= n;
	memmove(conversation->input.data, conversation->input.data + n, conversation->input.len);
}

/* Sends the output. Returns 0 or -errno; -ETIMEDOUT if the client does not read. */
static int flush_output(struct conversation *conversation)
{
	struct text *output = &conversation->output;
	size_t sent = 0;

	if (text_status(output) < 0)
		return -ENOMEM;
	while (sent < output->len) {
		int r = wait_for(conversation, POLLOUT, CONVERSATION_STALL_SECONDS);
		ssize_t n;

		if (r <= 0)
			return r < 0 ? r : -ETIMEDOUT;
		n = send(conversation->fd, output->data + sent, output->len - sent,
			 MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (n > 0)
			sent += (size_t)n;
	}
	text_clear(output);
	return 0;
}

/* -- answers -- */

static void add_error(struct text *output, const char *message)
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

static int answer_error(struct conversation *conversation, const char *message)
{
	add_error(&conversation->output, message);
	return flush_output(conversation);
}

void conversation_refuse(int fd, const char *message)
{
	_cleanup_text_ struct text line = {};

	add_error(&line, message);
	if (text_status(&line) == 0)
		send(fd, line.data, line.len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static size_t count_lines(const struct text *text)
{
	size_t n = 0;

	for (size_t i = 0; i < text->len; i++)
		n += text->data[i] == '\n';
	return n;
}

static int send_stream(struct conversation *conversation, struct answer *answer)
{
	_cleanup_error_ struct error err = {};
	int more, r;

	/* JSON is one line. Uncounted lines are followed by a terminating line. */
	text_adds(&conversation->output,
		  answer->until_eof ? "0 " ANSWER_UNTIL_EOF "\n" : "1 line\n");
	do {
		more = stream_next(answer->stream, &conversation->output, &err);
		if (more < 0) { /* the client sees the end of the connection */
			log_error("control socket: %s", error_message(&err));
			return more;
		}
		r = flush_output(conversation);
		if (r < 0)
			return r;
	} while (more);
	return 0;
}

static int send_answer(struct conversation *conversation, struct answer *answer)
{
	struct text *output = &conversation->output;
	size_t n;

	if (answer->stream)
		return send_stream(conversation, answer);
	n = count_lines(&answer->lines);
	text_printf(output, "%zu %s\n", n,
		    answer->status.len ? text_str(&answer->status)
		    : n == 1	       ? "line"
				       : "lines");
	text_add(output, answer->lines.data, answer->lines.len);
	return flush_output(conversation);
}

/* -- requests -- */

static void log_write(const struct conversation *conversation, const struct command *command,
		      const char *outcome)
{
	log_notice("%s%s%.64s by uid %u, pid %d: %s", verb_find(command->words[0])->name,
		   command->n > 1 ? " " : "", command->n > 1 ? command->words[1] : "",
		   conversation->peer.uid, conversation->peer.pid, outcome);
}

static int run_change(struct conversation *conversation, const struct request *request,
		      struct answer *answer, struct error *err)
{
	size_t others = atomic_fetch_add(conversation->changes, 1);
	int r;

	if (others < CONVERSATION_CHANGES_MAX)
		r = verb_run(request, answer, err);
	else
		r = error_set(err, -EUSERS,
			      "too many changes are under way (%d); nothing was done, try again",
			      CONVERSATION_CHANGES_MAX);
	atomic_fetch_sub(conversation->changes, 1);
	log_write(conversation, request->command, r < 0 ? error_message(err) : "done");
	return r;
}

static int run_request(struct conversation *conversation, const struct command *command,
		       const char *payload, size_t payload_len)
{
	const struct verb *verb = verb_find(command->words[0]);
	_cleanup_(answer_release) struct answer answer = {};
	_cleanup_error_ struct error err = {};
	struct request request = {
		.registry = conversation->registry,
		.command = command,
		.payload = payload,
		.payload_len = payload_len,
		.client_fd = conversation->fd,
	};
	int r = verb && verb->writes ? run_change(conversation, &request, &answer, &err)
				     : verb_run(&request, &answer, &err);

	return r < 0 ? answer_error(conversation, error_message(&err))
		     : send_answer(conversation, &answer);
}

/* Reads until the input has size bytes. */
static int read_document(struct conversation *conversation, size_t size)
{
	int64_t until = clock_now_s() + CONVERSATION_REQUEST_SECONDS;

	while (conversation->input.len < size) {
		int r = clock_now_s() < until ? fill_input(conversation, CONVERSATION_STALL_SECONDS)
					      : 0;

		if (r <= 0)
			return r < 0 ? r : -ETIMEDOUT;
	}
	return 0;
}

/* Serves a request with a document of size bytes after its line. */
static int serve_document(struct conversation *conversation, const struct command *command,
			  size_t size)
{
	size_t others = atomic_fetch_add(conversation->documents, size);
	int r;

	if (others + size > CONVERSATION_DOCUMENTS_MAX) {
		atomic_fetch_sub(conversation->documents, size);
		answer_error(conversation, "the documents of the requests under way have too many "
					   "bytes; nothing was done, try again");
		return -EDQUOT;
	}
	r = read_document(conversation, size);
	if (r == 0)
		r = run_request(conversation, command, conversation->input.data, size);
	if (r == 0)
		consume_input(conversation, size);
	atomic_fetch_sub(conversation->documents, size);
	return r;
}

/*
 * Serves the request whose line is the first len bytes of the input. A negative result ends the
 * connection.
 */
static int serve_request(struct conversation *conversation, size_t len)
{
	_cleanup_(command_release) struct command command = {};
	_cleanup_error_ struct error err = {};
	int64_t document;
	int r = command_parse(&command, conversation->input.data, len, &err);

	consume_input(conversation, len + 1);
	if (r < 0)
		return answer_error(conversation, error_message(&err));
	if (!command.n)
		return answer_error(conversation, "the line is empty");
	document = verb_payload(&command, &err);
	if (document < 0) { /* the start of the next request is not known */
		answer_error(conversation, error_message(&err));
		return -EPROTO;
	}
	return document ? serve_document(conversation, &command, (size_t)document)
			: run_request(conversation, &command, NULL, 0);
}

bool conversation_serve(struct conversation *conversation)
{
	int64_t until = clock_now_s() + CONVERSATION_REQUEST_SECONDS;
	const struct text *input = &conversation->input;

	for (;;) {
		const char *end = input->len ? memchr(input->data, '\n', input->len) : NULL;

		if (end && end - input->data <= COMMAND_LINE_MAX) {
			if (serve_request(conversation, (size_t)(end - input->data)) < 0)
				return false;
			until = clock_now_s() + CONVERSATION_REQUEST_SECONDS;
			continue;
		}
		if (input->len > COMMAND_LINE_MAX) {
			answer_error(conversation, "the line is too long");
			return false;
		}
		if (!input->len && wait_for(conversation, POLLIN, 0) == 0)
			return true;
		if (clock_now_s() >= until ||
		    fill_input(conversation, CONVERSATION_STALL_SECONDS) <= 0)
			return false;
	}
}

void conversation_release(struct conversation *conversation)
{
	text_release(&conversation->input);
	text_release(&conversation->output);
}
