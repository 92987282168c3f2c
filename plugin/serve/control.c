/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve/control.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "serve/session.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>

#define CLIENT_SLOTS   (CONTROL_CLIENTS_MAX + CONTROL_CLOSING_MAX)
#define ACCEPT_PAUSE_S 1 /* after a failed accept(), for example EMFILE */
#define STRINGIFY(x)   #x
#define NUMBER(x)      STRINGIFY(x)

#define ERROR_ALL_BUSY                                                                             \
	"too many connections, all " NUMBER(CONTROL_CLIENTS_MAX) " have requests under way; "      \
								 "nothing was done, try again"
#define ERROR_REPLACED                                                                             \
	"too many connections; this idle connection was closed, nothing was done, connect again"
#define ERROR_IDLE                                                                                 \
	"closed, the connection was idle for " NUMBER(CONTROL_IDLE_SECONDS) " s; connect again"

enum client_state {
	CLIENT_FREE,
	CLIENT_IDLE,	/* no byte of its next request has arrived */
	CLIENT_SERVED,	/* a worker thread has it */
	CLIENT_CLOSING, /* has its last answer; further input is discarded */
};

enum worker_result { WORKER_RUNS, WORKER_KEEPS, WORKER_ENDS };

/* Used by the poll thread only, except session and result while the state is SERVED. */
struct client {
	struct control *control;
	enum client_state state;
	int64_t since; /* when the state began, in seconds */
	int fd;
	pthread_t worker;
	_Atomic enum worker_result result; /* set by the worker as its last action */
	struct session session;
};

struct control {
	struct registry *registry;
	int fd;
	int stop_fd;
	int wake_fd; /* readable when a worker has set its result */
	_Atomic bool stopping;
	_Atomic size_t documents, changes; /* see struct session */
	pthread_t poll_thread;
	int64_t accept_from; /* accept no connection before that time */
	struct client clients[CLIENT_SLOTS];
};

static void client_enter(struct client *client, enum client_state state)
{
	client->state = state;
	client->since = clock_now_s();
}

static void client_close(struct client *client)
{
	session_release(&client->session);
	fd_close(&client->fd);
	client->state = CLIENT_FREE;
}

static struct client *control_find_oldest(struct control *control, enum client_state state)
{
	struct client *oldest = NULL;

	for (size_t i = 0; i < CLIENT_SLOTS; i++) {
		struct client *client = &control->clients[i];

		if (client->state == state && (!oldest || client->since < oldest->since))
			oldest = client;
	}
	return oldest;
}

static size_t count_state(const struct control *control, enum client_state state)
{
	size_t n = 0;

	for (size_t i = 0; i < CLIENT_SLOTS; i++)
		n += control->clients[i].state == state;
	return n;
}

/* Makes sure that one more client can be in the state CLOSING. */
static void limit_closing(struct control *control)
{
	if (count_state(control, CLIENT_CLOSING) == CONTROL_CLOSING_MAX)
		client_close(control_find_oldest(control, CLIENT_CLOSING));
}

/*
 * Shuts down only the sending direction, so that the client can finish sending and read the answer;
 * close() would discard both. message: NULL if the client has its answer.
 */
static void client_end(struct client *client, const char *message)
{
	limit_closing(client->control);
	if (message)
		session_refuse(client->fd, message);
	shutdown(client->fd, SHUT_WR);
	session_release(&client->session);
	client_enter(client, CLIENT_CLOSING);
}

static void *worker_thread(void *data)
{
	struct client *client = data;
	struct control *control = client->control;
	bool keeps = session_serve(&client->session);

	session_release(&client->session);
	atomic_store(&client->result, keeps ? WORKER_KEEPS : WORKER_ENDS);
	eventfd_write(control->wake_fd, 1);
	return NULL;
}

/* The idle client has sent data or has closed the connection. */
static void client_serve(struct client *client)
{
	char byte;
	ssize_t n = recv(client->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
	int r;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		client_close(client);
		return;
	}
	client->result = WORKER_RUNS;
	client_enter(client, CLIENT_SERVED);
	r = thread_start(&client->worker, "dynmon-client", worker_thread, client);
	if (r < 0) {
		log_error("control socket: cannot start a thread: %s", strerror(-r));
		client_end(client, "the plugin cannot start a thread; nothing was done");
	}
}

/* Ends a connection that is idle, unless a request has arrived since poll(). */
static void client_end_idle(struct client *client, const char *message)
{
	client_serve(client);
	if (client->state == CLIENT_IDLE)
		client_end(client, message);
}

/* Takes back the connections of workers that have finished. Their threads are about to end. */
static void collect_results(struct control *control)
{
	for (size_t i = 0; i < CLIENT_SLOTS; i++) {
		struct client *client = &control->clients[i];

		if (client->state != CLIENT_SERVED || client->result == WORKER_RUNS)
			continue;
		pthread_join(client->worker, NULL);
		if (client->result == WORKER_KEEPS)
			client_enter(client, CLIENT_IDLE);
		else
			client_end(client, NULL);
	}
}

/* Adds a new connection. If necessary, ends the connection that has been idle for longest. */
static void client_add(struct control *control, int fd)
{
	struct client *client = control->clients, *idle;
	socklen_t len = sizeof(struct ucred);
	bool room;

	do {
		room = count_state(control, CLIENT_IDLE) + count_state(control, CLIENT_SERVED) <
		       CONTROL_CLIENTS_MAX;
		idle = room ? NULL : control_find_oldest(control, CLIENT_IDLE);
		if (idle)
			client_end_idle(idle, ERROR_REPLACED);
	} while (idle);
	if (!room)
		limit_closing(control);
	while (client->state != CLIENT_FREE)
		client++;
	*client = (struct client){ .control = control, .fd = fd };
	client->session = (struct session){
		.registry = control->registry,
		.fd = fd,
		.stop_fd = control->stop_fd,
		.documents = &control->documents,
		.changes = &control->changes,
	};
	getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &client->session.peer, &len);
	client_enter(client, CLIENT_IDLE);
	if (!room)
		client_end(client, ERROR_ALL_BUSY);
}

/* The limit lets the other connections get their turn. */
static void accept_some(struct control *control)
{
	for (int i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		int fd = accept4(control->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0) {
			client_add(control, fd);
			continue;
		}
		if (errno == EINTR || errno == ECONNABORTED)
			continue;
		if (errno != EAGAIN) {
			log_error("control socket: accept: %s", strerror(errno));
			control->accept_from = clock_now_s() + ACCEPT_PAUSE_S;
		}
		return;
	}
}

enum { POLL_STOP, POLL_WAKE, POLL_ACCEPT, POLL_CLIENTS };

/*
 * Ends connections that have exceeded a time limit, and waits for the others. The list of polls
 * contains only open descriptors, because poll() fails if the list is longer than the limit of
 * descriptors, even if most entries are unused. Returns the number of polls; 0: nothing to do.
 */
static nfds_t control_wait(struct control *control, struct pollfd *polls, struct client **clients)
{
	int64_t now = clock_now_s(), next = INT64_MAX, end;
	nfds_t n = POLL_CLIENTS;
	int r;

	for (size_t i = 0; i < CLIENT_SLOTS; i++) {
		struct client *client = &control->clients[i];

		if (client->state == CLIENT_IDLE && client->since + CONTROL_IDLE_SECONDS <= now)
			client_end_idle(client, ERROR_IDLE);
		if (client->state == CLIENT_CLOSING &&
		    client->since + CONTROL_CLOSING_SECONDS <= now)
			client_close(client);
		if (client->state != CLIENT_IDLE && client->state != CLIENT_CLOSING)
			continue;
		end = client->since + (client->state == CLIENT_IDLE ? CONTROL_IDLE_SECONDS
								    : CONTROL_CLOSING_SECONDS);
		next = end < next ? end : next;
		clients[n] = client;
		polls[n++] = (struct pollfd){ .fd = client->fd, .events = POLLIN };
	}
	if (control->accept_from > now && control->accept_from < next)
		next = control->accept_from;
	polls[POLL_STOP] = (struct pollfd){ .fd = control->stop_fd, .events = POLLIN };
	polls[POLL_WAKE] = (struct pollfd){ .fd = control->wake_fd, .events = POLLIN };
	polls[POLL_ACCEPT] = (struct pollfd){
		.fd = control->accept_from > now ? -1 : control->fd,
		.events = POLLIN,
	};
	r = poll(polls, n, next == INT64_MAX ? -1 : (int)(next - now) * 1000);
	if (r < 0 && errno != EINTR) {
		log_error("control socket: poll: %s", error_text(-errno));
		poll(polls, 1, ACCEPT_PAUSE_S * 1000);
	}
	return r > 0 ? n : 0;
}

static void *poll_thread(void *data)
{
	struct client *clients[POLL_CLIENTS + CLIENT_SLOTS];
	struct pollfd polls[POLL_CLIENTS + CLIENT_SLOTS];
	struct control *control = data;
	char discarded[16 * 1024];
	eventfd_t wakes;

	while (!control->stopping) {
		nfds_t n = control_wait(control, polls, clients);

		if (!n)
			continue;
		for (nfds_t i = POLL_CLIENTS; i < n; i++) {
			struct client *client = clients[i];

			if (!polls[i].revents)
				continue;
			if (client->state == CLIENT_IDLE) {
				client_serve(client);
			} else if (client->state == CLIENT_CLOSING) {
				ssize_t len = recv(client->fd, discarded, sizeof(discarded),
						   MSG_DONTWAIT);

				if (len == 0 || (len < 0 && errno != EAGAIN && errno != EINTR))
					client_close(client);
			}
		}
		if (polls[POLL_WAKE].revents) {
			eventfd_read(control->wake_fd, &wakes);
			collect_results(control);
		}
		if (polls[POLL_ACCEPT].revents)
			accept_some(control);
	}
	return NULL;
}

static struct control *control_free(struct control *control)
{
	for (size_t i = 0; i < CLIENT_SLOTS; i++)
		if (control->clients[i].state != CLIENT_FREE)
			client_close(&control->clients[i]);
	fd_close(&control->fd);
	fd_close(&control->stop_fd);
	fd_close(&control->wake_fd);
	free(control);
	return NULL;
}

int control_start(int fd, struct registry *registry, struct control **ret, struct error *err)
{
	struct control *control = calloc(1, sizeof(*control));
	int r = 0;

	if (!control) {
		close(fd);
		return error_oom(err);
	}
	control->fd = fd;
	control->registry = registry;
	control->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	control->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	/* A client may be gone before it is accepted. */
	if (control->stop_fd < 0 || control->wake_fd < 0 || fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		r = -errno;
	if (r == 0)
		r = thread_start(&control->poll_thread, "dynmon-control", poll_thread, control);
	if (r < 0) {
		control_free(control);
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
	pthread_join(control->poll_thread, NULL);
	for (size_t i = 0; i < CLIENT_SLOTS; i++)
		if (control->clients[i].state == CLIENT_SERVED)
			pthread_join(control->clients[i].worker, NULL);
	return control_free(control);
}
