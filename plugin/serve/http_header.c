/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve/http_header.h"
#include "base/array.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <strings.h>

#define HOST_MAX  255 /* bytes of a name, without a port */
#define QUOTE_MAX 100 /* bytes from the client that a message quotes */

const char *http_header_find(struct MHD_Connection *connection, const char *name)
{
	return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

/* -- the target -- */

bool http_uri_is_valid(const char *uri)
{
	if (*uri != '/')
		return false;
	for (const unsigned char *c = (const unsigned char *)uri; *c; c++) {
		if (*c <= ' ' || *c == 0x7f)
			return false;
		if (*c == '%' &&
		    (!isxdigit(c[1]) || !isxdigit(c[2]) || (c[1] == '0' && c[2] == '0')))
			return false;
	}
	return true;
}

/* -- Host -- */

/* Splits a Host header. Returns false if it is invalid. name: HOST_MAX + 1 bytes. */
static bool split_host(const char *host, char *name, bool *bracketed)
{
	const char *start = host + (*host == '['), *end;
	size_t digits;

	*bracketed = *host == '[';
	end = start + strcspn(start, *bracketed ? "]" : ":");
	if (end == start || end - start > HOST_MAX || (*bracketed && *end != ']'))
		return false;
	memcpy(name, start, (size_t)(end - start));
	name[end - start] = '\0';
	end += *bracketed;
	if (!*end)
		return true;
	digits = strspn(end + 1, "0123456789");
	return *end == ':' && digits <= 5 && !end[1 + digits];
}

static bool is_address(int family, const char *name)
{
	struct in6_addr address;

	return inet_pton(family, name, &address) == 1;
}

bool http_host_is_valid(const char *host)
{
	char name[HOST_MAX + 1];
	bool bracketed;

	if (!split_host(host, name, &bracketed))
		return false;
	if (bracketed)
		return is_address(AF_INET6, name);
	for (const char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("-._", *c))
			return false;
	return true;
}

struct http_names {
	char **names;
	size_t n;
};

/* Returns the length without a trailing dot. */
static size_t name_len(const char *name)
{
	size_t len = strlen(name);

	return len > 1 && name[len - 1] == '.' ? len - 1 : len;
}

bool http_names_have(const struct http_names *names, const char *host)
{
	char name[HOST_MAX + 1];
	bool bracketed;

	if (!split_host(host, name, &bracketed))
		return false;
	/* DNS rebinding works with names only, so every address is accepted. */
	if (bracketed || is_address(AF_INET, name))
		return true;
	name[name_len(name)] = '\0';
	for (size_t i = 0; i < names->n; i++)
		if (!strcasecmp(names->names[i], name))
			return true;
	return false;
}

/* Adds a name and, for a host, also its first label. Returns false if memory ran out. */
static bool add_listener_name(struct http_names *names, const char *name, bool host)
{
	size_t lens[] = { name_len(name), strcspn(name, ".") };

	for (size_t i = 0; *name && i < (host ? 2 : 1); i++) {
		char **added = array_append(names->names, names->n);

		if (!added || !(*added = strndup(name, lens[i])))
			return false;
	}
	return true;
}

struct http_names *http_names_new(const struct http_settings *settings, const char *hostname)
{
	struct http_names *names = calloc(1, sizeof(*names));
	char own[HOST_MAX + 1] = "";
	bool ok;

	if (!names)
		return NULL;
	gethostname(own, sizeof(own) - 1);
	ok = add_listener_name(names, "localhost", false) && add_listener_name(names, own, true);
	if (ok && hostname)
		ok = add_listener_name(names, hostname, true);
	if (ok && settings->host)
		ok = add_listener_name(names, settings->host, false);
	for (size_t i = 0; ok && i < settings->n_server_names; i++)
		ok = add_listener_name(names, settings->server_names[i], false);
	if (ok)
		return names;
	http_names_free(names);
	return NULL;
}

void http_names_free(struct http_names *names)
{
	if (!names)
		return;
	for (size_t i = 0; i < names->n; i++)
		free(names->names[i]);
	free(names->names);
	free(names);
}

/* -- the header -- */

struct fields {
	const char *next; /* where the next field must begin */
	const char *host;
	size_t hosts, lengths, encodings;
	bool chunked;
	bool wrong_name, wrong_value, gap;
};

static enum MHD_Result check_field(void *data, enum MHD_ValueKind kind, const char *key,
				   size_t key_size, const char *value, size_t value_size)
{
	static const char marks[] = "!#$%&'*+-.^_`|~";
	struct fields *fields = data;
	const char *blanks;

	(void)kind;
	if (!value)
		value = "";
	/* Only blanks may lie between the colon and the value. */
	blanks = key + key_size + 1;
	while (blanks < value && (*blanks == ' ' || *blanks == '\t'))
		blanks++;
	if (key != fields->next || blanks != value)
		fields->gap = true;
	fields->next = value + value_size + 2;
	for (size_t i = 0; i < key_size; i++)
		if (!key[i] || (!isalnum((unsigned char)key[i]) && !strchr(marks, key[i])))
			fields->wrong_name = true;
	for (size_t i = 0; i < value_size; i++)
		if ((unsigned char)value[i] < ' ' ? value[i] != '\t' : value[i] == 0x7f)
			fields->wrong_value = true;
	if (!strcasecmp(key, MHD_HTTP_HEADER_HOST)) {
		fields->hosts++;
		fields->host = value;
	} else if (!strcasecmp(key, MHD_HTTP_HEADER_CONTENT_LENGTH)) {
		fields->lengths++;
	} else if (!strcasecmp(key, MHD_HTTP_HEADER_TRANSFER_ENCODING)) {
		fields->encodings++;
		fields->chunked = !strcasecmp(value, "chunked");
	}
	return MHD_YES;
}

/*
 * Returns true if libmicrohttpd has skipped bytes of the header. Before version 1.0 libmicrohttpd
 * ends a line at NUL, accepts LF without CR, and appends continued lines to the name of a field;
 * the parsed parts do not show this. But all parts point into the header as received, where only
 * delimiters may lie between two parts. Since 1.0 libmicrohttpd refuses such headers itself, see
 * http_start().
 */
static bool has_gap(struct MHD_Connection *connection, const struct http_line *line,
		    const struct fields *fields)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);

	if (*MHD_get_version() != '0')
		return false;
	return fields->gap || line->method + strlen(line->method) + 1 != line->url ||
	       line->url + line->uri_len + 1 != line->version || !info ||
	       fields->next + 2 != line->method + info->header_size;
}

static const char *find_mistake(const struct fields *fields, bool http11)
{
	if (fields->wrong_name)
		return "the name of a header field has a character that is not allowed there";
	if (fields->wrong_value)
		return "the value of a header field has a control character";
	if (fields->lengths > 1)
		return "Content-Length is repeated";
	if (fields->encodings && fields->lengths)
		return "Transfer-Encoding and Content-Length are combined";
	if (fields->encodings > 1 || (fields->encodings && !fields->chunked))
		return "Transfer-Encoding: expected chunked";
	if (fields->encodings && !http11)
		return "Transfer-Encoding needs HTTP/1.1";
	if (fields->hosts > 1)
		return "Host is repeated";
	if (!fields->hosts && http11)
		return "Host is missing";
	return NULL;
}

unsigned int http_header_check(struct MHD_Connection *connection, const struct http_line *line,
			       const char *uri, const struct http_names *names, struct error *err)
{
	struct fields fields = { .next = line->version + strlen(line->version) + 2 };
	const char *mistake;

	MHD_get_connection_values_n(connection, MHD_HEADER_KIND, check_field, &fields);
	mistake = find_mistake(&fields, strcmp(line->version, MHD_HTTP_VERSION_1_0) != 0);
	if (!mistake && has_gap(connection, line, &fields))
		mistake = "expected lines that end with CR LF, without NUL, without blanks around "
			  "the target, and not continued";
	if (mistake) {
		error_set(err, -EINVAL, "the request's header: %s", mistake);
		return MHD_HTTP_BAD_REQUEST;
	}
	if (!http_uri_is_valid(uri)) {
		error_set(err, -EINVAL,
			  "path: expected / and escapes from %%01 to %%FF, found \"%.*s\"",
			  QUOTE_MAX, uri);
		return MHD_HTTP_BAD_REQUEST;
	}
	if (fields.host && !http_host_is_valid(fields.host)) {
		error_set(err, -EINVAL, "Host: expected a name or an address, found \"%.*s\"",
			  QUOTE_MAX, fields.host);
		return MHD_HTTP_BAD_REQUEST;
	}
	if (fields.host && names && !http_names_have(names, fields.host)) {
		error_set(err, -EINVAL,
			  "\"%.*s\" is not a name of this listener; to accept this name, add "
			  "ServerName to the listener's <Http> block",
			  QUOTE_MAX, fields.host);
		return MHD_HTTP_MISDIRECTED_REQUEST;
	}
	return 0;
}

/* -- web pages -- */

bool http_header_is_foreign(struct MHD_Connection *connection)
{
	const char *origin = http_header_find(connection, MHD_HTTP_HEADER_ORIGIN);
	const char *site = http_header_find(connection, "Sec-Fetch-Site");
	const char *agent = http_header_find(connection, MHD_HTTP_HEADER_USER_AGENT);
	const char *host = http_header_find(connection, MHD_HTTP_HEADER_HOST);
	const char *authority = origin ? strstr(origin, "://") : NULL;

	if (origin && (!authority || !host || strcasecmp(authority + 3, host) != 0))
		return true;
	if (site)
		return strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0;
	return !origin && agent && !strncmp(agent, "Mozilla/", strlen("Mozilla/"));
}

bool http_header_is_of_page(struct MHD_Connection *connection)
{
	return http_header_find(connection, MHD_HTTP_HEADER_ORIGIN) ||
	       http_header_find(connection, "Sec-Fetch-Site");
}
