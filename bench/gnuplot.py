"""Pictures, if there is a gnuplot."""
import shutil
import subprocess


def _draw(script):
    if not shutil.which("gnuplot"):
        return False
    subprocess.run(["gnuplot"], input=script, text=True, check=True)
    return True


def bars(path, title, values):
    """Horizontal bars: (name, ns) each."""
    if not values:
        return False
    data = "\n".join(f'"{n}" {v:.2f}' for n, v in reversed(values))
    return _draw(f"""
set terminal svg size 760,{60 + 22 * len(values)} font "sans,12"
set output "{path}"
set title "{title}"
set logscale x
set xlabel "ns per operation, logarithmic"
set grid x
set style fill solid 0.6
set yrange [-0.7:{len(values) - 0.3}]
unset key
set lmargin 30
$data << EOD
{data}
EOD
plot $data using ($2/2):0:($2/2):(0.35):ytic(1) with boxxyerror
""")


def lines(path, title, xlabel, curves):
    """Curves by name: a list of (n, ns) each."""
    if not curves:
        return False
    data = "\n\n\n".join("\n".join(f"{n} {ns:.2f}" for n, ns in points)
                         for points in curves.values())
    plots = ", ".join(f'$data index {i} title "{name}" noenhanced '
                      "with linespoints linewidth 2"
                      for i, name in enumerate(curves))
    sizes = sorted({n for points in curves.values() for n, _ in points})
    tics = ", ".join(f'"{n:,}" {n}' for n in sizes)
    return _draw(f"""
set terminal svg size 760,360 font "sans,12"
set output "{path}"
set title "{title}"
set logscale xy
set yrange [1:*]
set xrange [{sizes[0]}:{sizes[-1]}]
set xtics ({tics})
set xlabel "{xlabel}"
set ylabel "ns per operation"
set grid
set key right bottom
$data << EOD
{data}
EOD
plot {plots}
""")
