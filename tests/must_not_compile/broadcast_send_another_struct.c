/* A struct of another type with the same members. */
#include "typed.h"

void f(void)
{
	MISUSE(job_news_send(&job_btx, another_job),
	       job_news_send(&job_btx, a_job));
}
