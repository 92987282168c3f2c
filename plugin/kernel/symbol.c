/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/symbol.h"
#include "base/array.h"

#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define SYMBOLS_MAX 1000000

const char *symbol_syscall(uint64_t number)
{
	static const char *const names[] = {
#include "syscalls.inc"
	};

	return number < ARRAY_SIZE(names) ? names[number] : NULL;
}

struct symbol {
	uint64_t address;
	char *name;
};

static struct {
	pthread_once_t once;
	struct symbol *items; /* sorted by address */
	size_t n;
} symbols = { .once = PTHREAD_ONCE_INIT };

static int by_address(const void *a, const void *b)
{
	const struct symbol *left = a, *right = b;

	return (left->address > right->address) - (left->address < right->address);
}

static void read_symbols(void)
{
	_cleanup_fclose_ FILE *file = fopen("/proc/kallsyms", "re");
	unsigned long long address;
	char name[256], kind;

	while (file && symbols.n < SYMBOLS_MAX &&
	       fscanf(file, "%llx %c %255s%*[^\n]", &address, &kind, name) == 3) {
		char *copy = address && strchr("tTwW", kind) ? strdup(name) : NULL;
		struct symbol *symbol = copy ? array_append(symbols.items, symbols.n) : NULL;

		if (!symbol)
			free(copy);
		else
			*symbol = (struct symbol){ address, copy };
	}
	if (symbols.n)
		qsort(symbols.items, symbols.n, sizeof(*symbols.items), by_address);
}

bool symbol_kernel(uint64_t address, struct text *out)
{
	size_t from = 0, to;

	pthread_once(&symbols.once, read_symbols);
	for (to = symbols.n; from < to;) { /* finds the last symbol at or below the address */
		size_t middle = (from + to) / 2;

		if (symbols.items[middle].address <= address)
			from = middle + 1;
		else
			to = middle;
	}
	if (!from)
		return false;
	text_adds(out, symbols.items[from - 1].name);
	return true;
}

const char *symbol_kernel_missing(void)
{
	pthread_once(&symbols.once, read_symbols);
	if (symbols.n)
		return NULL;
	return "/proc/kallsyms has no addresses: CAP_SYSLOG is missing, or kernel.kptr_restrict is "
	       "2";
}

/* Opens the root of the cgroup v2 hierarchy. Beside v1 hierarchies it is called unified. */
static int open_cgroup_root(const char **path)
{
	static const char *const roots[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };

	for (size_t i = 0; i < ARRAY_SIZE(roots); i++) {
		int fd = open(roots[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		struct statfs fs;

		*path = roots[i];
		if (fd >= 0 && fstatfs(fd, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC)
			return fd;
		if (fd >= 0)
			close(fd);
	}
	return -1;
}

bool symbol_cgroup(uint64_t id, struct text *out)
{
	/* FILEID_KERNFS of the kernel: a file handle that consists of the cgroup id. */
	struct {
		struct file_handle handle;
		uint64_t id;
	} cgroup = { .handle = { .handle_bytes = sizeof(id), .handle_type = 0xfe }, .id = id };
	const char *root;
	_cleanup_close_ int dir = open_cgroup_root(&root);
	_cleanup_close_ int fd =
		dir < 0 ? -1 : open_by_handle_at(dir, &cgroup.handle, O_PATH | O_CLOEXEC);
	char link[64], path[4096];
	size_t skip = strlen(root);
	ssize_t n;

	if (fd < 0)
		return false;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path));
	if (n < 0 || (size_t)n < skip || memcmp(path, root, skip) != 0)
		return false;
	if ((size_t)n == skip)
		text_addc(out, '/');
	else
		text_add(out, path + skip, (size_t)n - skip);
	return true;
}

const char *symbol_cgroup_missing(void)
{
	const char *path;
	_cleanup_close_ int root = open_cgroup_root(&path);
	_cleanup_text_ struct text name = {};
	struct stat stat;

	if (root < 0)
		return "there is no cgroup v2 at /sys/fs/cgroup or /sys/fs/cgroup/unified";
	/* The id of a cgroup is the inode number of its directory. */
	if (fstat(root, &stat) < 0 || !symbol_cgroup(stat.st_ino, &name))
		return "cgroups cannot be found by their id: CAP_DAC_READ_SEARCH is missing";
	return NULL;
}

void symbol_block_device(uint64_t major, uint64_t minor, struct text *out)
{
	char link[64], path[4096];
	const char *slash;
	ssize_t n;

	snprintf(link, sizeof(link), "/sys/dev/block/%" PRIu64 ":%" PRIu64, major, minor);
	n = readlink(link, path, sizeof(path));
	slash = n > 0 ? memrchr(path, '/', (size_t)n) : NULL;
	if (slash)
		text_add(out, slash + 1, (size_t)(path + n - slash - 1));
	else
		text_printf(out, "%" PRIu64 ":%" PRIu64, major, minor);
}
