/*
 * report.c - what is said of an execution that fails: the reason, how to run
 * it again, and in that run every step.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "world.h"

extern char __data_start[], _end[];

void fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(world->failure, sizeof(world->failure), format, args);
	va_end(args);
	execution_abandon();
}

const char *where(uintptr_t address)
{
	static char text[2][48]; /* two in one sentence */
	static unsigned turn;
	char *out = text[turn++ % 2];

	if (address - REGION_BASE < HEAP_SIZE)
		snprintf(out, 48, "heap+%#x",
			 (unsigned)(address - REGION_BASE));
	else if (address - REGION_BASE < REGION_SIZE) {
		uintptr_t i = address - REGION_BASE - HEAP_SIZE;

		snprintf(out, 48, "stack%u+%#x", (unsigned)(i / STACK_SIZE),
			 (unsigned)(i % STACK_SIZE));
	} else {
		snprintf(out, 48, "data+%#x",
			 (unsigned)(address - (uintptr_t)__data_start));
	}
	return out;
}

void trace(uint32_t pc, const char *format, ...)
{
	struct line *l;
	va_list args;

	if (!world->tracing || world->line_count == TRACE_LINES)
		return;
	l = &world->lines[world->line_count++];
	l->pc = pc;
	l->thread = (uint8_t)thread_id(world->current);
	va_start(args, format);
	vsnprintf(l->text, sizeof(l->text), format, args);
	va_end(args);
}

/* ---- Lines of the source ---- */

/* addr2line answers "0xPC: FILE:LINE" and " (inlined by) FILE:LINE". */
static void read_lines(FILE *from, char text[][160], unsigned count)
{
	char line[512], *at;
	unsigned i = 0;

	while (fgets(line, sizeof(line), from) && i <= count) {
		line[strcspn(line, "\n")] = 0;
		at = strstr(line, "(inlined by) ");
		if (!at) {
			at = strstr(line, ": ");
			if (at && i < count)
				snprintf(text[i], 160, "%.150s", at + 2);
			i++;
		} else if (i > 0 && i <= count) {
			size_t used = strlen(text[i - 1]);

			snprintf(text[i - 1] + used, 160 - used, " < %.150s",
				 at + 13);
		}
	}
}

void print_lines(const uint32_t *pcs, unsigned count, char text[][160])
{
	char self[256] = "", command[400];
	unsigned done = 0;

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		return;
	while (done < count) {
		unsigned n = count - done < 16 ? count - done : 16;
		int used = snprintf(command, sizeof(command),
				    "addr2line -apis -e '%.100s'", self);
		FILE *pipe;

		for (unsigned i = 0; i < n; i++) {
			snprintf(text[done + i], 160, "%#x", pcs[done + i]);
			/* The call, not what comes after it. */
			used += snprintf(command + used,
					 sizeof(command) - (size_t)used, " %#x",
					 pcs[done + i] - 1);
		}
		pipe = popen(command, "r");
		if (pipe) {
			read_lines(pipe, text + done, n);
			pclose(pipe);
		}
		done += n;
	}
}

void trace_print(void)
{
	static uint32_t pcs[256];
	static char text[256][160];
	unsigned known = 0;

	for (unsigned i = 0; i < world->line_count; i++) {
		unsigned j = 0;

		while (j < known && pcs[j] != world->lines[i].pc)
			j++;
		if (j == known && known < 256)
			pcs[known++] = world->lines[i].pc;
	}
	print_lines(pcs, known, text);
	for (unsigned i = 0; i < world->line_count; i++) {
		const struct line *l = &world->lines[i];
		unsigned j = 0;

		while (j < known && pcs[j] != l->pc)
			j++;
		printf("  %u  %*s%-*s  %s\n", l->thread, l->thread * 2, "",
		       64 - l->thread * 2, l->text, j < known ? text[j] : "");
	}
}

/* ---- Replay: a choice is a digit, `d^n.` is n of them ---- */

static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";

void replay_string(char *text, size_t size)
{
	unsigned i = 0, n;
	size_t used = 0;

	text[0] = 0;
	while (i < world->depth && used + 16 < size) {
		unsigned chosen = world->path[i].chosen;

		for (n = 1; i + n < world->depth &&
			    world->path[i + n].chosen == chosen;)
			n++;
		text[used++] = digits[chosen % 36];
		if (n > 3)
			used += (size_t)sprintf(text + used, "^%u.", n);
		else
			n = 1;
		i += n;
	}
	text[used] = 0;
}

unsigned replay_next(unsigned first)
{
	const char *at;

	if (world->replay_left) {
		world->replay_left--;
		return world->replay_digit;
	}
	if (!world->replay || !*world->replay)
		return first;
	at = strchr(digits, *world->replay++);
	if (!at)
		fail("the replay string has a strange character");
	world->replay_digit = (unsigned)(at - digits);
	if (*world->replay == '^') {
		char *end;

		world->replay_left =
			(unsigned)strtoul(world->replay + 1, &end, 10) - 1;
		world->replay = *end ? end + 1 : end;
	}
	return world->replay_digit;
}
