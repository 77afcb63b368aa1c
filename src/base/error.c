/*
 * error.c - result codes in words, and the version.
 */
#include <chappe/base.h>

#include <string.h>

#include "base/compiler.h"

struct text {
	int code;
	const char *name;
	const char *sentence;
};

static const struct text texts[] = {
	{ 0, "0", "success" },
	{ CHP_EINVAL, "CHP_EINVAL", "bad argument" },
	{ CHP_ENOMEM, "CHP_ENOMEM", "out of memory" },
	{ CHP_EAGAIN, "CHP_EAGAIN", "it would have to wait" },
	{ CHP_ETIMEDOUT, "CHP_ETIMEDOUT", "the deadline passed" },
	{ CHP_EINTR, "CHP_EINTR", "the caller was interrupted" },
	{ CHP_ECANCELED, "CHP_ECANCELED",
	  "the cancellation token was cancelled" },
	{ CHP_EOVERFLOW, "CHP_EOVERFLOW", "a count would leave its range" },
	{ CHP_EBUSY, "CHP_EBUSY", "in use" },
	{ CHP_EALREADY, "CHP_EALREADY", "it has been done already" },
	{ CHP_ESRCH, "CHP_ESRCH", "no such task or thread any more" },
	{ CHP_ECLOSED, "CHP_ECLOSED", "closed" },
	{ CHP_ENOSYS, "CHP_ENOSYS", "not available on this system" },
	{ CHP_EABORTED, "CHP_EABORTED", "the task was aborted" },
	{ CHP_ELAGGED, "CHP_ELAGGED",
	  "values were overwritten before receipt" },
	{ CHP_EDISABLED, "CHP_EDISABLED",
	  "every arm of the select is disabled" },
	{ CHP_ERESOLVE, "CHP_ERESOLVE", "the host name could not be resolved" },
	{ CHP_PENDING, "CHP_PENDING", "not finished yet" },
	{ -ECONNREFUSED, "ECONNREFUSED", "connection refused" },
	{ -ECONNRESET, "ECONNRESET", "connection reset by peer" },
	{ -ENOTCONN, "ENOTCONN", "not connected" },
	{ -EADDRINUSE, "EADDRINUSE", "address in use" },
	{ -EADDRNOTAVAIL, "EADDRNOTAVAIL", "address not available" },
	{ -EHOSTUNREACH, "EHOSTUNREACH", "host unreachable" },
	{ -ENETUNREACH, "ENETUNREACH", "network unreachable" },
	{ -EACCES, "EACCES", "permission denied" },
	{ -EPERM, "EPERM", "operation not permitted" },
	{ -EBADF, "EBADF", "bad file descriptor" },
	{ -EEXIST, "EEXIST", "it exists already" },
	{ -ENOSPC, "ENOSPC", "no space left" },
	{ -ENOBUFS, "ENOBUFS", "no buffer space available" },
	{ -EMFILE, "EMFILE", "too many open files" },
	{ -ENFILE, "ENFILE", "too many open files in the system" },
};

static const struct text *find(int code)
{
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (texts[i].code == code)
			return &texts[i];
	return NULL;
}

const char *chp_errname(int code)
{
	const struct text *t = find(code);

	return t ? t->name : "an errno value";
}

const char *chp_strerror(int code)
{
	const struct text *t = find(code);

	if (t)
		return t->sentence;
	return code < 0 && code > -4096 ? strerror(-code) : "unknown code";
}

#define TEXT_(x) #x
#define TEXT(x)  TEXT_(x)

const char *chp_version(void)
{
	/* clang-format off */
	return TEXT(CHP_VERSION_MAJOR) "." TEXT(CHP_VERSION_MINOR) "."
	       TEXT(CHP_VERSION_PATCH);
	/* clang-format on */
}
