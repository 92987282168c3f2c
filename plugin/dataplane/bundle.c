/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dataplane/bundle.h"
#include "dataplane/add_sections.h"
#include "dataplane/elf_metadata.h"
#include "dataplane/json_reader.h"

#include <errno.h>
#include <json-c/json.h>
#include <string.h>

DEFINE_CLEANUP(struct json_object *, json_object_put);

const char *bundle_direction_key(enum direction direction)
{
	static const char *const keys[N_DIRECTIONS] = { "ingress-path", "egress-path" };

	return keys[direction];
}

/* -- reading -- */

static int bundle_take_version(struct json_reader *json_reader, struct json_object *value, void *to)
{
	(void)to;
	if (!json_object_is_type(value, json_type_int) ||
	    json_object_get_int64(value) != BUNDLE_VERSION)
		return json_reader_wrong(json_reader, "1, the version that this one knows", value);
	return 0;
}

static int bundle_take_hook(struct json_reader *json_reader, struct json_object *value, void *to)
{
	_cleanup_free_ char *name = NULL;
	int r = take_string(json_reader, value, &name);

	if (r < 0)
		return r;
	if (strcmp(name, "tc") != 0 && strcmp(name, "xdp") != 0)
		return json_reader_wrong(json_reader, "tc or xdp", value);
	*(enum document_hook *)to = *name == 'x' ? DOCUMENT_HOOK_XDP : DOCUMENT_HOOK_TC;
	return 0;
}

static int take_anything(struct json_reader *json_reader, struct json_object *value, void *to)
{
	(void)json_reader;
	(void)value;
	(void)to;
	return 0;
}

int bundle_take_about(struct json_reader *json_reader, struct json_object *value, void *to)
{
	static const struct key keys[] = {
		{ "version", bundle_take_version, 0, true },
		{ "hook", bundle_take_hook, offsetof(struct document, hook), false },
		/* Informational: settings that the code was compiled with. */
		{ "log-level", take_anything, 0, false },
		{ "cube-id", take_anything, 0, false },
		{},
	};

	return json_reader_object(json_reader, value, keys, to);
}

int bundle_read(const struct image *image, struct document *document, struct error *err)
{
	const char *bytes;
	size_t len;
	int r = image_find_section(image, BUNDLE_SECTION, &bytes, &len, err);

	if (r == 0 && image->len > OBJECT_MAX)
		return error_set(err, -EFBIG, "the object has %zu bytes, at most %d are possible",
				 image->len, OBJECT_MAX);
	if (r == 0)
		return elf_metadata_document(image, &document->json, &document->warnings, err);
	if (r > 0 && len > DOCUMENT_MAX)
		r = error_set(err, -EFBIG, "%zu bytes, at most %d are possible", len, DOCUMENT_MAX);
	if (r > 0)
		r = json_reader_parse(bytes, len, &document->json, err);
	if (r == 0 && !json_object_object_get(document->json, "bundle"))
		r = error_set(err, -ENODATA, "the key \"bundle\" is missing");
	return r < 0 ? error_prefix(err, r, "section " BUNDLE_SECTION) : 0;
}

/* -- writing -- */

static bool bundle_same(const struct text *a, const struct text *b)
{
	return a->len == b->len && !memcmp(a->data, b->data, a->len);
}

/* An existing section of the same name would hide the section that bundle_pack() adds. */
static int check_object(const struct text *elf, enum direction direction, struct error *err)
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
	return r < 0 ? error_prefix(err, r, "%s", bundle_direction_key(direction)) : 0;
}

/* Makes the value of the key "bundle". */
static int about(const struct dataplane *dataplane, const struct compile_target *target,
		 struct json_object **ret, struct error *err)
{
	const struct direction_code *ingress = dataplane->directions[INGRESS];
	_cleanup_(json_object_putp) struct json_object *json = json_object_new_object();
	bool tc = false, xdp = false;
	struct image image;
	int r = 0;

	if (!json)
		return error_oom(err);
	if (ingress) {
		r = image_init(&image, ingress->elf.data, ingress->elf.len, err);
		if (r == 0)
			r = elf_metadata_hooks(&image, ingress->config->program, &tc, &xdp, err);
	}
	if (r == 0 && target->xdp && tc && !xdp)
		r = error_set(
			err, -EINVAL,
			"ingress-path: it is to be compiled for xdp, and has a program for tc "
			"alone");
	if (r < 0)
		return r;
	json_object_object_add(json, "version", json_object_new_int(BUNDLE_VERSION));
	if (tc != xdp)
		json_object_object_add(json, "hook", json_object_new_string(xdp ? "xdp" : "tc"));
	json_object_object_add(json, "log-level", json_object_new_string(target->log_level));
	json_object_object_add(json, "cube-id", json_object_new_int((int)target->cube_id));
	*ret = steal_ptr(&json);
	return 0;
}

/*
 * Copies the document and replaces the code of each direction by the location of its object. Takes
 * ownership of about_it.
 */
static int strip(const struct dataplane *dataplane, const char *const sections[N_DIRECTIONS],
		 struct json_object *about_it, struct json_object **ret, struct error *err)
{
	static const char *const code[] = { "code", "code-file", "object", "object-data" };
	_cleanup_(json_object_putp) struct json_object *json = json_object_new_object();
	struct json_object *copy = NULL;

	if (!json || json_object_deep_copy(dataplane->document->json, &copy, NULL) < 0) {
		json_object_put(about_it);
		return error_oom(err);
	}
	json_object_object_add(json, "bundle", about_it);
	json_object_object_foreach(copy, key, value)
		if (strcmp(key, "bundle") != 0)
			json_object_object_add(json, key, json_object_get(value));
	json_object_put(copy);
	for (int i = 0; i < N_DIRECTIONS; i++) {
		struct json_object *direction =
			json_object_object_get(json, bundle_direction_key((enum direction)i));

		if (!sections[i])
			continue;
		for (size_t k = 0; k < ARRAY_SIZE(code); k++)
			json_object_object_del(direction, code[k]);
		json_object_object_add(direction, "object", json_object_new_string(sections[i]));
	}
	*ret = steal_ptr(&json);
	return 0;
}

int bundle_pack(const struct dataplane *dataplane, const struct compile_target *target,
		struct text *out, struct error *err)
{
	struct direction_code *const *directions = dataplane->directions;
	_cleanup_(json_object_putp) struct json_object *json = NULL;
	struct json_object *about_it = NULL;
	const char *sections[N_DIRECTIONS] = {};
	struct image_section add[2] = { { BUNDLE_SECTION } };
	const struct direction_code *first = NULL;
	size_t n = 1;
	int r;

	for (int i = 0; i < N_DIRECTIONS; i++) {
		if (!directions[i])
			continue;
		r = check_object(&directions[i]->elf, (enum direction)i, err);
		if (r < 0)
			return r;
		sections[i] = BUNDLE_SELF;
		if (first && !bundle_same(&first->elf, &directions[i]->elf)) {
			sections[i] = BUNDLE_SECOND;
			add[n++] = (struct image_section){ BUNDLE_SECOND, directions[i]->elf.data,
							   directions[i]->elf.len };
		}
		first = first ? first : directions[i];
	}
	if (!first)
		return error_set(err, -EINVAL, "there is no code in the document");
	r = about(dataplane, target, &about_it, err);
	if (r == 0)
		r = strip(dataplane, sections, about_it, &json, err);
	if (r < 0)
		return r;
	add[0].bytes = json_object_to_json_string_length(
		json, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &add[0].len);
	if (!add[0].bytes)
		return error_oom(err);
	if (add[0].len > DOCUMENT_MAX)
		return error_set(err, -EFBIG,
				 "the document has %zu bytes without its code, at most %d are "
				 "possible",
				 add[0].len, DOCUMENT_MAX);
	return image_add_sections(&first->elf, add, n, out, err);
}
