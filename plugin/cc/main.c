/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dynmon-cc: compiles C source from stdin to a BPF object on stdout. All input is untrusted, so the
 * process enters the sandbox before it reads stdin.
 */
#include "base/child.h"
#include "base/dialect_level.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "cc/compile.h"
#include "cc/sandbox.h"
#include "cc/trial.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define SOURCE_MIB 1

/* The exit status, also written to --status-fd. */
enum status { STATUS_OK, STATUS_SOURCE, STATUS_USAGE, STATUS_SETUP, STATUS_LIMIT };

static const char help[] =
	"Usage: dynmon-cc [OPTION]... < SOURCE > OBJECT\n"
	"Compile a dataplane, in Dynmon's dialect or in libbpf C, in a sandbox.\n"
	"\n"
	"  --direction=ingress|egress\n"
	"                          compile for this direction (default ingress)\n"
	"  --hook=tc|xdp           compile for this hook (default tc)\n"
	"  --log-level=LEVEL       compile in the pcn_log() calls up to this level:\n"
	"                          " DIALECT_LEVEL_NAMES "\n"
	"                          (default off)\n"
	"  --cube-id=N             CUBE_ID in the source, 0 to 65535 (default 0)\n"
	"  --name=NAME             name of the source in diagnostics (default <code>)\n"
	"  --include=DIR           search this directory first for headers; repeatable\n"
	"  --clang=CLANG           compiler: a path, or a name in /usr/bin, /usr/local/bin\n"
	"                          and /usr/lib/llvm-*/bin (default clang)\n"
	"  --open                  do not compile: read an eBPF object from stdin and check\n"
	"                          that libbpf can open it\n"
	"  --dialect-only          write the C translation of the dialect instead of an object\n"
	"  --status-fd=N           write the exit status and a message to this descriptor\n"
	"  --help                  print this help\n"
	"\n"
	"Exit status: 0 success; 1 the source has errors; 2 incorrect usage; 3 a required\n"
	"file is missing or the sandbox cannot be set up; 4 a limit was exceeded.\n";

enum option_id {
	OPT_DIRECTION = 1,
	OPT_HOOK,
	OPT_LOG_LEVEL,
	OPT_CUBE_ID,
	OPT_NAME,
	OPT_INCLUDE,
	OPT_CLANG,
	OPT_OPEN,
	OPT_DIALECT_ONLY,
	OPT_STATUS_FD,
	OPT_HELP,
};

static const struct option long_options[] = {
	{ "direction", required_argument, NULL, OPT_DIRECTION },
	{ "hook", required_argument, NULL, OPT_HOOK },
	{ "log-level", required_argument, NULL, OPT_LOG_LEVEL },
	{ "cube-id", required_argument, NULL, OPT_CUBE_ID },
	{ "name", required_argument, NULL, OPT_NAME },
	{ "include", required_argument, NULL, OPT_INCLUDE },
	{ "clang", required_argument, NULL, OPT_CLANG },
	{ "open", no_argument, NULL, OPT_OPEN },
	{ "dialect-only", no_argument, NULL, OPT_DIALECT_ONLY },
	{ "status-fd", required_argument, NULL, OPT_STATUS_FD },
	{ "help", no_argument, NULL, OPT_HELP },
	{},
};

/* The task given on the command line. Lives as long as the process, as do its strings. */
struct job {
	struct compile compile;
	const char *clang; /* value of --clang */
	size_t includes_count;
	int status_fd; /* -1: not given */
	bool open;     /* try to open an object instead of compiling */
	bool help;
};

/* Returns true if value is a or b. Sets *second to true if value is b. */
static bool either(const char *value, const char *a, const char *b, bool *second)
{
	*second = !strcmp(value, b);
	return *second || !strcmp(value, a);
}

static bool number(const char *value, unsigned long max, unsigned long *n)
{
	char *end;

	errno = 0;
	*n = strtoul(value, &end, 10);
	return *value >= '0' && *value <= '9' && !*end && !errno && *n <= max;
}

/* Resolves the path, because job_confine() changes the working directory. */
static bool include_add(struct job *job, const char *dir)
{
	char *path;

	if (job->includes_count == COMPILE_INCLUDES_MAX)
		return false;
	path = realpath(dir, NULL);
	if (path)
		job->compile.includes[job->includes_count++] = path;
	return path;
}

static bool option_parse(struct job *job, int id, const char *value)
{
	struct compile *compile = &job->compile;
	unsigned long n;

	switch (id) {
	case OPT_DIRECTION:
		return either(value, "ingress", "egress", &compile->egress);
	case OPT_HOOK:
		return either(value, "tc", "xdp", &compile->xdp);
	case OPT_LOG_LEVEL:
		compile->log_level = dialect_level_find(value);
		return compile->log_level >= 0;
	case OPT_CUBE_ID:
		if (!number(value, UINT16_MAX, &n))
			return false;
		compile->cube_id = (unsigned int)n;
		return true;
	case OPT_NAME:
		compile->name = value;
		return true;
	case OPT_INCLUDE:
		/* One element is reserved for DYNMON_BPFDIR. */
		return job->includes_count < COMPILE_INCLUDES_MAX - 1 && include_add(job, value);
	case OPT_CLANG:
		job->clang = value;
		return true;
	case OPT_OPEN:
		return job->open = true;
	case OPT_DIALECT_ONLY:
		return compile->translate_only = true;
	case OPT_STATUS_FD:
		if (!number(value, INT_MAX, &n) || fcntl((int)n, F_SETFD, FD_CLOEXEC))
			return false;
		job->status_fd = (int)n;
		return true;
	case OPT_HELP:
		return job->help = true;
	}
	return false;
}

static int options_parse(struct job *job, int argc, char **argv, struct error *err)
{
	int id, i = 0;

	opterr = 0;
	while ((id = getopt_long(argc, argv, "", long_options, &i)) != -1) {
		if (id == '?' || id == ':')
			return error_set(err, -EINVAL, "unknown option or missing value: %s",
					 argv[optind - 1]);
		if (!option_parse(job, id, optarg))
			return error_set(err, -EINVAL, "--%s=%s: invalid value",
					 long_options[i].name, optarg);
	}
	if (optind < argc)
		return error_set(err, -EINVAL,
				 "unexpected argument '%s'; the source is read from "
				 "stdin",
				 argv[optind]);
	include_add(job, DYNMON_BPFDIR); /* last, so that --include takes precedence */
	if (job->compile.xdp && job->compile.egress)
		return error_set(err, -EINVAL,
				 "the xdp hook has no egress direction; use --hook=tc");
	return 0;
}

/* Opens descriptors 0 to 2 if they are closed, and closes all others except status_fd. */
static int descriptors_settle(int status_fd, struct error *err)
{
	unsigned int keep = status_fd > 2 ? (unsigned int)status_fd : 2;
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd < 3);
	if (fd < 0 || (keep > 3 && syscall(SYS_close_range, 3U, keep - 1, 0)) ||
	    syscall(SYS_close_range, keep + 1, ~0U, 0))
		return error_set(err, -errno, "cannot close inherited files: %s", strerror(errno));
	return 0;
}

/* Resets the inherited signal mask and dispositions. collectd ignores SIGCHLD. */
static void signals_reset(void)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGCHLD, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
}

/* Enters the sandbox. clang and the header directories stay readable. */
static int job_confine(struct job *job, struct error *err)
{
	static const char *const system[] = { "/usr/include", "/usr/lib", "/usr/lib64",
					      "/lib",	      "/lib64",	  "/etc/ld.so.cache",
					      "/dev/null" };
	const char *readable[ARRAY_SIZE(system) + COMPILE_INCLUDES_MAX + 3];
	_cleanup_free_ char *clang_dir = NULL, *clang_lib = NULL;
	size_t n = 0;
	int r;

	clang_dir = strdup(job->compile.clang);
	if (!clang_dir || asprintf(&clang_lib, "%s/../lib", dirname(clang_dir)) < 0) {
		clang_lib = NULL;
		return error_oom(err);
	}
	for (size_t i = 0; i < ARRAY_SIZE(system); i++)
		readable[n++] = system[i];
	for (size_t i = 0; i < job->includes_count; i++)
		readable[n++] = job->compile.includes[i];
	readable[n++] = job->compile.clang;
	readable[n++] = clang_lib;
	readable[n] = NULL;
	/*
	 * Use the first header directory as the working directory, because its parent can be
	 * inaccessible to the user nobody, for example a home directory.
	 */
	if (chdir(job->compile.includes[0]))
		return error_set(err, -errno, "%s: %s", job->compile.includes[0], strerror(errno));
	r = sandbox_enter(readable, err);
	/* End with the caller. Set after the change of user, which clears the setting. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	return r;
}

static int stdin_read(struct text *text, const char *content, int mib, struct error *err)
{
	int r = file_read_fd(STDIN_FILENO, content, (size_t)mib << 20, text, err);

	return r == -EFBIG ? error_set(err, -EDQUOT, "the %s is larger than %d MiB", content, mib)
			   : r;
}

static int job_run(struct job *job, struct error *err)
{
	_cleanup_text_ struct text source = {}, object = {}, diagnostics = {};
	int r;

	job->compile.clang = clang_find(job->clang, err);
	if (!job->compile.clang)
		return err->code;
	r = compile_check(&job->compile, err);
	if (!r)
		r = job_confine(job, err);
	if (!r)
		r = stdin_read(&source, "source", SOURCE_MIB, err);
	if (!r)
		r = compile_run(&job->compile, source.data, source.len, &object, &diagnostics, err);
	file_write_fd(STDERR_FILENO, diagnostics.data, diagnostics.len);
	if (r < 0)
		return r;
	r = file_write_fd(STDOUT_FILENO, object.data, object.len);
	return r < 0 ? error_set(err, r, "cannot write the object: %s", strerror(-r)) : 0;
}

/* Tries an object from stdin. This needs no files, so the sandbox allows none. */
static int job_try(struct error *err)
{
	static const char *const readable[] = { NULL };
	_cleanup_text_ struct text object = {}, diagnostics = {};
	int r = sandbox_enter(readable, err);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!r)
		r = stdin_read(&object, "object", TRIAL_MIB, err);
	if (!r)
		r = trial_run(&object, &diagnostics, err);
	file_write_fd(STDERR_FILENO, diagnostics.data, diagnostics.len);
	return r;
}

/* Writes status and message as a single line; newlines become spaces. */
static void status_write(int fd, enum status status, const char *message)
{
	char line[512];
	int len = snprintf(line, sizeof(line), "%d %s", status, message);

	if (len >= (int)sizeof(line))
		len = sizeof(line) - 1;
	for (int i = 0; i < len; i++)
		if (line[i] == '\n')
			line[i] = ' ';
	line[len] = '\n';
	if (fd >= 0)
		file_write_fd(fd, line, (size_t)len + 1);
}

int main(int argc, char **argv)
{
	struct job job = {
		.compile = { .name = "<code>", .log_level = DIALECT_LEVEL_OFF },
		.clang = "clang",
		.status_fd = -1,
	};
	_cleanup_error_ struct error err = {};
	enum status status;

	oom_score_raise();
	signals_reset();
	if (options_parse(&job, argc, argv, &err) < 0) {
		status = STATUS_USAGE;
	} else if (job.help) {
		fputs(help, stdout);
		return 0;
	} else {
		int r = descriptors_settle(job.status_fd, &err);

		if (!r)
			r = job.open ? job_try(&err) : job_run(&job, &err);
		status = r == 0		 ? STATUS_OK
			 : r == -EBADMSG ? STATUS_SOURCE
			 : r == -EDQUOT	 ? STATUS_LIMIT
					 : STATUS_SETUP;
	}
	if (status != STATUS_OK && job.status_fd < 0)
		dprintf(STDERR_FILENO, "dynmon-cc: %s\n", error_message(&err));
	status_write(job.status_fd, status, status == STATUS_OK ? "ok" : error_message(&err));
	return status;
}
