/*
 * parts_relay.c - operations that are begun by one agent and finished by
 * another.
 *
 * An agent draws an errand, polls it once or twice, and sends it to a server,
 * which waits for it with its own wakers, a moment at most: a granted errand
 * that lies in the queue holds up others.
 */
#include "stress.h"

enum { SERVERS = 2, TOO_MANY = 50 };

static chp_mpsc_tx queue[SERVERS][MAX_AGENTS];
static chp_mpsc_rx desk[SERVERS];
static chp_word under_way;

/* Those whose errands know the agent that began them are not for this. */
static const struct part *const allowed[] = {
	&part_sem_fifo,   &part_sem_fair, &part_sem_unfair, &part_mutex,
	&part_mutex_fifo, &part_rwlock,   &part_notify,     &part_barrier,
	&part_wait_group, &part_once,     &part_oneshot,    &part_broadcast,
	&part_watch,      &part_time,     &part_cancel,     &part_task,
	&part_group,      &part_fd,
};

static const struct part *draw_allowed(struct agent *a)
{
	const struct part *p =
		allowed[below(a, sizeof(allowed) / sizeof(*allowed))];

	return part_is_here(p) ? p : NULL;
}

static void relay_step(struct agent *a)
{
	const struct part *p = draw_allowed(a);
	struct errand *e;
	unsigned desk_number = below(a, SERVERS);
	int r = CHP_PENDING;

	/* A visitor's operations on time end with its runtime. */
	if (!p || a->visitor || load(&under_way) > TOO_MANY)
		return;
	e = malloc(sizeof(*e));
	if (!errand_draw(a, p, e)) {
		free(e);
		return;
	}
	at(a, "beginning what another finishes");
	for (uint32_t n = below(a, 3); n && r == CHP_PENDING; n--)
		r = poll_and_leave(a, e->op);
	if (r != CHP_PENDING) {
		errand_done(a, e, r);
		free(e);
		return;
	}
	add(&under_way, 1);
	CHECK_CODE(chp_mpsc_try_send(&queue[desk_number][a->number], &e), 0);
	count(a, 0);
}

static bool relay_serve(struct agent *a, unsigned which)
{
	struct errand *e;
	chp_recv_op op;
	int r;

	chp_mpsc_recv_op(&op, &desk[which], &e);
	r = count(a, await(a, &op.op, SOMEHOW));
	CHECK(r == 0 || r == CHP_ECLOSED || gave_up(r));
	if (r)
		return r == CHP_ECLOSED;
	errand_done(a, e, await(a, e->op, BRIEFLY));
	free(e);
	add(&under_way, -1u);
	return false;
}

static void relay_open(void)
{
	for (int i = 0; i < SERVERS; i++) {
		CHECK_CODE(chp_mpsc_unbounded(sizeof(struct errand *), NULL,
					      &queue[i][0], &desk[i]),
			   0);
		for (int n = 1; n < MAX_AGENTS; n++)
			chp_mpsc_tx_clone(&queue[i][0], &queue[i][n]);
	}
}

static void relay_stop(void)
{
	for (int i = 0; i < SERVERS; i++)
		for (int n = 0; n < MAX_AGENTS; n++)
			chp_mpsc_tx_drop(&queue[i][n]);
}

static void relay_check(void)
{
	AT_END(load(&under_way), 0);
	for (int i = 0; i < SERVERS; i++)
		chp_mpsc_rx_drop(&desk[i]);
}

static void relay_report(void)
{
	fprintf(stderr, "  %u errands under way\n", load(&under_way));
}

const struct part part_relay = {
	.name = "relay",
	.open = relay_open,
	.step = relay_step,
	.servers = SERVERS,
	.serve = relay_serve,
	.stop = relay_stop,
	.check = relay_check,
	.report = relay_report,
};
