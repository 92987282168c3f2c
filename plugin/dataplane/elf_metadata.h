/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Self-describing objects: the document that an ELF object implies.
 *
 * Its programs say by their sections which paths there are, and declaration tags on its maps,
 * "dynmon:metric=" and JSON, which metrics (bpf/dynmon.h has the macros). The JSON is that of an
 * element of metric-configs without map-name, so that the document's own rules check it.
 */
#ifndef DYNMON_DATAPLANE_ELF_METADATA_H
#define DYNMON_DATAPLANE_ELF_METADATA_H

#include "base/image.h"
#include "base/text.h"

#include <json-c/json_types.h>

#define TAGS_MAX      1024	  /* tags of one object */
#define TAG_MAX_BYTES (16 * 1024) /* of one tag's JSON */

/*
 * Makes the document, in the form that stands in a bundle: a path's object is ".".
 * On success *ret is the caller's. An object without tags has no metrics, which is a warning.
 * -EINVAL: damaged, no program, several programs for a path, or a tag with mistakes in it; -EFBIG
 * over a limit.
 */
int elf_metadata_document(const struct image *image, struct json_object **ret,
			  struct text *warnings, struct error *err);

/*
 * Which kinds of hook the object has programs for on the ingress path. name: only the program
 * called so; NULL: any. Neither is set for tracing programs.
 */
int elf_metadata_hooks(const struct image *image, const char *name, bool *tc, bool *xdp,
		       struct error *err);

#endif
