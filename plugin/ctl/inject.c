/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dynmonctl inject: send a document with the files that it names, and print the result. */
#include "base/file.h"
#include "base/image.h"
#include "base/json_writer.h"
#include "ctl/client.h"
#include "ctl/subcommand.h"
#include "ctl/table.h"
#include "serve/command.h"

#include <ctype.h>
#include <errno.h>
#include <json-c/json.h>
#include <libgen.h>
#include <string.h>

#define PHASE_LINES 5 /* number of last lines of an answer with phases=true */

DEFINE_CLEANUP(struct json_object *, json_object_put);

/*
 * Replaces path[from], a file name, by path[to], the contents of the file. Returns 1; 0 if there is
 * no such member; -errno. The name of C source stays in the member code-name, for diagnostics.
 */
static int inline_file(struct json_object *path, const char *from, const char *to, bool binary,
		       const char *dir, struct error *err)
{
	_cleanup_text_ struct text bytes = {}, encoded = {};
	const struct text *contents = binary ? &encoded : &bytes;
	struct json_object *name = json_object_object_get(path, from);
	int r;

	if (!json_object_is_type(name, json_type_string))
		return 0;
	r = file_read(dir, json_object_get_string(name), false, binary ? OBJECT_MAX : CODE_MAX,
		      &bytes, err);
	if (r < 0)
		return error_prefix(err, r, "%s", from);
	if (binary)
		base64_encode(bytes.data, bytes.len, &encoded);
	if (text_status(contents) < 0)
		return error_oom(err);
	if (!binary && !json_object_object_get(path, "code-name"))
		json_object_object_add(path, "code-name", json_object_get(name));
	json_object_object_del(path, from);
	json_object_object_add(path, to,
			       json_object_new_string_len(contents->data, (int)contents->len));
	return 1;
}

/* Replaces the names of files in a direction. Returns the number of replaced names, or -errno. */
static int inline_files(struct json_object *path, const char *dir, struct error *err)
{
	int code, object;

	if (!json_object_is_type(path, json_type_object))
		return 0;
	code = inline_file(path, "code-file", "code", false, dir, err);
	if (code < 0)
		return code;
	object = inline_file(path, "object", "object-data", true, dir, err);
	return object < 0 ? object : code + object;
}

/*
 * Reads a document, bundle, object or C source for the plugin. In a document the contents of the
 * files replace the members code-file and object, because the plugin may not be able to read these
 * files. Bundles, objects and malformed documents are not changed; the plugin reports errors.
 */
static int read_document_file(const char *file, struct text *out, struct error *err)
{
	_cleanup_(json_object_putp) struct json_object *document = NULL;
	_cleanup_free_ char *copy = strdup(file);
	const char *dir;
	int inlined, r;

	if (!copy)
		return error_oom(err);
	dir = dirname(copy);
	r = document_read(NULL, file, false, out, err);
	if (r < 0)
		return r;
	if (!out->len)
		return error_set(err, -EINVAL, "%s: the file is empty", file);
	if (image_is_elf(out->data, out->len))
		return 0;
	document = json_tokener_parse(text_str(out));
	inlined = inline_files(document, dir, err);
	if (inlined < 0)
		return inlined;
	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++) {
		const char *key = direction_key(direction);

		r = inline_files(json_object_object_get(document, key), dir, err);
		if (r < 0)
			return error_prefix(err, r, "%s", key);
		inlined += r;
	}
	if (!inlined)
		return 0;
	text_clear(out);
	text_adds(out, json_object_to_json_string_ext(document, JSON_C_TO_STRING_NOSLASHESCAPE));
	return text_status(out) < 0 ? error_oom(err) : 0;
}

/* Cuts the lines of phases off the end. Returns them, or NULL if there are too few lines. */
static char *cut_phases(struct text *lines)
{
	char *text = (char *)text_str(lines), *at = text + lines->len;

	for (int i = 0; i < PHASE_LINES; i++) {
		if (at == text)
			return NULL;
		for (at--; at > text && at[-1] != '\n'; at--)
			;
	}
	lines->len = (size_t)(at - text);
	return at;
}

/*
 * Splits the next phase into its name and its outcome, the duration in seconds or words. Returns
 * false at the end.
 */
static bool next_phase(char **phases, const char **name, const char **outcome)
{
	char *line = strsep(phases, "\n"), *blank = line ? strchr(line, ' ') : NULL;

	if (!blank)
		return false;
	*blank = '\0';
	*name = line;
	*outcome = blank + 1;
	return true;
}

static int print_phases(char *phases, struct error *err)
{
	_cleanup_(table_release) struct table table = { .columns = 2 };
	const char *name, *outcome;

	while (next_phase(&phases, &name, &outcome)) {
		table_add(&table, strcmp(name, "first-packet") ? name : "first packet");
		if (isdigit((unsigned char)*outcome))
			table_printf(&table, "%8.1f ms", strtod(outcome, NULL) * 1e3);
		else
			table_add(&table, outcome);
	}
	return table_print(&table, stdout, err);
}

/* {"monitor":"edge","phases":{"parse":0.000151,...,"first-packet":"none within 1 s"},"messages":[]}
 */
static void print_phases_json(const char *monitor, char *lines, char *phases)
{
	_cleanup_text_ struct text out = {};
	struct json_writer json = { .out = &out };
	const char *name, *outcome;
	char *line, *end = phases;

	json_object_begin(&json);
	json_member_string(&json, "monitor", monitor);
	json_key(&json, "phases");
	json_object_begin(&json);
	while (next_phase(&phases, &name, &outcome)) {
		json_key(&json, name);
		if (isdigit((unsigned char)*outcome))
			text_adds(json_value(&json), outcome);
		else
			json_put_string(&json, outcome);
	}
	json_object_end(&json);
	json_key(&json, "messages");
	json_array_begin(&json);
	while (lines < end && (line = strsep(&lines, "\n")))
		json_put_string(&json, line);
	json_array_end(&json);
	json_object_end(&json);
	puts(text_str(&out));
}

int ctl_inject(const struct options *options, char **words, size_t n, struct error *err)
{
	_cleanup_text_ struct text line = {}, document = {}, lines = {}, status = {};
	bool print = options->json || options->verbose || options->wait || isatty(STDOUT_FILENO);
	bool interface = false, remote = false;
	char *phases = NULL;
	int r;

	/* The plugin itself reads files below its DataplaneDir. */
	for (size_t i = 1; i < n; i++)
		remote = remote || !strncmp(words[i], "file=", 5);
	command_quote(&line, "INJECT");
	command_quote(&line, words[0]);
	for (size_t i = 1; i < n - !remote; i++) {
		_cleanup_text_ struct text word = {};

		if (!strchr(words[i], '=')) {
			if (interface)
				return EXIT_USAGE;
			interface = true;
			text_adds(&word, "interface=");
		}
		text_adds(&word, words[i]);
		command_quote(&line, text_str(&word));
	}
	if (!remote) {
		r = read_document_file(words[n - 1], &document, err);
		if (r < 0)
			return r;
		text_printf(&line, " bytes=%zu", document.len);
	}
	if (print)
		text_printf(&line, " phases=true wait=%s",
			    options->wait   ? options->wait
			    : options->json ? "0"
					    : "1");
	r = client_lines(options->socket_file, text_str(&line), remote ? NULL : &document, &lines,
			 &status, err);
	if (r < 0)
		return r;
	if (print)
		phases = cut_phases(&lines);
	if (phases && options->json) {
		print_phases_json(words[0], lines.data, phases);
		return 0;
	}
	if (lines.len)
		fwrite(lines.data, 1, lines.len, stdout);
	r = phases ? print_phases(phases, err) : 0;
	if (r == 0)
		puts(text_str(&status));
	return r;
}
