"""Symbolic dimensions: integer polynomials over named sizes, in one canonical form.

A `Dim` is a plain int or a `SymDim`. A SymDim is a sum of integer multiples of products of atoms; an atom is a named
symbol (a size that is only known at run time, >= 1 unless said otherwise) or a floordiv, mod, min or max of Dims.
The same algebra describes shapes, strides and the index expressions of kernels (there, loop counters are symbols
with low = 0 and high = extent - 1).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphcore.dim_bounds import Guard, assuming, bounds, equal, less, less_equal, sign
from graphcore.errors import InconclusiveDim
from graphcore.polynomial import (
    Atom,
    Dim,
    Monomial,
    SymDim,
    Terms,
    atoms,
    build,
    free_symbols,
    is_symbol,
    product,
    symbol,
    terms_of,
)

__all__ = [
    "Atom", "Dim", "Guard", "SymDim", "assuming", "atoms", "bounds", "ceildiv", "equal", "evaluate", "floordiv",
    "free_symbols", "is_symbol", "less", "less_equal", "maximum", "minimum", "mod", "product", "substitute", "symbol",
]  # fmt: skip


def _atom_dim(kind: str, a: Dim, b: Dim, low: int | None, high: Dim | None) -> Dim:
    return SymDim((((Atom(kind, "", (a, b), low, high),), 1),))


def _divide_terms(a: Dim, b: Dim) -> tuple[Dim, Dim]:
    """Splits a = q*b + r with every term of `a` that b divides exactly moved into q."""
    divisor = b.terms[0] if isinstance(b, SymDim) and len(b.terms) == 1 else (((), b) if isinstance(b, int) else None)
    if divisor is None:
        return (1, 0) if a == b else (0, a)
    m_b, c_b = divisor
    quotient: Terms = {}
    rest: Terms = {}
    for monomial, c in terms_of(a).items():
        reduced = _remove_factors(monomial, m_b)
        if reduced is None:
            rest[monomial] = c
            continue
        q, r = divmod(c, c_b)
        if q:
            quotient[reduced] = quotient.get(reduced, 0) + q
        if r:
            rest[monomial] = r
    return build(quotient), build(rest)


def _remove_factors(monomial: Monomial, factors: Monomial) -> Monomial | None:
    left = list(monomial)
    for f in factors:
        if f not in left:
            return None
        left.remove(f)
    return tuple(left)


def floordiv(a: Dim, b: Dim) -> Dim:
    """a // b for b >= 1; exact parts are divided out, so (4*n + 3) // 4 is n.

    Raises:
        ZeroDivisionError: if b is the constant 0.
    """
    if isinstance(a, int) and isinstance(b, int):
        return a // b
    if isinstance(b, int) and b == 0:
        raise ZeroDivisionError(f"floordiv({a}, 0)")
    if b == 1:
        return a
    quotient, rest = _divide_terms(a, b)
    if _known_in_range(rest, b):
        return quotient
    low, high = bounds(rest)
    low_b, _ = bounds(b)
    low_q = low // b if low is not None and isinstance(b, int) else (0 if low is not None and low >= 0 else None)
    high_q = high // max(low_b or 1, 1) if high is not None and high >= 0 else None
    return quotient + _atom_dim("floordiv", rest, b, low_q, high_q)


def mod(a: Dim, b: Dim) -> Dim:
    """a - b * (a // b) for b >= 1; exact multiples vanish."""
    if isinstance(a, int) and isinstance(b, int):
        return a % b
    if b == 1:
        return 0
    _, rest = _divide_terms(a, b)
    if _known_in_range(rest, b):
        return rest
    return _atom_dim("mod", rest, b, 0, b - 1)


def _known_in_range(rest: Dim, b: Dim) -> bool:
    """Whether 0 <= rest < b holds for all sizes."""
    try:
        return less_equal(0, rest) and less(rest, b)
    except InconclusiveDim:
        return False


def ceildiv(a: Dim, b: Dim) -> Dim:
    """The smallest integer not below a / b, for b >= 1."""
    return floordiv(a + b - 1, b)


def _known_less_equal(a: Dim, b: Dim) -> bool:
    """Whether a <= b is certain."""
    return sign(b - a)[0]


def minimum(a: Dim, b: Dim) -> Dim:
    """The smaller of two sizes; stays symbolic when bounds do not decide."""
    if _known_less_equal(a, b):
        return a
    if _known_less_equal(b, a):
        return b
    low_a, high_a = bounds(a)
    low_b, high_b = bounds(b)
    low = None if low_a is None or low_b is None else min(low_a, low_b)
    highs = [h for h in (high_a, high_b) if h is not None]
    first, second = sorted((a, b), key=str)
    return _atom_dim("min", first, second, low, min(highs) if highs else None)


def maximum(a: Dim, b: Dim) -> Dim:
    """The larger of two sizes; stays symbolic when bounds do not decide."""
    if _known_less_equal(a, b):
        return b
    if _known_less_equal(b, a):
        return a
    low_a, high_a = bounds(a)
    low_b, high_b = bounds(b)
    lows = [x for x in (low_a, low_b) if x is not None]
    high = None if high_a is None or high_b is None else max(high_a, high_b)
    first, second = sorted((a, b), key=str)
    return _atom_dim("max", first, second, max(lows) if lows else None, high)


_APPLY = {"floordiv": floordiv, "mod": mod, "min": minimum, "max": maximum}


def substitute(obj: Any, env: Mapping[str, Dim]) -> Any:
    """Replaces symbols by the values of `env` in a Dim, or in nested tuples, lists and dicts that hold Dims."""
    if isinstance(obj, SymDim):
        return _substitute_dim(obj, env)
    if isinstance(obj, tuple):
        return tuple(substitute(x, env) for x in obj)
    if isinstance(obj, list):
        return [substitute(x, env) for x in obj]
    if isinstance(obj, dict):
        return {k: substitute(v, env) for k, v in obj.items()}
    return obj


def _substitute_dim(d: SymDim, env: Mapping[str, Dim]) -> Dim:
    total: Dim = 0
    for monomial, c in d.terms:
        term: Dim = c
        for atom in monomial:
            term = term * _substitute_atom(atom, env)
        total = total + term
    return total


def _substitute_atom(atom: Atom, env: Mapping[str, Dim]) -> Dim:
    if atom.kind == "symbol":
        return env.get(atom.name, SymDim((((atom,), 1),)))
    return _APPLY[atom.kind](*(substitute(a, env) for a in atom.args))


def evaluate(d: Dim, env: Mapping[str, int]) -> int:
    """The integer that `d` has for the given sizes. Raises KeyError for a symbol that `env` lacks."""
    if isinstance(d, int):
        return d
    value = _substitute_dim(d, env)
    if not isinstance(value, int):
        raise KeyError(f"no size given for {', '.join(sorted(free_symbols(value)))} in {d}")
    return value
