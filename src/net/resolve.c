/*
 * resolve.c - the system's resolver, off the workers.
 *
 * The request is one heap block, with the strings and the answer.  The task
 * that asks joins the blocking call; if its wait is ended it lets go, and the
 * call's result_drop frees the block when the resolver has come back.
 */
#include <chappe/tcp.h>

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include <chappe/runtime.h>

#include "base/alloc.h"
#include "wait/block.h"

struct request {
	size_t bytes; /* of the block */
	const char *host, *service;
	size_t max;
	int result;
	chp_addr addrs[];
};

static int ask(const char *host, const char *service, chp_addr *out, size_t max)
{
	struct addrinfo hints, *list, *a;
	int n = 0, r;

	memset(&hints, 0, sizeof(hints));
	hints.ai_socktype = SOCK_STREAM;
	hints.ai_flags = AI_PASSIVE;
	r = getaddrinfo(host, service, &hints, &list);
	if (r != 0)
		return r == EAI_MEMORY ? CHP_ENOMEM : CHP_ERESOLVE;
	for (a = list; a && (size_t)n < max; a = a->ai_next) {
		if (a->ai_addrlen > sizeof(out[n].storage))
			continue;
		memcpy(&out[n].storage, a->ai_addr, a->ai_addrlen);
		out[n++].length = a->ai_addrlen;
	}
	freeaddrinfo(list);
	return n ? n : CHP_ERESOLVE;
}

static void free_request(void *arg)
{
	struct request *q = arg;

	chp__free(q, q->bytes);
}

static void *run_request(void *arg)
{
	struct request *q = arg;

	q->result = ask(q->host, q->service, q->addrs, q->max);
	return q;
}

static struct request *new_request(const char *host, const char *service,
				   size_t max)
{
	size_t host_size = strlen(host) + 1, service_size = strlen(service) + 1;
	size_t fixed = sizeof(struct request) + max * sizeof(chp_addr);
	struct request *q = chp__alloc(fixed + host_size + service_size);
	char *text;

	if (!q)
		return NULL;
	q->bytes = fixed + host_size + service_size;
	q->max = max;
	text = (char *)q + fixed;
	q->host = memcpy(text, host, host_size);
	q->service = memcpy(text + host_size, service, service_size);
	return q;
}

static int ask_off_worker(const char *host, const char *service, chp_addr *out,
			  size_t max, const chp_wait *w)
{
	chp_task_options options = {
		.name = "resolve",
		.arg_drop = free_request,
		.result_drop = free_request,
	};
	struct request *q = new_request(host, service, max);
	chp_outcome outcome;
	chp_task call;
	int r;

	if (!q)
		return CHP_ENOMEM;
	r = chp_spawn_blocking(NULL, &call, run_request, q, &options);
	if (r) {
		free_request(q);
		return r;
	}
	r = chp_join_with(&call, &outcome, w);
	if (r) {
		chp_task_abort(&call);
		chp_task_detach(&call);
		return r;
	}
	/* Never run: the runtime is shutting down. */
	if (outcome.fate == CHP_NEVER_RUN)
		return CHP_EABORTED;
	r = q->result;
	if (r > 0)
		memcpy(out, q->addrs, (size_t)r * sizeof(*out));
	free_request(q);
	return r;
}

/* A number needs no resolver: no waiting, no thread. */
static int parse(const char *host, const char *service, chp_addr *out)
{
	struct addrinfo hints, *list;

	memset(&hints, 0, sizeof(hints));
	hints.ai_socktype = SOCK_STREAM;
	hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
	if (getaddrinfo(host, service, &hints, &list) != 0)
		return 0;
	memcpy(&out->storage, list->ai_addr, list->ai_addrlen);
	out->length = list->ai_addrlen;
	freeaddrinfo(list);
	return 1;
}

int chp_resolve_with(const char *host, const char *service, chp_addr *out,
		     size_t max, const chp_wait *w)
{
	struct agent *self = agent_self();
	int r;

	if (!host || !service || !out || !max || max > 1024)
		return CHP_EINVAL;
	r = wait_check(self, w);
	if (r)
		return r;
	if (parse(host, service, out))
		return 1;
	if (chp_runtime_current())
		return ask_off_worker(host, service, out, max, w);
	return ask(host, service, out, max);
}

int chp_resolve(const char *host, const char *service, chp_addr *out,
		size_t max)
{
	return chp_resolve_with(host, service, out, max, NULL);
}

int chp_addr_text(const chp_addr *addr, char *text, size_t size)
{
	char number[INET6_ADDRSTRLEN];

	if (addr->storage.ss_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)&addr->storage;

		inet_ntop(AF_INET, &in->sin_addr, number, sizeof(number));
		snprintf(text, size, "%s:%u", number,
			 (unsigned)ntohs(in->sin_port));
		return 0;
	}
	if (addr->storage.ss_family == AF_INET6) {
		const struct sockaddr_in6 *in = (const void *)&addr->storage;

		inet_ntop(AF_INET6, &in->sin6_addr, number, sizeof(number));
		snprintf(text, size, "[%s]:%u", number,
			 (unsigned)ntohs(in->sin6_port));
		return 0;
	}
	return CHP_EINVAL;
}
