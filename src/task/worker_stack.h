/*
 * worker_stack.h - stacks for a worker's tasks, by way of its cache: the stack
 * that was left last, which is warm, is the next new task's.
 */
#ifndef CHAPPE_SRC_TASK_WORKER_STACK_H
#define CHAPPE_SRC_TASK_WORKER_STACK_H

#include "base/panic.h"
#include "task/worker.h"

enum { STACK_CACHE = 16 };

static inline struct stack *get_stack(struct worker *w, const struct task *t)
{
	struct stack *s = w->stacks;

	if (s && t->stack_class == w->rt->stack_class) {
		w->stacks = s->next;
		w->stack_count--;
		return s;
	}
	return chp__stack_get(t->stack_class,
			      w->rt->options.guard == CHP_GUARD_BUDGET);
}

static inline void put_stack(struct worker *w, struct stack *s)
{
	if (s->cls == w->rt->stack_class && w->stack_count < STACK_CACHE) {
		s->next = w->stacks;
		w->stacks = s;
		w->stack_count++;
	} else {
		chp__stack_put(s);
	}
}

/* The task, which still runs on it, will not need it any more. */
static inline struct stack *give_up_stack(struct task *t)
{
	struct stackful *f = stackful_of(t);
	struct stack *s = f->stack;

	if (unlikely(stack_canary_dead(s))) {
		char name[CHP_NAME_MAX];

		chp__agent_get_name(&t->outcome.agent, name);
		chp__panic("task %llu \"%s\" has overrun its stack",
			   (unsigned long long)agent_id(&t->outcome.agent),
			   name);
	}
	f->stack = NULL;
	t->context = NULL;
	return s;
}

#endif
