/*
 * group_pair.h - a task group of two members, which are threads that do what
 * the scheduler does with a task.  They have been spawned in the setup, or are
 * while they run.
 */
#ifndef CHAPPE_TESTS_MODEL_GROUP_PAIR_H
#define CHAPPE_TESTS_MODEL_GROUP_PAIR_H

#include <chappe/group.h>

#include "hand.h"
#include "task/task.h"

enum { MEMBERS = 2 };

struct member {
	struct task task;
	struct os_event spawned;
};

extern struct member members[MEMBERS];
extern chp_group *group;
extern unsigned spawned;        /* how many members */
extern unsigned codes;          /* bit i: member i fails */
extern unsigned plain[MEMBERS]; /* 1: it ran; 2: it never did */
extern bool refuse;             /* spawning finds no memory */
extern chp_word ran, dropped;

/* What a member does, and what becomes of its argument if it does not. */
int pair_work(void *arg);
void pair_drop(void *arg);

/* The group alone; with both members. */
void pair_make(unsigned flags);
void pair_make_two(unsigned flags, unsigned failing);

/* Threads: each member; both, one after the other, which must have been
   spawned. */
void pair_member_0(void);
void pair_member_1(void);
void pair_both_members(void);

/* What members did comes before; nothing touches the group any more. */
void pair_finish(int code);

/* For check: nobody has been forgotten; none was aborted. */
void pair_slots_free(void);
void pair_all_ran(void);

#endif
