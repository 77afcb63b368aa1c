/* An operation that writes an int into a long. */
#include "typed.h"

void f(void)
{
	MISUSE(int_news_recv_op(&broadcast_op, &int_brx, &a_long, NULL),
	       int_news_recv_op(&broadcast_op, &int_brx, &an_int, NULL));
}
