"""Two commits' builds of the benchmark, held against each other."""

# Fast, and steady enough to say something: no threads that sleep and are woken.
ROWS = r"^(u\..*|ch5?\..*\.(ct|mt)(\.1k)?|pp\..*\.(ct|mt)|task\..*)$"

# So much slower, beyond the spread, is a failure.
ALLOWED = 0.10

# Many short passes in turn: what disturbs one of them falls out of the median
# and of the spread, which is that of the middle half.
PASSES, SCALE = 11, 0.2
QUICK_PASSES = 5


def _verdict(before, after):
    if not before.ns():
        return 1, 0, ""
    ratio = after.ns() / before.ns()
    spread = before.middle_spread() + after.middle_spread()
    if ratio > 1 + spread + ALLOWED:
        return ratio, spread, "SLOWER"
    if ratio > 1 + spread:
        return ratio, spread, "slower"
    if ratio < 1 - spread:
        return ratio, spread, "faster"
    return ratio, spread, ""


def judge(table):
    """Prints how the second program compares with the first; 1 if worse."""
    before = {(r.impl, r.workload): r for r in table if r.program == 0}
    after = {(r.impl, r.workload): r for r in table if r.program == 1}
    worse = 0

    print(f"{'workload':<18} {'impl':<14} {'before':>9} {'after':>9} "
          f"{'ratio':>6} {'±':>5}")
    for key, row in before.items():
        if key not in after:
            continue
        ratio, spread, verdict = _verdict(row, after[key])
        worse += verdict == "SLOWER"
        print(f"{row.workload:<18} {row.impl:<14} {row.ns():>9.1f} "
              f"{after[key].ns():>9.1f} {ratio:>6.2f} {spread:>4.0%}  "
              f"{verdict}".rstrip())
    for what, here, there in (("before", before, after),
                              ("after", after, before)):
        missing = [f"{w} ({i})" for i, w in here if (i, w) not in there]
        if missing:
            print(f"only {what}: {', '.join(missing)}")
    print(f"slower by more than {ALLOWED:.0%} beyond the spread: {worse}")
    return 1 if worse else 0
