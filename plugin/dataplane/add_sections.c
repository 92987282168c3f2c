/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dataplane/add_sections.h"
#include "base/file.h"

#include <errno.h>
#include <libelf.h>
#include <string.h>
#include <sys/mman.h>

DEFINE_CLEANUP(Elf *, elf_end);

static int elf_failed(const char *what, struct error *err)
{
	return error_set(err, -EINVAL, "%s: %s", what, elf_errmsg(-1));
}

/*
 * Appends the names of the sections to the section name table. names receives the new table, which
 * must live until libelf has written it. first receives the offset of the first new name.
 */
static int names_add(Elf *elf, const struct image_section *sections, size_t n, size_t *first,
		     struct text *names, struct error *err)
{
	Elf_Data *data;
	Elf_Scn *scn;
	size_t index;

	if (elf_getshdrstrndx(elf, &index) || !(scn = elf_getscn(elf, index)) ||
	    !(data = elf_getdata(scn, NULL)))
		return elf_failed("the names of the object's sections", err);
	text_add(names, data->d_buf, data->d_size);
	*first = names->len;
	for (size_t i = 0; i < n; i++)
		text_add(names, sections[i].name, strlen(sections[i].name) + 1);
	if (text_status(names) < 0)
		return error_oom(err);
	data->d_buf = names->data;
	data->d_size = names->len;
	elf_flagdata(data, ELF_C_SET, ELF_F_DIRTY);
	return 0;
}

static int section_add(Elf *elf, const struct image_section *section, size_t name,
		       struct error *err)
{
	Elf_Scn *scn = elf_newscn(elf);
	Elf64_Shdr *header = scn ? elf64_getshdr(scn) : NULL;
	Elf_Data *data = header ? elf_newdata(scn) : NULL;

	if (!data)
		return elf_failed(section->name, err);
	data->d_buf = (void *)section->bytes;
	data->d_size = section->len;
	data->d_type = ELF_T_BYTE;
	data->d_align = 8;
	header->sh_name = (Elf64_Word)name;
	header->sh_type = SHT_PROGBITS;
	return 0;
}

/* libelf borrows the contents of sections and names until elf_update() has written them. */
static int write_sections(int fd, const struct image_section *sections, size_t n,
			  struct text *names, struct error *err)
{
	_cleanup_(elf_endp) Elf *elf = elf_begin(fd, ELF_C_RDWR, NULL);
	size_t name = 0;
	int r;

	if (!elf)
		return elf_failed("the object", err);
	r = names_add(elf, sections, n, &name, names, err);
	for (size_t i = 0; r == 0 && i < n; i++) {
		r = section_add(elf, &sections[i], name, err);
		name += strlen(sections[i].name) + 1;
	}
	if (r == 0 && elf_update(elf, ELF_C_WRITE) < 0)
		r = elf_failed("writing the object", err);
	return r;
}

int image_add_sections(const struct text *object, const struct image_section *sections, size_t n,
		       struct text *out, struct error *err)
{
	_cleanup_close_ int fd = memfd_create("dynmon-object", MFD_CLOEXEC);
	_cleanup_text_ struct text names = {};
	int r = fd < 0 ? -errno : file_write_fd(fd, object->data, object->len);

	if (r < 0)
		return error_set(err, r, "a file in memory: %s", strerror(-r));
	elf_version(EV_CURRENT);
	r = write_sections(fd, sections, n, &names, err);
	if (r < 0)
		return r;
	if (lseek(fd, 0, SEEK_SET) < 0)
		return error_set(err, -errno, "a file in memory: %s", strerror(errno));
	return file_read_fd(fd, "a file in memory", SIZE_MAX / 2, out, err);
}
