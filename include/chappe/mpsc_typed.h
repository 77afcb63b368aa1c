/*
 * mpsc_typed.h - channels of one type, checked by the compiler.
 *
 * CHP_MPSC_DEFINE(name, T), at file scope, makes types
 *
 *	name_tx, name_rx, name_weak, name_permit, name_owned_permit
 *
 * and wrappers of the mpsc.h and mpsc_permit.h calls that take and give T:
 *
 *	CHP_MPSC_DEFINE(jobs, struct job);
 *
 *	jobs_tx tx;
 *	jobs_rx rx;
 *	jobs_bounded(100, &tx, &rx);
 *	jobs_send(&tx, job);
 *	while (jobs_recv(&rx, &job) == 0) ...
 *
 * CHP_MPSC_DEFINE_DROP(name, T, drop) takes a destructor, void drop(T *), for
 * values that nobody receives.  What has no wrapper here takes &tx.raw.
 */
#ifndef CHAPPE_MPSC_TYPED_H
#define CHAPPE_MPSC_TYPED_H

#include <chappe/mpsc_permit.h>

/* clang-format off */
#define CHP_MPSC_DEFINE(name, T) \
	CHP__MPSC_TYPED(name, T, NULL)

#define CHP_MPSC_DEFINE_DROP(name, T, drop) \
	static inline void name##__drop(void *value) { drop((T *)value); } \
	CHP__MPSC_TYPED(name, T, name##__drop)

#define CHP__MPSC_TYPED(name, T, dropper) \
	typedef struct name##_tx { chp_mpsc_tx raw; } name##_tx; \
	typedef struct name##_rx { chp_mpsc_rx raw; } name##_rx; \
	typedef struct name##_weak { chp_mpsc_weak raw; } name##_weak; \
	typedef struct name##_permit { chp_mpsc_permit raw; } name##_permit; \
	typedef struct name##_owned_permit { \
		chp_mpsc_owned_permit raw; \
	} name##_owned_permit; \
	CHP__INLINE int name##_bounded(size_t capacity, name##_tx *tx, \
				       name##_rx *rx) \
	{ return chp_mpsc_bounded(capacity, sizeof(T), dropper, &tx->raw, \
				  &rx->raw); } \
	CHP__INLINE int name##_unbounded(name##_tx *tx, name##_rx *rx) \
	{ return chp_mpsc_unbounded(sizeof(T), dropper, &tx->raw, \
				    &rx->raw); } \
	CHP__INLINE int name##_send(name##_tx *tx, T value) \
	{ return chp_mpsc_send(&tx->raw, &value); } \
	CHP__INLINE int name##_send_with(name##_tx *tx, T value, \
					 const chp_wait *w) \
	{ return chp_mpsc_send_with(&tx->raw, &value, w); } \
	CHP__INLINE int name##_try_send(name##_tx *tx, T value) \
	{ return chp_mpsc_try_send(&tx->raw, &value); } \
	CHP__INLINE void name##_send_op(chp_send_op *op, name##_tx *tx, \
					T const *value) \
	{ chp_mpsc_send_op(op, &tx->raw, value); } \
	CHP__INLINE int name##_recv(name##_rx *rx, T *out) \
	{ return chp_mpsc_recv(&rx->raw, out); } \
	CHP__INLINE int name##_recv_with(name##_rx *rx, T *out, \
					 const chp_wait *w) \
	{ return chp_mpsc_recv_with(&rx->raw, out, w); } \
	CHP__INLINE int name##_try_recv(name##_rx *rx, T *out) \
	{ return chp_mpsc_try_recv(&rx->raw, out); } \
	CHP__INLINE int name##_recv_many(name##_rx *rx, T *out, size_t limit) \
	{ return chp_mpsc_recv_many(&rx->raw, out, limit); } \
	CHP__INLINE int name##_recv_many_with(name##_rx *rx, T *out, \
					      size_t limit, \
					      const chp_wait *w) \
	{ return chp_mpsc_recv_many_with(&rx->raw, out, limit, w); } \
	CHP__INLINE void name##_recv_op(chp_recv_op *op, name##_rx *rx, \
					T *out) \
	{ chp_mpsc_recv_op(op, &rx->raw, out); } \
	CHP__INLINE void name##_recv_many_op(chp_recv_op *op, name##_rx *rx, \
					     T *out, size_t limit) \
	{ chp_mpsc_recv_many_op(op, &rx->raw, out, limit); } \
	CHP__INLINE void name##_tx_clone(const name##_tx *tx, name##_tx *out) \
	{ chp_mpsc_tx_clone(&tx->raw, &out->raw); } \
	CHP__INLINE void name##_tx_drop(name##_tx *tx) \
	{ chp_mpsc_tx_drop(&tx->raw); } \
	CHP__INLINE void name##_close(name##_rx *rx) \
	{ chp_mpsc_close(&rx->raw); } \
	CHP__INLINE void name##_rx_drop(name##_rx *rx) \
	{ chp_mpsc_rx_drop(&rx->raw); } \
	CHP__INLINE int name##_closed(name##_tx *tx) \
	{ return chp_mpsc_closed(&tx->raw); } \
	CHP__INLINE void name##_closed_op(chp_closed_op *op, name##_tx *tx) \
	{ chp_mpsc_closed_op(op, &tx->raw); } \
	CHP__INLINE void name##_downgrade(const name##_tx *tx, \
					  name##_weak *out) \
	{ chp_mpsc_downgrade(&tx->raw, &out->raw); } \
	CHP__INLINE int name##_upgrade(const name##_weak *weak, \
				       name##_tx *out) \
	{ return chp_mpsc_upgrade(&weak->raw, &out->raw); } \
	CHP__INLINE void name##_weak_clone(const name##_weak *weak, \
					   name##_weak *out) \
	{ chp_mpsc_weak_clone(&weak->raw, &out->raw); } \
	CHP__INLINE void name##_weak_drop(name##_weak *weak) \
	{ chp_mpsc_weak_drop(&weak->raw); } \
	CHP__MPSC_PERMITS(name, T) \
	CHP__MPSC_OWNED_PERMITS(name, T) \
	struct name##__needs_a_semicolon

#define CHP__MPSC_PERMITS(name, T) \
	CHP__INLINE int name##_reserve(name##_tx *tx, name##_permit *permit) \
	{ return chp_mpsc_reserve(&tx->raw, &permit->raw); } \
	CHP__INLINE int name##_reserve_with(name##_tx *tx, \
					    name##_permit *permit, \
					    const chp_wait *w) \
	{ return chp_mpsc_reserve_with(&tx->raw, &permit->raw, w); } \
	CHP__INLINE int name##_reserve_many(name##_tx *tx, size_t n, \
					    name##_permit *permit) \
	{ return chp_mpsc_reserve_many(&tx->raw, n, &permit->raw); } \
	CHP__INLINE int name##_try_reserve(name##_tx *tx, \
					   name##_permit *permit) \
	{ return chp_mpsc_try_reserve(&tx->raw, &permit->raw); } \
	CHP__INLINE void name##_reserve_op(chp_send_op *op, name##_tx *tx, \
					   name##_permit *permit) \
	{ chp_mpsc_reserve_op(op, &tx->raw, &permit->raw); } \
	CHP__INLINE int name##_permit_send(name##_permit *permit, T value) \
	{ return chp_mpsc_permit_send(&permit->raw, &value); } \
	CHP__INLINE void name##_permit_drop(name##_permit *permit) \
	{ chp_mpsc_permit_drop(&permit->raw); }

#define CHP__MPSC_OWNED_PERMITS(name, T) \
	CHP__INLINE int name##_reserve_owned(name##_tx *tx, \
					     name##_owned_permit *permit) \
	{ return chp_mpsc_reserve_owned(&tx->raw, &permit->raw); } \
	CHP__INLINE int name##_reserve_owned_with(name##_tx *tx, \
		name##_owned_permit *permit, const chp_wait *w) \
	{ return chp_mpsc_reserve_owned_with(&tx->raw, &permit->raw, w); } \
	CHP__INLINE int name##_try_reserve_owned(name##_tx *tx, \
						 name##_owned_permit *permit) \
	{ return chp_mpsc_try_reserve_owned(&tx->raw, &permit->raw); } \
	CHP__INLINE void name##_reserve_owned_op(chp_reserve_owned_op *op, \
		name##_tx *tx, name##_owned_permit *permit) \
	{ chp_mpsc_reserve_owned_op(op, &tx->raw, &permit->raw); } \
	CHP__INLINE int name##_owned_permit_send(name##_owned_permit *permit, \
						 T value, name##_tx *tx) \
	{ return chp_mpsc_owned_permit_send(&permit->raw, &value, \
					    tx ? &tx->raw : NULL); } \
	CHP__INLINE void name##_owned_permit_release( \
		name##_owned_permit *permit, name##_tx *tx) \
	{ chp_mpsc_owned_permit_release(&permit->raw, \
					tx ? &tx->raw : NULL); }
/* clang-format on */

#endif
