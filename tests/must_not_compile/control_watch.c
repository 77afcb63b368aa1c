/*
 * control_watch.c - the right use of the watch wrappers: this one must compile.
 */
#include "typed_watch.h"

CHP_WATCH_DEFINE_DROP(dropped_plans, struct job, drop_job);
CHP_WATCH_DEFINE_CLONE(cloned_plans, struct job, clone_job, drop_job);
/* Pointers, named without a typedef. */
CHP_WATCH_DEFINE(names, const char *);

extern dropped_plans_tx dropped_plan_tx;
extern dropped_plans_rx dropped_plan_rx;
extern cloned_plans_tx cloned_plan_tx;
extern names_tx name_tx;
extern names_ref name_ref;

int senders(void);
int receivers(void);

int senders(void)
{
	int r = 0;

	r |= levels(3, &level_tx, &level_rx);
	r |= plans(a_job, &plan_tx, &plan_rx);
	r |= dropped_plans(a_job, &dropped_plan_tx, &dropped_plan_rx);
	r |= cloned_plans_tx_new(a_job, &cloned_plan_tx);
	r |= levels_send(&level_tx, an_int);
	r |= plans_send(&plan_tx, (struct job){ 1, &a_job });
	r |= plans_send_replace(&plan_tx, a_job, &plan_ref);
	r |= plans_send_replace(&plan_tx, a_job, NULL);
	r |= levels_send_modify(&level_tx, raise_level, NULL);
	r |= levels_send_if_modified(&level_tx, raise_level_perhaps, NULL);
	r |= names_send(&name_tx, a_buffer);
	r |= **names_value(&name_ref);
	r |= levels_tx_borrow(&level_tx, &level_ref);
	r |= levels_closed(&level_tx);
	levels_subscribe(&level_tx, &level_rx);
	levels_tx_clone(&level_tx, &level_tx);
	levels_tx_drop(&level_tx);
	return r | (int)chp_watch_receiver_count(&level_tx.raw);
}

int receivers(void)
{
	int r = 0;

	r |= levels_borrow(&level_rx, &level_ref);
	r |= levels_borrow_and_update(&level_rx, &level_ref);
	r |= *levels_value(&level_ref);
	r |= plans_value(&plan_ref)->id;
	levels_ref_release(&level_ref);
	r |= levels_get(&level_rx, &an_int);
	r |= levels_get_and_update(&level_rx, &an_int);
	r |= levels_has_changed(&level_rx);
	r |= levels_changed(&level_rx);
	r |= levels_changed_with(&level_rx, &wait);
	levels_changed_op(&watch_op, &level_rx);
	r |= levels_wait_for(&level_rx, is_high, NULL, &level_ref);
	r |= plans_wait_for_with(&plan_rx, is_ready, NULL, NULL, &wait);
	levels_rx_clone(&level_rx, &level_rx);
	levels_rx_drop(&level_rx);
	return r;
}
