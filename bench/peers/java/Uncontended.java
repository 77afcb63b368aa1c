/*
 * Uncontended - u.*: one thread, nobody else.
 */
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedTransferQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.concurrent.locks.StampedLock;

final class Uncontended {
	private static long counter;

	private static void sem(Pass p, boolean fair) throws Exception
	{
		Semaphore s = new Semaphore(1, fair);

		p.start();
		for (long i = 0; i < p.ops; i++) {
			s.acquire();
			s.release();
		}
		p.stop();
		Pass.expect(s.availablePermits() == 1, "the permit is back");
	}

	private static void semTry(Pass p)
	{
		Semaphore s = new Semaphore(1);
		long got = 0;

		p.start();
		for (long i = 0; i < p.ops; i++) {
			if (s.tryAcquire())
				got++;
			s.release();
		}
		p.stop();
		Pass.expect(got == p.ops, "each attempt got the permit");
	}

	private static void semTryFail(Pass p)
	{
		Semaphore s = new Semaphore(0);
		long got = 0;

		p.start();
		for (long i = 0; i < p.ops; i++)
			if (s.tryAcquire())
				got++;
		p.stop();
		Pass.expect(got == 0, "no attempt got a permit");
	}

	private static void timeout(Pass p) throws Exception
	{
		Semaphore s = new Semaphore(1);
		long got = 0;

		p.start();
		for (long i = 0; i < p.ops; i++) {
			if (s.tryAcquire(1, TimeUnit.SECONDS))
				got++;
			s.release();
		}
		p.stop();
		Pass.expect(got == p.ops, "each wait got the permit");
	}

	private static void mutex(Pass p, boolean fair)
	{
		ReentrantLock m = new ReentrantLock(fair);
		long first = counter;

		p.start();
		for (long i = 0; i < p.ops; i++) {
			m.lock();
			counter++;
			m.unlock();
		}
		p.stop();
		Pass.expect(counter == first + p.ops, "each turn has counted");
	}

	private static void locked(Pass p, Lock l)
	{
		long first = counter;

		p.start();
		for (long i = 0; i < p.ops; i++) {
			l.lock();
			counter++;
			l.unlock();
		}
		p.stop();
		Pass.expect(counter == first + p.ops, "each turn has counted");
	}

	private static void stampedRead(Pass p)
	{
		StampedLock l = new StampedLock();
		long first = counter;

		p.start();
		for (long i = 0; i < p.ops; i++) {
			long stamp = l.readLock();

			counter++;
			l.unlockRead(stamp);
		}
		p.stop();
		Pass.expect(counter == first + p.ops, "each turn has counted");
	}

	private static void stampedWrite(Pass p)
	{
		StampedLock l = new StampedLock();
		long first = counter;

		p.start();
		for (long i = 0; i < p.ops; i++) {
			long stamp = l.writeLock();

			counter++;
			l.unlockWrite(stamp);
		}
		p.stop();
		Pass.expect(counter == first + p.ops, "each turn has counted");
	}

	private static void oneshot(Pass p)
	{
		long sum = 0;

		p.start();
		for (long i = 0; i < p.ops; i++) {
			CompletableFuture<Long> f = new CompletableFuture<>();

			f.complete(i);
			sum += f.join();
		}
		p.stop();
		Pass.expect(sum == p.ops * (p.ops - 1) / 2, "the values");
	}

	private static void notify(Pass p)
	{
		Thread self = Thread.currentThread();

		p.start();
		for (long i = 0; i < p.ops; i++) {
			LockSupport.unpark(self);
			LockSupport.park();
		}
		p.stop();
	}

	private static void mpsc(Pass p) throws Exception
	{
		ArrayBlockingQueue<Long> q = new ArrayBlockingQueue<>(100);
		long sum = 0;

		p.start();
		for (long i = 0; i < p.ops; i++) {
			q.put(i);
			sum += q.take();
		}
		p.stop();
		Pass.expect(sum == p.ops * (p.ops - 1) / 2, "the values");
	}

	private static void mpscTry(Pass p)
	{
		ArrayBlockingQueue<Long> q = new ArrayBlockingQueue<>(100);
		long sum = 0;

		p.start();
		for (long i = 0; i < p.ops; i++) {
			q.offer(i);
			sum += q.poll();
		}
		p.stop();
		Pass.expect(sum == p.ops * (p.ops - 1) / 2, "the values");
	}

	private static void mpscUnbounded(Pass p)
	{
		LinkedTransferQueue<Long> q = new LinkedTransferQueue<>();
		long sum = 0;

		p.start();
		for (long i = 0; i < p.ops; i++) {
			q.put(i);
			sum += q.poll();
		}
		p.stop();
		Pass.expect(sum == p.ops * (p.ops - 1) / 2, "the values");
	}

	private static void readWriteRead(Pass p)
	{
		locked(p, new ReentrantReadWriteLock().readLock());
	}

	private static void readWriteWrite(Pass p)
	{
		locked(p, new ReentrantReadWriteLock().writeLock());
	}

	/* clang-format off */
	static void add(List<Workload> all)
	{
		final long M = 1000000;

		all.add(new Workload("Semaphore", "u.sem", 10 * M, p -> sem(p, false)));
		all.add(new Workload("Semaphore-fair", "u.sem", 10 * M, p -> sem(p, true)));
		all.add(new Workload("Semaphore", "u.sem_try", 10 * M, p -> semTry(p)));
		all.add(new Workload("Semaphore", "u.sem_tryfail", 10 * M, p -> semTryFail(p)));
		all.add(new Workload("ReentrantLock", "u.mutex", 10 * M, p -> mutex(p, false)));
		all.add(new Workload("ReentrantLock-fair", "u.mutex", 10 * M, p -> mutex(p, true)));
		all.add(new Workload("StampedLock", "u.rw_read", 10 * M, p -> stampedRead(p)));
		all.add(new Workload("ReadWriteLock", "u.rw_read", 10 * M, p -> readWriteRead(p)));
		all.add(new Workload("StampedLock", "u.rw_write", 10 * M, p -> stampedWrite(p)));
		all.add(new Workload("ReadWriteLock", "u.rw_write", 10 * M, p -> readWriteWrite(p)));
		all.add(new Workload("CompletableFuture", "u.oneshot", 5 * M, p -> oneshot(p)));
		all.add(new Workload("LockSupport", "u.notify", 5 * M, p -> notify(p)));
		all.add(new Workload("ABQ", "u.mpsc", 10 * M, p -> mpsc(p)));
		all.add(new Workload("ABQ", "u.mpsc_try", 10 * M, p -> mpscTry(p)));
		all.add(new Workload("LTQ", "u.mpsc_unb", 10 * M, p -> mpscUnbounded(p)));
		all.add(new Workload("Semaphore", "u.timeout", 10 * M, p -> timeout(p)));
	}
	/* clang-format on */
}
