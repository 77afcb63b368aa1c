/*
 * oneshot.h - a channel for one value: one sender, one receiver.
 *
 * Sending never waits.  Each half is a handle that one owner at a time uses;
 * dropping a half tells the other.  A handle becomes empty when it is used up:
 * the sender by sending, the receiver by its final result.  Dropping an empty
 * handle does nothing, so that every path may end in a drop.
 *
 *	chp_oneshot_tx tx;
 *	chp_oneshot_rx rx;
 *	chp_oneshot(sizeof(int), NULL, &tx, &rx);
 *	... elsewhere: chp_oneshot_send(&tx, &answer);
 *	int r = chp_oneshot_recv(&rx, &answer);
 *
 * For a type-checked channel: CHP_ONESHOT_DEFINE, at the end.
 *
 * The value is copied in and out as bytes; a pointer to one may be NULL only
 * where that is said, or if the size is 0.  One that is never received goes to
 * the destructor, on the task or thread that drops the receiver.  A send
 * happens before the receive of its value; closing or dropping a half happens
 * before the other half hears of it.
 *
 * Not from signal handlers.  tokio: sync::oneshot.
 */
#ifndef CHAPPE_ONESHOT_H
#define CHAPPE_ONESHOT_H

#include <chappe/op.h>

#ifdef __cplusplus
extern "C" {
#endif

struct chp__oneshot;

typedef struct chp_oneshot_tx {
	struct chp__oneshot *ch; /* private */
} chp_oneshot_tx;

typedef struct chp_oneshot_rx {
	struct chp__oneshot *ch; /* private */
} chp_oneshot_rx;

/*
 * Make a channel for values of `size` bytes (0 is legal: a bare signal).  drop
 * is called on a value that nobody receives; may be NULL.  0, CHP_ENOMEM, or
 * CHP_EINVAL if tx or rx is NULL.
 */
CHP_API int chp_oneshot(size_t size, void (*drop)(void *value),
			chp_oneshot_tx *tx, chp_oneshot_rx *rx);

/*
 * Send; uses up tx, whatever the result.  0: stored, though it may still never
 * be read.  CHP_ECLOSED: the receiver was closed or dropped before; the value
 * stays with the caller.  CHP_EINVAL: tx is empty.  tokio: Sender::send.
 */
CHP_API int chp_oneshot_send(chp_oneshot_tx *tx, const void *value);

/* Give up sending: the receiver gets CHP_ECLOSED. */
CHP_API void chp_oneshot_tx_drop(chp_oneshot_tx *tx);

/* Has the receiver been closed or dropped?  1 for an empty tx. */
CHP_API int chp_oneshot_is_closed(const chp_oneshot_tx *tx);

/*
 * Wait until the receiver is closed or dropped: for select, beside the work
 * that makes the value.  0, CHP_EINVAL if tx is empty, or what ended the wait.
 * One such wait at a time; cancelling the operation loses nothing.
 * tokio: Sender::closed.
 */
CHP_API int chp_oneshot_closed(chp_oneshot_tx *tx);
CHP_API int chp_oneshot_closed_with(chp_oneshot_tx *tx, const chp_wait *w);

/*
 * Wait for the value.  0: *out has it (NULL: it is destroyed).  CHP_ECLOSED:
 * the sender was dropped unsent, or rx was closed with nothing stored.  Both
 * use up rx.  Or what ended the wait, and then nothing is lost.
 * CHP_EINVAL: rx is empty.  tokio: Receiver, await and blocking_recv.
 */
CHP_API int chp_oneshot_recv(chp_oneshot_rx *rx, void *out);
CHP_API int chp_oneshot_recv_with(chp_oneshot_rx *rx, void *out,
				  const chp_wait *w);

/*
 * The value if it is there.  CHP_EAGAIN: not sent yet (never reported once a
 * send has returned); leaves rx.  Else as recv; an empty rx says CHP_ECLOSED.
 */
CHP_API int chp_oneshot_try_recv(chp_oneshot_rx *rx, void *out);

/*
 * Forbid sending from now on.  A value already stored can still be received.
 * Use try_recv after it to learn which came first.  A receive operation that is
 * pending is not woken by it, nor later: poll it again, which gives a result.
 */
CHP_API void chp_oneshot_close(chp_oneshot_rx *rx);

/* Drop the receiver; an unread value is destroyed now. */
CHP_API void chp_oneshot_rx_drop(chp_oneshot_rx *rx);

/* Is no value there to be received now? */
CHP_API int chp_oneshot_is_empty(const chp_oneshot_rx *rx);

/* Has the final result been delivered: is rx used up? */
CHP_API int chp_oneshot_is_terminated(const chp_oneshot_rx *rx);

/* Both waits as operations.  The handle must stay in place meanwhile. */
typedef struct chp_oneshot_op {
	chp_op op;
	void *half;
	void *out;
	void *reserved[2];
} chp_oneshot_op;

CHP_API void chp_oneshot_recv_op(chp_oneshot_op *op, chp_oneshot_rx *rx,
				 void *out);
CHP_API void chp_oneshot_closed_op(chp_oneshot_op *op, chp_oneshot_tx *tx);

/*
 * CHP_ONESHOT_DEFINE(name, T) makes types name_tx and name_rx and wrappers
 * name(), name_send(), name_recv(), ... for values of type T, so that a wrong
 * type does not compile.  CHP_ONESHOT_DEFINE_DROP(name, T, drop) takes a
 * destructor, void drop(T *).  Use it at file scope.  What has no wrapper here
 * takes &tx.raw or &rx.raw.
 */
/* clang-format off */
#define CHP_ONESHOT_DEFINE(name, T) \
	CHP__ONESHOT_TYPED(name, T, NULL)

#define CHP_ONESHOT_DEFINE_DROP(name, T, drop) \
	static inline void name##__drop(void *value) { drop((T *)value); } \
	CHP__ONESHOT_TYPED(name, T, name##__drop)

#define CHP__ONESHOT_TYPED(name, T, dropper) \
	typedef struct name##_tx { chp_oneshot_tx raw; } name##_tx; \
	typedef struct name##_rx { chp_oneshot_rx raw; } name##_rx; \
	CHP__INLINE int \
	name(name##_tx *tx, name##_rx *rx) \
	{ return chp_oneshot(sizeof(T), dropper, &tx->raw, &rx->raw); } \
	CHP__INLINE int \
	name##_send(name##_tx *tx, T value) \
	{ return chp_oneshot_send(&tx->raw, &value); } \
	CHP__INLINE int \
	name##_recv(name##_rx *rx, T *out) \
	{ return chp_oneshot_recv(&rx->raw, out); } \
	CHP__INLINE int \
	name##_recv_with(name##_rx *rx, T *out, const chp_wait *w) \
	{ return chp_oneshot_recv_with(&rx->raw, out, w); } \
	CHP__INLINE int \
	name##_try_recv(name##_rx *rx, T *out) \
	{ return chp_oneshot_try_recv(&rx->raw, out); } \
	CHP__INLINE void \
	name##_close(name##_rx *rx) \
	{ chp_oneshot_close(&rx->raw); } \
	CHP__INLINE int \
	name##_closed(name##_tx *tx) \
	{ return chp_oneshot_closed(&tx->raw); } \
	CHP__INLINE int \
	name##_closed_with(name##_tx *tx, const chp_wait *w) \
	{ return chp_oneshot_closed_with(&tx->raw, w); } \
	CHP__INLINE void \
	name##_closed_op(chp_oneshot_op *op, name##_tx *tx) \
	{ chp_oneshot_closed_op(op, &tx->raw); } \
	CHP__INLINE int \
	name##_is_closed(const name##_tx *tx) \
	{ return chp_oneshot_is_closed(&tx->raw); } \
	CHP__INLINE void \
	name##_recv_op(chp_oneshot_op *op, name##_rx *rx, T *out) \
	{ chp_oneshot_recv_op(op, &rx->raw, out); } \
	CHP__INLINE void \
	name##_tx_drop(name##_tx *tx) \
	{ chp_oneshot_tx_drop(&tx->raw); } \
	CHP__INLINE void \
	name##_rx_drop(name##_rx *rx) \
	{ chp_oneshot_rx_drop(&rx->raw); } \
	struct name##__needs_a_semicolon
/* clang-format on */

#ifdef __cplusplus
}
#endif

#endif
