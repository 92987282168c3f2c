/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * attached INTERFACE: prints a line for each eBPF program on the interface's hooks, "tcx ingress 12
 * name", and nothing if there is none. Debian 12's bpftool does not know tcx.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <unistd.h>

#define PROGRAMS_MAX 64

static void print_program(const char *where, unsigned int id)
{
	struct bpf_prog_info info = {};
	unsigned int len = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(id);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len) < 0)
		info.name[0] = '\0';
	if (fd >= 0)
		close(fd);
	printf("%s %u %s\n", where, id, info.name);
}

static int print_tcx(int ifindex, enum bpf_attach_type type, const char *where)
{
	unsigned int ids[PROGRAMS_MAX], n = PROGRAMS_MAX;
	int r = bpf_prog_query(ifindex, type, 0, NULL, ids, &n);

	for (unsigned int i = 0; r == 0 && i < n; i++)
		print_program(where, ids[i]);
	return r;
}

int main(int argc, char **argv)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, xdp);
	int ifindex = argc == 2 ? (int)if_nametoindex(argv[1]) : 0;

	if (!ifindex) {
		fputs("usage: attached INTERFACE\n", stderr);
		return 2;
	}
	if (print_tcx(ifindex, (enum bpf_attach_type)46, "tcx ingress") < 0 ||
	    print_tcx(ifindex, (enum bpf_attach_type)47, "tcx egress") < 0 ||
	    bpf_xdp_query(ifindex, 0, &xdp) < 0) {
		perror("attached");
		return 1;
	}
	if (xdp.drv_prog_id)
		print_program("xdp ingress", xdp.drv_prog_id);
	if (xdp.skb_prog_id)
		print_program("xdp-generic ingress", xdp.skb_prog_id);
	return 0;
}
