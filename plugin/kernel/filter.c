/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/filter.h"
#include "base/array.h"
#include "kernel/rtnl.h"

#include <errno.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

static bool attr_is_string(const struct nlattr *attr)
{
	return mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0;
}

static uint32_t attr_u32(const struct nlattr *attr)
{
	return mnl_attr_validate(attr, MNL_TYPE_U32) < 0 ? 0 : mnl_attr_get_u32(attr);
}

static int parse_filter(const struct nlmsghdr *message, void *data)
{
	const struct tcmsg *tc = mnl_nlmsg_get_payload(message);
	const struct nlattr *attr, *options = NULL;
	struct filter_list *list = data;
	struct filter *filter;
	bool bpf = false;

	if (message->nlmsg_type != RTM_NEWTFILTER)
		return MNL_CB_OK;
	filter = array_append(list->items, list->n);
	if (!filter)
		return MNL_CB_ERROR;
	filter->priority = TC_H_MAJ(tc->tcm_info) >> 16;
	filter->handle = tc->tcm_handle;
	mnl_attr_for_each(attr, message, sizeof(*tc))
	{
		if (mnl_attr_get_type(attr) == TCA_KIND && attr_is_string(attr))
			bpf = !strcmp(mnl_attr_get_str(attr), "bpf");
		else if (mnl_attr_get_type(attr) == TCA_CHAIN)
			filter->chain = attr_u32(attr);
		else if (mnl_attr_get_type(attr) == TCA_OPTIONS)
			options = attr;
	}
	if (!bpf || !options)
		return MNL_CB_OK;
	mnl_attr_for_each_nested(attr, options)
	{
		if (mnl_attr_get_type(attr) == TCA_BPF_ID)
			filter->prog_id = attr_u32(attr);
		else if (mnl_attr_get_type(attr) == TCA_BPF_NAME && attr_is_string(attr))
			strncpy(filter->name, mnl_attr_get_str(attr), sizeof(filter->name) - 1);
	}
	return MNL_CB_OK;
}

int filter_list_get(int ifindex, enum direction direction, struct filter_list *ret)
{
	_Alignas(struct nlmsghdr) char buffer[MNL_NLMSG_HDRLEN + sizeof(struct tcmsg)];
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct tcmsg *tc = mnl_nlmsg_put_extra_header(request, sizeof(*tc));
	int r;

	*ret = (struct filter_list){};
	request->nlmsg_type = RTM_GETTFILTER;
	tc->tcm_family = AF_UNSPEC;
	tc->tcm_ifindex = ifindex;
	tc->tcm_parent = TC_H_MAKE(TC_H_CLSACT, direction == EGRESS ? (uint32_t)TC_H_MIN_EGRESS
								    : TC_H_MIN_INGRESS);
	r = rtnl_dump(request, parse_filter, ret);
	if (r < 0)
		filter_list_release(ret);
	return r;
}

void filter_list_release(struct filter_list *list)
{
	free(list->items);
	*list = (struct filter_list){};
}

const struct filter *filter_list_find(const struct filter_list *list, uint32_t prog_id)
{
	for (size_t i = 0; i < list->n; i++)
		if (prog_id && list->items[i].prog_id == prog_id && list->items[i].chain == 0)
			return &list->items[i];
	return NULL;
}

static int parse_qdisc(const struct nlmsghdr *message, void *data)
{
	const struct tcmsg *tc = mnl_nlmsg_get_payload(message);
	struct qdisc_list *list = data;
	const struct nlattr *attr;

	if (message->nlmsg_type != RTM_NEWQDISC || tc->tcm_parent != TC_H_CLSACT)
		return MNL_CB_OK;
	mnl_attr_for_each(attr, message, sizeof(*tc))
	{
		struct qdisc *qdisc;

		if (mnl_attr_get_type(attr) != TCA_KIND || !attr_is_string(attr))
			continue;
		qdisc = array_append(list->items, list->n);
		if (!qdisc)
			return MNL_CB_ERROR;
		qdisc->ifindex = tc->tcm_ifindex;
		qdisc->clsact = !strcmp(mnl_attr_get_str(attr), "clsact");
	}
	return MNL_CB_OK;
}

int qdisc_list_get(struct qdisc_list *ret)
{
	_Alignas(struct nlmsghdr) char buffer[MNL_NLMSG_HDRLEN + sizeof(struct tcmsg)];
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct tcmsg *tc = mnl_nlmsg_put_extra_header(request, sizeof(*tc));
	int r;

	*ret = (struct qdisc_list){};
	request->nlmsg_type = RTM_GETQDISC;
	tc->tcm_family = AF_UNSPEC;
	r = rtnl_dump(request, parse_qdisc, ret);
	if (r < 0)
		qdisc_list_release(ret);
	return r;
}

void qdisc_list_release(struct qdisc_list *list)
{
	free(list->items);
	*list = (struct qdisc_list){};
}
