/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/attachment.h"
#include "kernel/chain.h"
#include "kernel/libbpf_log.h"

#include <errno.h>
#include <string.h>

int hook_chain(const struct hook *hook, int ifindex, enum direction direction, struct chain *ret)
{
	int r;

	*ret = (struct chain){};
	r = hook->chain(hook, ifindex, direction, ret);
	if (r < 0)
		chain_release(ret);
	return r;
}

static const char *hook_attach_hint(const struct hook *hook, int code)
{
	switch (code) {
	case -EBUSY:
		return hook->xdp ? "an XDP program is attached there already" : strerror(EBUSY);
	case -EEXIST:
		/* Native and generic XDP exclude each other. */
		return hook->xdp ? "an XDP program is attached there already"
				 : "the program is attached there already";
	case -ENOSPC:
		return "the kernel has no free priority left; use another Position";
	case -ERANGE:
		return "64 programs are attached there, which is the limit; use hook tc";
	case -ENODEV:
		return "no such interface";
	case -EOPNOTSUPP:
	case -EINVAL:
		return hook->xdp ? "the driver does not support it; use hook xdp-generic"
				 : "this kernel does not support it";
	case -EPERM:
		return "CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON are needed";
	default:
		return error_text(code);
	}
}

/*
 * Returns true if attaching failed because the program of a relative position is not on the hook.
 * The kernel returns -ENOENT if that program does not exist or is on another hook, and -EINVAL if
 * it has another type.
 */
static bool position_is_missing(const struct attachment *attachment,
				const struct position *position, int code)
{
	_cleanup_chain_ struct chain chain = {};

	return position_is_relative(position) && (code == -ENOENT || code == -EINVAL) &&
	       hook_chain(attachment->hook, attachment->ifindex, attachment->direction, &chain) ==
		       0 &&
	       !chain_has(&chain, position->prog_id);
}

int attachment_attach(struct attachment *attachment, const struct hook *hook, int ifindex,
		      enum direction direction, int prog_fd, const struct position *position,
		      struct error *err)
{
	static const struct position any = {};
	_cleanup_error_ struct error reason = {};
	_cleanup_text_ struct text output = {};
	int r;

	*attachment = (struct attachment){
		.hook = hook, .ifindex = ifindex, .direction = direction, .link_fd = -1
	};
	if (!position)
		position = &any;
	libbpf_log_begin(&output);
	r = hook->attach(attachment, prog_fd, position, &reason);
	libbpf_log_end();
	if (r == 0)
		return 0;
	if (!reason.code && position_is_missing(attachment, position, r))
		r = error_set(
			&reason, -ENOENT, "program %u, %s which to attach, is not on this hook",
			position->prog_id, position->where == POSITION_BEFORE ? "before" : "after");
	/* If there is a reason of our own, libbpf only says that a clsact qdisc exists already. */
	if (reason.code)
		text_clear(&output);
	*attachment = (struct attachment){};
	return error_set(err, r, "cannot attach to %s %s: %s%s%s", hook->name,
			 direction_name(direction),
			 reason.code ? error_message(&reason) : hook_attach_hint(hook, r),
			 output.len ? "\n" : "", text_str(&output));
}

int attachment_replace(struct attachment *attachment, int prog_fd, struct error *err)
{
	int r;

	libbpf_log_begin(NULL);
	r = attachment->hook->replace(attachment, prog_fd);
	libbpf_log_end();
	if (r == 0)
		return 0;
	return error_set(err, r, "cannot replace the program on %s %s: %s", attachment->hook->name,
			 direction_name(attachment->direction), error_text(r));
}

void attachment_detach(struct attachment *attachment)
{
	if (!attachment->hook)
		return;
	libbpf_log_begin(NULL);
	attachment->hook->detach(attachment);
	libbpf_log_end();
	*attachment = (struct attachment){};
}

int attachment_adopt(struct attachment *attachment, const struct hook *hook, int ifindex,
		     enum direction direction, int link_fd, uint32_t *prog_id)
{
	struct attachment adopted = {
		.hook = hook, .ifindex = ifindex, .direction = direction, .link_fd = -1
	};
	int r;

	libbpf_log_begin(NULL);
	r = hook->adopt(&adopted, link_fd, prog_id);
	libbpf_log_end();
	if (r == 0)
		*attachment = adopted;
	return r;
}

int attachment_keep(struct attachment *attachment)
{
	return attachment->hook && attachment->hook->keep ? attachment->hook->keep(attachment) : 0;
}

void attachment_leave(struct attachment *attachment)
{
	if (attachment->hook)
		fd_close(&attachment->link_fd);
	*attachment = (struct attachment){};
}
