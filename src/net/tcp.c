/*
 * tcp.c - sockets: making, connecting, listening, closing.
 */
#include <chappe/tcp.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#include "net/fd.h"
#include "wait/block.h"

enum { ADDRESSES = 16, BACKLOG = 1024 };

static int new_socket(const chp_addr *addr)
{
	int fd = socket(addr->storage.ss_family,
			SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	return fd < 0 ? -errno : fd;
}

/* Register, or close. */
static int adopt(chp_fd **out, int fd, bool stream)
{
	int r = chp__fd_register(out, fd, stream);

	if (r)
		close(fd);
	return r;
}

static void give_up(chp_fd **fd)
{
	int number;

	if (!*fd)
		return;
	number = chp_fd_number(*fd);
	chp_fd_free(*fd);
	close(number);
	*fd = NULL;
}

int chp_tcp_from_socket(chp_tcp *t, int socket)
{
	int one = 1, r;

	/* Small messages now rather than later; fails for other families, of
	   which some end a read early (a descriptor comes with the bytes). */
	r = setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	t->fd = NULL;
	return adopt(&t->fd, socket, r == 0);
}

void chp_tcp_close(chp_tcp *t)
{
	give_up(&t->fd);
}

void chp_tcp_listener_close(chp_tcp_listener *l)
{
	give_up(&l->fd);
}

int chp_tcp_shutdown(chp_tcp *t)
{
	if (!t->fd)
		return CHP_ECLOSED;
	return shutdown(chp_fd_number(t->fd), SHUT_WR) == 0 ? 0 : -errno;
}

/* ---- Connecting ---- */

/* Wait for the outcome of a connect that is under way. */
static int await_connect(chp_fd *fd, const chp_wait *w)
{
	socklen_t length = sizeof(int);
	int error = 0, r = chp_fd_wait_with(fd, CHP_WRITABLE, w);

	if (r < 0)
		return r;
	if (getsockopt(chp_fd_number(fd), SOL_SOCKET, SO_ERROR, &error,
		       &length) != 0)
		return -errno;
	return -error;
}

int chp_tcp_connect_addr_with(chp_tcp *t, const chp_addr *addr,
			      const chp_wait *w)
{
	struct agent *self = agent_self();
	int fd, r = wait_check(self, w);

	t->fd = NULL;
	if (r)
		return r;
	fd = new_socket(addr);
	if (fd < 0)
		return fd;
	r = chp_tcp_from_socket(t, fd);
	if (r)
		return r;
	if (connect(fd, (const struct sockaddr *)&addr->storage,
		    addr->length) != 0) {
		r = errno == EINPROGRESS || errno == EINTR
			    ? await_connect(t->fd, w)
			    : -errno;
		if (r)
			chp_tcp_close(t);
	}
	return r;
}

/* Did the wait end, rather than the attempt fail? */
static bool ended(int r)
{
	return r == CHP_EINTR || r == CHP_EABORTED || r == CHP_ECANCELED;
}

int chp_tcp_connect_with(chp_tcp *t, const char *host, const char *service,
			 const chp_wait *w)
{
	struct agent *self = agent_self();
	chp_addr addrs[ADDRESSES];
	int n, r = CHP_ERESOLVE;
	chp_wait whole;

	t->fd = NULL;
	w = chp__wait_fix(w, &whole);
	n = chp_resolve_with(host, service, addrs, ADDRESSES, w);
	if (n < 0)
		return n;
	for (int i = 0; i < n; i++) {
		r = chp_tcp_connect_addr_with(t, &addrs[i], w);
		if (r == 0 || ended(r) || wait_expired(self, w))
			break;
	}
	return r;
}

int chp_tcp_connect(chp_tcp *t, const char *host, const char *service)
{
	return chp_tcp_connect_with(t, host, service, NULL);
}

/* ---- Listening ---- */

static int listen_on(chp_tcp_listener *l, const chp_addr *addr, int backlog)
{
	int one = 1, fd = new_socket(addr);

	if (fd < 0)
		return fd;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (const struct sockaddr *)&addr->storage, addr->length) !=
		    0 ||
	    listen(fd, backlog) != 0) {
		int r = -errno;

		close(fd);
		return r;
	}
	return adopt(&l->fd, fd, false);
}

int chp_tcp_listen(chp_tcp_listener *l, const char *host, const char *service,
		   int backlog)
{
	chp_addr addrs[ADDRESSES];
	int n, r = CHP_ERESOLVE;

	l->fd = NULL;
	if (backlog < 0)
		return CHP_EINVAL;
	n = chp_resolve(host, service, addrs, ADDRESSES);
	if (n < 0)
		return n;
	for (int i = 0; i < n; i++) {
		r = listen_on(l, &addrs[i], backlog ? backlog : BACKLOG);
		if (r == 0)
			break;
	}
	return r;
}

int chp_tcp_listener_addr(const chp_tcp_listener *l, chp_addr *addr)
{
	if (!l->fd)
		return CHP_ECLOSED;
	addr->length = sizeof(addr->storage);
	return getsockname(chp_fd_number(l->fd),
			   (struct sockaddr *)&addr->storage,
			   &addr->length) == 0
		       ? 0
		       : -errno;
}
