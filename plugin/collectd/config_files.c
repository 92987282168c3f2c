/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collectd.h"

#include "liboconfig/oconfig.h"

#include "collectd/config_files.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <sys/stat.h>
#include <wordexp.h>

#define PLUGIN "dynmon"

#define INCLUDES_MAX 8	/* nested files, as in collectd */
#define FOLDERS_MAX  32 /* nested directories */

/*
 * Resets the scanner of the daemon, so that line numbers start at 1. Some builds of collectd do not
 * export this symbol.
 */
__attribute__((weak)) int yylex_destroy(void);

DEFINE_CLEANUP(struct json_object *, json_object_put);

/* Returns false if memory ran out. The array owns the value. */
static bool json_append(struct json_object *array, struct json_object *value)
{
	if (array && value && json_object_array_add(array, value) == 0)
		return true;
	json_object_put(value);
	return false;
}

static struct json_object *value_to_json(const oconfig_value_t *value)
{
	char number[64];

	switch (value->type) {
	case OCONFIG_TYPE_STRING:
		return json_object_new_string(value->value.string);
	case OCONFIG_TYPE_BOOLEAN:
		return json_object_new_string(value->value.boolean ? "true" : "false");
	default:
		snprintf(number, sizeof(number), "%.15g", value->value.number);
		return json_object_new_string(number);
	}
}

struct json_object *config_item_to_json(const oconfig_item_t *item, int levels)
{
	_cleanup_(json_object_putp) struct json_object *json = json_object_new_array();
	_cleanup_(json_object_putp) struct json_object *values = json_object_new_array();
	_cleanup_(json_object_putp) struct json_object *children = json_object_new_array();
	bool ok = json && values && children;

	for (int i = 0; ok && i < item->values_num; i++)
		ok = json_append(values, value_to_json(&item->values[i]));
	for (int i = 0; ok && i < item->children_num && levels > 0; i++)
		ok = json_append(children, config_item_to_json(&item->children[i], levels - 1));
	ok = ok && json_append(json, json_object_new_string(item->key)) &&
	     json_append(json, steal_ptr(&values)) && json_append(json, steal_ptr(&children));
	return ok ? steal_ptr(&json) : NULL;
}

/* Where an Include stands. */
struct place {
	struct json_object *blocks; /* receives [file, item] of each <Plugin dynmon> */
	const char *filter;	    /* shell pattern for the names of files, or NULL */
	int includes, folders;	    /* nesting */
};

static int read_path(struct place place, const char *words, struct error *err);

static int read_include(struct place place, const char *in, const oconfig_item_t *item,
			struct error *err)
{
	if (item->values_num != 1 || item->values[0].type != OCONFIG_TYPE_STRING)
		return error_set(err, -EINVAL, "%s: Include: expected one file name", in);
	place.filter = NULL;
	for (int i = 0; i < item->children_num; i++) {
		const oconfig_item_t *child = &item->children[i];

		if (!strcasecmp(child->key, "Filter") && child->values_num == 1 &&
		    child->values[0].type == OCONFIG_TYPE_STRING)
			place.filter = child->values[0].value.string;
		else
			fprintf(stderr,
				"%s: <Include>: expected Filter and a pattern, found \"%s\"\n", in,
				child->key);
	}
	if (++place.includes >= INCLUDES_MAX)
		return error_set(err, -ELOOP,
				 "%s: Include \"%s\": expected at most %d nested files", in,
				 item->values[0].value.string, INCLUDES_MAX);
	return read_path(place, item->values[0].value.string, err);
}

static int read_config_file(struct place place, const char *file, struct error *err)
{
	oconfig_item_t *root;
	int r = 0;

	if (yylex_destroy)
		yylex_destroy();
	root = oconfig_parse_file(file);
	if (!root) /* the parser has printed the reason */
		return error_set(err, -EBADMSG, "%s: cannot be read", file);
	for (int i = 0; r == 0 && i < root->children_num; i++) {
		const oconfig_item_t *item = &root->children[i];

		if (!strcasecmp(item->key, "Include")) {
			r = read_include(place, file, item, err);
		} else if (!strcasecmp(item->key, "Plugin") && item->values_num >= 1 &&
			   item->values[0].type == OCONFIG_TYPE_STRING &&
			   !strcasecmp(item->values[0].value.string, PLUGIN)) {
			struct json_object *block = json_object_new_array();

			if (!json_append(place.blocks, block) ||
			    !json_append(block, json_object_new_string(file)) ||
			    !json_append(block, config_item_to_json(item, CONFIG_LEVELS_MAX)))
				r = error_oom(err);
		}
	}
	oconfig_free(root);
	return r;
}

static int is_visible(const struct dirent *entry)
{
	return *entry->d_name != '.';
}

/* Sorts by bytes, independent of the locale. */
static int compare_entries(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int read_folder(struct place place, const char *folder, struct error *err)
{
	struct dirent **entries = NULL;
	int n, r = 0;

	if (++place.folders > FOLDERS_MAX)
		return error_set(err, -ELOOP, "%s: expected at most %d nested directories", folder,
				 FOLDERS_MAX);
	n = scandir(folder, &entries, is_visible, compare_entries);
	if (n < 0)
		return error_set(err, -errno, "%s: %s", folder, strerror(errno));
	for (int i = 0; i < n; i++) {
		_cleanup_free_ struct dirent *entry = entries[i];
		_cleanup_free_ char *path = NULL;

		if (r == 0 && asprintf(&path, "%s/%s", folder, entry->d_name) > 0)
			r = read_path(place, path, err);
	}
	free(entries);
	return r;
}

static int compare_paths(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/*
 * words: paths in wordexp(3) syntax with ~, variables and patterns, but without command
 * substitution.
 */
static int read_path(struct place place, const char *words, struct error *err)
{
	wordexp_t paths;
	int r = 0;

	if (wordexp(words, &paths, WRDE_NOCMD) != 0)
		return error_set(err, -EINVAL,
				 "Include \"%s\": expected the name of a file or directory", words);
	qsort(paths.we_wordv, paths.we_wordc, sizeof(*paths.we_wordv), compare_paths);
	for (size_t i = 0; r == 0 && i < paths.we_wordc; i++) {
		const char *path = paths.we_wordv[i], *slash = strrchr(path, '/');
		struct stat st;

		if (stat(path, &st) < 0 && !place.includes)
			r = error_set(err, -errno, "%s: %s", path, strerror(errno));
		else if (stat(path, &st) < 0)
			fprintf(stderr, "Include \"%s\": %s\n", path, strerror(errno));
		else if (S_ISDIR(st.st_mode))
			r = read_folder(place, path, err);
		else if (!S_ISREG(st.st_mode))
			fprintf(stderr, "Include \"%s\": neither a file nor a directory\n", path);
		else if (!place.filter || fnmatch(place.filter, slash ? slash + 1 : path, 0) == 0)
			r = read_config_file(place, path, err);
	}
	wordfree(&paths);
	return r;
}

int config_files_read(const char *file, struct json_object **ret, struct error *err)
{
	_cleanup_(json_object_putp) struct json_object *blocks = json_object_new_array();
	int r = blocks ? 0 : error_oom(err);

	if (r == 0)
		r = read_path((struct place){ .blocks = blocks }, file, err);
	if (r == 0)
		*ret = steal_ptr(&blocks);
	return r;
}
