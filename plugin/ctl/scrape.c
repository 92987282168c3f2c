/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/scrape.h"
#include "ctl/client.h"
#include "serve/command.h"

#include <errno.h>
#include <string.h>

#define LINE_MAX_BYTES (1024 * 1024)

static void take_type(struct scrape *scrape, const char *words)
{
	const char *type = strchr(words, ' ');

	text_clear(&scrape->family);
	text_clear(&scrape->type);
	if (!type)
		return;
	text_add(&scrape->family, words, (size_t)(type - words));
	text_adds(&scrape->type, type + 1);
}

size_t series_name_len(const char *series)
{
	return strcspn(series, "{ ");
}

bool series_label(const char **at, const char **name, size_t *name_len, struct text *value)
{
	const char *s = *at + strspn(*at, "{,");

	*name = s;
	*name_len = strcspn(s, "={}, ");
	text_clear(value);
	if (!*name_len || s[*name_len] != '=' || s[*name_len + 1] != '"')
		return false;
	for (s += *name_len + 2; *s && *s != '"'; s++) {
		bool escaped = *s == '\\' && s[1];

		s += escaped;
		text_addc(value, escaped && *s == 'n' ? '\n' : *s);
	}
	*at = *s ? s + 1 : s;
	return true;
}

/* Returns the end of a series after its labels. Label values may contain braces and blanks. */
static char *end_of_series(char *line)
{
	char *at = line + series_name_len(line);
	bool quoted = false;

	if (*at != '{')
		return at;
	for (at++; *at && (quoted || *at != '}'); at++) {
		if (*at == '\\' && quoted && at[1])
			at++;
		else if (*at == '"')
			quoted = !quoted;
	}
	return *at ? at + 1 : at;
}

static bool has_end(const char *name, size_t len, const char *end)
{
	size_t n = strlen(end);

	return len > n && !strncmp(name + len - n, end, n);
}

/* Returns true if the sample increases, so that a rate makes sense. A quantile does not. */
static bool is_counting(struct scrape *scrape, const struct sample *sample)
{
	const char *type = text_str(&scrape->type);

	if (!strcmp(type, "counter"))
		return has_end(sample->series, sample->name_len, "_total");
	return (!strcmp(type, "histogram") || !strcmp(type, "summary")) &&
	       (has_end(sample->series, sample->name_len, "_count") ||
		has_end(sample->series, sample->name_len, "_sum") ||
		has_end(sample->series, sample->name_len, "_bucket"));
}

int scrape_line(struct scrape *scrape, char *line, struct sample *ret, struct error *err)
{
	char *end, *number_end;

	if (!strncmp(line, "# ", 2)) {
		if (!strncmp(line + 2, "TYPE ", 5))
			take_type(scrape, line + 7);
		scrape->ended = scrape->ended || !strcmp(line + 2, "EOF");
		return 0;
	}
	end = end_of_series(line);
	*ret = (struct sample){ .series = line, .name_len = series_name_len(line) };
	if (!ret->name_len || *end != ' ')
		return error_set(err, -EPROTO, "no OpenMetrics text of the plugin: \"%.60s\"",
				 line);
	*end = '\0';
	ret->value = strtod(end + 1, &number_end);
	if (number_end == end + 1 || (*number_end && *number_end != ' '))
		return error_set(err, -EPROTO, "series %.200s: no number: \"%.60s\"", line,
				 end + 1);
	ret->family = text_str(&scrape->family);
	ret->counts = is_counting(scrape, ret);
	return 1;
}

void scrape_release(struct scrape *scrape)
{
	text_release(&scrape->family);
	text_release(&scrape->type);
}

static void take_part(void *data, const char *part, size_t len)
{
	struct text *line = data;

	if (line->len + len <= LINE_MAX_BYTES)
		text_add(line, part, len);
}

static int read_line(const struct reading *reading, struct client *client, struct scrape *scrape,
		     struct text *line, struct error *err)
{
	struct sample sample;
	int r;

	text_clear(line);
	r = client_read_line(client, take_part, line, err);
	if (r < 0)
		return r;
	if (text_status(line) < 0)
		return error_oom(err);
	if (line->len)
		line->len--; /* the newline */
	r = scrape_line(scrape, (char *)text_str(line), &sample, err);
	if (r > 0)
		reading->take(reading->data, &sample);
	else if (r == 0 && reading->family && !strncmp(text_str(line), "# TYPE ", 7))
		reading->family(reading->data, text_str(&scrape->family));
	return r < 0 ? r : 0;
}

int reading_run(const struct reading *reading, struct error *err)
{
	_cleanup_(client_close) struct client client = { .fd = -1 };
	_cleanup_(scrape_release) struct scrape scrape = {};
	_cleanup_text_ struct text request = {}, status = {}, line = {};
	int r = client_open(&client, reading->socket_file, err);

	if (r < 0)
		return r;
	command_quote(&request, "OPENMETRICS");
	if (reading->monitor)
		command_quote(&request, reading->monitor);
	if (client_request(&client, text_str(&request), NULL, &status, err) < 0)
		return err->code;
	while (r == 0 && !scrape.ended)
		r = read_line(reading, &client, &scrape, &line, err);
	return r;
}
