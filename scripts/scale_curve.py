"""Puts the sizes of scripts/scale-curve together: scale.json, a table and two pictures."""

import json
import math
import pathlib
import sys

SHADES = ["#9ecae1", "#6baed6", "#4292c6", "#2171b5", "#08306b"]


def human(number):
    for unit, size in (("M", 1_000_000), ("k", 1_000)):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return f"{number:.3g}"


def crash(size):
    return size["phases"][-1]


def fanout(size):
    """Records that all watches bring a second, in the phase that was mostly rest."""
    join = size["phases"][1]
    return join["counts"]["watch_deliveries"] / join["length_ms"] * 1000


def table(sizes):
    print_row = lambda cells: "| " + " | ".join(str(cell) for cell in cells) + " |"
    rows = [
        print_row(["partitions", "members", "writes a second", "deliveries a second", "start", "join", "leave", "crash of a third",
                   "moves after the crash (least)", "refused", "one turn", "CPU of the simulation"]),
        print_row(["---:"] * 12),
    ]
    for size in sizes:
        join, last = size["phases"][1], crash(size)
        times = ["not" if phase["converged_ms"] is None else f"{phase['converged_ms'] / 1000:.3g} s" for phase in size["phases"]]
        cpu = sum(phase["cpu_ms"] for phase in size["phases"]) / 1000
        rows.append(print_row([
            f"{size['partitions']:,}", f"{size['members']:,}", human(join["counts"]["writes"] / join["length_ms"] * 1000),
            human(fanout(size)), *times, f"{last['moves']:,} ({last['moves_least']:,})", last["counts"]["refused"],
            f"{size['turn_us'] / 1000:.2g} ms", f"{cpu:.2g} s",
        ]))
    return "\n".join(rows) + "\n"


def picture(sizes, title, value, unit):
    width, height, left, top, bottom, right = 720, 420, 80, 50, 50, 130
    points = [(size["partitions"], size["members"], value(size)) for size in sizes if value(size)]
    lowest = 10 ** math.floor(math.log10(min(point[2] for point in points)))
    highest = 10 ** math.ceil(math.log10(max(point[2] for point in points)))
    x = lambda number: left + (math.log10(number) - 2) / 2 * (width - left - right)
    y = lambda number: height - bottom - math.log10(number / lowest) / math.log10(highest / lowest) * (height - top - bottom)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="13">',
        f"<title>{title}</title>", f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        f'<text x="{left}" y="24" font-size="15" fill="#222222">{title}</text>',
    ]
    decade = lowest
    while decade <= highest:
        out.append(f'<line x1="{left}" x2="{width - right}" y1="{y(decade):.1f}" y2="{y(decade):.1f}" stroke="#dddddd"/>')
        out.append(f'<text x="{left - 8}" y="{y(decade) + 4:.1f}" text-anchor="end" fill="#444444">{human(decade)}{unit}</text>')
        decade *= 10
    for number in (100, 300, 1000, 3000, 10000):
        out.append(f'<text x="{x(number):.1f}" y="{height - bottom + 20}" text-anchor="middle" fill="#444444">{number:,}</text>')
    out.append(f'<text x="{(left + width - right) / 2}" y="{height - 8}" text-anchor="middle" fill="#444444">partitions</text>')
    last_label = None
    ends = []
    for shade, members in zip(SHADES, sorted({point[1] for point in points})):
        line = sorted((p, v) for p, m, v in points if m == members)
        path = " ".join(f"{x(p):.1f},{y(v):.1f}" for p, v in line)
        out.append(f'<polyline points="{path}" fill="none" stroke="{shade}" stroke-width="2"/>')
        out += [f'<circle cx="{x(p):.1f}" cy="{y(v):.1f}" r="3.5" fill="{shade}"><title>{p:,} partitions, {members:,} members: {human(v)}{unit}</title></circle>' for p, v in line]
        ends.append((y(line[-1][1]), x(line[-1][0]), members))
    for place, right_end, members in sorted(ends):
        place = place if last_label is None else max(place, last_label + 15)
        last_label = place
        out.append(f'<text x="{width - right + 10}" y="{place + 4:.1f}" fill="#222222">{members:,} members</text>')
    return "\n".join(out + ["</svg>"]) + "\n"


def main():
    out = pathlib.Path(sys.argv[1])
    sizes = [
        json.loads(path.read_text()) | {"turn_us": json.loads(path.with_suffix(".json.turn").read_text())["turn_us"]}
        for path in (out / "sizes").glob("*.json")
    ]
    sizes.sort(key=lambda size: (size["partitions"], size["members"]))
    (out / "scale.json").write_text("[\n" + ",\n".join(json.dumps(size, sort_keys=True) for size in sizes) + "\n]\n")
    (out / "curve.md").write_text(table(sizes))
    (out / "deliveries.svg").write_text(picture(sizes, "Records that watches bring a second, all members together (lease 10 s)", fanout, ""))
    (out / "convergence.svg").write_text(
        picture(sizes, "From the start of a group until it is balanced (simulated time)", lambda size: (size["phases"][0]["converged_ms"] or 0) / 1000, " s"))


main()
