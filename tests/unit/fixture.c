/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fixture.h"
#include "metric/label.h"
#include "metric/sampling.h"
#include "metric/setup.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

char *folder_make(void)
{
	const char *tmp = getenv("TMPDIR");
	char *folder;

	assert_true(asprintf(&folder, "%s/dynmon-test-XXXXXX", tmp ? tmp : "/tmp") > 0);
	assert_non_null(mkdtemp(folder));
	return folder;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void folder_remove(const char *folder)
{
	nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void file_make(const char *folder, const char *name, const void *bytes, size_t len, int mode)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int fd = -1;

	assert_true(asprintf(&path, "%s/%s", folder, name) > 0);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	assert_int_equal(fchmod(fd, (mode_t)mode), 0);
}

bool bpf_possible(void)
{
	_cleanup_close_ int fd = -1;

	if (geteuid() != 0) {
		fprintf(stderr, "skipped: eBPF maps need root\n");
		return false;
	}
	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "probe", 4, 4, 1, NULL);
	if (fd < 0)
		fprintf(stderr, "skipped: no eBPF map can be made: %s\n", strerror(-fd));
	return fd >= 0;
}

int shell(const char *fmt, ...)
{
	_cleanup_free_ char *words = NULL, *line = NULL;
	va_list ap;
	int status;

	va_start(ap, fmt);
	assert_true(vasprintf(&words, fmt, ap) > 0);
	va_end(ap);
	assert_true(asprintf(&line, "{ %s ; } 9>&2 >/dev/null 2>&1", words) > 0);
	status = system(line);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool object_compile(const char *source, struct text *elf)
{
	_cleanup_free_ char *folder = folder_make(), *path = NULL;
	char part[16384];
	int status;
	FILE *file;

	if (shell("command -v clang")) {
		fprintf(stderr, "skipped: there is no clang\n");
		folder_remove(folder);
		return false;
	}
	file_make(folder, "object.c", source, strlen(source), 0600);
	status = shell("clang -O2 -g -target bpf -mcpu=v3 -I/usr/include/$(uname -m)-linux-gnu "
		       "-c -o %s/object.o %s/object.c 2>%s/said || { cat %s/said >&9; false; }",
		       folder, folder, folder, folder);
	assert_true(asprintf(&path, "%s/object.o", folder) > 0);
	file = status ? NULL : fopen(path, "re");
	for (size_t n; file && (n = fread(part, 1, sizeof(part), file)) > 0;)
		text_add(elf, part, n);
	if (file)
		fclose(file);
	folder_remove(folder);
	assert_int_equal(status, 0);
	assert_true(elf->len > 0);
	return true;
}

struct object *object_from_source(const char *source)
{
	_cleanup_text_ struct text elf = {};
	_cleanup_error_ struct error err = {};
	struct bpf_program *program;
	struct object *object = NULL;

	if (!bpf_possible() || !object_compile(source, &elf))
		return NULL;
	if (object_open(elf.data, elf.len, "test", &object, &err) < 0 ||
	    object_select(object, false, false, NULL, &program, &err) < 0 ||
	    object_load(object, true, &err) < 0) {
		print_error("%s\n", error_message(&err));
		assert_true(false);
	}
	return object;
}

void object_put(const struct object *object, const char *map, const void *key, const void *value)
{
	int fd = object_map_fd(object_find_map(object, map));

	assert_int_equal(bpf_map_update_elem(fd, key, value, BPF_ANY), 0);
}

char *series_of(const struct object *object, const struct metric_config *config, uint32_t limit,
		bool accumulator)
{
	_cleanup_error_ struct error err = {};
	_cleanup_text_ struct text all = {};
	struct text lines[16] = {};
	struct sampling sampling;
	struct metric_batch batch;
	struct metric metric;
	size_t n = 0;

	if (metric_init(&metric, config, object, &err) < 0)
		return strdup(error_message(&err));
	if (accumulator)
		assert_int_equal(metric_set_accumulator(&metric, NULL, NULL), 0);
	assert_int_equal(sampling_init(&sampling, &metric, METRIC_FOR_SAMPLES, limit), 0);
	while (sampling_next(&sampling, &batch) > 0)
		for (uint32_t e = 0; e < batch.entries.count; e++) {
			const char *key = batch.entries.keys + e * batch.entries.key_stride;
			const char *value = batch.entries.values + e * batch.entries.value_stride;
			unsigned int cpu = metric_lists_cpus(&metric) ? map_cpus() - 1 : 0;
			struct text *line = &lines[n++];
			struct number number;

			assert_true(n <= ARRAY_SIZE(lines));
			for (size_t i = 0; i < metric.n_labels; i++) {
				label_text(&metric.labels[i], key, value, cpu, line);
				text_addc(line, ' ');
			}
			if (histogram_is_one(&metric.histogram))
				number = histogram_count(&metric.histogram,
							 &batch.numbers[e * metric.n_numbers]);
			else if (metric_lists_cpus(&metric))
				number = metric_sample_cpu(&metric, 0, value, cpu);
			else
				number = metric_batch_sample(&metric, 0, &batch, e);
			text_printf(line, "%llu;", (unsigned long long)number.u);
		}
	for (size_t left = n; left; left--) {
		struct text *least = NULL;

		for (size_t i = 0; i < n; i++)
			if (lines[i].len &&
			    (!least || strcmp(text_str(&lines[i]), text_str(least)) < 0))
				least = &lines[i];
		text_adds(&all, text_str(least));
		text_clear(least);
	}
	if (sampling_left_out(&sampling))
		text_printf(&all, "of %llu", (unsigned long long)sampling.selection->seen);
	for (size_t i = 0; i < n; i++)
		text_release(&lines[i]);
	sampling_release(&sampling);
	metric_release(&metric);
	return text_steal(&all);
}

static void direction_make(struct generation_direction *direction, struct object *object,
			   const struct metric_config *config)
{
	_cleanup_error_ struct error err = {};

	direction->object = object_ref(object);
	direction->metrics = calloc(1, sizeof(*direction->metrics));
	direction->n_metrics = 1;
	if (metric_init(direction->metrics, config, object, &err) < 0)
		fail_msg("%s: %s", config->name, error_message(&err));
}

struct snapshot_item snapshot_item_make(struct monitor_settings *settings, const char *interface,
					struct object *object, const struct metric_config *configs)
{
	struct snapshot_item item = { .interface = strdup(interface),
				      .generation = calloc(1, sizeof(struct generation)) };

	item.generation->refs = 1;
	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++)
		if (configs[direction].name)
			direction_make(&item.generation->directions[direction], object,
				       &configs[direction]);
	assert_int_equal(monitor_new(settings, 1, 1, false, &item.monitor, NULL), 0);
	item.settings = monitor_get_settings(item.monitor);
	return item;
}

void snapshot_item_release(struct snapshot_item *item)
{
	free(item->interface);
	generation_unref(item->generation);
	monitor_settings_unref(item->settings);
	monitor_unref(item->monitor);
}

void snapshot_expose(struct snapshot *snapshot, const struct encoding *encoding, struct text *out)
{
	_cleanup_error_ struct error err = {};
	struct stream *stream = NULL;
	int r;

	assert_int_equal(openmetrics_stream_new(snapshot, encoding, &stream, &err), 0);
	assert_null(snapshot->items); /* taken */
	while ((r = stream_next(stream, out, &err)) > 0)
		;
	if (r < 0)
		fail_msg("%s", error_message(&err));
	stream_free(stream);
}

const char *source_dir(void)
{
	static const char *const places[] = { "..", ".", "../.." };
	const char *dir = getenv("top_srcdir");
	char probe[4096];

	if (dir)
		return dir;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		snprintf(probe, sizeof(probe), "%s/bpf/dynmon/dialect.h", places[i]);
		if (access(probe, R_OK) == 0)
			return places[i];
	}
	return NULL;
}

bool netns_private(void)
{
	if (unshare(CLONE_NEWNET) < 0) {
		fprintf(stderr, "skipped: no network namespace: %s\n", strerror(errno));
		return false;
	}
	return shell("ip link set lo up") == 0;
}

bool bpffs_private(void)
{
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("bpf", "/sys/fs/bpf", "bpf", 0, NULL) < 0) {
		fprintf(stderr, "skipped: no BPF file system of its own: %s\n", strerror(errno));
		return false;
	}
	return true;
}

void must(int r, const struct error *err)
{
	if (r < 0)
		fail_msg("%s", error_message(err));
}

void ignore_log(enum log_level level, const char *line)
{
	(void)level;
	(void)line;
}

size_t receive(int fd, char *to, size_t n)
{
	struct pollfd polls = { .fd = fd, .events = POLLIN };
	ssize_t got;

	if (poll(&polls, 1, PATIENCE_MS) != 1)
		fail_msg("no answer, and no end of the connection");
	got = recv(fd, to, n, 0);
	return got < 0 ? 0 : (size_t)got;
}

struct metric_config config_of(const char *map)
{
	return (struct metric_config){
		.name = (char *)"m",
		.map_name = (char *)map,
		.type = METRIC_COUNTER,
		.exported = true,
	};
}

bool contains(const char *all, const char *part)
{
	if (strstr(all, part))
		return true;
	fprintf(stderr, "expected \"%s\" in \"%s\"\n", part, all);
	return false;
}
