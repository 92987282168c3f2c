/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An HTTP listener with many concurrent connections. */
#include "base/log.h"
#include "base/thread.h"
#include "dataplane/compile_queue.h"
#include "fixture.h"
#include "serve/http.h"
#include "serve/http_clients.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/un.h>

struct house {
	char *folder;
	char *path;
	struct registry *registry;
	struct http *http;
};

/* Log lines about cut responses, and the number of suppressed lines in the last one. */
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static size_t cut_lines, cut_more;
static char cut_line[1024];

static void count_log(enum log_level level, const char *line)
{
	const char *more = strstr(line, " more such messages");

	(void)level;
	pthread_mutex_lock(&log_lock);
	if (more) {
		while (more > line && more[-1] != ' ')
			more--;
		cut_more += strtoul(more, NULL, 10);
	} else if (strstr(line, " was cut after ")) {
		cut_lines++;
		snprintf(cut_line, sizeof(cut_line), "%s", line);
	}
	pthread_mutex_unlock(&log_lock);
}

static size_t cuts(void)
{
	size_t n;

	pthread_mutex_lock(&log_lock);
	n = cut_lines;
	pthread_mutex_unlock(&log_lock);
	return n;
}

/* script: a compiler; NULL: none. */
static int set_up_with(void **state, const char *script)
{
	static struct house house;
	_cleanup_free_ char *program = NULL;
	struct compiler compiler = {};
	_cleanup_error_ struct error err = {};
	struct http_settings settings = {};

	log_set_sink(count_log);
	cut_lines = cut_more = 0;
	house.folder = folder_make();
	if (script) {
		file_make(house.folder, "cc", script, strlen(script), 0700);
		assert_true(asprintf(&program, "%s/cc", house.folder) > 0);
		compiler.program = program;
	}
	assert_true(asprintf(&house.path, "%s/socket", house.folder) > 0);
	settings.socket_file = house.path;
	assert_int_equal(registry_new(&compiler, house.folder, NULL, &house.registry, &err), 0);
	assert_int_equal(http_start(&settings, NULL, house.registry, &house.http, &err), 0);
	assert_string_equal(http_address(house.http), house.path);
	*state = &house;
	return 0;
}

static int set_up(void **state)
{
	return set_up_with(state, NULL);
}

/* A compiler that never terminates. */
static int set_up_stuck(void **state)
{
	return set_up_with(state, "#!/bin/sh\nexec sleep 1000\n");
}

static int tear_down(void **state)
{
	struct house *house = *state;

	assert_null(http_stop(house->http));
	assert_int_not_equal(access(house->path, F_OK), 0);
	registry_free(house->registry);
	folder_remove(house->folder);
	free(house->folder);
	free(house->path);
	return 0;
}

static int client(const struct house *house)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, house->path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		fail_msg("cannot connect");
	return fd;
}

static void say_bytes(int fd, const char *bytes, size_t n)
{
	if (send(fd, bytes, n, MSG_NOSIGNAL) != (ssize_t)n)
		fail_msg("cannot send");
}

static void say(int fd, const char *words)
{
	say_bytes(fd, words, strlen(words));
}

/* Expects the end of the connection, without any data. */
static void hear_end(int fd)
{
	char byte;

	assert_int_equal(receive(fd, &byte, 1), 0);
}

/* Receives a response and returns its status. A body needs a Content-Length. */
static int hear_status(int fd)
{
	_cleanup_text_ struct text head = {};
	int status = 0;
	char *length;

	while (head.len < 4 || memcmp(head.data + head.len - 4, "\r\n\r\n", 4) != 0) {
		char c;

		if (!receive(fd, &c, 1))
			return 0;
		text_addc(&head, c);
	}
	sscanf(text_str(&head), "HTTP/1.1 %d", &status);
	length = strstr(text_str(&head), "Content-Length: ");
	for (long n = length ? strtol(length + 16, NULL, 10) : 0; n > 0;) {
		char bytes[256];
		size_t got = receive(fd, bytes, n < 256 ? (size_t)n : 256);

		if (!got)
			return 0;
		n -= (long)got;
	}
	return status;
}

static int ask(int fd, const char *method, const char *uri, const char *body)
{
	_cleanup_text_ struct text request = {};

	text_printf(&request, "%s %s HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\n\r\n%s", method,
		    uri, strlen(body), body);
	say(fd, text_str(&request));
	return hear_status(fd);
}

/* Receives everything up to the end of the connection. */
static void hear_all(int fd, struct text *out)
{
	char bytes[4096];
	size_t n;

	while ((n = receive(fd, bytes, sizeof(bytes))))
		text_add(out, bytes, n);
}

static bool is_there(const struct house *house, const char *monitor)
{
	_cleanup_(monitor_list_release) struct monitor_list list = {};

	return registry_list(house->registry, monitor, &list, NULL) == 0;
}

#define H	 "Host: h\r\n"
#define POST	 "POST /dynmon/m HTTP/1.1\r\n"
#define BYTES(s) s, sizeof(s) - 1

/*
 * Requests that are ambiguous, or that one parser would end at a NUL, are rejected without effect.
 * The connection is closed, so that no part of such a request can be parsed as the next request.
 */
static void test_malformed(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
	} requests[] = {
		/* NUL, escaped and raw */
		{ BYTES("GET /metrics%00 HTTP/1.1\r\n" H "\r\n") },
		{ BYTES("GET /metrics%00x HTTP/1.1\r\n" H "\r\n") },
		{ BYTES("GET /metrics?monitor=edge%00x HTTP/1.1\r\n" H "\r\n") },
		{ BYTES("GET /metrics?monitor%00x=edge HTTP/1.1\r\n" H "\r\n") },
		{ BYTES("GET /metrics?look=1%00 HTTP/1.1\r\n" H "\r\n") },
		{ BYTES("GET /status?monitor=%00 HTTP/1.1\r\n" H "\r\n") },
		{ BYTES("GET /dynmon%00/m HTTP/1.1\r\n" H "\r\n") },
		{ BYTES("GET /dynmon/m/metrics?interface=a%00b HTTP/1.1\r\n" H "\r\n") },
		{ BYTES("POST /dynmon/m%00x HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\n{}") },
		{ BYTES("GET /metrics\0x HTTP/1.1\r\n" H "\r\n") },
		{ BYTES("GET /metrics?look=1\0x HTTP/1.1\r\n" H "\r\n") },
		{ BYTES("GET /version HTTP/1.1\r\nHost: h\0x\r\n\r\n") },
		{ BYTES("GET /version HTTP/1.1\r\n" H "Accept: a\0b\r\n\r\n") },
		{ BYTES("GET /version HTTP/1.1\r\n" H "Acc\0ept: a\r\n\r\n") },
		{ BYTES("GET\0 /version HTTP/1.1\r\n" H "\r\n") },
		/* targets that are not a path, and invalid escapes */
		{ BYTES("GET http://h/version HTTP/1.1\r\n" H "\r\n") },
		{ BYTES("GET version HTTP/1.1\r\n" H "\r\n") },
		{ BYTES("OPTIONS * HTTP/1.1\r\n" H "\r\n") },
		{ BYTES("GET /version%0 HTTP/1.1\r\n" H "\r\n") },
		{ BYTES("GET /version?x=%zz HTTP/1.1\r\n" H "\r\n") },
		{ BYTES("GET /ver\x01sion HTTP/1.1\r\n" H "\r\n") },
		{ BYTES("GET /ver\x7fsion HTTP/1.1\r\n" H "\r\n") },
		/* Content-Length and Transfer-Encoding */
		{ BYTES(POST H "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}") },
		{ BYTES(POST H "Content-Length: 3\r\nContent-Length: 2\r\n\r\n{}") },
		{ BYTES(POST H "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}") },
		{ BYTES(POST H "Content-Length: 0\r\ncontent-length: 2\r\n\r\n{}") },
		{ BYTES(POST H "Content-Length: 2, 2\r\n\r\n{}") },
		{ BYTES(POST H "Content-Length: -2\r\n\r\n{}") },
		{ BYTES(POST H "Content-Length: +2\r\n\r\n{}") },
		{ BYTES(POST H "Content-Length: 2x\r\n\r\n{}") },
		{ BYTES(POST H "Content-Length: \r\n\r\n{}") },
		{ BYTES(POST H "Content-Length: 2\0, 9\r\n\r\n{}") },
		{ BYTES(POST H "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n"
			       "2\r\n{}\r\n0\r\n\r\n") },
		{ BYTES(POST H "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n"
			       "2\r\n{}\r\n0\r\n\r\n") },
		{ BYTES(POST H "Transfer-Encoding: gzip\r\n\r\n{}") },
		{ BYTES(POST H "Transfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n") },
		{ BYTES(POST H "Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n\r\n"
			       "2\r\n{}\r\n0\r\n\r\n") },
		{ BYTES("POST /dynmon/m HTTP/1.0\r\n" H "Transfer-Encoding: chunked\r\n\r\n"
			"2\r\n{}\r\n0\r\n\r\n") },
		/* Host */
		{ BYTES(POST "Content-Length: 2\r\n\r\n{}") },
		{ BYTES("GET /version HTTP/1.1\r\n\r\n") },
		{ BYTES("GET /version HTTP/1.1\r\n" H H "\r\n") },
		{ BYTES("GET /version HTTP/1.1\r\n" H "Host: g\r\n\r\n") },
		{ BYTES("GET /version HTTP/1.0\r\n" H "host: g\r\n\r\n") },
		{ BYTES("GET /version HTTP/1.1\r\nHost: \r\n\r\n") },
		{ BYTES("GET /version HTTP/1.1\r\nHost: h/x\r\n\r\n") },
		{ BYTES("GET /version HTTP/1.1\r\nHost: u@h\r\n\r\n") },
		{ BYTES("GET /version HTTP/1.1\r\nHost: h:x\r\n\r\n") },
		{ BYTES("GET /version HTTP/1.1\r\nHost: h:123456\r\n\r\n") },
		{ BYTES("GET /version HTTP/1.1\r\nHost: a, b\r\n\r\n") },
		{ BYTES("GET /version HTTP/1.1\r\nHost: [::g]\r\n\r\n") },
		{ BYTES("GET /version HTTP/1.1\r\nHost: [::1\r\n\r\n") },
		/* lines */
		{ BYTES("GET /version HTTP/1.1\r\nHost : h\r\n\r\n") },
		{ BYTES("GET /version HTTP/1.1\r\n" H "Content-Length : 5\r\n\r\n") },
		{ BYTES("GET /version HTTP/1.1\r\n Host: h\r\n\r\n") },
		{ BYTES("GET /version HTTP/1.1\r\n" H "X: y\r\n z\r\n\r\n") },
		{ BYTES("GET /version HTTP/1.1\r\n" H "Content-Length: 5\r\n\tz\r\n\r\n") },
		{ BYTES("GET /version HTTP/1.1\r\n" H "X: y\rz\r\n\r\n") },
		{ BYTES("GET /version HTTP/1.1\r\n" H "X: y\nZ: z\r\n\r\n") },
		{ BYTES("GET /version HTTP/1.1\n" H "\r\n") },
		{ BYTES("GET /version HTTP/1.1\r\n" H "\n") },
		{ BYTES("GET /version HTTP/1.1\r\n" H "X\r\n\r\n") },
		{ BYTES("GET /version HTTP/1.1\r\n" H ": x\r\n\r\n") },
		{ BYTES("GET /version HTTP/1.1\r\n" H "X(y): z\r\n\r\n") },
		{ BYTES("GET  /version HTTP/1.1\r\n" H "\r\n") },
	};
	static const char next[] =
		"POST /dynmon/smuggled HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\n{}";
	struct house *house = *state;

	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		_cleanup_text_ struct text heard = {};
		int fd = client(house);

		text_add(&heard, requests[i].bytes, requests[i].n);
		text_add(&heard, next, strlen(next));
		say_bytes(fd, heard.data, heard.len);
		text_clear(&heard);
		hear_all(fd, &heard);
		close(fd);
		/* libmicrohttpd 1.0 closes the connection by itself after some of them. */
		if (!heard.len && *MHD_get_version() != '0')
			continue;
		if (strncmp(text_str(&heard), "HTTP/1.1 400 ", 13) != 0 ||
		    strstr(text_str(&heard), "HTTP/1.1 2"))
			fail_msg("request %zu, %s: %s", i, requests[i].bytes, text_str(&heard));
	}
	assert_false(is_there(house, "m"));
	assert_false(is_there(house, "smuggled"));
}

/* Unusual but unambiguous requests. */
static void test_well_formed(void **state)
{
	static const struct {
		const char *bytes;
		int status;
	} requests[] = {
		{ "GET /version HTTP/1.0\r\n\r\n", 200 },
		{ "GET /version HTTP/1.0\r\nHost: x\r\n\r\n", 200 },
		{ "GET /version HTTP/1.1\r\nHost:h\r\n\r\n", 200 },
		{ "GET /version HTTP/1.1\r\nhOST: \t h:9936\r\n\r\n", 200 },
		{ "GET /version HTTP/1.1\r\nHost: [::1]:9936\r\n\r\n", 200 },
		{ "GET /version HTTP/1.1\r\nHost: evil.example\r\n\r\n", 200 },
		{ "GET /version HTTP/1.1\r\n" H "Accept:\r\nX: a\tb \r\nX: \xc3\xa9\r\n\r\n", 200 },
		{ "GET /v%65rsion?x=%7F&y=%C3%A9 HTTP/1.1\r\n" H "\r\n", 200 },
		{ "GET /metrics?monitor HTTP/1.1\r\n" H "\r\n", 404 },
		{ "GET /metrics?monitor= HTTP/1.1\r\n" H "\r\n", 404 },
		{ "GET /metrics?look HTTP/1.1\r\n" H "\r\n", 400 },
		{ "GET / HTTP/1.1\r\n" H "\r\n", 200 },
		{ "POST /metrics HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\n{}", 405 },
		{ "POST /dynmon/a HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\n{}", 201 },
		{ "POST /dynmon/b HTTP/1.1\r\n" H "Content-Length: 002\r\n\r\n{}", 201 },
		{ "POST /dynmon/c HTTP/1.1\r\n" H "Transfer-Encoding: Chunked\r\n\r\n"
		  "1\r\n{\r\n1\r\n}\r\n0\r\n\r\n",
		  201 },
	};
	struct house *house = *state;

	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		int fd = client(house);

		say(fd, requests[i].bytes);
		if (hear_status(fd) != requests[i].status)
			fail_msg("request %zu, %s", i, requests[i].bytes);
		close(fd);
	}
}

#define TCP_PORT "29936"

static int tcp_status(const char *request)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons((uint16_t)atoi(TCP_PORT)),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), status;

	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	say(fd, request);
	status = hear_status(fd);
	close(fd);
	return status;
}

/* On TCP, Host must be an address, a name of the host, or a ServerName. */
static void test_hosts(void **state)
{
	char server_name[] = "dynmon.example.org.", port[] = TCP_PORT;
	char *server_names[] = { server_name };
	const struct http_settings settings = { .port = port,
						.server_names = server_names,
						.n_server_names = 1 };
	char own[256] = "";
	const struct {
		const char *host;
		int status;
	} hosts[] = {
		{ "localhost", 200 },
		{ "LOCALHOST.:1", 200 },
		{ "127.0.0.1:9936", 200 },
		{ "10.1.2.3", 200 },
		{ "[::1]:9936", 200 },
		{ "[fe80::1]", 200 },
		{ own, 200 },
		{ "web1.example.net", 200 },
		{ "web1:80", 200 },
		{ "Dynmon.Example.org:80", 200 },
		{ "example.org", 421 },
		{ "x.dynmon.example.org", 421 },
		{ "dynmon.example.org.evil.example", 421 },
		{ "localhost.evil.example", 421 },
		{ "127.0.0.1.evil.example", 421 },
		{ "127.1", 421 },
		{ "2130706433", 421 },
		{ "0x7f.0.0.1", 421 },
		{ "localhost@evil.example", 400 },
		{ "evil.example#localhost", 400 },
	};
	struct house *house = *state;
	_cleanup_error_ struct error err = {};
	struct http *http;

	gethostname(own, sizeof(own) - 1);
	assert_int_equal(http_start(&settings, "web1.example.net", house->registry, &http, &err),
			 0);
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
		_cleanup_text_ struct text request = {};

		text_printf(&request, "GET /version HTTP/1.1\r\nHost: %s\r\n\r\n", hosts[i].host);
		if (tcp_status(text_str(&request)) != hosts[i].status)
			fail_msg("Host: %s", hosts[i].host);
	}
	assert_int_equal(tcp_status("GET /version HTTP/1.0\r\n\r\n"), 200);
	http_stop(http);
}

/* Requests from web pages change nothing, whatever headers the browser sends. */
static void test_pages(void **state)
{
	static const struct {
		const char *fields;
		int status;
	} pages[] = {
		{ "Origin: http://evil.example\r\n", 403 },
		{ "Origin: http://h\r\n", 403 },
		{ "Origin: null\r\n", 403 },
		{ "Sec-Fetch-Site: cross-site\r\n", 403 },
		{ "Sec-Fetch-Site: same-site\r\n", 403 },
		{ "Sec-Fetch-Site: same-origin\r\n", 403 },
		{ "User-Agent: Go-http-client/1.1\r\n", 201 },
	};
	static const char *const methods[] = { "POST", "PUT", "PATCH", "DELETE" };
	struct house *house = *state;

	for (size_t i = 0; i < ARRAY_SIZE(pages); i++)
		for (size_t j = 0; j < (pages[i].status == 403 ? ARRAY_SIZE(methods) : 1); j++) {
			_cleanup_text_ struct text request = {};
			int fd = client(house);

			text_printf(&request,
				    "%s /dynmon/m HTTP/1.1\r\n" H "%sContent-Length: 2\r\n\r\n{}",
				    methods[j], pages[i].fields);
			say(fd, text_str(&request));
			if (hear_status(fd) != pages[i].status)
				fail_msg("%s", text_str(&request));
			close(fd);
			assert_int_equal(is_there(house, "m"), pages[i].status == 201);
		}
}

/* Any number of idle or incomplete connections is accepted: the oldest ones are closed. */
static void test_silent(void **state)
{
	static const char *const pieces[] = { "", "G", "GET /version HTTP/1.1\r\nHost: h\r\n",
					      "PUT /dynmon/x HTTP/1.1\r\nHost: h\r\n"
					      "Content-Length: 9\r\n\r\n{" };
	struct house *house = *state;
	int fds[HTTP_CLIENTS_MAX + 8], asking;
	size_t last = ARRAY_SIZE(fds) - 2;

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = client(house);
		if (*pieces[i % ARRAY_SIZE(pieces)])
			say(fds[i], pieces[i % ARRAY_SIZE(pieces)]);
	}
	asking = client(house);
	assert_int_equal(ask(asking, "GET", "/version", ""), 200);
	assert_int_equal(ask(asking, "POST", "/dynmon/x", "{}"), 201);
	/* The first connection was closed without a response, because it sent no request. */
	hear_end(fds[0]);
	/* A connection that is still open continues where it was. */
	say(fds[last], "\r\n");
	assert_int_equal(hear_status(fds[last]), 200);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
	close(asking);
}

/* More concurrent requests than connections: each request is executed and answered, or neither. */
static void test_burst(void **state)
{
	enum { CLIENTS = HTTP_CLIENTS_MAX - 6 };
	struct house *house = *state;
	int fds[CLIENTS], done = 0;

	for (int i = 0; i < CLIENTS; i++)
		fds[i] = client(house);
	for (int i = 0; i < CLIENTS; i++) {
		_cleanup_text_ struct text request = {};

		text_printf(&request,
			    "POST /dynmon/m%d HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\n{}", i);
		say(fds[i], text_str(&request));
	}
	for (int i = 0; i < CLIENTS; i++) {
		int status = hear_status(fds[i]);
		char name[16];

		snprintf(name, sizeof(name), "m%d", i);
		if (status != 201 && status != 503)
			fail_msg("request %d: status %d", i, status);
		assert_int_equal(is_there(house, name), status == 201);
		done += status == 201;
		close(fds[i]);
	}
	assert_true(done >= HTTP_CHANGES_MAX);
}

/* A request with a body above the limit is answered before the end of the body. */
static void test_too_long(void **state)
{
	const struct house *house = *state;
	static const char zeros[65536];
	int fd = client(house);

	say(fd, "POST /dynmon/m HTTP/1.1\r\n" H "Content-Length: 1000000000\r\n\r\n");
	while (send(fd, zeros, sizeof(zeros), MSG_NOSIGNAL) > 0)
		;
	assert_int_equal(hear_status(fd), 413);
	close(fd);
	assert_false(is_there(house, "m"));
}

/*
 * The admission limits without sockets: which requests are admitted, and the status of the others.
 */
static void test_admission(void **state)
{
	enum { CHANGES = HTTP_CHANGES_MAX, ALL = HTTP_WORK_MAX };
	struct http_client *clients[ALL + 1];
	struct http_clients *all;
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(http_clients_new(pair[0], "here", NULL, NULL, &all, NULL), 0);
	for (int i = 0; i <= ALL; i++) {
		clients[i] = http_clients_add(all, pair[0]);
		assert_non_null(clients[i]);
		assert_true(http_client_enter(clients[i], HTTP_RECEIVING));
	}
	for (int i = 0; i < CHANGES; i++)
		assert_int_equal(http_client_admit(clients[i], true), HTTP_ADMITTED);
	assert_true(http_clients_are_busy(all, true));
	assert_false(http_clients_are_busy(all, false));
	assert_int_equal(http_client_admit(clients[CHANGES], true), HTTP_BUSY);
	for (int i = CHANGES; i < ALL; i++)
		assert_int_equal(http_client_admit(clients[i], false), HTTP_ADMITTED);
	assert_true(http_clients_are_busy(all, false));
	assert_int_equal(http_client_admit(clients[ALL], false), HTTP_BUSY);
	/* A finished request and a closed connection free their places. */
	assert_true(http_client_enter(clients[0], HTTP_ANSWERING));
	assert_true(http_clients_are_busy(all, false));
	assert_true(http_client_enter(clients[0], HTTP_IDLE));
	assert_false(http_clients_are_busy(all, true));
	assert_int_equal(http_client_admit(clients[ALL], true), HTTP_ADMITTED);
	http_client_remove(clients[1]);
	assert_false(http_clients_are_busy(all, true));
	assert_null(http_client_reason(clients[2]));
	assert_int_equal(http_client_admit(NULL, false), HTTP_BUSY);
	for (int i = 0; i <= ALL; i++)
		if (i != 1)
			http_client_remove(clients[i]);
	assert_false(http_clients_are_busy(all, true));
	http_clients_free(all);
	close(pair[0]);
	close(pair[1]);
}

/* Returns the response to a request that closes its connection. */
static void ask_once(const struct house *house, const char *request, struct text *out)
{
	int fd = client(house);

	text_clear(out);
	say(fd, request);
	hear_all(fd, out);
	close(fd);
}

static void ask_for_pages(int fd)
{
	for (int i = 0; i < 40; i++)
		say(fd, "GET / HTTP/1.1\r\n" H "Accept: text/html\r\n\r\n");
}

/* Clients that do not read their responses, up to the limit of requests in progress. */
static void test_busy(void **state)
{
	static const char get[] = "GET /version HTTP/1.1\r\n" H "Connection: close\r\n\r\n";
	static const char post[] = "POST /dynmon/m HTTP/1.1\r\n" H "Connection: close\r\n"
				   "Content-Length: 2\r\n\r\n{}";
	const struct house *house = *state;
	_cleanup_text_ struct text heard = {};
	int fds[HTTP_WORK_MAX + 24], waited = 0;
	size_t n = 0;
	bool busy = false;

	while (n < HTTP_WORK_MAX)
		ask_for_pages(fds[n++] = client(house));
	for (; !busy && waited < PATIENCE_MS; waited += 10) {
		/*
		 * One more each second: the listener may end a connection without a request to make
		 * room for those that ask_once() opens.
		 */
		if (waited % 1000 == 990 && n < ARRAY_SIZE(fds))
			ask_for_pages(fds[n++] = client(house));
		ask_once(house, get, &heard);
		busy = !strncmp(text_str(&heard), "HTTP/1.1 503 ", 13);
		poll(NULL, 0, 10);
	}
	assert_true(busy);
	assert_non_null(strstr(text_str(&heard), "\r\nRetry-After: 1\r\n"));
	assert_non_null(strstr(text_str(&heard), "nothing was done, try again\n"));
	ask_once(house, post, &heard);
	assert_int_equal(is_there(house, "m"), !strncmp(text_str(&heard), "HTTP/1.1 201 ", 13));
	while (n)
		close(fds[--n]);
	for (; busy && waited < PATIENCE_MS; waited += 10) {
		ask_once(house, get, &heard);
		busy = strncmp(text_str(&heard), "HTTP/1.1 200 ", 13) != 0;
		poll(NULL, 0, 10);
	}
	assert_false(busy);
}

static void assert_put_off(int fd, const char *why)
{
	_cleanup_text_ struct text heard = {};

	hear_all(fd, &heard);
	if (strncmp(text_str(&heard), "HTTP/1.1 503 ", 13) != 0 ||
	    !strstr(text_str(&heard), "\r\nRetry-After: 1\r\n") || !strstr(text_str(&heard), why))
		fail_msg("expected 503, \"%s\", found %s", why, text_str(&heard));
}

/* Injections that cannot be compiled now get a response that asks the client to retry. */
static void test_compilations(void **state)
{
	static const char body[] =
		"{\"dataplane-config\":{\"ingress-path\":{\"code\":\"int x;\"}}}";
	const struct house *house = *state;
	struct pollfd polls[HTTP_CHANGES_MAX];
	size_t n, last = 0;
	cpu_set_t set;

	assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
	n = (size_t)CPU_COUNT(&set) + COMPILE_WAITING_MAX + 1;
	if (n > HTTP_CHANGES_MAX)
		skip(); /* more CPUs than that */
	for (size_t i = 0; i < n; i++) {
		_cleanup_text_ struct text request = {};

		text_printf(&request,
			    "POST /dynmon/m%zu HTTP/1.1\r\n" H "Connection: close\r\n"
			    "Content-Length: %zu\r\n\r\n%s",
			    i, strlen(body), body);
		polls[i] = (struct pollfd){ .fd = client(house), .events = POLLIN };
		say(polls[i].fd, text_str(&request));
	}
	if (poll(polls, n, PATIENCE_MS) < 1)
		fail_msg("no injection is refused");
	while (!polls[last].revents)
		last++;
	assert_put_off(polls[last].fd, "too many compilations wait (128); nothing was done");
	registry_cancel(house->registry);
	for (size_t i = 0; i < n; i++) {
		char name[32];

		snprintf(name, sizeof(name), "m%zu", i);
		if (i != last)
			assert_put_off(polls[i].fd, "canceled: the plugin is stopping");
		assert_false(is_there(house, name));
		close(polls[i].fd);
	}
}

/* Truncated responses are logged with rate limiting; suppressed ones are counted. */
static void test_cut(void **state)
{
	enum { CLIENTS = 40 };
	struct house *house = *state;
	int fds[CLIENTS];

	for (int i = 0; i < CLIENTS; i++) {
		fds[i] = client(house);
		ask_for_pages(fds[i]);
	}
	for (int i = 0; i < CLIENTS; i++) {
		char byte;

		receive(fds[i], &byte, 1);
		close(fds[i]);
	}
	for (int waited = 0; !cuts() && waited < PATIENCE_MS; waited += 10)
		poll(NULL, 0, 10);
	house->http = http_stop(house->http);
	assert_true(cut_lines < CLIENTS);
	assert_int_equal(cut_lines + cut_more, CLIENTS);
	assert_non_null(strstr(cut_line, "GET / by uid "));
	assert_non_null(strstr(cut_line, ": answer 200 was cut after "));
}

#define WORKERS 6
#define ROUNDS	20

struct worker {
	const struct house *house;
	int number;
	int wrong; /* unexpected responses */
	pthread_t thread;
};

/* Each thread has its own monitor and reads all monitors. */
static void *work(void *data)
{
	static const struct {
		const char *method, *uri, *body;
		int status;
	} steps[] = {
		{ "POST", "/dynmon/m%d", "{\"loglevel\":\"INFO\"}", 201 },
		{ "GET", "/dynmon/m%d/uuid", "", 200 },
		{ "PATCH", "/dynmon/m%d/loglevel", "\"DEBUG\"", 200 },
		{ "GET", "/cubes", "", 200 },
		{ "PUT", "/dynmon/m%d/dataplane-config", "{}", 201 },
		{ "GET", "/dynmon", "", 200 },
		{ "GET", "/m%d", "", 308 },
		{ "GET", "/healthz", "", 200 },
		{ "DELETE", "/dynmon/m%d", "", 200 },
	};
	struct worker *worker = data;
	int fd = client(worker->house);

	for (int round = 0; round < ROUNDS; round++)
		for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
			_cleanup_text_ struct text uri = {};
			const char *number = strstr(steps[i].uri, "%d");

			text_add(&uri, steps[i].uri,
				 number ? (size_t)(number - steps[i].uri) : strlen(steps[i].uri));
			if (number)
				text_printf(&uri, "%d%s", worker->number, number + 2);
			if (ask(fd, steps[i].method, text_str(&uri), steps[i].body) !=
			    steps[i].status)
				worker->wrong++;
		}
	close(fd);
	return NULL;
}

static void test_parallel(void **state)
{
	struct worker workers[WORKERS] = {};

	for (int i = 0; i < WORKERS; i++) {
		workers[i] = (struct worker){ .house = *state, .number = i };
		assert_int_equal(thread_start(&workers[i].thread, "worker", work, &workers[i]), 0);
	}
	for (int i = 0; i < WORKERS; i++)
		pthread_join(workers[i].thread, NULL);
	for (int i = 0; i < WORKERS; i++)
		assert_int_equal(workers[i].wrong, 0);
}

/* Stopping works while clients are in the middle of requests. */
static void test_stop(void **state)
{
	struct house *house = *state;
	int silent = client(house), talking = client(house), done = client(house);

	assert_int_equal(ask(done, "GET", "/version", ""), 200);
	say(talking, "POST /dynmon/x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n{");
	house->http = http_stop(house->http);
	hear_end(silent);
	hear_end(talking);
	hear_end(done);
	close(silent);
	close(talking);
	close(done);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_malformed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_well_formed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_hosts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_pages, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_silent, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_burst, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_too_long, set_up, tear_down),
		cmocka_unit_test(test_admission),
		cmocka_unit_test_setup_teardown(test_busy, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_compilations, set_up_stuck, tear_down),
		cmocka_unit_test_setup_teardown(test_cut, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_parallel, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_stop, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
