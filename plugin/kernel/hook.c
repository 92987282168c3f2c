/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/hook.h"
#include "kernel/capture.h"
#include "kernel/netif.h"
#include "kernel/object.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <pthread.h>
#include <string.h>
#include <strings.h>

/* linux/bpf.h of 6.6; older headers do not have them. */
#define ATTACH_TCX_INGRESS ((enum bpf_attach_type)46)
#define ATTACH_TCX_EGRESS  ((enum bpf_attach_type)47)

#define IFINDEX_LOOPBACK 1

static int link_attach(struct attachment *attachment, int prog_fd, enum bpf_attach_type type)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = attachment->hook->flags);
	int fd = bpf_link_create(prog_fd, attachment->ifindex, type, &opts);

	if (fd < 0)
		return fd;
	attachment->link_fd = fd;
	return 0;
}

static int tcx_attach(struct attachment *attachment, int prog_fd)
{
	return link_attach(attachment, prog_fd,
			   attachment->egress ? ATTACH_TCX_EGRESS : ATTACH_TCX_INGRESS);
}

static int xdp_attach(struct attachment *attachment, int prog_fd)
{
	return link_attach(attachment, prog_fd, BPF_XDP);
}

static int link_replace(struct attachment *attachment, int prog_fd)
{
	return bpf_link_update(attachment->link_fd, prog_fd, NULL);
}

static void link_detach(struct attachment *attachment)
{
	fd_close(&attachment->link_fd);
}

/*
 * The interfaces whose clsact qdisc we made, and which we take away again when its last
 * filter is gone. Adding is refused silently when the table is full: a qdisc is left then.
 */
static struct {
	pthread_mutex_t lock;
	int ifindexes[1024]; /* -- protected by lock */
	size_t n;
} clsacts = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void clsact_made(int ifindex)
{
	pthread_mutex_lock(&clsacts.lock);
	if (clsacts.n < ARRAY_SIZE(clsacts.ifindexes))
		clsacts.ifindexes[clsacts.n++] = ifindex;
	pthread_mutex_unlock(&clsacts.lock);
}

static void clsact_remove_if_unused(int ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex,
		    .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);

	pthread_mutex_lock(&clsacts.lock);
	for (size_t i = 0; i < clsacts.n; i++) {
		int present;

		if (clsacts.ifindexes[i] != ifindex)
			continue;
		present = netif_has_filters(ifindex);
		if (present > 0)
			break;
		if (present == 0)
			bpf_tc_hook_destroy(&hook);
		clsacts.ifindexes[i] = clsacts.ifindexes[--clsacts.n];
		break;
	}
	pthread_mutex_unlock(&clsacts.lock);
}

static int tc_put(struct attachment *attachment, int prog_fd, uint32_t flags)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = attachment->ifindex,
		    .attach_point = attachment->egress ? BPF_TC_EGRESS : BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = prog_fd, .flags = flags,
		    .handle = attachment->handle, .priority = attachment->priority);
	int r = bpf_tc_attach(&hook, &opts);

	if (r < 0)
		return r;
	attachment->handle = opts.handle;
	attachment->priority = opts.priority;
	attachment->prog_id = object_program_id(prog_fd);
	return 0;
}

static int tc_attach(struct attachment *attachment, int prog_fd)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = attachment->ifindex,
		    .attach_point = BPF_TC_INGRESS);
	int r = bpf_tc_hook_create(&hook);

	/* In the same place there may be somebody's ingress qdisc, which has no egress. */
	if (r == -EEXIST && attachment->egress)
		r = netif_has_clsact(attachment->ifindex) == 0 ? -EBUSY : 0;
	else if (r == 0)
		clsact_made(attachment->ifindex);
	if (r < 0 && r != -EEXIST)
		return r;
	r = tc_put(attachment, prog_fd, 0);
	if (r < 0)
		clsact_remove_if_unused(attachment->ifindex);
	return r;
}

/* Whether the filter is still ours: somebody may have put another in its place. */
static bool tc_is_ours(const struct attachment *attachment)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = attachment->ifindex,
		    .attach_point = attachment->egress ? BPF_TC_EGRESS : BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, query, .handle = attachment->handle,
		    .priority = attachment->priority);

	return bpf_tc_query(&hook, &query) == 0 && query.prog_id == attachment->prog_id;
}

static int tc_replace(struct attachment *attachment, int prog_fd)
{
	if (!tc_is_ours(attachment))
		return -ENOLINK;
	return tc_put(attachment, prog_fd, BPF_TC_F_REPLACE);
}

static void tc_detach(struct attachment *attachment)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = attachment->ifindex,
		    .attach_point = attachment->egress ? BPF_TC_EGRESS : BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, detach, .handle = attachment->handle,
		    .priority = attachment->priority);

	if (tc_is_ours(attachment))
		bpf_tc_detach(&hook, &detach);
	clsact_remove_if_unused(attachment->ifindex);
}

static const struct hook hooks[] = {
	{ "tcx", false, tcx_attach, link_replace, link_detach, 0 },
	{ "tc", false, tc_attach, tc_replace, tc_detach, 0 },
	{ "xdp", true, xdp_attach, link_replace, link_detach, XDP_FLAGS_DRV_MODE },
	{ "xdp-generic", true, xdp_attach, link_replace, link_detach, XDP_FLAGS_SKB_MODE },
};

const char *hook_names(void)
{
	return "auto, tcx, tc, xdp, xdp-generic";
}

/* A kernel without tcx does not know the attach type. */
static bool tcx_supported(void)
{
	uint32_t count = 0;

	/* Any other error, such as a missing capability, will be told when attaching. */
	return bpf_prog_query(IFINDEX_LOOPBACK, ATTACH_TCX_INGRESS, 0, NULL, NULL, &count) !=
	       -EINVAL;
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

const struct hook *hook_for_path(const struct hook *hook, bool egress)
{
	return hook->xdp && egress ? hook_find("auto") : hook;
}

static const char *attach_hint(const struct hook *hook, int code)
{
	switch (code) {
	case -EBUSY:
	case -EEXIST:
		return hook->xdp ? "an XDP program is attached there already"
				 : "an ingress qdisc is there, which has no egress";
	case -ERANGE:
		return "there are 64 programs already, more are not possible; hook tc has room";
	case -ENODEV:
		return "no such interface";
	case -EOPNOTSUPP:
	case -EINVAL:
		return hook->xdp ? "the driver does not support it; xdp-generic works everywhere"
				 : "this kernel does not support it";
	case -EPERM:
		return "CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON are needed";
	default:
		return strerror(-code);
	}
}

int attachment_attach(struct attachment *attachment, const struct hook *hook, int ifindex,
		      bool egress, int prog_fd, const struct position *position, struct error *err)
{
	(void)position;
	_cleanup_text_ struct text said = {};
	int r;

	*attachment = (struct attachment){
		.hook = hook, .ifindex = ifindex, .egress = egress, .link_fd = -1
	};
	capture_begin(&said);
	r = hook->attach(attachment, prog_fd);
	capture_end();
	if (r == 0)
		return 0;
	*attachment = (struct attachment){};
	return error_set(err, r, "cannot attach to %s %s: %s%s%s", hook->name,
			 egress ? "egress" : "ingress", attach_hint(hook, r), said.len ? "\n" : "",
			 text_str(&said));
}

int attachment_replace(struct attachment *attachment, int prog_fd, struct error *err)
{
	_cleanup_text_ struct text said = {};
	int r;

	capture_begin(&said);
	r = attachment->hook->replace(attachment, prog_fd);
	capture_end();
	if (r < 0)
		return error_set(err, r, "cannot replace the program on %s %s: %s",
				 attachment->hook->name, attachment->egress ? "egress" : "ingress",
				 strerror(-r));
	return 0;
}

void attachment_detach(struct attachment *attachment)
{
	if (!attachment->hook)
		return;
	capture_begin(NULL);
	attachment->hook->detach(attachment);
	capture_end();
	*attachment = (struct attachment){};
}
