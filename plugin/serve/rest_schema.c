/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The data model of a monitor, and OPTIONS, which polycubectl uses for its help ("?"). */
#include "serve/rest_private.h"

#include <microhttpd.h>

static const struct rest_schema metric_leaves[] = {
	{ "name", REST_LEAF, "string", "Name of the metric", "packets_total" },
	{ "value", REST_LEAF, "string", "What the map holds", "" },
	{ "timestamp", REST_LEAF, "int64", "Microseconds since 1970", "" },
	{},
};

static const struct rest_schema metric_lists[] = {
	{ "ingress-metrics", REST_LIST, NULL, "Metrics of the ingress path", "", REST_READ_ONLY,
	  metric_leaves },
	{ "egress-metrics", REST_LIST, NULL, "Metrics of the egress path", "", REST_READ_ONLY,
	  metric_leaves },
	{},
};

static const struct rest_schema path_parts[] = {
	{ "name", REST_LEAF, "string", "Name of the path's configuration", "", REST_AT_CREATION },
	{ "code", REST_LEAF, "string", "C source", "", REST_AT_CREATION },
	{ "metric-configs", REST_LIST, NULL, "Which maps are metrics", "" },
	{},
};

static const struct rest_schema paths[] = {
	{ "ingress-path", REST_COMPLEX, NULL, "What runs on the ingress path", "", REST_WRITABLE,
	  path_parts },
	{ "egress-path", REST_COMPLEX, NULL, "What runs on the egress path", "", REST_WRITABLE,
	  path_parts },
	{},
};

static const struct rest_schema cube_parts[] = {
	{ "uuid", REST_LEAF, "string", "Identifier of the monitor", "" },
	{ "type", REST_LEAF, "string", "Hook: TC, XDP_SKB or XDP_DRV", "TC", REST_AT_CREATION },
	{ "service-name", REST_LEAF, "string", "Always dynmon", REST_SERVICE },
	{ "loglevel", REST_LEAF, "string", "Which pcn_log() calls are compiled in", "INFO",
	  REST_WRITABLE },
	{ "parent", REST_LEAF, "string", "Interface that the monitor is attached to", "eth0" },
	{ "dataplane-config", REST_COMPLEX, NULL, "Dataplane configuration", "", REST_WRITABLE,
	  paths },
	{ "metrics", REST_COMPLEX, NULL, "Metrics in JSON", "", REST_READ_ONLY, metric_lists },
	{ "open-metrics", REST_LEAF, "string", "Metrics as OpenMetrics", "" },
	{},
};

static const struct rest_schema cube = {
	REST_SERVICE, REST_COMPLEX, NULL, "A monitor", "dynmon1", REST_WRITABLE, cube_parts,
};

static void param(struct text *out, bool first, const struct rest_schema *schema)
{
	static const char *const kinds[] = { "leaf", "list", "complex" };

	text_printf(out, "%s\"%s\":{", first ? "" : ",", schema->name);
	rest_member(out, true, "name", schema->name);
	rest_member(out, false, "description", schema->description);
	rest_member(out, false, "example", schema->example);
	rest_member(out, false, "type", kinds[schema->kind]);
	if (schema->simpletype)
		rest_member(out, false, "simpletype", schema->simpletype);
	text_addc(out, '}');
}

/* Filters of children, one per kind of help. */
static bool rest_schema_is_shown(const struct rest_schema *child)
{
	(void)child;
	return true;
}
static bool is_branch(const struct rest_schema *child)
{
	return child->kind != REST_LEAF;
}
static bool is_writable(const struct rest_schema *child)
{
	return child->kind == REST_LEAF && child->writable == REST_WRITABLE;
}
static bool is_given(const struct rest_schema *child)
{
	return child->kind == REST_LEAF && child->writable != REST_READ_ONLY;
}

static void params(struct text *out, const char *name, const struct rest_schema *schema,
		   bool (*chosen)(const struct rest_schema *child))
{
	bool first = true;

	text_printf(out, "\"%s\":{", name);
	for (const struct rest_schema *child = schema->children; child && child->name; child++)
		if (chosen(child)) {
			param(out, first, child);
			first = false;
		}
	text_addc(out, '}');
}

/* The key of a list. */
static void key_params(struct text *out, const char *description, const char *example)
{
	text_adds(out, "\"params\":{\"name\":{");
	rest_member(out, true, "name", "name");
	rest_member(out, false, "type", "key");
	rest_member(out, false, "simpletype", "string");
	rest_member(out, false, "description", description);
	rest_member(out, false, "example", example);
	text_adds(out, "}}");
}

static void unknown_help(struct rest_call *call, const char *what, const char *possible)
{
	_cleanup_text_ struct text words = {};

	text_printf(&words, "help: expected one of %s, found \"%.60s\"", possible, what);
	http_answer_text(call->answer, MHD_HTTP_BAD_REQUEST, text_str(&words));
}

static void object_help(struct rest_call *call, const struct rest_schema *schema, const char *what)
{
	struct text *out = &call->answer->body;

	text_addc(out, '{');
	if (!strcmp(what, "NONE")) {
		text_adds(out, schema->writable == REST_WRITABLE
				       ? "\"commands\":[\"set\",\"show\"],"
				       : "\"commands\":[\"show\"],");
		params(out, "params", schema, is_branch);
	} else if (!strcmp(what, "SHOW")) {
		params(out, "params", schema, rest_schema_is_shown);
	} else if (!strcmp(what, "SET")) {
		params(out, "params", schema, is_writable);
	} else if (strcmp(what, "ADD") != 0) {
		unknown_help(call, what, "NONE, SHOW, SET, ADD");
		return;
	}
	text_addc(out, '}');
	rest_json(call);
}

static const struct rest_schema *find_child(const struct rest_schema *schema, const char *name)
{
	const struct rest_schema *child = schema->children;

	while (child && child->name && strcmp(child->name, name) != 0)
		child++;
	return child && child->name ? child : NULL;
}

const struct rest_schema *rest_schema_of(const struct rest_call *call)
{
	const struct rest_schema *schema = &cube;

	for (size_t i = 2; i < call->path.n; i++) {
		const char *word = call->path.words[i];
		const struct rest_schema *child =
			find_child(schema, !strcmp(word, "dataplane") ? "dataplane-config" : word);

		if (child)
			schema = child;
	}
	return schema;
}

void rest_help_cube(struct rest_call *call, const char *what)
{
	object_help(call, rest_schema_of(call), what);
}

/* Help on the service: its commands and its monitors. */
void rest_help_service(struct rest_call *call, const char *what)
{
	_cleanup_(monitor_list_release) struct monitor_list list = {};
	struct text *out = &call->answer->body;
	bool none = !strcmp(what, "NONE");

	if (!none && strcmp(what, "SHOW") && strcmp(what, "ADD") && strcmp(what, "DEL")) {
		unknown_help(call, what, "NONE, SHOW, ADD, DEL");
		return;
	}
	text_adds(out, none ? "{\"commands\":[\"add\",\"del\",\"show\"]," : "{");
	key_params(out, "Name of the dynmon service", "dynmon1");
	if (!strcmp(what, "ADD")) {
		text_addc(out, ',');
		params(out, "optional-params", &cube, is_given);
	} else {
		registry_list(call->request->registry, NULL, &list, NULL);
		text_adds(out, ",\"elements\":[");
		for (size_t i = 0; i < list.n; i++) {
			text_adds(out, i ? ",{" : "{");
			rest_member(out, true, "name", list.monitors[i]->name);
			text_addc(out, '}');
		}
		text_addc(out, ']');
	}
	text_addc(out, '}');
	rest_json(call);
}

/* Help on cubes, netdevs, services and version. */
void rest_help_list(struct rest_call *call, const char *what)
{
	bool none = !strcmp(what, "NONE");

	if (!none && strcmp(what, "SHOW") != 0) {
		unknown_help(call, what, "NONE, SHOW");
		return;
	}
	text_adds(&call->answer->body, none ? "{\"commands\":[\"show\"]}" : "{}");
	rest_json(call);
}

/* Help on the top level: the services. */
void rest_help_root(struct rest_call *call, const char *what)
{
	struct text *out = &call->answer->body;

	if (strcmp(what, "NONE") != 0) {
		unknown_help(call, what, "NONE");
		return;
	}
	text_adds(out, "{\"params\":{\"" REST_SERVICE "\":{");
	rest_member(out, true, "name", REST_SERVICE);
	rest_member(out, false, "simpletype", "service");
	rest_member(out, false, "type", "leaf");
	rest_member(out, false, "description", "Dynamic Traffic Monitor");
	rest_member(out, false, "version", DYNMON_VERSION);
	text_adds(out, "}}}");
	rest_json(call);
}
