/*
 * chappe.h - everything.
 */
#ifndef CHAPPE_CHAPPE_H
#define CHAPPE_CHAPPE_H

#include <chappe/base.h>

#include <chappe/agent.h>
#include <chappe/cancel.h>
#include <chappe/driver.h>
#include <chappe/op.h>
#include <chappe/select.h>
#include <chappe/time.h>

#include <chappe/cond.h>
#include <chappe/mutex.h>
#include <chappe/mutex_guard.h>
#include <chappe/once_cell.h>
#include <chappe/barrier.h>
#include <chappe/notify.h>
#include <chappe/permit.h>
#include <chappe/rwlock.h>
#include <chappe/rwlock_guard.h>
#include <chappe/semaphore.h>
#include <chappe/set_once.h>
#include <chappe/wait_group.h>

#include <chappe/broadcast.h>
#include <chappe/broadcast_typed.h>
#include <chappe/mpmc.h>
#include <chappe/mpmc_typed.h>
#include <chappe/mpsc.h>
#include <chappe/mpsc_permit.h>
#include <chappe/mpsc_typed.h>
#include <chappe/oneshot.h>
#include <chappe/watch.h>
#include <chappe/watch_typed.h>

#include <chappe/group.h>
#include <chappe/poll.h>
#include <chappe/runtime.h>
#include <chappe/task.h>

#include <chappe/fd.h>
#include <chappe/signal.h>
#include <chappe/tcp.h>

#endif
