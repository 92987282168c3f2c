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

/* The names of the second copy's pins begin with this; other versions of the plugin read them. */
#define SECOND "twin-"

struct pins {
	struct pin_store *store; /* open */
	char *path;		 /* the directory of the monitor */
	int fd;			 /* of the directory, locked */
	uint64_t next;
};

/* Returns the path of a place, followed by prefix and name; NULL if memory ran out. */
static char *place_path(const struct pins *pins, const char *place, const char *prefix,
			const char *name)
{
	_cleanup_text_ struct text path = {};

	text_printf(&path, "%s/", pins->path);
	bpffs_escape(&path, place);
	text_printf(&path, "%s%s", prefix, name);
	return text_steal(&path);
}

static char *generation_path(const struct pins *pins, const char *place, uint64_t number)
{
	char name[24];

	snprintf(name, sizeof(name), "%llu", (unsigned long long)number);
	return place_path(pins, place, "/", name);
}

/* Creates and locks the monitor's directory. The store is open. */
static int lock_directory_of(struct pins *pins, const char *monitor, struct error *err)
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
	r = lock_directory_of(pins, monitor, err);
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
	_cleanup_free_ char *path = place ? place_path(pins, place, "", "") : NULL;

	if (path || !place)
		bpffs_remove(place ? path : pins->path);
}

int pins_move(struct pins *pins, const char *from, const char *to)
{
	_cleanup_free_ char *old = place_path(pins, from, "", "");
	_cleanup_free_ char *new = place_path(pins, to, "", "");

	if (!old || !new)
		return -ENOMEM;
	/* Pins at the new name are left from an interface that no longer exists. */
	bpffs_remove(new);
	return rename(old, new) < 0 && errno != ENOENT ? -errno : 0;
}

struct pruning {
	bool (*keep)(void *data, const char *name);
	void *data;
};

static int prune_place(void *data, const char *path, const char *escaped)
{
	const struct pruning *pruning = data;
	_cleanup_free_ char *name = strdup(escaped);

	if (!name)
		return 0;
	bpffs_unescape(name);
	if (!pruning->keep(pruning->data, name))
		bpffs_remove(path);
	return 0;
}

void pins_prune(struct pins *pins, bool (*keep)(void *data, const char *place), void *data)
{
	struct pruning pruning = { keep, data };

	bpffs_each(pins->path, prune_place, &pruning);
}

/* Pins a program and the maps that the next process can reuse. */
static int save_copy(const char *dir, const struct object *object, int prog_fd, bool second,
		     enum direction direction, struct error *err)
{
	const char *prefix = second ? SECOND : "";
	_cleanup_text_ struct text file = {};

	for (size_t i = 0; i < object->n_maps; i++) {
		const struct object_map *map = &object->maps[i];
		int r;

		if (map_kind(object_map_shape(map).type) == MAP_UNREADABLE ||
		    (second && !map->swapped))
			continue;
		text_clear(&file);
		text_printf(&file, "%s/%smap-%s-", dir, prefix, direction_name(direction));
		bpffs_escape(&file, map->name);
		r = text_status(&file) < 0 ? error_oom(err)
					   : bpffs_pin(text_str(&file), object_map_fd(map), err);
		if (r < 0)
			return r;
	}
	if (prog_fd < 0)
		return 0;
	text_clear(&file);
	text_printf(&file, "%s/%sprog-%s", dir, prefix, direction_name(direction));
	return text_status(&file) < 0 ? error_oom(err) : bpffs_pin(text_str(&file), prog_fd, err);
}

int pins_save(struct pins *pins, const char *place, const struct generation *generation,
	      uint64_t *number, struct error *err)
{
	_cleanup_free_ char *parent = place_path(pins, place, "", ""), *dir = NULL;
	struct stat exists;
	int r = parent ? bpffs_make(parent, err) : error_oom(err);

	while (r == 0 && (!dir || stat(dir, &exists) == 0)) {
		free(dir);
		*number = pins->next++;
		dir = generation_path(pins, place, *number);
		if (!dir)
			r = error_oom(err);
	}
	if (r == 0)
		r = bpffs_make(dir, err);
	for (enum direction direction = 0; r == 0 && direction < N_DIRECTIONS; direction++) {
		const struct generation_direction *loaded = &generation->directions[direction];

		if (loaded->object)
			r = save_copy(dir, loaded->object, loaded->prog_fd, false, direction, err);
		if (r == 0 && loaded->second)
			r = save_copy(dir, loaded->second, loaded->second_prog_fd, true, direction,
				      err);
	}
	if (r < 0 && dir)
		bpffs_remove(dir);
	return r < 0 ? error_prefix(err, r, "Pin") : 0;
}

static int remove_other_generation(void *data, const char *path, const char *name)
{
	const uint64_t *number = data;
	char *end;

	if (strtoull(name, &end, 10) != *number && !*end)
		bpffs_remove(path);
	return 0;
}

void pins_settle(struct pins *pins, const char *place, uint64_t number)
{
	_cleanup_free_ char *path = place_path(pins, place, "", "");

	if (path)
		bpffs_each(path, remove_other_generation, &number);
}

void pins_forget(struct pins *pins, const char *place, uint64_t number)
{
	_cleanup_free_ char *path = generation_path(pins, place, number);

	if (path)
		bpffs_remove(path);
}

int pins_save_link(struct pins *pins, const char *place, const char *name, int fd,
		   struct error *err)
{
	_cleanup_free_ char *parent = place_path(pins, place, "", "");
	_cleanup_free_ char *path = place_path(pins, place, "/link-", name);
	int r = parent && path ? bpffs_make(parent, err) : error_oom(err);

	if (r == 0) {
		unlink(path);
		r = bpffs_pin(path, fd, err);
	}
	return r < 0 ? error_prefix(err, r, "Pin") : 0;
}

int pins_get_link(struct pins *pins, const char *place, const char *name)
{
	_cleanup_free_ char *path = place_path(pins, place, "/link-", name);

	return path ? bpf_obj_get(path) : -ENOMEM;
}

void pins_remove_link(struct pins *pins, const char *place, const char *name)
{
	_cleanup_free_ char *path = place_path(pins, place, "/link-", name);

	if (path)
		unlink(path);
}

void pins_remove_links_from(struct pins *pins, const char *place, unsigned int number)
{
	int r;

	do {
		char name[16];
		_cleanup_free_ char *path = NULL;

		snprintf(name, sizeof(name), "%u", number++);
		path = place_path(pins, place, "/link-", name);
		r = path ? unlink(path) : -1;
	} while (r == 0);
}

/* -- finding a generation -- */

/* State of the search for the best generation. */
struct candidate {
	bool (*runs)(void *data, enum direction direction, uint32_t prog_id);
	void *data;
	uint64_t best;	/* number of the best generation; 0: none */
	bool best_runs; /* the best generation has a running program */
};

/* Returns a descriptor of the pinned program if it runs, otherwise -errno. */
static int get_running(const struct candidate *candidate, const char *dir, enum direction direction,
		       bool second, uint32_t *id)
{
	_cleanup_text_ struct text file = {};
	_cleanup_close_ int fd = -1;

	text_printf(&file, "%s/%sprog-%s", dir, second ? SECOND : "", direction_name(direction));
	fd = text_status(&file) < 0 ? -ENOMEM : bpf_obj_get(text_str(&file));
	if (fd < 0)
		return fd;
	*id = object_program_id(fd);
	return candidate->runs(candidate->data, direction, *id) ? steal_fd(&fd) : -ENOENT;
}

static int compare_generation(void *data, const char *path, const char *name)
{
	struct candidate *candidate = data;
	bool running = false;
	uint64_t number;
	char *end;

	number = strtoull(name, &end, 10);
	if (*end || !number)
		return 0;
	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++)
		for (int second = 0; second < 2; second++) {
			uint32_t id;
			_cleanup_close_ int fd =
				get_running(candidate, path, direction, second, &id);

			running = running || fd >= 0;
		}
	if (running > candidate->best_runs ||
	    (running == candidate->best_runs && number > candidate->best)) {
		candidate->best = number;
		candidate->best_runs = running;
	}
	return 0;
}

/* Adds a pinned map. name: "map-ingress-NAME", "twin-map-egress-NAME". */
static int add_map(void *data, const char *path, const char *name)
{
	struct reusable_maps *reusable_maps = data;
	struct reusable_map reusable_map = { .owned = true };
	struct bpf_map_info info = {};
	uint32_t len = sizeof(info);
	_cleanup_free_ char *copy = NULL;
	int fd;

	reusable_map.second = !strncmp(name, SECOND, strlen(SECOND));
	if (reusable_map.second)
		name += strlen(SECOND);
	if (strncmp(name, "map-", 4) != 0)
		return 0;
	name += 4;
	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++) {
		size_t n = strlen(direction_name(direction));

		if (strncmp(name, direction_name(direction), n) != 0 || name[n] != '-')
			continue;
		reusable_map.direction = direction;
		copy = strdup(name + n + 1);
		break;
	}
	if (!copy)
		return 0;
	bpffs_unescape(copy);
	reusable_map.name = copy;
	fd = bpf_obj_get(path);
	if (fd < 0)
		return 0;
	if (bpf_obj_get_info_by_fd(fd, &info, &len) < 0) {
		fd_close(&fd);
		return 0;
	}
	reusable_map.map.fd = fd;
	reusable_map.map.type = info.type;
	reusable_map.map.key_size = info.key_size;
	reusable_map.map.value_size = info.value_size;
	reusable_map.map.max_entries = info.max_entries;
	reusable_map.map.flags = info.map_flags;
	/* Without BTF only the sizes are compared. */
	if (info.btf_id)
		reusable_map.owned_btf = btf__load_from_kernel_by_id(info.btf_id);
	if (reusable_map.owned_btf) {
		reusable_map.btf = reusable_map.owned_btf;
		reusable_map.key_type = info.btf_key_type_id;
		reusable_map.value_type = info.btf_value_type_id;
	}
	return reusable_maps_add(reusable_maps, &reusable_map);
}

int pins_find(struct pins *pins, const char *place,
	      bool (*runs)(void *data, enum direction direction, uint32_t prog_id), void *data,
	      struct pinned *ret)
{
	struct candidate candidate = { .runs = runs, .data = data };
	_cleanup_free_ char *parent = place_path(pins, place, "", ""), *dir = NULL;
	struct reusable_maps *maps = &ret->reusable_maps;

	if (!parent)
		return 0;
	bpffs_each(parent, compare_generation, &candidate);
	if (!candidate.best)
		return 0;
	dir = generation_path(pins, place, candidate.best);
	if (!dir)
		return 0;
	*ret = (struct pinned){};
	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++) {
		int *fd = &ret->prog_fds[direction];

		*fd = -1;
		for (int second = 0; second < 2 && *fd < 0; second++) {
			uint32_t id;

			*fd = get_running(&candidate, dir, direction, second, &id);
			if (*fd < 0)
				continue;
			ret->prog_ids[direction] = id;
			ret->second_runs = ret->second_runs || second;
		}
	}
	bpffs_each(dir, add_map, maps);
	/* A map that has a second copy is double-buffered. */
	for (size_t i = 0; i < maps->n; i++)
		for (size_t j = 0; j < maps->n; j++)
			if (maps->items[j].second &&
			    maps->items[i].direction == maps->items[j].direction &&
			    !strcmp(maps->items[i].name, maps->items[j].name))
				maps->items[i].swapped = true;
	return 1;
}

void pinned_release(struct pinned *pinned)
{
	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++)
		if (pinned->prog_ids[direction])
			fd_close(&pinned->prog_fds[direction]);
	reusable_maps_release(&pinned->reusable_maps);
}
