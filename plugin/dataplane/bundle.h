/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A bundle is a compiled dataplane in one file, for hosts without a compiler.
 *
 * The file is an ELF object with the document in its section .dynmon. The document has no code. Its
 * key "bundle" holds {"version":1,...}. The key "object" of each direction tells where the object
 * of the direction is: BUNDLE_SELF or BUNDLE_SECOND.
 *
 * document_parse() accepts bundles; this module packs and reads the format. It keeps no state; any
 * thread may call it.
 */
#ifndef DYNMON_DATAPLANE_BUNDLE_H
#define DYNMON_DATAPLANE_BUNDLE_H

#include "dataplane/dataplane.h"

#define BUNDLE_VERSION 1
#define BUNDLE_SECTION ".dynmon"
#define BUNDLE_SECOND                                                                              \
	".dynmon.egress" /* object of the egress direction, if different from ingress */
#define BUNDLE_SELF "."	 /* the bundle file itself */

/**
 * bundle_direction_key() - return the key of a direction in a document
 * @direction:  direction
 *
 * Return: "ingress-path" or "egress-path", a static string.
 */
const char *bundle_direction_key(enum direction direction);

/**
 * bundle_pack() - write a compiled dataplane as a bundle
 * @dataplane:  compiled dataplane
 * @target:     log level and cube id to record; xdp is checked against the ingress object
 * @out:        the bundle is appended
 * @err:        receives the reason of a failure
 *
 * The recorded hook follows from the programs in the ingress object. No hook is recorded if the
 * object has programs for both tc and XDP, or for neither.
 *
 * Return: 0 on success, -EINVAL if the dataplane has no code, an object is already a bundle or
 * @target asks for XDP and the ingress object has programs only for tc, -EFBIG if the document
 * without its code exceeds DOCUMENT_MAX, other -errno on failure.
 */
int bundle_pack(const struct dataplane *dataplane, const struct compile_target *target,
		struct text *out, struct error *err);

struct image;
struct json_reader;

/**
 * bundle_read() - find the document of an ELF file
 * @image:     the ELF file
 * @document:  receives json and warnings; the directions are not filled
 * @err:       receives the reason of a failure
 *
 * Takes the document from section .dynmon. Without this section, the document is derived from the
 * programs and tags of the object, see elf_metadata_document().
 *
 * Return: 0 on success, -ENODATA if the document lacks the key "bundle", -EFBIG over OBJECT_MAX or
 * DOCUMENT_MAX, other -errno on failure.
 */
int bundle_read(const struct image *image, struct document *document, struct error *err);

/**
 * bundle_take_about() - read the key "bundle" of a document
 * @json_reader:  reader, positioned at the value
 * @value:        value of the key
 * @to:           struct document; its hook is set if the bundle records one
 *
 * Return: 0 on success, -errno with the location of the error on failure.
 */
int bundle_take_about(struct json_reader *json_reader, struct json_object *value, void *to);

#endif
