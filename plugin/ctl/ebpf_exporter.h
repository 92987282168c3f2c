/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Conversion of configurations of ebpf_exporter to documents. */
#ifndef DYNMON_CTL_EBPF_EXPORTER_H
#define DYNMON_CTL_EBPF_EXPORTER_H

#include "base/error.h"
#include "base/text.h"

/**
 * ebpf_exporter_convert() - convert a configuration to a document
 * @file:    configuration, YAML
 * @object:  compiled object; NULL: NAME.bpf.o in the directory of NAME.yaml
 * @out:     receives the document, JSON
 * @hints:   receives differences that a user should know, one per line
 * @err:     receives the reason: all parts that cannot be expressed, one per line
 *
 * ebpf_exporter describes a key by the sizes of its parts. The names of these parts are read from
 * the BTF of the object.
 *
 * Return: 0, -EINVAL if the configuration cannot be expressed, -EOPNOTSUPP if built without
 * libyaml, other -errno if a file cannot be read.
 */
int ebpf_exporter_convert(const char *file, const char *object, struct text *out,
			  struct text *hints, struct error *err);

#endif
