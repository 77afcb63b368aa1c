/* Four bytes into a long. */
#include "typed.h"

void f(void)
{
	MISUSE(int_news_recv(&int_brx, &a_long, NULL),
	       int_news_recv(&int_brx, &an_int, NULL));
}
