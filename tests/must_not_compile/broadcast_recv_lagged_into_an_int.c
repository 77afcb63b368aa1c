/* The count of lost values has 64 bits. */
#include "typed.h"

void f(void)
{
	MISUSE(int_news_recv(&int_brx, &an_int, &an_int),
	       int_news_recv(&int_brx, &an_int, &lost));
}
