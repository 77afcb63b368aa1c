/*
 * process_driver.h - time and descriptors outside runtimes.
 */
#ifndef CHAPPE_SRC_WAIT_PROCESS_DRIVER_H
#define CHAPPE_SRC_WAIT_PROCESS_DRIVER_H

struct wheel;
struct driver;

/* 0; or the -errno of what could not be made to start it. */
int chp__process_wheel(struct wheel **out);
int chp__process_driver(struct driver **out);

#endif
