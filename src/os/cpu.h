/*
 * cpu.h - hints to the processor.
 */
#ifndef CHAPPE_SRC_OS_CPU_H
#define CHAPPE_SRC_OS_CPU_H

/* One turn of a spin loop. */
static inline void chp__cpu_relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ __volatile__("isb" ::: "memory");
#else
	__asm__ __volatile__("" ::: "memory");
#endif
}

#endif
