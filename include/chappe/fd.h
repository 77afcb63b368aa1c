/*
 * fd.h - waiting until a descriptor can be read or written.
 *
 * For any descriptor that the system can poll: sockets, pipes, eventfds,
 * terminals, devices.  Register it once; then try, and wait when it says that
 * it would block:
 *
 *	chp_fd *f;
 *	chp_fd_new(&f, sock);
 *	while ((n = recv(sock, buf, size, 0)) < 0 && errno == EAGAIN)
 *		if ((r = chp_fd_wait(f, CHP_READABLE)) < 0)
 *			return r;
 *
 * As with poll(2), a wait returns when the descriptor is ready, however long
 * it has been; any number may wait on one.  By the time its caller tries,
 * somebody else may have been faster: so try in a loop.
 *
 * A chp_fd belongs to the runtime in which it was made (on a plain thread, to
 * the process-wide driver), but any task, thread or poller may wait on it.
 * When that runtime is shut down, waits end with CHP_ECLOSED.
 */
#ifndef CHAPPE_FD_H
#define CHAPPE_FD_H

#include <chappe/op.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CHP_READABLE 1u /* there is data, or the end, or an error to fetch */
#define CHP_WRITABLE 2u /* there is room, or an error to fetch */

typedef struct chp_fd chp_fd;

/*
 * Register a descriptor and make it non-blocking.  It stays the caller's.
 * 0; CHP_ENOMEM; or the system's -errno: -EPERM for a plain file, which is
 * always ready, -EEXIST if it is registered, -ENOSPC if there are too many; on
 * a plain thread also why there is no driver (driver.h).  After a failure the
 * descriptor is as it was.
 */
CHP_API int chp_fd_new(chp_fd **out, int fd);

/* Before the descriptor is closed.  With waiters it is misuse.  NULL: ignored. */
CHP_API void chp_fd_free(chp_fd *f);

CHP_API int chp_fd_number(const chp_fd *f);

/*
 * Wait until one of the directions in `what` is ready.  Returns those that
 * are; CHP_EINVAL if what is 0 or unknown; CHP_ECLOSED; the -errno of poll(2);
 * or what ended the wait.
 */
CHP_API int chp_fd_wait(chp_fd *f, unsigned what);
CHP_API int chp_fd_wait_with(chp_fd *f, unsigned what, const chp_wait *w);

/* Waiting as an operation.  Cancelling it loses nothing. */
typedef struct chp_fd_op {
	chp_op op;
	chp_fd *fd;
	unsigned what;
	int queued;
	uint64_t ticket;
	chp_node node;
} chp_fd_op;

CHP_API void chp_fd_wait_op(chp_fd_op *op, chp_fd *f, unsigned what);

#ifdef __cplusplus
}
#endif

#endif
