/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An HTTP listener and many connections at the same time. */
#include "base/log.h"
#include "base/thread.h"
#include "fixture.h"
#include "serve/http.h"
#include "serve/http_clients.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

/* How long the other side may take until a test calls it hanging. */
#define PATIENCE_MS 60000

struct house {
	char *folder;
	char *path;
	struct registry *registry;
	struct http *http;
};

static void no_log(enum log_level level, const char *line)
{
	(void)level;
	(void)line;
}

static int set_up(void **state)
{
	static struct house house;
	const struct compiler compiler = {};
	_cleanup_error_ struct error err = {};
	struct http_settings settings = {};

	log_set_sink(no_log);
	house.folder = folder_make();
	assert_true(asprintf(&house.path, "%s/socket", house.folder) > 0);
	settings.socket_file = house.path;
	assert_int_equal(registry_new(&compiler, house.folder, NULL, &house.registry, &err), 0);
	assert_int_equal(http_start(&settings, house.registry, &house.http, &err), 0);
	assert_string_equal(http_address(house.http), house.path);
	*state = &house;
	return 0;
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

static void say(int fd, const char *words)
{
	if (send(fd, words, strlen(words), MSG_NOSIGNAL) != (ssize_t)strlen(words))
		fail_msg("cannot send");
}

/* Some bytes; 0: the end. */
static size_t hear(int fd, char *to, size_t n)
{
	struct pollfd polls = { .fd = fd, .events = POLLIN };
	ssize_t got;

	if (poll(&polls, 1, PATIENCE_MS) != 1)
		fail_msg("no answer, and no end of the connection");
	got = recv(fd, to, n, 0);
	return got < 0 ? 0 : (size_t)got;
}

/* The status of an answer whose body, if there is one, has a Content-Length. */
static int hear_status(int fd)
{
	_cleanup_text_ struct text head = {};
	int status = 0;
	char *length;

	while (head.len < 4 || memcmp(head.data + head.len - 4, "\r\n\r\n", 4) != 0) {
		char c;

		if (!hear(fd, &c, 1))
			return 0;
		text_addc(&head, c);
	}
	sscanf(text_str(&head), "HTTP/1.1 %d", &status);
	length = strstr(text_str(&head), "Content-Length: ");
	for (long n = length ? strtol(length + 16, NULL, 10) : 0; n > 0;) {
		char bytes[256];
		size_t got = hear(fd, bytes, n < 256 ? (size_t)n : 256);

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

/* However many say nothing, or stop in the middle: the one that waits for longest makes room. */
static void test_silent(void **state)
{
	static const char *const pieces[] = { "", "G", "GET /version HTTP/1.1\r\nHost: h\r\n",
					      "PUT /dynmon/x HTTP/1.1\r\nHost: h\r\n"
					      "Content-Length: 9\r\n\r\n{" };
	struct house *house = *state;
	int fds[HTTP_CLIENTS_MAX + 8], asking;
	char byte;

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = client(house);
		if (*pieces[i % ARRAY_SIZE(pieces)])
			say(fds[i], pieces[i % ARRAY_SIZE(pieces)]);
	}
	asking = client(house);
	assert_int_equal(ask(asking, "GET", "/version", ""), 200);
	assert_int_equal(ask(asking, "POST", "/dynmon/x", "{}"), 201);
	for (size_t i = 0; i <= ARRAY_SIZE(fds) - HTTP_CLIENTS_MAX; i++)
		assert_int_equal(hear(fds[i], &byte, 1), 0);
	/* Who is in goes on where it was. */
	say(fds[ARRAY_SIZE(fds) - 2], "\r\n");
	assert_int_equal(hear_status(fds[ARRAY_SIZE(fds) - 2]), 200);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
	close(asking);
}

#define WORKERS 6
#define ROUNDS	20

struct worker {
	const struct house *house;
	int number;
	int wrong; /* answers that were not as expected */
	pthread_t thread;
};

/* Each has a monitor of its own, and looks at all of them. */
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

/* It ends while clients are in the middle of something. */
static void test_stop(void **state)
{
	struct house *house = *state;
	int silent = client(house), talking = client(house), done = client(house);
	char byte;

	assert_int_equal(ask(done, "GET", "/version", ""), 200);
	say(talking, "POST /dynmon/x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n{");
	house->http = http_stop(house->http);
	assert_int_equal(hear(silent, &byte, 1), 0);
	assert_int_equal(hear(talking, &byte, 1), 0);
	assert_int_equal(hear(done, &byte, 1), 0);
	close(silent);
	close(talking);
	close(done);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_silent, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_parallel, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_stop, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
