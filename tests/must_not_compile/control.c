/*
 * control.c - the right use of every wrapper: this one must compile, with the
 * same flags that reject the files beside it.
 */
#include "typed.h"

extern void drop_int(int *value);
extern void drop_job(struct job *job);

CHP_MPSC_DEFINE_DROP(dropped_jobs, struct job, drop_job);
CHP_ONESHOT_DEFINE_DROP(dropped_ints, int, drop_int);

extern int clone_job(struct job *to, const struct job *from);

CHP_BROADCAST_DEFINE_CLONE(cloned_jobs, struct job, clone_job, drop_job);

extern dropped_jobs_tx dropped_tx;
extern dropped_jobs_rx dropped_rx;
extern dropped_ints_tx dropped_otx;
extern dropped_ints_rx dropped_orx;

int channels(void);
int oneshots(void);
int broadcasts(void);

int channels(void)
{
	int r = 0;

	r |= ints_bounded(4, &int_tx, &int_rx);
	r |= jobs_unbounded(&job_tx, &job_rx);
	r |= dropped_jobs_bounded(4, &dropped_tx, &dropped_rx);
	r |= ints_send(&int_tx, an_int);
	r |= ints_send(&int_tx, 'x');
	r |= jobs_send(&job_tx, a_job);
	r |= jobs_send(&job_tx, (struct job){ 1, &a_job });
	r |= texts_send(&text_tx, a_buffer);
	r |= ints_send_with(&int_tx, 2, &wait);
	r |= ints_try_send(&int_tx, 3);
	ints_send_op(&send_op, &int_tx, &an_int);
	r |= ints_recv(&int_rx, &an_int);
	r |= ints_recv(&int_rx, NULL);
	r |= texts_recv(&text_rx, &a_text);
	r |= ints_recv_with(&int_rx, &an_int, &wait);
	r |= ints_try_recv(&int_rx, &an_int);
	r |= ints_recv_many(&int_rx, some_ints, 4);
	ints_recv_op(&recv_op, &int_rx, &an_int);
	ints_tx_clone(&int_tx, &int_tx);
	ints_downgrade(&int_tx, &int_weak);
	r |= ints_upgrade(&int_weak, &int_tx);
	ints_weak_drop(&int_weak);
	r |= jobs_reserve(&job_tx, &job_permit);
	r |= jobs_permit_send(&job_permit, a_job);
	jobs_permit_drop(&job_permit);
	r |= jobs_reserve_owned(&job_tx, &job_owned);
	r |= jobs_owned_permit_send(&job_owned, a_job, NULL);
	ints_close(&int_rx);
	ints_tx_drop(&int_tx);
	ints_rx_drop(&int_rx);
	return r | (int)chp_mpsc_len(&int_rx.raw);
}

int oneshots(void)
{
	int r = 0;

	r |= int_once(&int_otx, &int_orx);
	r |= dropped_ints(&dropped_otx, &dropped_orx);
	r |= int_once_send(&int_otx, an_int);
	r |= job_once_send(&job_otx, a_job);
	r |= int_once_recv(&int_orx, &an_int);
	r |= int_once_recv_with(&int_orx, &an_int, &wait);
	r |= int_once_try_recv(&int_orx, NULL);
	int_once_recv_op(&oneshot_op, &int_orx, &an_int);
	int_once_tx_drop(&int_otx);
	int_once_rx_drop(&int_orx);
	return r;
}

int broadcasts(void)
{
	static cloned_jobs_tx cloned_btx;
	static cloned_jobs_rx cloned_brx;
	int r = 0;

	r |= int_news(4, &int_btx, &int_brx);
	r |= cloned_jobs(4, &cloned_btx, &cloned_brx);
	r |= job_news_tx_new(4, &job_btx);
	r |= int_news_send(&int_btx, an_int);
	r |= job_news_send(&job_btx, a_job);
	r |= int_news_subscribe(&int_btx, &int_brx);
	r |= int_news_subscribe_from_oldest(&int_btx, &int_brx);
	r |= int_news_resubscribe(&int_brx, &int_brx);
	r |= int_news_recv(&int_brx, &an_int, &lost);
	r |= int_news_recv_with(&int_brx, &an_int, NULL, &wait);
	r |= int_news_try_recv(&int_brx, NULL, NULL);
	r |= int_news_recv_many(&int_brx, some_ints, 4, &lost);
	int_news_recv_op(&broadcast_op, &int_brx, &an_int, &lost);
	int_news_recv_many_op(&broadcast_op, &int_brx, some_ints, 4, NULL);
	int_news_closed_op(&broadcast_op, &int_btx);
	r |= int_news_closed(&int_btx);
	int_news_tx_clone(&int_btx, &int_btx);
	int_news_downgrade(&int_btx, &int_bweak);
	r |= int_news_upgrade(&int_bweak, &int_btx);
	int_news_weak_drop(&int_bweak);
	int_news_tx_drop(&int_btx);
	int_news_rx_drop(&int_brx);
	return r | (int)chp_broadcast_len(&int_brx.raw);
}
