/*
 * input.c - the bytes, the trace, and running a program.
 */
#include "fuzz.h"

#include <inttypes.h>
#include <stdio.h>

static const struct part *const all_parts[] = {
	&part_semaphore, &part_mpsc,    &part_mpsc_unbounded, &part_mutex,
	&part_rwlock,    &part_notify,  &part_barrier,        &part_wait_group,
	&part_once,      &part_oneshot, &part_broadcast,      &part_watch,
	&part_cancel,    &part_mpmc,    &part_group,
};

enum { PARTS = sizeof(all_parts) / sizeof(*all_parts) };

/* ---- Bytes ---- */

static const uint8_t *next, *end;

bool more(void)
{
	return next < end;
}

unsigned take(void)
{
	return next < end ? *next++ : 0;
}

unsigned below(unsigned n)
{
	return take() % n;
}

bool one_in(unsigned n)
{
	return take() % n == n - 1;
}

/* ---- The trace ---- */

enum { LINES = 1024, ARGS = 5 };

static struct line {
	const char *text;
	intmax_t args[ARGS];
} lines[LINES];
static unsigned said;

void say(const char *text, const intmax_t *args)
{
	struct line *l = &lines[said++ % LINES];

	l->text = text;
	memcpy(l->args, args, sizeof(l->args));
}

void print_trace(void)
{
	if (said)
		fprintf(stderr, "the program:\n");
	for (unsigned i = said > LINES ? said - LINES : 0; i < said; i++) {
		const struct line *l = &lines[i % LINES];
		const intmax_t *a = l->args;

		fprintf(stderr, "  ");
		fprintf(stderr, l->text, a[0], a[1], a[2], a[3], a[4]);
		fprintf(stderr, "\n");
	}
}

void fail(const char *file, int line, const char *what, intmax_t is,
	  intmax_t want)
{
	print_trace();
	said = 0;
	fprintf(stderr, "%s:%d: %s is %jd", file, line, what, is);
	if (is < 0)
		fprintf(stderr, " (%s)", chp_errname((int)is));
	fprintf(stderr, "; by the model it is %jd", want);
	if (want < 0)
		fprintf(stderr, " (%s)", chp_errname((int)want));
	fprintf(stderr, "\n");
	abort();
}

/* ---- What the parts use ---- */

static struct object objects[OBJECTS];
static unsigned object_count;
static int made;

static void drop_0(void *value)
{
	(void)value;
	objects[0].dropped++;
}

static void drop_1(void *value)
{
	(void)value;
	objects[1].dropped++;
}

void (*drop_of(const struct object *o))(void *value)
{
	return o->id ? drop_1 : drop_0;
}

int fresh(void)
{
	return ++made;
}

void *object_new(struct object *o, size_t size)
{
	o->real = calloc(1, size);
	return o->real;
}

/* ---- Running ---- */

static long blocks;

static void *counting_alloc(size_t size, void *user)
{
	(void)user;
	blocks++;
	return malloc(size);
}

static void counting_free(void *memory, size_t size, void *user)
{
	(void)user;
	(void)size;
	blocks--;
	free(memory);
}

/*
 * One of the first 15, by most bytes, so that inputs that are kept keep their
 * meaning when parts are added at the end; any, by those that are left.
 */
static const struct part *draw_part(void)
{
	unsigned b = take();

	return all_parts[b < 240 ? b % 15 : (b - 240) % PARTS];
}

static void make(struct object *o)
{
	SAY("object %jd:", o->id);
	o->part = draw_part();
	o->model = calloc(1, MODEL_MAX);
	say(o->part->name, (intmax_t[ARGS]){ 0 });
	o->part->make(o);
}

static void step(void)
{
	switch (below(16)) {
	default: {
		struct object *o = &objects[below(object_count)];

		o->part->step(o);
		break;
	}
	case 8:
	case 9:
	case 10:
		step_poll();
		break;
	case 7:
		step_task();
		break;
	case 6:
		step_disturb();
		break;
	case 11:
		step_woken();
		break;
	case 12:
		step_cancel();
		break;
	case 13:
	case 14:
		step_select();
		break;
	case 15:
		step_clock();
		break;
	}
}

static void compare(void)
{
	tasks_settle();
	waits_check();
	for (unsigned i = 0; i < object_count; i++)
		objects[i].part->compare(&objects[i]);
}

static void *program(void *arg)
{
	long before = blocks;

	said = 0;
	made = 0;
	waits_reset();
	object_count = 1 + below(OBJECTS);
	for (unsigned i = 0; i < object_count; i++) {
		memset(&objects[i], 0, sizeof(objects[i]));
		objects[i].id = (int)i;
		make(&objects[i]);
	}
	for (int steps = 0; more() && steps < 400; steps++) {
		step();
		compare();
	}
	SAY("the end");
	waits_end();
	compare();
	for (unsigned i = 0; i < object_count; i++) {
		objects[i].part->end(&objects[i]);
		free(objects[i].real);
		free(objects[i].model);
	}
	EXPECT(blocks, before);
	return arg;
}

void run_input(const uint8_t *data, size_t size)
{
	static const chp_allocator counting = { counting_alloc, counting_free,
						NULL };
	chp_runtime_options options = { .kind = CHP_CURRENT_THREAD,
					.paused_clock = 1 };
	static bool known;
	chp_runtime *rt;

	if (!known)
		chp_set_allocator(&counting);
	known = true;
	next = data;
	end = data + size;
	EXPECT(chp_runtime_new(&rt, &options), 0);
	EXPECT(chp_runtime_block_on(rt, program, NULL, NULL), 0);
	EXPECT(chp_runtime_shutdown(rt, 0, NULL, 0, NULL), 0);
}
