/* A receiver of another type. */
#include "typed.h"

void f(void)
{
	MISUSE(int_news_recv(&job_brx, &an_int, NULL),
	       int_news_recv(&int_brx, &an_int, NULL));
}
