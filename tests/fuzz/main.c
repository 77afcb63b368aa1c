/*
 * main.c - fuzz [--runs N] [--seed N] [FILE or FOLDER]...
 *
 * Without libFuzzer: runs the files, then N random inputs.  Made with
 * -DFUZZ_LIBFUZZER, only the function that libFuzzer calls.
 */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	run_input(data, size);
	return 0;
}

#ifndef FUZZ_LIBFUZZER

#include <dirent.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

enum { LONGEST = 1 << 12 };

static const char *now_running = "";
static uint8_t bytes[LONGEST];
static size_t length;

/* Whatever stopped us: which input, and keep it if it was random. */
static void on_abort(int number)
{
	static const char path[] = "fuzz-failed.bin";
	FILE *f;

	print_trace();
	if (*now_running) {
		fprintf(stderr, "input: %s\n", now_running);
	} else if ((f = fopen(path, "wb")) != NULL) {
		fwrite(bytes, 1, length, f);
		fclose(f);
		fprintf(stderr, "a random input, now in %s\n", path);
	}
	signal(number, SIG_DFL);
	raise(number);
}

static int run_file(const char *path)
{
	FILE *f = fopen(path, "rb");

	if (!f) {
		perror(path);
		exit(1);
	}
	length = fread(bytes, 1, sizeof(bytes), f);
	fclose(f);
	now_running = path;
	run_input(bytes, length);
	now_running = "";
	return 1;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int run_path(const char *path)
{
	struct dirent **entries;
	int count = scandir(path, &entries, NULL, by_name), ran = 0;
	char name[4096];

	if (count < 0)
		return run_file(path);
	for (int i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "%s/%s", path, entries[i]->d_name);
		if (entries[i]->d_name[0] != '.')
			ran += run_file(name);
		free(entries[i]);
	}
	free(entries);
	return ran;
}

static uint64_t random_state;

static uint32_t draw(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 32);
}

static void run_random(void)
{
	length = 16 + draw() % 240;
	for (size_t i = 0; i < length; i++)
		bytes[i] = (uint8_t)draw();
	run_input(bytes, length);
}

static long slowness(void)
{
	const char *by = getenv("CHP_TEST_SLOWNESS");

	return by && atol(by) > 0 ? atol(by) : 1;
}

int main(int argc, char **argv)
{
	uint64_t seed = 1;
	long runs = 0;
	int ran = 0;

	signal(SIGABRT, on_abort);
	signal(SIGSEGV, on_abort);
	printf("[ RUN      ] fuzz/corpus\n");
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--runs") && i + 1 < argc)
			runs = atol(argv[++i]) / slowness();
		else if (!strcmp(argv[i], "--seed") && i + 1 < argc)
			seed = strtoull(argv[++i], NULL, 0);
		else
			ran += run_path(argv[i]);
	}
	printf("[       OK ] fuzz/corpus: %d files\n", ran);
	if (runs == 0)
		return 0;
	printf("[ RUN      ] fuzz/random: seed %" PRIu64 "\n", seed);
	random_state = seed * 0x9e3779b97f4a7c15u | 1;
	for (long i = 0; i < runs; i++)
		run_random();
	printf("[       OK ] fuzz/random: %ld inputs\n", runs);
	return 0;
}

#endif
