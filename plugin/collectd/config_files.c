/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collectd.h"

#include "liboconfig/oconfig.h"

#include "collectd/config_files.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <libgen.h>
#include <sys/stat.h>
#include <wordexp.h>

#define INCLUDES_MAX 8	/* nested files, as in collectd */
#define FOLDERS_MAX  32 /* nested directories */

/*
 * Resets the scanner of the daemon, so that line numbers start at 1. Some builds of collectd do not
 * export this symbol.
 */
__attribute__((weak)) int yylex_destroy(void);

/* Nesting of included files and of directories. */
struct depth {
	int includes;
	int folders;
};

static int read_any(struct config_files *files, const char *words, const char *filter,
		    struct depth depth, struct error *err);

static int read_include(struct config_files *files, const char *in, const oconfig_item_t *item,
			struct depth depth, struct error *err)
{
	const char *filter = NULL;

	if (item->values_num != 1 || item->values[0].type != OCONFIG_TYPE_STRING)
		return error_set(err, -EINVAL, "%s: Include: expected one file name", in);
	for (int i = 0; i < item->children_num; i++) {
		const oconfig_item_t *child = &item->children[i];

		if (!strcasecmp(child->key, "Filter") && child->values_num == 1 &&
		    child->values[0].type == OCONFIG_TYPE_STRING)
			filter = child->values[0].value.string;
		else
			text_printf(&files->warnings,
				    "%s: <Include>: expected Filter and a pattern, found \"%s\"\n",
				    in, child->key);
	}
	if (++depth.includes >= INCLUDES_MAX)
		return error_set(err, -ELOOP,
				 "%s: Include \"%s\": at most %d files in one another are possible",
				 in, item->values[0].value.string, INCLUDES_MAX);
	return read_any(files, item->values[0].value.string, filter, depth, err);
}

static bool is_block_of(const oconfig_item_t *item, const char *plugin)
{
	return !strcasecmp(item->key, "Plugin") && item->values_num >= 1 &&
	       item->values[0].type == OCONFIG_TYPE_STRING &&
	       !strcasecmp(item->values[0].value.string, plugin);
}

static bool config_files_is_wanted(const char *file, const char *filter)
{
	_cleanup_free_ char *copy = filter ? strdup(file) : NULL;

	return !copy || fnmatch(filter, basename(copy), 0) == 0;
}

static int read_file(struct config_files *files, const char *file, const char *filter,
		     struct depth depth, struct error *err)
{
	oconfig_item_t *root;
	int r = 0;

	if (!config_files_is_wanted(file, filter))
		return 0;
	if (yylex_destroy)
		yylex_destroy();
	root = oconfig_parse_file(file);
	if (!root)
		return error_set(err, -EBADMSG, "%s: cannot be read", file);
	for (int i = 0; r == 0 && i < root->children_num; i++) {
		const oconfig_item_t *item = &root->children[i];

		if (!strcasecmp(item->key, "Include"))
			r = read_include(files, file, item, depth, err);
		else if (is_block_of(item, files->plugin))
			files->take(files->data, file, item);
	}
	oconfig_free(root);
	return r;
}

static int is_visible(const struct dirent *entry)
{
	return *entry->d_name != '.';
}

/* Sorts by bytes, independent of the locale. */
static int config_files_by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int read_folder(struct config_files *files, const char *folder, const char *filter,
		       struct depth depth, struct error *err)
{
	struct dirent **entries = NULL;
	int n, r = 0;

	if (++depth.folders > FOLDERS_MAX)
		return error_set(err, -ELOOP, "%s: at most %d folders in one another are possible",
				 folder, FOLDERS_MAX);
	n = scandir(folder, &entries, is_visible, config_files_by_name);
	if (n < 0)
		return error_set(err, -errno, "%s: %s", folder, strerror(errno));
	for (int i = 0; i < n; i++) {
		_cleanup_free_ struct dirent *entry = entries[i];
		_cleanup_free_ char *path = NULL;

		if (r == 0 && asprintf(&path, "%s/%s", folder, entry->d_name) > 0)
			r = read_any(files, path, filter, depth, err);
	}
	free(entries);
	return r;
}

static int by_word(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/*
 * words: paths in wordexp(3) syntax with ~, variables and patterns, but without command
 * substitution.
 */
static int read_any(struct config_files *files, const char *words, const char *filter,
		    struct depth depth, struct error *err)
{
	wordexp_t paths;
	int r = 0;

	if (wordexp(words, &paths, WRDE_NOCMD) != 0)
		return error_set(err, -EINVAL,
				 "Include \"%s\": expected the name of a file or folder", words);
	qsort(paths.we_wordv, paths.we_wordc, sizeof(*paths.we_wordv), by_word);
	for (size_t i = 0; r == 0 && i < paths.we_wordc; i++) {
		const char *path = paths.we_wordv[i];
		struct stat st;

		if (stat(path, &st) < 0 && !depth.includes)
			r = error_set(err, -errno, "%s: %s", path, strerror(errno));
		else if (stat(path, &st) < 0)
			text_printf(&files->warnings, "Include \"%s\": %s\n", path,
				    errno == ENOENT ? "there is no such file" : strerror(errno));
		else if (S_ISREG(st.st_mode))
			r = read_file(files, path, filter, depth, err);
		else if (S_ISDIR(st.st_mode))
			r = read_folder(files, path, filter, depth, err);
		else
			text_printf(&files->warnings,
				    "Include \"%s\": neither a file nor a folder\n", path);
	}
	wordfree(&paths);
	return r;
}

int config_files_read(struct config_files *files, const char *file, struct error *err)
{
	return read_any(files, file, NULL, (struct depth){}, err);
}
