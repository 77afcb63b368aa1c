/* Receiving must not cast const away. */
#include "typed.h"

void f(void)
{
	MISUSE(texts_recv(&text_rx, &a_buffer), texts_recv(&text_rx, &a_text));
}
