/*
 * test_base.c - the version, result codes in words, the allocator hook once it
 * is too late for it.
 */
#include "harness.h"

static void the_version_is_that_of_the_headers(void)
{
	char want[40];

	snprintf(want, sizeof(want), "%d.%d.%d", CHP_VERSION_MAJOR,
		 CHP_VERSION_MINOR, CHP_VERSION_PATCH);
	CHECK(strcmp(chp_version(), want) == 0);
}

#define NAMED(code)                                                            \
	{                                                                      \
		code, #code                                                    \
	}

static const struct {
	int code;
	const char *name;
} codes[] = {
	NAMED(CHP_EINVAL),    NAMED(CHP_ENOMEM),  NAMED(CHP_EAGAIN),
	NAMED(CHP_ETIMEDOUT), NAMED(CHP_EINTR),   NAMED(CHP_ECANCELED),
	NAMED(CHP_EOVERFLOW), NAMED(CHP_EBUSY),   NAMED(CHP_EALREADY),
	NAMED(CHP_ESRCH),     NAMED(CHP_ECLOSED), NAMED(CHP_ENOSYS),
	NAMED(CHP_EABORTED),  NAMED(CHP_ELAGGED), NAMED(CHP_EDISABLED),
	NAMED(CHP_ERESOLVE),  NAMED(CHP_PENDING),
};

enum { CODES = sizeof(codes) / sizeof(*codes) };

static void a_code_has_a_name_and_a_sentence_of_its_own(void)
{
	for (int i = 0; i < CODES; i++) {
		const char *sentence = chp_strerror(codes[i].code);

		CHECK(codes[i].code < 0);
		CHECK(strcmp(chp_errname(codes[i].code), codes[i].name) == 0);
		CHECK(strlen(sentence) > 3);
		for (int j = 0; j < i; j++) {
			CHECK(codes[i].code != codes[j].code);
			CHECK(strcmp(sentence, chp_strerror(codes[j].code)));
		}
	}
	CHECK(strcmp(chp_strerror(0), "success") == 0);
	CHECK(strcmp(chp_errname(0), "0") == 0);
}

/* -errno of the system's calls, and what is no code at all. */
static void every_number_has_words(void)
{
	for (int code = -5000; code <= 5000; code++) {
		CHECK(chp_errname(code) && *chp_errname(code));
		CHECK(chp_strerror(code) && *chp_strerror(code));
	}
	CHECK(strcmp(chp_errname(-EEXIST), "EEXIST") == 0);
	CHECK(strcmp(chp_errname(-ENOSPC), "ENOSPC") == 0);
	CHECK(strcmp(chp_errname(-ENOBUFS), "ENOBUFS") == 0);
	CHECK(strcmp(chp_errname(-ECONNREFUSED), "ECONNREFUSED") == 0);
	CHECK(strcmp(chp_strerror(-EXDEV), strerror(EXDEV)) == 0);
	CHECK(strcmp(chp_strerror(1), "unknown code") == 0);
	CHECK(strcmp(chp_strerror(-30000), "unknown code") == 0);
}

static void *no_alloc(size_t size, void *user)
{
	(void)size;
	(void)user;
	return NULL;
}

static void no_free(void *memory, size_t size, void *user)
{
	(void)memory;
	(void)size;
	(void)user;
}

static void the_allocator_cannot_be_replaced_too_late(void)
{
	chp_allocator other = { no_alloc, no_free, NULL };
	chp_allocator halves[] = { { no_alloc, NULL, NULL },
				   { NULL, no_free, NULL } };
	chp_oneshot_tx tx;
	chp_oneshot_rx rx;

	for (int i = 0; i < 2; i++) {
		CHECK_CODE(chp_oneshot(sizeof(int), NULL, &tx, &rx), 0);
		CHECK_CODE(chp_set_allocator(&other), CHP_EBUSY);
		chp_oneshot_tx_drop(&tx);
		chp_oneshot_rx_drop(&rx);
		CHECK_CODE(chp_set_allocator(&halves[i]), CHP_EINVAL);
	}
}

static const struct h_test tests[] = {
	TEST(the_version_is_that_of_the_headers, ON_ITS_OWN),
	TEST(a_code_has_a_name_and_a_sentence_of_its_own, ON_ITS_OWN),
	TEST(every_number_has_words, ON_ITS_OWN),
	TEST(the_allocator_cannot_be_replaced_too_late, ON_ITS_OWN),
};
H_MAIN("base", tests)
