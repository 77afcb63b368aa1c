/*
 * control_once.c - the right use of every wrapper of once cells and set onces.
 */
#include "typed_once.h"

extern void drop_job(struct job *job);

CHP_ONCE_CELL_DEFINE_DROP(dropped_cell, struct job, drop_job);
CHP_SET_ONCE_DEFINE_DROP(dropped_set, struct job, drop_job);

extern dropped_cell a_dropped_cell;
extern dropped_set a_dropped_set;

int cells(void);
int sets(void);

int cells(void)
{
	int r = 0;

	an_int_pointer = int_cell_get(&an_int_cell);
	r |= int_cell_initialized(&an_int_cell);
	r |= int_cell_set(&an_int_cell, an_int);
	r |= int_cell_get_or_init(&an_int_cell, make_int, NULL,
				  &an_int_pointer);
	r |= int_cell_get_or_init_with(&an_int_cell, make_int, &a_job, NULL,
				       &wait);
	r |= job_cell_get_or_init(&a_job_cell, make_job, NULL, &a_job_pointer);
	r |= int_cell_wait(&an_int_cell, &an_int_pointer);
	r |= int_cell_wait_with(&an_int_cell, NULL, &wait);
	r |= int_cell_take(&an_int_cell, &an_int);
	r |= dropped_cell_take(&a_dropped_cell, NULL);
	int_cell_destroy(&an_int_cell);
	dropped_cell_destroy(&a_dropped_cell);
	return r | chp_once_cell_initialized(&an_int_cell.raw);
}

int sets(void)
{
	int r = 0;

	an_int_pointer = int_set_get(&an_int_set);
	r |= int_set_initialized(&an_int_set);
	r |= int_set_set(&an_int_set, an_int);
	r |= dropped_set_set(&a_dropped_set, a_job);
	r |= int_set_wait(&an_int_set, &an_int_pointer);
	r |= int_set_wait_with(&an_int_set, NULL, &wait);
	r |= int_set_take(&an_int_set, &an_int);
	int_set_destroy(&an_int_set);
	dropped_set_destroy(&a_dropped_set);
	return r | chp_set_once_initialized(&an_int_set.raw);
}
