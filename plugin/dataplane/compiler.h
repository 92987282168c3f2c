/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The compiler client. Runs dynmon-cc, the sandboxed compiler, to compile source or to try to open
 * an object.
 *
 * The source is sent and the object, diagnostics and status are received over pipes. The result
 * does not depend on waitpid(), because collectd ignores SIGCHLD and its exec plugin reaps every
 * child.
 *
 * struct compiler is owned by its user and read-only here. All functions are safe to call from
 * several threads; each call runs its own child process.
 */
#ifndef DYNMON_DATAPLANE_COMPILER_H
#define DYNMON_DATAPLANE_COMPILER_H

#include "dataplane/document.h"

#include <poll.h>

/*
 * Time limit of one run in seconds, after which dynmon-cc is killed. The limit that dynmon-cc sets
 * itself is shorter.
 */
#define COMPILER_SECONDS_MAX 30

struct cache;
struct compile_queue;

/* Settings of a compilation. Strings and pointers are borrowed. NULL selects the build default. */
struct compiler {
	const char *program;	     /* path of dynmon-cc */
	const char *include_dir;     /* directory of the headers for dataplanes */
	const char *clang;	     /* NULL: dynmon-cc searches for it */
	int cancel_fd;		     /* compilation is canceled when readable; <= 0: none */
	struct cache *cache;	     /* shared results; NULL: no sharing */
	uint64_t since;		     /* ns of clock_now_ns(); older cached results are ignored */
	struct compile_queue *queue; /* NULL: no limit of concurrent compilations */
	bool unlimited;		     /* exempt from COMPILE_WAITING_MAX */
	int client_fd; /* socket; compilation is canceled when the peer hangs up; <= 0: none */
};

/* Parameters of the generated code. log_level is borrowed. */
struct compile_target {
	enum direction direction;
	bool xdp;	       /* the context is struct xdp_md, not struct __sk_buff */
	const char *log_level; /* name of a dialect level; NULL: off */
	unsigned int cube_id;
};

/* Number of descriptors that can cancel a compilation. */
#define COMPILER_CANCEL_FDS 2

/**
 * compiler_watch() - prepare poll() for the descriptors that cancel a compilation
 * @compiler:  provides cancel_fd and client_fd; both are optional
 * @polls:     the first COMPILER_CANCEL_FDS elements are set
 */
void compiler_watch(const struct compiler *compiler, struct pollfd *polls);

/**
 * compiler_check() - test after poll() whether the compilation is canceled
 * @polls:  elements set by compiler_watch(), after poll()
 * @err:    receives the reason of the cancellation
 *
 * Return: 0 to continue, -ECANCELED if the plugin stops or the client has disconnected.
 */
int compiler_check(const struct pollfd *polls, struct error *err);

/**
 * compiler_run() - compile C source to an ELF object
 * @compiler:     settings
 * @target:       parameters of the generated code
 * @origin:       name of the source in diagnostics
 * @source:       C source
 * @object:       the object is appended
 * @diagnostics:  warnings of the compiler are appended on success
 * @err:          receives the diagnostics on failure
 *
 * Blocks for up to COMPILER_SECONDS_MAX. Does not use cache and queue of the compiler.
 *
 * Return: 0 on success, -EINVAL if the source is invalid, -ETIMEDOUT over a limit of time or
 * resources, -ENOENT if dynmon-cc or clang is missing, -EIO if dynmon-cc died or rejected its
 * arguments, -EFBIG if its output is too large, -ECANCELED if canceled, other -errno on failure.
 */
int compiler_run(const struct compiler *compiler, const struct compile_target *target,
		 const char *origin, const struct text *source, struct text *object,
		 struct text *diagnostics, struct error *err);

/**
 * compiler_try() - open an object with libbpf in the sandbox
 * @compiler:  settings
 * @origin:    name of the object in messages
 * @object:    ELF object from an untrusted source
 * @err:       receives the reason of a failure
 *
 * A forged object can crash libbpf. The trial keeps such a crash out of this process.
 *
 * Return: 0 if the object can be opened, -EINVAL if the object is not usable or crashed libbpf,
 * -ENOENT if dynmon-cc or its sandbox is not available and the object could not be tried,
 * -ETIMEDOUT, -EIO, -EFBIG and -ECANCELED as compiler_run(), other -errno on failure.
 */
int compiler_try(const struct compiler *compiler, const char *origin, const struct text *object,
		 struct error *err);

#endif
