/*
 * perturb.h - random pauses before the atomic steps of the library, so that
 * others come in between far more often than they would.
 *
 * Included before everything else when configured with CHP_PERTURB: the
 * builtins that base/atomic.h stands on are wrapped.  A pause is a short spin,
 * rarely a yield of the processor, now and then a sleep, so that each step of
 * each protocol is the one before which somebody was preempted.
 */
#ifndef CHAPPE_TESTS_STRESS_PERTURB_H
#define CHAPPE_TESTS_STRESS_PERTURB_H

/* A function of its own, so that no thread-local is kept across a switch. */
void chp__perturb(void);

/* clang-format off */
#define __atomic_load_n(...) \
	(chp__perturb(), __atomic_load_n(__VA_ARGS__))
#define __atomic_store_n(...) \
	(chp__perturb(), __atomic_store_n(__VA_ARGS__))
#define __atomic_exchange_n(...) \
	(chp__perturb(), __atomic_exchange_n(__VA_ARGS__))
#define __atomic_compare_exchange_n(...) \
	(chp__perturb(), __atomic_compare_exchange_n(__VA_ARGS__))
#define __atomic_fetch_add(...) \
	(chp__perturb(), __atomic_fetch_add(__VA_ARGS__))
#define __atomic_fetch_or(...) \
	(chp__perturb(), __atomic_fetch_or(__VA_ARGS__))
#define __atomic_fetch_and(...) \
	(chp__perturb(), __atomic_fetch_and(__VA_ARGS__))
/* clang-format on */

#endif
