/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All processing of an object outside the sandbox: check, open, program selection, tags, load,
 * decode plans, fields, labels. tests/run compiles bpf/ into the corpus.
 *
 * The mutator keeps the ELF structure and changes section contents, mainly types and names, so that
 * most inputs get past the headers. A stub replaces bpf(): the kernel checks its own input, would
 * take most of the time, and would reject most programs.
 */
#include "base/image_check.h"
#include "dataplane/bundle.h"
#include "dataplane/document.h"
#include "kernel/section.h"
#include "metric/label.h"
#include "metric/metric.h"
#include "metric/setup.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/btf.h>
#include <stdarg.h>
#include <sys/syscall.h>

#define FDS	  1024
#define VALUE_MAX (1 << 16) /* larger values exercise no other code */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed);
long syscall(long number, ...);
const char *__lsan_default_suppressions(void);

/* -- a kernel that accepts everything -- */

/* The attributes of BPF_MAP_CREATE, by descriptor. */
static struct bpf_map_info maps[FDS];

static long new_fd(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (fd >= FDS)
		abort();
	maps[fd] = (struct bpf_map_info){};
	return fd;
}

static long map_create(const union bpf_attr *attr)
{
	long fd = new_fd();

	maps[fd].type = attr->map_type;
	maps[fd].id = (uint32_t)fd;
	maps[fd].key_size = attr->key_size;
	maps[fd].value_size = attr->value_size;
	maps[fd].max_entries = attr->max_entries;
	maps[fd].map_flags = attr->map_flags;
	return fd;
}

static long fake_bpf(int command, union bpf_attr *attr)
{
	switch (command) {
	case BPF_MAP_CREATE:
		return map_create(attr);
	case BPF_PROG_LOAD:
	case BPF_BTF_LOAD:
		return new_fd();
	case BPF_OBJ_GET_INFO_BY_FD:
		if (attr->info.bpf_fd >= FDS)
			break;
		memcpy((void *)(uintptr_t)attr->info.info, &maps[attr->info.bpf_fd],
		       attr->info.info_len < sizeof(*maps) ? attr->info.info_len : sizeof(*maps));
		return 0;
	case BPF_MAP_UPDATE_ELEM:
	case BPF_MAP_FREEZE:
	case BPF_PROG_BIND_MAP:
		return 0;
	}
	errno = EINVAL;
	return -1;
}

/* Overrides libc's function for libbpf; nothing else here calls it. */
long syscall(long number, ...)
{
	union bpf_attr *attr;
	va_list ap;
	int command;

	if (number != SYS_bpf) {
		errno = ENOSYS;
		return -1;
	}
	va_start(ap, number);
	command = va_arg(ap, int);
	attr = va_arg(ap, union bpf_attr *);
	va_end(ap);
	return fake_bpf(command, attr);
}

/* libbpf 1.1 leaks a little memory when it rejects relocations. */
const char *__lsan_default_suppressions(void)
{
	return "leak:libbpf\nleak:bpf_object__relocate_core\n";
}

/* -- the target -- */

static int silent(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	(void)level;
	(void)fmt;
	(void)ap;
	return 0;
}

/* Shows an entry in buffers of the exact size, so that the sanitizer detects overruns. */
static void show(const struct metric *metric)
{
	size_t key_size = metric->map.key_size, value_size = map_value_stride(&metric->map);
	_cleanup_free_ char *key = malloc(key_size + !key_size);
	_cleanup_free_ char *value = malloc(value_size + !value_size);
	_cleanup_text_ struct text out = {};

	memset(key, 0xa5, key_size);
	memset(value, 0xa5, value_size);
	plan_json(&metric->value, value, &out);
	if (map_kind(metric->map.type) != MAP_QUEUE)
		plan_json(&metric->key, key, &out);
	for (size_t i = 0; i < metric->n_labels; i++)
		label_text(&metric->labels[i], key, value, 0, &out);
	for (size_t i = 0; i < metric->n_columns; i++)
		metric_sample(metric, i, value);
}

static void bind(const struct object *object, const struct metric_config *config)
{
	_cleanup_error_ struct error err = {};
	struct metric metric;
	int r = metric_init(&metric, config, object, &err);

	if (r < 0 && !err.message)
		abort();
	if (r < 0)
		return;
	if (metric.map.key_size <= VALUE_MAX && map_value_stride(&metric.map) <= VALUE_MAX)
		show(&metric);
	metric_release(&metric);
}

/* Binds every map as a metric, in addition to the metrics of the document. */
static void bind_all(const struct object *object, const struct direction_config *direction)
{
	for (size_t i = 0; direction && i < direction->n_metrics; i++)
		bind(object, &direction->metrics[i]);
	for (size_t i = 0; i < object->n_maps; i++) {
		const struct metric_config counter = {
			.name = (char *)"counter",
			.map_name = object->maps[i].name,
			.exported = true,
		};
		const struct metric_config histogram = {
			.name = (char *)"histogram",
			.map_name = object->maps[i].name,
			.exported = true,
			.type = METRIC_HISTOGRAM,
		};

		bind(object, &counter);
		bind(object, &histogram);
	}
}

static void use(const char *bytes, size_t len, const struct direction_config *direction)
{
	_cleanup_(object_unrefp) struct object *object = NULL;
	const char *name = direction ? direction->program : NULL;
	_cleanup_error_ struct error err = {};
	struct bpf_program *program;
	int r = object_open(bytes, len, "object", &object, &err);

	if ((r < 0) != !object || r > 0 || (r < 0 && !err.message))
		abort();
	if (r < 0)
		return;
	if (sections_only(object->bpf, name))
		sections_select(object->bpf, name);
	for (int hook = 0; hook < 4; hook++)
		object_select(object, hook & 1, hook & 2, name, &program, &err);
	for (size_t i = 0; i < object->n_maps; i++)
		object_map_make_mappable(&object->maps[i]);
	if (object_load(object, false, &err) == 0)
		bind_all(object, direction);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_document_ struct document *document = NULL;
	_cleanup_free_ char *exact =
		malloc(size + !size); /* exact size, so that the sanitizer detects overruns */
	_cleanup_error_ struct error err = {};
	int r;

	libbpf_set_print(silent);
	memcpy(exact, data, size);
	r = image_check(exact, size, &err);
	if (r > 0 || (r < 0 && !err.message))
		abort();
	if (document_parse(exact, size, "/proc/self/fdinfo", true, &document, NULL) < 0)
		use(exact, size, NULL);
	for (enum direction direction = 0; document && direction < N_DIRECTIONS; direction++)
		if (document->directions[direction])
			use(document->directions[direction]->object.data,
			    document->directions[direction]->object.len,
			    document->directions[direction]);
	return 0;
}

/* -- the mutator -- */

static uint32_t state;

static uint32_t any(uint32_t below)
{
	state = state * 1664525 + 1013904223;
	return below ? (state >> 8) % below : 0;
}

static uint32_t get(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static void put(uint8_t *at, uint32_t value)
{
	memcpy(at, &value, sizeof(value));
}

/* A value near the old one, or a boundary value. */
static uint32_t another(uint32_t value)
{
	static const uint32_t special[] = {
		0, 1, 2, 0x7f, 0xff, 0xffff, 0x7fffffff, 0x80000000, 0xfffffff8, 0xffffffff
	};

	switch (any(6)) {
	case 0:
		return special[any(ARRAY_SIZE(special))];
	case 1:
		return value ^ 1u << any(32);
	case 2:
		return value + 1 + any(4);
	case 3:
		return value - 1 - any(4);
	default:
		return any(64);
	}
}

/* Changes a word of the contents, or copies a word from elsewhere in the section. */
static void mutate_word(uint8_t *at, size_t len)
{
	size_t word = any((uint32_t)len / 4) * 4;

	if (len < 4)
		return;
	if (any(3))
		put(at + word, another(get(at + word)));
	else
		put(at + word, get(at + any((uint32_t)len / 4) * 4));
}

/* A type's kind, number of members, or size or type. Finds types as libbpf does. */
static void mutate_type(uint8_t *at, size_t len)
{
	static const uint8_t extra[] = {
		0, 4, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 4, 0, 0
	};
	static const uint8_t each[] = { 0, 0, 0, 0, 12, 12, 8, 0, 0, 0,
					0, 0, 0, 8, 0,	12, 0, 0, 0, 12 };
	size_t type = 24, end;
	uint32_t skip = any(200);

	if (len < 24 || get(at + 12) > len - 24)
		return;
	end = 24 + get(at + 12);
	while (type + 12 <= end) {
		uint32_t info = get(at + type + 4), kind = info >> 24 & 31;
		size_t next = kind < sizeof(extra)
				      ? type + 12 + extra[kind] + (info & 0xffff) * each[kind]
				      : end;

		if (!skip-- || next >= end)
			break;
		type = next;
	}
	if (type + 12 > end)
		return;
	switch (any(4)) {
	case 0:
		put(at + type + 4, (get(at + type + 4) & ~(31u << 24)) | any(21) << 24);
		break;
	case 1:
		put(at + type + 4, get(at + type + 4) ^ 1u << any(5));
		break;
	case 2:
		put(at + type + 8, another(get(at + type + 8)));
		break;
	default:
		mutate_word(at + type, type + 24 <= len ? 24 : 12);
	}
}

/* Moves a section of text to the end of the file, where it may grow, and mutates it. */
static size_t mutate_text(uint8_t *data, size_t size, size_t max, size_t header,
			  Elf64_Shdr *section)
{
	size_t len = section->sh_size, room = max - size;

	if (room < len + 64)
		return size;
	memcpy(data + size, data + section->sh_offset, len);
	len = LLVMFuzzerMutate(data + size, len, room);
	section->sh_offset = size;
	section->sh_size = len;
	memcpy(data + header, section, sizeof(*section));
	return size + len;
}

/* Makes a bundle of an object that collectd would take: a document in its section .dynmon. */
static size_t add_document(uint8_t *data, size_t size, size_t max)
{
	static const char *const labels[] = {
		"{\"name\":\"x\",\"field\":\"key\"}",
		"{\"name\":\"x\",\"field\":\"index\"}",
		"{\"name\":\"x\",\"field\":\"key.saddr\",\"format\":\"ipv4\"}",
		"{\"name\":\"x\",\"field\":\"key\",\"values\":{\"1\":\"one\"}}",
		"{\"name\":\"x\",\"field\":\"value.state\",\"format\":\"hex\"}",
	};
	static const char *const types[] = { "counter", "gauge",
					     "histogram\",\"quantiles\":[0.5],\"help\":\"h" };
	const struct text object = { .data = (char *)data, .len = size };
	_cleanup_text_ struct text json = {}, bundle = {};
	struct bundle_section section = { ".dynmon" };
	struct object *opened = NULL;
	const char *bytes;
	struct image image;
	size_t len;

	if (image_check(data, size, NULL) < 0 || image_init(&image, data, size, NULL) < 0 ||
	    image_find_section(&image, section.name, &bytes, &len, NULL) != 0 ||
	    object_open(data, size, "object", &opened, NULL) < 0)
		return size;
	text_adds(&json, "{\"bundle\":{\"version\":1},\"ingress-path\":{\"object\":\".\",\"metric-"
			 "configs\":[");
	for (size_t i = 0; i < opened->n_maps; i++) {
		text_printf(&json, "%s{\"name\":\"m%zu\",\"map-name\":", i ? "," : "", i);
		text_json(&json, opened->maps[i].name, strlen(opened->maps[i].name));
		text_printf(&json, ",\"open-metrics-metadata\":{\"type\":\"%s\",\"labels\":[%s]}}",
			    types[any(ARRAY_SIZE(types))], labels[any(ARRAY_SIZE(labels))]);
	}
	text_adds(&json, "]}}");
	object_unref(opened);
	section.bytes = json.data;
	section.len = json.len;
	if (bundle_add_sections(&object, &section, 1, &bundle, NULL) < 0 || bundle.len > max)
		return size;
	memcpy(data, bundle.data, bundle.len);
	return bundle.len;
}

static size_t mutate_section(uint8_t *data, size_t size, size_t max, const struct image *image)
{
	uint32_t i = 1 + any(image->n_sections - 1);
	size_t header = image->sections + i * sizeof(Elf64_Shdr);
	Elf64_Shdr section = image_section(image, i);
	const char *name = image_section_name(image, &section);

	/* Prefers types, whose checks are the most complex. */
	for (int tries = 0; strncmp(name, ".BTF", 4) != 0 && tries < 2 * (int)image->n_sections;
	     tries++) {
		if (!any(8))
			break;
		i = 1 + any(image->n_sections - 1);
		header = image->sections + i * sizeof(Elf64_Shdr);
		section = image_section(image, i);
		name = image_section_name(image, &section);
	}
	if (!any(20)) {
		mutate_word(data + header, sizeof(section));
		return size;
	}
	if (section.sh_type == SHT_NOBITS || !section.sh_size ||
	    !image_has(image, section.sh_offset, section.sh_size))
		return size;
	if (!strncmp(name, ".dynmon", 7))
		return mutate_text(data, size, max, header, &section);
	if (!strcmp(name, ".BTF") && any(3))
		mutate_type(data + section.sh_offset, section.sh_size);
	else if (any(4))
		mutate_word(data + section.sh_offset, section.sh_size);
	else
		LLVMFuzzerMutate(data + section.sh_offset, section.sh_size, section.sh_size);
	return size;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed)
{
	struct image image;

	libbpf_set_print(silent);
	state = seed;
	if (!any(100))
		return add_document(data, size, max);
	for (uint32_t n = 1 + any(4); n; n--) {
		if (!any(64) || image_init(&image, data, size, NULL) < 0 || image.n_sections < 2)
			return LLVMFuzzerMutate(data, size, max);
		size = mutate_section(data, size, max, &image);
	}
	return size;
}
