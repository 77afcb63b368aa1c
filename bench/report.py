"""The table of ratios; and docs/benchmarks.md, from what was measured.

What a run of --peers or of --curves measured is kept beside the page, as lines
of JSON: first the run, then a row each.  The page is made from what is there.
"""
import json
import os
import platform
import subprocess

import curves
import gnuplot
import rows


def _number(x):
    if x is None:
        return "-"
    return f"{x:.1f}" if x < 1000 else f"{x:.0f}"


def _us(ns):
    return "-" if ns is None else f"{ns / 1000:.0f}"


def judged(table):
    """(mine, best comparable peer or None, tokio's row or None) per row."""
    for mine in rows.ours(table):
        yield (mine, rows.best_peer(table, mine),
               rows.tokio(table, mine.workload))


def ratios(table):
    yield (f"{'workload':<18} {'impl':<14} {'ours':>9} {'best peer':>10} "
           f"{'ratio':>6} {'to tokio':>8}  who")
    ahead = behind = 0
    for mine, peer, tokio in judged(table):
        ratio = peer.ns() / mine.ns() if peer and mine.ns() else None
        to_tokio = tokio.ns() / mine.ns() if tokio and mine.ns() else None
        ahead += ratio is not None and ratio >= 1
        behind += ratio is not None and ratio < 1
        yield (f"{mine.workload:<18} {mine.impl:<14} {mine.ns():>9.1f} "
               f"{_number(peer and peer.ns()):>10} "
               f"{'-' if ratio is None else f'{ratio:.2f}':>6} "
               f"{'-' if to_tokio is None else f'{to_tokio:.2f}':>8}  "
               f"{peer.impl if peer else '-'}")
    yield f"ahead of the best comparable peer in {ahead} rows, behind in {behind}"


# ---- What was measured ----

def _read(path):
    try:
        with open(path) as f:
            return f.read().strip()
    except OSError:
        return None


def _caches():
    """"L1 32K, L2 1024K, ..." of the first processor; data caches only."""
    base, found = "/sys/devices/system/cpu/cpu0/cache", []
    for n in range(8):
        level, kind, size = (_read(f"{base}/index{n}/{what}")
                             for what in ("level", "type", "size"))
        if level and kind != "Instruction":
            found.append(f"L{level} {size}")
    return ", ".join(found)


def _machine():
    facts = {"system": platform.platform(), "processors": os.cpu_count()}
    names = [line.split(":", 1)[1].strip()
             for line in (_read("/proc/cpuinfo") or "").splitlines()
             if line.startswith("model name")]
    facts["processor"] = names[0] if names else "?"
    facts["caches"] = _caches() or "?"
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    facts["memory"] = f"{pages / 2**30:.0f} GiB"
    facts["C library"] = " ".join(platform.libc_ver())
    return facts


def _commit():
    p = subprocess.run(["git", "describe", "--always", "--dirty"], text=True,
                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return p.stdout.strip() or "?"


def _folder(page):
    return os.path.splitext(page)[0]


def _data(page, kind):
    return os.path.join(_folder(page), kind + ".json")


def save(page, kind, table, run):
    """Keep a run; kind: peers or curves."""
    os.makedirs(_folder(page), exist_ok=True)
    run = {**run, "commit": _commit(), "machine": _machine()}
    with open(_data(page, kind), "w") as f:
        f.write(json.dumps({"run": run}) + "\n")
        for r in table:
            f.write(json.dumps(r.to_json()) + "\n")


def _load(page, kind):
    """The run and its rows, or None."""
    text = _read(_data(page, kind))
    if text is None:
        return None
    run, *table = [json.loads(line) for line in text.splitlines()]
    return run["run"], [rows.Row.from_json(r) for r in table]


# ---- The page ----

def _how(run):
    """By which command, where, and of what."""
    part = " of a fifth of the work" if run["quick"] else ""
    yield (f"`{run['command']}` at commit {run['commit']}: medians of "
           f"{run['passes']} interleaved passes{part}, {run['minutes']} "
           "minutes in all; ± is half the distance of the extremes.")
    yield ""
    yield from (f"- {k}: {v}" for k, v in run["machine"].items())
    yield from (f"- {v}" for v in run["versions"])


def _ratio_table(table):
    yield from ["Ratio: the peer's time by ours; below 1 we lose.", "",
                "| workload | impl | ns/op | best peer | its ns/op | ratio "
                "| to tokio |", "|---|---|---:|---|---:|---:|---:|"]
    for mine, peer, tokio in judged(table):
        yield (f"| `{mine.workload}` | {mine.impl} | {_number(mine.ns())} | "
               f"{peer.impl if peer else '-'} | {_number(peer and peer.ns())} | "
               f"{f'{peer.ns() / mine.ns():.2f}' if peer else '-'} | "
               f"{f'{tokio.ns() / mine.ns():.2f}' if tokio else '-'} |")


def _family_table(table):
    yield "| workload | impl | ns/op | ± | CPU ns/op | slowest ÷ mean | longest wait µs |"
    yield "|---|---|---:|---:|---:|---:|---:|"
    for r in table:
        fair = r.fairness()
        mark = "**" if r.impl.startswith("chappe") else ""
        yield (f"| `{r.workload}` | {mark}{r.impl}{mark} | "
               f"{_number(r.ns())} | {r.spread() * 100:.0f} % | "
               f"{_number(r.cpu())} | "
               f"{'-' if fair is None else f'{fair:.2f}'} | "
               f"{_us(r.longest())} |")


def _families(table, folder):
    for family in dict.fromkeys(rows.family(r.workload) for r in table):
        names = list(dict.fromkeys(r.workload for r in table
                                   if rows.family(r.workload) == family))
        sorted_rows = sorted((r for r in table if r.workload in names),
                             key=lambda r: (names.index(r.workload), r.ns()))
        yield from ["", f"## {family}.*", ""]
        if gnuplot.bars(os.path.join(folder, family + ".svg"), f"{family}.*",
                        [(f"{r.workload} {r.impl}", r.ns())
                         for r in sorted_rows if r.ns() > 0]):
            yield f"![{family}]({os.path.basename(folder)}/{family}.svg)"
            yield ""
        yield from _family_table(sorted_rows)


def write(page):
    """The page and its pictures, of all that was measured."""
    folder = _folder(page)
    peers, grown = _load(page, "peers"), _load(page, "curves")
    notes = _read(folder + ".notes.md")
    out = ["# Benchmarks", "",
           "Written by `./dev bench --peers` and `./dev bench --curves` from "
           "what they measured; do not edit. What each row does: "
           "[bench/peers/README.md](../bench/peers/README.md)."]
    if peers:
        out += ["", "## Ours and the best comparable peer", ""]
        out += [*_how(peers[0]), "", *_ratio_table(peers[1])]
    if notes:
        out += ["", notes]
    if peers:
        out += _families(peers[1], folder)
    if grown:
        out += ["", "## Curves", "", *_how(grown[0])]
        out += curves.section(grown[1], folder)
    with open(page, "w") as f:
        f.write("\n".join(out) + "\n")
