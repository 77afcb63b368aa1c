/*
 * tour.h - the stories of the tour, each in a file of its own.
 *
 * A story runs as a task.  It prints what happens, checks its own result and
 * returns NULL, or one sentence that says what went wrong.  Read them in this
 * order.
 */
#ifndef TOUR_H
#define TOUR_H

/* Message passing. */
const char *tour_oneshot(void);
const char *tour_join(void);
const char *tour_stream(void);
const char *tour_socket(void);
const char *tour_counter(void);
const char *tour_broadcast(void);
const char *tour_watch(void);

/* Semaphores. */
const char *tour_borrowers(void);
const char *tour_binary(void);

/* State that is shared. */
const char *tour_barrier(void);
const char *tour_notify(void);
const char *tour_mutex(void);
const char *tour_rwlock(void);
const char *tour_once(void);

/* Giving up. */
const char *tour_timeout(void);
const char *tour_cancel(void);
const char *tour_abort(void);
const char *tour_group(void);

#endif
