/* An int * into a channel of const char *. */
#include "typed.h"

void f(void)
{
	MISUSE(texts_send(&text_tx, &an_int), texts_send(&text_tx, a_text));
}
