"""Draws the ratios of a run as bars; needs matplotlib (`pip install -e '.[bench]'`)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.goals import best_peer, ratio
from benchmarks.report import Row, rows_of

_MET, _MISSED, _NO_GOAL = "#2a7f62", "#c0504d", "#7f7f7f"


def draw(path: Path, data: Mapping[str, Any]) -> None:
    """Writes a bar per row: layerjit's figure as a fraction of the best peer's, and a mark where the goal is.

    Raises:
        ImportError: if matplotlib is not installed; the message says how to get it.
        ValueError: if no row has a ratio.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("--picture needs matplotlib: pip install -e '.[bench]'") from error
    rows = [row for row in rows_of(data) if _ratio(row) is not None]
    if not rows:
        raise ValueError("no row has a ratio: the picture compares layerjit with at least one other library")
    figure = Figure(figsize=(9, 1.2 + 0.19 * len(rows)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    places = range(len(rows))
    axes.barh(places, [_ratio(row) for row in rows], color=[_color(row) for row in rows])
    goals = [(place, value) for place, row in enumerate(rows) if (value := _goal(row)) is not None]
    axes.plot([value for _, value in goals], [place for place, _ in goals], "k|", markersize=9, label="goal")
    axes.axvline(1.0, color="black", linewidth=0.8)
    axes.set_xscale("log")
    axes.set_yticks(places, [f"{row.name} ({row.threads})" for row in rows], fontsize=6)
    axes.invert_yaxis()
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlabel("layerjit's time / the best other library's; below 1 is faster (threads in parentheses)")
    axes.legend(loc="lower right")
    figure.savefig(path, dpi=150)


def _ratio(row: Row) -> float | None:
    return ratio(row.figures, best_peer(row.figures))


def _goal(row: Row) -> float | None:
    """The goal on the same scale."""
    limit = None if row.goal is None else row.goal.limit(row.figures)
    best = best_peer(row.figures)
    return None if limit is None or best is None else limit / row.figures[best]


def _color(row: Row) -> str:
    return {True: _MET, False: _MISSED, None: _NO_GOAL}[row.met]
