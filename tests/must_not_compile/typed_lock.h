/*
 * typed_lock.h - the typed mutexes and rwlocks that the files beside it misuse.
 */
#include "typed.h"

CHP_MUTEX_DEFINE(safe_int, int);
CHP_MUTEX_DEFINE(safe_job, struct job);
CHP_RWLOCK_DEFINE(shared_int, int);
CHP_RWLOCK_DEFINE(shared_job, struct job);

extern safe_int int_mutex;
extern safe_job job_mutex;
extern shared_int int_rwlock;
extern shared_job job_rwlock;
extern chp_mutex raw_mutex;
extern chp_rwlock raw_rwlock;

extern int *int_way;
extern const int *int_view;
extern long *long_way;
extern struct job *job_way;
extern const struct job *job_view;
extern struct other_job *other_way;
