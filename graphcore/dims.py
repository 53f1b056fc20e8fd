"""Symbolic dimensions: integer polynomials over named sizes, in one canonical form.

A `Dim` is a plain int or a `SymDim`. A SymDim is a sum of integer multiples of products of atoms; an atom is a named
symbol (a size that is only known at run time, >= 1 unless said otherwise) or a floordiv, mod, min or max of Dims.
The same algebra describes shapes, strides and the index expressions of kernels (there, loop counters are symbols
with low = 0 and high = extent - 1).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeAlias

from graphcore.errors import InconclusiveDim


class Atom:
    """A symbol, or an indivisible operation on Dims. Compared by structure."""

    __slots__ = ("args", "hash", "high", "kind", "low", "name")

    def __init__(
        self, kind: str, name: str, args: tuple[Dim, ...], low: int | None, high: Dim | None
    ) -> None:
        """Makes an atom: kind is symbol, floordiv, mod, min or max; low and high are inclusive bounds."""
        self.kind, self.name, self.args, self.low, self.high = kind, name, args, low, high
        self.hash = hash((kind, name, args))

    def __eq__(self, other: object) -> bool:
        """Structural equality; bounds are a property of the name and are not compared."""
        return self is other or (
            isinstance(other, Atom)
            and (self.kind, self.name, self.args) == (other.kind, other.name, other.args)
        )

    def __hash__(self) -> int:
        """The structural hash, computed once."""
        return self.hash

    def __repr__(self) -> str:
        """Text form: a name, or floordiv(a, b)."""
        if self.kind == "symbol":
            return self.name
        return f"{self.kind}({', '.join(map(str, self.args))})"


_Monomial: TypeAlias = tuple[Atom, ...]  # sorted by text, with repetition for powers


class SymDim:
    """A polynomial over atoms with integer coefficients; immutable, hashable, structural equality.

    Ordering comparisons raise InconclusiveDim when bounds do not decide them.
    """

    __slots__ = ("_hash", "terms")

    def __init__(self, terms: tuple[tuple[_Monomial, int], ...]) -> None:
        """Takes canonical terms; use `symbol` and arithmetic to make one."""
        self.terms = terms
        self._hash = hash(terms)

    def __hash__(self) -> int:
        """The structural hash."""
        return self._hash

    def __eq__(self, other: object) -> bool:
        """Whether both are the same polynomial; False does not mean that the sizes always differ."""
        return self is other or (isinstance(other, SymDim) and self.terms == other.terms)

    def __add__(self, other: Dim) -> Dim:
        """Sum."""
        return _build(_plus(_terms(self), _terms(other), 1))

    __radd__ = __add__

    def __sub__(self, other: Dim) -> Dim:
        """Difference."""
        return _build(_plus(_terms(self), _terms(other), -1))

    def __rsub__(self, other: Dim) -> Dim:
        """Difference with a plain int on the left."""
        return _build(_plus(_terms(other), _terms(self), -1))

    def __neg__(self) -> Dim:
        """Negation."""
        return 0 - self

    def __mul__(self, other: Dim) -> Dim:
        """Product."""
        return _build(_times(_terms(self), _terms(other)))

    __rmul__ = __mul__

    def __floordiv__(self, other: Dim) -> Dim:
        """Floor division, simplified where it is exact."""
        return floordiv(self, other)

    def __rfloordiv__(self, other: Dim) -> Dim:
        """Floor division of a plain int."""
        return floordiv(other, self)

    def __mod__(self, other: Dim) -> Dim:
        """Remainder of the floor division."""
        return mod(self, other)

    def __rmod__(self, other: Dim) -> Dim:
        """Remainder of a plain int."""
        return mod(other, self)

    def __bool__(self) -> bool:
        """Whether the size is non-zero, if bounds decide it."""
        return not equal(self, 0)

    def __int__(self) -> int:
        """Refused: a symbolic size has no value while tracing."""
        raise InconclusiveDim(("eq", self, "?"))

    def __lt__(self, other: Dim) -> bool:
        """Decided by bounds, or InconclusiveDim."""
        return less(self, other)

    def __le__(self, other: Dim) -> bool:
        """Decided by bounds, or InconclusiveDim."""
        return less_equal(self, other)

    def __gt__(self, other: Dim) -> bool:
        """Decided by bounds, or InconclusiveDim."""
        return less(other, self)

    def __ge__(self, other: Dim) -> bool:
        """Decided by bounds, or InconclusiveDim."""
        return less_equal(other, self)

    def __repr__(self) -> str:
        """Text form, such as 2*n*m + 1."""
        parts: list[str] = []
        for monomial, c in self.terms:
            factors = [str(a) for a in monomial]
            if abs(c) != 1 or not factors:
                factors.insert(0, str(abs(c)))
            sign = "-" if c < 0 else "+"
            parts.append(f"{sign} {'*'.join(factors)}" if parts else f"{'-' if c < 0 else ''}{'*'.join(factors)}")
        return " ".join(parts)


Dim: TypeAlias = int | SymDim
_Terms: TypeAlias = dict[_Monomial, int]
Guard: TypeAlias = tuple[str, Dim, Dim, bool]
"""A fact about sizes: (kind, a, b, outcome) with kind "eq", "lt" or "le"."""

_ASSUMED: ContextVar[Mapping[tuple[str, Dim, Dim], bool]] = ContextVar("assumed sizes")


@contextmanager
def assuming(guards: Iterable[Guard]) -> Iterator[None]:
    """Within this context, comparisons that bounds leave open are answered by the given facts."""
    known = dict(_ASSUMED.get({}))
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
    raise InconclusiveDim((kind, a, b))


def _terms(d: Dim) -> _Terms:
    return dict(d.terms) if isinstance(d, SymDim) else ({(): int(d)} if d else {})


def _plus(a: _Terms, b: _Terms, sign: int) -> _Terms:
    for monomial, c in b.items():
        a[monomial] = a.get(monomial, 0) + sign * c
    return a


def _times(a: _Terms, b: _Terms) -> _Terms:
    out: _Terms = {}
    for m1, c1 in a.items():
        for m2, c2 in b.items():
            key = tuple(sorted(m1 + m2, key=repr))
            out[key] = out.get(key, 0) + c1 * c2
    return out


def _build(terms: _Terms) -> Dim:
    kept = [(m, c) for m, c in terms.items() if c]
    if not kept:
        return 0
    if len(kept) == 1 and not kept[0][0]:
        return kept[0][1]
    return SymDim(tuple(sorted(kept, key=lambda t: (-len(t[0]), repr(t[0])))))


def symbol(name: str, low: int = 1, high: Dim | None = None) -> SymDim:
    """A named size with inclusive bounds; two symbols of one name are the same size."""
    return SymDim((((Atom("symbol", name, (), low, high),), 1),))


def is_symbol(d: Dim) -> str | None:
    """The name if `d` is a bare symbol, else None."""
    if isinstance(d, SymDim) and len(d.terms) == 1:
        monomial, c = d.terms[0]
        if c == 1 and len(monomial) == 1 and monomial[0].kind == "symbol":
            return monomial[0].name
    return None


def _atom_dim(kind: str, a: Dim, b: Dim, low: int | None, high: Dim | None) -> Dim:
    return SymDim((((Atom(kind, "", (a, b), low, high),), 1),))


def _divide_terms(a: Dim, b: Dim) -> tuple[Dim, Dim]:
    """Splits a = q*b + r with every term of `a` that b divides exactly moved into q."""
    divisor = b.terms[0] if isinstance(b, SymDim) and len(b.terms) == 1 else (((), b) if isinstance(b, int) else None)
    if divisor is None:
        return (1, 0) if a == b else (0, a)
    m_b, c_b = divisor
    quotient: _Terms = {}
    rest: _Terms = {}
    for monomial, c in _terms(a).items():
        reduced = _remove_factors(monomial, m_b)
        if reduced is None:
            rest[monomial] = c
            continue
        q, r = divmod(c, c_b)
        if q:
            quotient[reduced] = quotient.get(reduced, 0) + q
        if r:
            rest[monomial] = r
    return _build(quotient), _build(rest)


def _remove_factors(monomial: _Monomial, factors: _Monomial) -> _Monomial | None:
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
    return _sign(b - a)[0]


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


def _monomial_bounds(monomial: _Monomial) -> tuple[int | None, int | None]:
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


def _sign(d: Dim) -> tuple[bool, bool]:
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
    nonneg, negative = _sign(b - a)
    if nonneg:
        return True
    if negative:
        return False
    return _decide("le", a, b)


def less(a: Dim, b: Dim) -> bool:
    """Whether a < b for every size. Raises InconclusiveDim when sizes differ on it."""
    nonneg, negative = _sign(b - a - 1)
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
    positive, _ = _sign(difference - 1)
    _, negative = _sign(difference)
    if positive or negative:
        return False
    return _decide("eq", a, b)


def product(dims: Iterable[Dim]) -> Dim:
    """The product of sizes, 1 for none."""
    total: Dim = 1
    for d in dims:
        total = total * d
    return total


def atoms(d: Dim) -> set[Atom]:
    """Every atom of `d`, those inside floordiv, mod, min and max included."""
    found: set[Atom] = set()
    if isinstance(d, SymDim):
        for monomial, _ in d.terms:
            for atom in monomial:
                found.add(atom)
                for arg in atom.args:
                    found |= atoms(arg)
    return found


def free_symbols(obj: Any) -> set[str]:
    """Names of all symbols in a Dim, or in nested tuples, lists and dicts that hold Dims."""
    if isinstance(obj, SymDim):
        return {a.name for a in atoms(obj) if a.kind == "symbol"}
    if isinstance(obj, tuple | list):
        return set().union(*map(free_symbols, obj)) if obj else set()
    if isinstance(obj, Mapping):
        return free_symbols(tuple(obj.values()))
    return set()


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
