/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve/page.h"
#include "serve/http_response.h"

#include <string.h>
#include <strings.h>

/* page_html[] and page_policy[], generated from page.html by the script embed. */
#include "page.inc"

bool page_is_wanted(const char *accept)
{
	static const char html[] = "text/html";

	for (const char *entry = accept; entry && *entry; entry += *entry == ',') {
		entry += strspn(entry, " \t");
		if (!strncasecmp(entry, html, strlen(html)) &&
		    (!entry[strlen(html)] || strchr(" \t;,", entry[strlen(html)])))
			return true;
		entry += strcspn(entry, ",");
	}
	return false;
}

struct MHD_Response *page_response(struct exchange *exchange)
{
	static const char *const headers[][2] = {
		{ MHD_HTTP_HEADER_CACHE_CONTROL, "no-cache" },
		{ MHD_HTTP_HEADER_VARY, MHD_HTTP_HEADER_ACCEPT },
		{ "Content-Security-Policy", page_policy },
		{ "Referrer-Policy", "no-referrer" },
		{ "X-Content-Type-Options", "nosniff" },
	};
	struct MHD_Response *response =
		http_response_static(exchange, page_html, strlen(page_html));

	for (size_t i = 0; response && i < ARRAY_SIZE(headers); i++)
		MHD_add_response_header(response, headers[i][0], headers[i][1]);
	return response;
}
