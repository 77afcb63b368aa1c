/*
 * peer.h - one pass over workloads that are written with somebody else's
 * primitives; see ../README.md for what each workload does.
 *
 * Shared by the programs in C and C++: main.c chooses and reports, parties.c
 * has the clock, the threads and the contended rows.
 */
#ifndef CHAPPE_PEER_H
#define CHAPPE_PEER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef __cplusplus
extern "C" {
#endif

struct pass {
	long ops; /* to do; of contended rows, those that were done */
	double scale;
	double ns, cpu_ns;
	double fairness, longest_ns; /* negative: not of this row */
};

struct workload {
	const char *impl;
	const char *name;
	long ops;
	void (*run)(struct pass *p);
};

struct peer {
	const struct workload *list;
	size_t count;
	void (*version)(void); /* prints its lines of --version */
};

#define PEER(list_, version_)                                                  \
	{                                                                      \
		(list_), sizeof(list_) / sizeof(*(list_)), (version_)          \
	}

/* What the program has; ends with NULL. Each program defines it. */
extern const struct peer *const peers[];

/* Nanoseconds on the monotonic clock. */
double peer_now(void);

/* The measured stretch. */
void peer_start(struct pass *p);
void peer_stop(struct pass *p);

/* Ends the program with a message if what does not hold. */
void peer_expect(bool what, const char *message);
#define EXPECT(what) peer_expect((what), #what)

/* The calling thread on one processor; on those it had at the beginning. */
void peer_pin(int cpu);
void peer_unpin(void);

/* 40 cycles: 20 steps, each of which needs the one before and takes two. */
static inline void peer_work(unsigned *seed)
{
	unsigned x = *seed;

	for (int i = 0; i < 20; i++)
		x ^= x << 1;
	*seed = x | 1;
}

/* ---- Threads that wait at a gate ---- */

struct crowd {
	pthread_t threads[64];
	int count;
	void (*fn)(void *arg);
	char *args;
	size_t step; /* the i-th thread gets args + i * step */
	int next;
	pthread_barrier_t here, go;
};

void crowd_make(struct crowd *c, int count, void (*fn)(void *arg), void *args,
		size_t step);
void crowd_go(struct crowd *c, struct pass *p); /* starts the clock */
void crowd_join(struct crowd *c);

/* Two threads on two processors: the first's time is measured. */
void peer_duet(struct pass *p, void (*ask)(long rounds),
	       void (*answer)(long rounds));

/* ---- Contended rows ---- */

struct party {
	long ops;
	bool timed; /* the clock is read around each acquire */
	double since, longest_ns;
	unsigned seed;
} __attribute__((aligned(64)));

typedef void (*party_fn)(struct party *p);

extern bool peer_flag; /* is up: all stop */

static inline bool party_goes_on(void)
{
	return !__atomic_load_n(&peer_flag, __ATOMIC_RELAXED);
}

static inline void party_before(struct party *p)
{
	if (p->timed)
		p->since = peer_now();
}

static inline void party_after(struct party *p)
{
	if (!p->timed)
		return;
	p->since = peer_now() - p->since;
	if (p->since > p->longest_ns)
		p->longest_ns = p->since;
}

/* A party that does nothing but `enter; work; leave`; i counts its turns. */
#define PARTY(name, enter, leave)                                              \
	static void name(struct party *p)                                      \
	{                                                                      \
		for (long i = 0; party_goes_on(); i++) {                       \
			party_before(p);                                       \
			enter;                                                 \
			party_after(p);                                        \
			peer_work(&p->seed);                                   \
			leave;                                                 \
			p->ops++;                                              \
		}                                                              \
	}

/* Sleeps so long, then puts the flag up. */
void peer_raise_flag(double seconds);

/* What `count` parties did: the sum and the fairness, or the longest wait. */
void peer_tally(struct pass *p, const struct party *parties, int count);

/* The whole of a contended row, with threads. */
void peer_contend(struct pass *p, int count, party_fn fn);

/* ---- Channels between threads ---- */

struct channel_class {
	void *(*make)(size_t capacity); /* 0: unbounded */
	void (*send)(void *channel, uint64_t value);
	uint64_t (*recv)(void *channel);
	void (*drop)(void *channel);
};

/* The whole of a ch.* row. */
void peer_channel(struct pass *p, const struct channel_class *c, int producers,
		  size_t capacity);

/* The whole of actor.10.thr: requests travel by address; 0 ends the server. */
void peer_actor(struct pass *p, const struct channel_class *c);

#ifdef __cplusplus
}
#endif

#endif
