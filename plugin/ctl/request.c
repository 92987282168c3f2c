/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/request.h"
#include "base/json_writer.h"
#include "ctl/client.h"
#include "ctl/table.h"
#include "serve/verb.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#define COLUMNS_MAX 5

/* The output of a verb. The lines of a verb that is missing here are messages. */
static const struct answer_format {
	const char *verb;
	bool document; /* the answer is a document, which is printed as received */
	bool table;    /* print a table; otherwise print the lines. JSON has columns in any case */
	bool from_right; /* the first column may contain separators, else the last column */
	bool names;	 /* cells are names of arbitrary bytes; otherwise valid UTF-8 */
	bool members;	 /* JSON: each line is a member name:value; otherwise an object */
	char separator;
	int number; /* index of the numeric column; -1: none */
	const char *columns[COLUMNS_MAX + 1];
} formats[] = {
	{ "HELP", .document = true },
	{ "METRICS", .document = true },
	{ "OPENMETRICS", .document = true },
	{ "SHOW", .document = true },
	{ "LIST", .table = true, .names = true, .separator = '\t', .number = -1,
	  .columns = { "name", "state", "hook", "interfaces", "dataplane" } },
	{ "LISTVAL", .separator = ' ', .columns = { "time", "identifier" } },
	{ "GETVAL", .from_right = true, .members = true, .separator = '=', .number = 1,
	  .columns = { "name", "value" } },
	{ "STATS", .from_right = true, .members = true, .separator = ' ', .number = 1,
	  .columns = { "name", "value" } },
};

static const struct answer_format *format_find(const char *line)
{
	static const struct answer_format messages = { .number = -1 };
	size_t len = strcspn(line, " ");

	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		if (strlen(formats[i].verb) == len && !strncasecmp(formats[i].verb, line, len))
			return &formats[i];
	return &messages;
}

/* Splits a line in place. */
static void split_columns(const struct answer_format *format, char *line,
			  const char *columns[COLUMNS_MAX])
{
	for (size_t i = 0; format->columns[i]; i++) {
		char *end = !format->columns[i + 1] ? NULL
			    : format->from_right    ? strrchr(line, format->separator)
						    : strchr(line, format->separator);

		columns[i] = line;
		line = end ? end + 1 : line + strlen(line);
		if (end)
			*end = '\0';
	}
}

static int print_table(const struct answer_format *format, struct text *lines, struct error *err)
{
	_cleanup_(table_release) struct table table = { .header = true };
	char *rest = (char *)text_str(lines), *line;

	if (!lines->len) {
		puts("no monitors");
		return 0;
	}
	for (; format->columns[table.columns]; table.columns++)
		table_add(&table, format->columns[table.columns]);
	while ((line = strsep(&rest, "\n")) && *line) {
		const char *columns[COLUMNS_MAX];

		split_columns(format, line, columns);
		for (size_t i = 0; i < table.columns; i++)
			table_add(&table, columns[i]);
	}
	return table_print(&table, stdout, err);
}

/* The number is copied, so that it keeps its form. */
static void put_number(struct json_writer *json, const char *cell)
{
	char *end;
	double value = strtod(cell, &end);

	text_adds(json_value(json),
		  end == cell || *end || !isfinite(value) ? "null" : cell + strspn(cell, " "));
}

static void print_json(const struct answer_format *format, struct text *lines, struct text *status)
{
	_cleanup_text_ struct text out = {};
	struct json_writer json = { .out = &out };
	bool messages = !format->columns[0], object = messages || format->members;
	char *rest = (char *)text_str(lines), *line;

	(object ? json_object_begin : json_array_begin)(&json);
	if (messages) {
		json_key(&json, "messages");
		json_array_begin(&json);
		if (!lines->len)
			json_put_string(&json, text_str(status));
	}
	while ((line = strsep(&rest, "\n")) && *line) {
		const char *columns[COLUMNS_MAX];

		split_columns(format, line, columns);
		if (messages) {
			json_put_string(&json, line);
		} else if (format->members) {
			json_key(&json, columns[0]);
			put_number(&json, columns[1]);
		} else {
			json_object_begin(&json);
			for (int i = 0; format->columns[i]; i++) {
				json_key(&json, format->columns[i]);
				if (i == format->number)
					put_number(&json, columns[i]);
				else if (format->names)
					json_put_name(&json, columns[i]);
				else
					json_put_string(&json, columns[i]);
			}
			json_object_end(&json);
		}
	}
	if (messages)
		json_array_end(&json);
	(object ? json_object_end : json_array_end)(&json);
	puts(text_str(&out));
}

/* Prints a line as it arrives, because it can be long. Returns 1 for "# EOF", 0, or -errno. */
static int print_line(struct client *client, struct error *err)
{
	static const char mark[] = "# EOF\n";
	size_t done = 0;
	bool same = true;
	int r;

	do {
		const char *part;
		size_t n;

		r = client_read_part(client, &part, &n, err);
		if (r < 0)
			return r;
		same = same && done + n < sizeof(mark) && !memcmp(mark + done, part, n);
		done += n;
		fwrite(part, 1, n, stdout);
	} while (r == 0);
	return same;
}

static int print_as_received(const char *socket_file, const char *line, struct error *err)
{
	_cleanup_(client_close) struct client client = { .fd = -1 };
	_cleanup_text_ struct text status = {};
	int64_t n = client_request(&client, socket_file, line, NULL, &status, err);
	bool until_eof;
	int r = 0;

	if (n < 0)
		return (int)n;
	until_eof = !strcmp(text_str(&status), ANSWER_UNTIL_EOF);
	for (int64_t i = 0; until_eof ? r == 0 : i < n; i++) {
		r = print_line(&client, err);
		if (r < 0)
			return r;
	}
	/* The lines of INJECT are warnings. The status is the result. */
	if (!until_eof && (n == 0 || !strncmp(line, "INJECT", 6)))
		puts(text_str(&status));
	return 0;
}

int request_print(const struct options *options, const char *line, struct error *err)
{
	const struct answer_format *format = format_find(line);
	_cleanup_text_ struct text lines = {}, status = {};
	int r;

	if (options->json ? format->document : !format->table)
		return print_as_received(options->socket_file, line, err);
	r = client_lines(options->socket_file, line, NULL, &lines, &status, err);
	if (r == 0 && !options->json)
		r = print_table(format, &lines, err);
	else if (r == 0)
		print_json(format, &lines, &status);
	return r;
}
