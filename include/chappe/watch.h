/*
 * watch.h - a channel that holds one value, the latest: many senders replace
 * it, many receivers look at it and wait for it to change.
 *
 * There is always a value, from the start on.  Only the latest is kept: a
 * receiver that is slow misses those in between, and never delays a sender.
 * Equal values count as changes.
 *
 *	chp_watch_tx tx;
 *	chp_watch_rx rx;
 *	chp_watch_ref config;
 *	chp_watch(sizeof(struct config), NULL, &first, &tx, &rx);
 *	... elsewhere: chp_watch_send(&tx, &newer);
 *	while (chp_watch_changed(&rx) == 0) {
 *		chp_watch_borrow_and_update(&rx, &config);
 *		apply(config.value);
 *		chp_watch_ref_release(&config);
 *	}
 *
 * For a type-checked channel see watch_typed.h.
 *
 * Handles.  Clone them, drop each once, and not while it is in use.  A receiver
 * remembers what it has seen, so one owner at a time uses it; a sender may be
 * used by several at once.  With the last sender the channel is closed; the
 * value stays readable.  Without receivers it is closed for senders, until one
 * subscribes.  All-zero handles and refs are empty: using one is CHP_EINVAL if
 * no other answer is said, dropping or releasing it does nothing.
 *
 * Borrowing gives a counted snapshot, not a lock: a ref may be held as long as
 * one likes, across waits, by another task or thread, with others of the same
 * channel, and after all handles are gone.  It delays nobody; only its memory
 * stays.  What it shows never changes.  Whatever fills a ref overwrites it:
 * release it before.
 *
 * Values are copied in as bytes.  A send that fails leaves the value with the
 * caller.  One that was replaced is destroyed as soon as nobody borrows it, by
 * whom that happens.  A pointer to a value may be NULL only where so said, or if
 * the size is 0.
 *
 * Callbacks (clone, drop, predicates, modifying functions) run with no lock
 * held, and may use the channel, but for what is said at send_modify; not to be
 * left by longjmp or an exception.  Only a modifying function may wait.
 *
 * Memory: a change happens before each borrow, changed or wait_for that sees
 * it or a later one; dropping the last sender, or receiver, before the other
 * side hears of it.  Not from signal handlers.  tokio: sync::watch; what has the
 * name of a method there does what it does, but for Ref, which is a lock.
 */
#ifndef CHAPPE_WATCH_H
#define CHAPPE_WATCH_H

#include <chappe/op.h>

#ifdef __cplusplus
extern "C" {
#endif

struct chp__watch;
struct chp__watch_cell;

typedef struct chp_watch_tx {
	struct chp__watch *ch; /* private; NULL: an empty handle */
} chp_watch_tx;

typedef struct chp_watch_rx {
	struct chp__watch *ch;
	uint64_t seen; /* private */
} chp_watch_rx;

/* A borrowed value.  Copying the struct does not count: release one copy. */
typedef struct chp_watch_ref {
	const void *value;            /* read it; NULL: an empty ref */
	struct chp__watch_cell *cell; /* private */
	uint32_t changed;             /* private */
	void *reserved[1];
} chp_watch_ref;

/* What values need beyond their bytes; either may be NULL.  clone makes *to, raw
   memory, a copy of *from: 0, or a negative code, which the call returns that
   needed the copy; *to is then forgotten. */
typedef struct chp_watch_values {
	int (*clone)(void *to, const void *from);
	void (*drop)(void *value);
	void *reserved[2];
} chp_watch_values;

/* ---- Making ---- */

/*
 * A channel of values of `size` bytes (0 is legal: bare news) that holds
 * *initial (NULL: all-zero bytes).  values NULL: plain bytes.  The receiver has
 * seen that value; tx_new makes none.  0, CHP_ENOMEM, or CHP_EINVAL if tx or rx
 * is NULL; then the value stays the caller's.  tokio: channel, new, Default.
 */
CHP_API int chp_watch(size_t size, const chp_watch_values *values,
		      const void *initial, chp_watch_tx *tx, chp_watch_rx *rx);
CHP_API int chp_watch_tx_new(size_t size, const chp_watch_values *values,
			     const void *initial, chp_watch_tx *tx);

/* ---- Sending: always tells all receivers, but for send_if_modified ---- */

/*
 * Replace the value; never waits.  0; CHP_ECLOSED: no receiver, and nothing was
 * stored; CHP_ENOMEM, which comes only while replaced values are borrowed, or
 * from the first sends.
 */
CHP_API int chp_watch_send(const chp_watch_tx *tx, const void *value);

/*
 * Replace the value even if there is no receiver.  The old one goes to *old,
 * to be released; NULL: to the destructor.  0, CHP_ENOMEM.  With old, it waits
 * while another sender's modifying function runs, as send_modify does.
 */
CHP_API int chp_watch_send_replace(const chp_watch_tx *tx, const void *value,
				   chp_watch_ref *old);

/*
 * Change the value in place: f gets a copy (by clone) which then replaces the
 * value, so nobody sees half a change.  Receivers need not exist.
 * send_if_modified tells receivers only if f returned non-zero, and returns 1
 * then, else 0; what f did is visible to later borrows in either case.
 *
 * 0 or 1; CHP_ENOMEM or what clone returned, and f was not called; CHP_EINVAL
 * also for f NULL, or if values have a destructor but no clone.
 *
 * f is called once.  Such functions of one channel run one at a time, in the
 * order of the calls; others wait meanwhile, uninterruptibly, as a task or a
 * thread does; so do not call these from a waker.  A send meanwhile does not
 * wait: it counts as the later change, and what f makes is never seen.  f, and
 * clone, must not call these, or send_replace with old, on their own channel.
 */
CHP_API int chp_watch_send_modify(const chp_watch_tx *tx,
				  void (*f)(void *value, void *arg), void *arg);
CHP_API int chp_watch_send_if_modified(const chp_watch_tx *tx,
				       int (*f)(void *value, void *arg),
				       void *arg);

/* Borrow the value.  0. */
CHP_API int chp_watch_tx_borrow(const chp_watch_tx *tx, chp_watch_ref *ref);

/* A receiver that has seen the present value; re-opens.  Empty tx: empty. */
CHP_API void chp_watch_subscribe(const chp_watch_tx *tx, chp_watch_rx *out);

/* Is there no receiver?  1 for an empty tx. */
CHP_API int chp_watch_is_closed(const chp_watch_tx *tx);

/*
 * Wait for that.  0, or what ended the wait.  Any number wait; one that hears
 * of it only after somebody has subscribed again waits on.
 */
CHP_API int chp_watch_closed(const chp_watch_tx *tx);
CHP_API int chp_watch_closed_with(const chp_watch_tx *tx, const chp_wait *w);

CHP_API size_t chp_watch_receiver_count(const chp_watch_tx *tx);
CHP_API size_t chp_watch_sender_count(const chp_watch_tx *tx);

/* A clone of an empty handle is one. */
CHP_API int chp_watch_same_channel(const chp_watch_tx *a,
				   const chp_watch_tx *b);
CHP_API void chp_watch_tx_clone(const chp_watch_tx *tx, chp_watch_tx *out);
CHP_API void chp_watch_tx_drop(chp_watch_tx *tx);

/* ---- Looking ---- */

/*
 * Borrow the latest value, closed or not.  _and_update marks it seen, in the
 * same moment.  0.
 */
CHP_API int chp_watch_borrow(const chp_watch_rx *rx, chp_watch_ref *ref);
CHP_API int chp_watch_borrow_and_update(chp_watch_rx *rx, chp_watch_ref *ref);
CHP_API void chp_watch_ref_release(chp_watch_ref *ref);

/* Had the receiver not seen it when it borrowed?  0 for a sender's. */
CHP_API int chp_watch_ref_has_changed(const chp_watch_ref *ref);

/*
 * Copy the latest value out: a clone, which is the caller's, or its bytes.  0;
 * what clone returned, and nothing was marked; CHP_EINVAL if values have a
 * destructor but no clone: borrow them.
 */
CHP_API int chp_watch_get(const chp_watch_rx *rx, void *out);
CHP_API int chp_watch_get_and_update(chp_watch_rx *rx, void *out);

/*
 * Is the latest value unseen: 1 or 0.  CHP_ECLOSED iff all senders are gone,
 * also while the value is unseen.
 */
CHP_API int chp_watch_has_changed(const chp_watch_rx *rx);

/* Take the value for unseen, also after closing; for seen, without looking. */
CHP_API void chp_watch_mark_changed(chp_watch_rx *rx);
CHP_API void chp_watch_mark_unchanged(chp_watch_rx *rx);

/* ---- Waiting ---- */

/*
 * Wait for an unseen value and mark it seen.  0; CHP_ECLOSED: all senders are
 * gone and the value is seen; or what ended the wait, and nothing was marked.
 */
CHP_API int chp_watch_changed(chp_watch_rx *rx);
CHP_API int chp_watch_changed_with(chp_watch_rx *rx, const chp_wait *w);

/*
 * Wait for a value for which pred(value, arg) is not 0, and borrow it into *ref
 * (NULL: do not).  The present value is tried first, seen or not, then each
 * unseen one; all that were tried are marked seen.  0; CHP_ECLOSED: all senders
 * are gone and the last value was refused; CHP_EINVAL also for pred NULL; or
 * what ended the wait: nothing is lost by it, as what was seen was refused.
 */
CHP_API int chp_watch_wait_for(chp_watch_rx *rx,
			       int (*pred)(const void *value, void *arg),
			       void *arg, chp_watch_ref *ref);
CHP_API int chp_watch_wait_for_with(chp_watch_rx *rx,
				    int (*pred)(const void *value, void *arg),
				    void *arg, chp_watch_ref *ref,
				    const chp_wait *w);

/*
 * The three waits as operations.  The handle must stay in place meanwhile, and
 * must not be dropped.  Cancelling loses nothing: what is seen was refused.
 */
typedef struct chp_watch_op {
	chp_op op;
	const chp_watch_tx *tx;
	chp_watch_rx *rx;
	chp_watch_ref *ref;
	int (*pred)(const void *value, void *arg);
	void *arg;
	chp_node node;
	void *reserved[2];
} chp_watch_op;

CHP_API void chp_watch_closed_op(chp_watch_op *op, const chp_watch_tx *tx);
CHP_API void chp_watch_changed_op(chp_watch_op *op, chp_watch_rx *rx);
CHP_API void chp_watch_wait_for_op(chp_watch_op *op, chp_watch_rx *rx,
				   int (*pred)(const void *value, void *arg),
				   void *arg, chp_watch_ref *ref);

/* The clone has seen what rx has seen. */
CHP_API int chp_watch_rx_same_channel(const chp_watch_rx *a,
				      const chp_watch_rx *b);
CHP_API void chp_watch_rx_clone(const chp_watch_rx *rx, chp_watch_rx *out);
CHP_API void chp_watch_rx_drop(chp_watch_rx *rx);

#ifdef __cplusplus
}
#endif

#endif
