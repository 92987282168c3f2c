/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cc/compile.h"

#include "base/child.h"
#include "base/clock.h"
#include "cc/diagnostics.h"
#include "cc/dialect.h"

#include <ctype.h>
#include <errno.h>
#include <glob.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#define USR_INCLUDE	    "/usr/include"
#define USR_INCLUDE_MACHINE USR_INCLUDE "/" DYNMON_MULTIARCH

/* The name of this machine in bpf_tracing.h. */
#if defined(__x86_64__)
#define TARGET_ARCH "-D__TARGET_ARCH_x86"
#elif defined(__aarch64__)
#define TARGET_ARCH "-D__TARGET_ARCH_arm64"
#elif defined(__riscv)
#define TARGET_ARCH "-D__TARGET_ARCH_riscv"
#elif defined(__powerpc64__)
#define TARGET_ARCH "-D__TARGET_ARCH_powerpc"
#elif defined(__s390x__)
#define TARGET_ARCH "-D__TARGET_ARCH_s390"
#else
#error "add the __TARGET_ARCH_* of this machine"
#endif

/* -- required files -- */

char *clang_find(const char *name, struct error *err)
{
	static const char *const places[] = { "/usr/bin", "/usr/local/bin", "/usr/lib/llvm-*/bin" };
	char *found = NULL;

	if (strchr(name, '/')) {
		found = realpath(name, NULL);
		if (!found)
			error_set(err, -errno, "%s: %s", name, strerror(errno));
		return found;
	}
	for (size_t i = 0; i < ARRAY_SIZE(places) && !found; i++) {
		_cleanup_free_ char *pattern = NULL;
		glob_t paths = {};

		if (asprintf(&pattern, "%s/%s", places[i], name) < 0) {
			pattern = NULL;
			error_oom(err);
			return NULL;
		}
		if (!glob(pattern, 0, NULL, &paths))
			found = realpath(paths.gl_pathv[paths.gl_pathc - 1], NULL);
		globfree(&paths);
	}
	if (!found)
		error_set(err, -ENOENT, "%s is not installed (Debian: apt install clang)", name);
	return found;
}

static bool compile_exists(const char *dir, const char *file)
{
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%s/%s", dir, file) < 0) {
		path = NULL;
		return false;
	}
	return !access(path, R_OK);
}

int compile_check(const struct compile *compile, struct error *err)
{
	static const struct {
		const char *dir, *file, *package;
	} needed[] = {
		{ USR_INCLUDE, "linux/bpf.h", "linux-libc-dev" },
		{ USR_INCLUDE_MACHINE, "asm/types.h", "linux-libc-dev" },
		{ USR_INCLUDE, "bpf/bpf_helpers.h", "libbpf-dev" },
	};
	bool found = false;

	for (size_t i = 0; compile->includes[i]; i++)
		found = found || compile_exists(compile->includes[i], "dynmon/dialect.h");
	if (!found)
		return error_set(err, -ENOENT, "dynmon/dialect.h is not installed in %s",
				 DYNMON_BPFDIR);
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
		if (!compile_exists(needed[i].dir, needed[i].file))
			return error_set(err, -ENOENT,
					 "%s/%s is not installed (Debian: apt install %s)",
					 needed[i].dir, needed[i].file, needed[i].package);
	return 0;
}

/* -- clang's arguments -- */

#define ARGS_MAX 48

struct args {
	const char *argv[ARGS_MAX];
	size_t count;
};

/* The number of arguments is bounded by this file, so an overflow is a bug. */
static void args_add(struct args *args, const char *arg)
{
	if (args->count + 1 >= ARGS_MAX)
		abort();
	args->argv[args->count++] = arg;
}

static void args_add_all(struct args *args, const char *const *list)
{
	for (; *list; list++)
		args_add(args, *list);
}

/* Adds the arguments of every run: the target, and the header directories. */
static void args_common(struct args *args, const struct compile *compile)
{
	static const char *const target[] = { "-target",      "bpf",
					      "-x",	      "c",
					      TARGET_ARCH,    "-fno-crash-diagnostics",
					      "-nostdlibinc", NULL };
	/* Searched after clang's own headers, whose <stdint.h> fits this target. */
	static const char *const system[] = { "-idirafter", USR_INCLUDE, "-idirafter",
					      USR_INCLUDE_MACHINE, NULL };

	args_add(args, compile->clang);
	args_add_all(args, target);
	for (size_t i = 0; compile->includes[i]; i++) {
		args_add(args, "-I");
		args_add(args, i ? compile->includes[i] : "."); /* the working directory */
	}
	args_add_all(args, system);
}

/* The last arguments of the run that creates the object. */
static const char *const args_object[] = { "-O2", "-g", "-mcpu=v3", "-c", "-o", "-", "-", NULL };

#define CLANG_WALL_SECONDS 20
#define CLANG_CPU_SECONDS  10
#define CLANG_MEMORY_MIB   2048
#define CLANG_OUTPUT_MIB   16

static const struct resource_limit clang_limits[] = {
	/* The soft limit sends SIGXCPU, the hard limit SIGKILL. */
	{ RLIMIT_CPU, CLANG_CPU_SECONDS, CLANG_CPU_SECONDS + 1 },
	{ RLIMIT_AS, (rlim_t)CLANG_MEMORY_MIB << 20, (rlim_t)CLANG_MEMORY_MIB << 20 },
	{ RLIMIT_FSIZE, 0, 0 },
	{ RLIMIT_NOFILE, 64, 64 },
	{ RLIMIT_CORE, 0, 0 },
	{ RLIMIT_NPROC, 0, 0 },
};

/* Several runs can share a deadline. */
static int64_t clang_deadline(void)
{
	return clock_now_ms() + CLANG_WALL_SECONDS * 1000;
}

/*
 * Runs clang to its end. clang catches the signals of resource limits, dumps its stack and exits as
 * after any error, so the cause is found in stderr; that output is useless to the user and removed.
 * The CPU time is compared with a tolerance, because the kernel accounts usage and the limit
 * differently.
 */
static int clang_run(const struct args *args, const struct text *input, struct text *output,
		     struct text *diagnostics, int64_t deadline, struct error *err)
{
	struct child child = {
		.argv = args->argv,
		.pipes = {
			[STDIN_FILENO] = { .feed = input },
			[STDOUT_FILENO] = { .collect = output, .max = CLANG_OUTPUT_MIB << 20 },
			/* Keep more than the limit, so that diagnostics_limit() notes the rest. */
			[STDERR_FILENO] = { .collect = diagnostics, .max = (DIAGNOSTICS_KIB + 1) << 10,
					    .truncate = true },
		},
		.limits = clang_limits,
		.n_limits = ARRAY_SIZE(clang_limits),
		.deadline = deadline,
	};
	bool no_memory, crashed;
	const char *messages;
	int r = child_run(&child);

	if (r == -ETIMEDOUT)
		return error_set(err, -EDQUOT, "the compiler ran longer than %d s",
				 CLANG_WALL_SECONDS);
	if (r == -EFBIG)
		return error_set(err, -EDQUOT, "the compiler's output exceeded %d MiB",
				 CLANG_OUTPUT_MIB);
	if (r < 0)
		return error_set(err, r, "cannot run %s: %s", args->argv[0], strerror(-r));
	messages = text_str(diagnostics);
	no_memory =
		strstr(messages, "LLVM ERROR: out of memory") || strstr(messages, "std::bad_alloc");
	crashed = child.signal || (child.exit_status && strstr(messages, "\nStack dump:\n"));
	if (crashed)
		text_clear(diagnostics);
	if (crashed && no_memory)
		return error_set(err, -EDQUOT, "the compiler needed more than %d MiB of memory",
				 CLANG_MEMORY_MIB);
	if (crashed && child.cpu_seconds >= CLANG_CPU_SECONDS - 2)
		return error_set(err, -EDQUOT, "the compiler used more than %d s of CPU time",
				 CLANG_CPU_SECONDS);
	if (child.signal == SIGKILL)
		return error_set(err, -EDQUOT,
				 "the compiler was killed, most likely because the machine is out "
				 "of memory");
	if (crashed)
		return error_set(err, -EBADMSG,
				 "the source is too much for the compiler: crash (%s)",
				 child.signal ? strsignal(child.signal) : "caught");
	return child.exit_status ? error_set(err, -EBADMSG, "the source does not compile") : 0;
}

/* -- sources in libbpf style and in the dialect -- */

/* Puts a line marker with the name before the source, for diagnostics. Escapes the name. */
static void source_prepare(struct text *text, const char *name, const char *source, size_t len)
{
	text_adds(text, "# 1 \"");
	for (; *name; name++) {
		if (*name == '"' || *name == '\\')
			text_addc(text, '\\');
		text_addc(text, iscntrl((unsigned char)*name) ? '?' : *name);
	}
	text_adds(text, "\"\n");
	text_add(text, source, len);
	text_addc(text, '\n');
}

static int libbpf_compile(const struct compile *compile, const struct text *source,
			  struct text *object, struct text *diagnostics, struct error *err)
{
	struct args args = {};

	if (compile->translate_only)
		return error_set(err, -EBADMSG, "the source is libbpf C, which has no translation");
	args_common(&args, compile);
	args_add_all(&args, args_object);
	return clang_run(&args, source, object, diagnostics, clang_deadline(), err);
}

/* diagnostics_explain() expects one line for each diagnostic, without columns. */
static const char *const plain_diagnostics[] = { "-fno-caret-diagnostics", "-fno-show-column",
						 NULL };

static int dialect_preprocess(const struct compile *compile, const struct text *source,
			      struct text *output, struct text *diagnostics, int64_t deadline,
			      struct error *err)
{
	static const char *const preprocess[] = {
		"-include", "dynmon/dialect.h", "-E", "-o", "-", "-", NULL
	};
	char log_level[64], cube_id[32], epoch[64];
	struct args args = {};

	snprintf(log_level, sizeof(log_level), "-DLOG_LEVEL=%d", compile->log_level);
	snprintf(cube_id, sizeof(cube_id), "-DCUBE_ID=%u", compile->cube_id);
	snprintf(epoch, sizeof(epoch), "-DDYNMON_EPOCH_BASE=%lluULL",
		 (unsigned long long)(clock_ns(CLOCK_REALTIME) - clock_now_ns()));
	args_common(&args, compile);
	args_add(&args,
		 compile->egress ? "-DPOLYCUBE_PROGRAM_TYPE=1" : "-DPOLYCUBE_PROGRAM_TYPE=0");
	args_add(&args, log_level);
	args_add(&args, cube_id);
	args_add(&args, epoch);
	if (compile->xdp)
		args_add(&args, "-DPOLYCUBE_XDP=1");
	args_add_all(&args, plain_diagnostics);
	args_add_all(&args, preprocess);
	return clang_run(&args, source, output, diagnostics, deadline, err);
}

/* Preprocesses, translates and compiles. Diagnostics may refer to the translation. */
static int dialect_compile(const struct compile *compile, const struct text *source,
			   struct text *object, struct text *diagnostics, struct error *err)
{
	static const char *const translated[] = {
		"-include", "dynmon/methods.h", "-fmacro-backtrace-limit=1",
		/* Report undefined functions here: the loader's message would be worse. */
		"-Werror=undefined-internal", "-Werror=implicit-function-declaration",
		/* BCC accepts u32 * for int *, and dataplanes contain int *v = QUEUE.push(...). */
		"-Wno-pointer-sign", "-Wno-error=int-conversion", NULL
	};
	_cleanup_text_ struct text preprocessed = {}, c = {};
	int64_t deadline = clang_deadline();
	struct args args = {};
	int r;

	r = dialect_preprocess(compile, source, &preprocessed, diagnostics, deadline, err);
	if (r < 0)
		return r;
	r = dialect_translate(preprocessed.data, preprocessed.len,
			      compile->translate_only ? object : &c, err);
	if (r == -EBADMSG) {
		text_printf(diagnostics, "%s\n", error_message(err));
		return error_set(err, r, "the source does not compile");
	}
	if (r < 0 || compile->translate_only)
		return r;
	args_common(&args, compile);
	args_add_all(&args, plain_diagnostics);
	args_add_all(&args, translated);
	args_add_all(&args, args_object);
	return clang_run(&args, &c, object, diagnostics, deadline, err);
}

int compile_run(const struct compile *compile, const char *source, size_t len, struct text *object,
		struct text *diagnostics, struct error *err)
{
	_cleanup_text_ struct text named = {}, raw = {};
	int r;

	source_prepare(&named, compile->name, source, len);
	if (text_status(&named) < 0)
		return error_oom(err);
	switch (dialect_detect(source, len)) {
	case DIALECT_LIBBPF:
		r = libbpf_compile(compile, &named, object, diagnostics, err);
		diagnostics_limit(diagnostics);
		if (r < 0)
			diagnostics_advise(diagnostics);
		return r;
	case DIALECT_DYNMON:
		r = dialect_compile(compile, &named, object, &raw, err);
		diagnostics_limit(&raw);
		diagnostics_explain(&raw, compile->name, source, len, diagnostics);
		diagnostics_limit(diagnostics);
		if (r < 0)
			diagnostics_advise(diagnostics);
		return r;
	case DIALECT_NONE:
		break;
	}
	text_printf(diagnostics,
		    "%s:1: error: neither Dynmon's dialect (a function handle_rx) nor libbpf's C "
		    "(SEC(\"...\")) is found in this source\n",
		    compile->name);
	return error_set(err, -EBADMSG, "the source has neither handle_rx nor SEC(\"...\")");
}
