/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve/http_clients.h"
#include "base/thread.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

/* seconds; 0: any */
static const int64_t limits[] = {
	[HTTP_WAITING] = HTTP_REQUEST_SECONDS,
	[HTTP_WORKING] = 0,
	[HTTP_ANSWERING] = HTTP_ANSWER_SECONDS,
};

struct http_client {
	struct http_client *next;
	int fd;
	/* -- protected by the clients' lock -- */
	enum http_phase phase;
	int64_t since; /* CLOCK_MONOTONIC, seconds: when it entered the phase */
	bool ended;    /* by us */
};

struct http_clients {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	/* -- protected by lock -- */
	struct http_client *first; /* the last one that came */
	size_t n;		   /* those that are not ended */
	bool stopping;
};

static int64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec;
}

/* libmicrohttpd finds that the connection is at its end, and closes it. */
static void end(struct http_clients *clients, struct http_client *client)
{
	shutdown(client->fd, SHUT_RDWR);
	client->ended = true;
	clients->n--;
}

/* Ends those whose time is over. The next moment to look again; 0: there is none. */
static int64_t end_slow(struct http_clients *clients)
{
	int64_t next = 0, time = now();

	for (struct http_client *client = clients->first; client; client = client->next) {
		int64_t over = client->since + limits[client->phase];

		if (client->ended || !limits[client->phase])
			continue;
		if (over <= time)
			end(clients, client);
		else if (!next || over < next)
			next = over;
	}
	return next;
}

static void *watch(void *data)
{
	struct http_clients *clients = data;

	pthread_mutex_lock(&clients->lock);
	while (!clients->stopping) {
		const struct timespec next = { .tv_sec = end_slow(clients) };

		if (next.tv_sec)
			pthread_cond_timedwait(&clients->changed, &clients->lock, &next);
		else
			pthread_cond_wait(&clients->changed, &clients->lock);
	}
	pthread_mutex_unlock(&clients->lock);
	return NULL;
}

int http_clients_start(struct http_clients **ret, struct error *err)
{
	struct http_clients *clients = calloc(1, sizeof(*clients));
	pthread_condattr_t attributes;
	int r;

	if (!clients)
		return error_oom(err);
	pthread_mutex_init(&clients->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&clients->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	r = thread_start(&clients->thread, "dynmon-http", watch, clients);
	if (r < 0) {
		pthread_cond_destroy(&clients->changed);
		pthread_mutex_destroy(&clients->lock);
		free(clients);
		return error_set(err, r, "<Http>: cannot start a thread: %s", strerror(-r));
	}
	*ret = clients;
	return 0;
}

struct http_clients *http_clients_stop(struct http_clients *clients)
{
	if (!clients)
		return NULL;
	pthread_mutex_lock(&clients->lock);
	clients->stopping = true;
	pthread_cond_signal(&clients->changed);
	pthread_mutex_unlock(&clients->lock);
	pthread_join(clients->thread, NULL);
	pthread_cond_destroy(&clients->changed);
	pthread_mutex_destroy(&clients->lock);
	free(clients);
	return NULL;
}

/* The one that waits for longest; those that came first are last in the list. */
static void make_room(struct http_clients *clients)
{
	struct http_client *oldest = NULL;

	for (struct http_client *client = clients->first; client; client = client->next)
		if (!client->ended && client->phase == HTTP_WAITING &&
		    (!oldest || client->since <= oldest->since))
			oldest = client;
	if (oldest)
		end(clients, oldest);
}

struct http_client *http_clients_add(struct http_clients *clients, int fd)
{
	struct http_client *client = calloc(1, sizeof(*client));

	if (!client)
		return NULL;
	*client = (struct http_client){ .fd = fd, .phase = HTTP_WAITING, .since = now() };
	pthread_mutex_lock(&clients->lock);
	if (clients->n >= HTTP_CLIENTS_MAX)
		make_room(clients);
	client->next = clients->first;
	clients->first = client;
	clients->n++;
	pthread_cond_signal(&clients->changed);
	pthread_mutex_unlock(&clients->lock);
	return client;
}

void http_clients_remove(struct http_clients *clients, struct http_client *client)
{
	struct http_client **at = &clients->first;

	if (!client)
		return;
	pthread_mutex_lock(&clients->lock);
	while (*at != client)
		at = &(*at)->next;
	*at = client->next;
	if (!client->ended)
		clients->n--;
	pthread_mutex_unlock(&clients->lock);
	free(client);
}

void http_client_enter(struct http_clients *clients, struct http_client *client,
		       enum http_phase phase)
{
	if (!client)
		return;
	pthread_mutex_lock(&clients->lock);
	client->phase = phase;
	client->since = now();
	pthread_cond_signal(&clients->changed);
	pthread_mutex_unlock(&clients->lock);
}
