/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dataplane/compiler.h"
#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

static char *folder;

static int set_up(void **state)
{
	(void)state;
	folder = folder_make();
	/* collectd has the same dispositions */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_DFL);
	signal(SIGCHLD, SIG_DFL);
	folder_remove(folder);
	free(folder);
	return 0;
}

/* Creates a compiler that runs the script. The caller frees the name. */
static char *script_make(const char *script)
{
	_cleanup_free_ char *text = NULL;
	char *path;

	assert_true(asprintf(&text, "#!/bin/sh\n%s\n", script) > 0);
	file_make(folder, "cc", text, strlen(text), 0700);
	assert_true(asprintf(&path, "%s/cc", folder) > 0);
	return path;
}

static const struct {
	const char *name, *script;
	int code;
	const char *message; /* or the object */
	const char *warnings;
} scripts[] = {
	{ "all is well", "cat; echo '0 done' >&3", 0, "int x;", "" },
	{ "a warning", "cat; echo careful >&2; echo 0 >&3", 0, "int x;", "careful\n" },
	{ "wrong source", "echo 'x.c:1: wrong' >&2; echo '1 wrong source' >&3", -EINVAL,
	  "x.c:1: wrong", NULL },
	{ "wrong source, no words", "echo '1 wrong source' >&3", -EINVAL, "wrong source", NULL },
	{ "usage", "echo '2 what' >&3", -EIO, NULL, NULL },
	{ "no clang", "echo '3 there is no clang' >&3", -ENOENT, "there is no clang", NULL },
	{ "a limit", "echo '4 too long' >&3; echo loop >&2", -ETIMEDOUT, "too long\nloop", NULL },
	{ "another code", "echo '99 x' >&3", -EIO, NULL, NULL },
	{ "no status", "cat", -EIO, "the compiler died", NULL },
	{ "no status, but words", "echo help >&2", -EIO, "the compiler died: help", NULL },
	{ "killed", "kill -9 $$", -EIO, "the compiler died", NULL },
	{ "killed half way", "echo 0 | head -c 0 >&3; echo x; kill -9 $$", -EIO,
	  "the compiler died", NULL },
	{ "reads nothing", "exec <&-; echo '1 wrong source' >&3", -EINVAL, "wrong source", NULL },
	{ "closes all", "exec <&- >&- 2>&- 3>&-", -EIO, "the compiler died", NULL },
	{ "a status of garbage", "cat; echo garbage >&3", -EIO, NULL, NULL },
	{ "a status of blanks", "cat; echo ' ' >&3", -EIO, NULL, NULL },
	{ "a blank before garbage", "cat; echo ' garbage' >&3", -EIO, NULL, NULL },
	{ "a negative status", "cat; echo '-1 x' >&3", -EIO, NULL, NULL },
	{ "digits and garbage", "cat; echo '0x' >&3", -EIO, NULL, NULL },
	{ "an empty line", "cat; echo >&3; echo '0 done' >&3", -EIO, NULL, NULL },
	{ "floods stdout", "exec cat /dev/zero", -EFBIG, "the compiler wrote more than its limit",
	  NULL },
	{ "floods stderr", "exec cat /dev/zero >&2", -EFBIG,
	  "the compiler wrote more than its limit", NULL },
	{ "floods its status", "exec cat /dev/zero >&3", -EFBIG,
	  "the compiler wrote more than its limit", NULL },
	{ "its environment is ours", "echo \"$PATH $LC_ALL $HOME\" >&2; echo 1 >&3", -EINVAL,
	  "/usr/local/bin:/usr/bin:/bin C", NULL },
	{ "its words", "echo \"$@\" >&2; echo 1 >&3", -EINVAL,
	  "--status-fd=3 --direction egress --hook xdp --log-level trace --cube-id 7 "
	  "--name my origin --include /inc --clang /clang",
	  NULL },
};

static int compile(const char *program, const char *bytes, size_t len, struct text *object,
		   struct text *diagnostics, struct error *err)
{
	const struct compiler compiler = { program, "/inc", "/clang" };
	const struct compile_target target = { EGRESS, true, "trace", 7 };
	_cleanup_text_ struct text text = {};

	text_add(&text, bytes, len);
	return compiler_run(&compiler, &target, "my origin", &text, object, diagnostics, err);
}

static void test_scripts(void **state)
{
	int wrong = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(scripts); i++) {
		_cleanup_text_ struct text object = {}, diagnostics = {};
		_cleanup_free_ char *program = script_make(scripts[i].script);
		_cleanup_error_ struct error err = {};
		int r = compile(program, "int x;", 6, &object, &diagnostics, &err);
		const char *text = r < 0 ? error_message(&err) : text_str(&object);
		const char *expected = scripts[i].message;

		if (r != scripts[i].code ||
		    (expected && strncmp(text, expected, strlen(expected)) != 0) ||
		    (scripts[i].warnings &&
		     strcmp(text_str(&diagnostics), scripts[i].warnings) != 0)) {
			print_error("%s: %d %s, warnings %s\n", scripts[i].name, r, text,
				    text_str(&diagnostics));
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

/* Large input and output at the same time do not deadlock. */
static void test_large(void **state)
{
	_cleanup_free_ char *program = script_make("exec 4<&0; cat <&4; echo 0 >&3");
	_cleanup_text_ struct text object = {}, diagnostics = {};
	_cleanup_free_ char *source = malloc(CODE_MAX);
	_cleanup_error_ struct error err = {};

	(void)state;
	for (size_t i = 0; i < CODE_MAX; i++)
		source[i] = (char)(i * 31 >> 3);
	text_adds(&object, "before");
	if (compile(program, source, CODE_MAX, &object, &diagnostics, &err) < 0)
		fail_msg("%s", error_message(&err));
	assert_int_equal(object.len, CODE_MAX + 6);
	assert_memory_equal(object.data + 6, source, CODE_MAX);
	text_clear(&object);
	assert_int_equal(compile(program, "", 0, &object, &diagnostics, &err), 0);
	assert_int_equal(object.len, 0);
}

static void test_missing(void **state)
{
	_cleanup_text_ struct text object = {}, diagnostics = {};
	_cleanup_error_ struct error err = {};

	(void)state;
	assert_int_equal(compile("/none/dynmon-cc", "x", 1, &object, &diagnostics, &err), -ENOENT);
	assert_string_equal(error_message(&err),
			    "cannot start the compiler /none/dynmon-cc: No such "
			    "file or directory");
	file_make(folder, "plain", "x", 1, 0600);
	{
		_cleanup_free_ char *path = NULL;

		assert_true(asprintf(&path, "%s/plain", folder) > 0);
		assert_int_equal(compile(path, "x", 1, &object, &diagnostics, &err), -EACCES);
	}
}

static unsigned int descriptors(void)
{
	unsigned int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* No outcome leaks a descriptor or a child, even if descriptors 0 to 3 were closed. */
static void test_nothing_left(void **state)
{
	unsigned int before = descriptors();
	int kept[4], status;

	(void)state;
	signal(SIGCHLD, SIG_DFL);
	for (size_t i = 0; i < ARRAY_SIZE(scripts); i++) {
		_cleanup_text_ struct text object = {}, diagnostics = {};
		_cleanup_free_ char *program = script_make(scripts[i].script);

		compile(program, "int x;", 6, &object, &diagnostics, NULL);
	}
	assert_int_equal(descriptors(), before);
	assert_int_equal(waitpid(-1, &status, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	for (int closed = 1; closed < 16; closed++) {
		_cleanup_text_ struct text object = {}, diagnostics = {};
		_cleanup_free_ char *program = script_make("cat; echo 0 >&3");
		int r;

		for (int fd = 0; fd < 4; fd++) {
			kept[fd] = fcntl(fd, F_DUPFD_CLOEXEC, 100);
			if (closed >> fd & 1)
				close(fd);
		}
		r = compile(program, "int x;", 6, &object, &diagnostics, NULL);
		for (int fd = 0; fd < 4; fd++) {
			if (kept[fd] >= 0)
				dup2(kept[fd], fd);
			else
				close(fd);
			close(kept[fd]);
		}
		assert_int_equal(r, 0);
		assert_string_equal(text_str(&object), "int x;");
	}
	assert_int_equal(descriptors(), before);
}

/* A compiler killed by a signal is reported if its exit status can be read. */
static void test_killed(void **state)
{
	_cleanup_text_ struct text object = {}, diagnostics = {};
	_cleanup_free_ char *program = script_make("kill -9 $$");
	const struct compiler compiler = { .program = program };
	_cleanup_error_ struct error err = {};
	const char *message = "the compiler died (killed, most likely because the machine is out "
			      "of memory)";

	(void)state;
	signal(SIGCHLD, SIG_DFL);
	assert_int_equal(compile(program, "x", 1, &object, &diagnostics, &err), -EIO);
	assert_string_equal(error_message(&err), message);
	text_adds(&object, "not really");
	assert_int_equal(compiler_try(&compiler, "x.o", &object, &err), -EIO);
	assert_string_equal(error_message(&err), message);
	signal(SIGCHLD, SIG_IGN);
}

static void *close_thread(void *data)
{
	_cleanup_free_ char *path = NULL;

	assert_true(asprintf(&path, "%s/started", folder) > 0);
	while (access(path, F_OK) < 0)
		poll(NULL, 0, 10);
	close(*(int *)data);
	return NULL;
}

/* A client's disconnect cancels its compilation. */
static void test_client_gone(void **state)
{
	_cleanup_free_ char *program = script_make(": >\"${0%/*}/started\"; exec sleep 1000");
	const struct compile_target target = { INGRESS, false, "off", 1 };
	_cleanup_text_ struct text source = {}, object = {}, diagnostics = {};
	struct compiler compiler = { .program = program };
	_cleanup_error_ struct error err = {};
	pthread_t thread;
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	compiler.client_fd = pair[0];
	assert_int_equal(pthread_create(&thread, NULL, close_thread, &pair[1]), 0);
	text_adds(&source, "int x;");
	assert_int_equal(
		compiler_run(&compiler, &target, "x.c", &source, &object, &diagnostics, &err),
		-ECANCELED);
	assert_string_equal(error_message(&err), "canceled: the client has closed its connection");
	pthread_join(thread, NULL);
	close(pair[0]);
}

struct run {
	const char *program;
	int wrong;
};

static void *run_thread(void *data)
{
	struct run *run = data;

	for (int i = 0; i < 20; i++) {
		_cleanup_text_ struct text object = {}, diagnostics = {};

		if (compile(run->program, "int x;", 6, &object, &diagnostics, NULL) < 0 ||
		    strcmp(text_str(&object), "int x;") != 0)
			run->wrong++;
	}
	return NULL;
}

static void test_threads(void **state)
{
	_cleanup_free_ char *program = script_make("cat; echo 0 >&3");
	struct run runs[4];
	pthread_t threads[4];

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		runs[i] = (struct run){ program, 0 };
		assert_int_equal(pthread_create(&threads[i], NULL, run_thread, &runs[i]), 0);
	}
	for (size_t i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(runs[i].wrong, 0);
	}
}

/* All results of a trial. */
static void test_try(void **state)
{
	static const struct {
		const char *script;
		int code;
		const char *message;
	} trials[] = {
		{ "cat; echo '0 ok' >&3", 0, NULL },
		{ "echo \"elf: no\" >&2; echo '1 no' >&3", -EINVAL,
		  "x.o: not a usable eBPF object: elf: no" },
		{ "echo '4 the object is too large' >&3", -EINVAL,
		  "x.o: not a usable eBPF object: the object is too large" },
		{ "cat >/dev/null; kill -SEGV $$", -EINVAL,
		  "x.o: not a usable eBPF object: opening it crashed, in the sandbox where it was "
		  "tried" },
		{ "echo '3 no Landlock' >&3", -ENOENT, "no Landlock" },
		{ "echo '2 unknown option' >&3", -EIO, NULL },
		{ "echo \"$@\" >&2; echo 1 >&3", -EINVAL,
		  "x.o: not a usable eBPF object: --status-fd=3 --open" },
	};
	_cleanup_text_ struct text object = {};
	_cleanup_error_ struct error err = {};

	(void)state;
	text_adds(&object, "not really");
	for (size_t i = 0; i < ARRAY_SIZE(trials); i++) {
		_cleanup_free_ char *program = script_make(trials[i].script);
		const struct compiler compiler = { .program = program };

		assert_int_equal(compiler_try(&compiler, "x.o", &object, &err), trials[i].code);
		if (trials[i].message)
			assert_string_equal(error_message(&err), trials[i].message);
	}
	assert_int_equal(
		compiler_try(&(struct compiler){ .program = "/none/cc" }, "x.o", &object, &err),
		-ENOENT);
}

/* The real compiler with its include directory. */
static void test_real(void **state)
{
	static const struct {
		const char *source;
		bool xdp;
		int code;
		const char *message;
	} sources[] = {
		{ "BPF_ARRAY(N, u64, 1);\n"
		  "static __always_inline int handle_rx(struct CTXTYPE *ctx, struct pkt_metadata "
		  "*md)\n"
		  "{ unsigned int z = 0; u64 *n = N.lookup(&z); if (n) *n += 1; return RX_OK; }\n",
		  false, 0, NULL },
		{ "static __always_inline int handle_rx(struct CTXTYPE *ctx, struct pkt_metadata "
		  "*md)\n"
		  "{ return RX_OK; }\n",
		  true, 0, NULL },
		{ "#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n"
		  "SEC(\"tc\") int f(struct __sk_buff *s) { return 0; }\n",
		  false, 0, NULL },
		{ "static __always_inline int handle_rx(struct CTXTYPE *ctx, struct pkt_metadata "
		  "*md)\n"
		  "{ return nothing; }\n",
		  true, -EINVAL, "my origin:2:" },
		{ "\n\nint handle_rx is no C\n", false, -EINVAL, "my origin:3:" },
		{ "int f(void) { return 0; }\n", false, -EINVAL, "my origin:1:" },
	};
	char headers[4096];
	const char *program = getenv("DYNMON_CC"), *include = getenv("DYNMON_BPFDIR");

	(void)state;
	signal(SIGCHLD, SIG_DFL); /* for system() */
	if (!program)
		program = "./dynmon-cc";
	if (!include && source_dir()) {
		snprintf(headers, sizeof(headers), "%s/bpf", source_dir());
		include = headers;
	}
	if (access(program, X_OK) < 0 || !include || shell("command -v clang")) {
		fprintf(stderr, "skipped: no %s, no headers or no clang\n", program);
		skip();
	}
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
		const struct compiler compiler = { program, include, NULL };
		const struct compile_target target = { INGRESS, sources[i].xdp, NULL, 1 };
		_cleanup_text_ struct text source = {}, object = {}, diagnostics = {};
		_cleanup_error_ struct error err = {};
		int r;

		text_adds(&source, sources[i].source);
		r = compiler_run(&compiler, &target, "my origin", &source, &object, &diagnostics,
				 &err);
		if (r != sources[i].code)
			fail_msg("%zu: %d %s", i, r, error_message(&err));
		if (r < 0) {
			assert_true(contains(error_message(&err), sources[i].message));
			continue;
		}
		assert_true(object.len > 64);
		assert_memory_equal(object.data,
				    "\x7f"
				    "ELF",
				    4);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scripts),	     cmocka_unit_test(test_large),
		cmocka_unit_test(test_missing),	     cmocka_unit_test(test_threads),
		cmocka_unit_test(test_try),	     cmocka_unit_test(test_real),
		cmocka_unit_test(test_nothing_left), cmocka_unit_test(test_killed),
		cmocka_unit_test(test_client_gone),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
