/*
 * simulation.c - find a bug that an ordinary run does not show.
 *
 * A bank with accounts, each under a mutex of its own.  The wrong transfer
 * looks at the balance, lets the mutex go while it asks the audit for leave,
 * and then pays out what it has seen: two transfers at once take the money
 * twice.  It takes a bad moment to happen; the right one looks again.
 *
 * The program runs the bank under one seed after the other.  Within a few the
 * wrong one is found out; the seed is printed, and run twice more with a
 * trace: the same events in the same order, to be looked at as often as needed.
 */
#include <chappe/chappe.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { SEEDS = 300, CLERKS = 3, TRACE_MAX = 4096 };

/* ---- The bank ---- */

static struct {
	chp_mutex mutex;
	int balance;
} from, to;

static chp_semaphore audit = CHP_SEMAPHORE_INIT(2, CHP_FIFO);
static int careful; /* 0: with the bug */

static struct {
	size_t used;
	char text[TRACE_MAX];
} trace;

static void note(const char *what)
{
	trace.used += (size_t)snprintf(
		trace.text + trace.used, sizeof(trace.text) - trace.used,
		"  %8" PRId64 " us  task %" PRIu64 " %s\n",
		(int64_t)((chp_now() - 1000000 * CHP_SEC) / CHP_US),
		chp_task_id() % 1000, what);
	if (trace.used >= sizeof(trace.text))
		trace.used = sizeof(trace.text) - 1;
}

static int covers(int amount)
{
	int enough;

	chp_mutex_lock(&from.mutex);
	enough = from.balance >= amount;
	chp_mutex_unlock(&from.mutex);
	return enough;
}

/* There is always leave, so an ordinary run goes straight through. */
static void ask_the_audit(void)
{
	chp_semaphore_acquire(&audit, 1);
	chp_semaphore_release(&audit, 1);
}

static void *transfer(void *unused)
{
	const int amount = 60;

	if (!covers(amount)) {
		note("refuses");
		return unused;
	}
	note("sees enough");
	ask_the_audit();

	chp_mutex_lock(&from.mutex);
	if (careful && from.balance < amount) {
		chp_mutex_unlock(&from.mutex);
		note("refuses after all");
		return unused;
	}
	from.balance -= amount;
	chp_mutex_unlock(&from.mutex);
	chp_mutex_lock(&to.mutex);
	to.balance += amount;
	chp_mutex_unlock(&to.mutex);
	note("has paid");
	return unused;
}

static void *open_the_bank(void *unused)
{
	chp_task clerks[CLERKS];

	from.balance = 100;
	to.balance = 0;
	trace.used = 0;
	for (int i = 0; i < CLERKS; i++)
		chp_spawn(&clerks[i], transfer, NULL);
	for (int i = 0; i < CLERKS; i++)
		chp_join(&clerks[i], NULL);
	return unused;
}

/* ---- Testing it ---- */

/* Is the bank in order after a run with these options? */
static int holds(const chp_runtime_options *options)
{
	if (chp_run(options, open_the_bank, NULL, NULL) != 0)
		return 0;
	return from.balance >= 0 && from.balance + to.balance == 100;
}

/* The first seed under which it is not; 0: none of them. */
static uint64_t search(void)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		chp_runtime_options options = { .seed = seed };

		if (!holds(&options))
			return seed;
	}
	return 0;
}

int main(void)
{
	const chp_runtime_options ordinary = { .kind = CHP_CURRENT_THREAD };
	chp_runtime_options again = { .kind = CHP_CURRENT_THREAD };
	char first[TRACE_MAX];

	if (!holds(&ordinary)) {
		printf("an ordinary run was to show nothing\n");
		return 1;
	}
	printf("an ordinary run: in order\n");

	again.seed = search();
	if (!again.seed) {
		printf("not found with %d seeds\n", SEEDS);
		return 1;
	}
	printf("seed %" PRIu64 ": account at %d\n%s", again.seed, from.balance,
	       trace.text);

	holds(&again);
	memcpy(first, trace.text, sizeof(first));
	holds(&again);
	if (strcmp(first, trace.text) != 0) {
		printf("the seed ran otherwise\n");
		return 1;
	}
	printf("seed %" PRIu64 " again: the same trace\n", again.seed);

	careful = 1;
	if (search()) {
		printf("looking again does not help:\n%s", trace.text);
		return 1;
	}
	printf("looking again: in order with %d seeds\n", SEEDS);
	return 0;
}
