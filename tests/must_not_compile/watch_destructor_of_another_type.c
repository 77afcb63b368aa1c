/* A destructor of another type. */
#include "typed_watch.h"

CHP_WATCH_DEFINE_DROP(dropped, int, MISUSE(drop_job, drop_int));
