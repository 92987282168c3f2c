/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/section.h"
#include "kernel/libbpf_log.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#define TRACEFS "/sys/kernel/tracing"

/*
 * Sections of program types that attach by their section and can count events. Iterators are left
 * out because they run only when somebody reads them; perf events and cgroups need further
 * parameters.
 */
static bool has_section_to_attach(const struct bpf_program *program)
{
	static const char *const prefixes[] = {
		"tracepoint/",
		"tp/",
		"raw_tracepoint/",
		"raw_tp/",
		"raw_tracepoint.w/",
		"raw_tp.w/",
		"tp_btf/",
		"fentry/",
		"fentry.s/",
		"fexit/",
		"fexit.s/",
		"fmod_ret/",
		"fmod_ret.s/",
		"kprobe/",
		"kretprobe/",
		"kprobe.multi/",
		"kretprobe.multi/",
		"ksyscall/",
		"kretsyscall/",
		"uprobe/",
		"uprobe.s/",
		"uretprobe/",
		"uretprobe.s/",
		"usdt/",
		"lsm/",
		"lsm.s/",
	};
	const char *section = bpf_program__section_name(program);

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (!strncmp(section, prefixes[i], strlen(prefixes[i])))
			return true;
	return false;
}

bool object_has_sections_only(const struct object *object, const char *name)
{
	struct bpf_program *program;
	bool any = false;

	bpf_object__for_each_program(program, object->bpf) {
		if (name && strcmp(bpf_program__name(program), name) != 0)
			continue;
		if (!has_section_to_attach(program))
			return false;
		any = true;
	}
	return any;
}

void object_select_sections(struct object *object, const char *name)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, object->bpf) {
		bool named = name && !strcmp(bpf_program__name(program), name);

		if ((name && !named) || !has_section_to_attach(program))
			continue;
		bpf_program__set_autoload(program, true);
	}
}

/* libbpf reports only that a file does not exist. */
static const char *section_attach_hint(const struct bpf_program *program, int code)
{
	bool tracepoint = bpf_program__type(program) == BPF_PROG_TYPE_TRACEPOINT;

	if (tracepoint && code == -EACCES && access(TRACEFS "/events", X_OK) < 0)
		return TRACEFS " is not for this user to read; raw_tracepoint and tp_btf do "
			       "without";
	if (!tracepoint || code != -ENOENT)
		return strerror(-code);
	return access(TRACEFS "/events", F_OK) < 0
		       ? "no tracefs is mounted on " TRACEFS
		       : "this kernel has no such tracepoint below " TRACEFS "/events";
}

int object_attach_sections(struct object *object, struct error *err)
{
	struct bpf_program *program;
	size_t room = 0;

	if (object->links)
		return 0;
	bpf_object__for_each_program(program, object->bpf)
		room++;
	object->links = calloc(room + 1, sizeof(struct bpf_link *));
	if (!object->links)
		return error_oom(err);
	bpf_object__for_each_program(program, object->bpf) {
		_cleanup_text_ struct text said = {};
		struct bpf_link *link;
		int r;

		if (!bpf_program__autoload(program))
			continue;
		libbpf_log_begin(&said);
		link = bpf_program__attach(program);
		r = link ? 0 : -errno;
		libbpf_log_end();
		if (r < 0) {
			object_detach_sections(object);
			return error_set(err, r, "program %s: cannot attach to \"%s\": %s%s%s",
					 bpf_program__name(program),
					 bpf_program__section_name(program),
					 section_attach_hint(program, r), said.len ? "\n" : "",
					 text_str(&said));
		}
		object->links[object->n_links++] = link;
	}
	return 0;
}

const char *object_section(const struct object *object, size_t i)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, object->bpf)
		if (bpf_program__autoload(program) && !i--)
			return bpf_program__section_name(program);
	return "";
}

void object_detach_sections(struct object *object)
{
	while (object->n_links)
		bpf_link__destroy(object->links[--object->n_links]);
	free(object->links);
	object->links = NULL;
}
