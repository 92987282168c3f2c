/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Replaces ebpf_exporter.c in builds without libyaml. */
#include "ctl/ebpf_exporter.h"

#include <errno.h>

int ebpf_exporter_convert(const char *file, const char *object, struct text *out,
			  struct text *hints, struct error *err)
{
	(void)file;
	(void)object;
	(void)out;
	(void)hints;
	return error_set(err, -EOPNOTSUPP,
			 "import: this dynmonctl was built without libyaml; convert the file on a "
			 "host whose dynmonctl has it");
}
