/*
 * Workload - a name, the operations of a pass, and what does them.
 */
final class Workload {
	interface Body {
		void run(Pass p) throws Exception;
	}

	final String impl, name;
	final long ops;
	final Body body;

	Workload(String impl, String name, long ops, Body body)
	{
		this.impl = Main.JAVA + "/" + impl;
		this.name = name;
		this.ops = ops;
		this.body = body;
	}

	/*
	 * Many short rounds first, so that the methods are compiled and not only
	 * the loop that runs in them; together as many operations as are measured.
	 * Contended rows go by time and are warmed up by one round of the same.
	 */
	private void warmUp(double scale) throws Exception
	{
		int rounds = ops == 1 ? 1 : 20;

		for (int i = 0; i < rounds; i++)
			body.run(new Pass(operations(scale) / rounds + 1,
					  scale));
	}

	private long operations(double scale)
	{
		return Math.max(1, (long)(ops * scale));
	}

	Pass measure(double scale) throws Exception
	{
		Pass p = new Pass(operations(scale), scale);

		warmUp(scale);
		body.run(p);
		return p;
	}
}
