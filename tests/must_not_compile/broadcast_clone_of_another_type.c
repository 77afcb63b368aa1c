/* A clone function for another type. */
#include "typed.h"

int clone_job(struct job *to, const struct job *from);
int clone_other_job(struct other_job *to, const struct other_job *from);
void drop_job(struct job *job);

CHP_BROADCAST_DEFINE_CLONE(cloned, struct job,
			   MISUSE(clone_other_job, clone_job), drop_job);
