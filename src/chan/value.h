/*
 * value.h - copying values of a size known at run time.
 */
#ifndef CHAPPE_SRC_CHAN_VALUE_H
#define CHAPPE_SRC_CHAN_VALUE_H

#include <stddef.h>
#include <string.h>

/* The common sizes without a call.  to and from do not overlap. */
static inline void value_copy(void *to, const void *from, size_t size)
{
	/* Link-time optimisation sees an object of another size here and warns
	   of the cases that do not apply. */
	__asm__("" : "+r"(to));
	switch (size) {
	case 0:
		break;
	case 4:
		memcpy(to, from, 4);
		break;
	case 8:
		memcpy(to, from, 8);
		break;
	case 16:
		memcpy(to, from, 16);
		break;
	default:
		memcpy(to, from, size);
		break;
	}
}

#endif
