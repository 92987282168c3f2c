/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve/http_message.h"
#include "base/utf8.h"

#include <microhttpd.h>

void http_answer_text(struct http_answer *answer, unsigned int status, const char *message)
{
	answer->status = status;
	answer->retry = status == MHD_HTTP_SERVICE_UNAVAILABLE;
	answer->content_type = HTTP_TEXT;
	text_clear(&answer->body);
	/* Error messages may quote arbitrary bytes and may be cut inside a character. */
	text_show(&answer->body, message, strlen(message), true);
	text_addc(&answer->body, '\n');
}

void http_answer_release(struct http_answer *answer)
{
	text_release(&answer->body);
	text_release(&answer->location);
	text_release(&answer->allow);
	text_release(&answer->report);
	stream_free(answer->stream);
	*answer = (struct http_answer){};
}

bool http_snapshot_takes(const struct snapshot *snapshot)
{
	struct snapshot_metric each = {};

	while (snapshot_next_metric(snapshot, &each))
		if (each.metric->config->empty_on_read || each.metric->swapped ||
		    map_kind(each.metric->map.type) == MAP_QUEUE)
			return true;
	return false;
}
