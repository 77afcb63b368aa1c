/*
 * runner.h - who calls the tests and reports: cmocka, or, where there is none
 * for the machine (cross builds), a few lines that report in the same words.
 */
#ifndef CHAPPE_TESTS_RUNNER_H
#define CHAPPE_TESTS_RUNNER_H

#include <stdbool.h>
#include <stddef.h>

struct h_case {
	const char *name;
	bool (*run)(void *arg); /* false: skipped */
	void *arg;
};

/* How many failed. */
int h_run_cases(const char *suite, const struct h_case *cases, size_t count);

#endif
