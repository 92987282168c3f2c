/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/scrape.h"
#include "ctl/client.h"
#include "serve/command.h"

#include <errno.h>
#include <string.h>

#define LINE_MAX_BYTES (1024 * 1024)

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
static char *series_end(char *line)
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

bool sample_has_suffix(const struct sample *sample, const char *suffix)
{
	size_t n = strlen(suffix);

	return sample->name_len > n && !strncmp(sample->series + sample->name_len - n, suffix, n);
}

/* Returns true if the sample increases, so that it has a rate. A quantile does not. */
static bool is_counter(const char *type, const struct sample *sample)
{
	if (!strcmp(type, "counter"))
		return sample_has_suffix(sample, "_total");
	return (!strcmp(type, "histogram") || !strcmp(type, "summary")) &&
	       (sample_has_suffix(sample, "_count") || sample_has_suffix(sample, "_sum") ||
		sample_has_suffix(sample, "_bucket"));
}

int scrape_line(struct scrape *scrape, char *line, struct sample *ret, struct error *err)
{
	char *end, *number_end;

	if (!strncmp(line, "# ", 2)) {
		if (!strncmp(line + 2, "TYPE ", 5)) {
			const char *family = line + 7, *type = strchr(family, ' ');

			text_clear(&scrape->family);
			text_clear(&scrape->type);
			text_add(&scrape->family, family, type ? (size_t)(type - family) : 0);
			text_adds(&scrape->type, type ? type + 1 : "");
		}
		scrape->ended = scrape->ended || !strcmp(line + 2, "EOF");
		return 0;
	}
	end = series_end(line);
	*ret = (struct sample){ .series = line, .name_len = series_name_len(line) };
	if (!ret->name_len || *end != ' ')
		return error_set(err, -EPROTO, "not OpenMetrics text of the plugin: \"%.60s\"",
				 line);
	*end = '\0';
	ret->value = strtod(end + 1, &number_end);
	if (number_end == end + 1 || (*number_end && *number_end != ' '))
		return error_set(err, -EPROTO, "series %.200s: expected a number, found \"%.60s\"",
				 line, end + 1);
	ret->family = text_str(&scrape->family);
	ret->counter = is_counter(text_str(&scrape->type), ret);
	return 1;
}

void scrape_release(struct scrape *scrape)
{
	text_release(&scrape->family);
	text_release(&scrape->type);
}

int scrape_run(const char *socket_file, const char *monitor, const struct scrape_handler *handler,
	       struct error *err)
{
	_cleanup_(client_close) struct client client = { .fd = -1 };
	_cleanup_(scrape_release) struct scrape scrape = {};
	_cleanup_text_ struct text request = {}, status = {}, line = {};
	int r;

	command_quote(&request, "OPENMETRICS");
	if (monitor)
		command_quote(&request, monitor);
	if (client_request(&client, socket_file, text_str(&request), NULL, &status, err) < 0)
		return err->code;
	while (!scrape.ended) {
		struct sample sample;

		text_clear(&line);
		r = client_read_line(&client, LINE_MAX_BYTES, &line, err);
		if (r == 0)
			r = scrape_line(&scrape, (char *)text_str(&line), &sample, err);
		if (r < 0)
			return r;
		if (r > 0 && handler->sample)
			handler->sample(handler->data, &sample);
		else if (r == 0 && handler->family && !strncmp(text_str(&line), "# TYPE ", 7))
			handler->family(handler->data, text_str(&scrape.family));
	}
	return 0;
}
