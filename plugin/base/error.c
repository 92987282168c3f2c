/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/resource.h>

/* Removes the middle of a message that is too long, in place. */
static void message_cut(char *message)
{
	static const char mark[] = "\n[...]\n";
	size_t len = strlen(message), half = (ERROR_MESSAGE_MAX - sizeof(mark)) / 2;

	if (len <= ERROR_MESSAGE_MAX)
		return;
	memcpy(message + half, mark, sizeof(mark) - 1);
	memmove(message + half + sizeof(mark) - 1, message + len - half, half + 1);
}

int error_set(struct error *err, int code, const char *fmt, ...)
{
	va_list ap;
	char *message;

	if (!err)
		return code;
	va_start(ap, fmt);
	if (vasprintf(&message, fmt, ap) < 0)
		message = NULL;
	va_end(ap);
	if (message)
		message_cut(message);
	free(err->message);
	err->message = message;
	err->code = code;
	return code;
}

int error_prefix(struct error *err, int code, const char *fmt, ...)
{
	_cleanup_free_ char *prefix = NULL;
	va_list ap;
	int n;

	if (!err)
		return code;
	va_start(ap, fmt);
	n = vasprintf(&prefix, fmt, ap);
	va_end(ap);
	if (n < 0) {
		prefix = NULL;
		return code;
	}
	return error_set(err, code, "%s: %s", prefix, error_message(err));
}

int error_oom(struct error *err)
{
	return error_set(err, -ENOMEM, "out of memory");
}

const char *error_text(int code)
{
	static _Thread_local char text[160];
	struct rlimit limit = {};

	switch (code) {
	case -EMFILE:
		getrlimit(RLIMIT_NOFILE, &limit);
		snprintf(text, sizeof(text),
			 "too many open files: the limit of descriptors is %llu; raise LimitNOFILE "
			 "(ulimit -n)",
			 (unsigned long long)limit.rlim_cur);
		return text;
	case -ENFILE:
		return "too many open files on this system; raise the sysctl fs.file-max";
	case -ENOMEM:
		return "out of memory";
	default:
		return strerror(-code);
	}
}

const char *error_message(const struct error *err)
{
	if (err->message)
		return err->message;
	return err->code ? strerror(-err->code) : "no error";
}

void error_release(struct error *err)
{
	free(err->message);
	*err = (struct error){};
}
