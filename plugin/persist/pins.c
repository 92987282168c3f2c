/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "persist/pins.h"
#include "base/file.h"
#include "kernel/bpffs.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct pins {
	struct pin_store *store; /* open */
	char *path;		 /* the directory of the monitor */
	int fd;			 /* of the directory, locked */
	uint64_t next;
};

/* Makes the path of a place below the monitor's directory. */
static void place_path(const struct pins *pins, const char *place, struct text *path)
{
	text_clear(path);
	text_printf(path, "%s/", pins->path);
	bpffs_escape(path, place);
}

/* Creates and locks the monitor's directory. The store is open. */
static int folder_lock(struct pins *pins, const char *monitor, struct error *err)
{
	_cleanup_text_ struct text path = {}, escaped = {};
	int r;

	bpffs_escape(&escaped, monitor);
	text_printf(&path, "%s/%s", pin_store_path(pins->store), text_str(&escaped));
	if (text_status(&escaped) < 0 || text_status(&path) < 0)
		return error_oom(err);
	r = pin_store_take_old(pins->store, text_str(&escaped), err);
	if (r == 0)
		r = bpffs_make(text_str(&path), err);
	if (r < 0)
		return r;
	pins->path = text_steal(&path);
	if (!pins->path)
		return error_oom(err);
	pins->fd = open(pins->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = pins->fd < 0 ? -errno : file_lock(pins->fd, false);
	if (r == -EBUSY)
		return error_set(err, r, "\"%s\" is in use by another process", pins->path);
	if (r < 0)
		return error_set(err, r, "\"%s\": %s", pins->path, strerror(-r));
	return 0;
}

int pins_open(struct pin_store *store, const char *monitor, struct pins **ret, struct error *err)
{
	struct pins *pins = calloc(1, sizeof(*pins));
	int r;

	if (!pins)
		return error_oom(err);
	*pins = (struct pins){ .store = store, .fd = -1, .next = 1 };
	r = pin_store_open(store, err);
	if (r < 0) {
		free(pins);
		return error_prefix(err, r, "Pin");
	}
	r = folder_lock(pins, monitor, err);
	if (r < 0) {
		pins_close(pins);
		return error_prefix(err, r, "Pin");
	}
	*ret = pins;
	return 0;
}

struct pins *pins_close(struct pins *pins)
{
	if (!pins)
		return NULL;
	fd_close(&pins->fd);
	pin_store_close(pins->store);
	free(pins->path);
	free(pins);
	return NULL;
}

void pins_remove(struct pins *pins, const char *place)
{
	_cleanup_text_ struct text path = {};

	if (!place) {
		bpffs_remove(pins->path);
		return;
	}
	place_path(pins, place, &path);
	if (text_status(&path) == 0)
		bpffs_remove(text_str(&path));
}

int pins_move(struct pins *pins, const char *from, const char *to)
{
	_cleanup_text_ struct text old = {}, new = {};

	place_path(pins, from, &old);
	place_path(pins, to, &new);
	if (text_status(&old) < 0 || text_status(&new) < 0)
		return -ENOMEM;
	/* Pins at the new name are left from an interface that no longer exists. */
	bpffs_remove(text_str(&new));
	return rename(text_str(&old), text_str(&new)) < 0 && errno != ENOENT ? -errno : 0;
}

struct pruning {
	bool (*keep)(void *data, const char *name);
	void *data;
};

static int prune_one(void *data, const char *path, const char *escaped)
{
	const struct pruning *pruning = data;
	_cleanup_free_ char *name = strdup(escaped);
	_cleanup_text_ struct text below = {};

	if (!name)
		return 0;
	bpffs_unescape(name);
	text_printf(&below, "%s/%s", path, escaped);
	if (!pruning->keep(pruning->data, name) && text_status(&below) == 0)
		bpffs_remove(text_str(&below));
	return 0;
}

void pins_prune(struct pins *pins, bool (*keep)(void *data, const char *place), void *data)
{
	struct pruning pruning = { keep, data };

	bpffs_each(pins->path, prune_one, &pruning);
}

/* Pins the maps that the next process can reuse. */
static int save_maps(const char *dir, const struct object *object, bool second,
		     enum direction direction, struct error *err)
{
	for (size_t i = 0; i < object->n_maps; i++) {
		const struct object_map *map = &object->maps[i];
		_cleanup_text_ struct text file = {};
		int r;

		if (map_kind(object_map_shape(map).type) == MAP_UNREADABLE ||
		    (second && !map->swapped))
			continue;
		text_printf(&file, "%s/%smap-%s-", dir, second ? "twin-" : "",
			    direction_name(direction));
		bpffs_escape(&file, map->name);
		r = text_status(&file) < 0 ? error_oom(err)
					   : bpffs_pin(text_str(&file), object_map_fd(map), err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int save_copy(const char *dir, const struct object *object, int prog_fd, bool second,
		     enum direction direction, struct error *err)
{
	_cleanup_text_ struct text file = {};
	int r = save_maps(dir, object, second, direction, err);

	if (r < 0 || prog_fd < 0)
		return r;
	text_printf(&file, "%s/%sprog-%s", dir, second ? "twin-" : "", direction_name(direction));
	return text_status(&file) < 0 ? error_oom(err) : bpffs_pin(text_str(&file), prog_fd, err);
}

int pins_save(struct pins *pins, const char *place, const struct generation *generation,
	      uint64_t *number, struct error *err)
{
	_cleanup_text_ struct text dir = {};
	struct stat exists;
	int r;

	place_path(pins, place, &dir);
	r = text_status(&dir) < 0 ? error_oom(err) : bpffs_make(text_str(&dir), err);
	for (size_t len = dir.len; r == 0; pins->next++) {
		dir.len = len;
		text_printf(&dir, "/%llu", (unsigned long long)pins->next);
		if (text_status(&dir) < 0)
			r = error_oom(err);
		else if (stat(text_str(&dir), &exists) < 0)
			break;
	}
	if (r == 0)
		r = bpffs_make(text_str(&dir), err);
	if (r < 0)
		return error_prefix(err, r, "Pin");
	*number = pins->next++;
	for (enum direction direction = 0; r == 0 && direction < N_DIRECTIONS; direction++) {
		const struct generation_direction *of = &generation->directions[direction];

		if (of->object)
			r = save_copy(text_str(&dir), of->object, of->prog_fd, false, direction,
				      err);
		if (r == 0 && of->second)
			r = save_copy(text_str(&dir), of->second, of->second_prog_fd, true,
				      direction, err);
	}
	if (r < 0)
		bpffs_remove(text_str(&dir));
	return r < 0 ? error_prefix(err, r, "Pin") : 0;
}

static int settle_one(void *data, const char *path, const char *name)
{
	const uint64_t *number = data;
	_cleanup_text_ struct text below = {};
	char *end;

	if (strtoull(name, &end, 10) == *number || *end)
		return 0;
	text_printf(&below, "%s/%s", path, name);
	if (text_status(&below) == 0)
		bpffs_remove(text_str(&below));
	return 0;
}

void pins_settle(struct pins *pins, const char *place, uint64_t number)
{
	_cleanup_text_ struct text path = {};

	place_path(pins, place, &path);
	if (text_status(&path) == 0)
		bpffs_each(text_str(&path), settle_one, &number);
}

void pins_forget(struct pins *pins, const char *place, uint64_t number)
{
	_cleanup_text_ struct text path = {};

	place_path(pins, place, &path);
	text_printf(&path, "/%llu", (unsigned long long)number);
	if (text_status(&path) == 0)
		bpffs_remove(text_str(&path));
}

static void link_path(const struct pins *pins, const char *place, const char *name,
		      struct text *path)
{
	place_path(pins, place, path);
	text_printf(path, "/link-%s", name);
}

int pins_save_link(struct pins *pins, const char *place, const char *name, int fd,
		   struct error *err)
{
	_cleanup_text_ struct text path = {};
	int r;

	place_path(pins, place, &path);
	r = text_status(&path) < 0 ? error_oom(err) : bpffs_make(text_str(&path), err);
	link_path(pins, place, name, &path);
	if (r == 0 && text_status(&path) < 0)
		r = error_oom(err);
	if (r == 0) {
		unlink(text_str(&path));
		r = bpffs_pin(text_str(&path), fd, err);
	}
	return r < 0 ? error_prefix(err, r, "Pin") : 0;
}

int pins_get_link(struct pins *pins, const char *place, const char *name)
{
	_cleanup_text_ struct text path = {};

	link_path(pins, place, name, &path);
	return text_status(&path) < 0 ? -ENOMEM : bpf_obj_get(text_str(&path));
}

void pins_remove_link(struct pins *pins, const char *place, const char *name)
{
	_cleanup_text_ struct text path = {};

	link_path(pins, place, name, &path);
	if (text_status(&path) == 0)
		unlink(text_str(&path));
}

void pins_remove_links_from(struct pins *pins, const char *place, unsigned int number)
{
	_cleanup_text_ struct text path = {};
	int r;

	do {
		char name[16];

		snprintf(name, sizeof(name), "%u", number++);
		link_path(pins, place, name, &path);
		r = text_status(&path) < 0 ? -1 : unlink(text_str(&path));
	} while (r == 0);
}

/* State of the search for the best generation. */
struct candidate {
	const char *place;
	bool (*runs)(void *data, enum direction direction, uint32_t prog_id);
	void *data;
	uint64_t best;	/* number of the best generation; 0: none */
	bool best_runs; /* the best generation has a running program */
};

static int prog_get(const char *dir, enum direction direction, bool second, uint32_t *id)
{
	_cleanup_text_ struct text file = {};
	int fd;

	text_printf(&file, "%s/%sprog-%s", dir, second ? "twin-" : "", direction_name(direction));
	fd = text_status(&file) < 0 ? -ENOMEM : bpf_obj_get(text_str(&file));
	*id = fd < 0 ? 0 : object_program_id(fd);
	return fd;
}

static int pins_look_at(void *data, const char *place, const char *name)
{
	struct candidate *candidate = data;
	_cleanup_text_ struct text dir = {};
	bool running = false;
	uint64_t number;
	char *end;

	number = strtoull(name, &end, 10);
	if (*end || !number)
		return 0;
	text_printf(&dir, "%s/%s", place, name);
	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++)
		for (int second = 0; second < 2; second++) {
			uint32_t id;
			_cleanup_close_ int fd = prog_get(text_str(&dir), direction, second, &id);

			running = running ||
				  (fd >= 0 && candidate->runs(candidate->data, direction, id));
		}
	if (running > candidate->best_runs ||
	    (running == candidate->best_runs && number > candidate->best)) {
		candidate->best = number;
		candidate->best_runs = running;
	}
	return 0;
}

/* Takes BTF types from the kernel. Without BTF only the sizes are compared. */
static void take_types(const struct bpf_map_info *info, struct reusable_map *reusable_map)
{
	if (!info->btf_id)
		return;
	reusable_map->btf = reusable_map->owned_btf = btf__load_from_kernel_by_id(info->btf_id);
	if (!reusable_map->btf)
		return;
	reusable_map->key_type = info->btf_key_type_id;
	reusable_map->value_type = info->btf_value_type_id;
}

/* name: "map-ingress-NAME", "twin-map-egress-NAME". */
static int take_map(void *data, const char *dir, const char *name)
{
	struct reusable_maps *reusable_maps = data;
	_cleanup_text_ struct text file = {};
	_cleanup_free_ char *copy = NULL;
	struct bpf_map_info info = {};
	uint32_t len = sizeof(info);
	struct reusable_map reusable_map = { .owned = true };
	const char *rest = name;
	int direction;

	if (!strncmp(rest, "twin-", 5)) {
		reusable_map.second = true;
		rest += 5;
	}
	if (strncmp(rest, "map-", 4) != 0)
		return 0;
	rest += 4;
	for (direction = 0; direction < N_DIRECTIONS; direction++) {
		size_t n = strlen(direction_name(direction));

		if (!strncmp(rest, direction_name(direction), n) && rest[n] == '-') {
			copy = strdup(rest + n + 1);
			break;
		}
	}
	text_printf(&file, "%s/%s", dir, name);
	if (!copy || text_status(&file) < 0)
		return 0;
	bpffs_unescape(copy);
	reusable_map.name = copy;
	reusable_map.direction = direction;
	reusable_map.map.fd = bpf_obj_get(text_str(&file));
	if (reusable_map.map.fd < 0)
		return 0;
	if (bpf_obj_get_info_by_fd(reusable_map.map.fd, &info, &len) < 0) {
		fd_close(&reusable_map.map.fd);
		return 0;
	}
	reusable_map.map.type = info.type;
	reusable_map.map.key_size = info.key_size;
	reusable_map.map.value_size = info.value_size;
	reusable_map.map.max_entries = info.max_entries;
	reusable_map.map.flags = info.map_flags;
	take_types(&info, &reusable_map);
	return reusable_maps_add(reusable_maps, &reusable_map);
}

/* A map that has a second is double-buffered. */
static void mark_swapped(struct reusable_maps *reusable_maps)
{
	for (size_t i = 0; i < reusable_maps->n; i++)
		for (size_t j = 0; j < reusable_maps->n; j++)
			if (reusable_maps->items[j].second &&
			    reusable_maps->items[i].direction ==
				    reusable_maps->items[j].direction &&
			    !strcmp(reusable_maps->items[i].name, reusable_maps->items[j].name))
				reusable_maps->items[i].swapped = true;
}

static void take_program(const char *dir, enum direction direction,
			 const struct candidate *candidate, struct pinned *ret)
{
	ret->prog_fds[direction] = -1;
	for (int second = 0; second < 2 && ret->prog_fds[direction] < 0; second++) {
		uint32_t id;
		_cleanup_close_ int fd = prog_get(dir, direction, second, &id);

		if (fd < 0 || !candidate->runs(candidate->data, direction, id))
			continue;
		ret->prog_fds[direction] = steal_fd(&fd);
		ret->prog_ids[direction] = id;
		ret->second_runs = ret->second_runs || second;
	}
}

int pins_find(struct pins *pins, const char *place,
	      bool (*runs)(void *data, enum direction direction, uint32_t prog_id), void *data,
	      struct pinned *ret)
{
	struct candidate candidate = { .place = place, .runs = runs, .data = data };
	_cleanup_text_ struct text direction = {}, dir = {};

	place_path(pins, place, &direction);
	if (text_status(&direction) < 0)
		return 0;
	bpffs_each(text_str(&direction), pins_look_at, &candidate);
	if (!candidate.best)
		return 0;
	*ret = (struct pinned){};
	text_printf(&dir, "%s/%llu", text_str(&direction), (unsigned long long)candidate.best);
	for (int of = 0; of < N_DIRECTIONS; of++)
		take_program(text_str(&dir), (enum direction)of, &candidate, ret);
	bpffs_each(text_str(&dir), take_map, &ret->reusable_maps);
	mark_swapped(&ret->reusable_maps);
	return 1;
}

void pinned_release(struct pinned *pinned)
{
	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++)
		if (pinned->prog_ids[direction])
			fd_close(&pinned->prog_fds[direction]);
	reusable_maps_release(&pinned->reusable_maps);
}
