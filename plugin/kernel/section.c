/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/section.h"
#include "base/array.h"
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

/* A program without autoattach is loaded for a map that refers to it, see object_open(). */
static bool is_selected(const struct bpf_program *program)
{
	return bpf_program__autoload(program) && bpf_program__autoattach(program);
}

bool sections_only(const struct bpf_object *object, const char *name)
{
	struct bpf_program *program;
	bool any = false;

	bpf_object__for_each_program(program, object) {
		if (name ? strcmp(bpf_program__name(program), name) != 0
			 : !bpf_program__autoattach(program))
			continue;
		if (!has_section_to_attach(program))
			return false;
		any = true;
	}
	return any;
}

void sections_select(struct bpf_object *object, const char *name)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, object) {
		if (name ? strcmp(bpf_program__name(program), name) != 0
			 : !bpf_program__autoattach(program))
			continue;
		bpf_program__set_autoattach(program, true);
		bpf_program__set_autoload(program, true);
	}
}

/* libbpf reports only that a file does not exist. */
static const char *section_attach_hint(const struct bpf_program *program, int code)
{
	bool tracepoint = bpf_program__type(program) == BPF_PROG_TYPE_TRACEPOINT;

	if (tracepoint && code == -EACCES && access(TRACEFS "/events", X_OK) < 0)
		return "no permission to read " TRACEFS "; use SEC(\"raw_tracepoint/...\") or "
		       "SEC(\"tp_btf/...\"), which do not need it";
	if (!tracepoint || code != -ENOENT)
		return strerror(-code);
	return access(TRACEFS "/events", F_OK) < 0
		       ? "tracefs is not mounted on " TRACEFS
		       : "this kernel has no such tracepoint below " TRACEFS "/events";
}

int sections_attach(struct section_links *links, const struct bpf_object *object, struct error *err)
{
	struct bpf_program *program;

	if (links->n)
		return 0;
	bpf_object__for_each_program(program, object) {
		_cleanup_text_ struct text output = {};
		struct bpf_link *link, **slot;
		int r;

		if (!is_selected(program))
			continue;
		libbpf_log_begin(&output);
		link = bpf_program__attach(program);
		r = link ? 0 : -errno;
		libbpf_log_end();
		if (r < 0) {
			sections_detach(links);
			return error_set(err, r, "program %s: cannot attach to \"%s\": %s%s%s",
					 bpf_program__name(program),
					 bpf_program__section_name(program),
					 section_attach_hint(program, r), output.len ? "\n" : "",
					 text_str(&output));
		}
		slot = array_append(links->items, links->n);
		if (!slot) {
			bpf_link__destroy(link);
			sections_detach(links);
			return error_oom(err);
		}
		*slot = link;
	}
	return 0;
}

const char *section_name(const struct bpf_object *object, size_t i)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, object)
		if (is_selected(program) && !i--)
			return bpf_program__section_name(program);
	return "";
}

void sections_detach(struct section_links *links)
{
	while (links->n)
		bpf_link__destroy(links->items[--links->n]);
	free(links->items);
	*links = (struct section_links){};
}
