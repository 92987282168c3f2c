/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve/http_clients.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>

/* Milliseconds between two checks of the limits. */
#define CHECK_INTERVAL 1000

/* Seconds to wait for http_clients_add() after an accept, because adding a connection may fail. */
#define HAND_OVER_SECONDS 1

#define STRING(x)  #x
#define SECONDS(n) STRING(n) " s"

#define REPORT_WINDOW 60000
#define REPORTS_MAX   10

struct http_client {
	struct http_clients *clients;
	struct http_client *next;
	int fd;
	/* -- protected by the clients' lock -- */
	enum http_phase phase;
	int64_t since;	   /* milliseconds: start of the current wait for the client */
	int64_t waited;	   /* milliseconds, for the earlier blocks of this answer */
	const char *ended; /* the reason why http_clients ended the connection */
	bool admitted;
	bool change;
};

struct http_clients {
	pthread_t thread;
	const char *name;
	int listen_fd;
	int wake_fd;
	void (*hand_over)(void *data, int fd, const struct sockaddr *address, socklen_t len);
	void *data;
	pthread_mutex_t lock;
	pthread_cond_t added;
	/* -- protected by lock -- */
	struct http_client *first; /* most recent client */
	size_t n;		   /* clients that have not been ended */
	size_t working;
	size_t changes;
	bool handing; /* an accepted socket has not been added yet */
	bool full;    /* the thread waits for room */
	bool stopping;
	int64_t window; /* start of the minute in which reports are counted */
	size_t reports;
	size_t unreported;
};

/* The number of suppressed reports, once their minute is over. The lock is held. */
static size_t end_report_window(struct http_clients *clients, int64_t time)
{
	size_t n = clients->unreported;

	if (time - clients->window < REPORT_WINDOW)
		return 0;
	clients->window = time;
	clients->reports = clients->unreported = 0;
	return n;
}

static void log_unreported(const struct http_clients *clients, size_t n)
{
	if (n)
		log_warning("%s: %zu more such messages in the last minute", clients->name, n);
}

void http_clients_report(struct http_clients *clients, const char *line)
{
	size_t unreported;
	bool logged;

	pthread_mutex_lock(&clients->lock);
	unreported = end_report_window(clients, clock_now_ms());
	logged = clients->reports++ < REPORTS_MAX;
	clients->unreported += !logged;
	pthread_mutex_unlock(&clients->lock);
	log_unreported(clients, unreported);
	if (logged)
		log_warning("%s: %s", clients->name, line);
}

/* -- limits -- */

/* Returns true if the socket is ready: the plugin is then not waiting for the client. */
static bool is_socket_ready(const struct http_client *client)
{
	short events = client->phase == HTTP_ANSWERING ? POLLOUT : POLLIN;
	struct pollfd polls = { .fd = client->fd, .events = events };

	return poll(&polls, 1, 0) == 1 && polls.revents & events;
}

/*
 * Ends a connection; libmicrohttpd detects this and closes the socket. Of an idle connection only
 * the input is shut down, because a request that arrives meanwhile is still answered. In the middle
 * of a request, no response was sent yet, except "100 Continue".
 */
static void end_client(struct http_client *client, const char *reason)
{
	static const char timeout[] = "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n"
				      "Content-Length: 0\r\n\r\n";

	if (client->phase == HTTP_RECEIVING)
		send(client->fd, timeout, strlen(timeout), MSG_DONTWAIT | MSG_NOSIGNAL);
	client->ended = reason;
	client->clients->n--;
	shutdown(client->fd, client->phase == HTTP_IDLE ? SHUT_RD : SHUT_RDWR);
}

static void check_limits(struct http_client *client, int64_t time)
{
	static const struct {
		int seconds;
		const char *reason;
	} limits[] = {
		[HTTP_IDLE] = { HTTP_IDLE_SECONDS, "no request arrived" },
		[HTTP_RECEIVING] = { HTTP_REQUEST_SECONDS, "the request took too long" },
		[HTTP_ANSWERING] = { HTTP_BLOCK_SECONDS,
				     "the client read nothing for " SECONDS(HTTP_BLOCK_SECONDS) },
	};
	int64_t waited = time - client->since;
	bool over;

	if (client->phase == HTTP_WORKING)
		return;
	over = waited >= limits[client->phase].seconds * 1000;
	if (!over && client->waited + waited < HTTP_ANSWER_SECONDS * 1000)
		return;
	if (is_socket_ready(client))
		client->since += CHECK_INTERVAL;
	else
		end_client(client, over ? limits[client->phase].reason
					: "the plugin waited for the client for " SECONDS(
						  HTTP_ANSWER_SECONDS) " in total");
}

/*
 * Ends the connection that has been idle for longest, else the one that has been sending a request
 * for longest. A young connection is kept, because its request is on its way. Returns false if no
 * connection can be ended.
 */
static bool http_clients_make_room(struct http_clients *clients)
{
	static const int64_t grace[] = { [HTTP_IDLE] = 1000, [HTTP_RECEIVING] = 5000 };
	int64_t time = clock_now_ms();

	for (int phase = HTTP_IDLE; phase <= HTTP_RECEIVING; phase++) {
		struct http_client *oldest = NULL;

		for (struct http_client *client = clients->first; client; client = client->next)
			if (!client->ended && (int)client->phase == phase &&
			    client->since <= time - grace[phase] &&
			    (!oldest || client->since <= oldest->since) && !is_socket_ready(client))
				oldest = client;
		if (oldest) {
			end_client(oldest, "closed to make room for other connections");
			return true;
		}
	}
	return false;
}

/* -- the thread -- */

/* Accepts one connection and waits until it is added, so that the number of clients is exact. */
static void accept_client(struct http_clients *clients)
{
	struct sockaddr_storage address = {};
	socklen_t len = sizeof(address);
	int fd = accept4(clients->listen_fd, (struct sockaddr *)&address, &len,
			 SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct timespec end;
	char line[128];

	if (fd >= 0) {
		pthread_mutex_lock(&clients->lock);
		clients->handing = true;
		pthread_mutex_unlock(&clients->lock);
		clients->hand_over(clients->data, fd, (struct sockaddr *)&address, len);
		end = clock_timespec(clock_now_ns() + HAND_OVER_SECONDS * CLOCK_NS_PER_S);
		pthread_mutex_lock(&clients->lock);
		while (clients->handing &&
		       pthread_cond_timedwait(&clients->added, &clients->lock, &end) == 0)
			;
		clients->handing = false;
		pthread_mutex_unlock(&clients->lock);
	} else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
		snprintf(line, sizeof(line), "a connection cannot be accepted: %s",
			 strerror(errno));
		http_clients_report(clients, line);
		poll(NULL, 0, CHECK_INTERVAL / 10);
	}
}

static void *serve_clients(void *data)
{
	struct http_clients *clients = data;
	bool full = false;

	for (;;) {
		struct pollfd polls[] = { { .fd = clients->wake_fd, .events = POLLIN },
					  { .fd = full ? -1 : clients->listen_fd,
					    .events = POLLIN } };
		int64_t time = clock_now_ms();
		size_t unreported;
		eventfd_t woken;
		bool timed, stopping;

		pthread_mutex_lock(&clients->lock);
		for (struct http_client *client = clients->first; client; client = client->next)
			if (!client->ended)
				check_limits(client, time);
		unreported = end_report_window(clients, time);
		timed = full || clients->first || clients->unreported;
		stopping = clients->stopping;
		pthread_mutex_unlock(&clients->lock);
		log_unreported(clients, unreported);
		if (stopping)
			return NULL;
		poll(polls, ARRAY_SIZE(polls), timed ? CHECK_INTERVAL : -1);
		if (polls[0].revents)
			eventfd_read(clients->wake_fd, &woken);
		if (full || polls[1].revents) {
			pthread_mutex_lock(&clients->lock);
			full = clients->n >= HTTP_CLIENTS_MAX && !http_clients_make_room(clients);
			clients->full = full;
			pthread_mutex_unlock(&clients->lock);
		}
		if (!full && polls[1].revents)
			accept_client(clients);
	}
}

/* -- the object -- */

int http_clients_new(int listen_fd, const char *name,
		     void (*hand_over)(void *data, int fd, const struct sockaddr *address,
				       socklen_t len),
		     void *data, struct http_clients **ret, struct error *err)
{
	struct http_clients *clients = calloc(1, sizeof(*clients));
	pthread_condattr_t attributes;

	if (!clients)
		return error_oom(err);
	clients->listen_fd = listen_fd;
	clients->name = name;
	clients->hand_over = hand_over;
	clients->data = data;
	clients->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (clients->wake_fd < 0 ||
	    fcntl(listen_fd, F_SETFL, fcntl(listen_fd, F_GETFL) | O_NONBLOCK) < 0) {
		int r = error_set(err, -errno, "Http: %s: %s", name, strerror(errno));

		fd_close(&clients->wake_fd);
		free(clients);
		return r;
	}
	pthread_mutex_init(&clients->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&clients->added, &attributes);
	pthread_condattr_destroy(&attributes);
	*ret = clients;
	return 0;
}

int http_clients_start(struct http_clients *clients, struct error *err)
{
	int r = thread_start(&clients->thread, "dynmon-http", serve_clients, clients);

	if (r == 0)
		return 0;
	return error_set(err, r, "Http: %s: cannot start a thread: %s", clients->name,
			 strerror(-r));
}

void http_clients_stop(struct http_clients *clients)
{
	pthread_mutex_lock(&clients->lock);
	clients->stopping = true;
	pthread_mutex_unlock(&clients->lock);
	eventfd_write(clients->wake_fd, 1);
	pthread_join(clients->thread, NULL);
}

void http_clients_free(struct http_clients *clients)
{
	if (!clients)
		return;
	log_unreported(clients, clients->unreported);
	pthread_cond_destroy(&clients->added);
	pthread_mutex_destroy(&clients->lock);
	close(clients->wake_fd);
	free(clients);
}

struct http_client *http_clients_add(struct http_clients *clients, int fd)
{
	struct http_client *client = calloc(1, sizeof(*client));

	pthread_mutex_lock(&clients->lock);
	if (client) {
		client->clients = clients;
		client->next = clients->first;
		client->fd = fd;
		client->since = clock_now_ms();
		clients->first = client;
		clients->n++;
	}
	clients->handing = false;
	pthread_cond_signal(&clients->added);
	pthread_mutex_unlock(&clients->lock);
	return client;
}

/* The lock is held. */
static void release_admission(struct http_client *client)
{
	client->clients->working -= client->admitted;
	client->clients->changes -= client->admitted && client->change;
	client->admitted = false;
}

void http_client_remove(struct http_client *client)
{
	struct http_clients *clients;
	struct http_client **at;

	if (!client)
		return;
	clients = client->clients;
	pthread_mutex_lock(&clients->lock);
	for (at = &clients->first; *at != client; at = &(*at)->next)
		;
	*at = client->next;
	release_admission(client);
	if (!client->ended)
		clients->n--;
	if (clients->full)
		eventfd_write(clients->wake_fd, 1);
	pthread_mutex_unlock(&clients->lock);
	free(client);
}

/* The lock is held. */
static void set_phase(struct http_client *client, enum http_phase phase)
{
	int64_t time = clock_now_ms();

	if (client->phase == HTTP_ANSWERING)
		client->waited += time - client->since;
	if (phase == HTTP_IDLE)
		client->waited = 0;
	client->phase = phase;
	client->since = time;
}

bool http_client_enter(struct http_client *client, enum http_phase phase)
{
	bool ended;

	if (!client)
		return true;
	pthread_mutex_lock(&client->clients->lock);
	ended = client->ended != NULL;
	if (!ended)
		set_phase(client, phase);
	if (phase == HTTP_IDLE)
		release_admission(client);
	pthread_mutex_unlock(&client->clients->lock);
	return !ended;
}

/* The lock is held. */
static bool is_busy(const struct http_clients *clients, bool change)
{
	return clients->working >= HTTP_WORK_MAX ||
	       (change && clients->changes >= HTTP_CHANGES_MAX);
}

bool http_clients_are_busy(struct http_clients *clients, bool change)
{
	bool busy;

	pthread_mutex_lock(&clients->lock);
	busy = is_busy(clients, change);
	pthread_mutex_unlock(&clients->lock);
	return busy;
}

enum http_admission http_client_admit(struct http_client *client, bool change)
{
	struct http_clients *clients = client ? client->clients : NULL;
	enum http_admission admission = HTTP_ADMITTED;

	if (!client)
		return HTTP_BUSY;
	pthread_mutex_lock(&clients->lock);
	if (client->ended) {
		admission = HTTP_ENDED;
	} else if (is_busy(clients, change)) {
		admission = HTTP_BUSY;
	} else {
		client->admitted = true;
		client->change = change;
		clients->working++;
		clients->changes += change;
		set_phase(client, HTTP_WORKING);
	}
	pthread_mutex_unlock(&clients->lock);
	return admission;
}

const char *http_client_reason(const struct http_client *client)
{
	const char *reason;

	if (!client)
		return NULL;
	pthread_mutex_lock(&client->clients->lock);
	reason = client->ended;
	pthread_mutex_unlock(&client->clients->lock);
	return reason;
}
