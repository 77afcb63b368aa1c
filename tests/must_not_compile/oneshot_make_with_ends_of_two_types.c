/* Ends of two types of oneshot. */
#include "typed.h"

void f(void)
{
	MISUSE(int_once(&int_otx, &job_orx), int_once(&int_otx, &int_orx));
}
