/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/file.h"
#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

static const struct {
	const char *bytes, *base64;
} vectors[] = {
	/* RFC 4648, section 10 */
	{ "", "" },
	{ "f", "Zg==" },
	{ "fo", "Zm8=" },
	{ "foo", "Zm9v" },
	{ "foob", "Zm9vYg==" },
	{ "fooba", "Zm9vYmE=" },
	{ "foobar", "Zm9vYmFy" },
};

static void test_base64(void **state)
{
	static const struct {
		const char *base64, *bytes; /* NULL: invalid */
	} others[] = {
		{ " Z\tg\r=\n= ", "f" }, { "Zm9v\nYmFy\n", "foobar" },
		{ "=", NULL },		 { "==", NULL },
		{ "====", NULL },	 { "Z", NULL },
		{ "Zg", NULL },		 { "Zg=", NULL },
		{ "Zg===", NULL },	 { "Zm9v====", NULL },
		{ "Zm9vY===", NULL },	 { "Z===", NULL },
		{ "Zg==Zg==", NULL },	 { "Zm=v", NULL },
		{ "Zh==", NULL }, /* nonzero bits after the last byte */
		{ "Zm9=", NULL },	 { "Zm9-", NULL },
		{ "Zm9_", NULL },	 { "Zm9\xc3", NULL },
		{ "data:Zm9v", NULL },
	};
	_cleanup_text_ struct text out = {};
	char all[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		const char *bytes = vectors[i].bytes, *base64 = vectors[i].base64;

		text_clear(&out);
		base64_encode(bytes, strlen(bytes), &out);
		assert_string_equal(text_str(&out), base64);
		text_clear(&out);
		assert_int_equal(base64_decode(base64, strlen(base64), &out), 0);
		assert_string_equal(text_str(&out), bytes);
	}
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		int r;

		text_clear(&out);
		r = base64_decode(others[i].base64, strlen(others[i].base64), &out);
		if (r != (others[i].bytes ? 0 : -EINVAL))
			fail_msg("%s: %d", others[i].base64, r);
		if (r == 0)
			assert_string_equal(text_str(&out), others[i].bytes);
	}
	assert_int_equal(base64_decode("Zm9v\0", 5, &out), -EINVAL);
	/* every byte value at every position */
	for (int i = 0; i < 256; i++)
		all[i] = (char)i;
	for (size_t len = 0; len <= 256; len++) {
		_cleanup_text_ struct text there = {}, back = {};

		base64_encode(all + 256 - len, len, &there);
		assert_int_equal(base64_decode(text_str(&there), there.len, &back), 0);
		assert_int_equal(back.len, len);
		if (len)
			assert_memory_equal(back.data, all + 256 - len, len);
	}
}

static void test_read(void **state)
{
	_cleanup_free_ char *folder = folder_make(), *in = NULL, *path = NULL, *absolute = NULL;
	const struct {
		const char *name;
		int confined, free; /* results with and without confinement */
	} reads[] = {
		{ "ten", 0, 0 },
		{ "sub/ten", 0, 0 },
		{ "./sub//ten", 0, 0 },
		{ "link-in", 0, 0 },
		{ "none", -ENOENT, -ENOENT },
		{ "ten/x", -ENOTDIR, -ENOTDIR },
		{ "", -ENOENT, -ENOENT },
		{ "..", -EACCES, -EINVAL },
		{ "../ten", -EACCES, 0 },
		{ "sub/../../ten", -EACCES, 0 },
		{ "link-out", -EACCES, 0 },
		{ "link-absolute", -EACCES, 0 },
		{ "sub-out/ten", -EACCES, 0 },
		{ "loop", -ELOOP, -ELOOP },
		{ "fifo", -EINVAL, -EINVAL },
		{ "sub", -EINVAL, -EINVAL },
		{ ".", -EINVAL, -EINVAL },
		{ "eleven", -EFBIG, -EFBIG },
		{ "empty", 0, 0 },
		{ "/etc/hostname-that-is-none", -EACCES, -ENOENT },
		{ "/dev/null", -EACCES, -EINVAL },
	};

	(void)state;
	assert_true(asprintf(&in, "%s/in", folder) > 0);
	assert_true(asprintf(&path, "%s/in/sub", folder) > 0);
	assert_true(asprintf(&absolute, "%s/in/ten", folder) > 0);
	assert_int_equal(mkdir(in, 0700), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	file_make(folder, "ten", "0123456789", 10, 0600);
	file_make(in, "ten", "0123456789", 10, 0600);
	file_make(in, "sub/ten", "0123456789", 10, 0600);
	file_make(in, "eleven", "0123456789a", 11, 0600);
	file_make(in, "empty", "", 0, 0600);
	assert_int_equal(
		shell("cd %s && ln -s sub/ten link-in && ln -s ../ten link-out && "
		      "ln -s %s/in/ten link-absolute && ln -s .. sub-out && ln -s loop loop && "
		      "mkfifo fifo",
		      in, folder),
		0);
	for (size_t i = 0; i < ARRAY_SIZE(reads); i++)
		for (int confined = 0; confined < 2; confined++) {
			int expected = confined ? reads[i].confined : reads[i].free;
			_cleanup_error_ struct error err = {};
			_cleanup_text_ struct text out = {};
			int r;

			text_adds(&out, "before ");
			r = file_read(in, reads[i].name, confined, 10, &out, &err);
			if (r != expected)
				fail_msg("%s, confined %d: %d %s", reads[i].name, confined, r,
					 error_message(&err));
			if (r < 0)
				assert_true(!*reads[i].name ||
					    contains(error_message(&err), reads[i].name));
			else
				assert_string_equal(text_str(&out), !strcmp(reads[i].name, "empty")
									    ? "before "
									    : "before 0123456789");
			assert_int_equal(file_read(in, reads[i].name, confined, 10, &out, NULL),
					 expected);
		}
	{
		_cleanup_error_ struct error err = {};
		_cleanup_text_ struct text out = {};
		char *here = getcwd(NULL, 0);

		assert_int_equal(file_read(in, absolute, false, 10, &out, &err), 0);
		assert_int_equal(file_read(NULL, absolute, false, 10, &out, &err), 0);
		assert_int_equal(file_read("/none", "x", true, 10, &out, &err), -ENOENT);
		assert_true(contains(error_message(&err), "directory /none: "));
		/* without a folder, paths are relative to the working directory */
		assert_int_equal(chdir(in), 0);
		assert_int_equal(file_read(NULL, "ten", false, 10, &out, &err), 0);
		assert_int_equal(file_read(NULL, "ten", true, 10, &out, &err), 0);
		assert_int_equal(file_read(NULL, "../ten", true, 10, &out, &err), -EACCES);
		assert_int_equal(chdir(here), 0);
		free(here);
	}
	folder_remove(folder);
}

static void test_descriptors(void **state)
{
	_cleanup_text_ struct text out = {};
	_cleanup_error_ struct error err = {};
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(file_write_fd(ends[1], "0123456789", 10), 0);
	assert_int_equal(file_write_fd(ends[1], "", 0), 0);
	close(ends[1]);
	assert_int_equal(file_read_fd(ends[0], "pipe", 10, &out, &err), 0);
	assert_string_equal(text_str(&out), "0123456789");
	close(ends[0]);
	assert_int_equal(file_read_fd(ends[0], "pipe", 10, &out, &err), -EBADF);
	assert_true(contains(error_message(&err), "pipe: "));
	assert_int_equal(file_write_fd(ends[0], "x", 1), -EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_base64),
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
