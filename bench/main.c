/*
 * main.c - choosing workloads, running each once, printing what it took.
 *
 * One run of the program is one pass; bench/run makes passes of this program
 * and of the peers in turn, so that the machine's moods fall on all alike.
 */
#include "bench.h"

#include <regex.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

struct options {
	const char *filter;
	long ops; /* exactly so many each; 0: as the workload says */
	bool list;
};

struct bench_notes bench_notes;
double bench_scale = 1;
const struct workload *bench_running;

/* ---- Clocks ---- */

static double cpu_first, cpu_last;

static double read_clock(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

double bench_clock(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

double bench_now(void)
{
	cpu_last = read_clock(CLOCK_PROCESS_CPUTIME_ID);
	if (cpu_first < 0)
		cpu_first = cpu_last;
	return read_clock(CLOCK_MONOTONIC);
}

void bench_check(int r, const char *what)
{
	if (r == 0)
		return;
	fprintf(stderr, "bench: %s: %s\n", what, chp_errname(r));
	exit(1);
}

/* ---- Helpers of workloads ---- */

struct body {
	double (*fn)(long ops);
	long ops;
	double result;
};

static void *call_body(void *arg)
{
	struct body *b = arg;

	b->result = b->fn(b->ops);
	return NULL;
}

static double run_in(const chp_runtime_options *options,
		     double (*body)(long ops), long ops)
{
	struct body b = { body, ops, 0 };

	OK(chp_run(options, call_body, &b, NULL));
	return b.result;
}

double bench_ct(double (*body)(long ops), long ops)
{
	return run_in(&(chp_runtime_options){ .kind = CHP_CURRENT_THREAD },
		      body, ops);
}

double bench_mt(double (*body)(long ops), long ops)
{
	return run_in(&(chp_runtime_options){ .workers = 2 }, body, ops);
}

void bench_tasks_run(int count, void *(*fn)(void *arg), void *arg)
{
	chp_task *tasks = calloc((size_t)count, sizeof(*tasks));

	for (int i = 0; i < count; i++)
		OK(chp_spawn(&tasks[i], fn, arg));
	for (int i = 0; i < count; i++)
		OK(chp_join(&tasks[i], NULL));
	free(tasks);
}

void bench_threads_run(int count, void *(*fn)(void *arg), void *arg)
{
	pthread_t *threads = calloc((size_t)count, sizeof(*threads));

	for (int i = 0; i < count; i++)
		OK(pthread_create(&threads[i], NULL, fn, arg));
	for (int i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	free(threads);
}

/* ---- Choosing and reporting ---- */

static bool matches(const regex_t *filter, const struct workload *w)
{
	char text[128];

	if (!filter)
		return true;
	snprintf(text, sizeof(text), "%s %s", w->impl, w->name);
	return regexec(filter, text, 0, NULL, 0) == 0 ||
	       regexec(filter, w->name, 0, NULL, 0) == 0;
}

static void print_or_dash(double value, const char *format)
{
	putchar(' ');
	if (value < 0)
		putchar('-');
	else
		printf(format, value);
}

void bench_print(const char *impl, const char *name, double ops, double ns,
		 double cpu_ns)
{
	printf("%s %s %.0f %.0f %.0f", impl, name, ops, ns, cpu_ns);
	print_or_dash(bench_notes.fairness, "%.3f");
	print_or_dash(bench_notes.longest_ns, "%.0f");
	putchar('\n');
	fflush(stdout);
}

static void run_one(const struct workload *w, long ops)
{
	double ns;

	if (ops == 0)
		ops = (long)((double)w->ops * bench_scale) + 1;
	bench_running = w;
	bench_notes = (struct bench_notes){ 0, -1, -1 };
	cpu_first = -1;
	ns = w->run(ops);
	if (ns > 0)
		bench_print(w->impl, w->name,
			    bench_notes.ops > 0 ? bench_notes.ops : (double)ops,
			    ns, cpu_last - cpu_first);
}

static void usage(void)
{
	fprintf(stderr, "usage: chappe-bench [--list] [--version] "
			"[--filter REGEX] [--scale F] [--ops N]\n");
	exit(2);
}

/* What compiled it, for what: instruction counts are compared by it. */
#ifdef __clang__
#define COMPILER "clang " __clang_version__
#else
#define COMPILER "gcc " __VERSION__
#endif
#if defined(__x86_64__)
#define MACHINE "x86_64"
#elif defined(__aarch64__)
#define MACHINE "aarch64"
#elif defined(__riscv)
#define MACHINE "riscv64"
#else
#define MACHINE "other"
#endif

static void parse(struct options *o, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const char *a = argv[i];
		bool more = i + 1 < argc;

		if (!strcmp(a, "--list")) {
			o->list = true;
		} else if (!strcmp(a, "--version")) {
			printf("chappe %s, %s, %s\n", chp_version(), COMPILER,
			       MACHINE);
			exit(0);
		} else if (!strcmp(a, "--filter") && more) {
			o->filter = argv[++i];
		} else if (!strcmp(a, "--scale") && more) {
			bench_scale = atof(argv[++i]);
		} else if (!strcmp(a, "--ops") && more) {
			o->ops = atol(argv[++i]);
		} else {
			usage();
		}
	}
	if (!(bench_scale > 0) || o->ops < 0)
		usage();
}

static void *nothing(void *arg)
{
	return arg;
}

int main(int argc, char **argv)
{
	regex_t compiled, *filter = NULL;
	struct options o = { 0 };

	parse(&o, argc, argv);
	if (o.filter) {
		if (regcomp(&compiled, o.filter, REG_EXTENDED | REG_NOSUB)) {
			fprintf(stderr, "bench: bad pattern: %s\n", o.filter);
			return 2;
		}
		filter = &compiled;
	}
	/* The C library takes short cuts until a second thread has run. */
	bench_threads_run(1, nothing, NULL);

	for (size_t l = 0; bench_lists[l]; l++)
		for (size_t i = 0; i < bench_lists[l]->count; i++) {
			const struct workload *w = &bench_lists[l]->list[i];

			if (!matches(filter, w))
				continue;
			if (o.list)
				printf("%s %s\n", w->impl, w->name);
			else
				run_one(w, o.ops);
		}
	if (filter)
		regfree(filter);
	return 0;
}
