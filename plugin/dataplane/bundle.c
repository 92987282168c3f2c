/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dataplane/bundle.h"
#include "base/file.h"

#include <errno.h>
#include <json-c/json.h>
#include <libelf.h>
#include <string.h>
#include <sys/mman.h>

DEFINE_CLEANUP(Elf *, elf_end);
DEFINE_CLEANUP(struct json_object *, json_object_put);

int bundle_add_sections(const struct text *object, const struct bundle_section *sections, size_t n,
			struct text *out, struct error *err)
{
	_cleanup_close_ int fd = memfd_create("dynmon-object", MFD_CLOEXEC);
	/* libelf borrows the names and contents of sections until elf_update() has written them. */
	_cleanup_text_ struct text names = {};
	_cleanup_(elf_endp) Elf *elf = NULL;
	Elf_Data *data = NULL;
	Elf_Scn *scn;
	size_t index;
	int r = fd < 0 ? -errno : file_write_fd(fd, object->data, object->len);

	if (r < 0)
		return error_set(err, r, "a file in memory: %s", strerror(-r));
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_RDWR, NULL);
	if (!elf || elf_getshdrstrndx(elf, &index) || !(scn = elf_getscn(elf, index)) ||
	    !(data = elf_getdata(scn, NULL)))
		return error_set(err, -EINVAL, "the object's section names: %s", elf_errmsg(-1));
	text_add(&names, data->d_buf, data->d_size);
	for (size_t i = 0; i < n; i++) {
		Elf64_Shdr *header = (scn = elf_newscn(elf)) ? elf64_getshdr(scn) : NULL;
		Elf_Data *contents = header ? elf_newdata(scn) : NULL;

		if (!contents)
			return error_set(err, -EINVAL, "section %s: %s", sections[i].name,
					 elf_errmsg(-1));
		contents->d_buf = (void *)sections[i].bytes;
		contents->d_size = sections[i].len;
		contents->d_type = ELF_T_BYTE;
		contents->d_align = 8;
		header->sh_name = (Elf64_Word)names.len;
		header->sh_type = SHT_PROGBITS;
		text_add(&names, sections[i].name, strlen(sections[i].name) + 1);
	}
	if (text_status(&names) < 0)
		return error_oom(err);
	data->d_buf = names.data;
	data->d_size = names.len;
	elf_flagdata(data, ELF_C_SET, ELF_F_DIRTY);
	if (elf_update(elf, ELF_C_WRITE) < 0)
		return error_set(err, -EINVAL, "writing the object: %s", elf_errmsg(-1));
	if (lseek(fd, 0, SEEK_SET) < 0)
		return error_set(err, -errno, "a file in memory: %s", strerror(errno));
	return file_read_fd(fd, "a file in memory", SIZE_MAX / 2, out, err);
}

/* An existing section of the same name would hide the section that bundle_pack() adds. */
static int check_no_bundle(const struct text *elf, enum direction direction, struct error *err)
{
	struct image image;
	const char *bytes;
	size_t len;
	int r = image_init(&image, elf->data, elf->len, err);

	if (r == 0)
		r = image_find_section(&image, BUNDLE_SECTION, &bytes, &len, err);
	if (r > 0)
		r = error_set(err, -EINVAL,
			      "the object has a section " BUNDLE_SECTION
			      ": it is a bundle already");
	return r < 0 ? error_prefix(err, r, "%s", direction_key(direction)) : 0;
}

/* Makes the value of the key "bundle". */
static int describe_build(const struct dataplane *dataplane, const struct compile_target *target,
			  struct json_object **ret, struct error *err)
{
	const struct direction_code *ingress = dataplane->directions[INGRESS];
	bool tc = false, xdp = false;
	struct json_object *json;
	struct image image;
	int r = 0;

	if (ingress) {
		r = image_init(&image, ingress->elf.data, ingress->elf.len, err);
		if (r == 0)
			r = elf_metadata_hooks(&image, ingress->config->program, &tc, &xdp, err);
	}
	if (r == 0 && target->xdp && tc && !xdp)
		r = error_set(err, -EINVAL,
			      "ingress-path: expected a program for xdp, found only a program for "
			      "tc");
	if (r < 0)
		return r;
	json = *ret = json_object_new_object();
	if (!json)
		return error_oom(err);
	json_object_object_add(json, "version", json_object_new_int(BUNDLE_VERSION));
	if (tc != xdp)
		json_object_object_add(json, "hook", json_object_new_string(xdp ? "xdp" : "tc"));
	json_object_object_add(json, "log-level", json_object_new_string(target->log_level));
	json_object_object_add(json, "cube-id", json_object_new_int((int)target->cube_id));
	return 0;
}

/*
 * Copies the document, with the key "bundle" first, and replaces the code of each direction by the
 * location of the direction's object.
 */
static int bundle_document(const struct dataplane *dataplane, const struct compile_target *target,
			   const char *const objects[N_DIRECTIONS], struct json_object **ret,
			   struct error *err)
{
	static const char *const code[] = { "code", "code-file", "object", "object-data" };
	_cleanup_(json_object_putp) struct json_object *json = json_object_new_object();
	_cleanup_(json_object_putp) struct json_object *copy = NULL;
	struct json_object *build;
	int r;

	if (!json || json_object_deep_copy(dataplane->document->json, &copy, NULL) < 0)
		return error_oom(err);
	r = describe_build(dataplane, target, &build, err);
	if (r < 0)
		return r;
	json_object_object_add(json, "bundle", build);
	json_object_object_foreach(copy, key, value)
		if (strcmp(key, "bundle") != 0)
			json_object_object_add(json, key, json_object_get(value));
	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++) {
		struct json_object *path = json_object_object_get(json, direction_key(direction));

		if (!objects[direction]) {
			if (dataplane->document->by_program)
				json_object_object_del(json, direction_key(direction));
			continue;
		}
		for (size_t i = 0; i < ARRAY_SIZE(code); i++)
			json_object_object_del(path, code[i]);
		json_object_object_add(path, "object", json_object_new_string(objects[direction]));
	}
	*ret = steal_ptr(&json);
	return 0;
}

int bundle_pack(const struct dataplane *dataplane, const struct compile_target *target,
		struct text *out, struct error *err)
{
	_cleanup_(json_object_putp) struct json_object *json = NULL;
	const char *objects[N_DIRECTIONS] = {};
	struct bundle_section sections[2] = { { BUNDLE_SECTION } };
	const struct text *first = NULL;
	size_t n = 1;
	int r;

	for (enum direction direction = 0; direction < N_DIRECTIONS; direction++) {
		const struct text *elf;

		if (!dataplane->directions[direction])
			continue;
		elf = &dataplane->directions[direction]->elf;
		r = check_no_bundle(elf, direction, err);
		if (r < 0)
			return r;
		objects[direction] = BUNDLE_SELF;
		if (first && !text_equal(first, elf)) {
			objects[direction] = BUNDLE_SECOND;
			sections[n++] =
				(struct bundle_section){ BUNDLE_SECOND, elf->data, elf->len };
		}
		first = first ? first : elf;
	}
	if (!first)
		return error_set(err, -EINVAL, "there is no code in the document");
	r = bundle_document(dataplane, target, objects, &json, err);
	if (r < 0)
		return r;
	sections[0].bytes = json_object_to_json_string_length(
		json, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &sections[0].len);
	if (!sections[0].bytes)
		return error_oom(err);
	if (sections[0].len > DOCUMENT_MAX)
		return error_set(err, -EFBIG,
				 "the document has %zu bytes without its code, at most %d are "
				 "possible",
				 sections[0].len, DOCUMENT_MAX);
	return bundle_add_sections(first, sections, n, out, err);
}
