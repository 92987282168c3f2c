/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve/control.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "serve/conversation.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>

#define PLACES	       (CONTROL_CLIENTS_MAX + CONTROL_LEAVING_MAX)
#define ACCEPT_PAUSE_S 1 /* after a failed accept(), for example EMFILE */
#define STRINGIFY(x)   #x
#define NUMBER(x)      STRINGIFY(x)

#define REFUSAL                                                                                    \
	"too many connections, all " NUMBER(CONTROL_CLIENTS_MAX) " have requests under way; "      \
								 "nothing was done, try again"
#define DISMISSAL                                                                                  \
	"too many connections; this idle connection was closed, nothing was done, connect again"
#define FAREWELL                                                                                   \
	"closed, the connection was idle for " NUMBER(CONTROL_IDLE_SECONDS) " s; connect again"

enum client_state {
	CLIENT_FREE,
	CLIENT_IDLE,	/* no byte of its next request has arrived */
	CLIENT_SERVED,	/* a worker thread has it */
	CLIENT_LEAVING, /* got its error; further input is discarded */
};

enum outcome { OUTCOME_NONE, OUTCOME_IDLE, OUTCOME_OVER };

/* Used by the keeper only, except conversation and outcome while the state is SERVED. */
struct client {
	struct control *control;
	enum client_state state;
	int64_t since; /* when the state began, in seconds */
	int fd;
	pthread_t worker;
	_Atomic enum outcome outcome; /* set by the worker as its last action */
	struct conversation conversation;
};

struct control {
	struct registry *registry;
	int fd;
	int stop_fd;
	int wake_fd; /* readable when a worker has set its outcome */
	_Atomic bool stopping;
	_Atomic size_t documents, changes; /* see struct conversation */
	pthread_t keeper;
	int64_t accept_from; /* accept no connection before that time */
	struct client clients[PLACES];
};

static void client_enter(struct client *client, enum client_state state)
{
	client->state = state;
	client->since = clock_now_s();
}

static void client_close(struct client *client)
{
	conversation_release(&client->conversation);
	fd_close(&client->fd);
	client->state = CLIENT_FREE;
}

/* -- connections that end -- */

static struct client *control_find_oldest(struct control *control, enum client_state state)
{
	struct client *oldest = NULL;

	for (size_t i = 0; i < PLACES; i++) {
		struct client *client = &control->clients[i];

		if (client->state == state && (!oldest || client->since < oldest->since))
			oldest = client;
	}
	return oldest;
}

static size_t count_state(const struct control *control, enum client_state state)
{
	size_t n = 0;

	for (size_t i = 0; i < PLACES; i++)
		n += control->clients[i].state == state;
	return n;
}

/*
 * Shuts down only the sending direction, so that the client can finish sending and read the answer;
 * close() would discard both. message: NULL if the client has its answer.
 */
static void client_dismiss(struct client *client, const char *message)
{
	struct control *control = client->control;

	if (count_state(control, CLIENT_LEAVING) == CONTROL_LEAVING_MAX)
		client_close(control_find_oldest(control, CLIENT_LEAVING));
	if (message)
		conversation_refuse(client->fd, message);
	shutdown(client->fd, SHUT_WR);
	conversation_release(&client->conversation);
	client_enter(client, CLIENT_LEAVING);
}

/* Discards the input of a leaving client up to the end of the connection. */
static void client_drain(struct client *client)
{
	char discarded[16 * 1024];
	ssize_t n = recv(client->fd, discarded, sizeof(discarded), MSG_DONTWAIT);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		client_close(client);
}

/* -- connections with a request -- */

static void *worker_thread(void *data)
{
	struct client *client = data;
	struct control *control = client->control;
	bool goes_on = conversation_serve(&client->conversation);

	conversation_release(&client->conversation);
	atomic_store(&client->outcome, goes_on ? OUTCOME_IDLE : OUTCOME_OVER);
	eventfd_write(control->wake_fd, 1);
	return NULL;
}

/* The client has sent data or has closed the connection. */
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
	client->outcome = OUTCOME_NONE;
	client_enter(client, CLIENT_SERVED);
	r = thread_start(&client->worker, "dynmon-client", worker_thread, client);
	if (r < 0) {
		log_error("control socket: cannot start a thread: %s", strerror(-r));
		client_dismiss(client, "the plugin cannot start a thread; nothing was done");
	}
}

/* Ends a connection that is idle, unless a request has arrived since poll(). */
static void client_dismiss_idle(struct client *client, const char *message)
{
	client_serve(client);
	if (client->state == CLIENT_IDLE)
		client_dismiss(client, message);
}

/* Takes back the connections of workers that have finished. Their threads are about to end. */
static void take_back(struct control *control)
{
	for (size_t i = 0; i < PLACES; i++) {
		struct client *client = &control->clients[i];

		if (client->state != CLIENT_SERVED || client->outcome == OUTCOME_NONE)
			continue;
		pthread_join(client->worker, NULL);
		if (client->outcome == OUTCOME_IDLE)
			client_enter(client, CLIENT_IDLE);
		else
			client_dismiss(client, NULL);
	}
}

/* -- new connections -- */

/* Makes room for a new connection by ending the one that has been idle for longest. */
static bool control_make_room(struct control *control)
{
	for (;;) {
		struct client *client;

		if (count_state(control, CLIENT_IDLE) + count_state(control, CLIENT_SERVED) <
		    CONTROL_CLIENTS_MAX)
			return true;
		client = control_find_oldest(control, CLIENT_IDLE);
		if (!client)
			return false;
		client_dismiss_idle(client, DISMISSAL);
	}
}

static void client_add(struct control *control, int fd)
{
	socklen_t len = sizeof(struct ucred);
	bool room = control_make_room(control);
	struct client *client = NULL;

	if (!room && count_state(control, CLIENT_LEAVING) == CONTROL_LEAVING_MAX)
		client_close(control_find_oldest(control, CLIENT_LEAVING));
	for (size_t i = 0; i < PLACES && !client; i++)
		if (control->clients[i].state == CLIENT_FREE)
			client = &control->clients[i];
	*client = (struct client){ .control = control, .fd = fd };
	client->conversation = (struct conversation){
		.registry = control->registry,
		.fd = fd,
		.stop_fd = control->stop_fd,
		.documents = &control->documents,
		.changes = &control->changes,
	};
	getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &client->conversation.peer, &len);
	client_enter(client, CLIENT_IDLE);
	if (!room)
		client_dismiss(client, REFUSAL);
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

/* -- the keeper -- */

/*
 * Ends connections that have exceeded a time limit. Returns milliseconds until the next limit; -1:
 * none.
 */
static int enforce_times(struct control *control)
{
	int64_t now = clock_now_s(), next = INT64_MAX;

	for (size_t i = 0; i < PLACES; i++) {
		struct client *client = &control->clients[i];

		if (client->state == CLIENT_IDLE && client->since + CONTROL_IDLE_SECONDS <= now)
			client_dismiss_idle(client, FAREWELL);
		if (client->state == CLIENT_LEAVING &&
		    client->since + CONTROL_LEAVING_SECONDS <= now)
			client_close(client);
		if (client->state == CLIENT_IDLE && client->since + CONTROL_IDLE_SECONDS < next)
			next = client->since + CONTROL_IDLE_SECONDS;
		if (client->state == CLIENT_LEAVING &&
		    client->since + CONTROL_LEAVING_SECONDS < next)
			next = client->since + CONTROL_LEAVING_SECONDS;
	}
	if (control->accept_from > now && control->accept_from < next)
		next = control->accept_from;
	return next == INT64_MAX ? -1 : (int)(next - now) * 1000;
}

enum { POLL_STOP, POLL_WAKE, POLL_ACCEPT, POLL_CLIENTS };

/*
 * Lists the descriptors to wait for. The list contains only open descriptors, because poll() fails
 * if the list is longer than the limit of descriptors, even if most entries are unused.
 */
static nfds_t list_polls(struct control *control, struct pollfd *polls, struct client **clients)
{
	nfds_t n = POLL_CLIENTS;

	polls[POLL_STOP] = (struct pollfd){ .fd = control->stop_fd, .events = POLLIN };
	polls[POLL_WAKE] = (struct pollfd){ .fd = control->wake_fd, .events = POLLIN };
	polls[POLL_ACCEPT] = (struct pollfd){
		.fd = control->accept_from > clock_now_s() ? -1 : control->fd,
		.events = POLLIN,
	};
	for (size_t i = 0; i < PLACES; i++) {
		struct client *client = &control->clients[i];

		if (client->state != CLIENT_IDLE && client->state != CLIENT_LEAVING)
			continue;
		clients[n] = client;
		polls[n++] = (struct pollfd){ .fd = client->fd, .events = POLLIN };
	}
	return n;
}

static void control_turn(struct control *control)
{
	struct client *clients[POLL_CLIENTS + PLACES];
	struct pollfd polls[POLL_CLIENTS + PLACES];
	int timeout = enforce_times(control), r;
	nfds_t n = list_polls(control, polls, clients);
	eventfd_t wakes;

	r = poll(polls, n, timeout);
	if (r < 0 && errno != EINTR) {
		log_error("control socket: poll: %s", error_text(-errno));
		poll(polls, 1, ACCEPT_PAUSE_S * 1000);
	}
	if (r <= 0)
		return;
	for (nfds_t i = POLL_CLIENTS; i < n; i++) {
		if (!polls[i].revents)
			continue;
		if (clients[i]->state == CLIENT_IDLE)
			client_serve(clients[i]);
		else if (clients[i]->state == CLIENT_LEAVING)
			client_drain(clients[i]);
	}
	if (polls[POLL_WAKE].revents) {
		eventfd_read(control->wake_fd, &wakes);
		take_back(control);
	}
	if (polls[POLL_ACCEPT].revents)
		accept_some(control);
}

static void *keeper_thread(void *data)
{
	struct control *control = data;

	while (!control->stopping)
		control_turn(control);
	return NULL;
}

/* -- start and stop -- */

static struct control *control_free(struct control *control)
{
	for (size_t i = 0; i < PLACES; i++)
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
		r = thread_start(&control->keeper, "dynmon-control", keeper_thread, control);
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
	pthread_join(control->keeper, NULL);
	for (size_t i = 0; i < PLACES; i++)
		if (control->clients[i].state == CLIENT_SERVED)
			pthread_join(control->clients[i].worker, NULL);
	return control_free(control);
}
