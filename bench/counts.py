"""Instructions per operation, by Valgrind's cachegrind: the same on a busy
machine as on an idle one.

A workload is run twice, for different numbers of operations; the difference of
what the two took, by the difference of the numbers, leaves the setting up out.
Compared with counts.txt, which holds for one compiler and processor.
"""
import concurrent.futures
import os
import re
import subprocess
import sys

import passes

# Alone, or in turns on one thread: the same number of instructions each time.
ROWS = (r"^(switch|u\.(?!bcast_10k$).*|task\.(spawn1|spawn1k|yield2)\.ct|"
        r"(pp|ch)\..*\.ct)$")
FEW, MANY = 2000, 12000  # both even, and whole thousands

FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "counts.txt")
HEAD = """\
# Instructions per operation of the release build, that of the benchmark's loop
# included: ./dev bench --count compares, ./dev bench --count --record writes.
"""

# The C library chooses among its string functions by processor: one choice.
TUNABLES = "glibc.cpu.hwcaps=" + ",".join("-" + f for f in (
    "AVX", "AVX2", "AVX2_Usable", "AVX512F", "AVX512VL", "ERMS", "FSRM",
    "AVX_Fast_Unaligned_Load"))


def allowed(recorded):
    """How much dearer something may have become."""
    return max(2, 0.05 * recorded)


def _instructions(program, pair, ops):
    p = subprocess.run(
        ["valgrind", "--tool=cachegrind", "--cache-sim=no",
         "--cachegrind-out-file=/dev/null", program, "--filter",
         passes.only([pair]), "--ops", str(ops)],
        env={**os.environ, "GLIBC_TUNABLES": TUNABLES}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    total = re.search(r"I +refs: +([0-9,]+)", p.stderr)
    if p.returncode != 0 or not total:
        sys.exit(f"bench: {' '.join(p.args)}:\n{p.stderr}")
    return int(total.group(1).replace(",", ""))


class Count:
    """Of one workload: the least that it took for few operations and many."""

    def __init__(self, program, pair):
        self.program, self.pair = program, pair
        self.few = self.many = float("inf")

    def take(self):
        self.few = min(self.few, _instructions(self.program, self.pair, FEW))
        self.many = min(self.many, _instructions(self.program, self.pair, MANY))

    def each(self):
        return (self.many - self.few) / (MANY - FEW)


def _measure(program, found, recorded):
    """(impl, workload) to instructions per operation."""
    counts = [Count(program, (i, w)) for _, i, w in found]
    progress = passes.Progress(len(counts))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for count, done in [(c, pool.submit(c.take)) for c in counts]:
            progress.step(count.pair[1])
            done.result()
    # A scheduler also does what is due by the clock, and time goes by faster,
    # seen from within, the busier the machine is: what looks dearer is counted
    # again, alone.
    for count in counts:
        if _verdict(recorded.get(count.pair), count.each()) == "DEARER":
            count.take()
    progress.end()
    return {count.pair: count.each() for count in counts}


def _compiler(program):
    """What compiled it and for what: "gcc 12 x86_64"."""
    _, compiler, machine = passes.versions([program])[0].split(", ")
    name, version = compiler.split()[:2]
    return f"{name} {version.split('.')[0]} {machine}"


def _read():
    """What compiled the recorded ones, and the counts."""
    by, recorded = None, {}
    if os.path.exists(FILE):
        with open(FILE) as f:
            for line in f:
                words = line.split()
                if line.startswith("by "):
                    by = " ".join(words[1:])
                elif words and not line.startswith("#"):
                    recorded[words[1], words[0]] = float(words[2])
    return by, recorded


def _write(program, by, counted):
    with open(FILE, "w") as f:
        f.write(f"{HEAD}by {by}\n")
        for _, impl, workload in passes.listing([program], re.compile(ROWS)):
            if (impl, workload) in counted:
                f.write(f"{workload:<18} {impl:<14} "
                        f"{counted[impl, workload]:>8.1f}\n")


def _verdict(before, now):
    if before is None:
        return "not recorded"
    if now > before + allowed(before):
        return "DEARER"
    if now < before - allowed(before):
        return "cheaper"
    return ""


def judge(program, found, record):
    """Prints, compares, records; 1 if anything got dearer."""
    here = _compiler(program)
    by, recorded = _read()
    if record and not re.fullmatch(r"gcc \d+ x86_64", here):
        sys.exit(f"bench: recorded are counts of gcc on x86-64, not {here}")
    judging = by == here
    if not judging and not record:
        print(f"counts.txt is of {by}, this is {here}: not judged")
    counted = _measure(program, found, recorded if judging else {})

    verdicts = []
    print(f"{'workload':<18} {'impl':<14} {'before':>8} {'now':>8}")
    for pair, now in counted.items():
        before = recorded.get(pair)
        verdict = _verdict(before, now) if judging else ""
        verdicts.append(verdict)
        print(f"{pair[1]:<18} {pair[0]:<14} "
              f"{'-' if before is None else f'{before:.1f}':>8} {now:>8.1f}  "
              f"{verdict}".rstrip())
    if record:
        _write(program, here,
               {**recorded, **counted} if by == here else counted)
        print(f"recorded in {os.path.relpath(FILE)}")
        return 0
    dearer = verdicts.count("DEARER")
    print(f"dearer: {dearer}")
    if dearer or "cheaper" in verdicts or "not recorded" in verdicts:
        print("if that is as it should be: ./dev bench --count --record")
    return 1 if dearer else 0
