/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Paths outside a service: attach, detach, cubes, services, netdevs, version. */
#include "base/utf8.h"
#include "serve/rest_private.h"

#include <errno.h>
#include <ifaddrs.h>
#include <json-c/json.h>
#include <microhttpd.h>
#include <netdb.h>

DEFINE_CLEANUP(struct json_object *, json_object_put);
#define _cleanup_json_ _cleanup_(json_object_putp)

/* Lists the top-level paths as links. */
void rest_get_root(struct rest_call *call)
{
	static const char *const names[] = { "services", "cubes",  "netdevs",	"version",
					     "attach",	 "detach", REST_SERVICE };
	struct text *out = &call->answer->body;

	rest_links_begin(call, out);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		rest_links_add(call, out, names[i]);
	rest_links_end(out);
	rest_json(call);
}

/* -- attach and detach -- */

/* Answers with a plain text error that quotes a word. */
static void refuse(struct rest_call *call, const char *before, const char *word, const char *after)
{
	_cleanup_text_ struct text words = {};

	text_printf(&words, "%s%.100s%s", before, word, after);
	http_answer_text(call->answer, MHD_HTTP_BAD_REQUEST, text_str(&words));
}

static bool rest_base_exists(struct rest_call *call, const char *cube)
{
	_cleanup_(monitor_list_release) struct monitor_list list = {};

	if (registry_list(call->request->registry, cube, &list, NULL) == 0)
		return true;
	refuse(call, "Cube ", cube, " does not exist");
	return false;
}

/* Strings of the request body; NULL if missing. */
struct placement {
	const char *cube, *port, *position, *before, *after;
};

static bool placement_init(struct placement *placement, struct rest_call *call,
			   struct json_object *body)
{
	const struct {
		const char *name;
		const char **to;
	} members[] = {
		{ "cube", &placement->cube },	      { "port", &placement->port },
		{ "position", &placement->position }, { "before", &placement->before },
		{ "after", &placement->after },
	};
	int r = 0;

	*placement = (struct placement){};
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(members); i++)
		*members[i].to = rest_body_string(call, body, members[i].name, &r);
	if (r < 0)
		return false;
	if (placement->cube && placement->port)
		return rest_base_exists(call, placement->cube);
	refuse(call, "", placement->cube ? "Port" : "Cube", " is missing");
	return false;
}

/*
 * Makes the position in the syntax of the settings; empty for the default. Returns false with an
 * error in the answer.
 */
static bool position_word(struct rest_call *call, const struct placement *placement,
			  struct text *word)
{
	const char *position = placement->position;
	const char *neighbour = placement->before ? placement->before : placement->after;

	if (!!position + !!placement->before + !!placement->after > 1) {
		refuse(call, "",
		       !position	   ? "after and before"
		       : placement->before ? "position and before"
					   : "position and after",
		       " cannot be used together");
		return false;
	}
	if (neighbour) {
		text_printf(word, "%s:%s", placement->before ? "before" : "after", neighbour);
		return rest_base_exists(call, neighbour);
	}
	if (position && strcmp(position, "first") && strcmp(position, "last") &&
	    strcmp(position, "auto")) {
		refuse(call, "position: expected auto, first or last, found \"", position, "\"");
		return false;
	}
	if (position && strcmp(position, "auto") != 0)
		text_adds(word, position);
	return true;
}

static void rest_base_attach(struct rest_call *call, const struct placement *placement,
			     struct text *word)
{
	const char *position = word->len ? text_str(word) : NULL;
	_cleanup_error_ struct error err = {};
	int r = monitor_settings_try(placement->cube, "Interface", placement->port, &err);

	if (r == 0)
		r = registry_attach_one(call->request->registry, placement->cube, placement->port,
					position, NULL, &err);
	if (r == -ENODEV)
		refuse(call, "Port ", placement->port, " does not exist");
	else if (r == -EISCONN)
		refuse(call, "Cube ", placement->cube, " is already attached");
	else if (r < 0)
		rest_failed(call, &err);
	else
		rest_done(call, MHD_HTTP_OK);
}

void rest_attach(struct rest_call *call)
{
	_cleanup_json_ struct json_object *body = rest_body_object(call);
	_cleanup_text_ struct text word = {};
	struct placement placement;

	if (body && placement_init(&placement, call, body) &&
	    position_word(call, &placement, &word))
		rest_base_attach(call, &placement, &word);
}

void rest_detach(struct rest_call *call)
{
	_cleanup_json_ struct json_object *body = rest_body_object(call);
	_cleanup_error_ struct error err = {};
	struct placement placement;

	if (!body || !placement_init(&placement, call, body))
		return;
	if (registry_detach(call->request->registry, placement.cube, placement.port, NULL, &err) <
	    0)
		rest_failed(call, &err);
	else
		rest_done(call, MHD_HTTP_OK);
}

/* -- lists -- */

void rest_get_cubes(struct rest_call *call)
{
	_cleanup_(monitor_list_release) struct monitor_list list = {};
	_cleanup_error_ struct error err = {};
	struct text *out = &call->answer->body;

	if (registry_list(call->request->registry, NULL, &list, &err) < 0) {
		rest_failed(call, &err);
		return;
	}
	text_adds(out, list.n ? "{\"" REST_SERVICE "\":[" : "{");
	for (size_t i = 0; i < list.n; i++) {
		text_adds(out, i ? ",{" : "{");
		rest_cube_members(list.monitors[i], out);
		text_addc(out, '}');
	}
	text_adds(out, list.n ? "]}" : "}");
	rest_json(call);
}

void rest_get_base_cube(struct rest_call *call)
{
	_cleanup_(monitor_unrefp) struct monitor *monitor = rest_monitor(call);

	if (!monitor)
		return;
	text_addc(&call->answer->body, '{');
	rest_cube_members(monitor, &call->answer->body);
	text_addc(&call->answer->body, '}');
	rest_json(call);
}

/* Lists all services, that is "dynmon", or shows one. */
void rest_get_services(struct rest_call *call)
{
	const char *name = rest_word(call, 1);
	struct text *out = &call->answer->body;

	if (name && strcmp(name, REST_SERVICE) != 0) {
		rest_missing(call, "the only service is " REST_SERVICE);
		return;
	}
	text_adds(out, name ? "{" : "[{");
	rest_member(out, true, "name", REST_SERVICE);
	rest_member(out, false, "servicecontroller", "collectd");
	rest_member(out, false, "description", "Dynamic Traffic Monitor");
	rest_member(out, false, "version", DYNMON_VERSION);
	text_adds(out, name ? "}" : "}]");
	rest_json(call);
}

static void add_addresses(const struct ifaddrs *all, const char *name, struct text *out)
{
	bool first = true;

	text_adds(out, ",\"addresses\":[");
	for (const struct ifaddrs *at = all; at; at = at->ifa_next) {
		int family = at->ifa_addr ? at->ifa_addr->sa_family : AF_UNSPEC;
		char host[NI_MAXHOST];

		if ((family != AF_INET && family != AF_INET6) || strcmp(at->ifa_name, name) != 0 ||
		    getnameinfo(at->ifa_addr,
				family == AF_INET ? sizeof(struct sockaddr_in)
						  : sizeof(struct sockaddr_in6),
				host, sizeof(host), NULL, 0, NI_NUMERICHOST) != 0)
			continue;
		text_adds(out, first ? "" : ",");
		text_json(out, host, strlen(host));
		first = false;
	}
	text_addc(out, ']');
}

/* The interfaces of collectd's network namespace, or one of them. */
void rest_get_netdevs(struct rest_call *call)
{
	const char *name = rest_word(call, 1);
	_cleanup_netifs_ struct netif_list list = {};
	_cleanup_error_ struct error err = {};
	struct text *out = &call->answer->body;
	struct ifaddrs *addresses = NULL;
	size_t found = 0;

	if (netif_list_get(&list, &err) < 0) {
		rest_failed(call, &err);
		return;
	}
	if (getifaddrs(&addresses) < 0)
		addresses = NULL;
	text_addc(out, '[');
	for (size_t i = 0; i < list.n; i++) {
		_cleanup_text_ struct text listed = {};

		utf8_name(&listed, list.items[i].name, strlen(list.items[i].name));
		if (name && strcmp(name, text_str(&listed)) != 0)
			continue;
		text_adds(out, found++ ? ",{" : "{");
		rest_member(out, true, "name", text_str(&listed));
		add_addresses(addresses, list.items[i].name, out);
		text_addc(out, '}');
	}
	text_addc(out, ']');
	if (addresses)
		freeifaddrs(addresses);
	if (name && !found)
		rest_missing(call, "there is no such network interface");
	else
		rest_json(call);
}

void rest_get_version(struct rest_call *call)
{
	text_adds(&call->answer->body, "{\"polycubed\":{\"version\":\"" DYNMON_VERSION "\"}}");
	rest_json(call);
}
