/*
 * runner_cmocka.c - each case as a cmocka unit test.
 */
#include "runner.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void call(void **state)
{
	const struct h_case *c = *state;

	if (!c->run(c->arg))
		skip();
}

int h_run_cases(const char *suite, const struct h_case *cases, size_t count)
{
	struct CMUnitTest *tests = calloc(count, sizeof(*tests));
	int failed;

	for (size_t i = 0; i < count; i++) {
		tests[i].name = cases[i].name;
		tests[i].test_func = call;
		tests[i].initial_state = (void *)&cases[i];
	}
	failed = _cmocka_run_group_tests(suite, tests, count, NULL, NULL);
	free(tests);
	return failed;
}
