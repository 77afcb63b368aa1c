/*
 * Channels - ch.*.thr: producer threads and one consumer, the measuring one.
 */
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedTransferQueue;

final class Channels {
	private static void produce(BlockingQueue<Long> q, long count)
		throws InterruptedException
	{
		for (long i = 0; i < count; i++)
			q.put(i);
	}

	private static long consume(BlockingQueue<Long> q, long count)
		throws InterruptedException
	{
		long sum = 0;

		for (long i = 0; i < count; i++)
			sum += q.take();
		return sum;
	}

	private static void channel(Pass p, BlockingQueue<Long> q,
				    int producers) throws Exception
	{
		long each = Math.max(1, p.ops / producers);
		Crowd crowd = new Crowd(producers, i -> produce(q, each));
		long sum;

		p.ops = each * producers;
		crowd.go(p);
		sum = consume(q, p.ops);
		p.stop();
		crowd.join();
		Pass.expect(sum == each * (each - 1) / 2 * producers,
			    "the values have all come");
	}

	private static void bounded(Pass p, int capacity) throws Exception
	{
		channel(p, new ArrayBlockingQueue<>(capacity), 1);
	}

	private static void unbounded(Pass p, int producers) throws Exception
	{
		channel(p, new LinkedTransferQueue<>(), producers);
	}

	/* clang-format off */
	static void add(List<Workload> all)
	{
		all.add(new Workload("ABQ", "ch.b1.thr", 10000, p -> bounded(p, 1)));
		all.add(new Workload("ABQ", "ch.b100.thr", 200000, p -> bounded(p, 100)));
		all.add(new Workload("LTQ", "ch.unb.thr", 1000000, p -> unbounded(p, 1)));
		all.add(new Workload("LTQ", "ch5.unb.thr", 1000000, p -> unbounded(p, 5)));
	}
	/* clang-format on */
}
