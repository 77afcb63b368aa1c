"""Runs programs pass by pass: bench/peers/README.md says what they understand."""
import os
import re
import subprocess
import sys
import time

import rows


def listing(programs, pattern):
    """Matching (number of the program, impl, workload), in their order."""
    found = []
    for n, program in enumerate(programs):
        out = subprocess.run([program, "--list"], check=True, text=True,
                             stdout=subprocess.PIPE).stdout
        for line in out.splitlines():
            impl, workload = line.split()
            if not pattern or pattern.search(workload) or \
                    pattern.search(f"{impl} {workload}"):
                found.append((n, impl, workload))
    if not found:
        sys.exit("bench: no workload matches")
    return found


def versions(programs):
    return [line for p in programs for line in subprocess.run(
        [p, "--version"], text=True, stdout=subprocess.PIPE,
        check=True).stdout.splitlines()]


def only(pairs):
    """The filter that these (impl, workload) match, and no others."""
    names = "|".join(f"{re.escape(i)} {re.escape(w)}" for i, w in pairs)
    return f"^({names})$"


class Progress:
    """A line on a terminal; nothing in a log."""

    def __init__(self, steps):
        self.steps, self.done, self.start = steps, 0, time.monotonic()
        self.shown = sys.stderr.isatty()

    def step(self, what):
        if self.shown:
            left = "?"
            if self.done:
                spent = time.monotonic() - self.start
                left = f"{spent / self.done * (self.steps - self.done):.0f} s"
            width = 24
            full = width * self.done // self.steps
            sys.stderr.write(f"\r\033[K[{'#' * full}{'.' * (width - full)}] "
                             f"{left} left: {what}"[:100])
            sys.stderr.flush()
        self.done += 1

    def end(self):
        if self.shown:
            sys.stderr.write("\r\033[K")


def one_pass(program, pairs, scale, take):
    p = subprocess.run([program, "--filter", only(pairs), "--scale",
                        str(scale)], text=True, stdout=subprocess.PIPE)
    for line in p.stdout.splitlines():
        impl, workload, *numbers = line.split()
        if len(numbers) != 5:
            sys.exit(f"bench: {program} printed: {line}")
        take(impl, workload,
             [None if n == "-" else float(n) for n in numbers])
    if p.returncode != 0:
        sys.exit(f"bench: {os.path.basename(program)} ended with "
                 f"{p.returncode} in {only(pairs)}")


def measure(programs, found, passes, scale):
    """The rows, family by family, in order of appearance."""
    families = list(dict.fromkeys(rows.family(w) for _, _, w in found))
    table = {}
    progress = Progress(passes * len({(n, rows.family(w))
                                      for n, _, w in found}))

    for turn in range(passes):
        for family in families:
            mine = [f for f in found if rows.family(f[2]) == family]
            order = sorted({n for n, _, _ in mine}, reverse=turn % 2)
            for n in order:
                def take(impl, workload, numbers):
                    row = table.setdefault((n, impl, workload),
                                           rows.Row(n, impl, workload))
                    row.add(*numbers)

                progress.step(f"pass {turn + 1} of {passes}, {family}.*, "
                              f"{os.path.basename(programs[n])}")
                one_pass(programs[n], [(i, w) for m, i, w in mine if m == n],
                         scale, take)
    progress.end()
    order = {f: n for n, f in enumerate(families)}
    return sorted(table.values(),
                  key=lambda r: (order[rows.family(r.workload)], r.program))
