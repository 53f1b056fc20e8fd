"""What the rooms of the op table share: checks with messages that name the fix, and makers of entries."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from graphcore import dims
from graphcore.dims import Dim
from graphcore.dtypes import DType
from graphcore.errors import DTypeError, InconclusiveDim, InvalidArgumentError, ShapeError
from graphcore.handler import in_float32
from graphcore.optable import OpDef, register
from graphcore.types import TensorType, broadcast_shapes

if TYPE_CHECKING:
    from graphcore.functions import Functions, Handle

Types = Sequence[TensorType]
Attrs = dict[str, Any]
Rule = Callable[..., Any]

FLOATING = "f"
INTEGER = "iu"
REAL = "fiu"
INEXACT = "fc"
NUMBER = "fiuc"
BOOL = "b"
BITS = "iub"
ORDERED = "fiub"
ANY = "fiubcO"

_WORDS = {
    FLOATING: "floating point", INTEGER: "integer", REAL: "integer or floating point", BOOL: "bool",
    BITS: "integer or bool",
    ORDERED: "floating point, integer or bool", ANY: "any type",
    INEXACT: "floating point", NUMBER: "integer or floating point",
}  # fmt: skip
_REMEDY = {
    FLOATING: "write tf.cast(x, tf.float32) first", INTEGER: "write tf.cast(x, tf.int32) first",
    REAL: "write tf.cast(x, tf.float32), or tf.int32, first",
    BOOL: "write tf.cast(x, tf.bool), or a comparison",
    BITS: "write tf.cast(x, tf.int32) first", INEXACT: "write tf.cast(x, tf.float32) first",
    NUMBER: "write tf.cast(x, tf.float32), or tf.int32, first",
}  # fmt: skip


_SAMPLERS = (
    "samples", "samples_host", "samples_move", "samples_control", "samples_index",
    "samples_convolve", "samples_math",
)  # fmt: skip
"""The modules of `graphcore.ops` that hold samplers."""


def samples(name: str, *args: Any) -> Callable[[], list[Any]]:
    """A sampler of one of the modules `_SAMPLERS`, imported when it is called."""

    def sample() -> list[Any]:
        from importlib import import_module

        modules = [import_module(f"graphcore.ops.{m}") for m in _SAMPLERS]
        return next(getattr(m, name) for m in modules if hasattr(m, name))(*args)

    return sample


def require_kind(op: str, type_: TensorType, kinds: str, position: int = 0) -> None:
    """Raises DTypeError unless the dtype's kind is one of `kinds`."""
    if type_.dtype.kind not in kinds:
        raise DTypeError(
            f"{op}: operand {position} is {type_!r}, expected {_WORDS[kinds]}; "
            f"{_REMEDY.get(kinds, 'cast it with tf.cast first')}"
        )


def require_same_dtype(op: str, types: Types, first: int = 0) -> DType:
    """The one dtype of all operands from `first` on; DTypeError names the two that differ and the cast."""
    dtype = types[first].dtype
    for i, t in enumerate(types[first + 1 :], first + 1):
        if t.dtype is not dtype:
            raise DTypeError(
                f"{op}: operand {first} is {types[first]!r} and operand {i} is {t!r}; dtypes "
                f"{dtype.name} and {t.dtype.name} do not mix: write tf.cast(y, tf.{dtype.name}) for operand "
                f"{i}, or tf.cast(x, tf.{t.dtype.name}) for operand {first}"
            )
    return dtype


def broadcast(op: str, types: Types) -> tuple[Dim, ...]:
    """The broadcast shape; ShapeError names the op and the shapes."""
    try:
        return broadcast_shapes(*(t.shape for t in types))
    except ShapeError as error:
        raise ShapeError(
            f"{op}: {error}; reshape one operand, or add the missing dimension with tf.expand_dims"
        ) from None


def check_axes(op: str, axes: Sequence[int], rank: int) -> tuple[int, ...]:
    """`axes` if they are distinct and within the rank; raises InvalidArgumentError."""
    for a in axes:
        if not 0 <= a < rank:
            raise InvalidArgumentError(
                f"{op}: axis {a} is not an axis of an operand of rank {rank}; expected 0 <= axis < {rank}"
            )
    if len(set(axes)) != len(axes):
        raise InvalidArgumentError(f"{op}: axes {tuple(axes)} name one axis twice; give each axis once")
    return tuple(axes)


def check_count(op: str, what: str, values: Sequence[Any], rank: int) -> None:
    """Raises InvalidArgumentError unless there is one value per axis."""
    if len(values) != rank:
        raise InvalidArgumentError(
            f"{op}: {what} has {len(values)} entries {tuple(values)}, expected {rank}: one per axis"
        )


def certainly_not(question: Callable[[], bool]) -> bool:
    """Whether the question about sizes is decided, with the answer no."""
    try:
        return not question()
    except InconclusiveDim:
        return False


def check_equal_dims(op: str, what: str, a: Dim, b: Dim, types: Types) -> None:
    """Raises ShapeError if two sizes differ, InconclusiveDim if that depends on sizes not known."""
    if a is not b and a != b and not dims.equal(a, b):
        shapes = " and ".join(str(t) for t in types)
        raise ShapeError(
            f"{op}: {what} must have equal size, got {a} and {b} in {shapes}; transpose or reshape one"
        )


def unary(
    name: str, kinds: str, evaluate: Rule, body: Rule, vjp: Rule | None = None, *,
    result: DType | None = None, max_ulp: int = 0, sampler: Rule | None = None, real: bool = False,
) -> OpDef:  # fmt: skip
    """Registers an elementwise op of one operand; `vjp` is (f, ct, x, y) -> cotangent of x.

    The result has the dtype `result`, or that of the operand, or with `real` that of its real part.
    """

    def infer(types: Types, attrs: Attrs) -> tuple[TensorType]:
        require_kind(name, types[0], kinds)
        dtype = result or (types[0].dtype.real_dtype if real else types[0].dtype)
        return (types[0] if dtype is types[0].dtype else types[0].with_dtype(dtype),)

    def rule(
        f: Functions, cts: Sequence[Any], inputs: Sequence[Any], outputs: Sequence[Any], attrs: Attrs
    ) -> Any:
        assert vjp is not None
        return (vjp(f, cts[0], inputs[0], outputs[0]),)

    return register(OpDef(
        name, "elementwise", infer, _of_halves(evaluate), vjp and rule, body, max_ulp=max_ulp,
        differentiable=vjp is not None,
        samples=sampler or samples("unary", kinds),
    ))  # fmt: skip


def binary(
    name: str, kinds: str, evaluate: Rule, body: Rule, vjp: tuple[Rule | None, Rule | None] | None = None, *,
    result: DType | None = None, max_ulp: int = 0, sampler: Rule | None = None,
) -> OpDef:  # fmt: skip
    """Registers an elementwise op of two operands that broadcast.

    `vjp` holds one rule (f, ct, x, y, z) per operand, before summing over broadcast axes; None for no
    gradient.
    """

    def infer(types: Types, attrs: Attrs) -> tuple[TensorType]:
        dtype = require_same_dtype(name, types)
        require_kind(name, types[0], kinds)
        return (TensorType(result or dtype, broadcast(name, types)),)

    def rule(
        f: Functions, cts: Sequence[Any], inputs: Sequence[Any], outputs: Sequence[Any], attrs: Attrs
    ) -> Any:
        x, y = inputs
        first, second = vjp or (None, None)
        return (
            first and (lambda: f.unbroadcast(first(f, cts[0], x, y, outputs[0]), f.type(x).shape)),
            second and (lambda: f.unbroadcast(second(f, cts[0], x, y, outputs[0]), f.type(y).shape)),
        )

    return register(OpDef(
        name, "elementwise", infer, _of_halves(evaluate), vjp and rule, body, max_ulp=max_ulp,
        differentiable=vjp is not None,
        samples=sampler or samples("binary", kinds),
    ))  # fmt: skip


def _of_halves(evaluate: Rule) -> Rule:
    """`evaluate` in float32 for 16-bit floats, rounded once; NumPy's and ml_dtypes' ufuncs do that themselves."""
    return evaluate if isinstance(evaluate, np.ufunc) else in_float32(evaluate)


def scalar(f: Functions, like: Handle, value: float) -> Handle:
    """A 0-d constant of the dtype of `like`."""
    return f.constant(value, like=like)


def scaled(f: Functions, x: Handle, value: float) -> Handle:
    """The product of `x` and a constant."""
    return f.mul(x, f.constant(value, like=x))


def keep_where(f: Functions, condition: Handle, x: Handle) -> Handle:
    """`x` where the condition holds, else 0."""
    return f.select(condition, x, f.constant(0, like=x))


def conj(f: Functions, x: Handle) -> Handle:
    """The complex conjugate; `x` itself for a real dtype. Gradients of holomorphic functions need it."""
    return f.complex(f.real(x), f.neg(f.imag(x))) if f.type(x).dtype.is_complex else x
