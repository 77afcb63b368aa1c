/*
 * typed.h - the typed channels that the files beside it misuse.  Nothing is
 * ever linked, so the objects need no definition.
 *
 * MISUSE(wrong, right): each file compiles with -DFIXED, where `right` stands
 * for `wrong`; so it is the misuse that the compiler rejects, nothing else.
 */
#include <chappe/chappe.h>

struct job {
	int id;
	void *arg;
};

typedef const char *text;

struct other_job {
	int id;
	void *arg;
};

CHP_MPSC_DEFINE(ints, int);
CHP_MPSC_DEFINE(jobs, struct job);
CHP_MPSC_DEFINE(texts, text);
CHP_ONESHOT_DEFINE(int_once, int);
CHP_ONESHOT_DEFINE(job_once, struct job);
CHP_BROADCAST_DEFINE(int_news, int);
CHP_BROADCAST_DEFINE(job_news, struct job);

extern ints_tx int_tx;
extern ints_rx int_rx;
extern ints_weak int_weak;
extern ints_permit int_permit;
extern ints_owned_permit int_owned;
extern jobs_tx job_tx;
extern jobs_rx job_rx;
extern jobs_weak job_weak;
extern jobs_permit job_permit;
extern jobs_owned_permit job_owned;
extern texts_tx text_tx;
extern texts_rx text_rx;
extern int_once_tx int_otx;
extern int_once_rx int_orx;
extern job_once_tx job_otx;
extern job_once_rx job_orx;
extern int_news_tx int_btx;
extern int_news_rx int_brx;
extern int_news_weak int_bweak;
extern job_news_tx job_btx;
extern job_news_rx job_brx;

extern chp_mpsc_tx raw_tx;
extern chp_send_op send_op;
extern chp_recv_op recv_op;
extern chp_oneshot_op oneshot_op;
extern chp_broadcast_op broadcast_op;
extern chp_wait wait;

extern int an_int, some_ints[4];
extern uint64_t lost;
extern long a_long, some_longs[4];
extern const char *a_text;
extern char *a_buffer;
extern struct job a_job;
extern struct other_job another_job;

#ifdef FIXED
#define MISUSE(wrong, right) right
#else
#define MISUSE(wrong, right) wrong
#endif
