/*
 * channels.cc - the channels of Boost.Fiber, buffered and not.
 *
 * A buffered channel's size is a power of two, and it holds one less: 2 for a
 * capacity of 1, 128 for 100, 1024 for 1000.
 */
#include "fiber.h"

#include <vector>

template <typename T> using buffered = fibers::buffered_channel<T>;
template <typename T> using unbuffered = fibers::unbuffered_channel<T>;

/* A size of 0 is no buffer. */
template <typename T, size_t SIZE> struct made : buffered<T> {
	made() : buffered<T>(SIZE)
	{
	}
};

template <typename T> struct made<T, 0> : unbuffered<T> {
};

static const auto success = fibers::channel_op_status::success;

struct message_8 {
	uint64_t value;
};

struct message_1k {
	uint64_t value;
	char rest[1016];
};

/* ---- One party ---- */

template <bool TRY> static void mpsc_body(pass *p)
{
	buffered<uint64_t> channel(128);
	uint64_t bad = 0;

	peer_start(p);
	for (long i = 0; i < p->ops; i++) {
		uint64_t value = 0;

		if constexpr (TRY) {
			bad |= channel.try_push(uint64_t(i)) != success;
			bad |= channel.try_pop(value) != success;
		} else {
			bad |= channel.push(uint64_t(i)) != success;
			bad |= channel.pop(value) != success;
		}
		bad |= value ^ uint64_t(i);
	}
	peer_stop(p);
	EXPECT(bad == 0);
}

/* ---- Producers and a consumer ---- */

template <typename T, size_t SIZE, int PRODUCERS = 1>
static void channel_body(pass *p)
{
	std::vector<fibers::fiber> producers;
	uint64_t sum = 0, each = uint64_t(p->ops / PRODUCERS);
	made<T, SIZE> channel;
	T message;

	p->ops = long(each) * PRODUCERS;
	for (int i = 0; i < PRODUCERS; i++)
		producers.emplace_back([&channel, each] {
			T out = T();

			for (; out.value < each; out.value++)
				EXPECT(channel.push(out) == success);
		});
	peer_start(p);
	for (long i = 0; i < p->ops; i++) {
		EXPECT(channel.pop(message) == success);
		sum += message.value;
	}
	peer_stop(p);
	for (fibers::fiber &one : producers)
		one.join();
	EXPECT(sum == each * (each - 1) / 2 * PRODUCERS);
}

/* ---- Round trips ---- */

template <size_t SIZE> static void pp_body(pass *p)
{
	made<uint64_t, SIZE> there, back;
	uint64_t value = 0, bad = 0;

	fibers::fiber other([&] {
		uint64_t got = 0;

		for (long i = 0; i < p->ops; i++) {
			there.pop(got);
			back.push(got + 1);
		}
	});
	peer_start(p);
	for (long i = 0; i < p->ops; i++) {
		there.push(uint64_t(i));
		back.pop(value);
		bad |= value ^ uint64_t(i + 1);
	}
	peer_stop(p);
	other.join();
	EXPECT(bad == 0);
}

static void tmo_body(pass *p)
{
	const auto second = std::chrono::seconds(1);
	made<uint64_t, 2> there, back;
	uint64_t value = 0;

	fibers::fiber other([&] {
		uint64_t got = 0;

		for (long i = 0; i < p->ops; i++) {
			EXPECT(there.pop_wait_for(got, second) == success);
			back.push(got + 1);
		}
	});
	peer_start(p);
	for (long i = 0; i < p->ops; i++) {
		there.push(uint64_t(i));
		EXPECT(back.pop_wait_for(value, second) == success);
	}
	peer_stop(p);
	other.join();
	EXPECT(value == uint64_t(p->ops));
}

/* ---- Requests: a future for each reply ---- */

struct request {
	uint64_t value;
	fibers::promise<uint64_t> reply;
};

template <int CLIENTS> static void actor_body(pass *p)
{
	buffered<request> requests(128);
	std::vector<fibers::fiber> clients;
	long each = p->ops / CLIENTS;

	p->ops = each * CLIENTS;
	fibers::fiber server([&] {
		request q;

		while (requests.pop(q) == success)
			q.reply.set_value(q.value + 1);
	});
	for (int i = 0; i < CLIENTS; i++)
		clients.emplace_back([&] {
			for (uint64_t k = 0; k < uint64_t(each); k++) {
				request q{ k, {} };
				auto reply = q.reply.get_future();

				requests.push(std::move(q));
				EXPECT(reply.get() == k + 1);
			}
		});
	peer_start(p);
	for (fibers::fiber &one : clients)
		one.join();
	peer_stop(p);
	requests.close();
	server.join();
}

static const workload list[] = {
	{ "boost.fiber/buffered", "u.mpsc", 5000000, ct<mpsc_body<false>> },
	{ "boost.fiber/buffered", "u.mpsc_try", 5000000, ct<mpsc_body<true>> },
	{ "boost.fiber/buffered", "ch.b1.mt", 1000000,
	  mt<channel_body<message_8, 2>> },
	{ "boost.fiber/unbuffered", "ch.b1.mt", 1000000,
	  mt<channel_body<message_8, 0>> },
	{ "boost.fiber/buffered", "ch.b1.ct", 1000000,
	  ct<channel_body<message_8, 2>> },
	{ "boost.fiber/unbuffered", "ch.b1.ct", 1000000,
	  ct<channel_body<message_8, 0>> },
	{ "boost.fiber/buffered", "ch.b100.mt", 2000000,
	  mt<channel_body<message_8, 128>> },
	{ "boost.fiber/buffered", "ch.b100.ct", 2000000,
	  ct<channel_body<message_8, 128>> },
	{ "boost.fiber/buffered", "ch.b1000.mt", 2000000,
	  mt<channel_body<message_8, 1024>> },
	{ "boost.fiber/buffered", "ch5.b100.mt", 2000000,
	  mt<channel_body<message_8, 128, 5>> },
	{ "boost.fiber/buffered", "ch.b100.mt.1k", 500000,
	  mt<channel_body<message_1k, 128>> },
	{ "boost.fiber/buffered", "pp.mpsc1.mt", 500000, mt<pp_body<2>> },
	{ "boost.fiber/unbuffered", "pp.mpsc1.mt", 500000, mt<pp_body<0>> },
	{ "boost.fiber/buffered", "pp.mpsc1.ct", 500000, ct<pp_body<2>> },
	{ "boost.fiber/unbuffered", "pp.mpsc1.ct", 500000, ct<pp_body<0>> },
	{ "boost.fiber/buffered", "pp.tmo.mt", 300000, mt<tmo_body> },
	{ "boost.fiber/buffered", "pp.tmo.ct", 300000, ct<tmo_body> },
	{ "boost.fiber/future", "actor.1.mt", 300000, mt<actor_body<1>> },
	{ "boost.fiber/future", "actor.10.mt", 300000, mt<actor_body<10>> },
	{ "boost.fiber/future", "actor.100.mt", 300000, mt<actor_body<100>> },
};

static void version(void)
{
	/* fiber.cc says it */
}

extern const peer peer_fiber_channels;
const peer peer_fiber_channels = PEER(list, version);
