/* A destructor for another type. */
#include "typed.h"

int clone_job(struct job *to, const struct job *from);
void drop_job(struct job *job);
void drop_other_job(struct other_job *job);

CHP_BROADCAST_DEFINE_CLONE(cloned, struct job, clone_job,
			   MISUSE(drop_other_job, drop_job));
