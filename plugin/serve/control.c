/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve/control.h"
#include "base/log.h"
#include "base/thread.h"
#include "serve/verb.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>

enum client_state { CLIENT_FREE, CLIENT_BUSY, CLIENT_DONE };

struct client {
	struct control *control;
	pthread_t thread;
	_Atomic enum client_state
		state;		    /* only the acceptor frees and takes, only the client ends */
	_Atomic int64_t idle_since; /* seconds; 0 while there is a request of its to work at */
	int fd;
	struct ucred peer;
	struct text input; /* read, not yet used */
	struct text output;
};

struct control {
	struct registry *registry;
	int fd;
	int stop_fd;
	_Atomic bool stopping;
	pthread_t thread;
	struct client clients[CONTROL_CLIENTS_MAX];
};

/* Seconds of a clock that only goes on; never 0. */
static int64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec + 1;
}

/* 1: ready; 0: time is up or the plugin stops; -errno. */
static int client_wait(const struct client *client, short events, int seconds)
{
	struct pollfd polls[2] = {
		{ .fd = client->fd, .events = events },
		{ .fd = client->control->stop_fd, .events = POLLIN },
	};
	int r;

	do
		r = poll(polls, 2, seconds * 1000);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : r > 0 && !polls[1].revents;
}

/* Reads some more. 1: there is more; 0: the end, or too slow; -errno. */
static int client_fill(struct client *client, int seconds)
{
	char *to = text_reserve(&client->input, 16 * 1024);
	ssize_t n;
	int r;

	if (!to)
		return -ENOMEM;
	r = client_wait(client, POLLIN, seconds);
	if (r <= 0)
		return r;
	n = recv(client->fd, to, 16 * 1024, MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 1 : -errno;
	client->input.len += (size_t)n;
	return n > 0;
}

/* Drops the first n bytes of the input. */
static void client_consume(struct client *client, size_t n)
{
	client->input.len -= n;
	memmove(client->input.data, client->input.data + n, client->input.len);
}

/* Sends what is in output. 0, or -errno (-ETIMEDOUT when the client does not read). */
static int client_flush(struct client *client)
{
	size_t sent = 0;

	if (text_status(&client->output) < 0)
		return -ENOMEM;
	while (sent < client->output.len) {
		int r = client_wait(client, POLLOUT, CONTROL_STALL_SECONDS);
		ssize_t n;

		if (r <= 0)
			return r < 0 ? r : -ETIMEDOUT;
		n = send(client->fd, client->output.data + sent, client->output.len - sent,
			 MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (n > 0)
			sent += (size_t)n;
	}
	text_clear(&client->output);
	return 0;
}

static int answer_error(struct client *client, const char *message)
{
	text_adds(&client->output, "-1 ");
	for (; *message; message++) {
		if (*message == '\n')
			text_adds(&client->output, "\\n");
		else if (*message == '\\')
			text_adds(&client->output, "\\\\");
		else
			text_addc(&client->output, *message);
	}
	text_addc(&client->output, '\n');
	return client_flush(client);
}

static size_t count_lines(const struct text *text)
{
	size_t n = 0;

	for (size_t i = 0; i < text->len; i++)
		n += text->data[i] == '\n';
	return n;
}

static int send_stream(struct client *client, struct answer *answer)
{
	_cleanup_error_ struct error err = {};
	int more, r;

	/* JSON is one line; what is not counted says itself where it ends. */
	text_adds(&client->output, answer->until_eof ? "0 " ANSWER_UNTIL_EOF "\n" : "1 line\n");
	do {
		more = stream_next(answer->stream, &client->output, &err);
		if (more < 0) { /* the client sees it by the connection's end */
			log_error("control socket: %s", error_message(&err));
			return more;
		}
		r = client_flush(client);
		if (r < 0)
			return r;
	} while (more);
	return 0;
}

static int send_answer(struct client *client, struct answer *answer)
{
	size_t n;

	if (answer->stream)
		return send_stream(client, answer);
	n = count_lines(&answer->lines);
	text_printf(&client->output, "%zu %s\n", n,
		    answer->status.len ? text_str(&answer->status)
		    : n == 1	       ? "line"
				       : "lines");
	text_add(&client->output, answer->lines.data, answer->lines.len);
	return client_flush(client);
}

static void log_write(const struct client *client, const struct command *command,
		      const char *outcome)
{
	log_notice("%s%s%.64s by uid %u, pid %d: %s", verb_find(command->words[0])->name,
		   command->n > 1 ? " " : "", command->n > 1 ? command->words[1] : "",
		   client->peer.uid, client->peer.pid, outcome);
}

static int client_run(struct client *client, const struct command *command, const char *payload,
		      size_t payload_len)
{
	const struct verb *verb = verb_find(command->words[0]);
	_cleanup_(answer_release) struct answer answer = {};
	_cleanup_error_ struct error err = {};
	const struct request request = {
		.registry = client->control->registry,
		.command = command,
		.payload = payload,
		.payload_len = payload_len,
	};
	int r = verb_run(&request, &answer, &err);

	if (verb && verb->writes)
		log_write(client, command, r < 0 ? error_message(&err) : "done");
	return r < 0 ? answer_error(client, error_message(&err)) : send_answer(client, &answer);
}

/* One request, whose line is the first len bytes of the input. Negative ends the connection. */
static int client_request(struct client *client, size_t len)
{
	_cleanup_(command_release) struct command command = {};
	_cleanup_error_ struct error err = {};
	int64_t payload = 0, until;
	int r = command_parse(&command, client->input.data, len, &err);

	client_consume(client, len + 1);
	if (r < 0)
		return answer_error(client, error_message(&err));
	if (!command.n)
		return answer_error(client, "the line is empty");
	payload = verb_payload(&command, &err);
	if (payload < 0) { /* where the next request starts is not known */
		answer_error(client, error_message(&err));
		return -EPROTO;
	}
	until = now() + CONTROL_REQUEST_SECONDS;
	while (client->input.len < (size_t)payload) {
		r = now() < until ? client_fill(client, CONTROL_STALL_SECONDS) : 0;
		if (r <= 0)
			return r < 0 ? r : -ETIMEDOUT;
	}
	r = client_run(client, &command, payload ? client->input.data : NULL, (size_t)payload);
	client_consume(client, (size_t)payload);
	return r;
}

static void client_loop(struct client *client)
{
	for (;;) {
		char *end = client->input.len ? memchr(client->input.data, '\n', client->input.len)
					      : NULL;
		int r;

		if (end && end - client->input.data <= COMMAND_LINE_MAX) {
			atomic_store(&client->idle_since, 0);
			r = client_request(client, (size_t)(end - client->input.data));
			if (r < 0)
				return;
			continue;
		}
		if (client->input.len > COMMAND_LINE_MAX) {
			answer_error(client, "the line is too long");
			return;
		}
		if (!atomic_load(&client->idle_since))
			atomic_store(&client->idle_since, now());
		r = client_fill(client,
				client->input.len ? CONTROL_STALL_SECONDS : CONTROL_IDLE_SECONDS);
		if (r <= 0)
			return;
	}
}

static void *client_thread(void *data)
{
	struct client *client = data;

	client_loop(client);
	/* For the other end; the descriptor is closed when its place is taken again. */
	shutdown(client->fd, SHUT_RDWR);
	atomic_store(&client->state, CLIENT_DONE);
	return NULL;
}

static void client_release(struct client *client)
{
	pthread_join(client->thread, NULL);
	fd_close(&client->fd);
	text_release(&client->input);
	text_release(&client->output);
	client->state = CLIENT_FREE;
}

/* A free place, or the one of the client that is idle for longest; NULL: all are at work. */
static struct client *client_place(struct control *control)
{
	struct client *idle = NULL;
	int64_t longest = INT64_MAX;

	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		struct client *client = &control->clients[i];
		int64_t since;

		if (atomic_load(&client->state) == CLIENT_DONE)
			client_release(client);
		if (atomic_load(&client->state) == CLIENT_FREE)
			return client;
		since = atomic_load(&client->idle_since);
		if (since && since < longest) {
			longest = since;
			idle = client;
		}
	}
	if (idle) {
		shutdown(idle->fd, SHUT_RDWR);
		client_release(idle);
	}
	return idle;
}

static void client_start(struct control *control, int fd)
{
	static const char full[] = "-1 too many connections\n";
	socklen_t len = sizeof(struct ucred);
	struct client *client = client_place(control);

	if (!client) {
		send(fd, full, sizeof(full) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
		close(fd);
		return;
	}
	*client = (struct client){
		.control = control, .fd = fd, .state = CLIENT_BUSY, .idle_since = now()
	};
	getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &client->peer, &len);
	if (thread_start(&client->thread, "dynmon-client", client_thread, client) < 0) {
		log_error("control socket: cannot start a thread");
		close(fd);
		client->state = CLIENT_FREE;
	}
}

static void *control_thread(void *data)
{
	struct control *control = data;
	struct pollfd polls[2] = {
		{ .fd = control->fd, .events = POLLIN },
		{ .fd = control->stop_fd, .events = POLLIN },
	};

	while (!control->stopping) {
		int fd;

		if (poll(polls, 2, -1) < 0 || !polls[0].revents)
			continue;
		fd = accept4(control->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0) {
			client_start(control, fd);
		} else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
			log_error("control socket: accept: %s", strerror(errno));
			poll(&polls[1], 1, 1000); /* out of descriptors: do not spin */
		}
	}
	return NULL;
}

int control_start(int fd, struct registry *registry, struct control **ret, struct error *err)
{
	struct control *control = calloc(1, sizeof(*control));
	int r;

	if (!control) {
		close(fd);
		return error_oom(err);
	}
	control->fd = fd;
	control->registry = registry;
	control->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = control->stop_fd < 0
		    ? -errno
		    : thread_start(&control->thread, "dynmon-control", control_thread, control);
	if (r < 0) {
		fd_close(&control->fd);
		fd_close(&control->stop_fd);
		free(control);
		return error_set(err, r, "control socket: %s", strerror(-r));
	}
	*ret = control;
	return 0;
}

struct control *control_stop(struct control *control)
{
	if (!control)
		return NULL;
	control->stopping = true;
	eventfd_write(control->stop_fd, 1);
	pthread_join(control->thread, NULL);
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		if (control->clients[i].state != CLIENT_FREE)
			client_release(&control->clients[i]);
	fd_close(&control->fd);
	fd_close(&control->stop_fd);
	free(control);
	return NULL;
}
