"""Inputs worth trying, per family of ops: scalars, empty and odd shapes, NaN, infinities, -0.0, extremes.

Every sampler returns a list of (arrays, attrs); numbers are the same in every run. Imported on
demand only. Those of move and index ops stand in `samples_move`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphcore.dtypes import DType, bool_, float32, float64, int8, int32, int64, uint32, uint64
from graphcore.graph import Const
from graphcore.types import TensorType

Array = np.ndarray[Any, Any]
Sample = tuple[tuple[Array, ...], dict[str, Any]]
Shape = tuple[int, ...]

_SHAPES: dict[DType, tuple[Shape, ...]] = {
    float32: ((), (0,), (1,), (33,), (2, 3, 4)), float64: ((7,), (3, 0), (64,)), int32: ((), (17,), (0, 2)),
    int64: ((1,), (16,)), bool_: ((), (0,), (33,), (3, 5)),
}  # fmt: skip
_PAIRS: dict[DType, tuple[tuple[Shape, Shape], ...]] = {
    float32: (((), ()), ((7,), (7,)), ((3, 1), (1, 5)), ((17,), ()), ((2, 3, 4), (4,)), ((0,), (1,)),
    ((1,), (33,))),
    float64: (((3, 5), (3, 5)), ((64,), (64,))), int32: (((7,), ()), ((2, 1), (3,))),
    int64: (((16,), (16,)),),
    bool_: (((), ()), ((3, 1), (1, 5)), ((0,), ()), ((17,), (17,))),
}  # fmt: skip


def dtypes_of(kinds: str) -> list[DType]:
    """The native dtypes that are tried for the given kinds."""
    return [d for d in (float32, float64, int32, int64, bool_) if d.kind in kinds]


def draw(shape: Shape, dtype: DType, seed: int = 0) -> Array:
    """Moderate numbers of any sign."""
    rng = np.random.default_rng([seed, *shape, ord(dtype.kind), dtype.size])
    if dtype.is_bool:
        return rng.integers(0, 2, shape).astype(np.bool_)
    if dtype.is_integer:
        return rng.integers(0 if dtype.is_unsigned else -9, 10, shape).astype(dtype.numpy)
    return np.asarray(rng.normal(scale=2.0, size=shape)).astype(dtype.numpy)


def specials(dtype: DType) -> Array:
    """Zeros of both signs, units, NaN, infinities, denormals, the largest and smallest, and some between."""
    if dtype.is_bool:
        return np.array([False, True])
    if dtype.is_integer:
        low, high = int(dtype.min), int(dtype.max)
        signed = [] if dtype.is_unsigned else [-1, -2, -7, low + 1]
        return np.array([0, 1, 2, 3, 7, 100, high - 1, high, low, *signed], dtype=dtype.numpy)
    limits = np.finfo(dtype.numpy)
    tiny, small, huge = float(limits.smallest_subnormal), float(limits.tiny), float(limits.max)
    positive = [
        0.0,
        0.5,
        1.0,
        1.5,
        2.5,
        0.1,
        3.75,
        20.0,
        88.0,
        100.0,
        700.0,
        1e-3,
        1e-10,
        tiny,
        small,
        huge,
        np.inf,
    ]
    return np.array([*positive, *(-x for x in positive), np.nan], dtype=dtype.numpy)


def none() -> list[Sample]:
    """For ops that nothing evaluates."""
    return []


def unary(kinds: str) -> list[Sample]:
    """One operand."""
    return [((x,), {}) for d in dtypes_of(kinds) for x in (specials(d), *(draw(s, d) for s in _SHAPES[d]))]


def binary(kinds: str) -> list[Sample]:
    """Two operands of one dtype, broadcasting, and every special against every other."""
    found: list[Sample] = []
    for d in dtypes_of(kinds):
        found.append(((specials(d)[:, None], specials(d)), {}))
        found += [((draw(a, d, 1), draw(b, d, 2)), {}) for a, b in _PAIRS[d]]
    return found


def powers() -> list[Sample]:
    """Bases and exponents, also integers to large and negative powers."""
    return binary("fi") + [
        ((np.abs(draw((33,), d, 3)) + d.numpy.type(0.1), draw((33,), d, 4)), {}) for d in (float32, float64)
    ]


def shifts() -> list[Sample]:
    """Values and counts, also negative counts and counts beyond the width."""
    counts = [0, 1, 5, 31, 32, 63, 64, 100]
    found: list[Sample] = []
    for d in (int32, int64, uint32, uint64):
        signed = [] if d.is_unsigned else [-1]
        found.append(((specials(d)[:, None], np.array(counts + signed, dtype=d.numpy)), {}))
    return [
        *found,
        ((draw((17,), int32), np.asarray(3, np.int32)), {}),
        ((draw((0,), int64), draw((1,), int64)), {}),
    ]


def selects() -> list[Sample]:
    """A bool and two values."""
    shapes: list[tuple[Shape, Shape, Shape]] = [
        ((), (), ()), ((7,), (7,), (7,)), ((3, 1), (5,), ()), ((), (33,), (1,)), ((0,), (1,), (0,)),
        ((2, 3), (2, 3), (3,)),
    ]  # fmt: skip
    found: list[Sample] = [
        ((draw(c, bool_), draw(x, d, 1), draw(y, d, 2)), {})
        for d in (float32, int64) for c, x, y in shapes
    ]  # fmt: skip
    for d in (float64, int32, bool_):
        x = specials(d)
        found.append(((draw(x.shape, bool_), x, x[::-1].copy()), {}))
    x = specials(float32)
    return [*found, ((draw(x.shape, bool_), x, x[::-1].copy()), {})]


def casts() -> list[Sample]:
    """Every native dtype to every other, at the extremes."""
    pool = (float32, float64, int32, int64, bool_)
    found: list[Sample] = [((specials(a),), {"dtype": b}) for a in pool for b in pool]
    found += [
        ((specials(a),), {"dtype": b}) for a, b in ((int64, uint32), (uint64, int32), (float32, uint32))
    ]
    return [*found, ((draw((), float32),), {"dtype": int32}), ((draw((0, 3), int32),), {"dtype": float64})]


def bitcasts() -> list[Sample]:
    """Numbers to other numbers of equal size."""
    pairs = (
        (float32, int32),
        (int32, float32),
        (float64, int64),
        (int64, float64),
        (float32, uint32),
        (uint64, float64),
    )
    found: list[Sample] = [((specials(a),), {"dtype": b}) for a, b in pairs]
    return [*found, ((draw((), float32),), {"dtype": int32}), ((draw((0,), int64),), {"dtype": float64})]


_REDUCED: tuple[tuple[Shape, tuple[int, ...]], ...] = (
    ((), ()), ((1,), (0,)), ((7,), (0,)), ((33,), (0,)), ((64, 17), (1,)), ((64, 17), (0,)),
    ((2, 3, 4), (0, 2)),
    ((2, 3, 4), (1,)), ((2, 3, 4), ()), ((0,), (0,)), ((3, 0), (1,)), ((0, 5), (1,)), ((3, 16, 1), (1, 2)),
)  # fmt: skip


def reductions(kinds: str) -> list[Sample]:
    """Every choice of axes, empty ones, both keepdims, NaN and infinities."""
    found: list[Sample] = []
    pool = dtypes_of(kinds)
    for i, (shape, axes) in enumerate(_REDUCED):
        found.append(((draw(shape, pool[i % len(pool)]),), {"axes": axes, "keepdims": i % 3 == 0}))
    for d in pool:
        found.append(((specials(d),), {"axes": (0,), "keepdims": False}))
        found.append(((draw((5, 33), d),), {"axes": (1,), "keepdims": True}))
    return found


def arguments() -> list[Sample]:
    """For argmax and argmin: ties, NaN, either output type."""
    cases: list[tuple[Array, int]] = [
        (draw((7,), float32), 0), (draw((64, 17), float32), 1), (draw((64, 17), float64), 0),
        (draw((2, 3, 4), int32), 1),
        (draw((33,), int64), 0), (specials(float32), 0), (specials(float64)[:-1].copy(), 0),
        (draw((0, 3), float32), 1),
        (np.zeros((3, 16), np.float32), 1), (draw((1,), float64), 0),
    ]  # fmt: skip
    return [((x,), {"axis": axis, "output_type": (int64, int32)[i % 2]}) for i, (x, axis) in enumerate(cases)]


def contractions() -> list[Sample]:
    """Matrix products, transposed operands, batches, outer and inner products, zero sizes, integers."""
    plain = {"contracting": ((1,), (0,)), "batch": ((), ())}
    batched = {"contracting": ((2,), (1,)), "batch": ((0,), (0,))}
    cases: list[tuple[Shape, Shape, dict[str, Any], DType]] = [
        ((3, 5), (5, 4), plain, float32), ((17, 33), (33, 16), plain, float32),
        ((1, 7), (7, 1), plain, float64),
        ((5, 3), (4, 5), {"contracting": ((0,), (1,)), "batch": ((), ())}, float32),
        ((2, 3, 5), (2, 5, 4), batched, float32), ((2, 3, 5), (2, 5, 4), batched, int32),
        ((2, 5, 3, 4), (4, 2, 6, 5), {"contracting": ((3, 1), (0, 3)), "batch": ((0,), (1,))}, float64),
        ((7,), (7,), {"contracting": ((0,), (0,)), "batch": ((), ())}, float32),
        ((3,), (4,), {"contracting": ((), ()), "batch": ((), ())}, float32),
        ((2, 3, 5), (5, 4), {"contracting": ((2,), (0,)), "batch": ((), ())}, float32),
        ((3, 0), (0, 4), plain, float32), ((0, 3), (3, 4), plain, float64), ((3, 64), (64,), plain, int64),
        ((), (), {"contracting": ((), ()), "batch": ((), ())}, float64),
        ((17, 67), (67, 33), {**plain, "dtype": int32}, int8),
        ((2, 3, 5), (2, 5, 4), {**batched, "dtype": int64}, int32),
    ]  # fmt: skip
    return [((draw(a, d, 1), draw(b, d, 2)), attrs) for a, b, attrs, d in cases]


def iotas() -> list[Sample]:
    """Every axis and dtype."""
    cases: list[tuple[Shape, int, DType]] = [
        ((7,), 0, int32), ((7,), 0, float32), ((3, 5), 0, int64), ((3, 5), 1, float64), ((0,), 0, int32),
        ((3, 0), 0, int64),
        ((3, 0), 1, float32), ((2, 3, 17), 1, int32), ((64,), 0, float32),
    ]  # fmt: skip
    return [((), {"shape": s, "axis": axis, "dtype": d}) for s, axis, d in cases]


def fills() -> list[Sample]:
    """A scalar to every shape."""
    pool = (float32, float64, int32, int64, bool_)
    shapes: tuple[Shape, ...] = ((), (0,), (1,), (7,), (3, 5), (33,), (2, 0, 3))
    return [((draw((), pool[i % 5]),), {"shape": s}) for i, s in enumerate(shapes)]


def sizes() -> list[Sample]:
    """Sizes in every integer dtype."""
    return [
        ((), {"value": n, "dtype": d}) for n, d in ((7, int32), (0, int64), (1, int64), (2**31 - 1, int32))
    ]


def constants() -> list[Sample]:
    """Arrays of every native dtype."""
    return [((), {"value": Const(specials(d))}) for d in (float32, float64, int32, int64, bool_)]


def identities() -> list[Sample]:
    """Anything."""
    return unary("fib")


def assertions() -> list[Sample]:
    """Conditions that hold (one that fails raises)."""
    return [((np.ones(s, np.bool_),), {"message": "holds"}) for s in ((), (0,), (7,), (3, 5), (33,))]


class _Twice:
    """A host function, and a compiled function's stand-in: doubles its operand."""

    name = "twice"

    def infer(self, types: Sequence[TensorType]) -> tuple[TensorType, ...]:
        return tuple(types)

    def function(self, *arrays: Array) -> tuple[Array, ...]:
        return tuple(np.add(a, a) for a in arrays)

    evaluate = function

    def vjp(self, f: Any, cts: Sequence[Any], inputs: Sequence[Any], outputs: Sequence[Any]) -> list[Any]:
        return [ct if ct is None else f.add(ct, ct) for ct in cts]


def host_calls() -> list[Sample]:
    """A Python function of one and of two arrays."""
    call = _Twice()
    return [
        ((draw((7,), float32),), {"call": call}), ((draw((), int32), draw((3, 5), float64)), {"call": call}),
        ((draw((0,), float32),), {"call": call}),
    ]  # fmt: skip


def calls() -> list[Sample]:
    """A compiled function's stand-in."""
    return [((draw((7,), float32),), {"function": _Twice()}), ((draw((), float64),), {"function": _Twice()})]


def fusions() -> list[Sample]:
    """One body: exp(x) * y."""
    from graphcore.builder import GraphBuilder

    found: list[Sample] = []
    for shape in ((), (0,), (7,), (3, 5)):
        builder = GraphBuilder("body")
        x, y = (builder.input(TensorType(float64, shape), name) for name in "xy")
        (e,) = builder.emit("exp", (x,))
        body = builder.finish(builder.emit("mul", (e, y)))
        found.append(
            ((draw(shape, float64, 1), draw(shape, float64, 2)), {"bodies": (body,), "category": "loop"})
        )
    return found


def custom_gradients() -> list[Sample]:
    """One finished value y of an argument x, whose gradient is said to be 3 * ct * x."""
    from graphcore.builder import GraphBuilder

    found: list[Sample] = []
    for shape in ((), (0,), (3, 5)):
        builder = GraphBuilder("body")
        ct, x = (builder.input(TensorType(float64, shape), name) for name in ("ct", "x"))
        (product,) = builder.emit("mul", (ct, x))
        scale = builder.constant(np.full(shape, 3.0))
        body = builder.finish(builder.emit("mul", (product, scale)))
        y, x0 = draw(shape, float64, 1), draw(shape, float64, 2)
        found.append(((y, x0, x0), {"bodies": (body,), "results": 1, "arguments": 1}))
    return found


def draws(name: str) -> list[Sample]:
    """States near a carry of the counter, every shape, both dtypes."""
    states = ((0, 0, 0), (1, 2, 3), (-1, 5, -7), (2**63 - 1, -1, 2**40 + 1))
    shapes: tuple[Shape, ...] = ((), (0,), (1,), (7,), (33,), (3, 5), (2, 3, 4), (64,))
    found: list[Sample] = []
    for i, shape in enumerate(shapes):
        attrs: dict[str, Any] = {"shape": shape}
        for dtype in (float32, float64)[: 1 if name == "random_bits" else 2]:
            extra = {} if name == "random_bits" else {"dtype": dtype}
            found.append(((np.array(states[i % 4], dtype=np.int64),), {**attrs, **extra}))
            if len(shape) < 2:  # chosen blocks, near a carry as well
                at = np.arange(int(np.prod(shape)), dtype=np.int64).reshape(shape) * 37 % 11 - 3
                width = 2 if extra.get("dtype") is float64 else 4
                attrs_at = {**extra, "shape": (*shape, width)}
                found.append(((np.array(states[i % 4], dtype=np.int64), at), attrs_at))
    return found
