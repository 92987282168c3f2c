/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/hook.h"
#include "kernel/link.h"
#include "kernel/tc.h"

#include <linux/if_link.h>
#include <strings.h>

static const struct hook hooks[] = {
	{
		.name = "tcx",
		.attach = tcx_attach,
		.replace = link_replace,
		.detach = link_detach,
		.adopt = tcx_adopt,
		.chain = tcx_chain,
	},
	{
		.name = "tc",
		.attach = tc_attach,
		.replace = tc_replace,
		.detach = tc_detach,
		.adopt = tc_adopt,
		.keep = tc_keep,
		.chain = tc_chain,
	},
	{
		.name = "xdp",
		.xdp = true,
		.flags = XDP_FLAGS_DRV_MODE,
		.attach = xdp_attach,
		.replace = link_replace,
		.detach = link_detach,
		.adopt = xdp_adopt,
		.chain = xdp_chain,
	},
	{
		.name = "xdp-generic",
		.xdp = true,
		.flags = XDP_FLAGS_SKB_MODE,
		.attach = xdp_attach,
		.replace = link_replace,
		.detach = link_detach,
		.adopt = xdp_adopt,
		.chain = xdp_chain,
	},
};

const char *hook_names(void)
{
	return "auto, tcx, tc, xdp, xdp-generic";
}

const struct hook *hook_find(const char *name)
{
	if (!strcasecmp(name, "auto"))
		name = tcx_supported() ? "tcx" : "tc";
	for (size_t i = 0; i < ARRAY_SIZE(hooks); i++)
		if (!strcasecmp(hooks[i].name, name))
			return &hooks[i];
	return NULL;
}

const struct hook *hook_for_direction(const struct hook *hook, enum direction direction)
{
	return hook->xdp && direction == EGRESS ? hook_find("auto") : hook;
}
