/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve/rest_schema.h"

#include <errno.h>

/* An element of the data model. */
struct rest_schema {
	const char *name;
	enum { REST_LEAF, REST_LIST, REST_COMPLEX } kind;
	const char *simpletype; /* of a leaf */
	const char *description;
	const char *example;
	enum { REST_READ_ONLY, REST_AT_CREATION, REST_WRITABLE } writable;
	const struct rest_schema *children; /* the last one has no name; NULL: none */
};

static const struct rest_schema metric_leaves[] = {
	{ "name", REST_LEAF, "string", "Name of the metric", "packets_total" },
	{ "value", REST_LEAF, "string", "Contents of the map", "" },
	{ "timestamp", REST_LEAF, "int64", "Microseconds since 1970", "" },
	{},
};

static const struct rest_schema metric_lists[] = {
	{ "ingress-metrics", REST_LIST, NULL, "Metrics of the ingress direction", "",
	  REST_READ_ONLY, metric_leaves },
	{ "egress-metrics", REST_LIST, NULL, "Metrics of the egress direction", "", REST_READ_ONLY,
	  metric_leaves },
	{},
};

static const struct rest_schema path_parts[] = {
	{ "name", REST_LEAF, "string", "Name of the path's configuration", "", REST_AT_CREATION },
	{ "code", REST_LEAF, "string", "C source", "", REST_AT_CREATION },
	{ "metric-configs", REST_LIST, NULL, "Maps that are exported as metrics", "" },
	{},
};

static const struct rest_schema paths[] = {
	{ "ingress-path", REST_COMPLEX, NULL, "Code and metrics of the ingress direction", "",
	  REST_WRITABLE, path_parts },
	{ "egress-path", REST_COMPLEX, NULL, "Code and metrics of the egress direction", "",
	  REST_WRITABLE, path_parts },
	{},
};

static const struct rest_schema cube_parts[] = {
	{ "uuid", REST_LEAF, "string", "Identifier of the monitor", "" },
	{ "type", REST_LEAF, "string", "Hook: TC, XDP_SKB or XDP_DRV", "TC", REST_AT_CREATION },
	{ "service-name", REST_LEAF, "string", "Always dynmon", REST_SERVICE },
	{ "loglevel", REST_LEAF, "string", "Lowest level of the compiled pcn_log() calls", "INFO",
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

/* The children that a kind of help shows. */
enum shown_children { ALL_CHILDREN, BRANCHES, WRITABLE_LEAVES, LEAVES_AT_CREATION };

static bool is_shown(const struct rest_schema *child, enum shown_children shown)
{
	switch (shown) {
	case BRANCHES:
		return child->kind != REST_LEAF;
	case WRITABLE_LEAVES:
		return child->kind == REST_LEAF && child->writable == REST_WRITABLE;
	case LEAVES_AT_CREATION:
		return child->kind == REST_LEAF && child->writable != REST_READ_ONLY;
	default:
		return true;
	}
}

/* Writes a member with the shown children of an element. */
static void write_params(struct json_writer *json, const char *key,
			 const struct rest_schema *schema, enum shown_children shown)
{
	static const char *const kinds[] = { "leaf", "list", "complex" };

	json_key(json, key);
	json_object_begin(json);
	for (const struct rest_schema *child = schema->children; child && child->name; child++) {
		if (!is_shown(child, shown))
			continue;
		json_key(json, child->name);
		json_object_begin(json);
		json_member_string(json, "name", child->name);
		json_member_string(json, "description", child->description);
		json_member_string(json, "example", child->example);
		json_member_string(json, "type", kinds[child->kind]);
		if (child->simpletype)
			json_member_string(json, "simpletype", child->simpletype);
		json_object_end(json);
	}
	json_object_end(json);
}

static int unknown_help(const char *what, const char *possible, struct error *err)
{
	return error_set(err, -EINVAL, "help: expected one of %s, found \"%.60s\"", possible, what);
}

/*
 * Returns the schema of the element in the path. An element of a list has the schema of the list,
 * whose children are the members of an element.
 */
static const struct rest_schema *find_schema(const struct rest_call *call)
{
	const struct rest_schema *schema = &cube;

	for (size_t i = 2; i < call->path.n; i++) {
		const char *word = call->path.words[i];
		const struct rest_schema *child = schema->children;

		if (!strcmp(word, "dataplane"))
			word = "dataplane-config";
		while (child && child->name && strcmp(child->name, word) != 0)
			child++;
		if (child && child->name)
			schema = child;
	}
	return schema;
}

void rest_schema_links(const struct rest_call *call, struct json_writer *json)
{
	const struct rest_schema *child = find_schema(call)->children;

	rest_links_begin(call, json);
	for (; child && child->name; child++)
		rest_links_add(call, json, child->name);
	json_array_end(json);
}

int rest_help_cube(struct rest_call *call, const char *what, struct error *err)
{
	const struct rest_schema *schema = find_schema(call);
	struct json_writer *json = &call->json;

	json_object_begin(json);
	if (!strcmp(what, "NONE")) {
		json_key(json, "commands");
		text_adds(json_value(json),
			  schema->writable == REST_WRITABLE ? "[\"set\",\"show\"]" : "[\"show\"]");
		write_params(json, "params", schema, BRANCHES);
	} else if (!strcmp(what, "SHOW")) {
		write_params(json, "params", schema, ALL_CHILDREN);
	} else if (!strcmp(what, "SET")) {
		write_params(json, "params", schema, WRITABLE_LEAVES);
	} else if (strcmp(what, "ADD") != 0) {
		return unknown_help(what, "NONE, SHOW, SET, ADD", err);
	}
	json_object_end(json);
	return 0;
}

/* Help on the service: its commands and its monitors. */
int rest_help_service(struct rest_call *call, const char *what, struct error *err)
{
	_cleanup_(monitor_list_release) struct monitor_list list = {};
	struct json_writer *json = &call->json;

	if (strcmp(what, "NONE") && strcmp(what, "SHOW") && strcmp(what, "ADD") &&
	    strcmp(what, "DEL"))
		return unknown_help(what, "NONE, SHOW, ADD, DEL", err);
	json_object_begin(json);
	if (!strcmp(what, "NONE")) {
		json_key(json, "commands");
		text_adds(json_value(json), "[\"add\",\"del\",\"show\"]");
	}
	json_key(json, "params");
	text_adds(json_value(json),
		  "{\"name\":{\"name\":\"name\",\"type\":\"key\",\"simpletype\":\"string\","
		  "\"description\":\"Name of the dynmon service\",\"example\":\"dynmon1\"}}");
	if (!strcmp(what, "ADD")) {
		write_params(json, "optional-params", &cube, LEAVES_AT_CREATION);
	} else {
		registry_list(call->request->registry, NULL, &list, NULL);
		json_key(json, "elements");
		json_array_begin(json);
		for (size_t i = 0; i < list.n; i++) {
			json_object_begin(json);
			json_member_string(json, "name", list.monitors[i]->name);
			json_object_end(json);
		}
		json_array_end(json);
	}
	json_object_end(json);
	return 0;
}

/* Help on cubes, netdevs, services and version. */
int rest_help_list(struct rest_call *call, const char *what, struct error *err)
{
	if (strcmp(what, "NONE") != 0 && strcmp(what, "SHOW") != 0)
		return unknown_help(what, "NONE, SHOW", err);
	text_adds(json_value(&call->json),
		  !strcmp(what, "NONE") ? "{\"commands\":[\"show\"]}" : "{}");
	return 0;
}

/* Help on the top level: the services. */
int rest_help_root(struct rest_call *call, const char *what, struct error *err)
{
	if (strcmp(what, "NONE") != 0)
		return unknown_help(what, "NONE", err);
	text_adds(json_value(&call->json),
		  "{\"params\":{\"" REST_SERVICE "\":{\"name\":\"" REST_SERVICE "\","
		  "\"simpletype\":\"service\",\"type\":\"leaf\","
		  "\"description\":\"Dynamic Traffic Monitor\","
		  "\"version\":\"" DYNMON_VERSION "\"}}}");
	return 0;
}
