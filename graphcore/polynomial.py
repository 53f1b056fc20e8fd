"""Integer polynomials over named sizes, in one canonical form: the data that `graphcore.dims` computes with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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


Monomial: TypeAlias = tuple[Atom, ...]
"""Atoms sorted by their text, with repetition for powers."""


def dims() -> Any:
    """The module of division and comparison, which builds on this one and so is imported when it is needed."""
    from graphcore import dims

    return dims


class SymDim:
    """A polynomial over atoms with integer coefficients; immutable, hashable, structural equality.

    Ordering comparisons raise InconclusiveDim when bounds do not decide them.
    """

    __slots__ = ("_hash", "terms")

    def __init__(self, terms: tuple[tuple[Monomial, int], ...]) -> None:
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
        if type(other) is int:
            return _plus_constant(self, other)
        return build(_plus(terms_of(self), terms_of(other), 1))

    __radd__ = __add__

    def __sub__(self, other: Dim) -> Dim:
        """Difference."""
        if type(other) is int:
            return _plus_constant(self, -other)
        return build(_plus(terms_of(self), terms_of(other), -1))

    def __rsub__(self, other: Dim) -> Dim:
        """Difference with a plain int on the left."""
        return build(_plus(terms_of(other), terms_of(self), -1))

    def __neg__(self) -> Dim:
        """Negation."""
        return 0 - self

    def __mul__(self, other: Dim) -> Dim:
        """Product."""
        if type(other) is int:  # keeps the terms' order, so the result is canonical as it is
            return (self if other == 1 else SymDim(tuple([(m, c * other) for m, c in self.terms]))) if other else 0
        return build(_times(terms_of(self), terms_of(other)))

    __rmul__ = __mul__

    def __floordiv__(self, other: Dim) -> Dim:
        """Floor division, simplified where it is exact."""
        return dims().floordiv(self, other)

    def __rfloordiv__(self, other: Dim) -> Dim:
        """Floor division of a plain int."""
        return dims().floordiv(other, self)

    def __mod__(self, other: Dim) -> Dim:
        """Remainder of the floor division."""
        return dims().mod(self, other)

    def __rmod__(self, other: Dim) -> Dim:
        """Remainder of a plain int."""
        return dims().mod(other, self)

    def __bool__(self) -> bool:
        """Whether the size is non-zero, if bounds decide it."""
        return not dims().equal(self, 0)

    def __int__(self) -> int:
        """Refused: a symbolic size has no value while tracing."""
        raise InconclusiveDim(("eq", self, "?"))

    def __lt__(self, other: Dim) -> bool:
        """Decided by bounds, or InconclusiveDim."""
        return dims().less(self, other)

    def __le__(self, other: Dim) -> bool:
        """Decided by bounds, or InconclusiveDim."""
        return dims().less_equal(self, other)

    def __gt__(self, other: Dim) -> bool:
        """Decided by bounds, or InconclusiveDim."""
        return dims().less(other, self)

    def __ge__(self, other: Dim) -> bool:
        """Decided by bounds, or InconclusiveDim."""
        return dims().less_equal(other, self)

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
Terms: TypeAlias = dict[Monomial, int]


def terms_of(d: Dim) -> Terms:
    """The terms of a Dim, as a dict that the caller may change."""
    return dict(d.terms) if isinstance(d, SymDim) else ({(): int(d)} if d else {})


def _plus_constant(d: SymDim, number: int) -> Dim:
    """The sum with a number, whose term is the last one in canonical order."""
    if not number:
        return d
    last, c = d.terms[-1]
    if last:
        return SymDim((*d.terms, ((), number)))
    return SymDim((*d.terms[:-1], ((), c + number)) if c + number else d.terms[:-1])


def _plus(a: Terms, b: Terms, sign: int) -> Terms:
    for monomial, c in b.items():
        a[monomial] = a.get(monomial, 0) + sign * c
    return a


def _times(a: Terms, b: Terms) -> Terms:
    out: Terms = {}
    for m1, c1 in a.items():
        for m2, c2 in b.items():
            key = tuple(sorted(m1 + m2, key=repr)) if m1 and m2 else m1 or m2
            out[key] = out.get(key, 0) + c1 * c2
    return out


def build(terms: Terms) -> Dim:
    """The Dim with these terms: an int if it is constant."""
    kept = [(m, c) for m, c in terms.items() if c]
    if not kept:
        return 0
    if len(kept) == 1 and not kept[0][0]:
        return kept[0][1]
    return SymDim(tuple(sorted(kept, key=_order) if len(kept) > 1 else kept))


def _order(term: tuple[Monomial, int]) -> tuple[int, str]:
    """Of higher degree first, then by text."""
    return -len(term[0]), repr(term[0])


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


def product(sizes: Iterable[Dim]) -> Dim:
    """The product of sizes, 1 for none."""
    total: Dim = 1
    for d in sizes:
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
