/*
 * tls.c - out-of-line halves of tls.h.
 */
#include "os/tls.h"

#include "base/compiler.h"

__thread struct tls chp__tls;

NOINLINE struct tls *chp__tls_here(void)
{
	__asm__ __volatile__("");
	return &chp__tls;
}

#if !defined(__x86_64__)
NOINLINE void *chp__tls_agent(void)
{
	__asm__ __volatile__("");
	return chp__tls.agent;
}

NOINLINE void *chp__tls_seat(void)
{
	__asm__ __volatile__("");
	return chp__tls.seat;
}
#endif
