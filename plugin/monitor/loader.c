/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/loader.h"
#include "base/clock.h"
#include "monitor/registry.h"
#include "monitor/tracking.h"

#include <errno.h>
#include <string.h>

/*
 * Compiles a document and makes all instances run it. Takes ownership of the document. log_level:
 * NULL for the monitor's own.
 */
static int build_and_switch(const struct compiler *compiler, struct monitor *monitor,
			    struct document *document, const char *log_level,
			    const struct transaction_options *options, struct text *warnings,
			    struct error *err)
{
	const struct compile_target target = {
		.xdp = monitor->hook->xdp,
		.log_level = log_level ? log_level : monitor->log_level,
		.cube_id = monitor->id,
	};
	_cleanup_(dataplane_unrefp) struct dataplane *dataplane = NULL;
	int r = dataplane_build(document, monitor->dataplane, compiler, &target, &dataplane, err);

	if (r < 0)
		return r;
	phase_times_end(options->phases, PHASE_COMPILE);
	text_add(warnings, dataplane->warnings.data, dataplane->warnings.len);
	r = monitor_switch(monitor, dataplane, options, err);
	if (r == 0)
		monitor_feed(monitor, warnings);
	return r;
}

/* Appends the warnings to a report on several monitors, with the monitor's name. */
static void report_warnings(const struct monitor *monitor, struct text *warnings,
			    struct text *report)
{
	for (const char *line = text_str(warnings); *line;) {
		size_t len = strcspn(line, "\n");

		if (len)
			text_printf(report, "monitor %s: %.*s\n", monitor->name, (int)len, line);
		line += len + (line[len] == '\n');
	}
}

static bool has_metric(const struct dataplane *dataplane, const char *name)
{
	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++) {
		const struct direction_code *code = dataplane->directions[direction];

		for (size_t i = 0; code && i < code->config->n_metrics; i++)
			if (!strcmp(code->config->metrics[i].name, name))
				return true;
	}
	return false;
}

void loader_report_typos(const struct monitor *monitor, struct text *report)
{
	const struct monitor_settings *settings = monitor->settings;

	for (size_t i = 0; monitor->dataplane && i < settings->n_metrics; i++)
		if (!has_metric(monitor->dataplane, settings->metrics[i].name))
			text_printf(report,
				    "monitor %s: Metric \"%s\": the dataplane has no such metric\n",
				    settings->name, settings->metrics[i].name);
}

/* Sets the variables that were given with the file: with its injection, or in the settings. */
static int assign_again(const struct monitor *monitor, const char *file, struct document *document,
			struct error *err)
{
	const struct monitor_settings *settings = monitor->settings;
	const struct history *history = &monitor->history;

	if (!monitor->document_file || !monitor->document_confined)
		return document_assign(document, settings->assignments, settings->n_assignments,
				       err);
	for (size_t i = history->n; i-- > 0;) {
		const struct history_entry *layer = &history->layers[i];

		if (layer->file && !strcmp(layer->file, file))
			return document_assign(document, layer->assignments, layer->n_assignments,
					       err);
	}
	return 0;
}

/*
 * Called under control. Returns 1 after a switch, 0 if the document has not changed or there is
 * none.
 */
static int load_document(struct monitor *monitor, bool force, struct text *report,
			 struct error *err)
{
	_cleanup_document_ struct document *document = NULL;
	_cleanup_text_ struct text warnings = {};
	const struct transaction_options options = { .keep_maps = true, .report = &warnings };
	const char *file = monitor->document_file;
	bool confined = file && monitor->document_confined;
	int r;

	if (!file && force) /* replace an injected dataplane by the configured one */
		file = monitor->settings->dataplane;
	if (!file)
		return 0;
	r = document_load(monitor->registry->dataplane_dir, file, confined, &document, err);
	if (r < 0)
		return r;
	if (file == monitor->document_file)
		document_leave(document, monitor->document_leave);
	r = assign_again(monitor, file, document, err);
	if (r < 0)
		return r;
	if (!force && monitor->dataplane && dataplane_is_from(monitor->dataplane, document)) {
		monitor_settle(monitor);
		return 0;
	}
	r = build_and_switch(&monitor->registry->compiler, monitor, steal_ptr(&document), NULL,
			     &options, &warnings, err);
	report_warnings(monitor, &warnings, report);
	if (r < 0)
		return error_prefix(err, r, "%s", file);
	loader_report_typos(monitor, report);
	if (!monitor->document_file) {
		monitor_set_document(monitor, file, false, NULL);
		history_release(&monitor->history);
	}
	return 1;
}

/* Parses, compiles and runs the document of an injection, and records it. */
static int inject_document(const struct compiler *compiler, struct monitor *monitor,
			   const struct injection *injection, struct text *warnings,
			   struct error *err)
{
	const char *dir = monitor->registry->dataplane_dir;
	_cleanup_document_ struct document *document = NULL;
	_cleanup_(history_entry_release) struct history_entry layer = {};
	struct transaction_options options = {
		.interface = injection->interface,
		.keep_maps = injection->keep_maps,
		.report = warnings,
		.phases = injection->phases,
	};
	bool is_new = injection->file || injection->bytes;
	int r;

	if (!is_new && !monitor->dataplane)
		return 0;
	if (injection->phases)
		*injection->phases = (struct phase_times){ .since = clock_now_ns() };
	if (injection->file)
		r = document_load(dir, injection->file, true, &document, err);
	else if (injection->bytes)
		r = document_parse(injection->bytes, injection->len, dir, true, &document, err);
	else
		r = dataplane_get_document(monitor->dataplane, &document, err);
	if (r < 0)
		return r;
	document_leave(document, injection->leave);
	if (is_new)
		r = document_assign(document, injection->assignments, injection->n_assignments,
				    err);
	if (r < 0)
		return r;
	phase_times_end(injection->phases, PHASE_PARSE);
	if (is_new &&
	    (history_entry_init(&layer, injection->file, injection->bytes, injection->len,
				injection->leave, document) < 0 ||
	     history_entry_assign(&layer, injection->assignments, injection->n_assignments) < 0))
		return error_oom(err);
	if (options.interface && monitor_has_interface(monitor, options.interface))
		options.interface = NULL;
	r = build_and_switch(compiler, monitor, steal_ptr(&document), injection->log_level,
			     &options, warnings, err);
	if (r == 0 && is_new) {
		monitor_set_document(monitor, injection->file, true, injection->leave);
		history_push(&monitor->history, &layer);
	}
	return r;
}

bool injection_is_put_off(int code)
{
	return code == -EUSERS || code == -ECANCELED;
}

int loader_inject(struct monitor *monitor, const struct injection *injection, struct text *warnings,
		  struct error *err)
{
	_cleanup_free_ char *level = injection->log_level ? strdup(injection->log_level) : NULL;
	struct compiler compiler = monitor->registry->compiler;
	int r;

	if (injection->log_level && !level)
		return error_oom(err);
	compiler.unlimited = false;
	compiler.since = clock_now_ns();
	compiler.client_fd = injection->client_fd;
	r = inject_document(&compiler, monitor, injection, warnings, err);
	if (r < 0)
		return r;
	if (level)
		monitor_set_log_level(monitor, steal_ptr(&level));
	monitor_note(monitor, NULL);
	return 0;
}

int loader_replay(struct monitor *monitor, const struct history *history, struct text *report,
		  struct error *err)
{
	for (size_t i = 0; i < history->n; i++) {
		const struct history_entry *layer = &history->layers[i];
		struct injection injection = {
			.monitor = monitor->name,
			.file = layer->file,
			.bytes = layer->bytes.data,
			.len = layer->bytes.len,
			.assignments = layer->assignments,
			.n_assignments = layer->n_assignments,
			.keep_maps = true,
		};
		_cleanup_text_ struct text warnings = {};
		int r;

		memcpy(injection.leave, layer->leave, sizeof(injection.leave));
		r = inject_document(&monitor->registry->compiler, monitor, &injection, &warnings,
				    err);
		report_warnings(monitor, &warnings, report);
		if (r < 0) {
			monitor_note(monitor, err);
			return error_prefix(err, r, "monitor %s", monitor->name);
		}
	}
	monitor_note(monitor, NULL);
	return 1;
}

int loader_again(struct monitor *monitor, struct text *report, struct error *err)
{
	struct history history = monitor->history;
	int r;

	monitor->history = (struct history){};
	r = loader_replay(monitor, &history, report, err);
	if (r < 0) { /* keep the history for the next attempt */
		history_release(&monitor->history);
		monitor->history = history;
	} else {
		history_release(&history);
	}
	return r;
}

int loader_reload(struct monitor *monitor, bool force, struct text *report, struct error *err)
{
	int r = 0;

	if (monitor->deleted)
		return 0;
	if (!monitor->dataplane && monitor->history.n) /* restoring it has failed */
		return loader_again(monitor, report, err);
	r = load_document(monitor, force, report, err);
	if (r > 0)
		monitor_note(monitor, NULL);
	if (r >= 0)
		return r;
	monitor_note(monitor, err);
	return error_prefix(err, r, "monitor %s", monitor->name);
}

int loader_eject(struct monitor *monitor, struct error *err)
{
	int r = monitor_switch(monitor, NULL, &(struct transaction_options){}, err);

	if (r < 0)
		return r;
	monitor_set_document(monitor, NULL, true, NULL);
	history_release(&monitor->history);
	monitor_note(monitor, NULL);
	return 0;
}

int loader_eject_direction(struct monitor *monitor, enum direction direction, struct error *err)
{
	_cleanup_(dataplane_unrefp) struct dataplane *dataplane = NULL;
	int r;

	if (!monitor->dataplane || !monitor->dataplane->directions[direction])
		return 0;
	r = dataplane_without(monitor->dataplane, direction, &dataplane, err);
	if (r == 0)
		r = monitor_switch(monitor, dataplane,
				   &(struct transaction_options){ .keep_maps = true }, err);
	if (r < 0)
		return r;
	monitor->document_leave[direction] = true;
	history_drop(&monitor->history, direction);
	monitor_note(monitor, NULL);
	return 0;
}
