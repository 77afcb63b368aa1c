/*
 * main.c - choosing workloads, running one pass of them, a line for each.
 */
#include "peer.h"

#include <regex.h>
#include <string.h>

struct options {
	bool list;
	double scale;
	const char *filter;
};

static const char *program;

static void usage(void)
{
	fprintf(stderr,
		"usage: %s [--list | --version] [--filter REGEX] [--scale F]\n",
		program);
	exit(2);
}

static void version(void)
{
	for (size_t i = 0; peers[i]; i++)
		peers[i]->version();
	exit(0);
}

static void parse(struct options *o, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		bool more = i + 1 < argc;

		if (!strcmp(argv[i], "--list"))
			o->list = true;
		else if (!strcmp(argv[i], "--version"))
			version();
		else if (!strcmp(argv[i], "--filter") && more)
			o->filter = argv[++i];
		else if (!strcmp(argv[i], "--scale") && more)
			o->scale = atof(argv[++i]);
		else
			usage();
	}
	if (!(o->scale > 0))
		usage();
}

static bool matches(const regex_t *filter, const struct workload *w)
{
	char text[128];

	snprintf(text, sizeof(text), "%s %s", w->impl, w->name);
	return regexec(filter, text, 0, NULL, 0) == 0;
}

static void measure(const struct workload *w, double scale)
{
	struct pass p = { .scale = scale, .fairness = -1, .longest_ns = -1 };

	p.ops = (long)((double)w->ops * scale);
	if (p.ops < 1)
		p.ops = 1;
	w->run(&p);
	printf("%s %s %ld %.0f %.0f", w->impl, w->name, p.ops, p.ns, p.cpu_ns);
	if (p.fairness >= 0)
		printf(" %.3f %.0f\n", p.fairness, p.longest_ns);
	else
		printf(" - -\n");
	fflush(stdout);
}

static void *nothing(void *arg)
{
	return arg;
}

int main(int argc, char **argv)
{
	struct options o = { .scale = 1, .filter = "" };
	pthread_t second;
	regex_t filter;

	program = argv[0];
	parse(&o, argc, argv);
	if (regcomp(&filter, o.filter, REG_EXTENDED | REG_NOSUB)) {
		fprintf(stderr, "%s: bad pattern: %s\n", program, o.filter);
		return 2;
	}
	/* The C library takes short cuts until a second thread has run. */
	EXPECT(pthread_create(&second, NULL, nothing, NULL) == 0);
	pthread_join(second, NULL);

	for (size_t i = 0; peers[i]; i++)
		for (size_t k = 0; k < peers[i]->count; k++) {
			const struct workload *w = &peers[i]->list[k];

			if (!matches(&filter, w))
				continue;
			if (o.list)
				printf("%s %s\n", w->impl, w->name);
			else
				measure(w, o.scale);
		}
	regfree(&filter);
	return 0;
}
