/*
 * driver.h - who drives time and descriptors for operations that are polled
 * outside every runtime.
 *
 * Inside a runtime its workers do it, and a thread that merely blocks uses its
 * own sleep: neither needs anything from here.  A sleep, a time-out or a
 * descriptor polled by hand on a plain thread is served by one thread of the
 * library, started when first needed; its wakers run on that thread.  If it
 * cannot be started, the call or poll that needs it fails with the -errno of
 * what could not be had (CHP_ENOMEM, -EMFILE, -EAGAIN for a thread), and holds
 * nothing; the next one tries again.
 *
 * A program with an event loop of its own can do without that thread: ask for
 * the descriptor once, add it to the loop, and take a turn when it is
 * readable.  Wakers then run inside chp_driver_turn().
 */
#ifndef CHAPPE_DRIVER_H
#define CHAPPE_DRIVER_H

#include <chappe/op.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A descriptor that polls readable when a turn has work to do.  The first call
 * hands driving to the caller for the rest of the process: the library's
 * driver thread stops, or is never started.  The library owns the descriptor;
 * do not read or close it.  Or CHP_ENOMEM, CHP_ENOSYS, or another -errno, and
 * then all is as it was.
 */
CHP_API int chp_driver_fd(void);

/*
 * Do what is due: fire timers, note readiness, run wakers.  Never blocks.
 * Returns how many wakers ran; CHP_EINVAL if chp_driver_fd() was not called;
 * CHP_EBUSY if another thread is taking a turn.
 */
CHP_API int chp_driver_turn(void);

#ifdef __cplusplus
}
#endif

#endif
