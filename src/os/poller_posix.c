/*
 * poller_posix.c - poll(2) over a table of descriptors; a pipe to break a
 * wait.
 *
 * poll is level-triggered: a direction that has been reported is left out of
 * the set until rearm() puts it back, which gives the edges of poller.h.
 *
 * `lock` guards the table, `tokens`, `waiting` and `larger`.  A wait copies the
 * table, polls without the lock, then matches what came back by position and
 * generation, because registrations may have changed meanwhile.  Whoever
 * changes the table while a wait is under way kicks it through the pipe, and
 * the wait starts over.  Who removes a descriptor waits until poll has let go
 * of it: while poll holds one, close does not really close it.
 */
#include "os/poller.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "os/clock.h"

struct entry {
	int fd; /* -1: free */
	uint32_t armed;
	uint64_t generation;
	void *cookie;
};

/* A copy of the table, for the one wait at a time.  Entry 0 is the pipe. */
struct snapshot {
	struct pollfd *set;
	uint64_t *generations;
	size_t *places;
	nfds_t count;
	size_t size; /* allocated */
};

struct chp__poller {
	pthread_mutex_t lock;
	pthread_cond_t let_go; /* a round of poll has ended */
	struct entry *table;
	size_t size;
	struct snapshot snapshot; /* the one wait's */
	struct snapshot larger;   /* for the next wait; size 0: none */
	uint64_t next_generation;
	uint64_t round;
	unsigned tokens;
	int waiting;
	int pipe[2];
};

static void snapshot_free(struct snapshot *s)
{
	chp__free(s->set, s->size * sizeof(*s->set));
	chp__free(s->generations, s->size * sizeof(*s->generations));
	chp__free(s->places, s->size * sizeof(*s->places));
	*s = (struct snapshot){ .size = 0 };
}

/* Room for a table of n. */
static int snapshot_make(struct snapshot *s, size_t n)
{
	s->size = n + 1;
	s->set = chp__alloc(s->size * sizeof(*s->set));
	s->generations = chp__alloc(s->size * sizeof(*s->generations));
	s->places = chp__alloc(s->size * sizeof(*s->places));
	if (s->set && s->generations && s->places)
		return 0;
	snapshot_free(s);
	return CHP_ENOMEM;
}

/*
 * Called with the lock held, or before anyone else knows p.  The wait, which
 * may not fail, finds the memory for a larger copy in `larger`.
 */
static int grow(struct chp__poller *p, size_t size)
{
	struct entry *table = chp__alloc(size * sizeof(*table));
	struct snapshot larger;

	if (!table)
		return CHP_ENOMEM;
	if (snapshot_make(&larger, size) != 0) {
		chp__free(table, size * sizeof(*table));
		return CHP_ENOMEM;
	}
	if (p->size)
		memcpy(table, p->table, p->size * sizeof(*table));
	for (size_t i = p->size; i < size; i++)
		table[i].fd = -1;
	chp__free(p->table, p->size * sizeof(*table));
	snapshot_free(&p->larger);
	p->table = table;
	p->size = size;
	p->larger = larger;
	return 0;
}

static int open_pipe(int ends[2])
{
	int r;

	if (pipe(ends) != 0)
		return -errno;
	for (int i = 0; i < 2; i++)
		if (fcntl(ends[i], F_SETFL, O_NONBLOCK) != 0 ||
		    fcntl(ends[i], F_SETFD, FD_CLOEXEC) != 0)
			goto out_close;
	return 0;

out_close:
	r = -errno;
	close(ends[0]);
	close(ends[1]);
	return r;
}

int chp__poller_new(struct chp__poller **out)
{
	struct chp__poller *p = chp__alloc_zero(sizeof(*p));
	int r;

	if (!p)
		return CHP_ENOMEM;
	r = grow(p, 16);
	if (r != 0)
		goto out_free;
	r = open_pipe(p->pipe);
	if (r != 0)
		goto out_free_table;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->let_go, NULL);
	*out = p;
	return 0;

out_free_table:
	snapshot_free(&p->larger);
	chp__free(p->table, p->size * sizeof(*p->table));
out_free:
	chp__free(p, sizeof(*p));
	return r;
}

void chp__poller_free(struct chp__poller *p)
{
	pthread_cond_destroy(&p->let_go);
	pthread_mutex_destroy(&p->lock);
	close(p->pipe[0]);
	close(p->pipe[1]);
	snapshot_free(&p->snapshot);
	snapshot_free(&p->larger);
	chp__free(p->table, p->size * sizeof(*p->table));
	chp__free(p, sizeof(*p));
}

/* Break a wait that is under way.  A full pipe will break it too. */
static void kick(struct chp__poller *p)
{
	ssize_t n = 0;

	if (!p->waiting)
		return;
	do
		n = write(p->pipe[1], "", 1);
	while (n < 0 && errno == EINTR);
}

static struct entry *find(struct chp__poller *p, int fd)
{
	for (size_t i = 0; i < p->size; i++)
		if (p->table[i].fd == fd)
			return &p->table[i];
	return NULL;
}

int chp__poller_add(struct chp__poller *p, int fd, void *cookie)
{
	struct entry *e;
	struct stat st;
	int r = 0;

	if (fstat(fd, &st) != 0)
		return -errno;
	if (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))
		return -EPERM;
	pthread_mutex_lock(&p->lock);
	if (find(p, fd)) {
		r = -EEXIST;
		goto out_unlock;
	}
	e = find(p, -1);
	if (!e) {
		size_t old = p->size;

		r = grow(p, 2 * old);
		if (r != 0)
			goto out_unlock;
		e = &p->table[old];
	}
	e->fd = fd;
	e->cookie = cookie;
	e->armed = POLLER_READ | POLLER_WRITE;
	e->generation = ++p->next_generation;
	kick(p);
out_unlock:
	pthread_mutex_unlock(&p->lock);
	return r;
}

void chp__poller_remove(struct chp__poller *p, int fd)
{
	struct entry *e;

	pthread_mutex_lock(&p->lock);
	e = find(p, fd);
	if (e) {
		uint64_t round = p->round;

		e->fd = -1;
		e->generation = 0;
		kick(p);
		while (p->waiting && p->round == round)
			pthread_cond_wait(&p->let_go, &p->lock);
	}
	pthread_mutex_unlock(&p->lock);
}

int chp__poller_must_rearm(void)
{
	return 1;
}

void chp__poller_rearm(struct chp__poller *p, int fd, uint32_t what)
{
	struct entry *e;

	pthread_mutex_lock(&p->lock);
	e = find(p, fd);
	if (e && (e->armed & what) != what) {
		e->armed |= what;
		kick(p);
	}
	pthread_mutex_unlock(&p->lock);
}

/* Lock held. */
static void snapshot_take(struct chp__poller *p)
{
	struct snapshot *s = &p->snapshot;

	if (p->larger.size) {
		snapshot_free(s);
		*s = p->larger;
		p->larger = (struct snapshot){ .size = 0 };
	}
	s->set[0] = (struct pollfd){ .fd = p->pipe[0], .events = POLLIN };
	s->count = 1;
	for (size_t i = 0; i < p->size; i++) {
		struct entry *e = &p->table[i];

		if (e->fd < 0 || !e->armed)
			continue;
		s->generations[s->count] = e->generation;
		s->places[s->count] = i;
		s->set[s->count++] = (struct pollfd){
			.fd = e->fd,
			.events =
				(short)((e->armed & POLLER_READ ? POLLIN : 0) |
					(e->armed & POLLER_WRITE ? POLLOUT
								 : 0)),
		};
	}
}

static uint32_t translate(short events)
{
	uint32_t what = 0;

	if (events & (POLLIN | POLLPRI | POLLHUP | POLLERR | POLLNVAL))
		what |= POLLER_READ;
	if (events & (POLLOUT | POLLHUP | POLLERR | POLLNVAL))
		what |= POLLER_WRITE;
	return what;
}

/* Lock held. */
static int harvest(struct chp__poller *p, struct poller_ready *out, int max)
{
	const struct snapshot *s = &p->snapshot;
	int filled = 0;

	for (nfds_t i = 1; i < s->count && filled < max; i++) {
		struct entry *e = &p->table[s->places[i]];
		uint32_t what = translate(s->set[i].revents);

		if (!what || e->generation != s->generations[i])
			continue;
		what &= e->armed;
		e->armed &= ~what;
		if (!what)
			continue;
		out[filled].cookie = e->cookie;
		out[filled++].what = what;
	}
	return filled;
}

static int poll_for(struct snapshot *s, chp_time timeout)
{
	chp_time ms = timeout <= 0 ? timeout : (timeout - 1) / 1000000 + 1;

	if (ms > INT_MAX)
		ms = INT_MAX;
	return poll(s->set, s->count, ms < 0 ? -1 : (int)ms);
}

int chp__poller_wait(struct chp__poller *p, chp_time timeout,
		     struct poller_ready *out, int max, unsigned *woken)
{
	chp_time end =
		timeout > 0 ? chp__time_add(chp__clock_now(), timeout) : 0;
	char drain[64];
	int filled = 0;

	pthread_mutex_lock(&p->lock);
	for (;;) {
		int n;

		snapshot_take(p);
		p->waiting = 1;
		if (p->tokens)
			timeout = 0;
		pthread_mutex_unlock(&p->lock);

		n = poll_for(&p->snapshot, timeout);
		while (read(p->pipe[0], drain, sizeof(drain)) > 0)
			continue;

		pthread_mutex_lock(&p->lock);
		p->waiting = 0;
		p->round++;
		pthread_cond_broadcast(&p->let_go);
		if (n > 0)
			filled = harvest(p, out, max);

		if (filled || p->tokens || n < 0 || timeout == 0)
			break;
		if (end) {
			timeout = end - chp__clock_now();
			if (timeout <= 0)
				break;
		}
	}
	*woken += p->tokens;
	p->tokens = 0;
	pthread_mutex_unlock(&p->lock);
	return filled;
}

void chp__poller_wake(struct chp__poller *p)
{
	pthread_mutex_lock(&p->lock);
	p->tokens++;
	kick(p);
	pthread_mutex_unlock(&p->lock);
}

int chp__poller_fd(struct chp__poller *p)
{
	(void)p;
	return -ENOSYS;
}

int chp__poller_alarm(struct chp__poller *p, chp_time at)
{
	(void)p;
	(void)at;
	return -ENOSYS;
}
