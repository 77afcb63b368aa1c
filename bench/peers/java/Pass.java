/*
 * Pass - one pass over one workload: what is to be done, and what it took.
 */
import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;

final class Pass {
	private static final OperatingSystemMXBean SYSTEM =
		(OperatingSystemMXBean)ManagementFactory
			.getOperatingSystemMXBean();

	final double scale;
	long ops; /* to do; of contended rows, those that were done */
	long ns, cpuNs;
	double fairness = -1;
	long longestNs = -1;

	Pass(long ops, double scale)
	{
		this.ops = ops;
		this.scale = scale;
	}

	/* The measured stretch. */
	void start()
	{
		cpuNs = SYSTEM.getProcessCpuTime();
		ns = System.nanoTime();
	}

	void stop()
	{
		ns = System.nanoTime() - ns;
		cpuNs = SYSTEM.getProcessCpuTime() - cpuNs;
	}

	String line()
	{
		String parties = fairness < 0
					 ? "- -"
					 : String.format("%.3f %d", fairness,
							 longestNs);

		return String.format("%d %d %d %s", ops, ns, cpuNs, parties);
	}

	/* Ends the program with a message if what does not hold. */
	static void expect(boolean what, String message)
	{
		if (what)
			return;
		System.err.println("peer: not so: " + message);
		Runtime.getRuntime().halt(1);
	}

	/* What a workload computed and nobody reads. */
	static volatile long sink;
}
