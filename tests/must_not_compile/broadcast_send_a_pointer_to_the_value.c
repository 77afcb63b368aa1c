/* The address of the value instead of the value. */
#include "typed.h"

void f(void)
{
	MISUSE(int_news_send(&int_btx, &an_int),
	       int_news_send(&int_btx, an_int));
}
