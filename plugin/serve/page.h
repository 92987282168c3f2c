/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The status page: the HTML file page.html, which is embedded in the plugin. The page requests
 * /status and /metrics?look=N.
 */
#ifndef DYNMON_SERVE_PAGE_H
#define DYNMON_SERVE_PAGE_H

#include "serve/http_exchange.h"

/*
 * Returns true if an Accept header (NULL: none) lists text/html, as the header of a browser does.
 */
bool page_is_wanted(const char *accept);

/**
 * page_response() - make the response with the status page
 *
 * Its headers forbid the browser to run, load or embed anything else.
 *
 * Return: the response, owned by the caller; NULL if memory ran out.
 */
struct MHD_Response *page_response(struct exchange *exchange);

#endif
