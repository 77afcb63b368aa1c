/*
 * main.c - choosing, timing and reporting workloads.
 *
 * Passes are interleaved: all workloads once, then all again, so that the
 * machine's moods fall on everything alike.  Reported is the median.
 */
#include "bench.h"

#include <regex.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

enum { PASSES = 7, QUICK_PASSES = 3, PASSES_MAX = 31 };

struct options {
	bool quick;
	int passes;
	const char *json;
	const char *filter;
};

struct row {
	const struct workload *w;
	long ops;
	double ns[PASSES_MAX];
};

double bench_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
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

void bench_work(void)
{
	for (int i = 0; i < 40; i++)
		__asm__ __volatile__("" : : "r"(i));
}

/* ---- Choosing ---- */

static const struct workload_list *const lists[] = {
	&bench_limits,   &bench_uncontended, &bench_contended, &bench_signals,
	&bench_channels, &bench_roundtrips,  &bench_fanout,    &bench_tasks,
};

static bool matches(const regex_t *filter, const struct workload *w)
{
	char text[128];

	if (!filter)
		return true;
	snprintf(text, sizeof(text), "%s %s", w->impl, w->name);
	return regexec(filter, text, 0, NULL, 0) == 0 ||
	       regexec(filter, w->name, 0, NULL, 0) == 0;
}

static size_t choose(const struct options *o, struct row *rows, size_t max)
{
	regex_t compiled, *filter = NULL;
	size_t n = 0;

	if (o->filter) {
		if (regcomp(&compiled, o->filter, REG_EXTENDED | REG_NOSUB)) {
			fprintf(stderr, "bench: bad pattern: %s\n", o->filter);
			exit(2);
		}
		filter = &compiled;
	}
	for (size_t l = 0; l < sizeof(lists) / sizeof(*lists); l++)
		for (size_t i = 0; i < lists[l]->count && n < max; i++) {
			const struct workload *w = &lists[l]->list[i];

			if (!matches(filter, w))
				continue;
			rows[n].w = w;
			rows[n++].ops = o->quick ? w->ops / 5 + 1 : w->ops;
		}
	if (filter)
		regfree(filter);
	return n;
}

/* ---- Reporting ---- */

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double *values, int n)
{
	qsort(values, (size_t)n, sizeof(*values), by_value);
	return values[n / 2];
}

static void report(FILE *json, struct row *row, int passes)
{
	double ns = median(row->ns, passes) / (double)row->ops;

	printf("%-14s %-18s %10ld %10.2f\n", row->w->impl, row->w->name,
	       row->ops, ns);
	if (json)
		fprintf(json,
			"{\"impl\":\"%s\",\"workload\":\"%s\",\"ops\":%ld,"
			"\"ns_per_op\":%.3f}\n",
			row->w->impl, row->w->name, row->ops, ns);
}

static void usage(void)
{
	fprintf(stderr, "usage: chappe-bench [--quick] [--passes N] "
			"[--filter REGEX] [--json FILE]\n");
	exit(2);
}

static void parse(struct options *o, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const char *a = argv[i];
		bool more = i + 1 < argc;

		if (!strcmp(a, "--quick"))
			o->quick = true;
		else if (!strcmp(a, "--filter") && more)
			o->filter = argv[++i];
		else if (!strcmp(a, "--json") && more)
			o->json = argv[++i];
		else if (!strcmp(a, "--passes") && more)
			o->passes = atoi(argv[++i]);
		else
			usage();
	}
	if (!o->passes)
		o->passes = o->quick ? QUICK_PASSES : PASSES;
	if (o->passes < 1 || o->passes > PASSES_MAX)
		usage();
}

static void *nothing(void *arg)
{
	return arg;
}

int main(int argc, char **argv)
{
	static struct row rows[256];
	struct options o = { 0 };
	FILE *json = NULL;
	size_t n;

	parse(&o, argc, argv);
	if (o.json && !(json = fopen(o.json, "w"))) {
		perror(o.json);
		return 1;
	}
	/* The C library takes shortcuts until a second thread has run. */
	bench_threads_run(1, nothing, NULL);

	n = choose(&o, rows, sizeof(rows) / sizeof(*rows));
	for (int pass = 0; pass < o.passes; pass++)
		for (size_t i = 0; i < n; i++)
			rows[i].ns[pass] = rows[i].w->run(rows[i].ops);

	printf("%-14s %-18s %10s %10s\n", "impl", "workload", "ops",
	       "ns_per_op");
	for (size_t i = 0; i < n; i++)
		report(json, &rows[i], o.passes);
	if (json)
		fclose(json);
	return 0;
}
