/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A bundle is a compiled dataplane in one file, for hosts without a compiler.
 *
 * The file is an ELF object with the document in its section .dynmon. The document has no code. Its
 * key "bundle" holds {"version":1,...}. The key "object" of each direction tells where the object
 * of the direction is: BUNDLE_SELF or BUNDLE_SECOND.
 *
 * document_parse() accepts bundles; this module writes them. It keeps no state; any thread may call
 * it.
 */
#ifndef DYNMON_DATAPLANE_BUNDLE_H
#define DYNMON_DATAPLANE_BUNDLE_H

#include "dataplane/dataplane.h"

/* A section to add. The caller owns the strings and bytes. */
struct bundle_section {
	const char *name;
	const void *bytes;
	size_t len;
};

/**
 * bundle_add_sections() - copy an object and add sections to the copy
 * @object:    ELF object, not modified
 * @sections:  sections to append, in this order; libbpf ignores them
 * @n:         number of sections
 * @out:       the new object is appended
 * @err:       receives the message of libelf on failure
 *
 * Pass only objects that dataplane_build() has accepted: libelf is not safe against forged files.
 * Uses a memfd while it runs.
 *
 * Return: 0 on success, -EINVAL if libelf rejects the object, other -errno on failure.
 */
int bundle_add_sections(const struct text *object, const struct bundle_section *sections, size_t n,
			struct text *out, struct error *err);

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

#endif
