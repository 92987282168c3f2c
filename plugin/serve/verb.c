/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve/verb.h"
#include "export/json.h"
#include "export/openmetrics.h"
#include "export/self_metrics.h"
#include "export/status.h"
#include "serve/flush.h"
#include "serve/inject.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

void answer_release(struct answer *answer)
{
	text_release(&answer->status);
	text_release(&answer->lines);
	answer->stream = stream_free(answer->stream);
}

/* For a verb without options, each word is positional, even with a "=". */
static bool is_positional(const struct verb *verb, const char *word)
{
	return !verb->options || !strchr(word, '=');
}

/* Returns positional word n after the verb, counted from 0, or NULL. */
static const char *positional(const struct request *request, size_t n)
{
	const struct command *command = request->command;

	return n + 1 < command->n &&
			       is_positional(verb_find(command->words[0]), command->words[n + 1])
		       ? command->words[n + 1]
		       : NULL;
}

static int run_list(const struct request *request, struct answer *answer, struct error *err)
{
	_cleanup_(monitor_list_release) struct monitor_list list = {};
	int r = registry_list(request->registry, NULL, &list, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < list.n; i++)
		status_line(list.monitors[i], &answer->lines);
	text_printf(&answer->status, "%s", list.n == 1 ? "monitor" : "monitors");
	return 0;
}

static int run_show(const struct request *request, struct answer *answer, struct error *err)
{
	int r = status_show(request->registry, positional(request, 0), &answer->lines, err);

	text_addc(&answer->lines, '\n');
	return r;
}

/* Copies options of a <Monitor> block from the request. */
static int set_options(const struct request *request, struct monitor_settings *settings,
		       struct error *err)
{
	static const char *const options[][2] = {
		{ "interface", "Interface" }, { "hook", "Hook" },   { "loglevel", "LogLevel" },
		{ "netns", "NetNS" },	      { "share", "Share" }, { "pin", "Pin" },
		{ "position", "Position" },
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(options); i++) {
		const char *value = command_option(request->command, options[i][0]);

		if (value)
			r = settings_set((struct settings_node){ BLOCK_MONITOR, settings },
					 options[i][1], value, err);
	}
	return r;
}

static int run_add(const struct request *request, struct answer *answer, struct error *err)
{
	const char *name = positional(request, 0);
	struct monitor_settings settings;
	int r = monitor_settings_init(&settings, name, err);

	if (r == 0)
		r = set_options(request, &settings, err);
	if (r < 0) {
		monitor_settings_release(&settings);
		return r;
	}
	r = registry_add(request->registry, &settings, false, &answer->lines, err);
	if (r == 0)
		text_printf(&answer->status, "monitor %s added", name);
	return r;
}

static int run_del(const struct request *request, struct answer *answer, struct error *err)
{
	const char *name = positional(request, 0);
	int r = registry_delete(request->registry, name, &answer->lines, err);

	if (r == 0)
		text_printf(&answer->status, "monitor %s deleted", name);
	return r;
}

static int run_attach(const struct request *request, struct answer *answer, struct error *err)
{
	const char *name = positional(request, 0), *interface = positional(request, 1);
	struct monitor_settings words;
	int r = monitor_settings_try(name, "Interface", interface, err);

	if (r == 0)
		r = monitor_settings_init(&words, name, err);
	if (r < 0)
		return r;
	r = set_options(request, &words, err);
	if (r == 0)
		r = registry_attach(request->registry, name, interface, words.position,
				    &answer->lines, err);
	monitor_settings_release(&words);

	if (r == 0)
		text_printf(&answer->status, "monitor %s attached to %s", name, interface);
	return r;
}

static int run_detach(const struct request *request, struct answer *answer, struct error *err)
{
	const char *name = positional(request, 0), *interface = positional(request, 1);
	int r = registry_detach(request->registry, name, interface, &answer->lines, err);

	if (r == 0)
		text_printf(&answer->status, "monitor %s detached%s%s", name,
			    interface ? " from " : "", interface ? interface : "");
	return r;
}

int request_bool(const struct request *request, const char *name, bool *ret, struct error *err)
{
	const char *value = command_option(request->command, name);

	*ret = value && !strcasecmp(value, "true");
	if (!value || *ret || !strcasecmp(value, "false"))
		return 0;
	return error_set(err, -EINVAL, "%s: expected true or false, found \"%.60s\"", name, value);
}

static int run_eject(const struct request *request, struct answer *answer, struct error *err)
{
	const char *name = positional(request, 0);
	int r = registry_eject(request->registry, name, -1, &answer->lines, err);

	if (r == 0)
		text_printf(&answer->status, "monitor %s: dataplane ejected", name);
	return r;
}

static int run_reload(const struct request *request, struct answer *answer, struct error *err)
{
	bool force;
	int r = request_bool(request, "force", &force, err);

	if (r == 0)
		r = registry_reload(request->registry, positional(request, 0), force,
				    &answer->lines, err);
	if (r == 0)
		text_adds(&answer->status, answer->lines.len ? "reloaded" : "nothing has changed");
	return r;
}

/* Checks that the requested metric exists, if at least one dataplane runs. */
static int check_name(const struct snapshot *snapshot, const struct json_filter *filter,
		      struct error *err)
{
	struct snapshot_metric each = {};
	bool runs = false;

	for (size_t i = 0; i < snapshot->n; i++)
		runs = runs || snapshot->items[i].generation;
	if (!filter->name || !runs)
		return 0;
	while (snapshot_next_metric(snapshot, &each))
		if ((filter->direction < 0 || filter->direction == (int)each.direction) &&
		    !strcmp(each.metric->config->name, filter->name))
			return 0;
	return error_set(err, -ENOENT, "name: no metric is called \"%.100s\"%s%s", filter->name,
			 filter->direction < 0 ? "" : " on ",
			 filter->direction < 0 ? ""
					       : direction_name((enum direction)filter->direction));
}

static int run_metrics(const struct request *request, struct answer *answer, struct error *err)
{
	const char *monitor = positional(request, 0);
	const char *direction = command_option(request->command, "direction");
	struct json_filter filter = {
		.direction = direction ? direction_from_name(direction) : -1,
		.name = command_option(request->command, "name"),
		.one = monitor,
	};
	struct snapshot snapshot;
	int r;

	if (direction && filter.direction < 0)
		return error_set(err, -EINVAL,
				 "direction: expected ingress or egress, found \"%.60s\"",
				 direction);
	r = registry_snapshot(request->registry, monitor, &snapshot, err);
	if (r < 0)
		return r;
	r = check_name(&snapshot, &filter, err);
	if (r < 0) {
		snapshot_release(&snapshot);
		return r;
	}
	return json_stream_new(&snapshot, &filter, NULL, &answer->stream, err);
}

static int run_openmetrics(const struct request *request, struct answer *answer, struct error *err)
{
	struct snapshot snapshot;
	int r = registry_snapshot(request->registry, positional(request, 0), &snapshot, err);

	answer->until_eof = true;
	return r < 0 ? r
		     : openmetrics_stream_new(&snapshot, EXPOSITION_OPENMETRICS, &answer->stream,
					      err);
}

static int run_stats(const struct request *request, struct answer *answer, struct error *err)
{
	_cleanup_(snapshot_release) struct snapshot snapshot = {};
	int r = registry_snapshot(request->registry, NULL, &snapshot, err);

	if (r < 0)
		return r;
	return self_metrics_list(&snapshot, &answer->lines) < 0 ? error_oom(err) : 0;
}

static int run_listval(const struct request *request, struct answer *answer, struct error *err)
{
	int r = registry_list_values(request->registry, &answer->lines, err);

	text_adds(&answer->status, "Values found");
	return r;
}

static int run_getval(const struct request *request, struct answer *answer, struct error *err)
{
	int r = registry_get_value(request->registry, positional(request, 0), &answer->lines, err);

	text_adds(&answer->status, "Value found");
	return r;
}

static void usage(const struct verb *verb, struct text *out)
{
	text_printf(out, "%s%s%s", verb->name, *verb->arguments ? " " : "", verb->arguments);
}

static int verb_run_help(const struct request *request, struct answer *answer, struct error *err)
{
	const char *name = positional(request, 0);

	if (name && !verb_find(name))
		return error_set(err, -ENOENT, "Unknown command: %.60s", name);
	for (const struct verb *verb = verbs; verb->name; verb++) {
		if (name && verb != verb_find(name))
			continue;
		usage(verb, &answer->lines);
		text_printf(&answer->lines, "\n    %s\n", verb->help);
	}
	text_adds(&answer->status, "help");
	return 0;
}

const struct verb verbs[] = {
	{ "LIST", "", NULL, "a line per monitor: name, state, hook, interfaces, dataplane", 0, 0,
	  false, run_list },
	{ "SHOW", "<monitor>", NULL, "all about one monitor, as JSON", 1, 1, false, run_show },
	{ "ADD",
	  "<monitor> [interface=I] [hook=H] [netns=N] [position=P] [share=true] [pin=true] "
	  "[loglevel=L]",
	  "interface hook netns position share pin loglevel",
	  "make a monitor with the empty dataplane", 1, 1, true, run_add },
	{ "DEL", "<monitor>", NULL, "detach a monitor and forget it", 1, 1, true, run_del },
	{ "ATTACH", "<monitor> <interface> [position=first|last|before:M|after:M]", "position",
	  "attach a monitor to one more interface: a name, bridge:port, or /a regular "
	  "expression/; M is a monitor, or #ID of a program",
	  2, 2, true, run_attach },
	{ "DETACH", "<monitor> [<interface>]", NULL, "detach it from one or from all interfaces", 1,
	  2, true, run_detach },
	{ "INJECT",
	  "<monitor> [interface=I] [direction=both|ingress|egress] [keep-maps=true] "
	  "[phases=true] [wait=S] bytes=N|file=NAME",
	  "interface direction keep-maps phases wait bytes file",
	  "replace the dataplane by a document: N bytes after the line, or a file below "
	  "DataplaneDir; "
	  "the monitor is made and the interface attached if need be; how long its phases took, "
	  "and "
	  "the first packet after at most S seconds",
	  1, 1, true, verb_inject },
	{ "EJECT", "<monitor>", NULL, "back to the empty dataplane", 1, 1, true, run_eject },
	{ "RELOAD", "[<monitor>] [force=true]", "force",
	  "read collectd.conf and the documents again, and change what changed there", 0, 1, true,
	  run_reload },
	{ "METRICS", "[<monitor>] [direction=ingress|egress] [name=M]", "direction name",
	  "metrics as JSON", 0, 1, false, run_metrics },
	{ "OPENMETRICS", "[<monitor>]", NULL,
	  "metrics as OpenMetrics text; its lines are not counted, # EOF is the last", 0, 1, false,
	  run_openmetrics },
	{ "STATS", "", NULL, "figures about the plugin itself", 0, 0, false, run_stats },
	{ "FLUSH", "[timeout=<seconds>] [plugin=<p> ...] [identifier=<id> ...]",
	  "timeout plugin identifier",
	  "read all monitors for collectd now, and have its write plugins write out what they hold",
	  0, 0, false, flush_run },
	{ "LISTVAL", "", NULL,
	  "the values that collectd has of the plugin: when they came, and their identifiers", 0, 0,
	  false, run_listval },
	{ "GETVAL", "<identifier>", NULL, "one of them, as a rate if it is a counter", 1, 1, false,
	  run_getval },
	{ "HELP", "[<verb>]", NULL, "this", 0, 1, false, verb_run_help },
	{},
};

const struct verb *verb_find(const char *name)
{
	for (const struct verb *verb = verbs; verb->name; verb++)
		if (!strcasecmp(verb->name, name))
			return verb;
	return NULL;
}

/* Returns true if the name before "=" is an option of the verb. */
static bool has_option(const struct verb *verb, const char *word)
{
	size_t len = strcspn(word, "=");

	for (const char *at = verb->options; at && *at; at += strspn(at, " ")) {
		size_t n = strcspn(at, " ");

		if (n == len && !strncmp(at, word, n))
			return true;
		at += n;
	}
	return false;
}

/* Counts the positional words after the verb. */
static size_t count_positional(const struct verb *verb, const struct command *command)
{
	size_t n = 0;

	while (n + 1 < command->n && is_positional(verb, command->words[n + 1]))
		n++;
	return n;
}

static int wrong_words(const struct verb *verb, const char *what, const char *word,
		       struct error *err)
{
	_cleanup_text_ struct text text = {};

	usage(verb, &text);
	return error_set(err, -EINVAL, "%s%.60s; usage: %s", what, word, text_str(&text));
}

int verb_run(const struct request *request, struct answer *answer, struct error *err)
{
	const struct command *command = request->command;
	const struct verb *verb = verb_find(command->words[0]);
	size_t n;
	int r;

	if (!verb)
		return error_set(err, -ENOENT, "Unknown command: %.60s", command->words[0]);
	n = count_positional(verb, command);
	if (n < verb->min)
		return wrong_words(verb, "missing words", "", err);
	if (n > verb->max)
		return wrong_words(verb, "unexpected word: ", command->words[verb->max + 1], err);
	for (size_t i = n + 1; i < command->n; i++)
		if (!strchr(command->words[i], '=') || !has_option(verb, command->words[i]))
			return wrong_words(verb, "unexpected word: ", command->words[i], err);
	r = verb->run(request, answer, err);
	if (r == 0 && (text_status(&answer->lines) < 0 || text_status(&answer->status) < 0))
		r = error_oom(err);
	if (r < 0)
		answer_release(answer);
	return r;
}

int64_t verb_payload(const struct command *command, struct error *err)
{
	const char *bytes = command_option(command, "bytes");
	const struct verb *verb = command->n ? verb_find(command->words[0]) : NULL;
	unsigned long long n;
	char *end;

	if (!bytes || !verb || !has_option(verb, "bytes="))
		return 0;
	errno = 0;
	n = strtoull(bytes, &end, 10);
	if (!isdigit((unsigned char)*bytes) || *end || errno || !n)
		return error_set(err, -EINVAL,
				 "bytes: expected a number from 1 to %d, found \"%.60s\"",
				 BUNDLE_MAX, bytes);
	if (n > BUNDLE_MAX)
		return error_set(err, -EFBIG,
				 "bytes: the document has %s bytes, at most %d are possible", bytes,
				 BUNDLE_MAX);
	return (int64_t)n;
}
