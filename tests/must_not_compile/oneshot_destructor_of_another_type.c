/* A destructor that takes another type's values. */
#include "typed.h"

extern void drop_long(long *value);

MISUSE(CHP_ONESHOT_DEFINE_DROP(dropped, int, drop_long),
       CHP_ONESHOT_DEFINE_DROP(dropped, long, drop_long));
