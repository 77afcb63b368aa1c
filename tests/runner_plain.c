/*
 * runner_plain.c - no framework: a failed CHECK ends the process anyway.
 */
#include "runner.h"

#include <stdio.h>

int h_run_cases(const char *suite, const struct h_case *cases, size_t count)
{
	(void)suite;
	for (size_t i = 0; i < count; i++) {
		printf("[ RUN      ] %s\n", cases[i].name);
		printf("[  %s ] %s\n",
		       cases[i].run(cases[i].arg) ? "     OK" : "SKIPPED",
		       cases[i].name);
	}
	return 0;
}
