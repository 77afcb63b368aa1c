/* A destructor that takes the value, not its address. */
#include "typed.h"

extern void drop_job(struct job value);

MISUSE(CHP_MPSC_DEFINE_DROP(dropped, struct job, drop_job),
       CHP_MPSC_DEFINE(dropped, struct job));
