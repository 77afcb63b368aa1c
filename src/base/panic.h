/*
 * panic.h - the end of the process for broken rules that leave no caller to
 * tell.
 */
#ifndef CHAPPE_SRC_BASE_PANIC_H
#define CHAPPE_SRC_BASE_PANIC_H

/*
 * Write "chappe: " and the sentence to stderr, then abort().  The sentence
 * names the object and the rule: "semaphore destroyed while tasks or threads
 * wait for it".  Async-signal-safe as long as the format has only %s.
 */
__attribute__((noreturn, cold, format(printf, 1, 2))) void
chp__panic(const char *format, ...);

#endif
