/*
 * epoll_loop.c - Chappe inside somebody else's event loop.
 *
 * One thread runs a bare epoll loop.  It never calls a function that blocks,
 * and there is no runtime: it polls operations by hand, and is told when to
 * poll again through wakers.  Meanwhile plain threads release permits and send
 * messages with the ordinary calls.  Whoever binds Chappe to libuv, GLib or
 * another language does what this file does.
 *
 * There are two doors into the loop, both of them descriptors:
 *
 *	wakers     A waker that the library calls on some other thread marks
 *	           its watcher and writes to an eventfd of ours.
 *	driver     Sleeps that are polled outside a runtime need somebody who
 *	           drives the clock.  chp_driver_fd() makes that somebody us:
 *	           when it polls readable we take a turn, and the wakers of what
 *	           is due run inside it, on this thread.
 */
#include <chappe/chappe.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define ROUNDS   3 /* each of three permits */
#define MESSAGES 10
#define TICKS    3

CHP_MPSC_DEFINE(texts, const char *);

/* ---- The waker ---- */

/*
 * What a waker points at.  It is counted and on the heap, for one reason: a
 * wake may come late.  Another thread publishes an operation's result first
 * and calls the waker after that, and in between we may poll, see the result,
 * and be done with everything.  The operation may be reused at once; but what
 * the waker points at must live until the last reference has gone, and so must
 * the eventfd that it writes to.
 */
struct alarm_bell {
	atomic_int refs;
	int eventfd;
};

struct watcher {
	atomic_int refs;
	atomic_int woken;
	struct alarm_bell *bell;
	void (*ready)(struct watcher *w); /* poll again; on the loop's thread */
	bool finished;                    /* loop's thread only */
};

static void bell_unref(struct alarm_bell *b)
{
	if (atomic_fetch_sub(&b->refs, 1) > 1)
		return;
	close(b->eventfd);
	free(b);
}

static void watcher_retain(void *data)
{
	struct watcher *w = data;

	atomic_fetch_add(&w->refs, 1);
}

static void watcher_release(void *data)
{
	struct watcher *w = data;

	if (atomic_fetch_sub(&w->refs, 1) > 1)
		return;
	bell_unref(w->bell);
	free(w);
}

/*
 * May run on any thread, at any time, also while the loop polls this very
 * operation: so it only takes a note and rings.  It may not block; writing to
 * a non-blocking eventfd does not.  It consumes the reference it was called
 * with.
 */
static void watcher_wake(void *data)
{
	struct watcher *w = data;

	/* The mark first: who hears the bell must find it. */
	atomic_store(&w->woken, 1);
	eventfd_write(w->bell->eventfd, 1);
	watcher_release(w);
}

static const chp_waker_class watcher_class = { watcher_wake, watcher_retain,
					       watcher_release };

static struct watcher *watcher_new(struct alarm_bell *bell,
				   void (*ready)(struct watcher *w))
{
	struct watcher *w = calloc(1, sizeof(*w));

	if (!w)
		abort();
	atomic_fetch_add(&bell->refs, 1);
	w->refs = 1; /* the loop's; dropped at the end of main */
	w->bell = bell;
	w->ready = ready;
	return w;
}

/*
 * Poll an operation for a watcher.  The context lends our reference; if the
 * operation has to keep the waker, it retains one of its own.
 */
static int watcher_poll(struct watcher *w, chp_op *op)
{
	chp_poll_ctx ctx = chp_poll_ctx_of((chp_waker){ &watcher_class, w });

	return chp_op_poll(op, &ctx);
}

/* ---- Three things to wait for ---- */

static chp_semaphore permits = CHP_SEMAPHORE_INIT(0, CHP_FIFO);
static chp_acquire_op acquire;
static int rounds;

static texts_tx tx;
static texts_rx rx;
static chp_recv_op recv_op;
static const char *text;
static int messages;

static chp_sleep_op sleep_op;
static int ticks;

/* An acquire that nobody will ever grant, to be given up. */
static chp_semaphore never = CHP_SEMAPHORE_INIT(0, CHP_FIFO);
static chp_acquire_op hopeless;
static int found = -1;

static bool failed;

static void check(bool ok, const char *what)
{
	if (ok)
		return;
	printf("FAIL: %s\n", what);
	failed = true;
}

/*
 * The shape is the same for all.  Poll until the operation is pending: a
 * result finishes it, and the next one has to be set up anew and polled at
 * least once, or it holds no place and no waker.
 */
static void on_permits(struct watcher *w)
{
	int r;

	while ((r = watcher_poll(w, &acquire.op)) == 0) {
		printf("acquired three permits\n");
		if (++rounds == ROUNDS) {
			w->finished = true;
			return;
		}
		chp_semaphore_acquire_op(&acquire, &permits, 3);
	}
	check(r == CHP_PENDING, chp_strerror(r));
}

static void on_message(struct watcher *w)
{
	int r;

	while ((r = watcher_poll(w, &recv_op.op)) == 0) {
		printf("received \"%s\"\n", text);
		check(!strcmp(text, "message"), "another text was sent");
		messages++;
		texts_recv_op(&recv_op, &rx, &text);
	}
	if (r == CHP_ECLOSED) {
		printf("the stream has ended\n");
		w->finished = true;
	} else {
		check(r == CHP_PENDING, chp_strerror(r));
	}
}

static void on_tick(struct watcher *w)
{
	int r;

	while ((r = watcher_poll(w, &sleep_op.op)) == 0) {
		printf("tick\n");
		check(chp_now() >= sleep_op.until, "the tick came early");
		if (++ticks == TICKS) {
			/* Until cancel returns, the operation is queued and
			   must stay where it is; afterwards it is ours. */
			found = chp_op_cancel(&hopeless.op);
			printf("gave up the hopeless acquire\n");
			w->finished = true;
			return;
		}
		chp_sleep_reset(&sleep_op, sleep_op.until + 20 * CHP_MS);
	}
	check(r == CHP_PENDING, chp_strerror(r));
}

static void on_hopeless(struct watcher *w)
{
	/* Not to be polled once it is cancelled: that is misuse. */
	if (!chp_op_is_finished(&hopeless.op))
		check(watcher_poll(w, &hopeless.op) == CHP_PENDING,
		      "nobody could have granted this");
}

/* ---- The others: plain threads that block as they like ---- */

static void *releaser(void *arg)
{
	(void)arg;
	for (int i = 0; i < 3 * ROUNDS; i++) {
		chp_sleep_for(2 * CHP_MS);
		chp_semaphore_release(&permits, 1);
	}
	return NULL;
}

static void *sender(void *arg)
{
	(void)arg;
	for (int i = 0; i < MESSAGES; i++) {
		if (i % 3 == 0)
			chp_sleep_for(5 * CHP_MS);
		texts_send(&tx, "message"); /* waits when three are unread */
	}
	texts_tx_drop(&tx);
	return NULL;
}

/* ---- The loop ---- */

static void add(int epoll, int fd)
{
	struct epoll_event e = { .events = EPOLLIN, .data.fd = fd };

	if (fd < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e)) {
		perror("epoll");
		exit(1);
	}
}

/* Poll those that were woken, until none is. */
static void run_woken(struct watcher **all, int n)
{
	for (int i = 0; i < n; i++)
		/* Clear the mark before polling: a wake that comes during the
		   poll must not be forgotten. */
		if (atomic_exchange(&all[i]->woken, 0) && !all[i]->finished)
			all[i]->ready(all[i]);
}

static void loop(int epoll, int eventfd, int driver, struct watcher **all,
		 int n)
{
	struct epoll_event events[4];
	eventfd_t count;

	/* all[3] is the hopeless one: it never finishes. */
	while (!all[0]->finished || !all[1]->finished || !all[2]->finished) {
		int got = epoll_wait(epoll, events, 4, -1);

		for (int i = 0; i < got; i++) {
			if (events[i].data.fd == eventfd)
				eventfd_read(eventfd, &count);
			else if (events[i].data.fd == driver)
				chp_driver_turn();
		}
		/* A turn runs wakers too, so look at the marks after it. */
		run_woken(all, n);
	}
}

int main(void)
{
	struct alarm_bell *bell = calloc(1, sizeof(*bell));
	struct watcher *all[4];
	pthread_t threads[2];
	int epoll, driver;

	if (!bell || texts_bounded(3, &tx, &rx))
		return 1;
	bell->refs = 1;
	bell->eventfd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	epoll = epoll_create1(EPOLL_CLOEXEC);

	/* From here on this thread drives time: the library starts no thread
	   of its own.  The descriptor is the library's: never closed by us. */
	driver = chp_driver_fd();
	add(epoll, bell->eventfd);
	add(epoll, driver);

	chp_semaphore_acquire_op(&acquire, &permits, 3);
	texts_recv_op(&recv_op, &rx, &text);
	chp_sleep_until_op(&sleep_op, chp_in(20 * CHP_MS));
	chp_semaphore_acquire_op(&hopeless, &never, 1);

	all[0] = watcher_new(bell, on_permits);
	all[1] = watcher_new(bell, on_message);
	all[2] = watcher_new(bell, on_tick);
	all[3] = watcher_new(bell, on_hopeless);

	/* Operations are lazy: the first poll takes the place in the queue. */
	for (int i = 0; i < 4; i++)
		all[i]->ready(all[i]);

	if (pthread_create(&threads[0], NULL, releaser, NULL) ||
	    pthread_create(&threads[1], NULL, sender, NULL))
		return 1;
	loop(epoll, bell->eventfd, driver, all, 4);
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);

	check(rounds == ROUNDS && chp_semaphore_available(&permits) == 0,
	      "nine permits make three rounds");
	check(messages == MESSAGES, "ten messages were sent");
	check(ticks == TICKS, "three ticks were due");
	check(found == CHP_HELD_NOTHING && !chp_semaphore_has_waiters(&never),
	      "what was given up should have left no trace");

	/* Drop our references; a late wake would still hold its own. */
	for (int i = 0; i < 4; i++)
		watcher_release(all[i]);
	bell_unref(bell);
	texts_rx_drop(&rx);
	close(epoll);
	printf("%s\n", failed ? "failed" : "all as it should be");
	return failed;
}
