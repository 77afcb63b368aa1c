/*
 * broadcast_typed.h - broadcast channels of one type, checked by the compiler.
 *
 * CHP_BROADCAST_DEFINE(name, T), at file scope, makes types name_tx, name_rx,
 * name_weak, and wrappers of the broadcast.h calls that take and give T:
 *
 *	CHP_BROADCAST_DEFINE(news, struct item);
 *
 *	news_tx tx;
 *	news_rx rx;
 *	news(16, &tx, &rx);
 *	news_send(&tx, item);
 *	while (news_recv(&rx, &item, NULL) != CHP_ECLOSED) ...
 *
 * CHP_BROADCAST_DEFINE_CLONE(name, T, clone, drop) is for values that own
 * something: int clone(T *to, const T *from), void drop(T *).  What has no
 * wrapper here takes &tx.raw or &rx.raw.
 */
#ifndef CHAPPE_BROADCAST_TYPED_H
#define CHAPPE_BROADCAST_TYPED_H

#include <chappe/broadcast.h>

/* clang-format off */
#define CHP_BROADCAST_DEFINE(name, T) \
	CHP__BROADCAST_TYPED(name, T, NULL)

#define CHP_BROADCAST_DEFINE_CLONE(name, T, clone_, drop_) \
	static inline int name##__clone(void *to, const void *from) \
	{ return clone_((T *)to, (T const *)from); } \
	static inline void name##__drop(void *value) { drop_((T *)value); } \
	static const chp_broadcast_values name##__values = { \
		name##__clone, name##__drop, { NULL, NULL } }; \
	CHP__BROADCAST_TYPED(name, T, &name##__values)

#define CHP__BROADCAST_TYPED(name, T, values) \
	typedef struct name##_tx { chp_broadcast_tx raw; } name##_tx; \
	typedef struct name##_rx { chp_broadcast_rx raw; } name##_rx; \
	typedef struct name##_weak { chp_broadcast_weak raw; } name##_weak; \
	CHP__INLINE int name(size_t capacity, name##_tx *tx, name##_rx *rx) \
	{ return chp_broadcast(capacity, sizeof(T), values, &tx->raw, \
			       &rx->raw); } \
	CHP__INLINE int name##_tx_new(size_t capacity, name##_tx *tx) \
	{ return chp_broadcast_tx_new(capacity, sizeof(T), values, \
				      &tx->raw); } \
	CHP__INLINE int name##_send(name##_tx *tx, T value) \
	{ return chp_broadcast_send(&tx->raw, &value); } \
	CHP__INLINE void name##_tx_clone(const name##_tx *tx, name##_tx *out) \
	{ chp_broadcast_tx_clone(&tx->raw, &out->raw); } \
	CHP__INLINE void name##_tx_drop(name##_tx *tx) \
	{ chp_broadcast_tx_drop(&tx->raw); } \
	CHP__INLINE int name##_closed(name##_tx *tx) \
	{ return chp_broadcast_closed(&tx->raw); } \
	CHP__INLINE void name##_closed_op(chp_broadcast_op *op, \
					  name##_tx *tx) \
	{ chp_broadcast_closed_op(op, &tx->raw); } \
	CHP__INLINE int name##_subscribe(const name##_tx *tx, name##_rx *rx) \
	{ return chp_broadcast_subscribe(&tx->raw, &rx->raw); } \
	CHP__INLINE int name##_subscribe_from_oldest(const name##_tx *tx, \
						     name##_rx *rx) \
	{ return chp_broadcast_subscribe_from_oldest(&tx->raw, &rx->raw); } \
	CHP__INLINE int name##_resubscribe(const name##_rx *rx, \
					   name##_rx *out) \
	{ return chp_broadcast_resubscribe(&rx->raw, &out->raw); } \
	CHP__INLINE void name##_rx_drop(name##_rx *rx) \
	{ chp_broadcast_rx_drop(&rx->raw); } \
	CHP__INLINE int name##_recv(name##_rx *rx, T *out, uint64_t *lagged) \
	{ return chp_broadcast_recv(&rx->raw, out, lagged); } \
	CHP__INLINE int name##_recv_with(name##_rx *rx, T *out, \
					 uint64_t *lagged, const chp_wait *w) \
	{ return chp_broadcast_recv_with(&rx->raw, out, lagged, w); } \
	CHP__INLINE int name##_try_recv(name##_rx *rx, T *out, \
					uint64_t *lagged) \
	{ return chp_broadcast_try_recv(&rx->raw, out, lagged); } \
	CHP__INLINE int name##_recv_many(name##_rx *rx, T *out, size_t limit, \
					 uint64_t *lagged) \
	{ return chp_broadcast_recv_many(&rx->raw, out, limit, lagged); } \
	CHP__INLINE int name##_recv_many_with(name##_rx *rx, T *out, \
					      size_t limit, uint64_t *lagged, \
					      const chp_wait *w) \
	{ return chp_broadcast_recv_many_with(&rx->raw, out, limit, lagged, \
					      w); } \
	CHP__INLINE void name##_recv_op(chp_broadcast_op *op, name##_rx *rx, \
					T *out, uint64_t *lagged) \
	{ chp_broadcast_recv_op(op, &rx->raw, out, lagged); } \
	CHP__INLINE void name##_recv_many_op(chp_broadcast_op *op, \
					     name##_rx *rx, T *out, \
					     size_t limit, uint64_t *lagged) \
	{ chp_broadcast_recv_many_op(op, &rx->raw, out, limit, lagged); } \
	CHP__INLINE void name##_downgrade(const name##_tx *tx, \
					  name##_weak *out) \
	{ chp_broadcast_downgrade(&tx->raw, &out->raw); } \
	CHP__INLINE int name##_upgrade(const name##_weak *weak, \
				       name##_tx *out) \
	{ return chp_broadcast_upgrade(&weak->raw, &out->raw); } \
	CHP__INLINE void name##_weak_clone(const name##_weak *weak, \
					   name##_weak *out) \
	{ chp_broadcast_weak_clone(&weak->raw, &out->raw); } \
	CHP__INLINE void name##_weak_drop(name##_weak *weak) \
	{ chp_broadcast_weak_drop(&weak->raw); } \
	struct name##__needs_a_semicolon
/* clang-format on */

#endif
