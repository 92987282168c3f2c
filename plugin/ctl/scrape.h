/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The plugin's OpenMetrics text, sample by sample. */
#ifndef DYNMON_CTL_SCRAPE_H
#define DYNMON_CTL_SCRAPE_H

#include "base/error.h"
#include "base/text.h"

/* Valid in the call that hands it over. */
struct sample {
	const char *series; /* as it stands there: packets_total{monitor="edge",...} */
	size_t name_len;    /* of it, before the brace */
	const char *family; /* "packets" */
	bool counts;	    /* grows until it starts anew: of a counter, or a count or sum */
	double value;
};

/* What has been seen of a text. Zeroed is the beginning. */
struct scrape {
	struct text family, type;
	bool ended; /* by # EOF */
};

/*
 * Takes a line without its newline, which is changed. 1: it is a sample; 0: it is none; -EPROTO.
 */
int scrape_line(struct scrape *scrape, char *line, struct sample *ret, struct error *err);
void scrape_release(struct scrape *scrape);

/* The bytes of a series up to its brace, and each of its labels as name and unquoted value. */
size_t series_name_len(const char *series);
/* The label at *at, which is moved on; false: there is no more. value: what was in it is gone. */
bool series_label(const char **at, const char **name, size_t *name_len, struct text *value);

/* What is to be asked of the plugin, and what becomes of it. */
struct reading {
	const char *socket_file;
	const char *monitor; /* NULL: all */
	/* Of every sample. */
	void (*take)(void *data, const struct sample *sample);
	void (*family)(void *data, const char *name); /* of every family; NULL: not wanted */
	void *data;
};

/* Asks for OPENMETRICS, over a connection of its own. -errno with the words. */
int reading_run(const struct reading *reading, struct error *err);

#endif
