/*
 * unique.c - one copy of the library in a process.
 *
 * Two copies would each have their own idea of which task runs and who drives
 * time, and waits would hang without a word.  chp__process_copy is a unique
 * symbol in ELF's sense: the loader binds all copies of it, even those of
 * libraries loaded apart from each other, to one address.  The first copy to
 * start writes its mark there; a second finds it and stops the process.
 */
#include <stddef.h>

#include "base/panic.h"

extern const void *chp__process_copy;

__asm__(".pushsection .bss.chp__process_copy, \"aw\", %nobits\n"
	".balign 8\n"
	".globl chp__process_copy\n"
	".type chp__process_copy, %gnu_unique_object\n"
	".size chp__process_copy, 8\n"
	"chp__process_copy:\n"
	".zero 8\n"
	".popsection\n");

static const char mark;

__attribute__((constructor)) static void claim_process(void)
{
	if (chp__process_copy && chp__process_copy != &mark)
		chp__panic("two copies of libchappe in one process; link it "
			   "once, as a shared library");
	chp__process_copy = &mark;
}

__attribute__((destructor)) static void give_up_process(void)
{
	if (chp__process_copy == &mark)
		chp__process_copy = NULL;
}
