"""What an operation costs beside N others: tables and pictures."""
import os

import gnuplot

# Of each group of curves: what there are N of, and what the picture says.
GROUPS = {
    "waiters": "beside N that wait for the same semaphore (FIFO)",
    "receivers": "a send to N broadcast receivers, none of which waits",
    "timers": "a timer set and cancelled beside N that are set",
    "threads": "N threads and one lock, per turn of any of them",
    "tasks": "N tasks that yield in turn, per yield",
}


def _curves(table):
    """Name, and the rows by N: {"waiters.join": {1: row, ...}}."""
    found = {}
    for r in table:
        name, n = r.workload.rsplit(".", 1)
        found.setdefault(name, {})[int(n)] = r
    return found


def _growth(points):
    first, last = min(points), max(points)
    if not points[first].ns():
        return first, last, None
    return first, last, points[last].ns() / points[first].ns()


def growth(table):
    """How much dearer the last point of each curve is than its first."""
    yield f"{'curve':<20} {'N':>12} {'first':>8} {'last':>8} {'ratio':>6}"
    for name, points in _curves(table).items():
        first, last, ratio = _growth(points)
        yield (f"{name:<20} {f'{first}..{last}':>12} "
               f"{points[first].ns():>8.1f} {points[last].ns():>8.1f} "
               f"{'-' if ratio is None else f'{ratio:.2f}':>6}")


def _group_table(curves):
    sizes = sorted({n for points in curves.values() for n in points})
    yield ("| ns/op at N = | " + " | ".join(f"{n:,}" for n in sizes) +
           " | last ÷ first |")
    yield "|---|" + "---:|" * (len(sizes) + 1)
    for name, points in curves.items():
        ratio = _growth(points)[2]
        cells = [f"{points[n].ns():.1f} ± {points[n].spread() * 100:.0f} %"
                 if n in points else "" for n in sizes]
        yield (f"| `{name}` | " + " | ".join(cells) +
               f" | {'-' if ratio is None else f'**{ratio:.2f}**'} |")


def section(table, folder):
    """The lines of the page; pictures go to the folder beside it."""
    all_curves = _curves(table)
    for group in dict.fromkeys(name.split(".")[0] for name in all_curves):
        curves = {name: points for name, points in all_curves.items()
                  if name.split(".")[0] == group}
        title = GROUPS.get(group, group)
        picture = f"curves-{group}.svg"
        yield from ["", f"### {group}: {title}", ""]
        if gnuplot.lines(os.path.join(folder, picture), title,
                         f"{group} (N)",
                         {name: [(n, points[n].ns()) for n in sorted(points)]
                          for name, points in curves.items()}):
            yield f"![{group}]({os.path.basename(folder)}/{picture})"
            yield ""
        yield from _group_table(curves)
