/*
 * Crowd - threads that wait at a gate until all are there, and processors.
 */
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;

final class Crowd {
	interface Member {
		void run(int number) throws Exception;
	}

	private final Thread[] threads;
	private final CountDownLatch here, go = new CountDownLatch(1);

	/* Starts `count` threads; member(i) begins when the gate opens. */
	Crowd(int count, Member member) throws InterruptedException
	{
		threads = new Thread[count];
		here = new CountDownLatch(count);
		for (int i = 0; i < count; i++) {
			int number = i;

			threads[i] = new Thread(() -> enter(member, number));
			threads[i].start();
		}
		here.await();
	}

	private void enter(Member member, int number)
	{
		try {
			here.countDown();
			go.await();
			member.run(number);
		} catch (Throwable t) {
			Pass.expect(false, "no exception, but " + t);
		}
	}

	/* Starts the clock and opens the gate. */
	void go(Pass p)
	{
		p.start();
		go.countDown();
	}

	void join() throws InterruptedException
	{
		for (Thread t : threads)
			t.join();
	}

	/*
	 * The calling thread on one processor. Java has no call for that: the
	 * thread is found by its name among those of the process.
	 */
	static void pin(int cpu) throws IOException, InterruptedException
	{
		Thread self = Thread.currentThread();
		String before = self.getName(), name = "pinned-" + cpu;

		self.setName(name);
		taskset(cpu, taskNamed(name));
		self.setName(before);
	}

	private static String taskNamed(String name) throws IOException
	{
		Path tasks = Path.of("/proc/self/task");

		try (DirectoryStream<Path> all =
			     Files.newDirectoryStream(tasks)) {
			for (Path task : all)
				if (nameOf(task).equals(name))
					return task.getFileName().toString();
		}
		throw new IOException("no thread is named " + name);
	}

	/* Others of the process may end meanwhile: those have no name. */
	private static String nameOf(Path task)
	{
		try {
			return Files.readString(task.resolve("comm")).strip();
		} catch (IOException e) {
			return "";
		}
	}

	private static void taskset(int cpu, String task)
		throws IOException, InterruptedException
	{
		int status = new ProcessBuilder("taskset", "-p", "-c",
						String.valueOf(cpu), task)
				     .redirectOutput(
					     ProcessBuilder.Redirect.DISCARD)
				     .start()
				     .waitFor();

		Pass.expect(status == 0, "the processors 0 and 1 are there "
						 + "to be pinned to");
	}
}
