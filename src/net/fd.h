/*
 * fd.h - waiting for a report about a descriptor, for who tries by himself.
 */
#ifndef CHAPPE_SRC_NET_FD_H
#define CHAPPE_SRC_NET_FD_H

#include <chappe/fd.h>

/* Take one before each try. */
uint64_t chp__fd_ticket(const chp_fd *f);

/*
 * Wait for a report after the ticket: the try said that it would block.
 * Results as chp_fd_wait(), but a hint only: try again.
 */
void chp__fd_report_op(chp_fd_op *op, chp_fd *f, unsigned what,
		       uint64_t ticket);

#endif
