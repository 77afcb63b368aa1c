/*
 * parts_sem.c - semaphores, one part for each policy.
 *
 *	exact   its permits never change: no more may be in use
 *	one     a single permit: its holder is alone
 *	loose   resized, reduced, drained all the time; what was taken away is
 *	        put back, so that at the end the count is the capacity
 *	owned   counted: closed and replaced while others acquire owned permits
 */
#include "stress.h"

enum { EXACT = 4, LOOSE = 5, OWNED = 3 };

struct arena {
	const struct part *part;
	chp_policy policy;
	chp_semaphore exact, one, loose;
	chp_word in_use;
	long alone; /* guarded by `one` */
	long turns; /* the same */

	chp_rwlock lock; /* guards `owned` */
	chp_semaphore *owned;
};

static struct arena fifo = { .part = &part_sem_fifo, .policy = CHP_FIFO },
		    fair = { .part = &part_sem_fair, .policy = CHP_FAIR },
		    unfair = { .part = &part_sem_unfair, .policy = CHP_UNFAIR };

static struct arena *arena_of(const struct part *p)
{
	return p == &part_sem_fifo   ? &fifo
	       : p == &part_sem_fair ? &fair
				     : &unfair;
}

static void put(chp_semaphore *s, int64_t n)
{
	CHECK_CODE(chp_semaphore_release(s, n), 0);
}

/* ---- With permits ---- */

static void enter(struct arena *ar, int64_t n)
{
	CHECK(add(&ar->in_use, (uint32_t)n) <= EXACT);
}

static void leave(struct arena *ar, int64_t n)
{
	add(&ar->in_use, (uint32_t)-n);
}

static void use_exact(struct agent *a, struct arena *ar, int64_t n)
{
	int64_t first = below(a, (uint32_t)n + 1);

	enter(ar, n);
	linger(a);
	leave(ar, first);
	put(&ar->exact, first);
	leave(ar, n - first);
	put(&ar->exact, n - first);
}

static void use_one(struct agent *a, struct arena *ar)
{
	CHECK(ar->alone == 0);
	ar->alone = 1 + (long)a->number;
	ar->turns++;
	linger(a);
	CHECK(ar->alone == 1 + (long)a->number);
	ar->alone = 0;
	put(&ar->one, 1);
}

static void use_permit(struct agent *a, struct arena *ar, chp_permit *p)
{
	chp_permit half = { 0 };
	int64_t n = chp_permit_count(p);

	enter(ar, n);
	CHECK_CODE(chp_permit_split(p, below(a, (uint32_t)n + 1), &half), 0);
	CHECK_CODE(chp_permit_split(p, n + 1, &half), CHP_EINVAL);
	linger(a);
	leave(ar, n);
	switch (below(a, 3)) {
	case 0:
		CHECK_CODE(chp_permit_merge(p, &half), 0);
		CHECK(chp_permit_count(p) == n);
		break;
	case 1:
		put(&ar->exact, chp_permit_count(&half));
		chp_permit_forget(&half);
		break;
	}
	chp_permit_release(p);
	chp_permit_release(&half);
}

/* ---- Owned ---- */

static chp_semaphore *owned_get(struct arena *ar)
{
	chp_semaphore *s;

	chp_rwlock_read(&ar->lock);
	s = chp_semaphore_ref(ar->owned);
	chp_rwlock_read_unlock(&ar->lock);
	return s;
}

static void use_owned(struct agent *a, chp_semaphore *s, chp_permit *p, int r)
{
	/* From here on the permit alone keeps the semaphore. */
	chp_semaphore_unref(s);
	if (r == CHP_ECLOSED || r == CHP_EAGAIN || gave_up(r)) {
		CHECK(chp_permit_count(p) == 0 && !p->semaphore);
		return;
	}
	CHECK_CODE(r, 0);
	linger(a);
	CHECK(chp_semaphore_available(p->semaphore) <= OWNED);
	chp_permit_release(p);
}

static void replace_owned(struct agent *a, struct arena *ar)
{
	chp_semaphore *young = chp_semaphore_new(OWNED, ar->policy), *old;

	CHECK(young != NULL);
	at(a, "replacing the counted semaphore");
	chp_rwlock_write(&ar->lock);
	old = ar->owned;
	ar->owned = young;
	chp_rwlock_write_unlock(&ar->lock);
	if (chance(a, 70))
		chp_semaphore_close(old);
	chp_semaphore_unref(old);
}

/* ---- Errands ---- */

enum { E_EXACT, E_ONE, E_LOOSE, E_PERMIT, E_OWNED, ERRANDS };

static void sem_done(struct agent *a, struct errand *e, int r)
{
	struct arena *ar = arena_of(e->part);

	if (e->what == E_OWNED) {
		use_owned(a, e->object, &e->permit, r);
		return;
	}
	if (gave_up(r)) {
		CHECK(e->what != E_PERMIT || chp_permit_count(&e->permit) == 0);
		return;
	}
	CHECK_CODE(r, 0);
	if (e->what == E_EXACT)
		use_exact(a, ar, e->n);
	else if (e->what == E_ONE)
		use_one(a, ar);
	else if (e->what == E_PERMIT)
		use_permit(a, ar, &e->permit);
	else
		put(&ar->loose, e->n);
}

static bool sem_errand(struct agent *a, struct errand *e)
{
	struct arena *ar = arena_of(e->part);

	e->what = (int)below(a, ERRANDS);
	e->n = e->what == E_ONE ? 1 : below(a, 4);
	e->op = &e->acquire.op;
	e->done = sem_done;
	memset(&e->permit, 0, sizeof(e->permit));
	switch (e->what) {
	case E_EXACT:
		chp_semaphore_acquire_op(&e->acquire, &ar->exact, e->n);
		break;
	case E_ONE:
		chp_semaphore_acquire_op(&e->acquire, &ar->one, 1);
		break;
	case E_LOOSE:
		chp_semaphore_acquire_op(&e->acquire, &ar->loose, e->n);
		break;
	case E_PERMIT:
		chp_semaphore_acquire_permit_op(&e->acquire, &ar->exact, e->n,
						&e->permit);
		break;
	case E_OWNED:
		e->object = owned_get(ar);
		chp_semaphore_acquire_owned_op(&e->acquire, e->object, e->n,
					       &e->permit);
		break;
	}
	return true;
}

/* ---- Steps ---- */

static void acquire_plainly(struct agent *a, struct arena *ar, int64_t n)
{
	struct manner m;
	const chp_wait *w = draw(a, &m, SOMEHOW);

	at(a, "acquiring");
	if (judge(a, &m, chp_semaphore_acquire_with(&ar->exact, n, w)) == 0)
		use_exact(a, ar, n);
}

static void acquire_one(struct agent *a, struct arena *ar)
{
	struct manner m;
	const chp_wait *w = draw(a, &m, SOMEHOW);

	at(a, "acquiring the one");
	if (judge(a, &m, chp_semaphore_acquire_with(&ar->one, 1, w)) == 0)
		use_one(a, ar);
}

static void acquire_owned(struct agent *a, struct arena *ar, int64_t n)
{
	chp_semaphore *s = owned_get(ar);
	chp_permit p;
	struct manner m;

	at(a, "acquiring an owned permit");
	if (chance(a, 30)) {
		use_owned(a, s, &p,
			  count(a, chp_semaphore_try_acquire_owned(s, n, &p)));
	} else {
		const chp_wait *w = draw(a, &m, SOMEHOW);

		use_owned(a, s, &p,
			  judge(a, &m,
				chp_semaphore_acquire_owned_with(s, n, &p, w)));
	}
}

static void try_things(struct agent *a, struct arena *ar, int64_t n)
{
	chp_permit p;

	at(a, "trying");
	switch (below(a, 3)) {
	case 0:
		if (count(a, chp_semaphore_try_acquire(&ar->exact, n)) == 0)
			use_exact(a, ar, n);
		break;
	case 1:
		if (count(a, chp_semaphore_try_acquire(&ar->one, 1)) == 0)
			use_one(a, ar);
		break;
	default:
		if (count(a, chp_semaphore_try_acquire_permit(&ar->exact, n,
							      &p)) == 0)
			use_permit(a, ar, &p);
	}
}

static void drain_and_put_back(chp_semaphore *s)
{
	int64_t n = chp_semaphore_drain(s);

	if (n > 0)
		put(s, n);
	else
		CHECK_CODE(chp_semaphore_reduce(s, -n), 0);
}

static void change_count(struct agent *a, struct arena *ar, int64_t n)
{
	chp_semaphore *s = &ar->loose;
	int64_t got;

	at(a, "changing the count");
	switch (below(a, 4)) {
	case 0:
		CHECK_CODE(chp_semaphore_reduce(s, n), 0);
		linger(a);
		put(s, n);
		break;
	case 1:
		drain_and_put_back(s);
		break;
	case 2:
		got = chp_semaphore_forget(s, n);
		CHECK(got >= 0 && got <= n);
		dither(a);
		put(s, got);
		break;
	default:
		CHECK_CODE(chp_semaphore_resize(s, LOOSE - 1 + n), 0);
	}
}

static void look(struct agent *a, struct arena *ar)
{
	chp_waiter list[4];
	char text[64];
	size_t n;

	at(a, "looking");
	n = chp_semaphore_waiters(&ar->exact, list, 4);
	for (size_t i = 0; i < n && i < 4; i++)
		CHECK(list[i].permits >= 0 && list[i].permits <= EXACT);
	CHECK(chp_semaphore_available(&ar->exact) <= EXACT);
	CHECK(chp_semaphore_available(&ar->exact) >= 0);
	CHECK(chp_semaphore_describe(&ar->loose, text, sizeof(text)) > 0);
	CHECK_CODE(chp_semaphore_is_closed(&ar->exact), 0);
	CHECK_CODE(chp_semaphore_acquire(&ar->exact, -1), CHP_EINVAL);
}

static void sem_step(struct agent *a)
{
	struct arena *ar = arena_of(a->part);
	int64_t n = below(a, 4);

	switch (below(a, 16)) {
	case 0:
	case 1:
	case 2:
	case 3:
		acquire_plainly(a, ar, n);
		break;
	case 4:
	case 5:
	case 6:
		acquire_one(a, ar);
		break;
	case 7:
	case 8:
		acquire_owned(a, ar, n);
		break;
	case 9:
	case 10:
		try_things(a, ar, n);
		break;
	case 11:
	case 12:
	case 13:
		change_count(a, ar, n);
		break;
	case 14:
		look(a, ar);
		break;
	default:
		replace_owned(a, ar);
	}
}

/* ---- Beginning and end ---- */

static void open_arena(struct arena *ar)
{
	CHECK_CODE(chp_semaphore_init(&ar->exact, EXACT, ar->policy), 0);
	CHECK_CODE(chp_semaphore_init(&ar->one, 1, ar->policy), 0);
	CHECK_CODE(chp_semaphore_init(&ar->loose, LOOSE, ar->policy), 0);
	ar->owned = chp_semaphore_new(OWNED, ar->policy);
	CHECK(ar->owned != NULL);
}

static void check_arena(struct arena *ar)
{
	AT_END(chp_semaphore_available(&ar->exact), EXACT);
	AT_END(chp_semaphore_queue_length(&ar->exact), 0);
	AT_END(chp_semaphore_available(&ar->one), 1);
	AT_END(chp_semaphore_queue_length(&ar->one), 0);
	AT_END(chp_semaphore_available(&ar->loose),
	       chp_semaphore_capacity(&ar->loose));
	AT_END(chp_semaphore_queue_length(&ar->loose), 0);
	AT_END(chp_semaphore_available(ar->owned), OWNED);
	AT_END(chp_semaphore_queue_length(ar->owned), 0);
	AT_END(load(&ar->in_use), 0);
	AT_END(ar->alone, 0);
	chp_semaphore_destroy(&ar->exact);
	chp_semaphore_destroy(&ar->one);
	chp_semaphore_destroy(&ar->loose);
	chp_semaphore_unref(ar->owned);
}

static void report_one(const char *name, const chp_semaphore *s)
{
	fprintf(stderr, "  %s: %" PRId64 " available, %zu wait\n", name,
		chp_semaphore_available(s), chp_semaphore_queue_length(s));
}

static void report_arena(struct arena *ar)
{
	report_one("exact", &ar->exact);
	report_one("one", &ar->one);
	report_one("loose", &ar->loose);
	report_one("owned", ar->owned);
	fprintf(stderr, "  %u in use, alone: %ld\n", load(&ar->in_use),
		ar->alone);
}

/* clang-format off */
#define SEM_PART(policy, title) \
	static void open_##policy(void) { open_arena(&policy); } \
	static void check_##policy(void) { check_arena(&policy); } \
	static void report_##policy(void) { report_arena(&policy); } \
	const struct part part_sem_##policy = { \
		.name = title, \
		.open = open_##policy, \
		.step = sem_step, \
		.errand = sem_errand, \
		.check = check_##policy, \
		.report = report_##policy, \
	}

SEM_PART(fifo, "semaphore fifo");
SEM_PART(fair, "semaphore fair");
SEM_PART(unfair, "semaphore unfair");
/* clang-format on */
