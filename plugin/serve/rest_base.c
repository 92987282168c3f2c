/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve/rest_base.h"
#include "base/utf8.h"
#include "serve/rest_cube.h"

#include <errno.h>
#include <ifaddrs.h>
#include <microhttpd.h>
#include <netdb.h>

/* Lists the top-level paths as links. */
int rest_get_root(struct rest_call *call, struct error *err)
{
	static const char *const names[] = { "services", "cubes",  "netdevs",	"version",
					     "attach",	 "detach", REST_SERVICE };

	(void)err;
	rest_links_begin(call, &call->json);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		rest_links_add(call, &call->json, names[i]);
	json_array_end(&call->json);
	return 0;
}

/* -- attach and detach: unlike elsewhere, a missing cube gives the status 400 -- */

static int check_cube(struct rest_call *call, const char *cube, struct error *err)
{
	_cleanup_(monitor_list_release) struct monitor_list list = {};

	if (registry_list(call->request->registry, cube, &list, NULL) == 0)
		return 0;
	return error_set(err, -EINVAL, "Cube %.100s does not exist", cube);
}

/* The body of a request; the strings belong to it. NULL if missing. */
struct placement {
	struct json_object *body;
	const char *cube, *port, *position, *before, *after;
};

static void placement_release(struct placement *placement)
{
	json_object_put(placement->body);
}

static int placement_init(struct placement *placement, struct rest_call *call, struct error *err)
{
	const struct {
		const char *name;
		const char **to;
	} members[] = {
		{ "cube", &placement->cube },	      { "port", &placement->port },
		{ "position", &placement->position }, { "before", &placement->before },
		{ "after", &placement->after },
	};
	int r = rest_body_object(call, &placement->body, err);

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(members); i++)
		r = rest_body_string(call, placement->body, members[i].name, members[i].to, err);
	if (r < 0)
		return r;
	if (!placement->cube || !placement->port)
		return error_set(err, -EINVAL, "%s is missing", placement->cube ? "Port" : "Cube");
	return check_cube(call, placement->cube, err);
}

/* Makes the position in the syntax of the settings; empty for the default. */
static int make_position(struct rest_call *call, const struct placement *placement,
			 struct text *out, struct error *err)
{
	const char *position = placement->position;
	const char *neighbour = placement->before ? placement->before : placement->after;

	if (!!position + !!placement->before + !!placement->after > 1)
		return error_set(err, -EINVAL, "%s cannot be used together",
				 !position	     ? "after and before"
				 : placement->before ? "position and before"
						     : "position and after");
	if (neighbour) {
		text_printf(out, "%s:%s", placement->before ? "before" : "after", neighbour);
		return check_cube(call, neighbour, err);
	}
	if (!position || !strcmp(position, "auto"))
		return 0;
	if (strcmp(position, "first") != 0 && strcmp(position, "last") != 0)
		return error_set(err, -EINVAL,
				 "position: expected auto, first or last, found \"%.100s\"",
				 position);
	text_adds(out, position);
	return 0;
}

int rest_attach(struct rest_call *call, struct error *err)
{
	_cleanup_(placement_release) struct placement placement = {};
	_cleanup_text_ struct text position = {};
	int r = placement_init(&placement, call, err);

	if (r == 0)
		r = make_position(call, &placement, &position, err);
	if (r == 0)
		r = monitor_settings_try(placement.cube, "Interface", placement.port, err);
	if (r < 0)
		return r;
	r = registry_attach(call->request->registry, placement.cube, placement.port,
			    position.len ? text_str(&position) : NULL, true, NULL, err);
	if (r == -ENODEV)
		error_set(err, r, "Port %.100s does not exist", placement.port);
	else if (r == -EISCONN)
		error_set(err, r, "Cube %.100s is already attached", placement.cube);
	else if (r == -ENOENT)
		call->error_status = MHD_HTTP_BAD_REQUEST;
	return r;
}

int rest_detach(struct rest_call *call, struct error *err)
{
	_cleanup_(placement_release) struct placement placement = {};
	int r = placement_init(&placement, call, err);

	if (r < 0)
		return r;
	r = registry_detach(call->request->registry, placement.cube, placement.port, NULL, err);
	if (r == -ENOENT)
		call->error_status = MHD_HTTP_BAD_REQUEST;
	return r;
}

/* -- lists -- */

int rest_get_cubes(struct rest_call *call, struct error *err)
{
	_cleanup_(monitor_list_release) struct monitor_list list = {};
	struct json_writer *json = &call->json;
	int r = registry_list(call->request->registry, NULL, &list, err);

	if (r < 0)
		return r;
	json_object_begin(json);
	if (list.n) {
		json_key(json, REST_SERVICE);
		json_array_begin(json);
		for (size_t i = 0; i < list.n; i++)
			rest_cube_write(list.monitors[i], json);
		json_array_end(json);
	}
	json_object_end(json);
	return 0;
}

int rest_get_base_cube(struct rest_call *call, struct error *err)
{
	int r = rest_monitor(call, NULL, err);

	if (r == 0)
		rest_cube_write(call->monitor, &call->json);
	return r;
}

#define SERVICE                                                                                    \
	"{\"name\":\"" REST_SERVICE "\",\"servicecontroller\":\"collectd\","                       \
	"\"description\":\"Dynamic Traffic Monitor\",\"version\":\"" DYNMON_VERSION "\"}"

/* Lists all services, that is "dynmon", or shows one. */
int rest_get_services(struct rest_call *call, struct error *err)
{
	const char *name = rest_word(call, 1);

	if (name && strcmp(name, REST_SERVICE) != 0)
		return error_set(err, -ENOENT,
				 "service \"%.60s\" does not exist, only " REST_SERVICE, name);
	text_adds(json_value(&call->json), name ? SERVICE : "[" SERVICE "]");
	return 0;
}

static void write_addresses(const struct ifaddrs *all, const char *name, struct json_writer *json)
{
	json_key(json, "addresses");
	json_array_begin(json);
	for (const struct ifaddrs *at = all; at; at = at->ifa_next) {
		int family = at->ifa_addr ? at->ifa_addr->sa_family : AF_UNSPEC;
		socklen_t len = family == AF_INET ? sizeof(struct sockaddr_in)
						  : sizeof(struct sockaddr_in6);
		char host[NI_MAXHOST];

		if ((family == AF_INET || family == AF_INET6) && !strcmp(at->ifa_name, name) &&
		    !getnameinfo(at->ifa_addr, len, host, sizeof(host), NULL, 0, NI_NUMERICHOST))
			json_put_string(json, host);
	}
	json_array_end(json);
}

/* The interfaces of collectd's network namespace, or one of them. */
int rest_get_netdevs(struct rest_call *call, struct error *err)
{
	const char *name = rest_word(call, 1);
	_cleanup_netifs_ struct netif_list list = {};
	struct json_writer *json = &call->json;
	struct ifaddrs *addresses = NULL;
	bool found = !name;
	int r = netif_list_get(&list, err);

	if (r < 0)
		return r;
	if (getifaddrs(&addresses) < 0)
		addresses = NULL;
	json_array_begin(json);
	for (size_t i = 0; i < list.n; i++) {
		_cleanup_text_ struct text listed = {};

		text_name(&listed, list.items[i].name, strlen(list.items[i].name));
		if (name && strcmp(name, text_str(&listed)) != 0)
			continue;
		found = true;
		json_object_begin(json);
		json_member_string(json, "name", text_str(&listed));
		write_addresses(addresses, list.items[i].name, json);
		json_object_end(json);
	}
	json_array_end(json);
	if (addresses)
		freeifaddrs(addresses);
	return found ? 0
		     : error_set(err, -ENOENT, "network interface \"%.60s\" does not exist", name);
}

int rest_get_version(struct rest_call *call, struct error *err)
{
	(void)err;
	text_adds(json_value(&call->json), "{\"polycubed\":{\"version\":\"" DYNMON_VERSION "\"}}");
	return 0;
}
