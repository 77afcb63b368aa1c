/* A number into a channel of pointers. */
#include "typed.h"

void f(void)
{
	MISUSE(texts_send(&text_tx, an_int), texts_send(&text_tx, a_text));
}
