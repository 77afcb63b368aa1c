/*
 * stack.c - slabs of stacks.
 *
 * A slab is one mapping of 64 stacks:
 *
 *	low                                                    high
 *	| guard | ............ room ............ | struct stack |  next stack ...
 *
 * The lowest page of each stack is its guard, in one of three ways:
 *
 *	MARKER      Linux 6.13 and later: faults, costs no memory map
 *	PROTECTED   mprotect: faults, costs two maps; as many as a quarter of
 *	            what the process may have, see `budget`
 *	CANARY      must still read as zero when the task leaves the stack: found
 *	            late, and only if the overrun wrote there
 *
 * A canary page is only read, so it maps the shared zero page and weighs
 * nothing.
 *
 * Free stacks of a slab are a list, last in first out: warm ones go first.  A
 * slab whose stacks are all free gives their memory back when more than
 * KEEP_SLABS such slabs are warm; its mapping and its guards stay.
 *
 * `lock` of a pool guards all lists and counts of the pool.  System calls that
 * make a slab run without it.  A slab is on one of two lists of its pool, by
 * whether it has a free stack.
 */
#include "task/stack.h"

#include "base/list.h"
#include "os/pages.h"
#include "os/spin.h"
#include "os/thread.h"

enum { SLAB_STACKS = 64, CLASSES = 17, KEEP_SLABS = 8 };

struct slab {
	struct slab *next, *prev; /* list of its pool */
	struct pool *pool;
	struct stack *free_list;
	unsigned free_count;
	unsigned made; /* stacks [made..63] have never been used */
	bool warm;     /* some free stack holds memory */
	char *memory;
	uint8_t guards[SLAB_STACKS]; /* enum stack_guard_kind */
};

struct pool {
	chp_word lock;
	struct slab *first, *last; /* slabs with a free stack */
	unsigned whole_warm;       /* slabs all free and warm */
	size_t stacks, unguarded;
};

DEFINE_LIST(slab_list, struct slab);

/* Two sets: as good as the kernel can, and with the budget only. */
static struct pool pools[2][CLASSES];
static chp_word budget_used;

static size_t class_size(int cls)
{
	return STACK_SIZE_MIN << cls;
}

int chp__stack_class(size_t size)
{
	int cls = 0;

	if (!size)
		size = STACK_SIZE_DEFAULT;
	if (size > STACK_SIZE_MAX / fiber_stack_scale())
		return -1;
	size *= fiber_stack_scale();
	while (class_size(cls) < size)
		cls++;
	return cls;
}

static void give_budget_back(void)
{
	add_relaxed(&budget_used, -1u);
}

/* One more guard page by mprotect? */
static bool take_budget(void)
{
	static chp_word limit;
	uint32_t max = load_relaxed(&limit);

	if (!max) {
		max = (uint32_t)(chp__pages_max_maps() / 4 / 2);
		store_relaxed(&limit, max);
	}
	/* Relaxed: an amount, nothing is published by it. */
	if (add_relaxed(&budget_used, 1) < max)
		return true;
	give_budget_back();
	return false;
}

static enum stack_guard_kind guard(char *low, bool budget_only)
{
	size_t page = chp__page_size();

	if (!budget_only && chp__pages_guard_marker(low, page) == 0)
		return STACK_MARKER;
	if (!take_budget())
		return STACK_CANARY;
	if (chp__pages_guard_protect(low, page) == 0)
		return STACK_PROTECTED;
	give_budget_back();
	return STACK_CANARY;
}

static struct stack *stack_at(const struct slab *slab, unsigned i, size_t size)
{
	char *high = slab->memory + (size_t)(i + 1) * size;

	return (struct stack *)(void *)high - 1;
}

/* Slabs' own records, apart from the stacks so that an overrun spares them. */
static struct slab *new_record(void)
{
	return chp__pages_map(chp__page_size(), 0);
}

static struct slab *make_slab(struct pool *pool, int cls)
{
	bool budget_only = pool >= pools[1];
	size_t size = class_size(cls);
	struct slab *slab = new_record();

	if (!slab)
		return NULL;
	slab->memory = chp__pages_map(size * SLAB_STACKS, 1);
	if (!slab->memory) {
		chp__pages_unmap(slab, chp__page_size());
		return NULL;
	}
	slab->pool = pool;
	slab->free_count = SLAB_STACKS;
	for (unsigned i = 0; i < SLAB_STACKS; i++)
		slab->guards[i] =
			(uint8_t)guard(slab->memory + i * size, budget_only);
	return slab;
}

/* Pool locked.  The next never-used stack: writing it touches its page. */
static struct stack *make_stack(struct slab *slab, int cls)
{
	size_t size = class_size(cls), page = chp__page_size();
	unsigned i = slab->made++;
	struct stack *s = stack_at(slab, i, size);

	s->slab = slab;
	s->low = slab->memory + i * size;
	s->cls = (uint8_t)cls;
	s->guard = slab->guards[i];
	fiber_init_stack(&s->fiber, s->low + page,
			 (size_t)((char *)s - s->low) - page);
	return s;
}

static void add_slab(struct pool *pool, struct slab *slab)
{
	spin_lock(&pool->lock, RANK_STACK);
	slab_list_append(&pool->first, &pool->last, slab);
	pool->stacks += SLAB_STACKS;
	for (unsigned i = 0; i < SLAB_STACKS; i++)
		pool->unguarded += slab->guards[i] == STACK_CANARY;
	spin_unlock(&pool->lock, RANK_STACK);
}

static struct stack *take_from(struct pool *pool, int cls)
{
	struct slab *slab;
	struct stack *s = NULL;

	spin_lock(&pool->lock, RANK_STACK);
	slab = pool->first;
	if (slab) {
		if (slab->free_count == SLAB_STACKS && slab->warm)
			pool->whole_warm--;
		s = slab->free_list;
		if (s)
			slab->free_list = s->next;
		else
			s = make_stack(slab, cls);
		if (--slab->free_count == 0)
			slab_list_remove(&pool->first, &pool->last, slab);
	}
	spin_unlock(&pool->lock, RANK_STACK);
	return s;
}

struct stack *chp__stack_get(int cls, bool budget_only)
{
	struct pool *pool = &pools[budget_only][cls];
	struct stack *s;

	while (!(s = take_from(pool, cls))) {
		struct slab *slab = make_slab(pool, cls);

		if (!slab)
			return NULL;
		add_slab(pool, slab);
	}
	return s;
}

/*
 * All its stacks are free: forget them and give their memory back.  They are
 * made anew when needed; the markers and protections stay.
 */
static void cool_down(struct slab *slab, int cls)
{
	size_t size = class_size(cls), page = chp__page_size();

	for (unsigned i = 0; i < slab->made; i++) {
		fiber_fini(&stack_at(slab, i, size)->fiber);
		chp__pages_discard(slab->memory + i * size + page, size - page);
	}
	slab->made = 0;
	slab->free_list = NULL;
	slab->warm = false;
}

void chp__stack_put(struct stack *s)
{
	struct slab *slab = s->slab;
	struct pool *pool = slab->pool;
	int cls = s->cls;
	bool cold = false;

	spin_lock(&pool->lock, RANK_STACK);
	s->next = slab->free_list;
	slab->free_list = s;
	slab->warm = true;
	if (slab->free_count++ == 0)
		slab_list_append(&pool->first, &pool->last, slab);
	if (slab->free_count == SLAB_STACKS) {
		/* Taken off the list while its memory goes, without lock. */
		cold = pool->whole_warm >= KEEP_SLABS;
		if (cold)
			slab_list_remove(&pool->first, &pool->last, slab);
		else
			pool->whole_warm++;
	}
	spin_unlock(&pool->lock, RANK_STACK);

	if (!cold)
		return;
	cool_down(slab, cls);
	spin_lock(&pool->lock, RANK_STACK);
	slab_list_append(&pool->first, &pool->last, slab);
	spin_unlock(&pool->lock, RANK_STACK);
}

bool chp__stack_guards(const struct stack *s, const void *address)
{
	const char *a = address;

	return a >= s->low && a < s->low + chp__page_size();
}

bool chp__stack_overrun(const struct stack *s)
{
	/* The upper end of the guard page, where an overrun comes first. */
	const unsigned long *words =
		(const void *)(s->low + chp__page_size() - 64);

	for (unsigned i = 0; i < 64 / sizeof(*words); i++)
		if (words[i])
			return true;
	return false;
}

void chp__stack_counts(size_t *total, size_t *unguarded)
{
	*total = *unguarded = 0;
	for (int set = 0; set < 2; set++) {
		for (int cls = 0; cls < CLASSES; cls++) {
			struct pool *pool = &pools[set][cls];

			spin_lock(&pool->lock, RANK_STACK);
			*total += pool->stacks;
			*unguarded += pool->unguarded;
			spin_unlock(&pool->lock, RANK_STACK);
		}
	}
}
