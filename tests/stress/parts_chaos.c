/*
 * parts_chaos.c - those who interrupt, abort and cancel the others.
 *
 * An aborted agent ends, and its place is taken by a new one.
 */
#include "stress.h"

static void strike(struct agent *a)
{
	struct agent *other = &agents[below(a, agent_count)];
	chp_agent handle = {
		__atomic_load_n(&other->slot.v, __ATOMIC_RELAXED),
		__atomic_load_n(&other->id.v, __ATOMIC_RELAXED),
	};
	uint32_t what = below(a, 100);
	int r;

	if (what < 75) {
		r = chp_interrupt(handle);
		CHECK(r == 0 || r == CHP_ESRCH);
	} else if (what < 80) {
		if (chp_agent_kind_of(handle) == CHP_TASK) {
			r = chp_abort(handle);
			CHECK(r == 0 || r == CHP_ESRCH);
		}
	} else {
		grove_cancel_some(a);
	}
	count(a, 0);
}

static bool chaos_serve(struct agent *a, unsigned which)
{
	chp_sleep_op sleep;

	(void)which;
	at(a, "striking");
	strike(a);
	chp_sleep_until_op(&sleep, chp_in(below(a, 500) * CHP_US));
	await(a, &sleep.op, SOMEHOW);
	return stopping();
}

const struct part part_chaos = {
	.name = "chaos",
	.servers = 2,
	.serve = chaos_serve,
};
