/*
 * pool.h - private: what semaphores, mutexes and rwlocks are inside.
 *
 * Nothing to call here; see semaphore.h, mutex.h, rwlock.h.
 */
#ifndef CHAPPE_POOL_H
#define CHAPPE_POOL_H

#include <chappe/op.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CHP__POOL_MAX   (((int64_t)1 << 58) - 1)
#define CHP__POOL_SHIFT 5 /* the count, above the flags */
#define CHP__POOL_FLAGS 31u

struct chp__pool {
	chp_word64 word; /* count, flags, queue lock: src/sync/pool_word.h */
	chp_node *first, *last;
	chp_word queued;
	chp_word passed;
};

/* Taking n from the count once that is at least `need`. */
typedef struct chp__pool_op {
	chp_op op;
	struct chp__pool *pool;
	int64_t n, need;
	chp_node node;
	chp_time overtaken;
	uint32_t policy, reserved;
} chp__pool_op;

#ifdef __cplusplus
}
#endif

#endif
