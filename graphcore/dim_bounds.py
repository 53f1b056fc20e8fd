"""Bounds and comparison of symbolic sizes, and the facts that a caller may assume about them."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeAlias

from graphcore.errors import InconclusiveDim
from graphcore.polynomial import Dim, Monomial, SymDim, free_symbols, is_symbol

Guard: TypeAlias = tuple[str, Dim, Dim, bool]
"""A fact about sizes: (kind, a, b, outcome) with kind "eq", "lt" or "le"."""


class _Facts(dict[tuple[str, Dim, Dim], bool]):
    """Assumed answers by question, and what follows from the equalities among them."""

    unified: dict[str, Dim] | None = None
    """For symbols that equal another size, that size; found when first asked for."""


_ASSUMED: ContextVar[_Facts] = ContextVar("assumed sizes")


@contextmanager
def assuming(guards: Iterable[Guard]) -> Generator[None]:
    """Within this context, comparisons that bounds leave open are answered by the given facts."""
    known = _Facts(_ASSUMED.get(_Facts()))
    known.update({(kind, a, b): outcome for kind, a, b, outcome in guards})
    token = _ASSUMED.set(known)
    try:
        yield
    finally:
        _ASSUMED.reset(token)


def _decide(kind: str, a: Dim, b: Dim) -> bool:
    """The assumed answer, or InconclusiveDim."""
    known = _ASSUMED.get(None)
    if known:
        for key in ((kind, a, b), (kind, b, a)) if kind == "eq" else ((kind, a, b),):
            if key in known:
                return known[key]
        if known.unified is None:
            # Finding it asks questions too, which then have to do without.
            known.unified = {}
            known.unified = _unify(known)
        if known.unified:
            from graphcore.dims import substitute

            x, y = substitute(a, known.unified), substitute(b, known.unified)
            if (x, y) != (a, b):
                try:
                    return {"eq": equal, "lt": less, "le": less_equal}[kind](x, y)
                except InconclusiveDim:
                    pass
    raise InconclusiveDim((kind, a, b))


def _unify(known: Mapping[tuple[str, Dim, Dim], bool]) -> dict[str, Dim]:
    """The symbols that assumed equalities make equal to other sizes: n == m also says that 3*n == 3*m."""
    from graphcore.dims import substitute

    found: dict[str, Dim] = {}
    for (kind, a, b), outcome in known.items():
        if kind != "eq" or not outcome:
            continue
        x, y = substitute(a, found), substitute(b, found)
        if is_symbol(x) is None:
            x, y = y, x
        name = is_symbol(x)
        if name is not None and name not in free_symbols(y):
            found = {k: substitute(v, {name: y}) for k, v in found.items()}
            found[name] = y
    return found


def bounds(d: Dim) -> tuple[int | None, int | None]:
    """Inclusive integer bounds (low, high) of a Dim; None where unbounded or unknown."""
    if isinstance(d, int):
        return d, d
    low: int | None = 0
    high: int | None = 0
    for monomial, c in d.terms:
        lo_m, hi_m = _monomial_bounds(monomial)
        lo_t, hi_t = (lo_m, hi_m) if c > 0 else (hi_m, lo_m)
        low = None if low is None or lo_t is None else low + c * lo_t
        high = None if high is None or hi_t is None else high + c * hi_t
    return low, high


def _monomial_bounds(monomial: Monomial) -> tuple[int | None, int | None]:
    low: int | None = 1
    high: int | None = 1
    for atom in monomial:
        lo_a, hi_a = atom.low, bounds(atom.high)[1] if atom.high is not None else None
        if lo_a is None or lo_a < 0 or low is None or low < 0:
            return (None, None) if len(monomial) > 1 else (lo_a, hi_a)
        low = low * lo_a
        high = None if high is None or hi_a is None else high * hi_a
    return low, high


def _relax(d: Dim, upward: bool) -> Dim:
    """Replaces atoms with symbolic upper bounds (loop counters, mod) by the bound that enlarges or shrinks d."""
    if isinstance(d, int):
        return d
    total: Dim = 0
    for monomial, c in d.terms:
        term: Dim = c
        for atom in monomial:
            nonneg = all(a.low is not None and a.low >= 0 for a in monomial)
            if nonneg and (c > 0) == upward and isinstance(atom.high, SymDim):
                term = term * atom.high
            elif nonneg and (c > 0) != upward and isinstance(atom.high, SymDim) and atom.low is not None:
                term = term * atom.low
            else:
                term = term * SymDim((((atom,), 1),))
        total = total + term
    return total


def sign(d: Dim) -> tuple[bool, bool]:
    """(certainly >= 0, certainly < 0)."""
    low, high = bounds(d)
    nonneg = low is not None and low >= 0
    negative = high is not None and high < 0
    if not nonneg and not negative and isinstance(d, SymDim):
        low = bounds(_relax(d, upward=False))[0]
        high = bounds(_relax(d, upward=True))[1]
        nonneg = low is not None and low >= 0
        negative = high is not None and high < 0
    return nonneg, negative


def less_equal(a: Dim, b: Dim) -> bool:
    """Whether a <= b for every size. Raises InconclusiveDim when sizes differ on it."""
    nonneg, negative = sign(b - a)
    if nonneg:
        return True
    if negative:
        return False
    return _decide("le", a, b)


def less(a: Dim, b: Dim) -> bool:
    """Whether a < b for every size. Raises InconclusiveDim when sizes differ on it."""
    nonneg, negative = sign(b - a - 1)
    if nonneg:
        return True
    if negative:
        return False
    return _decide("lt", a, b)


def equal(a: Dim, b: Dim) -> bool:
    """Whether a == b for every size. Raises InconclusiveDim when sizes differ on it."""
    difference = b - a
    if isinstance(difference, int):
        return difference == 0
    positive, _ = sign(difference - 1)
    _, negative = sign(difference)
    if positive or negative:
        return False
    return _decide("eq", a, b)
