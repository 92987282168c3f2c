/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/owner.h"
#include "base/cleanup.h"
#include "base/siphash.h"
#include "kernel/netns.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

/*
 * Each entry costs 16 bytes in advance (a hash bucket). If the map is full, a qdisc cannot be
 * recorded and stays when the process ends.
 */
#define OWNER_ENTRIES_MAX 16384
/*
 * The kernel limits the maps that a program uses to 64 (MAX_USED_MAPS). Leave room for as many
 * owner maps that are bound later.
 */
#define PROGRAM_MAPS_MAX 128

/*
 * Binary layout of the map. Other versions of the plugin read it: change it only under a new map
 * name.
 */
struct owner_key {
	uint64_t where; /* inode of the network namespace; 0: none */
	uint32_t what;	/* where != 0: interface index; where == 0: program id, 0: process */
	uint32_t kind;	/* 0; KIND_IDENTITY with 0/0: start is a hash of the identity */
};

#define KIND_IDENTITY 1

struct owner_value {
	uint64_t start; /* start time of the process, in clock ticks since boot */
	uint64_t pid_ns;
	uint32_t pid;
	uint32_t unused;
};

static struct {
	pthread_mutex_t lock; /* nests inside clsact_lock of tc.c */
	int fd;		      /* -- protected by lock */
	pid_t pid;	      /* -- protected by lock; owner of fd: a fork needs its own map */
	uint64_t identity;    /* set before other threads start; 0: unknown */
} own = { .lock = PTHREAD_MUTEX_INITIALIZER, .fd = -1 };

/*
 * Gets the start time of a process, and whether the process is a zombie or dead. Returns -errno if
 * the process does not exist or /proc hides it.
 */
static int process_start(pid_t pid, uint64_t *start, bool *over)
{
	_cleanup_fclose_ FILE *file = NULL;
	unsigned long long ticks;
	char path[64], line[1024], state;
	const char *rest;
	long threads;

	snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	if (!fgets(line, sizeof(line), file))
		return -ESRCH;
	/* The second field is the name, which may contain any character. */
	rest = strrchr(line, ')');
	if (!rest || sscanf(rest + 1,
			    " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
			    "%ld %*s %llu",
			    &state, &threads, &ticks) != 3)
		return -EINVAL;
	*start = ticks;
	*over = (state == 'Z' && threads <= 1) || state == 'X';
	return 0;
}

static uint64_t pid_namespace(void)
{
	struct stat st;

	return stat("/proc/self/ns/pid", &st) < 0 ? 0 : st.st_ino;
}

static const struct owner_key identity_key = { .kind = KIND_IDENTITY };

void owner_identify(const char *identity)
{
	/* Constant, because all processes must compute the same hash. */
	static const uint64_t key[2] = { 0x64796e6d6f6e, 0x6f776e6572 };

	own.identity = siphash(key, identity, strlen(identity)) | 1;
}

static int own_map_new(void)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_NO_PREALLOC);
	struct owner_value value = { .pid = (uint32_t)getpid(), .pid_ns = pid_namespace() };
	const struct owner_key key = {};
	_cleanup_close_ int fd = -1;
	bool over;
	int r;

	r = process_start(getpid(), &value.start, &over);
	if (r < 0)
		return r;
	fd = bpf_map_create(BPF_MAP_TYPE_HASH, OWNER_MAP, sizeof(key), sizeof(value),
			    OWNER_ENTRIES_MAX, &opts);
	if (fd < 0)
		return fd;
	r = bpf_map_update_elem(fd, &key, &value, BPF_ANY);
	if (r == 0 && own.identity) {
		value = (struct owner_value){ .start = own.identity };
		r = bpf_map_update_elem(fd, &identity_key, &value, BPF_ANY);
	}
	if (r < 0)
		return r;
	fd_close(&own.fd);
	own.fd = steal_fd(&fd);
	own.pid = getpid();
	return 0;
}

/* Returns the descriptor of this process's map, which is never closed, or -errno. */
static int own_map(void)
{
	int fd;

	pthread_mutex_lock(&own.lock);
	fd = own.fd >= 0 && own.pid == getpid() ? 0 : own_map_new();
	if (fd == 0)
		fd = own.fd;
	pthread_mutex_unlock(&own.lock);
	return fd;
}

int owner_bind(int prog_fd)
{
	int fd = own_map();

	return fd < 0 ? fd : bpf_prog_bind_map(prog_fd, fd, NULL);
}

static struct owner_key interface_key(int ifindex)
{
	return (struct owner_key){ .where = netns_inode(-1), .what = (uint32_t)ifindex };
}

static bool map_has(int fd, const struct owner_key *key)
{
	struct owner_value value;

	return bpf_map_lookup_elem(fd, key, &value) == 0;
}

bool owner_made(int ifindex)
{
	const struct owner_key key = interface_key(ifindex);
	int fd = own_map();

	return fd >= 0 && map_has(fd, &key);
}

static int own_record(const struct owner_key *key, bool set)
{
	const struct owner_value value = {};
	int fd = own_map();

	if (fd < 0)
		return fd;
	return set ? bpf_map_update_elem(fd, key, &value, BPF_ANY) : bpf_map_delete_elem(fd, key);
}

int owner_set_made(int ifindex, bool made)
{
	const struct owner_key key = interface_key(ifindex);

	return own_record(&key, made);
}

int owner_keep(uint32_t prog_id, bool keep)
{
	const struct owner_key key = { .what = prog_id };

	return own_record(&key, keep);
}

static bool is_alive(const struct owner_value *value)
{
	uint64_t start;
	bool over;

	if (!value->pid || value->pid_ns != pid_namespace())
		return true;
	if (kill((pid_t)value->pid, 0) < 0 && errno == ESRCH)
		return false;
	/* The pid is in use; /proc may hide by which process. Assume that it is the owner then. */
	return process_start((pid_t)value->pid, &start, &over) < 0 ||
	       (start == value->start && !over);
}

/*
 * Returns 1 and sets *ret if the map is an owner mark, 0 if it is another map, -errno on failure.
 */
static int owner_read(uint32_t map_id, uint32_t prog_id, int ifindex, struct owner *ret)
{
	const struct owner_key self = {}, kept = { .what = prog_id }, made = interface_key(ifindex);
	_cleanup_close_ int fd = bpf_map_get_fd_by_id(map_id);
	struct bpf_map_info info = {};
	struct owner_value value;
	uint32_t len = sizeof(info);

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	if (bpf_obj_get_info_by_fd(fd, &info, &len) < 0 || strcmp(info.name, OWNER_MAP) != 0 ||
	    info.type != BPF_MAP_TYPE_HASH || info.key_size != sizeof(self) ||
	    info.value_size != sizeof(value) || bpf_map_lookup_elem(fd, &self, &value) < 0)
		return 0;
	*ret = (struct owner){
		.pid = (pid_t)value.pid,
		.alive = is_alive(&value),
		.kept = map_has(fd, &kept),
		.made = map_has(fd, &made),
	};
	ret->known = bpf_map_lookup_elem(fd, &identity_key, &value) == 0;
	ret->ours = (ret->known ? value.start : 0) == own.identity;
	return 1;
}

int owner_of(uint32_t prog_id, int ifindex, struct owner *ret)
{
	_cleanup_close_ int fd = bpf_prog_get_fd_by_id(prog_id);
	uint32_t maps[PROGRAM_MAPS_MAX] = {};
	struct bpf_prog_info info = { .map_ids = (uintptr_t)maps, .nr_map_ids = PROGRAM_MAPS_MAX };
	uint32_t len = sizeof(info);
	int r, found = 0;

	*ret = (struct owner){};
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	r = bpf_obj_get_info_by_fd(fd, &info, &len);
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < info.nr_map_ids && i < PROGRAM_MAPS_MAX; i++) {
		struct owner owner;

		r = owner_read(maps[i], prog_id, ifindex, &owner);
		if (r < 0)
			return r;
		if (r == 0)
			continue;
		found = 1;
		/* Combine the flags: an adopted program keeps what any of its owners recorded. */
		owner.kept |= ret->kept;
		owner.made |= ret->made;
		owner.ours |= ret->ours;
		owner.known |= ret->known;
		if (ret->alive)
			owner.pid = ret->pid;
		owner.alive |= ret->alive;
		*ret = owner;
	}
	return found;
}
