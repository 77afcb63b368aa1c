/* A pointer to an int into a pointer to a job. */
#include "typed_once.h"

void f(void)
{
	MISUSE(int_set_wait(&an_int_set, &a_job_pointer),
	       int_set_wait(&an_int_set, &an_int_pointer));
}
