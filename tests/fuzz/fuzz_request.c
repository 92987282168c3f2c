/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Request target and Host header of HTTP requests: the first and the second line of the input.
 * Built and run by tests/run fuzz.
 */
#include "base/text.h"
#include "serve/http_header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A valid target contains neither an escaped NUL nor an incomplete escape. */
static void check_uri(const char *uri)
{
	if (!http_uri_is_valid(uri))
		return;
	for (const char *at = uri; (at = strchr(at, '%')); at++)
		if (!at[1] || !at[2] || !strncmp(at, "%00", 3))
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct http_names *names;
	_cleanup_free_ char *input = strndup((const char *)data, size);
	char *host = input, *uri = input ? strsep(&host, "\n") : NULL;

	if (!names)
		names = http_names_new(&(struct http_settings){}, "web1.example.org");
	if (!uri || !names)
		return 0;
	check_uri(uri);
	/*
	 * Invalid Host headers are not compared. The name of another site must never be accepted.
	 */
	if (host && http_host_is_valid(host) && http_names_have(names, host) &&
	    strcasestr(host, "evil"))
		abort();
	return 0;
}
