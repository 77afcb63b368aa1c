/*
 * RoundTrips - pp.*.t2 and actor.10.thr: two threads on two processors; client
 * threads of one server, a fresh future for each reply.
 */
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.locks.LockSupport;

final class RoundTrips {
	interface Voice {
		void run(long rounds) throws Exception;
	}

	/* Two threads, pinned; `ask` is measured. */
	private static void duet(Pass p, Voice ask, Voice answer)
		throws Exception
	{
		Thread asking = new Thread(() -> first(p, ask, answer));

		asking.start();
		asking.join();
	}

	private static void first(Pass p, Voice ask, Voice answer)
	{
		try {
			Semaphore ready = new Semaphore(0);
			Crowd other;

			Crowd.pin(0);
			other = new Crowd(1, i -> {
				Crowd.pin(1);
				ready.release();
				answer.run(p.ops);
			});
			other.go(p);
			ready.acquire();
			p.start();
			ask.run(p.ops);
			p.stop();
			other.join();
		} catch (Throwable t) {
			Pass.expect(false, "no exception, but " + t);
		}
	}

	private static void sem(Pass p, boolean fair) throws Exception
	{
		Semaphore there = new Semaphore(0, fair);
		Semaphore back = new Semaphore(0, fair);

		duet(p, rounds -> {
			for (long i = 0; i < rounds; i++) {
				there.release();
				back.acquire();
			}
		}, rounds -> {
			for (long i = 0; i < rounds; i++) {
				there.acquire();
				back.release();
			}
		});
		Pass.expect(there.availablePermits() == 0
				    && back.availablePermits() == 0,
			    "as many acquires as releases");
	}

	/* A note to one thread: a number, and the permit of park. */
	static final class Note {
		private volatile long number;
		private volatile Thread reader;

		void read(Thread reader)
		{
			this.reader = reader;
		}

		void tell(long number)
		{
			this.number = number;
			LockSupport.unpark(reader);
		}

		void await(long number)
		{
			while (this.number != number)
				LockSupport.park(this);
		}
	}

	private static void notify(Pass p) throws Exception
	{
		Note there = new Note(), back = new Note();

		duet(p, rounds -> {
			back.read(Thread.currentThread());
			for (long i = 1; i <= rounds; i++) {
				there.tell(i);
				back.await(i);
			}
		}, rounds -> {
			there.read(Thread.currentThread());
			for (long i = 1; i <= rounds; i++) {
				there.await(i);
				back.tell(i);
			}
		});
	}

	static final class Request {
		final long value;
		final CompletableFuture<Long> reply = new CompletableFuture<>();

		Request(long value)
		{
			this.value = value;
		}
	}

	private static void client(ArrayBlockingQueue<Request> q, long count)
		throws InterruptedException
	{
		for (long i = 0; i < count; i++) {
			Request r = new Request(i);

			q.put(r);
			Pass.expect(r.reply.join() == i + 1,
				    "the reply is right");
		}
	}

	/* Until a request of -1. */
	private static void serve(ArrayBlockingQueue<Request> q)
		throws InterruptedException
	{
		for (;;) {
			Request r = q.take();

			r.reply.complete(r.value + 1);
			if (r.value < 0)
				return;
		}
	}

	private static void actor(Pass p, int clients) throws Exception
	{
		ArrayBlockingQueue<Request> q = new ArrayBlockingQueue<>(100);
		long each = Math.max(1, p.ops / clients);
		Crowd server = new Crowd(1, i -> serve(q));
		Crowd crowd = new Crowd(clients, i -> client(q, each));

		p.ops = each * clients;
		server.go(p);
		crowd.go(p);
		crowd.join();
		p.stop();
		q.put(new Request(-1));
		server.join();
	}

	/* clang-format off */
	static void add(List<Workload> all)
	{
		all.add(new Workload("LockSupport", "pp.notify.t2", 10000, p -> notify(p)));
		all.add(new Workload("Semaphore", "pp.sem.t2", 10000, p -> sem(p, false)));
		all.add(new Workload("Semaphore-fair", "pp.sem.t2", 10000, p -> sem(p, true)));
		all.add(new Workload("ABQ+CF", "actor.10.thr", 100000, p -> actor(p, 10)));
	}
	/* clang-format on */
}
