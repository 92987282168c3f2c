/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines of the control protocol. Parsing a quoted line gives the original words. Built and run by
 * tests/run fuzz.
 */
#include "serve/command.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_error_ struct error err = {};
	_cleanup_text_ struct text line = {};
	struct command command, again;

	if (command_parse(&command, (const char *)data, size, &err) < 0) {
		if (!err.message || command.n || command.buffer)
			abort();
		return 0;
	}
	if (command.n > COMMAND_WORDS_MAX)
		abort();
	command_option(&command, "bytes");
	for (size_t i = 0; i < command.n; i++)
		command_quote(&line, command.words[i]);
	if (command_parse(&again, text_str(&line), line.len, &err) < 0 || again.n != command.n)
		abort();
	for (size_t i = 0; i < command.n; i++)
		if (strcmp(command.words[i], again.words[i]) != 0)
			abort();
	command_release(&again);
	command_release(&command);
	return 0;
}
