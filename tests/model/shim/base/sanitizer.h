/*
 * sanitizer.h - what -fsanitize=thread calls is answered by the checker: it is
 * no build for a sanitizer.
 */
#ifndef CHAPPE_SRC_BASE_SANITIZER_H
#define CHAPPE_SRC_BASE_SANITIZER_H

#define CHP_ASAN 0
#define CHP_TSAN 0
#define CHP_MSAN 0

enum { WATCHED = 0, MIGRATING = 0 };

#endif
