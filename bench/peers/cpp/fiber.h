/*
 * fiber.h - where the workloads of Boost.Fiber run.
 */
#ifndef CHAPPE_PEER_FIBER_H
#define CHAPPE_PEER_FIBER_H

#include "../c/peer.h"

#include <boost/fiber/all.hpp>

namespace fibers = boost::fibers;

using body_fn = void (*)(pass *p);

/* In a fiber of a thread that is alone. */
void run_ct(pass *p, body_fn body);

/* In a fiber of two threads that share their work. */
void run_mt(pass *p, body_fn body);

/* As workloads: run_ct or run_mt of a body that is known at compile time. */
template <body_fn BODY> void ct(pass *p)
{
	run_ct(p, BODY);
}

template <body_fn BODY> void mt(pass *p)
{
	run_mt(p, BODY);
}

#endif
