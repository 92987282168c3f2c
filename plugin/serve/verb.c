/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve/verb.h"
#include "export/json.h"
#include "export/openmetrics.h"
#include "export/self_metrics.h"
#include "export/status.h"
#include "export/text_encoder.h"
#include "monitor/operation.h"
#include "monitor/reload.h"
#include "serve/flush.h"
#include "serve/inject.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

static int run_list(const struct request *request, struct answer *answer, struct error *err)
{
	_cleanup_(monitor_list_release) struct monitor_list list = {};
	int r = registry_list(request->registry, NULL, &list, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < list.n; i++)
		status_line(list.monitors[i], &answer->lines);
	text_adds(&answer->status, list.n == 1 ? "monitor" : "monitors");
	return 0;
}

static int run_show(const struct request *request, struct answer *answer, struct error *err)
{
	int r = status_show(request->registry, request->arguments[0], &answer->lines, err);

	text_addc(&answer->lines, '\n');
	return r;
}

/* Initializes settings of the monitor with the options of a <Monitor> block in the request. */
static int read_settings(const struct request *request, struct monitor_settings *settings,
			 struct error *err)
{
	static const char *const options[] = {
		"interface", "hook", "loglevel", "netns", "share", "pin", "position",
	};
	const struct settings_node node = { BLOCK_MONITOR, settings };
	int r = monitor_settings_init(settings, request->arguments[0], err);

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(options); i++) {
		const char *value = request_option(request, options[i]);

		if (value)
			r = settings_set(node, options[i], value, err);
	}
	if (r < 0)
		monitor_settings_release(settings);
	return r;
}

static int run_add(const struct request *request, struct answer *answer, struct error *err)
{
	struct monitor_settings settings;
	int r = read_settings(request, &settings, err);

	if (r == 0)
		r = registry_add(request->registry, &settings, false, &answer->lines, err);
	if (r == 0)
		text_printf(&answer->status, "monitor %s added", request->arguments[0]);
	return r;
}

static int run_del(const struct request *request, struct answer *answer, struct error *err)
{
	const char *name = request->arguments[0];
	int r = registry_delete(request->registry, name, &answer->lines, err);

	if (r == 0)
		text_printf(&answer->status, "monitor %s deleted", name);
	return r;
}

static int run_attach(const struct request *request, struct answer *answer, struct error *err)
{
	const char *name = request->arguments[0], *interface = request->arguments[1];
	struct monitor_settings settings;
	int r = monitor_settings_try(name, "Interface", interface, err);

	if (r == 0)
		r = read_settings(request, &settings, err);
	if (r < 0)
		return r;
	r = registry_attach(request->registry, name, interface, settings.position, false,
			    &answer->lines, err);
	monitor_settings_release(&settings);
	if (r == 0)
		text_printf(&answer->status, "monitor %s attached to %s", name, interface);
	return r;
}

static int run_detach(const struct request *request, struct answer *answer, struct error *err)
{
	const char *name = request->arguments[0], *interface = request->arguments[1];
	int r = registry_detach(request->registry, name, interface, &answer->lines, err);

	if (r == 0)
		text_printf(&answer->status, "monitor %s detached%s%s", name,
			    interface ? " from " : "", interface ? interface : "");
	return r;
}

static int run_eject(const struct request *request, struct answer *answer, struct error *err)
{
	const char *name = request->arguments[0];
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
		r = registry_reload(request->registry, request->arguments[0], force, &answer->lines,
				    err);
	if (r == 0)
		text_adds(&answer->status, answer->lines.len ? "reloaded" : "nothing has changed");
	return r;
}

/* Checks that the requested metric exists, if at least one dataplane runs. */
static int check_metric_name(const struct snapshot *snapshot, const struct json_filter *filter,
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
	struct json_filter filter = {
		.name = request_option(request, "name"),
		.one = request->arguments[0],
	};
	struct snapshot snapshot;
	int r = request_direction(request, false, &filter.direction, err);

	if (r == 0)
		r = registry_snapshot(request->registry, request->arguments[0], &snapshot, err);
	if (r < 0)
		return r;
	r = check_metric_name(&snapshot, &filter, err);
	if (r < 0) {
		snapshot_release(&snapshot);
		return r;
	}
	return json_stream_new(&snapshot, &filter, NULL, &answer->stream, err);
}

static int run_openmetrics(const struct request *request, struct answer *answer, struct error *err)
{
	struct snapshot snapshot;
	int r = registry_snapshot(request->registry, request->arguments[0], &snapshot, err);

	answer->until_eof = true;
	if (r < 0)
		return r;
	return openmetrics_stream_new(&snapshot, &encoding_openmetrics, &answer->stream, err);
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
	text_adds(&answer->status, "Values found");
	return registry_get_values(request->registry, NULL, &answer->lines, err);
}

static int run_getval(const struct request *request, struct answer *answer, struct error *err)
{
	text_adds(&answer->status, "Value found");
	return registry_get_values(request->registry, request->arguments[0], &answer->lines, err);
}

static int verb_run_help(const struct request *request, struct answer *answer, struct error *err)
{
	const char *name = request->arguments[0];
	const struct verb *only = name ? verb_find(name) : NULL;

	if (name && !only)
		return error_set(err, -ENOENT, "Unknown command: %.60s", name);
	for (const struct verb *verb = verbs; verb->name; verb++)
		if (!only || verb == only)
			text_printf(&answer->lines, "%s%s%s\n    %s\n", verb->name,
				    *verb->arguments ? " " : "", verb->arguments, verb->help);
	text_adds(&answer->status, "help");
	return 0;
}

const struct verb verbs[] = {
	{ "LIST", "", 0, 0, false, run_list,
	  "print a line per monitor: name, state, hook, interfaces, dataplane" },
	{ "SHOW", "<monitor>", 1, 1, false, run_show, "print everything about a monitor as JSON" },
	{ "ADD",
	  "<monitor> [interface=I] [hook=H] [netns=N] [position=P] [share=true] [pin=true] "
	  "[loglevel=L]",
	  1, 1, true, run_add, "create a monitor without a dataplane" },
	{ "DEL", "<monitor>", 1, 1, true, run_del, "detach and delete a monitor" },
	{ "ATTACH", "<monitor> <interface> [position=first|last|before:M|after:M]", 2, 2, true,
	  run_attach,
	  "attach a monitor to a further interface: a name, bridge:port, or /a regular "
	  "expression/; M is a monitor, or #ID of a program" },
	{ "DETACH", "<monitor> [<interface>]", 1, 2, true, run_detach,
	  "detach a monitor from one interface or from all" },
	{ "INJECT",
	  "<monitor> [interface=I] [direction=both|ingress|egress] [keep-maps=true] "
	  "[set=V=X ...] [phases=true] [wait=S] bytes=N|file=NAME",
	  1, 1, true, verb_inject,
	  "replace the dataplane by a document: N bytes after the line, or a file below "
	  "DataplaneDir. Creates the monitor and attaches the interface if necessary. "
	  "set=V=X sets the variable V of the code to X. "
	  "phases=true prints the duration of the phases; wait=S also waits up to S seconds "
	  "for the first packet" },
	{ "EJECT", "<monitor>", 1, 1, true, run_eject, "remove the dataplane of a monitor" },
	{ "RELOAD", "[<monitor>] [force=true]", 0, 1, true, run_reload,
	  "read collectd.conf and the documents again, and apply what has changed" },
	{ "METRICS", "[<monitor>] [direction=ingress|egress] [name=M]", 0, 1, false, run_metrics,
	  "print metrics as JSON" },
	{ "OPENMETRICS", "[<monitor>]", 0, 1, false, run_openmetrics,
	  "print metrics as OpenMetrics text up to the line # EOF, without a line count" },
	{ "STATS", "", 0, 0, false, run_stats, "print statistics of the plugin itself" },
	{ "FLUSH", "[timeout=<seconds>] [plugin=<p> ...] [identifier=<id> ...]", 0, 0, false,
	  flush_run,
	  "read all monitors for collectd now, and make its write plugins write their buffered "
	  "values" },
	{ "LISTVAL", "", 0, 0, false, run_listval,
	  "list the values of the plugin that collectd has: time and identifier" },
	{ "GETVAL", "<identifier>", 1, 1, false, run_getval,
	  "print one of these values; for a counter its rate" },
	{ "HELP", "[<verb>]", 0, 1, false, verb_run_help,
	  "print the syntax of one verb or of all" },
	{},
};

const struct verb *verb_find(const char *name)
{
	for (const struct verb *verb = verbs; verb->name; verb++)
		if (!strcasecmp(verb->name, name))
			return verb;
	return NULL;
}

/* Returns true if the word is NAME=value for an option NAME of the verb. */
static bool verb_has_option(const struct verb *verb, const char *word)
{
	size_t len = strspn(word, "abcdefghijklmnopqrstuvwxyz-");
	const char *at = verb->arguments;

	if (!len || word[len] != '=')
		return false;
	while ((at = strchr(at, *word))) {
		if (at > verb->arguments && strchr("[ |", at[-1]) && !strncmp(at, word, len + 1))
			return true;
		at++;
	}
	return false;
}

int verb_run(struct request *request, struct answer *answer, struct error *err)
{
	const struct command *command = request->command;
	const struct verb *verb = verb_find(command->words[0]);
	size_t n = 0, i;
	int r;

	if (!verb)
		return error_set(err, -ENOENT, "Unknown command: %.60s", command->words[0]);
	/* For a verb without options, each word is an argument, even with a "=". */
	for (i = 1; i < command->n && n < verb->max; i++) {
		if (strchr(command->words[i], '=') && strchr(verb->arguments, '='))
			break;
		request->arguments[n++] = command->words[i];
	}
	while (i < command->n && verb_has_option(verb, command->words[i]))
		i++;
	if (n < verb->min)
		return error_set(err, -EINVAL, "missing argument; usage: %s %s", verb->name,
				 verb->arguments);
	if (i < command->n)
		return error_set(err, -EINVAL, "unexpected argument: %.60s; usage: %s%s%s",
				 command->words[i], verb->name, *verb->arguments ? " " : "",
				 verb->arguments);
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

	if (!bytes || !verb || !verb_has_option(verb, "bytes="))
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
