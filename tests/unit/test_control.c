/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/log.h"
#include "dataplane/compile_queue.h"
#include "fixture.h"
#include "serve/command.h"
#include "serve/control.h"
#include "serve/listener.h"
#include "serve/session.h"

#include <errno.h>
#include <glob.h>
#include <poll.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

struct house {
	char *folder;
	char *path;
	struct registry *registry;
	struct control *control;
};

/* script: a compiler; NULL: none. */
static int set_up_with(void **state, const char *script)
{
	static struct house house;
	_cleanup_free_ char *program = NULL;
	struct compiler compiler = {};
	_cleanup_error_ struct error err = {};
	int fd;

	log_set_sink(ignore_log);
	house.folder = folder_make();
	if (script) {
		file_make(house.folder, "cc", script, strlen(script), 0700);
		assert_true(asprintf(&program, "%s/cc", house.folder) > 0);
		compiler.program = program;
	}
	assert_true(asprintf(&house.path, "%s/socket", house.folder) > 0);
	assert_int_equal(registry_new(&compiler, house.folder, NULL, &house.registry, &err), 0);
	fd = listener_open(house.path, NULL, 0600, false, &err);
	assert_true(fd >= 0);
	assert_int_equal(control_start(fd, house.registry, &house.control, &err), 0);
	*state = &house;
	return 0;
}

static int set_up(void **state)
{
	return set_up_with(state, NULL);
}

static int tear_down(void **state)
{
	struct house *house = *state;

	assert_null(control_stop(house->control));
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

	assert_true(fd >= 0);
	strcpy(address.sun_path, house->path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

/* Sends all bytes; a peer that has closed the connection is not an error. */
static void say(int fd, const void *bytes, size_t n)
{
	const char *at = bytes;

	while (n) {
		ssize_t sent = send(fd, at, n, MSG_NOSIGNAL);

		if (sent < 0)
			return;
		at += sent;
		n -= (size_t)sent;
	}
}

/* Receives a line without its newline. Returns false at the end of the stream. */
static bool hear_line(int fd, char *line, size_t size)
{
	size_t n = 0;

	while (n + 1 < size && receive(fd, line + n, 1)) {
		if (line[n] == '\n') {
			line[n] = '\0';
			return true;
		}
		n++;
	}
	line[n] = '\0';
	return false;
}

#define assert_end(fd) assert_int_equal(receive(fd, (char[1]){}, 1), 0)

/* A request and the first line of the response; a * at its end matches anything. */
static const struct {
	const char *said, *status;
	int lines; /* -1: number given in the status line */
} talks[] = {
	{ "LIST\n", "0 monitors", 0 },
	{ "list\n", "0 monitors", 0 },
	{ "  LIST \t\r\n", "0 monitors", 0 },
	{ "\"LIST\"\n", "0 monitors", 0 },
	{ "STATS\n", "14 *", -1 },
	{ "HELP LIST\n", "2 help", -1 },
	{ "HELP\n", "32 help", -1 },
	{ "help nothing\n", "-1 Unknown command: nothing", 0 },
	{ "FROBNICATE now\n", "-1 Unknown command: FROBNICATE", 0 },
	{ "\n", "-1 the request line is empty", 0 },
	{ " \n", "-1 the request line is empty", 0 },
	{ "LIST all\n", "-1 unexpected argument: all; usage: LIST", 0 },
	{ "SHOW\n", "-1 missing argument; usage: SHOW <monitor>", 0 },
	{ "SHOW none\n", "-1 no monitor is called \"none\"", 0 },
	{ "SHOW \"a b\n", "-1 a closing quote is missing: \"a b", 0 },
	{ "SHOW a\\\\b\n", "-1 no monitor is called \"a\\\\\\\\b\"", 0 },
	{ "METRICS\n", "1 line", 1 },
	{ "INJECT m\n", "-1 expected either bytes=N and N bytes, or file=NAME", 0 },
	{ "INJECT m bytes=2\n{}", "0 monitor m: dataplane injected", 0 },
	{ "INJECT m bytes=1\n{", "-1 JSON syntax: line 1, column 2: unexpected end of the text",
	  0 },
	{ "INJECT m bytes=3\n{}\n", "0 monitor m: dataplane injected", 0 },
	{ "INJECT m bytes=4 file=x\nLIST", "-1 expected either bytes=N and N bytes, or file=NAME",
	  0 },
	{ "INJECT m direction=up bytes=2\n{}",
	  "-1 direction: expected both, ingress or egress, found \"up\"", 0 },
	/* same monitor; diagnostics become one line, and backslashes are kept */
	{ "ADD edge hook=none\n", "-1 Monitor \"edge\": Hook: expected one of *", 0 },
	{ "ADD edge\n", "0 monitor edge added", 0 },
	{ "ADD edge\n", "-1 a monitor called \"edge\" exists", 0 },
	{ "DEL edge\n", "0 monitor edge deleted", 0 },
	{ "DEL m\n", "0 monitor m deleted", 0 },
};

static void listen_to(int fd, const char *said, const char *status, int lines)
{
	char line[16384];
	size_t len = strlen(status);

	assert_true(hear_line(fd, line, sizeof(line)));
	if (len && status[len - 1] == '*' ? strncmp(line, status, len - 1) : strcmp(line, status))
		fail_msg("%s gives %s and not %s", said, line, status);
	if (lines < 0)
		lines = atoi(line);
	for (int i = 0; i < lines; i++)
		assert_true(hear_line(fd, line, sizeof(line)));
}

static void test_talks(void **state)
{
	int fd = client(*state);

	for (size_t i = 0; i < ARRAY_SIZE(talks); i++) {
		say(fd, talks[i].said, strlen(talks[i].said));
		listen_to(fd, talks[i].said, talks[i].status, talks[i].lines);
	}
	close(fd);
}

/* Requests may arrive in one segment or byte by byte. */
static void test_pieces(void **state)
{
	for (int whole = 0; whole < 2; whole++) {
		_cleanup_text_ struct text all = {};
		int fd = client(*state);

		for (size_t i = 0; i < ARRAY_SIZE(talks); i++)
			text_adds(&all, talks[i].said);
		if (whole)
			say(fd, all.data, all.len);
		else
			for (size_t i = 0; i < all.len; i++)
				say(fd, all.data + i, 1);
		for (size_t i = 0; i < ARRAY_SIZE(talks); i++)
			listen_to(fd, talks[i].said, talks[i].status, talks[i].lines);
		close(fd);
	}
}

static void test_openmetrics(void **state)
{
	int fd = client(*state);
	char line[1024] = "";

	say(fd, "OPENMETRICS\nLIST\n", 17);
	listen_to(fd, "OPENMETRICS", "0 text until # EOF", 0);
	for (int i = 0; i < 100 && strcmp(line, "# EOF") != 0; i++)
		assert_true(hear_line(fd, line, sizeof(line)));
	listen_to(fd, "LIST", "0 monitors", 0);
	close(fd);
}

/* Errors after which the start of the next request is unknown: an answer, then the end. */
static void test_last_words(void **state)
{
	char large[3 * COMMAND_LINE_MAX];
	const struct {
		const char *said;
		size_t len;
		const char *answer;
	} cases[] = {
		{ large, sizeof(large), "-1 the request line is too long" },
		{ large, COMMAND_LINE_MAX + 1, "-1 the request line is too long" },
		{ "INJECT m bytes=0\n", 17, "-1 bytes: expected a number from 1 to *" },
		{ "INJECT m bytes=-1\n", 18, "-1 bytes: expected a number from 1 to *" },
		{ "INJECT m bytes=x\n", 17, "-1 bytes: expected a number from 1 to *" },
		{ "INJECT m bytes=99999999999999999999\n", 36,
		  "-1 bytes: expected a number from 1 to *" },
		{ "INJECT m bytes=37748737\n", 24, "-1 bytes: the document has 37748737 bytes, *" },
	};

	memset(large, 'x', sizeof(large));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int fd = client(*state);

		say(fd, cases[i].said, cases[i].len);
		listen_to(fd, "the last words", cases[i].answer, 0);
		assert_end(fd);
		close(fd);
	}
}

/* A line of the maximum length is accepted. */
static void test_longest_line(void **state)
{
	char line[COMMAND_LINE_MAX + 2];
	int fd = client(*state);

	memset(line, ' ', COMMAND_LINE_MAX);
	memcpy(line, "LIST", 4);
	line[COMMAND_LINE_MAX] = '\n';
	say(fd, line, COMMAND_LINE_MAX + 1);
	listen_to(fd, "the longest line", "0 monitors", 0);
	close(fd);
}

/* A client that disconnects in the middle leaks nothing and does not affect others. */
static void test_gone(void **state)
{
	static const char *const halves[] = { "", "LI", "LIST", "INJECT m bytes=10\n",
					      "INJECT m bytes=10\n{\"a\"" };
	char line[64];

	for (int round = 0; round < 3; round++)
		for (size_t i = 0; i < ARRAY_SIZE(halves); i++) {
			int fd = client(*state);

			say(fd, halves[i], strlen(halves[i]));
			if (round == 1) { /* half closed: the server ends its side, too */
				shutdown(fd, SHUT_WR);
				assert_end(fd);
			}
			close(fd);
			fd = client(*state);
			if (round == 2) /* disconnected while the answer is sent */
				say(fd, "HELP\nHELP\nHELP\nHELP\n", 20);
			close(fd);
		}
	{
		int fd = client(*state);

		say(fd, "LIST\n", 5);
		assert_true(hear_line(fd, line, sizeof(line)));
		assert_string_equal(line, "0 monitors");
		close(fd);
	}
}

#define LEFT_OUT                                                                                   \
	"-1 too many connections; this idle connection was closed, nothing was done, connect "     \
	"again"
#define TOO_MANY_CHANGES "-1 too many changes are under way (192); nothing was done, try again"
#define REFUSED                                                                                    \
	"-1 too many connections, all 256 have requests under way; nothing was done, try again"

static void fill_with_idle(struct house *house, int *fds)
{
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		fds[i] = client(house);
		say(fds[i], "LIST\n", 5);
		listen_to(fds[i], "LIST", "0 monitors", 0);
	}
}

static void close_all(const int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		close(fds[i]);
}

/* Returns the index of a connection that was closed as idle; fails the test if there is none. */
static size_t wait_for_end(const int *fds, size_t n)
{
	struct pollfd polls[CONTROL_CLIENTS_MAX];

	for (size_t i = 0; i < n; i++)
		polls[i] = (struct pollfd){ .fd = fds[i], .events = POLLIN };
	if (poll(polls, n, PATIENCE_MS) < 1)
		fail_msg("no end of any connection");
	for (size_t i = 0; i < n; i++)
		if (polls[i].revents) {
			listen_to(fds[i], "nothing", LEFT_OUT, 0);
			assert_end(fds[i]);
			return i;
		}
	return n;
}

/* A new connection replaces an idle one, which gets an error; the others continue. */
static void test_limit(void **state)
{
	int fds[CONTROL_CLIENTS_MAX], more;
	size_t ended;

	fill_with_idle(*state, fds);
	more = client(*state);
	say(more, "LIST\n", 5);
	listen_to(more, "LIST", "0 monitors", 0);
	ended = wait_for_end(fds, ARRAY_SIZE(fds));
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		if (i != ended) {
			say(fds[i], "LIST\n", 5);
			listen_to(fds[i], "LIST", "0 monitors", 0);
		}
	}
	close(more);
	close_all(fds, ARRAY_SIZE(fds));
}

/* If all connections are in the middle of a request, a new one is refused. */
static void test_limit_of_busy(void **state)
{
	int fds[CONTROL_CLIENTS_MAX], more;

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = client(*state);
		/* The second request has arrived before the answer to the first one. */
		say(fds[i], "LIST\nINJECT m bytes=2\n{", 23);
		listen_to(fds[i], "LIST", "0 monitors", 0);
	}
	more = client(*state);
	say(more, "LIST\n", 5);
	listen_to(more, "connect", REFUSED, 0);
	assert_end(more);
	close(more);
	say(fds[0], "x", 1);
	listen_to(fds[0], "INJECT",
		  "-1 JSON syntax: line 1, column 2: quoted object property name expected", 0);
	close_all(fds, ARRAY_SIZE(fds));
}

/* Opens connections, each of which replaces an idle one. */
static void *newcomers_thread(void *data)
{
	const struct house *house = data;
	char line[256];

	for (int i = 0; i < 2 * CONTROL_CLIENTS_MAX; i++) {
		int fd = client(house);

		say(fd, "LIST\n", 5);
		if (!hear_line(fd, line, sizeof(line)))
			print_error("a newcomer has no answer\n");
		close(fd);
	}
	return NULL;
}

/* A request that crosses the close of its idle connection is still answered. */
static void test_crossing(void **state)
{
	int fds[CONTROL_CLIENTS_MAX], more;
	size_t done = 0;
	char line[256];
	pthread_t thread;

	fill_with_idle(*state, fds);
	assert_int_equal(pthread_create(&thread, NULL, newcomers_thread, *state), 0);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		snprintf(line, sizeof(line), "ADD m%zu\n", i);
		say(fds[i], line, strlen(line));
	}
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		if (!hear_line(fds[i], line, sizeof(line)))
			fail_msg("request %zu has no answer", i);
		if (strcmp(line, LEFT_OUT) != 0 && strcmp(line, REFUSED) != 0 &&
		    strcmp(line, TOO_MANY_CHANGES) != 0) {
			assert_true(contains(line, "added"));
			done++;
		}
	}
	pthread_join(thread, NULL);
	more = client(*state);
	snprintf(line, sizeof(line), "%zu monitor*", done);
	say(more, "LIST\n", 5);
	listen_to(more, "LIST", line, -1);
	close(more);
	close_all(fds, ARRAY_SIZE(fds));
}

/* The total size of documents in progress is limited; other requests continue at the limit. */
static void test_documents(void **state)
{
	static const char request[] = "INJECT m bytes=37748736\n";
	struct pollfd polls[SESSION_DOCUMENTS_MAX / 37748736 + 1];
	int refused = 0, other = client(*state);

	for (size_t i = 0; i < ARRAY_SIZE(polls); i++) {
		polls[i] = (struct pollfd){ .fd = client(*state), .events = POLLIN };
		say(polls[i].fd, request, strlen(request));
	}
	if (poll(polls, ARRAY_SIZE(polls), PATIENCE_MS) < 1)
		fail_msg("no document is refused");
	for (size_t i = 0; i < ARRAY_SIZE(polls); i++) {
		if (polls[i].revents) {
			listen_to(polls[i].fd, request,
				  "-1 the documents of the requests in progress exceed 256 MiB; "
				  "nothing was done, try again",
				  0);
			assert_end(polls[i].fd);
			refused++;
		}
	}
	assert_int_equal(refused, 1);
	say(other, "INJECT m bytes=2\n{}LIST\n", 24);
	listen_to(other, "INJECT", "0 monitor m: dataplane injected", 0);
	listen_to(other, "LIST", "1 monitor", 1);
	for (size_t i = 0; i < ARRAY_SIZE(polls); i++)
		close(polls[i].fd);
	close(other);
}

/* -- compilations -- */

static size_t count_cpus(void)
{
	cpu_set_t set;

	assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
	return (size_t)CPU_COUNT(&set);
}

static size_t count_started(const struct house *house)
{
	_cleanup_free_ char *pattern = NULL;
	glob_t found = {};
	size_t n;

	assert_true(asprintf(&pattern, "%s/started.*", house->folder) > 0);
	glob(pattern, 0, NULL, &found);
	n = found.gl_pathc;
	globfree(&found);
	return n;
}

/* A compiler that reports its start and waits for permission to continue. */
static int set_up_slow(void **state)
{
	static const char script[] = "#!/bin/sh\n"
				     "dir=${0%/*}\n"
				     ": >\"$dir/started.$$\"\n"
				     "until [ -e \"$dir/go\" ]; do sleep 0.05; done\n"
				     "echo '1 compiled' >&3\n";

	return set_up_with(state, script);
}

static void inject(int fd, size_t i)
{
	static const char document[] = "{\"ingress-path\": {\"code\": \"int x;\"}}";
	char line[256];

	snprintf(line, sizeof(line), "INJECT m%zu bytes=%zu\n%s", i, strlen(document), document);
	say(fd, line, strlen(line));
}

/*
 * One injection per CPU is compiled at a time, a limited number waits, and further ones are
 * refused. Requests without compilation are still answered. The request of a disconnected client is
 * not executed.
 */
static void test_compilations(void **state)
{
	struct house *house = *state;
	const size_t cpus = count_cpus(), compiled = cpus + COMPILE_WAITING_MAX;
	int fds[CONTROL_CLIENTS_MAX], reader = client(house);
	size_t n = compiled + 5, refused = 0;
	bool answered[CONTROL_CLIENTS_MAX] = {};
	char line[256];

	if (n >= CONTROL_CLIENTS_MAX)
		skip(); /* more CPUs than that */
	for (size_t i = 0; i < n; i++) {
		fds[i] = client(house);
		inject(fds[i], i);
	}
	for (size_t i = 0; refused < n - compiled; i = (i + 1) % n) {
		struct pollfd polls = { .fd = fds[i], .events = POLLIN };

		if (answered[i] || poll(&polls, 1, 10) < 1)
			continue;
		assert_true(hear_line(fds[i], line, sizeof(line)));
		assert_string_equal(
			line, "-1 too many compilations wait (128); nothing was done, try again");
		answered[i] = true;
		refused++;
	}
	while (count_started(house) < cpus)
		poll(NULL, 0, 10);
	say(reader, "LIST\n", 5);
	listen_to(reader, "LIST", "0 monitors", 0);
	/* Disconnecting during the wait or the compilation frees the place for the next request. */
	for (size_t i = 0; i < n; i++)
		if (!answered[i]) {
			close(fds[i]);
			answered[i] = true;
			break;
		}
	assert_true(count_started(house) <= cpus + 1);
	file_make(house->folder, "go", "", 0, 0600);
	for (size_t i = 0; i < n; i++)
		if (!answered[i]) {
			listen_to(fds[i], "INJECT", "-1 ingress-path: compiled", 0);
			answered[i] = true;
		}
	assert_true(count_started(house) <= compiled);
	say(reader, "LIST\n", 5);
	listen_to(reader, "LIST", "0 monitors", 0);
	close(reader);
	close_all(fds, n);
}

/*
 * Changes of one monitor are serialized outside of the compile queue. Some connections stay
 * available for read requests.
 */
static void test_changes(void **state)
{
	enum { CHANGES = SESSION_CHANGES_MAX, MORE = 5 };
	struct house *house = *state;
	int fds[CHANGES + MORE], reader = client(house);
	bool answered[CHANGES + MORE] = {};
	char line[256];

	say(reader, "ADD m0\n", 7);
	listen_to(reader, "ADD", "0 monitor m0 added", 0);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = client(house);
		inject(fds[i], 0);
	}
	for (size_t i = 0, refused = 0; refused < MORE; i = (i + 1) % ARRAY_SIZE(fds)) {
		struct pollfd polls = { .fd = fds[i], .events = POLLIN };

		if (answered[i] || poll(&polls, 1, 10) < 1)
			continue;
		assert_true(hear_line(fds[i], line, sizeof(line)));
		assert_string_equal(line, TOO_MANY_CHANGES);
		answered[i] = true;
		refused++;
	}
	say(reader, "LIST\n", 5);
	listen_to(reader, "LIST", "1 monitor", 1);
	registry_cancel(house->registry);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		if (answered[i])
			continue;
		assert_true(hear_line(fds[i], line, sizeof(line)));
		assert_true(contains(line, "canceled: the plugin is stopping"));
	}
	close(reader);
	close_all(fds, ARRAY_SIZE(fds));
}

/* poll() rejects more elements than the descriptor limit, even unused ones. */
static void test_few_descriptors(void **state)
{
	struct rlimit old, low;
	int fd = client(*state);

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	low = (struct rlimit){ 100, old.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	say(fd, "LIST\n", 5);
	listen_to(fd, "LIST", "0 monitors", 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	close(fd);
}

/* A stop cancels running and waiting compilations. */
static void test_stop_compilations(void **state)
{
	struct house *house = *state;
	int fds[COMPILE_WAITING_MAX];
	char line[256];

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = client(house);
		inject(fds[i], i);
	}
	while (!count_started(house))
		poll(NULL, 0, 10);
	registry_cancel(house->registry);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		assert_true(hear_line(fds[i], line, sizeof(line)));
		assert_true(contains(line, "canceled: the plugin is stopping"));
	}
	house->control = control_stop(house->control);
	close_all(fds, ARRAY_SIZE(fds));
}

struct talker {
	const struct house *house;
	int wrong;
};

static void *talker_thread(void *data)
{
	struct talker *talker = data;
	int fd = client(talker->house);

	for (int i = 0; i < 50; i++) {
		char line[256];

		say(fd, "ADD a\nINJECT a bytes=2\n{}LIST\nDEL a\n", 36);
		for (int n = 0; n < 4; n++) {
			if (!hear_line(fd, line, sizeof(line)))
				talker->wrong++;
			if (n == 2 && !strncmp(line, "1 ", 2) && !hear_line(fd, line, sizeof(line)))
				talker->wrong++;
		}
	}
	close(fd);
	return NULL;
}

static void test_many(void **state)
{
	struct talker talkers[8];
	pthread_t threads[8];

	for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
		talkers[i] = (struct talker){ .house = *state };
		assert_int_equal(pthread_create(&threads[i], NULL, talker_thread, &talkers[i]), 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(talkers[i].wrong, 0);
	}
}

/* A stop does not wait for idle clients or for incomplete requests. */
static void test_stop(void **state)
{
	struct house *house = *state;
	static const char *const words[] = { "", "LI", "INJECT m bytes=10\n{" };
	int fds[ARRAY_SIZE(words)];

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		fds[i] = client(house);
		say(fds[i], "LIST\n", 5);
		listen_to(fds[i], "LIST", "0 monitors", 0);
		say(fds[i], words[i], strlen(words[i]));
	}
	house->control = control_stop(house->control);
	assert_null(house->control);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		assert_end(fds[i]);
		close(fds[i]);
	}
}

static void test_listener(void **state)
{
	const struct house *house = *state;
	_cleanup_error_ struct error err = {};
	_cleanup_free_ char *path = NULL, *message = NULL;
	char longest[200];
	struct stat st;
	int fd;

	/* a socket with a listener is not replaced */
	assert_int_equal(listener_open(house->path, NULL, 0600, false, &err), -EADDRINUSE);
	assert_true(contains(error_message(&err), "is another collectd running?"));
	fd = client(house);
	say(fd, "LIST\n", 5);
	listen_to(fd, "LIST", "0 monitors", 0);
	close(fd);
	/*
	 * a stale socket is replaced; another kind of file is kept unless replacing it is requested
	 */
	assert_true(asprintf(&path, "%s/other", house->folder) > 0);
	fd = listener_open(path, NULL, 0660, false, &err);
	assert_true(fd >= 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
	close(fd);
	fd = listener_open(path, NULL, 0600, false, &err);
	assert_true(fd >= 0);
	close(fd);
	unlink(path);
	file_make(house->folder, "other", "x", 1, 0600);
	assert_int_equal(listener_open(path, NULL, 0600, false, &err), -EADDRINUSE);
	assert_int_equal(stat(path, &st), 0);
	fd = listener_open(path, NULL, 0600, true, &err);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(listener_open(path, "no such group", 0600, true, &err), -ENOENT);
	assert_true(contains(error_message(&err), "group \"no such group\" does not exist"));
	assert_int_not_equal(stat(path, &st), 0);
	memset(longest, 'x', sizeof(longest) - 1);
	longest[0] = '/';
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(listener_open(longest, NULL, 0600, false, &err), -ENAMETOOLONG);
}

#define TEST(f)	     cmocka_unit_test_setup_teardown(f, set_up, tear_down)
#define TEST_SLOW(f) cmocka_unit_test_setup_teardown(f, set_up_slow, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_talks),
		TEST(test_pieces),
		TEST(test_openmetrics),
		TEST(test_last_words),
		TEST(test_gone),
		TEST(test_longest_line),
		TEST(test_limit),
		TEST(test_limit_of_busy),
		TEST(test_many),
		TEST(test_stop),
		TEST(test_listener),
		TEST(test_crossing),
		TEST(test_documents),
		TEST(test_few_descriptors),
		TEST_SLOW(test_compilations),
		TEST_SLOW(test_changes),
		TEST_SLOW(test_stop_compilations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
