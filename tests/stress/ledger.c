/*
 * ledger.c - what was made and has to be gone at the end: heap blocks of the
 * library, values in channels, descriptors.
 */
#include "stress.h"

#include <dirent.h>

/* ---- Heap blocks of the library ---- */

/* In front of each block, to be compared when it is freed. */
struct front {
	size_t size;
	uint64_t magic;
};

#define BLOCK_OUT UINT64_C(0xb10c0a110ca7ed01)

static chp_word64 blocks;

static void *counting_alloc(size_t size, void *user)
{
	struct front *f = malloc(sizeof(*f) + size);

	(void)user;
	if (!f)
		return NULL;
	f->size = size;
	f->magic = BLOCK_OUT;
	/* What the library has not written is not zero by chance. */
	memset(f + 1, 0xa5, size);
	__atomic_add_fetch(&blocks.v, 1, __ATOMIC_RELAXED);
	return f + 1;
}

static void counting_free(void *memory, size_t size, void *user)
{
	struct front *f = (struct front *)memory - 1;

	(void)user;
	CHECK(f->magic == BLOCK_OUT);
	CHECK(f->size == size);
	f->magic = 0;
	memset(memory, 0x5a, size);
	__atomic_sub_fetch(&blocks.v, 1, __ATOMIC_RELAXED);
	free(f);
}

void count_blocks(void)
{
	chp_allocator counting = { counting_alloc, counting_free, NULL };

	CHECK_CODE(chp_set_allocator(&counting), 0);
}

long blocks_out(void)
{
	return (long)__atomic_load_n(&blocks.v, __ATOMIC_RELAXED);
}

int open_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	if (!d)
		return 0;
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* ---- Values ---- */

#define VALUE_OUT UINT64_C(0x7a1e0e0f0a11ce01)

static chp_word64 values[MAX_PARTS];

struct value *value_new(const struct part *p, unsigned maker, uint64_t sequence)
{
	struct value *v = malloc(sizeof(*v));

	v->magic = VALUE_OUT;
	v->part = p;
	v->maker = maker;
	v->sequence = sequence;
	__atomic_add_fetch(&values[part_index(p)].v, 1, __ATOMIC_RELAXED);
	return v;
}

/* The exchange finds out who comes second, should two be given one value. */
void value_free(struct value *v)
{
	CHECK(__atomic_exchange_n(&v->magic, 0, __ATOMIC_RELAXED) == VALUE_OUT);
	__atomic_sub_fetch(&values[part_index(v->part)].v, 1, __ATOMIC_RELAXED);
	free(v);
}

long values_out(const struct part *p)
{
	return (long)__atomic_load_n(&values[part_index(p)].v,
				     __ATOMIC_RELAXED);
}

/* ---- Messages ---- */

static uint64_t sum_of(const struct message *m)
{
	return ((uint64_t)(uintptr_t)m->value ^ m->sequence) *
	       UINT64_C(0x9e3779b97f4a7c15);
}

void message_sign(struct message *m)
{
	m->check = sum_of(m);
}

struct message message_new(struct agent *a, const struct part *p)
{
	struct message m;

	m.sequence = ++a->sequence;
	m.value = value_new(p, a->number, m.sequence);
	message_sign(&m);
	return m;
}

struct value *message_open(const struct message *m)
{
	CHECK(m->check == sum_of(m));
	CHECK(m->value->magic == VALUE_OUT);
	CHECK(m->value->sequence == m->sequence);
	return m->value;
}

void message_drop(void *message)
{
	value_free(message_open(message));
}
