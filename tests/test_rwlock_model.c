/*
 * test_rwlock_model.c - random calls, one at a time, on a rwlock and on a
 * model of it: a list of who waits, in order, and who holds.  After each call
 * the two must agree on who was woken, who is in, and what a try would say.
 * The mutex in FIFO is a rwlock that nobody reads, and is checked beside it;
 * by default it only promises that nobody is forgotten.
 */
#include "lock.h"

enum { SLOTS = 12, READ = 0, WRITE = 1 };

enum state { IDLE, WAITS, GRANTED, HOLDS };

/* One who locks, gives up, unlocks, and starts again. */
struct slot {
	struct poller p;
	enum state state;
	bool writes;
	unsigned wakes;
	unsigned place; /* among those who wait */
};

static struct slot slots[SLOTS];
static unsigned next_place;
static uint32_t max_readers;
static struct h_rng rng;

static void begin(uint64_t seed)
{
	memset(slots, 0, sizeof(slots));
	next_place = 0;
	rng = h_rng(seed, 0);
}

/* ---- The model ---- */

static int64_t holders(bool writes)
{
	int64_t n = 0;

	for (int i = 0; i < SLOTS; i++)
		n += slots[i].writes == writes &&
		     (slots[i].state == HOLDS || slots[i].state == GRANTED);
	return n;
}

static struct slot *head(void)
{
	struct slot *first = NULL;

	for (int i = 0; i < SLOTS; i++)
		if (slots[i].state == WAITS &&
		    (!first || slots[i].place < first->place))
			first = &slots[i];
	return first;
}

static uint32_t waiting(void)
{
	uint32_t n = 0;

	for (int i = 0; i < SLOTS; i++)
		n += slots[i].state == WAITS;
	return n;
}

static bool has_room(bool writes)
{
	if (holders(WRITE))
		return false;
	return writes ? holders(READ) == 0 : holders(READ) < max_readers;
}

/* Those at the front that may go, go. */
static void admit(void)
{
	struct slot *s;

	while ((s = head()) && has_room(s->writes)) {
		s->state = GRANTED;
		s->wakes++;
	}
}

static bool may_enter(bool writes)
{
	return !head() && has_room(writes);
}

/* ---- Calls on both ---- */

static chp_rwlock l;

static void agree(void)
{
	int64_t readers = holders(READ);

	CHECK_EQ(chp_rwlock_readers(&l), holders(WRITE) ? -1 : readers);
	CHECK_EQ(QUEUED(&l), waiting());
	for (int i = 0; i < SLOTS; i++) {
		CHECK_EQ(h_wakes(&slots[i].p.waker), slots[i].wakes);
		CHECK_EQ(h_refs(&slots[i].p.waker), slots[i].state == WAITS);
	}
}

static void start(struct slot *s)
{
	int r;

	s->writes = h_below(&rng, 3) == 0;
	start_rw(&s->p, &l, s->writes);
	s->wakes = 0;
	r = poll_again(&s->p);
	CHECK_CODE(r, may_enter(s->writes) ? 0 : CHP_PENDING);
	s->state = r == 0 ? HOLDS : WAITS;
	s->place = next_place++;
}

static void try_lock(struct slot *s)
{
	int r;

	s->writes = h_below(&rng, 3) == 0;
	memset(&s->p, 0, sizeof(s->p));
	s->wakes = 0;
	r = s->writes ? chp_rwlock_try_write(&l) : chp_rwlock_try_read(&l);
	CHECK_CODE(r, may_enter(s->writes) ? 0 : CHP_EAGAIN);
	if (r == 0)
		s->state = HOLDS;
}

static void poll(struct slot *s)
{
	int r = poll_again(&s->p);

	CHECK_CODE(r, s->state == GRANTED ? 0 : CHP_PENDING);
	if (r == 0)
		s->state = HOLDS;
}

static void give_up(struct slot *s)
{
	CHECK_EQ(chp_op_cancel(&s->p.op),
		 s->state == GRANTED ? CHP_GAVE_BACK : CHP_HELD_NOTHING);
	s->state = IDLE;
	admit();
}

static void change(struct slot *s)
{
	if (s->writes) {
		chp_rwlock_downgrade(&l);
		s->writes = false;
		admit();
	} else {
		int r = chp_rwlock_try_upgrade(&l);

		CHECK_CODE(r, holders(READ) == 1 ? 0 : CHP_EAGAIN);
		s->writes = r == 0;
	}
}

static void unlock(struct slot *s)
{
	rwlock_unlock(&l, s->writes);
	s->state = IDLE;
	admit();
}

static void step(struct slot *s)
{
	switch (s->state) {
	case IDLE:
		h_below(&rng, 4) ? start(s) : try_lock(s);
		break;
	case WAITS:
	case GRANTED:
		h_below(&rng, 4) ? poll(s) : give_up(s);
		break;
	case HOLDS:
		h_below(&rng, 3) ? unlock(s) : change(s);
		break;
	}
}

static void end_all(void)
{
	for (int i = 0; i < SLOTS; i++)
		if (slots[i].state == HOLDS)
			unlock(&slots[i]);
		else if (slots[i].state != IDLE)
			give_up(&slots[i]);
}

static void a_rwlock_does_as_its_model(void)
{
	for (uint64_t seed = 0; seed < (uint64_t)h_rounds(400); seed++) {
		int used = 2 + (int)(seed % (SLOTS - 1));

		begin(seed);
		max_readers = seed % 5 ? (uint32_t)(seed % 5)
				       : CHP_RWLOCK_MAX_READERS;
		CHECK_CODE(chp_rwlock_init(&l, max_readers), 0);
		for (int i = 0; i < 500; i++) {
			step(&slots[h_below(&rng, (uint32_t)used)]);
			agree();
		}
		end_all();
		agree();
		CHECK_EQ(chp_rwlock_readers(&l), 0);
		chp_rwlock_destroy(&l);
	}
}

/* ---- The mutex in FIFO ---- */

static chp_mutex m;

static void agree_on_mutex(void)
{
	CHECK_EQ(chp_mutex_is_locked(&m), holders(WRITE));
	CHECK_EQ(QUEUED(&m), waiting());
	for (int i = 0; i < SLOTS; i++) {
		CHECK_EQ(h_wakes(&slots[i].p.waker), slots[i].wakes);
		CHECK_EQ(h_refs(&slots[i].p.waker), slots[i].state == WAITS);
	}
}

static void start_mutex(struct slot *s)
{
	int r;

	s->writes = true;
	s->wakes = 0;
	/* Who has it must not lock it: a debug build would stop. */
	if (h_below(&rng, 4) || (DEBUG_BUILD && holders(WRITE))) {
		start_locker(&s->p, &m);
		r = poll_again(&s->p);
		CHECK_CODE(r, may_enter(WRITE) ? 0 : CHP_PENDING);
		s->place = next_place++;
		s->state = r == 0 ? HOLDS : WAITS;
	} else {
		memset(&s->p, 0, sizeof(s->p));
		r = mutex_lock_at_once(&m);
		CHECK_CODE(r, may_enter(WRITE) ? 0 : CHP_ETIMEDOUT);
		s->state = r == 0 ? HOLDS : IDLE;
	}
}

static void unlock_mutex(struct slot *s)
{
	chp_mutex_unlock(&m);
	s->state = IDLE;
	admit();
}

static void a_fifo_mutex_does_as_its_model(void)
{
	for (uint64_t seed = 0; seed < (uint64_t)h_rounds(200); seed++) {
		begin(seed);
		CHECK_CODE(chp_mutex_init(&m, CHP_MUTEX_FIFO), 0);
		for (int i = 0; i < 300; i++) {
			struct slot *s = &slots[h_below(&rng, 2 + seed % 9)];

			if (s->state == IDLE)
				start_mutex(s);
			else if (s->state == HOLDS)
				unlock_mutex(s);
			else
				h_below(&rng, 4) ? poll(s) : give_up(s);
			agree_on_mutex();
		}
		for (int i = 0; i < SLOTS; i++)
			if (slots[i].state == HOLDS)
				unlock_mutex(&slots[i]);
			else if (slots[i].state != IDLE)
				give_up(&slots[i]);
		agree_on_mutex();
		CHECK(!chp_mutex_is_locked(&m));
		chp_mutex_destroy(&m);
	}
}

/* ---- The mutex by default ---- */

static bool held;

/* Everybody who was woken polls; then nobody waits for a free mutex. */
static void nobody_is_forgotten(void)
{
	for (bool again = true; again;) {
		again = false;
		for (int i = 0; i < SLOTS; i++) {
			struct slot *s = &slots[i];

			if (s->state != WAITS ||
			    h_wakes(&s->p.waker) == s->wakes)
				continue;
			s->wakes = h_wakes(&s->p.waker);
			again = true;
			if (poll_again(&s->p) == 0) {
				CHECK(!held);
				held = true;
				s->state = HOLDS;
			}
		}
	}
	CHECK(held || !waiting());
}

static void do_something(struct slot *s)
{
	switch (s->state) {
	case IDLE:
		start_locker(&s->p, &m);
		s->wakes = 0;
		s->state = poll_again(&s->p) == 0 ? HOLDS : WAITS;
		break;
	case WAITS:
		if (h_below(&rng, 2)) {
			CHECK(chp_op_cancel(&s->p.op) != CHP_TOO_LATE);
			s->state = IDLE;
			break;
		}
		/* What it was woken for so far, it is polled for now. */
		s->wakes = h_wakes(&s->p.waker);
		if (poll_again(&s->p) == 0)
			s->state = HOLDS;
		break;
	default:
		chp_mutex_unlock(&m);
		held = false;
		s->state = IDLE;
		return;
	}
	if (s->state == HOLDS) {
		CHECK(!held);
		held = true;
	}
}

static void a_default_mutex_forgets_nobody(void)
{
	for (uint64_t seed = 0; seed < (uint64_t)h_rounds(400); seed++) {
		begin(seed);
		held = false;
		CHECK_CODE(chp_mutex_init(&m, 0), 0);
		for (int i = 0; i < 300; i++) {
			do_something(&slots[h_below(&rng, 2 + seed % 9)]);
			if (h_below(&rng, 4) == 0)
				nobody_is_forgotten();
		}
		for (int i = 0; i < SLOTS; i++)
			while (slots[i].state != IDLE)
				do_something(&slots[i]);
		CHECK(!chp_mutex_is_locked(&m));
		CHECK_EQ(QUEUED(&m), 0);
		chp_mutex_destroy(&m);
	}
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(a_rwlock_does_as_its_model, IN_CT | IN_POLLED),
	TEST(a_fifo_mutex_does_as_its_model, IN_CT | IN_POLLED),
	TEST(a_default_mutex_forgets_nobody, IN_CT | IN_POLLED),
};
/* clang-format on */

H_MAIN("rwlock_model", tests)
