/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collectd/config_reader.h"
#include "base/child.h"
#include "base/clock.h"
#include "base/file.h"
#include "collectd/config_files.h"

#include <errno.h>
#include <fcntl.h>

DEFINE_CLEANUP(struct json_object *, json_object_put);

#define OUTPUT_FD    3			/* where the child writes the configuration */
#define OUTPUT_MAX   (16 * 1024 * 1024) /* bytes of the configuration */
#define MESSAGES_MAX (64 * 1024)	/* bytes of the parser's messages */

static struct {
	char *dir;  /* working directory of collectd when it read the file */
	char *file; /* as written on the command line */
} location;

/* -- location -- */

/* Returns the argument of the last -C on collectd's command line, or NULL. */
static const char *find_option_c(const char *cmdline, size_t len)
{
	const char *found = NULL, *end = cmdline + len;

	for (const char *word = cmdline + strlen(cmdline) + 1; word < end;
	     word += strlen(word) + 1) {
		const char *option, *argument;

		if (!strcmp(word, "--"))
			break;
		option = *word == '-' ? strpbrk(word + 1, "CP") : NULL;
		if (!option)
			continue;
		argument = option[1] ? option + 1 : word + strlen(word) + 1;
		if (argument >= end)
			break;
		if (*option == 'C')
			found = argument;
		word = argument;
	}
	return found;
}

int config_reader_locate(struct error *err)
{
	_cleanup_text_ struct text cmdline = {};
	const char *file = NULL;
	_cleanup_close_ int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);

	if (location.file)
		return 0;
	if (fd >= 0 && file_read_fd(fd, "/proc/self/cmdline", 1024 * 1024, &cmdline, NULL) == 0)
		file = find_option_c(text_str(&cmdline), cmdline.len);
	location.file = strdup(file ? file : DYNMON_COLLECTD_CONF);
	location.dir = getcwd(NULL, 0);
	if (location.file && location.dir)
		return 0;
	config_reader_forget();
	return error_oom(err);
}

void config_reader_forget(void)
{
	free(location.file);
	free(location.dir);
	location.file = location.dir = NULL;
}

/* -- items to settings -- */

struct application {
	const char *file;      /* source of the items; NULL if unknown */
	struct text *warnings; /* one per line */
	struct error *err;     /* all errors, one per line */
};

/*
 * Collects all errors, so that one start reports all of them. An unknown option is only a warning.
 */
static void note_result(struct application *application, int r, struct error *err)
{
	struct error *all = application->err;

	if (r == 0)
		return;
	if (application->file)
		error_prefix(err, r, "%s", application->file);
	if (r == -ENOENT)
		text_printf(application->warnings, "%s\n", error_message(err));
	else if (all->code)
		error_set(all, r, "%s\n%s", error_message(all), error_message(err));
	else
		error_set(all, r, "%s", error_message(err));
}

/* Sets the options of a block, opens the blocks in the block, and checks the block at its end. */
static void apply_items(struct application *application, struct settings_node node,
			struct json_object *items)
{
	_cleanup_error_ struct error incomplete = {};

	for (size_t i = 0; i < json_object_array_length(items); i++) {
		struct json_object *item = json_object_array_get_idx(items, i);
		const char *key = json_object_get_string(json_object_array_get_idx(item, 0));
		struct json_object *values = json_object_array_get_idx(item, 1);
		struct json_object *children = json_object_array_get_idx(item, 2);
		size_t n_values = json_object_array_length(values);
		const char *value = json_object_get_string(json_object_array_get_idx(values, 0));
		_cleanup_error_ struct error err = {};
		struct settings_node child;
		char label[128];
		int r;

		if (json_object_array_length(children) || settings_has_block(node, key)) {
			r = settings_open(node, key, value, &child, &err);
			if (r == 0)
				apply_items(application, child, children);
		} else if (n_values == 1) {
			r = settings_set(node, key, value, &err);
		} else {
			settings_label(node, label, sizeof(label));
			r = error_set(&err, -EINVAL, "%s: %s: expected one value, found %zu", label,
				      key, n_values);
		}
		note_result(application, r, &err);
	}
	if (!application->err->code)
		note_result(application, settings_check(node, &incomplete), &incomplete);
}

int config_reader_apply(struct settings *settings, const struct oconfig_item_s *block,
			struct text *warnings, struct error *err)
{
	struct application application = { .warnings = warnings, .err = err };
	_cleanup_(json_object_putp) struct json_object *item =
		config_item_to_json(block, CONFIG_LEVELS_MAX);

	if (!item)
		return error_oom(err);
	apply_items(&application, settings_root(settings), json_object_array_get_idx(item, 2));
	return err->code;
}

/* -- child process -- */

/* The parser may call exit(). Skip the exit handlers of collectd and its plugins in the child. */
static void exit_at_once(void)
{
	_exit(1);
}

/* Runs in the child. Writes the result of config_files_read() to OUTPUT_FD. Errors go to stderr. */
static void read_configuration(void *data)
{
	struct json_object *blocks;
	struct error err = {};
	int r;

	(void)data;
	if (atexit(exit_at_once) != 0 || chdir(location.dir) < 0)
		return;
	r = config_files_read(location.file, &blocks, &err);
	if (r == 0) {
		const char *json = json_object_to_json_string(blocks);

		file_write_fd(OUTPUT_FD, json, strlen(json));
	} else if (r != -EBADMSG) {
		fprintf(stderr, "%s\n", error_message(&err));
	}
}

/* -- parent process -- */

/* Appends the messages of the child, without those that carry no information. */
static void copy_messages(struct text *log, struct text *out)
{
	for (const char *line = text_str(log); *line;) {
		size_t len = strcspn(line, "\n");

		if (len && strncmp(line, "yyparse returned", 16) != 0)
			text_printf(out, "%.*s\n", (int)len, line);
		line += len + (line[len] == '\n');
	}
}

/*
 * The child has only a copy of this thread. A lock that another thread held at the fork, in the
 * allocator or the loader, is never released in the child, and the child may hang. A child that
 * times out is therefore tried once more.
 */
static int run_child(struct json_object **ret, struct text *messages, struct error *err)
{
	static const int tries[] = { 2, CONFIG_SECONDS_MAX - 2 };
	_cleanup_text_ struct text output = {}, log = {};
	int r = -ETIMEDOUT;

	for (size_t i = 0; r == -ETIMEDOUT && i < ARRAY_SIZE(tries); i++) {
		struct child child = {
			.run = read_configuration,
			.pipes = {
				[STDOUT_FILENO] = { .collect = &log, .max = MESSAGES_MAX },
				[STDERR_FILENO] = { .collect = &log, .max = MESSAGES_MAX },
				[OUTPUT_FD] = { .collect = &output, .max = OUTPUT_MAX },
			},
			.deadline = clock_now_ms() + tries[i] * 1000,
		};

		text_clear(&output);
		text_clear(&log);
		r = child_run(&child);
	}
	if (r == -ETIMEDOUT)
		return error_set(err, r, "%s: reading the file took more than %d s", location.file,
				 CONFIG_SECONDS_MAX);
	if (r < 0)
		return error_set(err, r, "%s: %s", location.file, strerror(-r));
	copy_messages(&log, messages);
	*ret = json_tokener_parse(text_str(&output));
	if (*ret)
		return 0;
	if (!messages->len)
		return error_set(err, -EINVAL, "%s: cannot be read", location.file);
	messages->len--; /* the last newline */
	return error_set(err, -EINVAL, "%s", text_str(messages));
}

int config_reader_read(struct settings *ret, struct text *warnings, struct error *err)
{
	_cleanup_(settings_release) struct settings settings = {};
	_cleanup_(json_object_putp) struct json_object *blocks = NULL;
	_cleanup_text_ struct text messages = {};
	struct application application = { .warnings = warnings, .err = err };
	int r = settings_init(&settings, err);

	if (r == 0)
		r = run_child(&blocks, &messages, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < json_object_array_length(blocks); i++) {
		struct json_object *block = json_object_array_get_idx(blocks, i);
		struct json_object *item = json_object_array_get_idx(block, 1);

		application.file = json_object_get_string(json_object_array_get_idx(block, 0));
		apply_items(&application, settings_root(&settings),
			    json_object_array_get_idx(item, 2));
	}
	text_add(warnings, messages.data, messages.len);
	if (err->code)
		return err->code;
	*ret = settings;
	settings = (struct settings){};
	return 0;
}
