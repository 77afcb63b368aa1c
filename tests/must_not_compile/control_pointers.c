/*
 * control_pointers.c - channels of pointers, named without a typedef, must
 * compile: `const T *` in a macro is not a pointer to a constant T then.
 */
#include <chappe/chappe.h>

CHP_MPSC_DEFINE(buffers, char *);
CHP_MPSC_DEFINE(texts, const char *);
CHP_ONESHOT_DEFINE(buffer_once, char *);
CHP_ONESHOT_DEFINE(text_once, const char *);

extern buffers_tx buffer_tx;
extern buffers_rx buffer_rx;
extern texts_tx text_tx;
extern texts_rx text_rx;
extern chp_send_op op;
extern char *a_buffer;
extern const char *a_text;

int f(void);

int f(void)
{
	buffers_send_op(&op, &buffer_tx, &a_buffer);
	texts_send_op(&op, &text_tx, &a_text);
	return buffers_send(&buffer_tx, a_buffer) |
	       texts_send(&text_tx, a_buffer) |
	       buffers_recv(&buffer_rx, &a_buffer) |
	       texts_recv(&text_rx, &a_text);
}
