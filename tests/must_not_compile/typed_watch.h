/*
 * typed_watch.h - the typed watch channels that watch_*.c misuse; see typed.h.
 */
#include "typed.h"

CHP_WATCH_DEFINE(levels, int);
CHP_WATCH_DEFINE(plans, struct job);

extern levels_tx level_tx;
extern levels_rx level_rx;
extern levels_ref level_ref;
extern plans_tx plan_tx;
extern plans_rx plan_rx;
extern plans_ref plan_ref;
extern chp_watch_op watch_op;

extern void raise_level(int *level, void *arg);
extern int raise_level_perhaps(int *level, void *arg);
extern int is_high(const int *level, void *arg);
extern int clone_int(int *to, const int *from);
extern void drop_int(int *value);
extern void change_plan(struct job *plan, void *arg);
extern int change_plan_perhaps(struct job *plan, void *arg);
extern int is_ready(const struct job *plan, void *arg);
extern int clone_job(struct job *to, const struct job *from);
extern void drop_job(struct job *job);
