/*
 * passes.h - instead of the library's: executions of the model are short.
 */
#ifndef CHAPPE_SRC_SYNC_PASSES_H
#define CHAPPE_SRC_SYNC_PASSES_H

enum { PASSES = 2 };

#endif
