/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A dataplane document defines the code of each direction and the maps that are exported as
 * metrics. The format is that of Polycube's Dynmon, see dynmon-dataplane(5). A document is JSON or,
 * with compiled code, an ELF file: a bundle or a self-describing object.
 *
 * A document has one owner; only document_leave() changes it after parsing. The direction
 * configurations are read-only and reference counted (atomic), because a direction that an
 * injection leaves unchanged is shared with the next dataplane. Any thread that holds a reference
 * may read them. There is no lock.
 */
#ifndef DYNMON_DATAPLANE_DOCUMENT_H
#define DYNMON_DATAPLANE_DOCUMENT_H

#include "base/direction.h"
#include "dataplane/elf_metadata.h"
#include "dataplane/metric_config.h"
#include "dataplane/presets.h"

#define CODE_MAX    (1024 * 1024)		    /* bytes of C source of one direction */
#define BUNDLE_MAX  (2 * OBJECT_MAX + DOCUMENT_MAX) /* bytes of a bundle */
#define METRICS_MAX 256				    /* metrics of one direction */

/* The configuration of one direction. Exactly one of source and object is not empty. */
struct direction_config {
	unsigned int refs; /* atomic */
	char *name;	   /* may be NULL */
	struct text source;
	struct text object;
	char *origin;  /* name of the code in diagnostics: a file or "ingress-path.code" */
	char *program; /* name of the program in the object; NULL: the only one that fits */
	struct json_object *json; /* private copy of the input, for clients that request it */
	struct presets presets;
	bool has_list; /* the document has metric-configs, or they were read from tags */
	struct metric_config *metrics;
	size_t n_metrics;
};

/**
 * direction_config_add_metrics() - add the metrics that the code of a direction defines
 * @config:     configuration without metrics, not shared yet
 * @direction:  the direction, for messages
 * @list:       value of metric-configs; a reference is taken
 * @warnings:   receives unknown keys, one per line
 * @err:        receives the reason of a failure
 *
 * Return: 0 on success, -errno as document_parse().
 */
int direction_config_add_metrics(struct direction_config *config, enum direction direction,
				 struct json_object *list, struct text *warnings,
				 struct error *err);

/**
 * direction_config_ref() - take a reference
 * @config:  direction configuration, or NULL
 *
 * Return: @config.
 */
struct direction_config *direction_config_ref(struct direction_config *config);

/**
 * direction_config_unref() - release a reference; the last one frees the configuration
 * @config:  direction configuration, or NULL
 *
 * Return: NULL.
 */
struct direction_config *direction_config_unref(struct direction_config *config);
DEFINE_CLEANUP(struct direction_config *, direction_config_unref);

enum document_hook { DOCUMENT_HOOK_ANY, DOCUMENT_HOOK_TC, DOCUMENT_HOOK_XDP };

struct document {
	struct direction_config *directions[N_DIRECTIONS]; /* NULL: direction is left unchanged */
	struct json_object *json;			   /* the input, owned */
	char *name;					   /* only Polycube uses it */
	uint32_t bundle_version;			   /* 0: the document is no bundle */
	enum document_hook hook; /* for which the ingress direction of a bundle was compiled */
	bool by_program;	 /* directions without a program in the code do not run */
	bool elf;		 /* the document is an ELF file */
	struct text warnings;	 /* one per line, such as unknown keys */
};

/**
 * document_parse() - parse a document from memory
 * @bytes:     JSON or an ELF file, distinguished by the first bytes
 * @len:       number of bytes, at most DOCUMENT_MAX (JSON) or BUNDLE_MAX (ELF)
 * @dir:       base directory of code-file and object, NULL for the working directory
 * @confined:  require these files to be below @dir; set it for untrusted documents
 * @ret:       receives the document, to be freed with document_free()
 * @err:       receives the reason of a failure
 *
 * The document of an ELF file is in its section .dynmon. Without this section it is derived from
 * the programs and tags, see elf_metadata_document(). The objects of the directions are copied from
 * the file.
 *
 * Return: 0 on success, -EINVAL if a value is invalid, -ENODATA if a required key is missing,
 * -EFBIG over a limit, other -errno if a file cannot be read. The message names the location in the
 * JSON.
 */
int document_parse(const char *bytes, size_t len, const char *dir, bool confined,
		   struct document **ret, struct error *err);

/**
 * document_read() - read the file of a document without parsing it
 * @dir:       base directory of a relative @name, NULL for the working directory
 * @name:      name of the file
 * @confined:  require the file to be below @dir
 * @out:       the contents are appended
 * @err:       receives the reason of a failure
 *
 * The document of a file with C source, whose name ends in ".c", names the file as its code.
 *
 * Return: 0 on success, -EFBIG over DOCUMENT_MAX (JSON) or BUNDLE_MAX (ELF), other -errno on
 * failure.
 */
int document_read(const char *dir, const char *name, bool confined, struct text *out,
		  struct error *err);

/**
 * document_load() - read and parse the file of a document
 * @dir:       base directory of a relative @name, NULL for the working directory
 * @name:      name of the file; code-file and object are relative to the directory of this file
 * @confined:  require all files to be below @dir
 * @ret:       receives the document, to be freed with document_free()
 * @err:       receives the reason of a failure, prefixed with the name of the file
 *
 * Return: 0 on success, -errno as document_read() and document_parse() on failure.
 */
int document_load(const char *dir, const char *name, bool confined, struct document **ret,
		  struct error *err);

/**
 * document_leave() - leave directions unchanged, as if the document had {} for them
 * @document:  the document, used by one thread
 * @leave:     true for each direction to leave unchanged
 */
void document_leave(struct document *document, const bool leave[N_DIRECTIONS]);

/**
 * document_assign() - set variables in all directions of a document that was just parsed
 * @document:     the document; nothing else refers to its directions
 * @assignments:  "NAME=VALUE"; each must fit at least one direction when the code is loaded
 * @n:            number of assignments
 * @err:          receives the reason of a failure
 *
 * Return: 0 or -ENOMEM.
 */
int document_assign(struct document *document, char *const *assignments, size_t n,
		    struct error *err);

/**
 * document_free() - free a document and its references to direction configurations
 * @document:  the document, or NULL
 *
 * Return: NULL.
 */
struct document *document_free(struct document *document);
DEFINE_CLEANUP(struct document *, document_free);

#define _cleanup_document_ _cleanup_(document_freep)

#endif
