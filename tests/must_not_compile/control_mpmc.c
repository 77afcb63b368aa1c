/*
 * control_mpmc.c - the right use of every wrapper of channels of many
 * receivers.
 */
#include "typed_mpmc.h"

extern void drop_job(struct job *job);

CHP_MPMC_DEFINE_DROP(dropped_pool, struct job, drop_job);
CHP_MPMC_DEFINE(buffer_pool, char *);
CHP_MPMC_DEFINE(text_pool, const char *);

extern dropped_pool_tx dropped_ptx;
extern dropped_pool_rx dropped_prx;
extern buffer_pool_tx buffer_ptx;
extern text_pool_tx text_ptx;
extern text_pool_rx text_prx;

int f(void);

int f(void)
{
	int r = 0;

	r |= int_pool_bounded(4, &int_ptx, &int_prx);
	r |= dropped_pool_unbounded(&dropped_ptx, &dropped_prx);
	r |= int_pool_send(&int_ptx, 'x');
	r |= job_pool_send(&job_ptx, a_job);
	r |= text_pool_send(&text_ptx, a_buffer);
	r |= int_pool_send_with(&int_ptx, an_int, &wait);
	r |= int_pool_try_send(&int_ptx, 3);
	int_pool_send_op(&mpmc_op, &int_ptx, &an_int);
	buffer_pool_send_op(&mpmc_op, &buffer_ptx, &a_buffer);
	text_pool_send_op(&mpmc_op, &text_ptx, &a_text);
	r |= int_pool_recv(&int_prx, &an_int);
	r |= text_pool_recv(&text_prx, &a_text);
	r |= int_pool_recv(&int_prx, NULL);
	r |= int_pool_recv_with(&int_prx, &an_int, &wait);
	r |= int_pool_try_recv(&int_prx, &an_int);
	r |= int_pool_recv_many(&int_prx, some_ints, 4);
	r |= int_pool_recv_many_with(&int_prx, some_ints, 4, &wait);
	int_pool_recv_op(&mpmc_op, &int_prx, &an_int);
	int_pool_recv_many_op(&mpmc_op, &int_prx, some_ints, 4);
	int_pool_tx_clone(&int_ptx, &int_ptx2);
	int_pool_rx_clone(&int_prx, &int_prx2);
	int_pool_downgrade(&int_ptx, &int_pweak);
	r |= int_pool_upgrade(&int_pweak, &int_ptx);
	int_pool_weak_drop(&int_pweak);
	int_pool_close(&int_prx);
	int_pool_tx_close(&int_ptx);
	r |= int_pool_closed(&int_ptx);
	int_pool_tx_drop(&int_ptx);
	int_pool_rx_drop(&int_prx);
	return r | (int)chp_mpmc_len(&int_prx.raw);
}
