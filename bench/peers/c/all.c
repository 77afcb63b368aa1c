/*
 * all.c - what this program measures.
 */
#include "peer.h"

extern const struct peer peer_glibc;
extern const struct peer peer_nsync;
extern const struct peer peer_ck;
extern const struct peer peer_linux;

const struct peer *const peers[] = {
	&peer_glibc, &peer_nsync, &peer_ck, &peer_linux, NULL,
};
