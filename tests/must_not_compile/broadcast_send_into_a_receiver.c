/* A receiver where a sender belongs. */
#include "typed.h"

void f(void)
{
	MISUSE(int_news_send(&int_brx, an_int),
	       int_news_send(&int_btx, an_int));
}
