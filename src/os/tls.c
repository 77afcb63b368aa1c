/*
 * tls.c - out-of-line halves of tls.h.
 */
#include "os/tls.h"

#include "base/compiler.h"

__thread void *chp__tls_self;

NOINLINE void **chp__tls_slot(void)
{
	__asm__ __volatile__("");
	return &chp__tls_self;
}

#if !defined(__x86_64__)
NOINLINE void *chp__tls_get(void)
{
	__asm__ __volatile__("");
	return chp__tls_self;
}
#endif
