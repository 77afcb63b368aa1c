/*
 * parts_fd.c - descriptors: pipes that agents write into and read from,
 * replaced by new ones while others wait for them.
 *
 * Each pipe belongs to the runtime of whoever made it, which may be shut down
 * before: then its waits end with CHP_ECLOSED.
 */
#include "stress.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

struct pipe {
	chp_word refs;
	int ends[2]; /* to read, to write */
	chp_fd *fds[2];
	bool mortal; /* its runtime may go away */
};

static chp_rwlock lock; /* guards `current` */
static struct pipe *current;
static chp_word64 written, drained;

static struct pipe *pipe_new(bool mortal)
{
	struct pipe *p = calloc(1, sizeof(*p));

	CHECK(pipe2(p->ends, O_CLOEXEC) == 0);
	/* Small, so that it can be full. */
	fcntl(p->ends[1], F_SETPIPE_SZ, 4096);
	p->refs.v = 1;
	p->mortal = mortal;
	for (int i = 0; i < 2; i++)
		CHECK_CODE(chp_fd_new(&p->fds[i], p->ends[i]), 0);
	return p;
}

static struct pipe *pipe_get(void)
{
	struct pipe *p;

	chp_rwlock_read(&lock);
	p = current;
	add(&p->refs, 1);
	chp_rwlock_read_unlock(&lock);
	return p;
}

static void drain(struct pipe *p)
{
	char bytes[512];
	ssize_t n;

	while ((n = read(p->ends[0], bytes, sizeof(bytes))) > 0)
		__atomic_add_fetch(&drained.v, (uint64_t)n, __ATOMIC_RELAXED);
}

static void pipe_put(struct pipe *p)
{
	if (__atomic_sub_fetch(&p->refs.v, 1, __ATOMIC_ACQ_REL))
		return;
	drain(p);
	for (int i = 0; i < 2; i++) {
		chp_fd_free(p->fds[i]);
		close(p->ends[i]);
	}
	free(p);
}

static void pipe_replace(struct agent *a)
{
	struct pipe *young = pipe_new(a->visitor), *old;

	at(a, "replacing the pipe");
	chp_rwlock_write(&lock);
	old = current;
	current = young;
	chp_rwlock_write_unlock(&lock);
	pipe_put(old);
}

/*
 * Some bytes in or out, if that needs no waiting.  Not inlined: where errno is
 * may not be remembered across a wait.
 */
__attribute__((noinline)) static void move(struct agent *a, struct pipe *p,
					   int end)
{
	char bytes[1024] = { 0 };
	size_t size = 1 + below(a, sizeof(bytes));
	ssize_t n = end ? write(p->ends[1], bytes, size)
			: read(p->ends[0], bytes, size);

	CHECK(n > 0 || (n < 0 && errno == EAGAIN));
	if (n > 0)
		__atomic_add_fetch(end ? &written.v : &drained.v, (uint64_t)n,
				   __ATOMIC_RELAXED);
}

static void ready(struct agent *a, struct pipe *p, int end, int r)
{
	unsigned what = end ? CHP_WRITABLE : CHP_READABLE;

	CHECK(r == (int)what || gave_up(r) || (r == CHP_ECLOSED && p->mortal));
	if (r > 0 || chance(a, 50))
		move(a, p, end);
}

static void fd_step(struct agent *a)
{
	struct pipe *p = pipe_get();
	int end = (int)below(a, 2);
	struct manner m;
	const chp_wait *w;

	switch (below(a, 8)) {
	case 0:
		pipe_replace(a);
		break;
	case 1:
	case 2:
	case 3:
		at(a, "reading or writing");
		move(a, p, end);
		count(a, 0);
		break;
	default:
		w = draw(a, &m, BRIEFLY);
		at(a, "waiting for a descriptor");
		ready(a, p, end,
		      judge(a, &m,
			    chp_fd_wait_with(p->fds[end],
					     end ? CHP_WRITABLE : CHP_READABLE,
					     w)));
	}
	pipe_put(p);
}

static void fd_done(struct agent *a, struct errand *e, int r)
{
	ready(a, e->object, e->what, r);
	pipe_put(e->object);
}

static bool fd_errand(struct agent *a, struct errand *e)
{
	struct pipe *p = pipe_get();

	e->object = p;
	e->what = (int)below(a, 2);
	e->sure = false;
	chp_fd_wait_op(&e->fd, p->fds[e->what],
		       e->what ? CHP_WRITABLE : CHP_READABLE);
	e->op = &e->fd.op;
	e->done = fd_done;
	return true;
}

static void fd_open(void)
{
	current = pipe_new(false);
}

static void fd_check(void)
{
	AT_END(load(&current->refs), 1);
	pipe_put(current);
	AT_END(drained.v, written.v);
}

static void fd_report(void)
{
	fprintf(stderr, "  %u use the pipe; %" PRIu64 " of %" PRIu64 " read\n",
		load(&current->refs), drained.v, written.v);
}

const struct part part_fd = {
	.name = "fd",
	.open = fd_open,
	.step = fd_step,
	.errand = fd_errand,
	.check = fd_check,
	.report = fd_report,
};
