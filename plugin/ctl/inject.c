/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/inject.h"
#include "base/file.h"
#include "dataplane/document.h"
#include "dataplane/image.h"

#include <json-c/json.h>
#include <libgen.h>

/* Replaces path[from], a file's name, by path[to], its contents. 1: done; 0: not there. */
static int inline_file(struct json_object *path, const char *from, const char *to, bool binary,
		       const char *dir, struct error *err)
{
	_cleanup_text_ struct text bytes = {}, encoded = {};
	const struct text *contents = binary ? &encoded : &bytes;
	struct json_object *name = json_object_object_get(path, from);
	int r;

	if (!json_object_is_type(name, json_type_string))
		return 0;
	r = file_read(dir, json_object_get_string(name), false, binary ? OBJECT_MAX : CODE_MAX,
		      &bytes, err);
	if (r < 0)
		return error_prefix(err, r, "%s", from);
	if (binary)
		base64_encode(bytes.data, bytes.len, &encoded);
	if (text_status(contents) < 0)
		return error_oom(err);
	json_object_object_del(path, from);
	json_object_object_add(path, to,
			       json_object_new_string_len(contents->data, (int)contents->len));
	return 1;
}

static int inline_files(struct json_object *document, const char *dir, struct error *err)
{
	static const char *const paths[] = { "ingress-path", "egress-path" };
	int done = 0;

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		struct json_object *path = json_object_object_get(document, paths[i]);
		int code, object;

		if (!json_object_is_type(path, json_type_object))
			continue;
		code = inline_file(path, "code-file", "code", false, dir, err);
		object = code < 0 ? code
				  : inline_file(path, "object", "object-data", true, dir, err);
		if (object < 0)
			return error_prefix(err, object, "%s", paths[i]);
		done += code + object;
	}
	return done;
}

int inject_read(const char *file, struct text *out, struct error *err)
{
	_cleanup_free_ char *copy = strdup(file);
	struct json_object *document;
	int r;

	if (!copy)
		return error_oom(err);
	r = document_read(NULL, file, false, out, err);
	if (r < 0 || image_is_elf(out->data, out->len))
		return r;
	document = json_tokener_parse(text_str(out));
	r = json_object_is_type(document, json_type_object)
		    ? inline_files(document, dirname(copy), err)
		    : 0;
	if (r > 0) {
		text_clear(out);
		text_adds(out,
			  json_object_to_json_string_ext(document, JSON_C_TO_STRING_NOSLASHESCAPE));
		r = text_status(out) < 0 ? error_oom(err) : 0;
	}
	json_object_put(document);
	return r < 0 ? r : 0;
}
