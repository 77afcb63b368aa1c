/*
 * typed_mpmc.h - the typed channels of many receivers that the files beside it
 * misuse; as typed.h.
 */
#include "typed.h"

CHP_MPMC_DEFINE(int_pool, int);
CHP_MPMC_DEFINE(job_pool, struct job);

extern int_pool_tx int_ptx, int_ptx2;
extern int_pool_rx int_prx, int_prx2;
extern int_pool_weak int_pweak;
extern job_pool_tx job_ptx;
extern job_pool_rx job_prx;
extern chp_mpmc_op mpmc_op;
extern chp_mpmc_tx raw_ptx;
