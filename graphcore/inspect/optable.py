"""The op table for people: one row per op, as text, Markdown or JSON."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import graphcore.ops  # noqa: F401  # pyright: ignore[reportUnusedImport]  (fills the table)
from graphcore.optable import KINDS, OPS, OpDef

HEADINGS = ("op", "kind", "runs", "gradient", "max ulp")
"""The columns of the table."""


class OpRow(NamedTuple):
    """What the table says of one op.

    Attributes:
        name, kind: as in its entry.
        runs: "native", "host" (a Python call inside the compiled function) or "structure" (computes nothing itself).
        gradient: "yes", "none" (its result has no gradient by nature).
        max_ulp: the largest deviation from the correctly rounded result; 0 is exact, "sum" is the bound of a sum,
            c * n * eps * sum |a||b|.
    """

    name: str
    kind: str
    runs: str
    gradient: str
    max_ulp: int | str


_STRUCTURE = frozenset(("input", "constant", "fusion", "call", "host_call", "custom_gradient"))
_SUMS = frozenset((
    "dot_general", "reduce_sum", "reduce_prod", "convolution", "convolution_filter", "cumulative", "window_reduce",
))  # fmt: skip


def op_rows() -> list[OpRow]:
    """One row per op, by kind and name."""
    ops = sorted(OPS.values(), key=lambda op: (KINDS.index(op.kind), op.name))
    return [_row(op) for op in ops]


def _row(op: OpDef) -> OpRow:
    runs = "structure" if op.name in _STRUCTURE else ("native" if op.native else "host")
    ulp: int | str = "sum" if op.name in _SUMS else op.max_ulp
    return OpRow(op.name, op.kind, runs, "yes" if op.vjp is not None else "none", ulp)


def count_text() -> str:
    """How many ops there are, by where they run and by kind."""
    rows = op_rows()
    runs = Counter(r.runs for r in rows)
    lines = [
        f"{len(rows)} ops: {runs['native']} native, {runs['host']} host, {runs['structure']} of structure",
        f"{sum(r.gradient == 'yes' for r in rows)} have a gradient",
    ]
    lines += [f"  {kind:<12} {count}" for kind, count in Counter(r.kind for r in rows).items()]
    return "\n".join(lines)


def table_text() -> str:
    """The table in columns of equal width."""
    cells = [HEADINGS, *[tuple(map(str, r)) for r in op_rows()]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(HEADINGS))]
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in cells)


def table_markdown() -> str:
    """The page that README links to; `layerjit ops --markdown` writes it, and a test compares."""
    lines = [
        "# The op table",
        "",
        "Written by `layerjit ops --markdown`. Every `tf.*` function is a composition of these.",
        "",
        *count_text().split("\n")[:2],
        "",
        "| " + " | ".join(HEADINGS) + " |",
        "|" + "---|" * len(HEADINGS),
    ]
    lines += ["| " + " | ".join(f"`{c}`" if i == 0 else str(c) for i, c in enumerate(r)) + " |" for r in op_rows()]
    return "\n".join(lines) + "\n"
