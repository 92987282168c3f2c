/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ELF metadata: the document of an ELF file.
 *
 * The document of a bundle is in the section .dynmon. A self-describing object has no such section;
 * its document is derived. The sections of the programs define the directions. BTF declaration tags
 * on maps define the metrics. A tag is "dynmon:metric=" followed by JSON; bpf/dynmon.h has the
 * macros. The JSON is an element of metric-configs without map-name and is validated like the JSON
 * of any document.
 *
 * The functions keep no state; any thread may call them. The objects may be untrusted.
 */
#ifndef DYNMON_DATAPLANE_ELF_METADATA_H
#define DYNMON_DATAPLANE_ELF_METADATA_H

#include "base/direction.h"
#include "base/image.h"
#include "base/text.h"

#include <json-c/json_types.h>

#define OBJECT_MAX    (16 * 1024 * 1024) /* bytes of an ELF object */
#define TAGS_MAX      1024		 /* tags of one object */
#define TAG_MAX_BYTES (16 * 1024)	 /* JSON of one tag */

/* The key "bundle" of a bundle's document has a version. */
#define BUNDLE_VERSION 1
#define BUNDLE_SECTION ".dynmon"
/* Values of the key "object": the file itself, or the section with the object for egress. */
#define BUNDLE_SELF   "."
#define BUNDLE_SECOND ".dynmon.egress"

/**
 * elf_metadata_document() - find or derive the document of an ELF file
 * @image:     the file
 * @ret:       receives the document in the form of a bundle; owned by the caller even on failure
 * @warnings:  a warning is appended if the document is derived and the object has no tags
 * @err:       receives the reason of a failure
 *
 * Return: 0 on success, -ENODATA if the document in .dynmon lacks the key "bundle", -EINVAL if the
 * object is damaged, has no program, several programs for one direction and hook, or an invalid
 * tag, -EFBIG over a limit, -ENOMEM.
 */
int elf_metadata_document(const struct image *image, struct json_object **ret,
			  struct text *warnings, struct error *err);

/**
 * elf_metadata_directions() - find the directions for which an object has a program
 * @image:  the object
 * @has:    receives true for each such direction
 * @err:    receives the reason of a failure
 *
 * Return: 0 on success, -EINVAL if the object is damaged.
 */
int elf_metadata_directions(const struct image *image, bool has[N_DIRECTIONS], struct error *err);

/**
 * elf_metadata_metrics() - read the metrics that the tags of an object define for a direction
 * @image:       the object
 * @direction:   the direction
 * @by_default:  the direction of metrics without the key "direction"
 * @ret:         receives the list, owned by the caller; NULL if there is none
 * @err:         receives the reason of a failure
 *
 * Return: 0 on success, -EINVAL for an invalid tag, -EFBIG over a limit, -ENOMEM.
 */
int elf_metadata_metrics(const struct image *image, enum direction direction,
			 enum direction by_default, struct json_object **ret, struct error *err);

/**
 * elf_metadata_hooks() - find the kinds of hook that the ingress programs are for
 * @image:  the object
 * @name:   name of the only program to consider, or NULL for all
 * @tc:     set to true if there is a program for tc, else to false
 * @xdp:    set to true if there is a program for XDP, else to false
 * @err:    receives the reason of a failure
 *
 * Tracing programs set neither.
 *
 * Return: 0 on success, -errno on failure.
 */
int elf_metadata_hooks(const struct image *image, const char *name, bool *tc, bool *xdp,
		       struct error *err);

#endif
