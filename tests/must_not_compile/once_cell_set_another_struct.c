/* Same members, another struct. */
#include "typed_once.h"

void f(void)
{
	MISUSE(job_cell_set(&a_job_cell, another_job),
	       job_cell_set(&a_job_cell, a_job));
}
