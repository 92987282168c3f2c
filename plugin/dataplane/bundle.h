/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A bundle: a compiled dataplane in one file, for hosts without a compiler.
 *
 * It is an ELF object with the document in its section .dynmon: the JSON without the code, with
 * {"version":1,...} as its member "bundle", and each path's "object" saying which section the
 * path's object is in, BUNDLE_SELF or BUNDLE_SECOND. document_parse() takes bundles; this is about
 * what they are made of.
 */
#ifndef DYNMON_DATAPLANE_BUNDLE_H
#define DYNMON_DATAPLANE_BUNDLE_H

#include "dataplane/dataplane.h"

#define BUNDLE_VERSION 1
#define BUNDLE_SECTION ".dynmon"
#define BUNDLE_SECOND  ".dynmon.egress" /* the egress path's object, when it is another one */
#define BUNDLE_SELF    "."		/* the file itself */

/* The key of a path in a document: "ingress-path". */
const char *bundle_path_key(enum path path);

/*
 * Appends to out the bundle of what the dataplane was compiled to. target: what it was compiled
 * for; recorded, but for the hook, which is what the ingress path's object has programs for.
 * -EINVAL: there is no code, or an object that is a bundle already; -EFBIG over a limit.
 */
int bundle_pack(const struct dataplane *dataplane, const struct compile_target *target,
		struct text *out, struct error *err);

struct image;
struct json_reader;

/*
 * Finds the document of an ELF file, in its section .dynmon or implied by the object, and fills
 * json and warnings of the document, for document_parse() to go on with.
 */
int bundle_read(const struct image *image, struct document *document, struct error *err);

/* Takes the member "bundle" into the struct document at to. */
int bundle_take_about(struct json_reader *json_reader, struct json_object *value, void *to);

#endif
