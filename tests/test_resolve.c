/*
 * test_resolve.c - names, numbers, and what is neither.
 */
#include "tcp_link.h"

static chp_addr found[16];

static void check_text(const chp_addr *a, const char *want)
{
	char text[80];

	CHECK(chp_addr_text(a, text, sizeof(text)) >= 0);
	if (strcmp(text, want))
		h_fail(__FILE__, __LINE__, "\"%s\", not \"%s\"", text, want);
}

static void localhost_has_a_loopback_address(void)
{
	int n = chp_resolve("localhost", "80", found, 16);

	CHECK(n >= 1 && n <= 16);
	for (int i = 0; i < n; i++) {
		int family = found[i].storage.ss_family;

		CHECK(family == AF_INET || family == AF_INET6);
		CHECK_EQ(addr_port(&found[i]), 80);
		check_text(&found[i],
			   family == AF_INET ? "127.0.0.1:80" : "[::1]:80");
		/* Once for TCP, not once for each kind of socket. */
		for (int j = 0; j < i; j++)
			CHECK(memcmp(&found[i].storage, &found[j].storage,
				     found[i].length) != 0);
	}
}

static void no_more_than_asked_for(void)
{
	memset(&found[1], 0xee, sizeof(found[1]));
	CHECK_EQ(chp_resolve("localhost", "80", found, 1), 1);
	CHECK_EQ(*(unsigned char *)&found[1], 0xee);
}

static void numbers_need_no_name_server(void)
{
	CHECK_EQ(chp_resolve("127.0.0.1", "65535", found, 16), 1);
	check_text(&found[0], "127.0.0.1:65535");
	CHECK_EQ(found[0].length, sizeof(struct sockaddr_in));
	CHECK_EQ(chp_resolve("::1", "1", found, 16), 1);
	check_text(&found[0], "[::1]:1");
	CHECK_EQ(found[0].length, sizeof(struct sockaddr_in6));
}

static void what_does_not_exist_is_not_resolved(void)
{
	CHECK_CODE(chp_resolve("no-such-host.invalid", "80", found, 16),
		   CHP_ERESOLVE);
	CHECK_CODE(chp_resolve("127.0.0.1", "no-such-service", found, 16),
		   CHP_ERESOLVE);
	CHECK_CODE(chp_resolve("300.300.300.300", "80", found, 16),
		   CHP_ERESOLVE);
}

static void bad_arguments_are_refused(void)
{
	chp_addr other = { .length = sizeof(struct sockaddr) };
	char text[4];

	CHECK_CODE(chp_resolve("localhost", "80", found, 0), CHP_EINVAL);
	other.storage.ss_family = AF_UNIX;
	CHECK_CODE(chp_addr_text(&other, text, sizeof(text)), CHP_EINVAL);
}

static void what_ended_the_wait_is_told(void)
{
	chp_cancel token = CHP_CANCEL_INIT;
	chp_wait w = { .cancel = &token };

	chp_cancel_now(&token);
	CHECK_CODE(chp_resolve_with("localhost", "80", found, 16, &w),
		   CHP_ECANCELED);
	chp_cancel_destroy(&token);
	CHECK_CODE(chp_interrupt(chp_agent_current()), 0);
	CHECK_CODE(chp_resolve("localhost", "80", found, 16), CHP_EINTR);
	CHECK(chp_resolve("localhost", "80", found, 16) >= 1);
}

static void *resolve(void *arg)
{
	chp_addr mine[4];

	for (int i = 0; i < 10; i++)
		CHECK(chp_resolve("localhost", arg, mine, 4) >= 1);
	return NULL;
}

static void many_resolve_at_once(void)
{
	struct h_agent agents[16];

	for (int i = 0; i < 16; i++)
		h_spawn(&agents[i], resolve, "80");
	for (int i = 0; i < 16; i++)
		h_join(&agents[i]);
}

/*
 * The name is on the caller's stack: who is aborted in the middle returns, and
 * the stack goes to somebody else, while the resolver may still be reading.
 */
static void *resolve_a_name_of_my_own(void *arg)
{
	char host[] = "localhost", service[] = "80";
	chp_addr mine[4];
	int r = chp_resolve(host, service, mine, 4);

	(void)arg;
	CHECK(r >= 1 || r == CHP_EABORTED);
	return NULL;
}

static void an_aborted_resolve_leaves_nothing_behind(void)
{
	struct h_agent agents[16];

	for (int i = 0; i < 16; i++) {
		h_spawn(&agents[i], resolve_a_name_of_my_own, NULL);
		h_yield();
		/* It may have ended: then there is nothing to abort. */
		chp_task_abort(&agents[i].task);
	}
	for (int i = 0; i < 16; i++)
		h_join(&agents[i]);
}

static const struct h_test tests[] = {
	TEST(localhost_has_a_loopback_address, IN_BLOCKING),
	TEST(no_more_than_asked_for, IN_BLOCKING),
	TEST(numbers_need_no_name_server, IN_BLOCKING),
	TEST(what_does_not_exist_is_not_resolved, IN_BLOCKING),
	TEST(bad_arguments_are_refused, IN_BLOCKING),
	TEST(what_ended_the_wait_is_told, IN_BLOCKING),
	TEST(many_resolve_at_once, IN_BLOCKING),
	TEST(an_aborted_resolve_leaves_nothing_behind, IN_TASKS),
};
H_MAIN("resolve", tests)
