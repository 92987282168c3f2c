/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/inject.h"
#include "base/file.h"
#include "base/image.h"
#include "ctl/ask.h"
#include "ctl/table.h"
#include "dataplane/document.h"
#include "serve/command.h"

#include <ctype.h>
#include <errno.h>
#include <json-c/json.h>
#include <libgen.h>
#include <string.h>

#define PHASE_LINES 5	/* number of last lines of an answer with phases=true */
#define WAIT	    "1" /* default of --wait in seconds */

/*
 * Replaces path[from], a file name, by path[to], the contents of the file. Returns 1; 0 if there is
 * no such member; -errno.
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
	json_object_object_del(path, from);
	json_object_object_add(path, to,
			       json_object_new_string_len(contents->data, (int)contents->len));
	return 1;
}

static int inline_files(struct json_object *document, const char *dir, struct error *err)
{
	static const char *const paths[] = { "ingress-path", "egress-path" };
	int done = 0;

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		struct json_object *path = json_object_object_get(document, paths[i]);
		int code, object;

		if (!json_object_is_type(path, json_type_object))
			continue;
		code = inline_file(path, "code-file", "code", false, dir, err);
		object = code < 0 ? code
				  : inline_file(path, "object", "object-data", true, dir, err);
		if (object < 0)
			return error_prefix(err, object, "%s", paths[i]);
		done += code + object;
	}
	return done;
}

int inject_read(const char *file, struct text *out, struct error *err)
{
	_cleanup_free_ char *copy = strdup(file);
	struct json_object *document;
	int r;

	if (!copy)
		return error_oom(err);
	r = document_read(NULL, file, false, out, err);
	if (r < 0 || image_is_elf(out->data, out->len))
		return r;
	document = json_tokener_parse(text_str(out));
	r = json_object_is_type(document, json_type_object)
		    ? inline_files(document, dirname(copy), err)
		    : 0;
	if (r > 0) {
		text_clear(out);
		text_adds(out,
			  json_object_to_json_string_ext(document, JSON_C_TO_STRING_NOSLASHESCAPE));
		r = text_status(out) < 0 ? error_oom(err) : 0;
	}
	json_object_put(document);
	return r < 0 ? r : 0;
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

static int print_phases(char *phases, struct error *err)
{
	_cleanup_(table_release) struct table table = { .columns = 2 };
	char *line;

	while ((line = strsep(&phases, "\n")) && *line) {
		char *outcome = strchr(line, ' ');

		if (!outcome)
			continue;
		*outcome++ = '\0';
		table_add(&table, strcmp(line, "first-packet") ? line : "first packet");
		if (isdigit((unsigned char)*outcome))
			table_printf(&table, "%8.1f ms", strtod(outcome, NULL) * 1e3);
		else
			table_add(&table, outcome);
	}
	return table_print(&table, stdout, err);
}

/* {"parse":0.000151,...,"first-packet":"none within 1 s"} */
static void add_phases(struct text *out, char *phases)
{
	const char *separator = "";
	char *line;

	while ((line = strsep(&phases, "\n")) && *line) {
		char *outcome = strchr(line, ' ');

		if (!outcome)
			continue;
		*outcome++ = '\0';
		text_adds(out, separator);
		text_json(out, line, strlen(line));
		text_addc(out, ':');
		if (isdigit((unsigned char)*outcome))
			text_adds(out, outcome);
		else
			text_json(out, outcome, strlen(outcome));
		separator = ",";
	}
}

static void inject_print_json(const char *monitor, struct text *lines, char *phases)
{
	_cleanup_text_ struct text out = {};
	const char *separator = "";
	char *rest, *line;

	text_adds(&out, "{\"monitor\":");
	text_json(&out, monitor, strlen(monitor));
	text_adds(&out, ",\"phases\":{");
	add_phases(&out, phases);
	text_adds(&out, "},\"messages\":[");
	*phases = '\0'; /* the end of the messages */
	rest = lines->len ? lines->data : NULL;
	while ((line = strsep(&rest, "\n")) && line < phases) {
		text_adds(&out, separator);
		text_json(&out, line, strlen(line));
		separator = ",";
	}
	text_adds(&out, "]}");
	puts(text_str(&out));
}

static int send_and_tell(const struct options *options, const char *monitor, struct text *line,
			 const struct text *document)
{
	bool phases = options->json || options->verbose || options->wait || isatty(STDOUT_FILENO);
	_cleanup_text_ struct text lines = {}, status = {};
	_cleanup_error_ struct error err = {};
	char *told = NULL;
	int r;

	if (phases)
		text_printf(line, " phases=true wait=%s",
			    options->wait   ? options->wait
			    : options->json ? "0"
					    : WAIT);
	r = ask_lines(options, text_str(line), document, &lines, &status, &err);
	if (r < 0)
		return report(&err);
	if (phases)
		told = cut_phases(&lines);
	if (told && options->json) {
		inject_print_json(monitor, &lines, told);
		return 0;
	}
	if (lines.len)
		fwrite(lines.data, 1, lines.len, stdout);
	if (told && print_phases(told, &err) < 0)
		return report(&err);
	puts(text_str(&status));
	return 0;
}

int inject_run(const struct options *options, char **words, size_t n)
{
	_cleanup_error_ struct error err = {};
	_cleanup_text_ struct text line = {}, document = {};
	bool interface = false, remote = false;

	/* The plugin itself reads files below its DataplaneDir. */
	for (size_t i = 1; i < n; i++)
		remote = remote || !strncmp(words[i], "file=", 5);
	if (n < 2)
		return usage(INJECT_USAGE);
	command_quote(&line, "INJECT");
	command_quote(&line, words[0]);
	for (size_t i = 1; i < n - !remote; i++) {
		_cleanup_text_ struct text word = {};

		if (!strchr(words[i], '=')) {
			if (interface)
				return usage(INJECT_USAGE);
			interface = true;
			text_adds(&word, "interface=");
		}
		text_adds(&word, words[i]);
		command_quote(&line, text_str(&word));
	}
	if (remote)
		return send_and_tell(options, words[0], &line, NULL);
	if (inject_read(words[n - 1], &document, &err) < 0)
		return report(&err);
	if (!document.len) {
		error_set(&err, -EINVAL, "%s: the file is empty", words[n - 1]);
		return report(&err);
	}
	text_printf(&line, " bytes=%zu", document.len);
	return send_and_tell(options, words[0], &line, &document);
}
