/*
 * tls.h - the library's thread-local, of virtual threads.
 */
#ifndef CHAPPE_SRC_OS_TLS_H
#define CHAPPE_SRC_OS_TLS_H

void **chp__tls_slot(void);

static inline void *chp__tls_get(void)
{
	return *chp__tls_slot();
}

#endif
