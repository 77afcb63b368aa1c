"""What one row of the benchmark says, and which peers compare with ours."""
import re
import statistics


def family(workload):
    return workload.split(".")[0]


class Row:
    """One workload of one program, which goes by its number in the run."""

    def __init__(self, program, impl, workload):
        self.program, self.impl, self.workload = program, impl, workload
        self.passes = []

    def add(self, ops, ns, cpu, fairness, longest):
        self.passes.append((ops, ns / ops, cpu / ops, fairness, longest))

    def to_json(self):
        return {"program": self.program, "impl": self.impl,
                "workload": self.workload,
                "passes": [[x and round(x, 3) for x in p]
                           for p in self.passes]}

    @classmethod
    def from_json(cls, o):
        row = cls(o["program"], o["impl"], o["workload"])
        row.passes = o["passes"]
        return row

    def _column(self, n):
        return [p[n] for p in self.passes if p[n] is not None]

    def ops(self):
        return statistics.median(self._column(0))

    def ns(self):
        return statistics.median(self._column(1))

    def spread(self):
        """Half the distance of the extremes, by the median."""
        ns = self._column(1)
        return (max(ns) - min(ns)) / 2 / self.ns() if self.ns() else 0

    def middle_spread(self):
        """The same without the quarter of either end."""
        ns = self._column(1)
        if len(ns) < 2 or not self.ns():
            return 0
        low, _, high = statistics.quantiles(ns, n=4, method="inclusive")
        return (high - low) / 2 / self.ns()

    def cpu(self):
        return statistics.median(self._column(2))

    def fairness(self):
        f = self._column(3)
        return statistics.median(f) if f else None

    def longest(self):
        worst = self._column(4)
        return max(worst) if worst else None


# Shown as limits, not compared: see "Comparable" in docs/benchmarks.md.
LIMITS = [
    ("boost.*", r".*\.mt$"),          # ran on one thread in effect
    ("ck.*", ".*"),                   # spinning locks
    ("libstdc.*", ".*"),
    (r"(linux|glibc)/spin.*", ".*"),
    ("spin.*", ".*"),
    ("java.*", r"u\.(sem_tryfail|oneshot)$"),  # folded away
    ("neco.*|libdill.*", ".*"),
]

FIFO = re.compile(r"tokio|-fair|weighted|/chan|fifo|/fair")


def is_fifo(impl):
    """Does it serve in the order of arrival?"""
    return bool(FIFO.search(impl))


def ordered(workload):
    """Rows where the class of ordering decides who compares with whom."""
    return workload.startswith("c.") or workload.startswith("c.sem")


def comparable(peer, mine):
    """May this peer's row be held against ours?"""
    for impl, workload in LIMITS:
        if re.fullmatch(impl, peer.impl) and \
                re.fullmatch(workload, peer.workload):
            return False
    if ordered(peer.workload):
        if peer.fairness() is not None and peer.fairness() < 0.2:
            return False
        if is_fifo(peer.impl) != is_fifo(mine.impl) and \
                not peer.workload.startswith("c.rw"):
            return False
    return True


def best_peer(table, mine):
    peers = [r for r in table if r.workload == mine.workload and
             not r.impl.startswith(("chappe", "limit")) and
             comparable(r, mine)]
    return min(peers, key=Row.ns, default=None)


def tokio(table, workload):
    of = [r for r in table if r.workload == workload and
          re.fullmatch(r"tokio[-0-9.]*", r.impl)]
    return min(of, key=Row.ns, default=None)


def ours(table):
    return [r for r in table if r.impl.startswith("chappe")]
