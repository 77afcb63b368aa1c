/* A receiver of another type of value. */
#include "typed.h"

void f(void)
{
	MISUSE(int_news_subscribe(&int_btx, &job_brx),
	       int_news_subscribe(&int_btx, &int_brx));
}
