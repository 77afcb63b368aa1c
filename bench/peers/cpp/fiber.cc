/*
 * fiber.cc - Boost.Fiber but for its channels: mutex, future, tasks.
 *
 * In the rows `mt` both threads use the scheduler shared_work and sleep when
 * they have nothing to do. A thread that sleeps is not told of new work: in
 * effect one of the two runs everything. A limit therefore, not a rival.
 */
#include "fiber.h"

#include <boost/version.hpp>

#include <memory>
#include <thread>
#include <vector>

/* ---- Where fibers run ---- */

void run_ct(pass *p, body_fn body)
{
	std::thread([=] { fibers::fiber(body, p).join(); }).join();
}

void run_mt(pass *p, body_fn body)
{
	fibers::mutex lock;
	fibers::condition_variable changed;
	bool over = false;

	std::thread second([&] {
		fibers::use_scheduling_algorithm<fibers::algo::shared_work>(
			true);
		std::unique_lock<fibers::mutex> held(lock);
		changed.wait(held, [&] { return over; });
	});
	std::thread first([&] {
		fibers::use_scheduling_algorithm<fibers::algo::shared_work>(
			true);
		fibers::fiber(body, p).join();
		lock.lock();
		over = true;
		lock.unlock();
		changed.notify_all();
	});

	first.join();
	second.join();
}

/* ---- Uncontended ---- */

static fibers::mutex m;
static volatile long counter;

static void mutex_body(pass *p)
{
	long first = counter;

	peer_start(p);
	for (long i = 0; i < p->ops; i++) {
		m.lock();
		counter = counter + 1;
		m.unlock();
	}
	peer_stop(p);
	EXPECT(counter == first + p->ops);
}

static void timeout_body(pass *p)
{
	fibers::timed_mutex timed;
	bool bad = false;

	peer_start(p);
	for (long i = 0; i < p->ops; i++) {
		bad |= !timed.try_lock_for(std::chrono::seconds(1));
		timed.unlock();
	}
	peer_stop(p);
	EXPECT(!bad);
}

static void oneshot_body(pass *p)
{
	uint64_t bad = 0;

	peer_start(p);
	for (long i = 0; i < p->ops; i++) {
		fibers::promise<uint64_t> tx;
		fibers::future<uint64_t> rx = tx.get_future();

		tx.set_value(uint64_t(i));
		bad |= rx.get() ^ uint64_t(i);
	}
	peer_stop(p);
	EXPECT(bad == 0);
}

/* ---- Contended ---- */

PARTY(mutex_party, m.lock(), m.unlock())
PARTY(mutexy_party, m.lock(), boost::this_fiber::yield(); m.unlock())

static void contend_for(pass *p, std::vector<party> &parties, party_fn fn,
			double seconds)
{
	std::vector<fibers::fiber> all;

	__atomic_store_n(&peer_flag, false, __ATOMIC_RELAXED);
	for (party &one : parties)
		all.emplace_back(fn, &one);
	/* A thread of its own: fibers that never wait let no other run. */
	std::thread clock(peer_raise_flag, seconds);
	peer_start(p);
	for (fibers::fiber &one : all)
		one.join();
	peer_stop(p);
	clock.join();
}

template <party_fn FN, int COUNT> static void contend(pass *p)
{
	std::vector<party> parties(COUNT);
	pass longest = *p;

	contend_for(p, parties, FN, p->scale);
	peer_tally(p, parties.data(), COUNT);

	parties.assign(COUNT, party());
	for (party &one : parties)
		one.timed = true;
	contend_for(&longest, parties, FN, 0.3 * p->scale);
	peer_tally(&longest, parties.data(), COUNT);
	p->longest_ns = longest.longest_ns;
}

/* ---- Tasks ---- */

static fibers::pooled_fixedsize_stack pool;

/*
 * What allocates stacks: the default, which is malloc; a pool, which is for one
 * thread. Spawning on two threads would measure malloc and is left out.
 */
struct plain {
	template <typename FN> static fibers::fiber spawn(FN fn)
	{
		return fibers::fiber(fn);
	}
};

struct pooled {
	template <typename FN> static fibers::fiber spawn(FN fn)
	{
		return fibers::fiber(std::allocator_arg, pool, fn);
	}
};

template <typename STACKS, int BATCH> static void spawn_body(pass *p)
{
	static fibers::fiber tasks[BATCH];
	static long done;

	done = 0;
	p->ops -= p->ops % BATCH;
	peer_start(p);
	for (long i = 0; i < p->ops; i += BATCH) {
		for (fibers::fiber &task : tasks)
			task = STACKS::spawn([] {
				__atomic_fetch_add(&done, 1, __ATOMIC_RELAXED);
			});
		for (fibers::fiber &task : tasks)
			task.join();
	}
	peer_stop(p);
	EXPECT(done == p->ops);
}

template <int COUNT> static void yield_body(pass *p)
{
	std::vector<fibers::fiber> tasks;
	long each = p->ops / COUNT;

	p->ops = each * COUNT;
	for (int i = 0; i < COUNT; i++)
		tasks.emplace_back([each] {
			for (long k = 0; k < each; k++)
				boost::this_fiber::yield();
		});
	peer_start(p);
	for (fibers::fiber &task : tasks)
		task.join();
	peer_stop(p);
}

static void version(void)
{
	printf("boost.fiber %d.%d\n", BOOST_VERSION / 100000,
	       BOOST_VERSION / 100 % 1000);
}

static const workload list[] = {
	{ "boost.fiber", "u.mutex", 5000000, ct<mutex_body> },
	{ "boost.fiber/future", "u.oneshot", 2000000, ct<oneshot_body> },
	{ "boost.fiber/timed_mutex", "u.timeout", 2000000, ct<timeout_body> },
	{ "boost.fiber", "c.mutex.64.mt", 1, mt<contend<mutex_party, 64>> },
	{ "boost.fiber", "c.mutexy.64.mt", 1, mt<contend<mutexy_party, 64>> },
	{ "boost.fiber", "task.spawn1.ct", 300000, ct<spawn_body<plain, 1>> },
	{ "boost.fiber/pooled", "task.spawn1.ct", 300000,
	  ct<spawn_body<pooled, 1>> },
	{ "boost.fiber", "task.spawn1k.ct", 100000,
	  ct<spawn_body<plain, 1000>> },
	{ "boost.fiber/pooled", "task.spawn1k.ct", 100000,
	  ct<spawn_body<pooled, 1000>> },
	{ "boost.fiber", "task.yield2.ct", 4000000, ct<yield_body<2>> },
	{ "boost.fiber", "task.yield1k.ct", 4000000, ct<yield_body<1000>> },
	{ "boost.fiber", "task.yield1k.mt", 4000000, mt<yield_body<1000>> },
};

extern const peer peer_fiber;
const peer peer_fiber = PEER(list, version);
