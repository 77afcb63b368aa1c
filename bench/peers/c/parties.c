/*
 * parties.c - the clock, threads that start together, and the rows that are
 * the same whatever they are written with: contended ones, channels, the actor.
 */
#include "peer.h"

#include <sched.h>
#include <semaphore.h>
#include <string.h>
#include <time.h>

enum { STACK = 256 * 1024, CLIENTS = 10 };

static double read_clock(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

double peer_now(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

void peer_start(struct pass *p)
{
	p->cpu_ns = read_clock(CLOCK_PROCESS_CPUTIME_ID);
	p->ns = peer_now();
}

void peer_stop(struct pass *p)
{
	p->ns = peer_now() - p->ns;
	p->cpu_ns = read_clock(CLOCK_PROCESS_CPUTIME_ID) - p->cpu_ns;
}

void peer_expect(bool what, const char *message)
{
	if (what)
		return;
	fprintf(stderr, "peer: not so: %s\n", message);
	_Exit(1);
}

/* ---- Processors ---- */

static cpu_set_t at_first;
static bool known;

void peer_pin(int cpu)
{
	cpu_set_t one;

	if (!known)
		EXPECT(!sched_getaffinity(0, sizeof(at_first), &at_first));
	known = true;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	peer_expect(!sched_setaffinity(0, sizeof(one), &one),
		    "the processors 0 and 1 are there to be pinned to");
}

void peer_unpin(void)
{
	EXPECT(!sched_setaffinity(0, sizeof(at_first), &at_first));
}

/* ---- Crowds ---- */

static void *crowd_thread(void *arg)
{
	struct crowd *c = arg;
	int i = __atomic_fetch_add(&c->next, 1, __ATOMIC_RELAXED);

	pthread_barrier_wait(&c->here);
	pthread_barrier_wait(&c->go);
	c->fn(c->args + (size_t)i * c->step);
	return NULL;
}

void crowd_make(struct crowd *c, int count, void (*fn)(void *arg), void *args,
		size_t step)
{
	pthread_attr_t attr;

	memset(c, 0, sizeof(*c));
	c->count = count;
	c->fn = fn;
	c->args = args;
	c->step = step;
	EXPECT(!pthread_barrier_init(&c->here, NULL, (unsigned)count + 1));
	EXPECT(!pthread_barrier_init(&c->go, NULL, (unsigned)count + 1));
	EXPECT(!pthread_attr_init(&attr));
	EXPECT(!pthread_attr_setstacksize(&attr, STACK));
	for (int i = 0; i < count; i++)
		EXPECT(!pthread_create(&c->threads[i], &attr, crowd_thread, c));
	pthread_attr_destroy(&attr);
	pthread_barrier_wait(&c->here);
}

void crowd_go(struct crowd *c, struct pass *p)
{
	peer_start(p);
	pthread_barrier_wait(&c->go);
}

void crowd_join(struct crowd *c)
{
	for (int i = 0; i < c->count; i++)
		EXPECT(!pthread_join(c->threads[i], NULL));
	pthread_barrier_destroy(&c->here);
	pthread_barrier_destroy(&c->go);
}

/* ---- Two threads on two processors ---- */

struct duet {
	long rounds;
	void (*answer)(long rounds);
};

static void second_voice(void *arg)
{
	struct duet *d = arg;

	peer_pin(1);
	d->answer(d->rounds);
}

void peer_duet(struct pass *p, void (*ask)(long rounds),
	       void (*answer)(long rounds))
{
	struct duet d = { p->ops, answer };
	struct crowd c;

	peer_pin(0);
	crowd_make(&c, 1, second_voice, &d, 0);
	crowd_go(&c, p);
	ask(p->ops);
	peer_stop(p);
	crowd_join(&c);
	peer_unpin();
}

/* ---- Contended ---- */

bool peer_flag;

void peer_raise_flag(double seconds)
{
	struct timespec t = { (time_t)seconds, 0 };

	t.tv_nsec = (long)((seconds - (double)t.tv_sec) * 1e9);
	nanosleep(&t, NULL);
	__atomic_store_n(&peer_flag, true, __ATOMIC_RELAXED);
}

void peer_tally(struct pass *p, const struct party *parties, int count)
{
	long sum = 0, least = parties[0].ops;

	p->longest_ns = 0;
	for (int i = 0; i < count; i++) {
		sum += parties[i].ops;
		if (parties[i].ops < least)
			least = parties[i].ops;
		if (parties[i].longest_ns > p->longest_ns)
			p->longest_ns = parties[i].longest_ns;
	}
	if (parties[0].timed)
		return; /* only the longest wait is of interest */
	EXPECT(sum > 0);
	p->ops = sum;
	p->fairness = (double)least * count / (double)sum;
}

static party_fn contender;

static void contender_thread(void *arg)
{
	contender(arg);
}

static void contend_for(struct pass *p, struct party *parties, int count,
			double seconds)
{
	struct crowd c;

	__atomic_store_n(&peer_flag, false, __ATOMIC_RELAXED);
	crowd_make(&c, count, contender_thread, parties, sizeof(*parties));
	crowd_go(&c, p);
	peer_raise_flag(seconds);
	crowd_join(&c);
	peer_stop(p);
}

void peer_contend(struct pass *p, int count, party_fn fn)
{
	static struct party parties[64];
	struct pass longest = *p;

	contender = fn;
	memset(parties, 0, sizeof(parties));
	contend_for(p, parties, count, p->scale);
	peer_tally(p, parties, count);

	memset(parties, 0, sizeof(parties));
	for (int i = 0; i < count; i++)
		parties[i].timed = true;
	contend_for(&longest, parties, count, 0.3 * p->scale);
	peer_tally(&longest, parties, count);
	p->longest_ns = longest.longest_ns;
}

/* ---- Channels ---- */

struct producer {
	const struct channel_class *c;
	void *channel;
	long each;
};

static void produce(void *arg)
{
	const struct producer *p = arg;

	for (long i = 0; i < p->each; i++)
		p->c->send(p->channel, (uint64_t)i);
}

void peer_channel(struct pass *p, const struct channel_class *c, int producers,
		  size_t capacity)
{
	struct producer all = { c, c->make(capacity), p->ops / producers };
	uint64_t sum = 0, each = (uint64_t)all.each;
	struct crowd crowd;

	p->ops = all.each * producers;
	crowd_make(&crowd, producers, produce, &all, 0);
	crowd_go(&crowd, p);
	for (long i = 0; i < p->ops; i++)
		sum += c->recv(all.channel);
	peer_stop(p);
	crowd_join(&crowd);
	c->drop(all.channel);
	EXPECT(sum == each * (each - 1) / 2 * (uint64_t)producers);
}

/* ---- Requests and replies ---- */

struct request {
	uint64_t value;
	sem_t done;
};

static void client(void *arg)
{
	const struct producer *p = arg;

	for (long i = 0; i < p->each; i++) {
		struct request q = { .value = (uint64_t)i };

		sem_init(&q.done, 0, 0);
		p->c->send(p->channel, (uint64_t)(uintptr_t)&q);
		while (sem_wait(&q.done))
			;
		peer_expect(q.value == (uint64_t)i + 1, "the reply is right");
		sem_destroy(&q.done);
	}
}

static void *server(void *arg)
{
	const struct producer *p = arg;
	struct request *q;

	while ((q = (struct request *)(uintptr_t)p->c->recv(p->channel))) {
		q->value++;
		sem_post(&q->done);
	}
	return NULL;
}

void peer_actor(struct pass *p, const struct channel_class *c)
{
	struct producer all = { c, c->make(100), p->ops / CLIENTS };
	struct crowd crowd;
	pthread_t thread;

	p->ops = all.each * CLIENTS;
	EXPECT(!pthread_create(&thread, NULL, server, &all));
	crowd_make(&crowd, CLIENTS, client, &all, 0);
	crowd_go(&crowd, p);
	crowd_join(&crowd);
	peer_stop(p);
	c->send(all.channel, 0);
	pthread_join(thread, NULL);
	c->drop(all.channel);
}
