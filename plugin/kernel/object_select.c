/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/object.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

static bool program_fits(const struct bpf_program *program, enum bpf_prog_type type, bool egress)
{
	/* Sections such as "tc/egress" and "tcx/ingress" are for one direction only. */
	const char *slash = strchr(bpf_program__section_name(program), '/');

	return bpf_program__type(program) == type &&
	       !(slash && !strcmp(slash + 1, egress ? "ingress" : "egress"));
}

/*
 * Counts the programs that fit, and finds the last one. With a name, this is the program of that
 * name. Otherwise the type is BPF_PROG_TYPE_UNSPEC for programs in sections that libbpf does not
 * know.
 */
static size_t find_programs(const struct object *object, const char *name, enum bpf_prog_type type,
			    bool egress, struct bpf_program **ret)
{
	struct bpf_program *program;
	size_t n = 0;

	bpf_object__for_each_program(program, object->bpf) {
		if (name ? strcmp(bpf_program__name(program), name) != 0
			 : !bpf_program__autoattach(program) ||
				    !program_fits(program, type, egress))
			continue;
		*ret = program;
		n++;
	}
	return n;
}

/* Lists the programs for messages. A program in a section SEC("?...") has to be named. */
static void list_programs(const struct object *object, struct text *all)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, object->bpf)
		text_printf(all, "%s%.80s (SEC \"%.80s\"%s)", all->len ? ", " : "",
			    bpf_program__name(program), bpf_program__section_name(program),
			    bpf_program__autoattach(program) ? ""
			    : bpf_program__autoload(program) ? ", called by a map"
							     : ", only if named");
	if (!all->len)
		text_adds(all, "none");
}

int object_select(struct object *object, bool xdp, bool egress, const char *name,
		  struct bpf_program **ret, struct error *err)
{
	const char *kind = xdp ? "xdp" : "tc", *direction = egress ? "egress" : "ingress";
	enum bpf_prog_type type = xdp ? BPF_PROG_TYPE_XDP : BPF_PROG_TYPE_SCHED_CLS;
	_cleanup_text_ struct text all = {};
	struct bpf_program *found = NULL;
	size_t fitting = find_programs(object, name, type, egress, &found);

	if (!fitting)
		fitting = find_programs(object, name, BPF_PROG_TYPE_UNSPEC, egress, &found);
	list_programs(object, &all);
	if (!fitting && name)
		return error_set(err, -ENOENT, "there is no program \"%s\"; the object has: %s",
				 name, text_str(&all));
	if (!fitting)
		return error_set(err, -ENOENT, "no %s program for %s; the object has: %s", kind,
				 direction, text_str(&all));
	if (fitting > 1)
		return error_set(
			err, -EINVAL,
			"several programs fit the %s direction, \"program\" must name one of: %s",
			direction, text_str(&all));
	if (bpf_program__type(found) != BPF_PROG_TYPE_UNSPEC && !program_fits(found, type, egress))
		return error_set(err, -EINVAL,
				 "program \"%s\" (SEC \"%s\") is not a %s program for %s",
				 bpf_program__name(found), bpf_program__section_name(found), kind,
				 direction);
	bpf_program__set_autoload(found, true);
	*ret = found;
	bpf_object__for_each_program(found, object->bpf)
		if (bpf_program__autoload(found) &&
		    bpf_program__type(found) == BPF_PROG_TYPE_UNSPEC)
			bpf_program__set_type(found, type);
	return 0;
}
