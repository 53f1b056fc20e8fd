"""The table and the JSON file."""

import json
import platform
import sys
from pathlib import Path
from typing import Any, NamedTuple

OWN = "layerjit"
YARDSTICK = "numpy"


class Row(NamedTuple):
    """The seconds per side of one workload, and for sides without a figure the reason."""

    name: str
    seconds: dict[str, float]
    missing: dict[str, str]


def best_peer(row: Row) -> str | None:
    """Returns the fastest side that is neither layerjit nor plain NumPy."""
    peers = {name: value for name, value in row.seconds.items() if name not in {OWN, YARDSTICK}}
    return min(peers, key=lambda name: peers[name]) if peers else None


def ratio(row: Row, other: str | None) -> float | None:
    """Returns layerjit's time as a fraction of another side's; below 1 is faster."""
    if other is None or OWN not in row.seconds or other not in row.seconds:
        return None
    return row.seconds[OWN] / row.seconds[other]


def duration(seconds: float | None) -> str:
    """Formats seconds with three digits and a unit."""
    if seconds is None:
        return "-"
    for unit, scale in (("ns", 1e-9), ("us", 1e-6), ("ms", 1e-3)):
        if seconds < 999.5 * scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds:.3g} s"


class Table:
    """Prints one line per row as soon as it is measured."""

    def __init__(self, sides: list[str]) -> None:
        self._sides = sides
        self._widths = [max(10, len(side)) for side in sides]

    def head(self) -> None:
        """Prints the titles of the columns."""
        self._line("workload", self._sides, "/numpy", "/best peer", "best peer")

    def row(self, row: Row) -> None:
        """Prints the figures of one workload."""
        cells = [duration(row.seconds.get(side)) for side in self._sides]
        best = best_peer(row)
        ratios = (
            "-" if value is None else f"{value:.2f}" for value in (ratio(row, YARDSTICK), ratio(row, best))
        )
        self._line(row.name, cells, *ratios, best or "-")

    def _line(self, name: str, cells: list[str], to_numpy: str, to_best: str, best: str) -> None:
        middle = " ".join(f"{cell:>{width}}" for cell, width in zip(cells, self._widths, strict=True))
        print(f"{name:<30} {middle} {to_numpy:>7} {to_best:>10}  {best}", flush=True)


def write_json(path: Path, rows: list[Row], versions: dict[str, str], settings: dict[str, Any]) -> None:
    """Writes everything that was printed, in seconds."""
    content = {
        "machine": {
            "platform": platform.platform(),
            "processor": _processor(),
            "python": sys.version.split()[0],
        },
        "settings": settings,
        "versions": versions,
        "rows": [
            {
                "name": row.name,
                "seconds": row.seconds,
                "missing": row.missing,
                "best_peer": best_peer(row),
                "ratio_to_numpy": ratio(row, YARDSTICK),
                "ratio_to_best_peer": ratio(row, best_peer(row)),
            }
            for row in rows
        ],
    }
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _processor() -> str:
    """The processor's name where the system tells it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
