"""The table of ratios, and docs/benchmarks.md with its pictures."""
import os
import platform
import shutil
import subprocess

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


def _machine():
    facts = {"system": platform.platform(), "processors": os.cpu_count()}
    try:
        with open("/proc/cpuinfo") as f:
            names = [l.split(":", 1)[1].strip() for l in f
                     if l.startswith("model name")]
        facts["processor"] = names[0] if names else "?"
    except OSError:
        pass
    facts["C library"] = " ".join(platform.libc_ver())
    return facts


def _picture(path, title, bars):
    """Horizontal bars by gnuplot: (name, ns) each."""
    if not shutil.which("gnuplot") or not bars:
        return False
    data = "\n".join(f'"{n}" {v:.2f}' for n, v in reversed(bars))
    script = f"""
set terminal svg size 760,{60 + 22 * len(bars)} font "sans,12"
set output "{path}"
set title "{title}"
set logscale x
set xlabel "ns per operation, logarithmic"
set grid x
set style fill solid 0.6
set yrange [-0.7:{len(bars) - 0.3}]
unset key
set lmargin 30
$data << EOD
{data}
EOD
plot $data using ($2/2):0:($2/2):(0.35):ytic(1) with boxxyerror
"""
    subprocess.run(["gnuplot"], input=script, text=True, check=True)
    return True


def _family_table(table, family):
    yield "| workload | impl | ns/op | ± | CPU ns/op | slowest ÷ mean | longest wait µs |"
    yield "|---|---|---:|---:|---:|---:|---:|"
    names = dict.fromkeys(r.workload for r in table
                          if r.workload.split(".")[0] == family)
    for name in names:
        for r in sorted((r for r in table if r.workload == name),
                        key=rows.Row.ns):
            fair = r.fairness()
            mark = "**" if r.impl.startswith("chappe") else ""
            yield (f"| `{r.workload}` | {mark}{r.impl}{mark} | "
                   f"{_number(r.ns())} | {r.spread() * 100:.0f} % | "
                   f"{_number(r.cpu())} | "
                   f"{'-' if fair is None else f'{fair:.2f}'} | "
                   f"{_us(r.longest())} |")


def write(path, table, versions, passes, quick, seconds):
    """docs/benchmarks.md and docs/benchmarks/*.svg."""
    folder = os.path.splitext(path)[0]
    notes = folder + ".notes.md"
    os.makedirs(folder, exist_ok=True)
    out = ["# Benchmarks", "",
           "Written by `./dev bench --peers`; do not edit. What each row does: "
           "[bench/peers/README.md](../bench/peers/README.md). Medians of "
           f"{passes} interleaved passes{' of a fifth of the work (--quick)' if quick else ''}, "
           f"{seconds / 60:.0f} minutes in all; ± is half the distance of the extremes.", ""]
    out += [f"- {k}: {v}" for k, v in _machine().items()]
    out += [f"- {v}" for v in versions]
    out += ["", "## Ours and the best comparable peer", "",
            "Ratio: the peer's time by ours; below 1 we lose.", "",
            "| workload | impl | ns/op | best peer | its ns/op | ratio | to tokio |",
            "|---|---|---:|---|---:|---:|---:|"]
    for mine, peer, tokio in judged(table):
        out.append(
            f"| `{mine.workload}` | {mine.impl} | {_number(mine.ns())} | "
            f"{peer.impl if peer else '-'} | {_number(peer and peer.ns())} | "
            f"{f'{peer.ns() / mine.ns():.2f}' if peer else '-'} | "
            f"{f'{tokio.ns() / mine.ns():.2f}' if tokio else '-'} |")
    if os.path.exists(notes):
        with open(notes) as f:
            out += ["", f.read().rstrip()]
    for family in dict.fromkeys(r.workload.split(".")[0] for r in table):
        out += ["", f"## {family}.*", ""]
        names = dict.fromkeys(r.workload for r in table
                              if r.workload.split(".")[0] == family)
        bars = [(f"{name} {r.impl}", r.ns()) for name in names
                for r in sorted((r for r in table if r.workload == name),
                                key=rows.Row.ns) if r.ns() > 0]
        picture = os.path.join(folder, family + ".svg")
        if _picture(picture, f"{family}.*", bars):
            out += [f"![{family}]({os.path.basename(folder)}/{family}.svg)", ""]
        out += _family_table(table, family)
    with open(path, "w") as f:
        f.write("\n".join(out) + "\n")
