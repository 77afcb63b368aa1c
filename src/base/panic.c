/*
 * panic.c - one sentence, then abort().
 *
 * Formats into a buffer on the stack and writes it with one write(), so that
 * it comes out whole, from any context, without touching stdio's locks.
 */
#include "base/panic.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void chp__panic(const char *format, ...)
{
	char text[512] = "chappe: ";
	size_t used = strlen(text);
	va_list args;

	va_start(args, format);
	vsnprintf(text + used, sizeof(text) - used - 1, format, args);
	va_end(args);

	used = strlen(text);
	text[used++] = '\n';

	/* Nothing useful can be done if stderr is gone. */
	ssize_t ignored = write(STDERR_FILENO, text, used);
	(void)ignored;
	abort();
}
