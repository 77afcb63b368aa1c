/* A function that clones another type. */
#include "typed_watch.h"

CHP_WATCH_DEFINE_CLONE(cloned, int, MISUSE(clone_job, clone_int), drop_int);
