/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dataplane documents. Built and run by tests/run fuzz; use -dict=tests/fuzz/document.dict. */
#include "base/utf8.h"
#include "dataplane/document.h"

#include <errno.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Checks the properties of a parsed direction that other modules rely on. */
static void check_direction(const struct direction_config *direction)
{
	if (!direction)
		return;
	if (!direction->origin || !direction->source.len == !direction->object.len)
		abort();
	for (size_t i = 0; i < direction->n_metrics; i++) {
		const struct metric_config *metric = &direction->metrics[i];

		if (!metric->name || !*metric->name || !metric->map_name || !*metric->map_name)
			abort();
		for (const char *at = metric->help; at && *at;) {
			size_t len = utf8_sequence(at, strlen(at));

			if (!len)
				abort();
			at += len;
		}
		for (size_t l = 0; l < metric->n_labels; l++)
			if (!metric->labels[l].name || !metric->labels[l].value)
				abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_document_ struct document *document = NULL;
	_cleanup_error_ struct error err = {};
	/* in /proc/self/fdinfo no relative direction leads to a file that blocks */
	int r = document_parse((const char *)data, size, "/proc/self/fdinfo", true, &document,
			       &err);

	if ((r < 0) != !document || r > 0 || (r < 0 && !err.message))
		abort();
	for (enum direction direction = 0; document && direction < N_DIRECTIONS; direction++)
		check_direction(document->directions[direction]);
	return 0;
}
