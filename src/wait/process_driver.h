/*
 * process_driver.h - time and descriptors outside runtimes.
 */
#ifndef CHAPPE_SRC_WAIT_PROCESS_DRIVER_H
#define CHAPPE_SRC_WAIT_PROCESS_DRIVER_H

struct wheel;
struct driver;

/* NULL if it could not be started. */
struct wheel *chp__process_wheel(void);
struct driver *chp__process_driver(void);

#endif
