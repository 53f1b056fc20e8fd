"""The op table: one entry per op, holding everything that eager, tracer, gradient, passes and codegen need."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

KINDS = (
    "elementwise", "reduce", "contract", "convolve", "correlate", "window", "move", "index", "sort", "cumulative",
    "create", "random", "control", "host",
)  # fmt: skip
"""Codegen has one lowering strategy per kind."""

EFFECTS = ("state", "host", "fail")
"""What a node may do besides computing: change state outside, call Python, stop the run."""


class Monoid(NamedTuple):
    """How a reduction combines: `init(dtype)` is the neutral Python scalar, `step(k, acc, x)` the scalar body."""

    init: Callable[[Any], Any]
    step: Callable[..., Any]


class OpDef:
    """One op.

    Attributes:
        name: unique name.
        kind: one of KINDS; codegen switches on it, never on the name.
        infer: (operand types, attrs) -> result types; raises the error that the user sees.
        evaluate: (*arrays, **attrs) -> array or tuple of arrays, in NumPy: the meaning of the op.
        vjp: (f, cotangents, inputs, outputs, attrs) -> per input a handle, a function that computes it when it is
            wanted, or None; written over `Functions`.
        body: elementwise only: (k, *scalars, **attrs) -> scalar, over a handler (`graphcore.handler`).
        element: move, index, create and random: (k, index, read, types, attrs) -> the scalar at an output index.
        monoid: reduce only.
        effects: subset of EFFECTS; a node that has any is neither merged, moved over another, nor removed.
        max_ulp: permitted deviation of the native kernel from a correctly rounded float64 result; 0 is bit-equal
            to NumPy.
        samples: () -> iterable of (arrays, attrs) worth trying.
        differentiable: False marks an op whose result has no gradient by nature.
        native: False marks an op that always runs on the host.
        parts: of an op that puts its operands beside each other: (types, attrs) -> where each starts in the result.
    """

    __slots__ = (
        "body", "differentiable", "effects", "element", "evaluate", "infer", "kind", "max_ulp", "monoid", "name",
        "native", "parts", "samples", "vjp",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        kind: str,
        infer: Callable[..., Any],
        evaluate: Callable[..., Any],
        vjp: Callable[..., Any] | None = None,
        body: Callable[..., Any] | None = None,
        element: Callable[..., Any] | None = None,
        monoid: Monoid | None = None,
        effects: frozenset[str] = frozenset(),
        max_ulp: int = 0,
        samples: Callable[[], Any] | None = None,
        differentiable: bool = True,
        native: bool = True,
        parts: Callable[..., Any] | None = None,
    ) -> None:
        """Makes an entry; `register` puts it in the table."""
        if kind not in KINDS:
            raise ValueError(f"op {name}: kind {kind!r} is not one of {', '.join(KINDS)}")
        self.name, self.kind, self.infer, self.evaluate, self.vjp = name, kind, infer, evaluate, vjp
        self.body, self.element, self.monoid, self.effects, self.max_ulp = body, element, monoid, effects, max_ulp
        self.samples, self.differentiable, self.native = samples, differentiable, native
        self.parts = parts

    def __repr__(self) -> str:
        """The name, for messages."""
        return f"<op {self.name}>"

    def __reduce__(self) -> tuple[Any, ...]:
        """Copies and pickles as a table entry, by name."""
        return (get_op, (self.name,))


class _Table(Mapping[str, OpDef]):
    """A read-only view of the table that loads the ops on first use."""

    def __init__(self) -> None:
        self._ops: dict[str, OpDef] = {}

    def __getitem__(self, name: str) -> OpDef:
        return self._ops[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._ops)

    def __len__(self) -> int:
        return len(self._ops)

    def add(self, op: OpDef) -> OpDef:
        if op.name in self._ops:
            raise ValueError(f"op {op.name} is registered twice")
        self._ops[op.name] = op
        return op


_TABLE = _Table()
OPS: Mapping[str, OpDef] = _TABLE
"""Every op by name; complete once `graphcore.ops` is imported."""


def register(op: OpDef) -> OpDef:
    """Adds an op to the table. Raises ValueError if the name is taken."""
    return _TABLE.add(op)


def get_op(name: str) -> OpDef:
    """The op of that name. Raises KeyError with near names."""
    try:
        return OPS[name]
    except KeyError:
        import difflib

        near = difflib.get_close_matches(name, OPS, 3)
        hint = f"; did you mean {', '.join(near)}?" if near else ""
        raise KeyError(f"no op is named {name!r}{hint}") from None
