/*
 * mpmc_typed.h - channels of many receivers of one type, checked by the
 * compiler.
 *
 * CHP_MPMC_DEFINE(name, T), at file scope, makes types
 *
 *	name_tx, name_rx, name_weak
 *
 * and wrappers of the mpmc.h calls that take and give T:
 *
 *	CHP_MPMC_DEFINE(jobs, struct job);
 *
 *	jobs_tx tx;
 *	jobs_rx rx;
 *	jobs_bounded(100, &tx, &rx);
 *	jobs_send(&tx, job);
 *	while (jobs_recv(&rx, &job) == 0) ...
 *
 * CHP_MPMC_DEFINE_DROP(name, T, drop) takes a destructor, void drop(T *), for
 * values that nobody receives.  What has no wrapper here takes &tx.raw.
 */
#ifndef CHAPPE_MPMC_TYPED_H
#define CHAPPE_MPMC_TYPED_H

#include <chappe/mpmc.h>

/* clang-format off */
#define CHP_MPMC_DEFINE(name, T) \
	CHP__MPMC_TYPED(name, T, NULL)

#define CHP_MPMC_DEFINE_DROP(name, T, drop) \
	static inline void name##__drop(void *value) { drop((T *)value); } \
	CHP__MPMC_TYPED(name, T, name##__drop)

#define CHP__MPMC_TYPED(name, T, dropper) \
	typedef struct name##_tx { chp_mpmc_tx raw; } name##_tx; \
	typedef struct name##_rx { chp_mpmc_rx raw; } name##_rx; \
	typedef struct name##_weak { chp_mpmc_weak raw; } name##_weak; \
	CHP__INLINE int name##_bounded(size_t capacity, name##_tx *tx, \
				       name##_rx *rx) \
	{ return chp_mpmc_bounded(capacity, sizeof(T), dropper, &tx->raw, \
				  &rx->raw); } \
	CHP__INLINE int name##_unbounded(name##_tx *tx, name##_rx *rx) \
	{ return chp_mpmc_unbounded(sizeof(T), dropper, &tx->raw, \
				    &rx->raw); } \
	CHP__INLINE int name##_send(name##_tx *tx, T value) \
	{ return chp_mpmc_send(&tx->raw, &value); } \
	CHP__INLINE int name##_send_with(name##_tx *tx, T value, \
					 const chp_wait *w) \
	{ return chp_mpmc_send_with(&tx->raw, &value, w); } \
	CHP__INLINE int name##_try_send(name##_tx *tx, T value) \
	{ return chp_mpmc_try_send(&tx->raw, &value); } \
	CHP__INLINE void name##_send_op(chp_mpmc_op *op, \
					const name##_tx *tx, T const *value) \
	{ chp_mpmc_send_op(op, &tx->raw, value); } \
	CHP__INLINE int name##_recv(name##_rx *rx, T *out) \
	{ return chp_mpmc_recv(&rx->raw, out); } \
	CHP__INLINE int name##_recv_with(name##_rx *rx, T *out, \
					 const chp_wait *w) \
	{ return chp_mpmc_recv_with(&rx->raw, out, w); } \
	CHP__INLINE int name##_try_recv(name##_rx *rx, T *out) \
	{ return chp_mpmc_try_recv(&rx->raw, out); } \
	CHP__INLINE int name##_recv_many(name##_rx *rx, T *out, size_t limit) \
	{ return chp_mpmc_recv_many(&rx->raw, out, limit); } \
	CHP__INLINE int name##_recv_many_with(name##_rx *rx, T *out, \
					      size_t limit, \
					      const chp_wait *w) \
	{ return chp_mpmc_recv_many_with(&rx->raw, out, limit, w); } \
	CHP__INLINE void name##_recv_op(chp_mpmc_op *op, \
					const name##_rx *rx, T *out) \
	{ chp_mpmc_recv_op(op, &rx->raw, out); } \
	CHP__INLINE void name##_recv_many_op(chp_mpmc_op *op, \
					     const name##_rx *rx, T *out, \
					     size_t limit) \
	{ chp_mpmc_recv_many_op(op, &rx->raw, out, limit); } \
	CHP__INLINE void name##_tx_clone(const name##_tx *tx, name##_tx *out) \
	{ chp_mpmc_tx_clone(&tx->raw, &out->raw); } \
	CHP__INLINE void name##_rx_clone(const name##_rx *rx, name##_rx *out) \
	{ chp_mpmc_rx_clone(&rx->raw, &out->raw); } \
	CHP__INLINE void name##_tx_drop(name##_tx *tx) \
	{ chp_mpmc_tx_drop(&tx->raw); } \
	CHP__INLINE void name##_rx_drop(name##_rx *rx) \
	{ chp_mpmc_rx_drop(&rx->raw); } \
	CHP__INLINE void name##_close(name##_rx *rx) \
	{ chp_mpmc_close(&rx->raw); } \
	CHP__INLINE void name##_tx_close(name##_tx *tx) \
	{ chp_mpmc_tx_close(&tx->raw); } \
	CHP__INLINE int name##_closed(name##_tx *tx) \
	{ return chp_mpmc_closed(&tx->raw); } \
	CHP__INLINE void name##_closed_op(chp_once_op *op, \
					  const name##_tx *tx) \
	{ chp_mpmc_closed_op(op, &tx->raw); } \
	CHP__INLINE void name##_downgrade(const name##_tx *tx, \
					  name##_weak *out) \
	{ chp_mpmc_downgrade(&tx->raw, &out->raw); } \
	CHP__INLINE int name##_upgrade(const name##_weak *weak, \
				       name##_tx *out) \
	{ return chp_mpmc_upgrade(&weak->raw, &out->raw); } \
	CHP__INLINE void name##_weak_clone(const name##_weak *weak, \
					   name##_weak *out) \
	{ chp_mpmc_weak_clone(&weak->raw, &out->raw); } \
	CHP__INLINE void name##_weak_drop(name##_weak *weak) \
	{ chp_mpmc_weak_drop(&weak->raw); } \
	struct name##__needs_a_semicolon
/* clang-format on */

#endif
