/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/ask.h"
#include "ctl/client.h"
#include "ctl/table.h"
#include "serve/verb.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <strings.h>

#define COLUMNS_MAX 5

/* Verbs whose lines have columns. */
static const struct shape {
	const char *verb;
	const char *columns[COLUMNS_MAX + 1];
	char separator;
	bool from_right; /* the first column may contain separators, else the last column */
	bool table;	 /* print a table for people; otherwise print the lines */
	bool names;	 /* cells are names of arbitrary bytes; otherwise valid UTF-8 */
	bool members;	 /* JSON: each line is a member name:value; otherwise an object */
	int number;	 /* index of the numeric column; -1: none */
	const char *none;
} shapes[] = {
	{ "LIST",
	  { "name", "state", "hook", "interfaces", "dataplane" },
	  '\t',
	  .table = true,
	  .names = true,
	  .number = -1,
	  .none = "no monitors" },
	{ "LISTVAL", { "time", "identifier" }, ' ', .number = 0 },
	{ "GETVAL", { "name", "value" }, '=', .from_right = true, .members = true, .number = 1 },
	{ "STATS", { "name", "value" }, ' ', .from_right = true, .members = true, .number = 1 },
};

static const struct shape *find_shape(const char *line)
{
	size_t len = strcspn(line, " ");

	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++)
		if (strlen(shapes[i].verb) == len && !strncasecmp(shapes[i].verb, line, len))
			return &shapes[i];
	return NULL;
}

/* Splits a line in place. */
static void split(const struct shape *shape, char *line, const char *columns[COLUMNS_MAX])
{
	for (size_t i = 0; shape->columns[i]; i++) {
		char *end = !shape->columns[i + 1] ? NULL
			    : shape->from_right	   ? strrchr(line, shape->separator)
						   : strchr(line, shape->separator);

		columns[i] = line;
		line = end ? end + 1 : line + strlen(line);
		if (end)
			*end = '\0';
	}
}

static void add_json(struct text *out, const char *cell, bool number)
{
	char *end;
	double value = strtod(cell, &end);

	if (!number)
		text_json(out, cell, strlen(cell));
	else if (end == cell || *end || !isfinite(value))
		text_adds(out, "null");
	else
		text_adds(out, cell + strspn(cell, " "));
}

static void add_object(struct text *out, const struct shape *shape,
		       const char *columns[COLUMNS_MAX])
{
	text_addc(out, '{');
	for (int i = 0; shape->columns[i]; i++) {
		text_printf(out, "%s\"%s\":", i ? "," : "", shape->columns[i]);
		if (shape->names)
			text_json_name(out, columns[i]);
		else
			add_json(out, columns[i], i == shape->number);
	}
	text_addc(out, '}');
}

static int ask_print_json(const struct shape *shape, struct text *lines)
{
	_cleanup_text_ struct text out = {};
	char *rest = (char *)text_str(lines), *line;
	size_t n = 0;

	while ((line = strsep(&rest, "\n")) && *line) {
		const char *columns[COLUMNS_MAX];

		split(shape, line, columns);
		text_adds(&out, n++ ? "," : "");
		if (shape->members) {
			add_json(&out, columns[0], false);
			text_addc(&out, ':');
			add_json(&out, columns[1], true);
		} else {
			add_object(&out, shape, columns);
		}
	}
	printf(shape->members ? "{%s}\n" : "[%s]\n", text_str(&out));
	return 0;
}

/* Prints the lines, or the status if there are no lines, as JSON messages. */
static void print_messages(struct text *lines, struct text *status)
{
	_cleanup_text_ struct text out = {};
	char *rest = (char *)text_str(lines), *line;

	if (!lines->len)
		text_json(&out, text_str(status), status->len);
	while ((line = strsep(&rest, "\n")) && *line) {
		text_adds(&out, out.len ? "," : "");
		text_json(&out, line, strlen(line));
	}
	printf("{\"messages\":[%s]}\n", text_str(&out));
}

static int print_table(const struct shape *shape, struct text *lines, struct error *err)
{
	_cleanup_(table_release) struct table table = { .header = true };
	char *rest = (char *)text_str(lines), *line;

	if (!lines->len) {
		puts(shape->none);
		return 0;
	}
	for (; shape->columns[table.columns]; table.columns++)
		table_add(&table, shape->columns[table.columns]);
	while ((line = strsep(&rest, "\n")) && *line) {
		const char *columns[COLUMNS_MAX];

		split(shape, line, columns);
		for (size_t i = 0; i < table.columns; i++)
			table_add(&table, columns[i]);
	}
	return table_print(&table, stdout, err);
}

/* Detects the line "# EOF" in input that arrives in parts. */
struct eof {
	size_t matched; /* matching bytes of the current line; more than the length: no match */
	bool seen;
};

static void take_to_stdout(void *data, const char *part, size_t len)
{
	static const char mark[] = "# EOF\n";
	struct eof *eof = data;

	for (size_t i = 0; i < len && eof->matched < sizeof(mark); i++) {
		bool same = eof->matched < sizeof(mark) - 1 && part[i] == mark[eof->matched];

		eof->matched = same ? eof->matched + 1 : sizeof(mark);
	}
	eof->seen = eof->matched == sizeof(mark) - 1;
	if (part[len - 1] == '\n')
		eof->matched = 0;
	fwrite(part, 1, len, stdout);
}

static int ask_and_print(const struct options *options, const char *line, struct error *err)
{
	_cleanup_text_ struct text status = {};
	_cleanup_(client_close) struct client client = { .fd = -1 };
	struct eof eof = {};
	bool until_eof;
	int64_t n;

	if (client_open(&client, options->socket_file, err) < 0)
		return err->code;
	n = client_request(&client, line, NULL, &status, err);
	if (n < 0)
		return err->code;
	until_eof = !strcmp(text_str(&status), ANSWER_UNTIL_EOF);
	for (int64_t i = 0; until_eof ? !eof.seen : i < n; i++)
		if (client_read_line(&client, take_to_stdout, &eof, err) < 0)
			return err->code;
	/* The lines are warnings. The status is the result. */
	if (!until_eof && (n == 0 || !strncmp(line, "INJECT", 6)))
		puts(text_str(&status));
	return 0;
}

/* Returns true if the verb prints a document such as JSON and no messages. */
static bool is_document(const char *line)
{
	static const char *const names[] = { "HELP", "METRICS", "OPENMETRICS", "SHOW" };
	size_t len = strcspn(line, " ");

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strlen(names[i]) == len && !strncasecmp(names[i], line, len))
			return true;
	return false;
}

int ask(const struct options *options, const char *line)
{
	const struct shape *shape = find_shape(line);
	_cleanup_text_ struct text lines = {}, status = {};
	_cleanup_error_ struct error err = {};
	int r;

	if (options->json ? is_document(line) : !shape || !shape->table)
		return ask_and_print(options, line, &err) < 0 ? report(&err) : 0;
	r = ask_lines(options, line, NULL, &lines, &status, &err);
	if (r == 0 && !shape)
		print_messages(&lines, &status);
	else if (r == 0)
		r = options->json ? ask_print_json(shape, &lines)
				  : print_table(shape, &lines, &err);
	return r < 0 ? report(&err) : 0;
}

static void take_to_text(void *data, const char *part, size_t len)
{
	text_add(data, part, len);
}

int ask_lines(const struct options *options, const char *line, const struct text *payload,
	      struct text *lines, struct text *status, struct error *err)
{
	_cleanup_(client_close) struct client client = { .fd = -1 };
	int64_t n;

	if (client_open(&client, options->socket_file, err) < 0)
		return err->code;
	n = client_request(&client, line, payload, status, err);
	for (int64_t i = 0; i < n; i++)
		if (client_read_line(&client, take_to_text, lines, err) < 0)
			return err->code;
	if (n < 0)
		return err->code;
	return text_status(lines) < 0 || text_status(status) < 0 ? error_oom(err) : 0;
}
