/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parses the plugin's OpenMetrics text. Used by one thread. */
#ifndef DYNMON_CTL_SCRAPE_H
#define DYNMON_CTL_SCRAPE_H

#include "base/error.h"
#include "base/text.h"

/* A sample. Valid during the callback. */
struct sample {
	const char *series; /* as received: packets_total{monitor="edge",...} */
	size_t name_len;    /* length of the name, before the brace */
	const char *family; /* "packets" */
	bool counter;	    /* increases until a reset: a counter, count or sum */
	double value;
};

/* State of the parser. Initialize with zeroes. */
struct scrape {
	struct text family, type;
	bool ended; /* # EOF was received */
};

/*
 * Parses a line without its newline, and modifies the line. Returns 1 for a sample, 0 for another
 * line, -EPROTO for an error.
 */
int scrape_line(struct scrape *scrape, char *line, struct sample *ret, struct error *err);
void scrape_release(struct scrape *scrape);

/* Returns true if the name of the sample, without labels, ends with the suffix and is longer. */
bool sample_has_suffix(const struct sample *sample, const char *suffix);

/* Returns the length of the name of a series, without the labels. */
size_t series_name_len(const char *series);
/*
 * Gets the label at *at and advances *at. value: receives the unquoted value, replacing the old
 * content. Returns false at the end.
 */
bool series_label(const char **at, const char **name, size_t *name_len, struct text *value);

/* Receivers of a scrape. Both may be NULL. */
struct scrape_handler {
	void (*sample)(void *data, const struct sample *sample);
	void (*family)(void *data, const char *name);
	void *data;
};

/**
 * scrape_run() - read the OpenMetrics text of the plugin over a new connection
 * @monitor:  NULL for all monitors
 *
 * Return: 0, or -errno with a message in @err.
 */
int scrape_run(const char *socket_file, const char *monitor, const struct scrape_handler *handler,
	       struct error *err);

#endif
