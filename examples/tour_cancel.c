/*
 * tour_cancel.c - a cancellation token ends waits from outside.  A send that
 * is cancelled leaves its value with the caller, so nothing is ever lost.
 */
#include "tour.h"

#include <chappe/chappe.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Letters are heap strings; one that nobody receives is freed. */
static void letter_drop(char **letter)
{
	free(*letter);
}

CHP_MPSC_DEFINE_DROP(letters, char *, letter_drop);

static void *change_of_mind(void *arg)
{
	chp_cancel *token = arg;

	chp_sleep_for(10 * CHP_MS);
	printf("cancelling\n");
	chp_cancel_now(token);
	return NULL;
}

const char *tour_cancel(void)
{
	chp_cancel token = CHP_CANCEL_INIT;
	chp_wait w = { .cancel = &token };
	const char *why = NULL;
	char *first, *second;
	letters_tx tx;
	letters_rx rx;
	chp_task task;
	int r;

	first = strdup("first");
	second = strdup("second");
	if (!first || !second || letters_bounded(1, &tx, &rx))
		return "no memory";

	/* There is one place: the first letter takes it. */
	r = letters_send_with(&tx, first, &w);
	printf("sending the first letter: %s\n", chp_strerror(r));
	if (r)
		return "it should have been sent";

	/* The second would wait for ever: nobody receives. */
	if (chp_spawn(&task, change_of_mind, &token))
		return "no task";
	r = letters_send_with(&tx, second, &w);
	printf("sending the second letter: %s\n", chp_strerror(r));
	if (r != CHP_ECANCELED)
		why = "it should have been cancelled";
	else
		printf("we still have the %s letter\n", second);

	chp_join(&task, NULL);
	chp_cancel_destroy(&token);

	/* The second letter is still ours, so we free it.  The first belongs to
	   the channel, and its destructor frees it. */
	if (r)
		free(second);
	if (chp_mpsc_len(&rx.raw) != 1)
		why = "the first letter should be in the channel";
	letters_tx_drop(&tx);
	letters_rx_drop(&rx);
	return why;
}
