/*
 * bench.h - workloads by name.
 *
 * A workload does `ops` operations and returns how many nanoseconds they took,
 * from the first bench_now() to the last; what must be set up is set up outside
 * that time.  Its name is the one of the published table; impl is "chappe",
 * with the policy after a slash where there are several, or "limit" for what
 * the machine itself allows.  peers/README.md says what each row does, here and
 * in every peer.
 */
#ifndef CHAPPE_BENCH_H
#define CHAPPE_BENCH_H

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <chappe/chappe.h>

struct workload {
	const char *impl;
	const char *name;
	long ops; /* of one pass */
	double (*run)(long ops);
};

/* What a workload says beside its time; reset before each. */
struct bench_notes {
	double ops;        /* if not as many as asked for; else 0 */
	double fairness;   /* slowest party's operations by the mean; or -1 */
	double longest_ns; /* somebody waited; or -1 */
};

extern struct bench_notes bench_notes;

/* How much of the usual time a workload that runs for a time takes. */
extern double bench_scale;

/* The workload that runs. */
extern const struct workload *bench_running;

struct workload_list {
	const struct workload *list;
	size_t count;
};

#define WORKLOADS(list_)                                                       \
	{                                                                      \
		(list_), sizeof(list_) / sizeof(*(list_))                      \
	}

/* All of the program, and a NULL: lists.c, or curves.c. */
extern const struct workload_list *const bench_lists[];

extern const struct workload_list bench_limits;
extern const struct workload_list bench_uncontended;
extern const struct workload_list bench_channels;
extern const struct workload_list bench_contended;
extern const struct workload_list bench_roundtrips;
extern const struct workload_list bench_requests;
extern const struct workload_list bench_signals;
extern const struct workload_list bench_fanout;
extern const struct workload_list bench_tasks;
extern const struct workload_list bench_net;
extern const struct workload_list bench_scales;

/* A row of its own, for a workload that measures several things. */
void bench_print(const char *impl, const char *name, double ops, double ns,
		 double cpu_ns);

/*
 * Nanoseconds on the monotonic clock.  The processor time of the workload is
 * taken at the same moments.
 */
double bench_now(void);

/* The clock alone, for what lies within a measured stretch. */
double bench_clock(void);

/* Ends the program with the code's name if r is not 0. */
void bench_check(int r, const char *what);
#define OK(call) bench_check((call), #call)

/*
 * Run body(ops) in a task: of a current-thread runtime, of one with two
 * workers.  Returns what body returns.
 */
double bench_ct(double (*body)(long ops), long ops);
double bench_mt(double (*body)(long ops), long ops);

/* Spawn `count` tasks fn(args[i]), or fn(NULL), and wait for them. */
void bench_tasks_run(int count, void *(*fn)(void *arg), void *arg);

/* The same with threads. */
void bench_threads_run(int count, void *(*fn)(void *arg), void *arg);

/* 40 cycles of work that no compiler folds away: 20 steps, each of which needs
   the one before and takes two.  The peers do the same. */
static inline void bench_work(unsigned *seed)
{
	unsigned x = *seed;

	for (int i = 0; i < 20; i++)
		x ^= x << 1;
	*seed = x | 1;
}

/* Keep a value from being optimised away. */
static inline void bench_use(const void *p)
{
	__asm__ __volatile__("" : : "r"(p) : "memory");
}

#endif
