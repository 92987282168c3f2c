/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collectd.h"

#include "liboconfig/oconfig.h"

#include "base/child.h"
#include "base/file.h"
#include "collectd/config_files.h"
#include "collectd/config_reader.h"

#include <errno.h>
#include <fcntl.h>

#define PLUGIN "dynmon"

#define BLOCKS_MAX 8 /* nested blocks */

static struct {
	char *dir;  /* working directory of collectd when it read the file */
	char *file; /* as written on the command line */
} place;

/* -- location -- */

/* Returns the argument of the last -C on collectd's command line, or NULL. */
static const char *option_c(const char *words, size_t len)
{
	const char *found = NULL, *end = words + len;

	for (const char *word = words + strlen(words) + 1; word < end; word += strlen(word) + 1) {
		if (!strcmp(word, "--"))
			break;
		for (const char *c = *word == '-' ? word + 1 : ""; *c; c++) {
			const char *argument = c[1] ? c + 1 : word + strlen(word) + 1;

			if (*c != 'C' && *c != 'P')
				continue;
			if (argument >= end)
				return found;
			if (*c == 'C')
				found = argument;
			word = argument;
			break;
		}
	}
	return found;
}

int config_reader_locate(struct error *err)
{
	_cleanup_text_ struct text words = {};
	const char *file = NULL;
	_cleanup_close_ int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);

	if (place.file)
		return 0;
	if (fd >= 0 && file_read_fd(fd, "/proc/self/cmdline", 1024 * 1024, &words, NULL) == 0)
		file = option_c(text_str(&words), words.len);
	place.file = strdup(file ? file : DYNMON_COLLECTD_CONF);
	place.dir = getcwd(NULL, 0);
	if (place.file && place.dir)
		return 0;
	config_reader_forget();
	return error_oom(err);
}

void config_reader_forget(void)
{
	free(place.file);
	free(place.dir);
	place.file = place.dir = NULL;
}

/*
 * -- serialized items --
 *
 * The child passes items to the parent as NUL-terminated strings, so that no struct of liboconfig
 * crosses the pipe. Each item consists of a string of numbers, the key, and the first value if the
 * item has a value. Other records are "B" and a file, before the items of that file; "W" and
 * warnings; and "." at the end of a complete configuration.
 */

struct line {
	unsigned int depth;
	bool block;
	int n_values;
	const char *key;
	const char *value; /* NULL if the item has no value */
};

static void pack_line(struct text *out, const struct line *line)
{
	text_printf(out, "%u %d %d %d%c", line->depth, line->block, line->n_values,
		    line->value != NULL, 0);
	text_add(out, line->key, strlen(line->key) + 1);
	if (line->value)
		text_add(out, line->value, strlen(line->value) + 1);
}

static const char *config_reader_value_text(const oconfig_value_t *value, char *buffer, size_t size)
{
	switch (value->type) {
	case OCONFIG_TYPE_STRING:
		return value->value.string;
	case OCONFIG_TYPE_BOOLEAN:
		return value->value.boolean ? "true" : "false";
	default:
		snprintf(buffer, size, "%.15g", value->value.number);
		return buffer;
	}
}

/* An empty block has no children, and only its name distinguishes the block from an option. */
static bool is_block(const char *key, unsigned int depth)
{
	static const struct {
		const char *name;
		unsigned int depth;
	} blocks[] = { { "Http", 0 }, { "Monitor", 0 }, { "Feed", 0 }, { "Metric", 1 } };

	for (size_t i = 0; i < ARRAY_SIZE(blocks); i++)
		if (blocks[i].depth == depth && !strcasecmp(blocks[i].name, key))
			return true;
	return false;
}

/* Serializes the children of a block, but not the block itself. */
static void pack_children(struct text *out, const oconfig_item_t *item, unsigned int depth)
{
	for (int i = 0; i < item->children_num && depth < BLOCKS_MAX; i++) {
		const oconfig_item_t *child = &item->children[i];
		char buffer[64];
		struct line line = {
			.depth = depth,
			.block = child->children_num > 0 || is_block(child->key, depth),
			.n_values = child->values_num,
			.key = child->key,
		};

		if (child->values_num > 0)
			line.value =
				config_reader_value_text(&child->values[0], buffer, sizeof(buffer));
		pack_line(out, &line);
		pack_children(out, child, depth + 1);
	}
}

/* Returns the string at *at and advances *at, or returns NULL if no complete string is left. */
static const char *config_reader_next_word(const char **at, const char *end)
{
	const char *word = *at;
	const char *nul = word < end ? memchr(word, '\0', (size_t)(end - word)) : NULL;

	if (nul)
		*at = nul + 1;
	return nul ? word : NULL;
}

static bool unpack_line(const char *head, const char **at, const char *end, struct line *line)
{
	int block, has_value;

	if (sscanf(head, "%u %d %d %d", &line->depth, &block, &line->n_values, &has_value) != 4)
		return false;
	line->block = block;
	line->key = config_reader_next_word(at, end);
	line->value = has_value ? config_reader_next_word(at, end) : NULL;
	return line->depth < BLOCKS_MAX && line->key && (!has_value || line->value);
}

/* -- items to settings -- */

struct taking {
	struct settings_node nodes[BLOCKS_MAX + 1]; /* the open blocks */
	bool usable[BLOCKS_MAX + 1];
	unsigned int depth; /* of the innermost open block */
	const char *file;   /* source of the items; NULL if unknown */
	struct text *warnings;
	struct text mistakes;
	int r;
	bool complete;
};

static void add_words(const struct taking *taking, struct text *to, const struct error *err)
{
	text_printf(to, "%s%s%s\n", taking->file ? taking->file : "", taking->file ? ": " : "",
		    error_message(err));
}

/*
 * Collects all errors, so that one start reports all of them. An unknown option is only a warning.
 */
static void config_reader_judge(struct taking *taking, int r, const struct error *err)
{
	if (r == -ENOENT) {
		add_words(taking, taking->warnings, err);
	} else if (r < 0) {
		add_words(taking, &taking->mistakes, err);
		taking->r = r;
	}
}

static void close_blocks(struct taking *taking, unsigned int depth)
{
	for (; taking->depth > depth; taking->depth--) {
		_cleanup_error_ struct error err = {};

		if (taking->usable[taking->depth] && taking->r == 0)
			config_reader_judge(
				taking, settings_check(taking->nodes[taking->depth], &err), &err);
	}
}

static void take_line(struct taking *taking, const struct line *line)
{
	_cleanup_error_ struct error err = {};
	struct settings_node node;
	char label[128];
	int r;

	close_blocks(taking, line->depth);
	if (line->depth != taking->depth || !taking->usable[line->depth])
		return; /* inside an unknown or invalid block */
	node = taking->nodes[line->depth];
	if (line->block) {
		taking->depth++;
		r = settings_open(node, line->key, line->value, &taking->nodes[taking->depth],
				  &err);
		taking->usable[taking->depth] = r == 0;
	} else if (line->n_values != 1) {
		settings_label(node, label, sizeof(label));
		r = error_set(&err, -EINVAL, "%s: %s: expected one value, found %d", label,
			      line->key, line->n_values);
	} else {
		r = settings_set(node, line->key, line->value, &err);
	}
	config_reader_judge(taking, r, &err);
}

/* Returns false if the serialized items are malformed. */
static bool take_words(struct taking *taking, struct settings *settings, const char *at,
		       const char *end)
{
	const char *head;

	taking->nodes[0] = settings_root(settings);
	taking->usable[0] = true;
	while ((head = config_reader_next_word(&at, end))) {
		struct line line;

		if (*head == 'B') {
			close_blocks(taking, 0);
			taking->file = config_reader_next_word(&at, end);
			if (!taking->file)
				return false;
		} else if (*head == 'W') {
			const char *warnings = config_reader_next_word(&at, end);

			text_adds(taking->warnings, warnings ? warnings : "");
		} else if (*head == '.') {
			taking->complete = true;
		} else if (!unpack_line(head, &at, end, &line)) {
			return false;
		} else {
			take_line(taking, &line);
		}
	}
	close_blocks(taking, 0);
	return at == end;
}

static int taking_finish(struct taking *taking, struct error *err)
{
	if (taking->r < 0) {
		taking->mistakes.len--; /* the last newline */
		error_set(err, taking->r, "%s", text_str(&taking->mistakes));
	}
	text_release(&taking->mistakes);
	return taking->r;
}

int config_reader_take(struct settings *settings, const struct oconfig_item_s *item,
		       struct text *warnings, struct error *err)
{
	struct taking taking = { .warnings = warnings };
	_cleanup_text_ struct text lines = {};

	pack_children(&lines, item, 0);
	if (text_status(&lines) < 0 ||
	    !take_words(&taking, settings, lines.data, lines.data + lines.len)) {
		text_release(&taking.mistakes);
		return error_oom(err);
	}
	return taking_finish(&taking, err);
}

/* -- child process -- */

static void pack_block(void *data, const char *file, const struct oconfig_item_s *block)
{
	struct text *out = data;

	text_printf(out, "B%c", 0);
	text_add(out, file, strlen(file) + 1);
	pack_children(out, block, 0);
}

/* The parser may call exit(). Skip the exit handlers of collectd and its plugins in the child. */
static void leave_at_once(void)
{
	_exit(1);
}

/* Writes the serialized items to fd. Errors of the parser go to stderr. */
static void read_files(void *data, int fd)
{
	_cleanup_text_ struct text words = {};
	struct config_files files = { .take = pack_block, .data = &words, .plugin = PLUGIN };
	struct error err = {};
	int r;

	(void)data;
	if (atexit(leave_at_once) != 0 || chdir(place.dir) < 0)
		return;
	r = config_files_read(&files, place.file, &err);
	if (r == 0)
		text_printf(&words, "W%c%s%c.%c", 0, text_str(&files.warnings), 0, 0);
	else if (r != -EBADMSG)
		fprintf(stderr, "%s\n", error_message(&err));
	if (text_status(&words) == 0)
		file_write_fd(fd, words.data, words.len);
}

/* -- parent process -- */

/* Copies the parser's messages, without those that carry no information. */
static void clean(struct text *said, struct text *out)
{
	for (const char *line = text_str(said); *line;) {
		size_t len = strcspn(line, "\n");

		if (len && strncmp(line, "yyparse returned", 16) != 0)
			text_printf(out, "%s%.*s", out->len ? "\n" : "", (int)len, line);
		line += len + (line[len] == '\n');
	}
}

/*
 * The child has only a copy of this thread. A lock that another thread held at the fork, in the
 * allocator or the loader, is never released in the child, and the child may hang. A child that
 * times out is therefore tried once more.
 */
static int read_words(struct text *words, struct text *said, struct error *err)
{
	static const int tries[] = { 2, CONFIG_SECONDS_MAX - 2 };
	int r = -ETIMEDOUT;

	for (size_t i = 0; r == -ETIMEDOUT && i < ARRAY_SIZE(tries); i++)
		r = child_gather(read_files, NULL, tries[i], words, said);
	if (r == -ETIMEDOUT)
		return error_set(err, r, "%s: reading it took more than %d s", place.file,
				 CONFIG_SECONDS_MAX);
	if (r < 0)
		return error_set(err, r, "%s: %s", place.file, strerror(-r));
	return 0;
}

int config_reader_read(struct settings *ret, struct text *warnings, struct error *err)
{
	_cleanup_(settings_release) struct settings settings = {};
	_cleanup_text_ struct text words = {}, said = {}, complaints = {};
	struct taking taking = { .warnings = warnings };
	int r = settings_init(&settings, err);

	if (r == 0)
		r = read_words(&words, &said, err);
	if (r < 0)
		return r;
	clean(&said, &complaints);
	if (!take_words(&taking, &settings, words.data, words.data + words.len) ||
	    !taking.complete) {
		text_release(&taking.mistakes);
		return error_set(err, -EINVAL, "%s",
				 complaints.len ? text_str(&complaints) : "it cannot be read");
	}
	if (complaints.len)
		text_printf(warnings, "%s\n", text_str(&complaints));
	r = taking_finish(&taking, err);
	if (r < 0)
		return r;
	*ret = settings;
	settings = (struct settings){};
	return 0;
}
