/*
 * tls.h - the library's thread-local words, of virtual threads.
 */
#ifndef CHAPPE_SRC_OS_TLS_H
#define CHAPPE_SRC_OS_TLS_H

struct tls {
	void *agent;
	void *seat;
};

struct tls *chp__tls_here(void);

static inline void *chp__tls_agent(void)
{
	return chp__tls_here()->agent;
}

static inline void *chp__tls_seat(void)
{
	return chp__tls_here()->seat;
}

#endif
