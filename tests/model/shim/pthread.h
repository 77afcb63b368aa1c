/*
 * pthread.h - virtual threads live as long as an execution: no keys.
 */
#ifndef CHAPPE_TESTS_MODEL_PTHREAD_H
#define CHAPPE_TESTS_MODEL_PTHREAD_H

#include_next <pthread.h>

int model_once(pthread_once_t *once, void (*fn)(void));
int model_key_create(pthread_key_t *key, void (*destroy)(void *));
int model_setspecific(pthread_key_t key, const void *value);

#define pthread_once        model_once
#define pthread_key_create  model_key_create
#define pthread_setspecific model_setspecific

#endif
