/* A receiver dropped as a sender. */
#include "typed.h"

void f(void)
{
	MISUSE(int_news_tx_drop(&int_brx), int_news_tx_drop(&int_btx));
}
