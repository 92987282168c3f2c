/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/btf_check.h"

#include <errno.h>
#include <linux/btf.h>
#include <string.h>

#define NO_TYPE 0xff

/*
 * Start of struct btf_ext_header, which libbpf does not export. The offset and length of each list
 * follow.
 */
struct ext_header {
	uint16_t magic;
	uint8_t version;
	uint8_t flags;
	uint32_t hdr_len;
};

/* The lists of records, in the order of the header. A word has 32 bits. */
static const struct list {
	const char *name;
	uint32_t record;      /* minimum bytes of a record */
	uint32_t max;	      /* maximum number of records */
	uint8_t type;	      /* index of the word that is a type id */
	uint8_t first, names; /* index of the first word that is a name, and number of names */
} lists[] = {
	{ "functions", 8, UINT32_MAX, 1, 0, 0 },
	{ "lines", 16, UINT32_MAX, NO_TYPE, 1, 2 },
	/* Limited because libbpf searches all types of the kernel for each relocation. */
	{ "relocations", 16, BTF_RELOCATIONS_MAX, 1, 2, 1 },
};

static uint32_t word_at(const char *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static int ext_name_check(const struct btf_extent *btf, const struct list *list, uint32_t offset,
			  struct error *err)
{
	if (offset < btf->strings_len)
		return 0;
	return error_set(err, -EINVAL,
			 "the list of %s has a name at %u, outside the strings, which have %u "
			 "bytes",
			 list->name, offset, btf->strings_len);
}

static int record_check(const struct btf_extent *btf, const struct list *list, const char *at,
			struct error *err)
{
	uint32_t type = list->type == NO_TYPE ? 0 : word_at(at + 4 * list->type);
	int r = 0;

	if (type >= btf->n_types)
		return error_set(err, -EINVAL,
				 "the list of %s refers to type %u, which does not exist: the last "
				 "type is %u",
				 list->name, type, btf->n_types - 1);
	for (uint8_t i = 0; r == 0 && i < list->names; i++)
		r = ext_name_check(btf, list, word_at(at + 4 * (list->first + i)), err);
	return r;
}

/*
 * A list starts with the size of a record. Then follow, for each program section, the section name,
 * the number of records, and the records.
 */
static int list_check(const struct btf_extent *btf, const struct list *list, const char *at,
		      uint32_t len, struct error *err)
{
	const char *end = at + len;
	uint32_t size, total = 0;
	int r = 0;

	if (!len)
		return 0;
	size = len < 4 ? 0 : word_at(at);
	at += 4;
	if (size < list->record || size % 4)
		return error_set(err, -EINVAL, "records of %u bytes in the list of %s", size,
				 list->name);
	while (r == 0 && at < end) {
		uint32_t count = end - at < 8 ? 0 : word_at(at + 4);

		if (!count || (uint64_t)count * size > (uint64_t)(end - at - 8))
			return error_set(err, -EINVAL,
					 "%u records of %u bytes exceed the list of %s", count,
					 size, list->name);
		total += count;
		if (total > list->max)
			return error_set(err, -E2BIG,
					 "the list of %s has %u records, at most %u are possible",
					 list->name, total, list->max);
		r = ext_name_check(btf, list, word_at(at), err);
		for (at += 8; r == 0 && count; count--, at += size)
			r = record_check(btf, list, at, err);
	}
	return r;
}

int btf_ext_check(const void *bytes, size_t len, const struct btf_extent *btf, struct error *err)
{
	const char *lists_at, *pair = (const char *)bytes + sizeof(struct ext_header);
	struct ext_header header = {};
	int r = 0;

	if (len >= sizeof(header))
		memcpy(&header, bytes, sizeof(header));
	if (header.magic != BTF_MAGIC || header.version != BTF_VERSION ||
	    header.hdr_len < sizeof(header) || header.hdr_len > len)
		return error_set(err, -EINVAL,
				 "expected magic 0x%04x, version %d and a header within its %zu "
				 "bytes, found 0x%04x, %u and a header of %u bytes",
				 BTF_MAGIC, BTF_VERSION, len, header.magic, header.version,
				 header.hdr_len);
	lists_at = (const char *)bytes + header.hdr_len;
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(lists); i++, pair += 8) {
		uint32_t offset, size;

		if (header.hdr_len < sizeof(header) + (i + 1) * 8)
			break; /* older compilers write fewer lists */
		offset = word_at(pair);
		size = word_at(pair + 4);
		if (offset % 4 || (uint64_t)offset + size > len - header.hdr_len)
			return error_set(err, -EINVAL,
					 "the list of %s, %u bytes at %u, exceeds the section",
					 lists[i].name, size, offset);
		r = list_check(btf, &lists[i], lists_at + offset, size, err);
	}
	return r;
}
