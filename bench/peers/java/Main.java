/*
 * Main - choosing workloads, running one pass of them, a line for each.
 *
 * What a workload does: ../README.md.
 */
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

final class Main {
	static final String JAVA = "java" + Runtime.version().feature();

	private boolean list;
	private Pattern filter = Pattern.compile("");
	private double scale = 1;

	private static void usage()
	{
		System.err.println("usage: peer-java [--list | --version] "
				   + "[--filter REGEX] [--scale F]");
		System.exit(2);
	}

	private Main(String[] args)
	{
		for (int i = 0; i < args.length; i++) {
			boolean more = i + 1 < args.length;

			if (args[i].equals("--list"))
				list = true;
			else if (args[i].equals("--version"))
				version();
			else if (args[i].equals("--filter") && more)
				filter = pattern(args[++i]);
			else if (args[i].equals("--scale") && more)
				scale = number(args[++i]);
			else
				usage();
		}
		if (!(scale > 0))
			usage();
	}

	private static Pattern pattern(String text)
	{
		try {
			return Pattern.compile(text);
		} catch (PatternSyntaxException e) {
			System.err.println("peer-java: bad pattern: " + text);
			System.exit(2);
			return null;
		}
	}

	private static double number(String text)
	{
		try {
			return Double.parseDouble(text);
		} catch (NumberFormatException e) {
			return 0;
		}
	}

	private static void version()
	{
		System.out.println(JAVA + " "
				   + System.getProperty("java.runtime.version")
				   + " "
				   + System.getProperty("java.vm.name"));
		System.exit(0);
	}

	private void run() throws Exception
	{
		List<Workload> all = new ArrayList<>();

		Uncontended.add(all);
		Contended.add(all);
		Channels.add(all);
		RoundTrips.add(all);
		for (Workload w : all) {
			String title = w.impl + " " + w.name;

			if (!filter.matcher(title).find())
				continue;
			if (list)
				System.out.println(title);
			else
				System.out.println(
					title + " " + w.measure(scale).line());
			System.out.flush();
		}
	}

	public static void main(String[] args) throws Exception
	{
		new Main(args).run();
	}
}
