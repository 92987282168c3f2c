/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Starts dynmon-cc, the sandboxed compiler, and brings its object back, or its opinion of one.
 *
 * Source goes in and object, diagnostics and status come out over pipes; the outcome never
 * depends on waitpid(), because collectd ignores SIGCHLD and its exec plugin reaps every
 * child. Safe to call from several threads.
 */
#ifndef DYNMON_DATAPLANE_COMPILER_H
#define DYNMON_DATAPLANE_COMPILER_H

#include "dataplane/document.h"

#include <poll.h>

/* Wall-clock seconds after which the compiler is killed; it has a shorter limit itself. */
#define COMPILER_SECONDS_MAX 30

struct cache;
struct compile_queue;

/* Where things are; each may be NULL for what was set at build time. Not owned. */
struct compiler {
	const char *program;	     /* dynmon-cc */
	const char *include_dir;     /* the headers that dataplanes include */
	const char *clang;	     /* NULL: searched by dynmon-cc */
	int cancel_fd;		     /* readable: cancel the compilation; 0 or less: none */
	struct cache *cache;	     /* shared results; NULL: always compile */
	uint64_t since;		     /* time of clock_now_ns(): older results are not used */
	struct compile_queue *queue; /* NULL: compilations start at once */
	bool patient;		     /* not subject to the limit of waiting requests */
	int client_fd; /* connected socket: cancel when the peer is gone; 0 or less: none */
};

/* What the code is compiled for. */
struct compile_target {
	enum path path;
	bool xdp;	       /* the hook gives struct xdp_md, not struct __sk_buff */
	const char *log_level; /* "off", "error", "warn", "info", "debug", "trace" */
	unsigned int cube_id;
};

/* Descriptors that end a compilation. */
#define COMPILER_CANCEL_FDS 2

/**
 * compiler_watch() - list the descriptors that cancel a compilation
 * @compiler:  its cancel_fd and client_fd; either may be missing
 * @polls:     the first COMPILER_CANCEL_FDS elements are set
 */
void compiler_watch(const struct compiler *compiler, struct pollfd *polls);

/**
 * compiler_check() - test after poll() if a compilation is canceled
 * @polls:  as compiler_watch() has set them
 *
 * Return: 0 to go on, -ECANCELED if the plugin stops or the client is gone.
 */
int compiler_check(const struct pollfd *polls, struct error *err);

/*
 * Compiles source to an ELF object, appended to object. What the compiler says (warnings)
 * is appended to diagnostics. On failure the diagnostics are in err instead.
 * origin: the name of the source in diagnostics.
 * Errors: -EINVAL for wrong source, -ETIMEDOUT, -ENOENT when the compiler or clang is
 * missing, -EIO when it died, -ECANCELED.
 */
int compiler_run(const struct compiler *compiler, const struct compile_target *target,
		 const char *origin, const struct text *source, struct text *object,
		 struct text *diagnostics, struct error *err);

/*
 * Has dynmon-cc open an object in its sandbox: libbpf does not survive every forged one.
 * origin: the name of the object in messages.
 * -EINVAL: it is no usable object, or opening it crashed; -ENOENT when dynmon-cc or its sandbox is
 * not to be had, so that nothing is known; -ETIMEDOUT; -EIO; -ECANCELED.
 */
int compiler_try(const struct compiler *compiler, const char *origin, const struct text *object,
		 struct error *err);

#endif
