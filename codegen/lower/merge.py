"""Joining neighbouring loops: several axes become one counter where every index expression allows it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from graphcore import dims
from graphcore.dims import Dim, SymDim


class Axis(NamedTuple):
    """One loop: its counter, extent, and its group; only axes of one group are joined ("reduced": a fold)."""

    name: str
    extent: Dim
    group: str

    @property
    def reduced(self) -> bool:
        """Whether a reduction folds this axis."""
        return self.group == "reduced"


def linear_parts(d: Dim, names: frozenset[str]) -> tuple[dict[str, Dim], bool]:
    """The coefficient of each counter in `names` that occurs in `d`; False if any occurs non-linearly."""
    found: dict[str, Dim] = {}
    if isinstance(d, int):
        return found, True
    for monomial, factor in d.terms:
        own = [a for a in monomial if a.kind == "symbol" and a.name in names]
        if any(a.kind != "symbol" and dims.free_symbols(a.args) & names for a in monomial):
            return found, False
        if len(own) > 1:
            return found, False
        if own:
            rest = tuple(a for a in monomial if a is not own[0])
            coefficient: Dim = SymDim(((rest, factor),)) if rest else factor
            found[own[0].name] = found.get(own[0].name, 0) + coefficient
    return found, True


def merge(axes: Sequence[Axis], expressions: Iterable[Dim]) -> tuple[list[Axis], dict[str, Dim]]:
    """Joins axes where all `expressions` treat two neighbours as one.

    Returns:
        The axes that remain, and what to substitute for the counters in index expressions.
    """
    names = frozenset(a.name for a in axes)
    parts: list[dict[str, Dim]] = []
    blocked: set[str] = set()
    for d in set(expressions):
        coefficients, linear = linear_parts(d, names)
        if linear:
            parts.append(coefficients)
        else:
            blocked |= dims.free_symbols(d) & names
    kept: list[Axis] = []
    replace: dict[str, Dim] = {}
    for axis in axes:
        if kept and _joins(kept[-1], axis, parts, blocked):
            outer = kept.pop()
            merged = Axis(axis.name, outer.extent * axis.extent, axis.group)
            replace[outer.name] = 0
            replace[axis.name] = dims.symbol(axis.name, 0, merged.extent - 1)
            kept.append(merged)
        else:
            kept.append(axis)
    return kept, replace


def _joins(outer: Axis, inner: Axis, parts: Sequence[dict[str, Dim]], blocked: set[str]) -> bool:
    if outer.group != inner.group or outer.name in blocked or inner.name in blocked:
        return False
    return all(p.get(outer.name, 0) == p.get(inner.name, 0) * inner.extent for p in parts)
