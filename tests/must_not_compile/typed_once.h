/*
 * typed_once.h - the typed once cells and set onces that the files beside it
 * misuse; as typed.h.
 */
#include "typed.h"

CHP_ONCE_CELL_DEFINE(int_cell, int);
CHP_ONCE_CELL_DEFINE(job_cell, struct job);
CHP_SET_ONCE_DEFINE(int_set, int);

extern int_cell an_int_cell;
extern job_cell a_job_cell;
extern int_set an_int_set;
extern int *an_int_pointer;
extern long *a_long_pointer;
extern struct job *a_job_pointer;

int make_int(int *value, void *arg);
int make_long(long *value, void *arg);
int make_job(struct job *value, void *arg);
