/*
 * watch_typed.h - watch channels of one type, checked by the compiler.
 *
 * CHP_WATCH_DEFINE(name, T), at file scope, makes types
 *
 *	name_tx, name_rx, name_ref
 *
 * and wrappers of the watch.h calls that take and give T:
 *
 *	CHP_WATCH_DEFINE(limits, struct limit);
 *
 *	limits_tx tx;
 *	limits_rx rx;
 *	limits_ref ref;
 *	limits(first, &tx, &rx);
 *	... elsewhere: limits_send(&tx, another);
 *	while (limits_changed(&rx) == 0) {
 *		limits_borrow_and_update(&rx, &ref);
 *		use(limits_value(&ref)->connections);
 *		limits_ref_release(&ref);
 *	}
 *
 * CHP_WATCH_DEFINE_DROP(name, T, drop) takes a destructor, void drop(T *);
 * CHP_WATCH_DEFINE_CLONE(name, T, clone, drop) also int clone(T *to, T const
 * *from), see chp_watch_values.  What has no wrapper here takes &tx.raw,
 * &rx.raw or &ref.raw.
 */
#ifndef CHAPPE_WATCH_TYPED_H
#define CHAPPE_WATCH_TYPED_H

#include <chappe/watch.h>

/* clang-format off */
#define CHP_WATCH_DEFINE(name, T) \
	CHP__WATCH_TYPED(name, T, NULL, NULL)

#define CHP_WATCH_DEFINE_DROP(name, T, drop) \
	static inline void name##__drop(void *value) { drop((T *)value); } \
	CHP__WATCH_TYPED(name, T, NULL, name##__drop)

#define CHP_WATCH_DEFINE_CLONE(name, T, clone, drop) \
	static inline int name##__clone(void *to, const void *from) \
	{ return clone((T *)to, (T const *)from); } \
	static inline void name##__drop(void *value) { drop((T *)value); } \
	CHP__WATCH_TYPED(name, T, name##__clone, name##__drop)

#define CHP__WATCH_TYPED(name, T, cloner, dropper) \
	typedef struct name##_tx { chp_watch_tx raw; } name##_tx; \
	typedef struct name##_rx { chp_watch_rx raw; } name##_rx; \
	typedef struct name##_ref { chp_watch_ref raw; } name##_ref; \
	CHP__INLINE int name(T initial, name##_tx *tx, name##_rx *rx) \
	{ chp_watch_values v = { cloner, dropper, { NULL, NULL } }; \
	  return chp_watch(sizeof(T), &v, &initial, &tx->raw, &rx->raw); } \
	CHP__INLINE int name##_tx_new(T initial, name##_tx *tx) \
	{ chp_watch_values v = { cloner, dropper, { NULL, NULL } }; \
	  return chp_watch_tx_new(sizeof(T), &v, &initial, &tx->raw); } \
	CHP__WATCH_SENDER(name, T) \
	CHP__WATCH_RECEIVER(name, T) \
	CHP__INLINE T const *name##_value(const name##_ref *ref) \
	{ return (T const *)ref->raw.value; } \
	CHP__INLINE void name##_ref_release(name##_ref *ref) \
	{ chp_watch_ref_release(&ref->raw); } \
	struct name##__needs_a_semicolon

#define CHP__WATCH_SENDER(name, T) \
	struct name##__modifier { void (*f)(T *value, void *arg); void *arg; }; \
	struct name##__changer { int (*f)(T *value, void *arg); void *arg; }; \
	static inline void name##__modify(void *value, void *arg) \
	{ struct name##__modifier *m = (struct name##__modifier *)arg; \
	  m->f((T *)value, m->arg); } \
	static inline int name##__change(void *value, void *arg) \
	{ struct name##__changer *m = (struct name##__changer *)arg; \
	  return m->f((T *)value, m->arg); } \
	CHP__INLINE int name##_send(const name##_tx *tx, T value) \
	{ return chp_watch_send(&tx->raw, &value); } \
	CHP__INLINE int name##_send_replace(const name##_tx *tx, T value, \
					      name##_ref *old) \
	{ return chp_watch_send_replace(&tx->raw, &value, \
					old ? &old->raw : NULL); } \
	CHP__INLINE int name##_send_modify(const name##_tx *tx, \
			void (*f)(T *value, void *arg), void *arg) \
	{ struct name##__modifier m = { f, arg }; \
	  return chp_watch_send_modify(&tx->raw, \
				       f ? name##__modify : NULL, &m); } \
	CHP__INLINE int name##_send_if_modified(const name##_tx *tx, \
			int (*f)(T *value, void *arg), void *arg) \
	{ struct name##__changer m = { f, arg }; \
	  return chp_watch_send_if_modified(&tx->raw, \
					    f ? name##__change : NULL, &m); } \
	CHP__INLINE int name##_tx_borrow(const name##_tx *tx, \
					   name##_ref *ref) \
	{ return chp_watch_tx_borrow(&tx->raw, &ref->raw); } \
	CHP__INLINE void name##_subscribe(const name##_tx *tx, \
					    name##_rx *out) \
	{ chp_watch_subscribe(&tx->raw, &out->raw); } \
	CHP__INLINE int name##_closed(const name##_tx *tx) \
	{ return chp_watch_closed(&tx->raw); } \
	CHP__INLINE void name##_tx_clone(const name##_tx *tx, \
					   name##_tx *out) \
	{ chp_watch_tx_clone(&tx->raw, &out->raw); } \
	CHP__INLINE void name##_tx_drop(name##_tx *tx) \
	{ chp_watch_tx_drop(&tx->raw); }

#define CHP__WATCH_RECEIVER(name, T) \
	struct name##__tester { int (*f)(T const *value, void *arg); \
			      void *arg; }; \
	static inline int name##__test(const void *value, void *arg) \
	{ struct name##__tester *t = (struct name##__tester *)arg; \
	  return t->f((T const *)value, t->arg); } \
	CHP__INLINE int name##_borrow(const name##_rx *rx, name##_ref *ref) \
	{ return chp_watch_borrow(&rx->raw, &ref->raw); } \
	CHP__INLINE int name##_borrow_and_update(name##_rx *rx, \
						   name##_ref *ref) \
	{ return chp_watch_borrow_and_update(&rx->raw, &ref->raw); } \
	CHP__INLINE int name##_get(const name##_rx *rx, T *out) \
	{ return chp_watch_get(&rx->raw, out); } \
	CHP__INLINE int name##_get_and_update(name##_rx *rx, T *out) \
	{ return chp_watch_get_and_update(&rx->raw, out); } \
	CHP__INLINE int name##_has_changed(const name##_rx *rx) \
	{ return chp_watch_has_changed(&rx->raw); } \
	CHP__INLINE int name##_changed(name##_rx *rx) \
	{ return chp_watch_changed(&rx->raw); } \
	CHP__INLINE int name##_changed_with(name##_rx *rx, \
					      const chp_wait *w) \
	{ return chp_watch_changed_with(&rx->raw, w); } \
	CHP__INLINE void name##_changed_op(chp_watch_op *op, name##_rx *rx) \
	{ chp_watch_changed_op(op, &rx->raw); } \
	CHP__INLINE int name##_wait_for_with(name##_rx *rx, \
			int (*pred)(T const *value, void *arg), void *arg, \
			name##_ref *ref, const chp_wait *w) \
	{ struct name##__tester t = { pred, arg }; \
	  return chp_watch_wait_for_with(&rx->raw, \
			pred ? name##__test : NULL, &t, \
			ref ? &ref->raw : NULL, w); } \
	CHP__INLINE int name##_wait_for(name##_rx *rx, \
			int (*pred)(T const *value, void *arg), void *arg, \
			name##_ref *ref) \
	{ return name##_wait_for_with(rx, pred, arg, ref, NULL); } \
	CHP__INLINE void name##_rx_clone(const name##_rx *rx, \
					   name##_rx *out) \
	{ chp_watch_rx_clone(&rx->raw, &out->raw); } \
	CHP__INLINE void name##_rx_drop(name##_rx *rx) \
	{ chp_watch_rx_drop(&rx->raw); }
/* clang-format on */

#endif
