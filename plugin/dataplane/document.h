/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A dataplane document: what an operator writes to say which code runs on which path and
 * which of its maps are metrics. The format is that of Polycube's Dynmon, see
 * dynmon-dataplane(5). It comes as JSON or, with the code compiled, as an ELF file: a bundle, or an
 * object that describes itself.
 *
 * A document is read-only once parsed, and reference counted by path: a path that an
 * injection leaves as it is lives on in the next dataplane.
 */
#ifndef DYNMON_DATAPLANE_DOCUMENT_H
#define DYNMON_DATAPLANE_DOCUMENT_H

#include "base/error.h"
#include "base/text.h"
#include "dataplane/metric_config.h"

#include <json-c/json_types.h>

#define DOCUMENT_MAX (4 * 1024 * 1024)		     /* bytes of JSON */
#define CODE_MAX     (1024 * 1024)		     /* bytes of C source of one path */
#define OBJECT_MAX   (16 * 1024 * 1024)		     /* bytes of an ELF object */
#define BUNDLE_MAX   (2 * OBJECT_MAX + DOCUMENT_MAX) /* bytes of a bundle */
#define METRICS_MAX  256			     /* metrics of one path */
#define WARNINGS_MAX (16 * 1024)		     /* bytes; further ones are left out */

enum path { PATH_INGRESS, PATH_EGRESS, PATH_COUNT };

/* "ingress" or "egress". */
const char *path_name(enum path path);
/* The path of that name; -1 if there is none. */
int path_from_name(const char *name);

/* What the code of a path is. Exactly one of source and object is there. */
struct path_config {
	unsigned int refs; /* atomic */
	char *name;	   /* may be NULL */
	struct text source;
	struct text object;
	char *origin;  /* what diagnostics call the source: a file, or "ingress-path.code" */
	char *program; /* which program of the object; NULL: the only one that fits */
	struct json_object *json; /* as it came, for clients that ask for it back; nobody else's */
	struct metric_config *metrics;
	size_t n_metrics;
};

struct path_config *path_config_ref(struct path_config *config);
struct path_config *path_config_unref(struct path_config *config);
DEFINE_CLEANUP(struct path_config *, path_config_unref);

enum document_hook { DOCUMENT_HOOK_ANY, DOCUMENT_HOOK_TC, DOCUMENT_HOOK_XDP };

struct document {
	struct path_config *paths[PATH_COUNT]; /* NULL: the document leaves that path as it is */
	struct json_object *json;	       /* as it came */
	enum document_hook hook;	       /* what a bundle's ingress path is compiled for */
	struct text warnings;		       /* a line each: unknown keys */
};

/*
 * Parses len bytes of JSON, or those of an ELF file, told apart by how they begin. Of an ELF file
 * the document in its section .dynmon is taken or, when it has none, the one that its programs and
 * tags imply; json is that document, and the paths' objects are parts of the file.
 * dir: what code-file and object are relative to, NULL for the working directory.
 * confined: these files must lie below dir; for documents from outside.
 * On success *ret is the caller's, to be freed with document_free().
 * Errors: -EINVAL with the position or the path to the wrong value, -ENODATA with the path to what
 * lacks something, -EFBIG over a limit, -errno
 * of a file that cannot be read.
 */
int document_parse(const char *bytes, size_t len, const char *dir, bool confined,
		   struct document **ret, struct error *err);

/* Appends the file's bytes, which may be too many for a document, but not for what they are. */
int document_read(const char *dir, const char *name, bool confined, struct text *out,
		  struct error *err);

/* Reads the file and parses it; what it names is relative to the file's own folder. */
int document_load(const char *dir, const char *name, bool confined, struct document **ret,
		  struct error *err);

/* Makes it as if the document had {} for these paths. */
void document_leave(struct document *document, const bool leave[PATH_COUNT]);

struct document *document_free(struct document *document);
DEFINE_CLEANUP(struct document *, document_free);

#define _cleanup_document_ _cleanup_(document_freep)

#endif
