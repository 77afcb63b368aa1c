/*
 * Contended - c.*.thr: N threads and one object.
 */
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.locks.ReentrantLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.concurrent.locks.StampedLock;

final class Contended {
	/* What one party counts, on a cache line of its own. */
	static final class Party {
		private long p0, p1, p2, p3, p4, p5, p6, p7;
		long ops, longestNs;
		private int seed = 1;
		private long q0, q1, q2, q3, q4, q5, q6, q7;

		/*
		 * 40 cycles: 20 steps, each of which needs the one before and
		 * takes two.
		 */
		void work()
		{
			int x = seed;

			for (int i = 0; i < 20; i++)
				x ^= x << 1;
			seed = x | 1;
		}

		void waited(long since)
		{
			longestNs = Math.max(longestNs,
					     System.nanoTime() - since);
		}
	}

	/* The flag that makes all stop. */
	static volatile boolean up;

	/* One party's loop; timed: the clock is read around each acquire. */
	interface Loop {
		void run(Party me, boolean timed) throws Exception;
	}

	private static Party[] contendFor(Pass p, int count, Loop loop,
					  boolean timed, double seconds)
		throws Exception
	{
		Party[] parties = new Party[count];

		for (int i = 0; i < count; i++)
			parties[i] = new Party();
		up = false;

		Crowd crowd = new Crowd(count, i -> loop.run(parties[i], timed));

		crowd.go(p);
		Thread.sleep((long)(seconds * 1000) + 1);
		up = true;
		crowd.join();
		p.stop();
		return parties;
	}

	private static void contend(Pass p, int count, Loop loop)
		throws Exception
	{
		Party[] parties = contendFor(p, count, loop, false, p.scale);
		long sum = 0, least = Long.MAX_VALUE;

		for (Party one : parties) {
			sum += one.ops;
			least = Math.min(least, one.ops);
			Pass.sink += one.seed;
		}
		Pass.expect(sum > 0, "somebody got the lock");
		p.ops = sum;
		p.fairness = (double)least * count / sum;
		p.longestNs = 0;
		parties = contendFor(new Pass(0, p.scale), count, loop, true,
				     0.3 * p.scale);
		for (Party one : parties)
			p.longestNs = Math.max(p.longestNs, one.longestNs);
	}

	private static Loop semaphore(boolean fair)
	{
		Semaphore s = new Semaphore(1, fair);

		return (me, timed) -> {
			while (!up) {
				long since = timed ? System.nanoTime() : 0;

				s.acquire();
				if (timed)
					me.waited(since);
				me.work();
				s.release();
				me.ops++;
			}
		};
	}

	private static Loop mutex(boolean fair)
	{
		ReentrantLock m = new ReentrantLock(fair);

		return (me, timed) -> {
			while (!up) {
				long since = timed ? System.nanoTime() : 0;

				m.lock();
				if (timed)
					me.waited(since);
				me.work();
				m.unlock();
				me.ops++;
			}
		};
	}

	private static Loop stamped()
	{
		StampedLock l = new StampedLock();

		return (me, timed) -> {
			for (int i = 0; !up; i++) {
				long since = timed ? System.nanoTime() : 0;
				long stamp = i % 10 == 0 ? l.writeLock()
							 : l.readLock();

				if (timed)
					me.waited(since);
				me.work();
				l.unlock(stamp);
				me.ops++;
			}
		};
	}

	private static Loop readWrite()
	{
		ReentrantReadWriteLock l = new ReentrantReadWriteLock();

		return (me, timed) -> {
			for (int i = 0; !up; i++) {
				long since = timed ? System.nanoTime() : 0;

				if (i % 10 == 0)
					l.writeLock().lock();
				else
					l.readLock().lock();
				if (timed)
					me.waited(since);
				me.work();
				if (i % 10 == 0)
					l.writeLock().unlock();
				else
					l.readLock().unlock();
				me.ops++;
			}
		};
	}

	/* clang-format off */
	static void add(List<Workload> all)
	{
		for (int n : new int[]{ 8, 64 }) {
			String sem = "c.sem." + n + ".thr", mutex = "c.mutex." + n + ".thr";

			all.add(new Workload("Semaphore", sem, 1, p -> contend(p, n, semaphore(false))));
			all.add(new Workload("Semaphore-fair", sem, 1, p -> contend(p, n, semaphore(true))));
			all.add(new Workload("ReentrantLock", mutex, 1, p -> contend(p, n, mutex(false))));
			all.add(new Workload("ReentrantLock-fair", mutex, 1, p -> contend(p, n, mutex(true))));
		}
		all.add(new Workload("StampedLock", "c.rw90.64.thr", 1, p -> contend(p, 64, stamped())));
		all.add(new Workload("ReadWriteLock", "c.rw90.64.thr", 1, p -> contend(p, 64, readWrite())));
	}
	/* clang-format on */
}
