/*
 * libstdcxx.cc - C++20's counting_semaphore and waiting on an atomic, as the
 * compiler's own library does them; and what this program measures.
 */
#include "../c/peer.h"

#include <atomic>
#include <chrono>
#include <new>
#include <semaphore>

using semaphore = std::counting_semaphore<>;

/* One at a time, made anew for each workload. */
alignas(semaphore) static char place[3][sizeof(semaphore)];

static semaphore *make(int which, int permits)
{
	return new (place[which]) semaphore(permits);
}

static semaphore *s, *there, *back;

/* clang-format off */
#define LOOP(name, permits, body) \
	static void name(pass *p) \
	{ \
		bool bad = false; \
		s = make(0, permits); \
		peer_start(p); \
		for (long i = 0; i < p->ops; i++) { \
			body; \
		} \
		peer_stop(p); \
		peer_expect(!bad, #name); \
	}
/* clang-format on */

LOOP(sem, 1, s->acquire(); s->release())
LOOP(sem_try, 1, bad |= !s->try_acquire(); s->release())
LOOP(sem_tryfail, 0, bad |= s->try_acquire())
LOOP(timeout, 1, bad |= !s->try_acquire_for(std::chrono::seconds(1));
     s->release())

PARTY(sem_party, s->acquire(), s->release())

template <int COUNT> static void contend(pass *p)
{
	s = make(0, 1);
	peer_contend(p, COUNT, sem_party);
}

/* ---- Round trips ---- */

static void sem_ask(long rounds)
{
	for (long i = 0; i < rounds; i++) {
		there->release();
		back->acquire();
	}
}

static void sem_answer(long rounds)
{
	for (long i = 0; i < rounds; i++) {
		there->acquire();
		back->release();
	}
}

static void pp_sem(pass *p)
{
	there = make(1, 0);
	back = make(2, 0);
	peer_duet(p, sem_ask, sem_answer);
	EXPECT(!there->try_acquire() && !back->try_acquire());
}

/* A note that is 1 when somebody has been told. */
struct note {
	alignas(128) std::atomic<int> told;

	void tell()
	{
		told.store(1, std::memory_order_release);
		told.notify_one();
	}

	void await()
	{
		told.wait(0, std::memory_order_acquire);
		told.store(0, std::memory_order_relaxed);
	}
};

static note ahead, reply;

static void note_ask(long rounds)
{
	for (long i = 0; i < rounds; i++) {
		ahead.tell();
		reply.await();
	}
}

static void note_answer(long rounds)
{
	for (long i = 0; i < rounds; i++) {
		ahead.await();
		reply.tell();
	}
}

static void pp_notify(pass *p)
{
	peer_duet(p, note_ask, note_answer);
	EXPECT(!ahead.told && !reply.told);
}

static void notify(pass *p)
{
	peer_start(p);
	for (long i = 0; i < p->ops; i++) {
		ahead.tell();
		ahead.await();
	}
	peer_stop(p);
	EXPECT(!ahead.told);
}

static void version(void)
{
	printf("libstdc++ %d (%d)\n", _GLIBCXX_RELEASE, __GLIBCXX__);
}

static const workload list[] = {
	{ "libstdc++/counting_semaphore", "u.sem", 1000000, sem },
	{ "libstdc++/counting_semaphore", "u.sem_try", 1000000, sem_try },
	{ "libstdc++/counting_semaphore", "u.sem_tryfail", 200000,
	  sem_tryfail },
	{ "libstdc++/counting_semaphore", "u.timeout", 1000000, timeout },
	{ "libstdc++/atomic_wait", "u.notify", 5000000, notify },
	{ "libstdc++/counting_semaphore", "c.sem.8.thr", 1, contend<8> },
	{ "libstdc++/counting_semaphore", "c.sem.64.thr", 1, contend<64> },
	{ "libstdc++/atomic_wait", "pp.notify.t2", 20000, pp_notify },
	{ "libstdc++/counting_semaphore", "pp.sem.t2", 20000, pp_sem },
};

static const peer peer_libstdcxx = PEER(list, version);

extern const peer peer_fiber, peer_fiber_channels;

const peer *const peers[] = {
	&peer_fiber,
	&peer_fiber_channels,
	&peer_libstdcxx,
	nullptr,
};
