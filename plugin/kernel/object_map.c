/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/object_map.h"
#include "base/descriptor.h"
#include "kernel/map_reader.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <inttypes.h>

#define BUCKET_BYTES 16 /* of a hash in the kernel */

/* Returns the bytes that the kernel allocates when it creates the map. */
static uint64_t bytes_at_start(const struct map *map)
{
	switch (map_kind(map->type)) {
	case MAP_UNREADABLE:
	case MAP_TRIE:
		return 0;
	case MAP_HASH:
		if (map->flags & BPF_F_NO_PREALLOC)
			return (uint64_t)map->max_entries * BUCKET_BYTES;
		break;
	case MAP_ARRAY:
	case MAP_QUEUE:
		break;
	}
	return map->max_entries * (uint64_t)(map->key_size + map_value_stride(map));
}

int object_map_check(const struct object_map *map, struct error *err)
{
	const char *path = bpf_map__pin_path(map->bpf);
	const struct map shape = object_map_shape(map);
	uint64_t bytes = bytes_at_start(&shape);

	if (map_kind(shape.type) != MAP_UNREADABLE && !shape.max_entries &&
	    map->scope != MAP_SCOPE_EXTERN)
		return error_set(
			err, -EINVAL,
			"map %s has room for no entries; set \"max-entries\" of the map in "
			"\"maps\" of the document",
			map->name);
	if (bytes > MAP_BYTES_MAX)
		return error_set(err, -EFBIG,
				 "map %s: its entries need %" PRIu64 " bytes, the limit is %llu; "
				 "reduce max_entries",
				 map->name, bytes, MAP_BYTES_MAX);
	if (path &&
	    (strncmp(path, OBJECT_PIN_DIR, strlen(OBJECT_PIN_DIR)) != 0 || strstr(path, "/../")))
		return error_set(err, -EINVAL,
				 "map %s: invalid pin path \"%.100s\": expected a path "
				 "below " OBJECT_PIN_DIR,
				 map->name, path);
	return 0;
}

static int sizes_agree(const struct object_map *map, uint32_t key_size, uint32_t value_size,
		       struct error *err)
{
	if (bpf_map__key_size(map->bpf) == key_size && bpf_map__value_size(map->bpf) == value_size)
		return 0;
	return error_set(err, -EINVAL,
			 "map %s: key of %u and value of %u bytes here, but %u and %u where it is "
			 "declared",
			 map->name, bpf_map__key_size(map->bpf), bpf_map__value_size(map->bpf),
			 key_size, value_size);
}

int object_map_declare(struct object_map *map, const struct object_map *declaration,
		       struct error *err)
{
	struct map shape = object_map_shape(declaration);
	int r = sizes_agree(map, shape.key_size, shape.value_size, err);

	if (r < 0)
		return r;
	bpf_map__set_type(map->bpf, (enum bpf_map_type)shape.type);
	bpf_map__set_max_entries(map->bpf, shape.max_entries);
	bpf_map__set_map_flags(map->bpf, shape.flags);
	map->resolved = true;
	return 0;
}

int object_map_reuse(struct object_map *map, int fd, struct error *err)
{
	struct bpf_map_info info = {};
	uint32_t len = sizeof(info);
	int r = bpf_obj_get_info_by_fd(fd, &info, &len);

	if (r < 0)
		return error_set(err, r, "map %s: %s", map->name, strerror(-r));
	r = sizes_agree(map, info.key_size, info.value_size, err);
	if (r < 0)
		return r;
	r = bpf_map__reuse_fd(map->bpf, fd);
	if (r < 0)
		return error_set(err, r, "map %s: cannot be shared: %s", map->name, error_text(r));
	map->resolved = true;
	map->reused = true;
	return 0;
}

void object_map_make_mappable(struct object_map *map)
{
	uint32_t flags = bpf_map__map_flags(map->bpf);

	if (map->scope == MAP_SCOPE_EXTERN || map->inner || bpf_map__pin_path(map->bpf) ||
	    flags & (BPF_F_RDONLY | BPF_F_WRONLY | BPF_F_RDONLY_PROG | BPF_F_INNER_MAP) ||
	    !map_is_mappable(bpf_map__type(map->bpf), bpf_map__value_size(map->bpf)))
		return;
	bpf_map__set_map_flags(map->bpf, flags | BPF_F_MMAPABLE);
}

int object_map_set_past(struct object_map *map, const struct map *past, struct error *err)
{
	int fd = descriptor_copy_up(past->fd);

	if (fd < 0)
		return error_set(err, fd, "map %s: %s", map->name, error_text(fd));
	map->past = *past;
	map->past.fd = fd;
	return 0;
}

static void past_release(struct object_map *map)
{
	if (map->past.fd > 0)
		fd_close(&map->past.fd);
	map->past = (struct map){};
}

/* Adds a 4- or 8-byte integer to a mapped value. */
static void value_add(char *to, const char *value, uint32_t size)
{
	uint64_t large;
	uint32_t small;

	if (size == sizeof(large)) {
		memcpy(&large, value, sizeof(large));
		__atomic_fetch_add((uint64_t *)to, large, __ATOMIC_RELAXED);
	} else {
		memcpy(&small, value, sizeof(small));
		__atomic_fetch_add((uint32_t *)to, small, __ATOMIC_RELAXED);
	}
}

int object_map_add_past(struct object_map *map, struct error *err)
{
	const struct map *to = &map->shape;
	struct map_reader reader;
	struct map_batch batch;
	int r = to->memory ? map_reader_init(&reader, &map->past, false) : -EOPNOTSUPP;

	if (r == 0) {
		while ((r = map_reader_next(&reader, &batch)) > 0)
			for (uint32_t i = 0; i < batch.count; i++) {
				uint32_t index;

				memcpy(&index, batch.keys + i * batch.key_stride, sizeof(index));
				if (index < to->max_entries)
					value_add(to->memory + index * MAP_MEMORY_STRIDE,
						  batch.values + i * batch.value_stride,
						  to->value_size);
			}
		map_reader_release(&reader);
	}
	past_release(map);
	return r < 0 ? error_set(err, r, "map %s: the counts of the old map are lost: %s",
				 map->name, strerror(-r))
		     : 0;
}

int object_map_take_over(struct object_map *map)
{
	const char *pin_path = bpf_map__pin_path(map->bpf);
	struct bpf_map_info info = {};
	uint32_t len = sizeof(info);
	int fd = bpf_map__fd(map->bpf);
	int r = fd < 0 ? -EBADF : bpf_obj_get_info_by_fd(fd, &info, &len);

	if (r < 0)
		return r;
	map->pin_path = pin_path ? strdup(pin_path) : NULL;
	if (pin_path && !map->pin_path)
		return -ENOMEM;
	fd = descriptor_copy_up(fd);
	if (fd < 0)
		return fd;
	map->shape = (struct map){
		.fd = fd,
		.type = info.type,
		.key_size = info.key_size,
		.value_size = info.value_size,
		.max_entries = info.max_entries,
		/* The kernel does not report the flags of the descriptor, such as BPF_F_WRONLY. */
		.flags = info.map_flags | bpf_map__map_flags(map->bpf),
		.id = info.id,
	};
	map->shape.memory = map_memory_map(&map->shape);
	map->loaded = true;
	return 0;
}

void object_map_release(struct object_map *map)
{
	if (map->loaded) {
		map_memory_unmap(&map->shape, map->shape.memory);
		fd_close(&map->shape.fd);
	}
	past_release(map);
	free(map->pin_path);
	free(map->name);
}

struct map object_map_shape(const struct object_map *map)
{
	if (map->loaded)
		return map->shape;
	return (struct map){
		.fd = -1,
		.type = bpf_map__type(map->bpf),
		.key_size = bpf_map__key_size(map->bpf),
		.value_size = bpf_map__value_size(map->bpf),
		.max_entries = bpf_map__max_entries(map->bpf),
		.flags = bpf_map__map_flags(map->bpf),
	};
}

int object_map_describe(const struct object_map *map, struct map *ret, struct error *err)
{
	if (!map->loaded)
		return error_set(err, -EBADF, "map %s: %s", map->name, error_text(-EBADF));
	*ret = map->shape;
	return 0;
}
