/*
 * tcp.h - TCP, written as if it blocked.
 *
 *	chp_tcp t;
 *	int r = chp_tcp_connect(&t, "example.org", "80");
 *	if (r == 0) {
 *		r = chp_tcp_write_all(&t, text, length, NULL);
 *		...
 *		chp_tcp_close(&t);
 *	}
 *
 * IPv4 and IPv6.  Every call that waits has a _with form: deadline, token,
 * interruption.  Errors are the system's -errno.  One task or thread at a time
 * reads, and one writes; they may be two.  SIGPIPE is not raised.
 */
#ifndef CHAPPE_TCP_H
#define CHAPPE_TCP_H

#include <sys/socket.h>

#include <chappe/fd.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct chp_tcp {
	chp_fd *fd; /* read it freely; NULL: closed */
} chp_tcp;

typedef struct chp_tcp_listener {
	chp_fd *fd;
} chp_tcp_listener;

/* An address of any family. */
typedef struct chp_addr {
	struct sockaddr_storage storage;
	socklen_t length;
} chp_addr;

/* ---- Names ---- */

/*
 * The addresses of a host and a service (names or numbers) for TCP, up to
 * `max`, into out[].  Returns how many, at least 1; CHP_ERESOLVE; CHP_EINVAL;
 * CHP_ENOMEM; as chp_spawn_blocking() in a task; or what ended the wait.  The
 * system's resolver is asked on the blocking pool in a task, on the thread
 * itself else (a deadline does not hurry it there).
 */
CHP_API int chp_resolve(const char *host, const char *service, chp_addr *out,
			size_t max);
CHP_API int chp_resolve_with(const char *host, const char *service,
			     chp_addr *out, size_t max, const chp_wait *w);

/* "127.0.0.1:80", "[::1]:80" into text[size]; CHP_EINVAL for other families. */
CHP_API int chp_addr_text(const chp_addr *addr, char *text, size_t size);

/* ---- Connecting and listening ---- */

/*
 * Connect to the first address of the host that accepts.  0; CHP_ERESOLVE; the
 * last address's -errno (-ECONNREFUSED); or what ended the wait.
 * tokio: TcpStream::connect.
 */
CHP_API int chp_tcp_connect(chp_tcp *t, const char *host, const char *service);
CHP_API int chp_tcp_connect_with(chp_tcp *t, const char *host,
				 const char *service, const chp_wait *w);

/* Connect to an address. */
CHP_API int chp_tcp_connect_addr_with(chp_tcp *t, const chp_addr *addr,
				      const chp_wait *w);

/*
 * Listen on an address of this host; service "0": any free port.  Sets
 * SO_REUSEADDR.  backlog 0: 1024.
 */
CHP_API int chp_tcp_listen(chp_tcp_listener *l, const char *host,
			   const char *service, int backlog);
CHP_API int chp_tcp_listener_addr(const chp_tcp_listener *l, chp_addr *addr);
CHP_API void chp_tcp_listener_close(chp_tcp_listener *l);

/*
 * The next connection.  peer may be NULL.  0; the system's -errno: after
 * -EMFILE, -ENFILE, -ENOBUFS and -ENOMEM of accept(2) the connection still
 * waits; one that was accepted and could not be registered (chp_fd_new) is
 * closed; or what ended the wait.
 */
CHP_API int chp_tcp_accept(chp_tcp_listener *l, chp_tcp *t, chp_addr *peer);
CHP_API int chp_tcp_accept_with(chp_tcp_listener *l, chp_tcp *t, chp_addr *peer,
				const chp_wait *w);

/* Take over a connected socket; it is closed with the chp_tcp, or now if
   registering it fails: 0, or as chp_fd_new(). */
CHP_API int chp_tcp_from_socket(chp_tcp *t, int socket);

/* ---- Moving bytes ---- */

/*
 * Read what there is, at most size (and 2^30) bytes.  How many; 0: the peer
 * has shut down, or size is 0; else why not.  Nothing is lost when the wait is
 * ended.  In a task, others that can run may go first: when the reads before
 * this one came too early, to save a try.
 */
CHP_API int chp_tcp_read(chp_tcp *t, void *buffer, size_t size);
CHP_API int chp_tcp_read_with(chp_tcp *t, void *buffer, size_t size,
			      const chp_wait *w);

/*
 * Read exactly size bytes.  0, or CHP_ECLOSED at an early end, or why not;
 * *moved, if not NULL, says how many bytes there are, in every case.
 */
CHP_API int chp_tcp_read_exact(chp_tcp *t, void *buffer, size_t size,
			       size_t *moved);
CHP_API int chp_tcp_read_exact_with(chp_tcp *t, void *buffer, size_t size,
				    size_t *moved, const chp_wait *w);

/* Write some of it: how many bytes, or why not. */
CHP_API int chp_tcp_write(chp_tcp *t, const void *data, size_t size);
CHP_API int chp_tcp_write_with(chp_tcp *t, const void *data, size_t size,
			       const chp_wait *w);

/*
 * Write all of it.  0, or why not; *moved, if not NULL, says how many bytes
 * went out, in every case, so that a write that was ended can be taken up.
 */
CHP_API int chp_tcp_write_all(chp_tcp *t, const void *data, size_t size,
			      size_t *moved);
CHP_API int chp_tcp_write_all_with(chp_tcp *t, const void *data, size_t size,
				   size_t *moved, const chp_wait *w);

/* Tell the peer that no more comes; reading goes on.  0 or -errno. */
CHP_API int chp_tcp_shutdown(chp_tcp *t);

/* Nothing may be waiting on it.  A closed one is ignored. */
CHP_API void chp_tcp_close(chp_tcp *t);

/* ---- As operations, for select and for pollers ---- */

/*
 * Accept, read, write some: results as the calls.  Cancelling one loses
 * nothing: bytes are moved only by the poll that returns their number.
 */
typedef struct chp_io_op {
	chp_op op;
	chp_fd *fd;
	union {
		void *buffer;
		const void *data;
		chp_tcp *accepted;
	} at;
	size_t size;
	chp_addr *peer;
	int waiting;
	chp_fd_op ready;
} chp_io_op;

CHP_API void chp_tcp_accept_op(chp_io_op *op, chp_tcp_listener *l, chp_tcp *t,
			       chp_addr *peer);
CHP_API void chp_tcp_read_op(chp_io_op *op, chp_tcp *t, void *buffer,
			     size_t size);
CHP_API void chp_tcp_write_op(chp_io_op *op, chp_tcp *t, const void *data,
			      size_t size);

#ifdef __cplusplus
}
#endif

#endif
