/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/client.h"
#include "base/file.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#define PART	   (64 * 1024)
#define STATUS_MAX (4 * 1024 * 1024)

static int connect_to_plugin(struct client *client, const char *socket_file, struct error *err)
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
		hint = "; use root or the group of the socket";
	return error_set(err, -errno, "socket %s: %s%s", socket_file, strerror(errno), hint);
}

void client_close(struct client *client)
{
	fd_close(&client->fd);
	text_release(&client->input);
}

int client_read_part(struct client *client, const char **part, size_t *n, struct error *err)
{
	const char *end;

	if (client->used == client->input.len) {
		ssize_t received;
		char *to;

		client->input.len = client->used = 0;
		to = text_reserve(&client->input, PART);
		if (!to)
			return error_oom(err);
		do
			received = recv(client->fd, to, PART, 0);
		while (received < 0 && errno == EINTR);
		if (received <= 0)
			return error_set(err, received ? -errno : -EPIPE,
					 "the plugin closed the connection before the end of its "
					 "answer; see the log of collectd");
		client->input.len = (size_t)received;
	}
	*part = client->input.data + client->used;
	*n = client->input.len - client->used;
	end = memchr(*part, '\n', *n);
	if (end)
		*n = (size_t)(end - *part) + 1;
	client->used += *n;
	return !!end;
}

int client_read_line(struct client *client, size_t max, struct text *line, struct error *err)
{
	int r;

	do {
		const char *part;
		size_t n;

		r = client_read_part(client, &part, &n, err);
		if (r < 0)
			return r;
		n -= (size_t)r; /* the newline */
		text_add(line, part, n < max - line->len ? n : max - line->len);
	} while (r == 0);
	return text_status(line) < 0 ? error_oom(err) : 0;
}

int64_t client_request(struct client *client, const char *socket_file, const char *line,
		       const struct text *payload, struct text *status, struct error *err)
{
	_cleanup_text_ struct text request = {}, answer = {}, message = {};
	const char *text;
	char *rest;
	long long n;
	int r = connect_to_plugin(client, socket_file, err);

	if (r < 0)
		return r;
	if (strchr(line, '\n'))
		return error_set(err, -EINVAL, "the request contains a newline");
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
	if (client_read_line(client, STATUS_MAX, &answer, err) < 0)
		return r < 0 ? error_set(err, r, "cannot send to the plugin: %s", strerror(-r))
			     : err->code;
	text = text_str(&answer);
	n = strtoll(text, &rest, 10);
	if (rest == text)
		return error_set(err, -EPROTO, "not an answer of the plugin: \"%.60s\"", text);
	rest += *rest == ' ';
	if (n >= 0) {
		text_adds(status, rest);
		return n;
	}
	/* In an error \n stands for a newline and \\ for a backslash. */
	for (; *rest; rest++) {
		bool escaped = *rest == '\\' && rest[1];

		rest += escaped;
		text_addc(&message, escaped && *rest == 'n' ? '\n' : *rest);
	}
	return error_set(err, -EREMOTEIO, "%s", text_str(&message));
}

int client_lines(const char *socket_file, const char *line, const struct text *payload,
		 struct text *lines, struct text *status, struct error *err)
{
	_cleanup_(client_close) struct client client = { .fd = -1 };
	int64_t n = client_request(&client, socket_file, line, payload, status, err);

	if (n < 0)
		return err->code;
	for (int64_t i = 0; i < n; i++) {
		if (client_read_line(&client, SIZE_MAX, lines, err) < 0)
			return err->code;
		text_addc(lines, '\n');
	}
	return text_status(lines) < 0 || text_status(status) < 0 ? error_oom(err) : 0;
}
