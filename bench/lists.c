/*
 * lists.c - all workloads of the benchmark.
 */
#include "bench.h"

const struct workload_list *const bench_lists[] = {
	&bench_limits,   &bench_uncontended, &bench_contended, &bench_signals,
	&bench_channels, &bench_roundtrips,  &bench_fanout,    &bench_tasks,
	&bench_net,      &bench_scales,      &bench_requests,  NULL,
};
