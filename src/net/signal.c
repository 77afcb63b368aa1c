/*
 * signal.c - from a signal handler to waiters.
 *
 * The handler counts the delivery and writes a byte into a pipe: all that a
 * handler may do.  The pipe's other end is a descriptor of the process-wide
 * driver; its report wakes whoever waits and has not seen the count.
 *
 *	counts[n]   deliveries of signal n: added to by the handler (relaxed:
 *	            the pipe orders), read under lock
 *	lock        guards waiters; spin, since it is held for list work only
 *	setup       a mutex: making the pipe, installing handlers
 */
#include <chappe/signal.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "os/spin.h"
#include "os/thread.h"
#include "wait/block.h"
#include "wait/driver.h"
#include "wait/node.h"
#include "wait/process_driver.h"

enum { SIGNALS = 65 };

static chp_word64 counts[SIGNALS];
static bool installed[SIGNALS];
static pthread_mutex_t setup = PTHREAD_MUTEX_INITIALIZER;
static int news[2] = { -1, -1 };
static chp_word lock;
static chp_node *first, *last; /* guarded by lock */

static chp_signal_op *op_of(chp_node *n)
{
	return container_of(n, chp_signal_op, node);
}

static void on_signal(int number)
{
	int saved_errno = errno;
	ssize_t ignored;

	add64_relaxed(&counts[number], 1);
	/* A full pipe has news enough. */
	do
		ignored = write(news[1], "", 1);
	while (ignored < 0 && errno == EINTR);
	errno = saved_errno;
}

static uint64_t count_of(const chp_signal *s)
{
	return load64_acquire(&counts[s->number]);
}

static void on_closed(struct driven *member, struct wake_batch *batch)
{
	(void)member;
	(void)batch; /* the process-wide driver is never closed */
}

static struct driven driven = { .closed = on_closed };

static void on_news(struct ready_source *source, uint32_t what)
{
	struct wake_batch batch = { NULL, NULL };
	char drain[64];
	ssize_t got;

	(void)source;
	/* All of it: the poller reports changes. */
	do
		got = read(news[0], drain, sizeof(drain));
	while (got > 0 || (got < 0 && errno == EINTR));
	chp__driver_rearm(&driven, news[0], what);

	spin_lock(&lock, RANK_OBJECT);
	for (chp_node *n = first, *next; n; n = next) {
		chp_signal *s = op_of(n)->signal;

		next = n->next;
		if (count_of(s) != s->seen) {
			node_list_remove(&first, &last, n);
			batch_claim(&batch, n, 0);
		}
	}
	spin_unlock(&lock, RANK_OBJECT);
	batch_wake(&batch);
}

/* setup held */
static int make_pipe(void)
{
	static struct ready_source source = { .ready = on_news };
	struct driver *driver;
	int ends[2], r;

	if (news[0] >= 0)
		return 0;
	r = chp__process_driver(&driver);
	if (r != 0)
		return r;
	if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0)
		return -errno;
	news[1] = ends[1];
	news[0] = ends[0];
	r = chp__driver_join(driver, &driven, ends[0], &source);
	if (r) {
		close(ends[0]);
		close(ends[1]);
		news[0] = news[1] = -1;
	}
	return r;
}

/* setup held */
static int install(int number)
{
	struct sigaction action;

	if (installed[number])
		return 0;
	memset(&action, 0, sizeof(action));
	action.sa_handler = on_signal;
	action.sa_flags = SA_RESTART;
	sigfillset(&action.sa_mask);
	if (sigaction(number, &action, NULL) != 0)
		return -errno;
	installed[number] = true;
	return 0;
}

static bool may_catch(int number)
{
	static const int never[] = { SIGSEGV, SIGBUS,  SIGFPE, SIGILL,
				     SIGTRAP, SIGKILL, SIGSTOP };

	if (number <= 0 || number >= SIGNALS)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(never); i++)
		if (number == never[i])
			return false;
	return true;
}

int chp_signal_open(chp_signal *s, int number)
{
	int r;

	if (!may_catch(number))
		return CHP_EINVAL;
	s->number = number;
	s->seen = count_of(s);
	pthread_mutex_lock(&setup);
	r = make_pipe();
	if (r == 0)
		r = install(number);
	pthread_mutex_unlock(&setup);
	return r;
}

/* ---- Waiting ---- */

/* Heard: take note, once for all deliveries so far. */
static int hear(chp_signal_op *o)
{
	o->signal->seen = count_of(o->signal);
	return 0;
}

static int poll(chp_op *op, chp_poll_ctx *ctx)
{
	chp_signal_op *o = (chp_signal_op *)op;
	bool fresh = op->stage == OP_NEW, heard, queued;
	chp_waker old = { NULL, NULL };

	if (!fresh && node_is_done(&o->node)) {
		node_settle(&o->node);
		return hear(o);
	}
	waker_retain(ctx->waker);
	spin_lock(&lock, RANK_OBJECT);
	queued = !fresh && load_relaxed(&o->node.state) == NODE_QUEUED;
	heard = fresh ? count_of(o->signal) != o->signal->seen : !queued;
	if (fresh && !heard) {
		waker_store(&o->node.waker, ctx->waker);
		node_enqueue(&first, &last, &o->node);
	} else {
		old = queued ? node_swap_waker(&o->node, ctx->waker)
			     : ctx->waker;
	}
	spin_unlock(&lock, RANK_OBJECT);
	waker_release(old);
	if (!heard)
		return CHP_PENDING;
	if (!fresh)
		node_settle(&o->node);
	return hear(o);
}

static int cancel(chp_op *op)
{
	chp_signal_op *o = (chp_signal_op *)op;
	bool queued;

	spin_lock(&lock, RANK_OBJECT);
	queued = load_relaxed(&o->node.state) == NODE_QUEUED;
	if (queued)
		node_list_remove(&first, &last, &o->node);
	spin_unlock(&lock, RANK_OBJECT);
	if (queued)
		waker_release(o->node.waker);
	else
		node_settle(&o->node);
	/* Not heard: `seen` is as it was, so the next wait will. */
	return queued ? CHP_HELD_NOTHING : CHP_GAVE_BACK;
}

static const chp_op_class signal_class = {
	.name = "signal",
	.poll = poll,
	.cancel = cancel,
};

void chp_signal_wait_op(chp_signal_op *op, chp_signal *s)
{
	op_init(&op->op, &signal_class);
	op->signal = s;
}

int chp_signal_wait_with(chp_signal *s, const chp_wait *w)
{
	chp_signal_op op;

	chp_signal_wait_op(&op, s);
	return chp_op_wait(&op.op, w);
}

int chp_signal_wait(chp_signal *s)
{
	return chp_signal_wait_with(s, NULL);
}
