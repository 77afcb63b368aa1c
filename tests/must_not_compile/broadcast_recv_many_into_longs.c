/* Ints into an array of longs. */
#include "typed.h"

void f(void)
{
	MISUSE(int_news_recv_many(&int_brx, some_longs, 4, NULL),
	       int_news_recv_many(&int_brx, some_ints, 4, NULL));
}
