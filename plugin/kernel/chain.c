/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/chain.h"
#include "base/array.h"

#include <bpf/bpf.h>
#include <errno.h>

int chain_append(struct chain *chain, uint32_t prog_id, const char *name)
{
	struct chain_link *link = array_append(chain->links, chain->n);
	_cleanup_close_ int fd = bpf_prog_get_fd_by_id(prog_id);
	struct bpf_prog_info info = {};
	uint32_t len = sizeof(info);

	if (!link)
		return -ENOMEM;
	link->prog_id = prog_id;
	if (fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &len) == 0)
		memcpy(link->name, info.name, sizeof(link->name) - 1);
	else
		snprintf(link->name, sizeof(link->name), "%.*s", (int)strcspn(name, ":"), name);
	return 0;
}

void chain_release(struct chain *chain)
{
	free(chain->links);
	*chain = (struct chain){};
}

bool chain_has(const struct chain *chain, uint32_t prog_id)
{
	for (size_t i = 0; i < chain->n; i++)
		if (chain->links[i].prog_id == prog_id)
			return true;
	return false;
}
