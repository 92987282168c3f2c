/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/client.h"
#include "base/file.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#define PART	   (64 * 1024)
#define STATUS_MAX (4 * 1024 * 1024)

int client_open(struct client *client, const char *socket_file, struct error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *hint = "";

	*client = (struct client){ .fd = -1 };
	if (strlen(socket_file) >= sizeof(address.sun_path))
		return error_set(err, -ENAMETOOLONG, "socket %s: the name is too long",
				 socket_file);
	memcpy(address.sun_path, socket_file, strlen(socket_file) + 1);
	client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (client->fd >= 0 &&
	    connect(client->fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return 0;
	if (errno == ENOENT || errno == ECONNREFUSED)
		hint = "; is collectd running, with LoadPlugin dynmon? (-s names another socket)";
	else if (errno == EACCES)
		hint = "; root or the socket's group may";
	error_set(err, -errno, "socket %s: %s%s", socket_file, strerror(errno), hint);
	client_close(client);
	return err->code;
}

void client_close(struct client *client)
{
	fd_close(&client->fd);
	text_release(&client->input);
}

/*
 * Reads more input over the processed input. Returns 0 or -errno; the end of the connection is an
 * error.
 */
static int fill(struct client *client, struct error *err)
{
	char *to;
	ssize_t n;

	client->input.len = client->used = 0;
	to = text_reserve(&client->input, PART);
	if (!to)
		return error_oom(err);
	do
		n = recv(client->fd, to, PART, 0);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return error_set(err, n ? -errno : -EPIPE,
				 "the plugin ended the connection in the middle of its answer");
	client->input.len = (size_t)n;
	return 0;
}

int client_read_line(struct client *client, void (*take)(void *data, const char *part, size_t len),
		     void *data, struct error *err)
{
	for (;;) {
		const char *part = client->input.data + client->used;
		size_t left = client->input.len - client->used;
		const char *end = left ? memchr(part, '\n', left) : NULL;
		size_t n = end ? (size_t)(end - part) + 1 : left;
		int r;

		if (n)
			take(data, part, n);
		client->used += n;
		if (end)
			return 0;
		r = fill(client, err);
		if (r < 0)
			return r;
	}
}

static void take_text(void *data, const char *part, size_t len)
{
	struct text *text = data;

	if (text->len < STATUS_MAX)
		text_add(text, part, len);
}

/* The text of an error contains \n for a newline and \\ for a backslash. */
static void unescape(const char *from, struct text *to)
{
	for (; *from; from++) {
		if (from[0] == '\\' && from[1]) {
			from++;
			text_addc(to, *from == 'n' ? '\n' : *from);
		} else {
			text_addc(to, *from);
		}
	}
}

static int64_t client_parse_status(struct text *line, struct text *status, struct error *err)
{
	_cleanup_text_ struct text words = {};
	const char *text = text_str(line);
	char *rest;
	long long n = strtoll(text, &rest, 10);

	if (rest == text)
		return error_set(err, -EPROTO, "not an answer of the plugin: \"%.60s\"", text);
	rest += *rest == ' ';
	if (n >= 0) {
		text_adds(status, rest);
		return n;
	}
	unescape(rest, &words);
	return error_set(err, -EREMOTEIO, "%s", text_str(&words));
}

int64_t client_request(struct client *client, const char *line, const struct text *payload,
		       struct text *status, struct error *err)
{
	_cleanup_text_ struct text request = {}, answer = {};
	int r;

	if (strchr(line, '\n'))
		return error_set(err, -EINVAL, "a word contains a newline");
	text_printf(&request, "%s\n", line);
	if (payload)
		text_add(&request, payload->data, payload->len);
	if (text_status(&request) < 0)
		return error_oom(err);
	/*
	 * The plugin may refuse a request before receiving all of it, so read the answer in any
	 * case.
	 */
	r = file_write_fd(client->fd, request.data, request.len);
	if (client_read_line(client, take_text, &answer, err) < 0)
		return r < 0 ? error_set(err, r, "sending to the plugin: %s", strerror(-r))
			     : err->code;
	if (answer.len)
		answer.len--;
	return client_parse_status(&answer, status, err);
}
