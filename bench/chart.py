"""A bar chart of medians as SVG: a panel for each container, a group of bars for each operation."""

COLORS = {"skiff": "#0b7285", "crun": "#e8590c", "runc": "#868e96", "floor": "#ced4da"}
BAR, GAP, HEIGHT, MARGIN, TITLE = 18, 26, 200, 50, 54


def nice_ceiling(value):
    """The next of 1, 2, 5 times a power of ten."""
    step = 10.0 ** len(str(int(value))) / 100
    while True:
        for factor in (1, 2, 5):
            if step * factor >= value:
                return step * factor
        step *= 10


def draw(rows, operations):
    containers = list(dict.fromkeys(row["container"] for row in rows))
    runtimes = list(dict.fromkeys(row["runtime"] for row in rows))
    group = len(runtimes) * BAR + GAP
    width = MARGIN + len(operations) * group + 20
    panel = TITLE + HEIGHT + 40
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{panel * len(containers)}" '
        'font-family="sans-serif" font-size="11">',
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    for number, container in enumerate(containers):
        mine = [row for row in rows if row["container"] == container]
        out += draw_panel(container, mine, operations, runtimes, number * panel, width)
    return "\n".join(out + ["</svg>"]) + "\n"


def draw_panel(container, rows, operations, runtimes, top, width):
    ceiling = nice_ceiling(max(row["median_ms"] for row in rows))
    base = top + TITLE + HEIGHT
    out = [f'<text x="{MARGIN}" y="{top + 18}" font-size="14" font-weight="bold">'
           f'{container}: median, milliseconds</text>']
    for i, runtime in enumerate(runtimes):
        x = MARGIN + i * 80
        out.append(f'<rect x="{x}" y="{top + 26}" width="10" height="10" '
                   f'fill="{COLORS.get(runtime, "#5c940d")}"/>')
        out.append(f'<text x="{x + 15}" y="{top + 35}">{runtime}</text>')
    for i in range(5):
        y = base - HEIGHT * i / 4
        out.append(f'<line x1="{MARGIN}" y1="{y}" x2="{width - 10}" y2="{y}" stroke="#e9ecef"/>')
        out.append(f'<text x="{MARGIN - 6}" y="{y + 4}" text-anchor="end">{ceiling * i / 4:g}</text>')
    group = len(runtimes) * BAR + GAP
    for i, operation in enumerate(operations):
        left = MARGIN + GAP / 2 + i * group
        for j, runtime in enumerate(runtimes):
            median = next(row["median_ms"] for row in rows
                          if row["operation"] == operation and row["runtime"] == runtime)
            bar = HEIGHT * median / ceiling
            x = left + j * BAR
            out.append(f'<rect x="{x}" y="{base - bar:.1f}" width="{BAR - 2}" height="{bar:.1f}" '
                       f'fill="{COLORS.get(runtime, "#5c940d")}"/>')
            out.append(f'<text x="{x + BAR / 2 - 1}" y="{base - bar - 3:.1f}" font-size="8" '
                       f'text-anchor="middle">{median:.1f}</text>')
        out.append(f'<text x="{left + (group - GAP) / 2}" y="{base + 16}" '
                   f'text-anchor="middle">{operation}</text>')
    return out
