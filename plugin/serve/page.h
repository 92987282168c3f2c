/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The status page: one HTML file, page.html, that is part of the plugin, and asks for /status and
 * /metrics?look=N.
 */
#ifndef DYNMON_SERVE_PAGE_H
#define DYNMON_SERVE_PAGE_H

#include "serve/http_exchange.h"

/* Whether a client that sends this Accept header (NULL: none) names HTML, as browsers do. */
bool page_is_wanted(const char *accept);

/*
 * The page, with the headers that keep browsers from running, loading or framing anything else. The
 * caller's; NULL: out of memory.
 */
struct MHD_Response *page_response(struct exchange *exchange);

#endif
