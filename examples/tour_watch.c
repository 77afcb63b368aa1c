/*
 * tour_watch.c - five tasks follow a configuration file.
 *
 * A task re-reads the file at every tick and sends what it says when that has
 * changed.  Each of the five runs an operation for at most the configured time
 * and starts it again when that is over; when the configuration changes, the
 * time of the operation in flight changes, too, without restarting it.
 */
#include "tour.h"

#include <chappe/chappe.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define WORKERS 5

struct config {
	long timeout_ms;
};

CHP_WATCH_DEFINE(configs, struct config);

static char path[] = "/tmp/chappe-tour-XXXXXX";
static chp_semaphore finish;
static atomic_int restarts[WORKERS], updates;

/* ---- The file ---- */

static int write_file(long timeout_ms)
{
	char next[sizeof(path) + 4];
	FILE *f;

	snprintf(next, sizeof(next), "%s.new", path);
	f = fopen(next, "w");
	if (!f)
		return -1;
	fprintf(f, "timeout_ms = %ld\n", timeout_ms);
	fclose(f);
	return rename(next, path); /* readers see the old or the new one */
}

static void *read_file(void *arg)
{
	struct config *config = arg;
	FILE *f = fopen(path, "r");
	int n = 0;

	if (f) {
		n = fscanf(f, "timeout_ms = %ld", &config->timeout_ms);
		fclose(f);
	}
	return n == 1 ? config : NULL;
}

/* Files may block: that is for another thread, not for the worker. */
static int load(struct config *config)
{
	chp_outcome outcome;
	chp_task task;
	int r = chp_spawn_blocking(NULL, &task, read_file, config, NULL);

	if (r == 0)
		r = chp_join(&task, &outcome);
	if (r == 0 && !outcome.value)
		r = CHP_EINVAL;
	return r;
}

static void *monitor(void *arg)
{
	struct config now;
	configs_tx *tx = arg;
	chp_interval tick;
	configs_ref ref;
	long seen;

	/* What was sent last; the file may have changed since. */
	configs_tx_borrow(tx, &ref);
	seen = configs_value(&ref)->timeout_ms;
	configs_ref_release(&ref);
	chp_interval_init(&tick, chp_now(), 2 * CHP_MS, CHP_MISSED_SKIP);
	while (chp_interval_tick(&tick, NULL) == 0) {
		if (load(&now) || now.timeout_ms == seen)
			continue;
		seen = now.timeout_ms;
		printf("the file says %ld ms now\n", now.timeout_ms);
		configs_send(tx, now);
	}
	return NULL;
}

/* ---- The operation ---- */

static void *operate(void *arg)
{
	return chp_semaphore_acquire(&finish, 1) == 0 ? arg : NULL;
}

static void stop(chp_task *operation)
{
	chp_task_abort(operation);
	chp_join(operation, NULL);
}

static long timeout_of(configs_rx *rx)
{
	configs_ref ref;
	long ms;

	configs_borrow_and_update(rx, &ref);
	ms = configs_value(&ref)->timeout_ms;
	configs_ref_release(&ref);
	return ms * CHP_MS;
}

struct worker {
	configs_rx rx;
	int index;
};

static void *work(void *arg)
{
	struct worker *me = arg;
	chp_time start = chp_now(), timeout = timeout_of(&me->rx);
	chp_watch_op changed;
	chp_sleep_op sleep;
	chp_join_op done;
	chp_task operation;

	chp_spawn(&operation, operate, me);
	chp_task_join_op(&done, &operation, NULL);
	chp_sleep_until_op(&sleep, start + timeout);
	configs_changed_op(&changed, &me->rx);
	for (;;) {
		chp_select_arm arms[] = {
			{ .op = &sleep.op },
			{ .op = &changed.op },
			{ .op = &done.op },
		};

		switch (chp_select(arms, 3, 0)) {
		case 0: /* it took too long: start it again */
			chp_op_cancel(&done.op);
			stop(&operation);
			restarts[me->index]++;
			chp_spawn(&operation, operate, me);
			chp_task_join_op(&done, &operation, NULL);
			start = chp_now();
			chp_sleep_reset(&sleep, start + timeout);
			break;
		case 1: /* the same operation has another time limit now */
			timeout = timeout_of(&me->rx);
			chp_sleep_reset(&sleep, start + timeout);
			configs_changed_op(&changed, &me->rx);
			updates++;
			break;
		default:
			chp_op_cancel(&sleep.op);
			chp_op_cancel(&changed.op);
			configs_rx_drop(&me->rx);
			return arms[2].result == 0 ? me : NULL;
		}
	}
}

static int all_restarted(void)
{
	for (int i = 0; i < WORKERS; i++)
		if (!restarts[i])
			return 0;
	return 1;
}

static const char *follow(configs_tx *tx, configs_rx *rx)
{
	struct worker worker[WORKERS];
	chp_task task[WORKERS], watcher;
	int completed = 0;

	chp_spawn(&watcher, monitor, tx);
	for (int i = 0; i < WORKERS; i++) {
		worker[i].index = i;
		configs_rx_clone(rx, &worker[i].rx);
		chp_spawn(&task[i], work, &worker[i]);
	}
	while (!all_restarted())
		chp_sleep_for(CHP_MS);
	printf("each of %d operations was restarted after 5 ms\n", WORKERS);

	if (write_file(3600000))
		return "the file cannot be written";
	while (updates < WORKERS)
		chp_sleep_for(CHP_MS);
	printf("%d tasks reset their time limit\n", updates);

	chp_semaphore_release(&finish, WORKERS);
	for (int i = 0; i < WORKERS; i++) {
		chp_outcome o;

		chp_join(&task[i], &o);
		completed += o.value != NULL;
	}
	printf("%d operations completed\n", completed);
	stop(&watcher);
	return completed == WORKERS ? NULL : "operations were lost";
}

const char *tour_watch(void)
{
	struct config config;
	const char *why;
	configs_tx tx;
	configs_rx rx;
	int fd = mkstemp(path);

	if (fd < 0)
		return "no temporary file";
	close(fd);
	chp_semaphore_init(&finish, 0, CHP_FIFO);
	if (write_file(5) || load(&config) || configs(config, &tx, &rx))
		return "no configuration";
	why = follow(&tx, &rx);
	configs_rx_drop(&rx);
	configs_tx_drop(&tx);
	unlink(path);
	return why;
}
