"""The table on the terminal and the JSON file."""

import json
import platform
import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.costs import Cost, Floor, Roofs
from benchmarks.goals import OWN, YARDSTICK, Goal, best_peer, ratio

LEFT_OUT = "left out"
"""How the version of a side begins that is not there."""


@dataclass
class Row:
    """The figures per side of one workload, in seconds (medians) or MB, and for sides without one the reason.

    `lowest` has the smallest round of each side. `cost` and `roofs` say what the machine would need at least.
    """

    name: str
    threads: int
    unit: str = "s"
    goal: Goal | None = None
    cost: Cost | None = None
    roofs: Roofs | None = None
    figures: dict[str, float] = field(default_factory=dict)
    lowest: dict[str, float] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    def take(self, samples: Mapping[str, Sequence[float]]) -> None:
        """Adds what was measured."""
        for side, values in samples.items():
            self.figures[side] = statistics.median(values)
            self.lowest[side] = min(values)

    @property
    def floor(self) -> Floor | None:
        """The least time that the machine needs."""
        return None if self.cost is None or self.roofs is None else self.roofs.floor(self.cost)

    @property
    def share(self) -> float | None:
        """layerjit's share of the machine's limit."""
        floor = self.floor
        return None if floor is None or OWN not in self.figures else floor.seconds / self.figures[OWN]

    @property
    def met(self) -> bool | None:
        """Whether the goal was met."""
        return None if self.goal is None else self.goal.met(self.figures)


def duration(seconds: float | None) -> str:
    """Formats seconds with three digits and a unit."""
    if seconds is None:
        return "-"
    for unit, scale in (("ns", 1e-9), ("us", 1e-6), ("ms", 1e-3)):
        if abs(seconds) < 999.5 * scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds:.3g} s"


def figure(value: float | None, unit: str) -> str:
    """Formats a figure of a row."""
    return duration(value) if unit == "s" else "-" if value is None else f"{value:.0f} {unit}"


def goal_text(row: Row) -> str:
    """The goal; `~` stands before the goal of a neighbouring size."""
    if row.goal is None:
        return "-"
    value = f"{row.goal.value:.2f}" if row.goal.kind == "fraction" else figure(row.goal.value, row.unit)
    before = "numpy+" if row.goal.kind == "above numpy" else ""
    return ("" if row.goal.listed else "~") + before + value


def met_text(row: Row) -> str:
    """`yes`, `no`, or a dash where it cannot be said."""
    return {True: "yes", False: "no", None: "-"}[row.met]


def share_text(row: Row) -> str:
    """Percent of the machine's limit, and of which one."""
    floor, share = row.floor, row.share
    return "-" if floor is None or share is None else f"{100 * share:.0f} % {floor.bound}"


class Table:
    """Prints one line per row as soon as it is measured."""

    def __init__(self, sides: list[str]) -> None:
        self._sides = sides
        self._widths = [max(8, len(side)) for side in sides]

    def head(self) -> None:
        """Prints the titles of the columns."""
        self._line("workload", "thr", self._sides, "/best", "goal", "met", "of limit", "best peer")

    def row(self, row: Row) -> None:
        """Prints the figures of one workload."""
        cells = [figure(row.figures.get(side), row.unit) for side in self._sides]
        best = best_peer(row.figures)
        value = ratio(row.figures, best)
        text = "-" if value is None else f"{value:.2f}"
        after = (text, goal_text(row), met_text(row), share_text(row), best or "-")
        self._line(row.name, str(row.threads), cells, *after)

    def _line(self, name: str, threads: str, cells: list[str], *after: str) -> None:
        middle = " ".join(f"{cell:>{width}}" for cell, width in zip(cells, self._widths, strict=True))
        ratio, goal, met, share, best = after
        print(f"{name:<34} {threads:>3} {middle} {ratio:>6} {goal:>12} {met:>3} {share:>10}  {best}", flush=True)


def print_rows(data: Mapping[str, Any]) -> None:
    """Prints the table of a file again."""
    rows = rows_of(data)
    table = Table(list(dict.fromkeys(side for row in rows for side in row.figures)))
    table.head()
    for row in rows:
        table.row(row)


def content(rows: Sequence[Row], versions: Mapping[str, str], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that was measured, as plain data: times in seconds, sizes in MB."""
    return {
        "machine": machine(),
        "settings": dict(settings),
        "versions": dict(versions),
        "rows": [_plain(row) for row in rows],
    }


def _plain(row: Row) -> dict[str, Any]:
    best = best_peer(row.figures)
    return {
        "name": row.name,
        "threads": row.threads,
        "unit": row.unit,
        "figures": row.figures,
        "lowest": row.lowest,
        "missing": row.missing,
        "best_peer": best,
        "ratio_to_numpy": ratio(row.figures, YARDSTICK),
        "ratio_to_best_peer": ratio(row.figures, best),
        "goal": None if row.goal is None else row.goal._asdict(),
        "met": row.met,
        "cost": None if row.cost is None else row.cost._asdict(),
        "roofs": None if row.roofs is None else row.roofs._asdict(),
        "bound": None if row.floor is None else row.floor.bound,
        "share_of_limit": row.share,
    }


def rows_of(data: Mapping[str, Any]) -> list[Row]:
    """The rows of a file that `write_json` wrote."""
    return [
        Row(
            it["name"],
            it["threads"],
            it["unit"],
            goal=None if it["goal"] is None else Goal(**it["goal"]),
            cost=None if it["cost"] is None else Cost(**it["cost"]),
            roofs=None if it["roofs"] is None else Roofs(**it["roofs"]),
            figures=it["figures"],
            lowest=it["lowest"],
            missing=it["missing"],
        )
        for it in data["rows"]
    ]


def write_json(path: Path, data: Mapping[str, Any]) -> None:
    """Writes what `content` returned."""
    path.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


def machine() -> dict[str, Any]:
    """Where this runs."""
    return {
        "platform": platform.platform(),
        "processor": _processor(),
        "python": sys.version.split()[0],
    }


def _processor() -> str:
    """The processor's name where the system tells it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
