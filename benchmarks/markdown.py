"""The tables of a run as Markdown, for the README: one figure per library, its better variant."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import peers
from benchmarks.goals import best_peer, ratio
from benchmarks.report import LEFT_OUT, Row, figure, goal_text, met_text, rows_of, share_text

BEGIN, END = "<!-- benchmarks: begin -->", "<!-- benchmarks: end -->"
_FRESH = ("first_call", "batch_sizes", "start_to_result")
_FOOTPRINT = ("import", "installed", "predict_overhead", "memory")
_SECTIONS: list[tuple[str, Callable[[str], bool]]] = [
    ("First calls, without and with a disk cache", lambda name: name.startswith(_FRESH)),
    ("Footprint", lambda name: name.startswith(_FOOTPRINT)),
    ("One kind of op each", lambda name: name.startswith("kind_")),
    ("One training step: forward, backward, Adam", lambda name: "_train" in name),
    ("Inference and calls", lambda _name: True),
]
_ORDER = (4, 3, 0, 1, 2)


def write(path: Path, data: Mapping[str, Any]) -> None:
    """Writes the section between its marks in a file that has them (the README), else as the whole file."""
    old = path.read_text(encoding="utf-8") if path.is_file() else ""
    before, begin, rest = old.partition(BEGIN)
    _, end, after = rest.partition(END)
    whole = f"{before}{begin}\n{text(data)}{end}{after}" if begin and end else text(data)
    path.write_text(whole, encoding="utf-8")


def text(data: Mapping[str, Any]) -> str:
    """The section: when, on what, and a table per group of rows."""
    versions = data["versions"]
    installed = ", ".join(f"{name} {it}" for name, it in versions.items() if not it.startswith(LEFT_OUT))
    lines = [
        "One run of {date}: {processor}, {platform}, Python {python}; ".format(date=data["date"], **data["machine"])
        + f"{installed}.",
        *(_limits(row) for row in _first_per_threads(rows_of(data))),
        "`ratio` is layerjit's time as a fraction of the best other library's (NumPy aside), `~` marks the goal of a "
        "neighbouring size, `of limit` is layerjit's share of what the machine could do.",
    ]
    groups: dict[int, list[Row]] = {number: [] for number in _ORDER}
    for row in rows_of(data):
        groups[next(number for number, (_, holds) in enumerate(_SECTIONS) if holds(row.name))].append(row)
    sides = [side for side in peers.PEERS if not versions.get(side, LEFT_OUT).startswith(LEFT_OUT)]
    for number in _ORDER:
        if groups[number]:
            lines += ["", f"### {_SECTIONS[number][0]}", "", *_table(groups[number], sides)]
    return "\n".join(lines) + "\n"


def _first_per_threads(rows: Sequence[Row]) -> list[Row]:
    found: dict[int, Row] = {}
    for row in rows:
        if row.roofs is not None:
            found.setdefault(row.threads, row)
    return list(found.values())


def _limits(row: Row) -> str:
    assert row.roofs is not None
    fma, copy = row.roofs.fma * 1e-9, row.roofs.copy * 1e-9
    return f"Measured limits with {row.threads} thread(s): {fma:.0f} GFLOP/s (float32 FMA), {copy:.1f} GB/s (copy, L3)."


def _table(rows: Sequence[Row], sides: Sequence[str]) -> list[str]:
    shown = [side for side in sides if any(_figure(row, side) is not None for row in rows)]
    head = ["workload", "threads", *shown, "ratio", "goal", "met", "of limit"]
    lines = [_line(head), _line(["---", *["---:"] * (len(head) - 1)])]
    for row in rows:
        cells = [figure(_figure(row, side), row.unit) for side in shown]
        share = ratio(row.figures, best_peer(row.figures))
        value = "-" if share is None else f"{share:.2f}"
        lines.append(_line([row.name, str(row.threads), *cells, value, goal_text(row), met_text(row), share_text(row)]))
    return lines


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _figure(row: Row, side: str) -> float | None:
    """The better variant of a library."""
    known = [row.figures.get(peers.label(side, variant)) for variant in peers.PEERS[side].variants]
    return min((it for it in known if it is not None), default=None)
