/*
 * overflow.c - the handler of SIGSEGV and SIGBUS.
 *
 * Installed once, at the first runtime, before whatever handler there was; a
 * fault that is not in the guard of the running task's stack is passed on to
 * that one.
 */
#include "task/overflow.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "base/panic.h"
#include "os/pages.h"
#include "task/task.h"

enum { SIGNAL_STACK = 64 * 1024 };

static struct sigaction before_segv, before_bus;

static void pass_on(int number, siginfo_t *info, void *context)
{
	struct sigaction *before =
		number == SIGBUS ? &before_bus : &before_segv;

	if (before->sa_flags & SA_SIGINFO) {
		before->sa_sigaction(number, info, context);
	} else if (before->sa_handler != SIG_DFL &&
		   before->sa_handler != SIG_IGN) {
		before->sa_handler(number);
	} else {
		/* The same fault comes again, and now ends the process. */
		sigaction(number, before, NULL);
	}
}

static void on_fault(int number, siginfo_t *info, void *context)
{
	struct agent *self = chp__tls_agent();
	struct stack *s;
	char name[CHP_NAME_MAX];

	if (self && self->cls == &chp__task_class) {
		s = stackful_of(task_of(self))->stack;
		if (s && chp__stack_guards(s, info->si_addr)) {
			chp__agent_get_name(self, name);
			chp__panic("task %llu \"%s\" has overflowed its stack",
				   (unsigned long long)agent_id(self), name);
		}
	}
	pass_on(number, info, context);
}

static void install(void)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_sigaction = on_fault;
	action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
	sigaction(SIGSEGV, &action, &before_segv);
	sigaction(SIGBUS, &action, &before_bus);
}

void chp__overflow_start(struct overflow_watch *watch)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	stack_t now, ours = { .ss_size = SIGNAL_STACK };

	pthread_once(&once, install);
	watch->memory = NULL;
	if (sigaltstack(NULL, &now) != 0 || !(now.ss_flags & SS_DISABLE))
		return;
	ours.ss_sp = chp__pages_map(SIGNAL_STACK, 0);
	if (!ours.ss_sp)
		return;
	if (sigaltstack(&ours, NULL) == 0)
		watch->memory = ours.ss_sp;
	else
		chp__pages_unmap(ours.ss_sp, SIGNAL_STACK);
}

void chp__overflow_end(struct overflow_watch *watch)
{
	stack_t none = { .ss_flags = SS_DISABLE };

	if (!watch->memory)
		return;
	sigaltstack(&none, NULL);
	chp__pages_unmap(watch->memory, SIGNAL_STACK);
}
