/*
 * hello.c - two tasks and a channel.
 */
#include <chappe/chappe.h>

#include <stdio.h>

CHP_MPSC_DEFINE(words, const char *);

static void *lille(void *tx)
{
	words_send(tx, "Hello");
	words_send(tx, "from Lille");
	words_tx_drop(tx); /* the last sender gone: the stream ends */
	return NULL;
}

static void *paris(void *rx)
{
	const char *word;

	while (words_recv(rx, &word) == 0)
		puts(word);
	words_rx_drop(rx);
	return NULL;
}

static void *first(void *arg)
{
	words_tx tx;
	words_rx rx;
	chp_task sender, receiver;

	(void)arg;
	words_bounded(8, &tx, &rx);
	chp_spawn(&sender, lille, &tx);
	chp_spawn(&receiver, paris, &rx);
	chp_join(&sender, NULL);
	chp_join(&receiver, NULL);
	return NULL;
}

int main(void)
{
	return chp_run(NULL, first, NULL, NULL) ? 1 : 0;
}
