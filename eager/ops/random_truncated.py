"""Truncated normal draws: by rejection, natively too."""

from __future__ import annotations

from typing import Any

from eager.convert import convert
from eager.dispatch import run
from eager.errors import InvalidArgumentError
from eager.ops.common import is_traced, op, raw_shape, shape_argument
from eager.ops.public import public
from eager.ops.random_exact import both, exp, log, negation, number
from eager.ops.random_lanes import Lanes, accepted, filled, uniform_pair
from eager.ops.random_state import RESERVED, floating_dtype, scaled, stateless_state
from eager.ops.shaping import cast
from eager.tensor import Tensor
from graphcore import dims
from graphcore.dims import Dim
from graphcore.dtypes import DType, bool_, float32, float64, int32, int64
from graphcore.ops.random import per_block
from graphcore.optable import get_op


def truncated(state: Tensor, sizes: tuple[Dim, ...], dtype: DType) -> Tensor:
    """Standard normal draws within (-2, 2), as TensorFlow's TruncatedNormalDistribution.

    The elements of one block are drawn together: the normals of a stream of their own, without those outside.
    """
    kind = float64 if dtype is float64 else float32
    width, count = per_block(kind), dims.product(sizes)
    groups = dims.ceildiv(count, width)
    first = op("iota", shape=(groups,), axis=0, dtype=int64) * convert(RESERVED * width // 4, like=int64)
    slot = op("iota", shape=(1, width), axis=1, dtype=int32)
    limit = convert(2, like=kind)

    def attempt(trial: Tensor, done: Tensor, values: Tensor, taken: Tensor) -> tuple[Tensor, ...]:
        del done
        drawn = op("random_normal", state, first + trial, shape=(groups, width), dtype=kind)
        for j in range(width):
            x = drawn[:, j : j + 1]
            inside = op("less", op("abs", x), limit)
            values = op("select", both(inside, op("equal", slot, taken)), x, values)
            taken = taken + cast(inside, int32)
        full = op("reshape", op("greater_equal", taken, convert(width, like=int32)), shape=(groups,))
        return full, values, taken

    start = op("fill", convert(0, like=kind), shape=(groups, width))
    none = op("fill", convert(0, like=int32), shape=(groups, 1))
    values, _ = accepted(attempt, op("fill", convert(False, like=bool_), shape=(groups,)), start, none)
    flat = op("reshape", values, shape=(groups * width,))
    found = op("slice", flat, begin=(0,), end=(count,), strides=(1,))
    return cast(op("reshape", found, shape=sizes), dtype)


@public("random.stateless_truncated_normal")
def stateless_truncated_normal(
    shape: Any, seed: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = float32, name: str | None = None,
    alg: Any = "auto_select",
) -> Tensor:  # fmt: skip
    """Normal draws within two deviations, from a pair of seeds alone (tf.random.stateless_truncated_normal).

    Raises:
        DTypeError: for a dtype that is not floating.
        InvalidArgumentError: for a seed of another shape.
    """
    del name
    kind, sizes = floating_dtype(dtype, "stateless_truncated_normal"), shape_argument(shape, "stateless_truncated")
    return scaled(truncated(stateless_state(seed, alg), sizes, kind), mean, stddev)


_WIDE = 1.3
"""Bounds that lie so many deviations apart around the mean are drawn for with normal numbers."""


@public("random.stateless_parameterized_truncated_normal")
def stateless_parameterized_truncated_normal(
    shape: Any, seed: Any, means: Any = 0.0, stddevs: Any = 1.0, minvals: Any = -2.0, maxvals: Any = 2.0,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Normal draws within bounds (tf.random.stateless_parameterized_truncated_normal).

    The proposals are TensorFlow's: normal, uniform or exponential (Robert, Simulation of truncated normal variables,
    1995). The numbers are not: TensorFlow's depend on how many threads share the work. There is no gradient.

    Args:
        shape: of the result; it ends with the shape that the parameters broadcast to.
        seed: two integers.
        means, stddevs, minvals, maxvals: of one floating dtype.
        name: accepted for compatibility.

    Raises:
        InvalidArgumentError: unless stddev > 0, minval < maxval and one bound is finite; traced, from the run.
        ShapeError: if `shape` does not end with the shape of the parameters.
    """
    del name
    title = "stateless_parameterized_truncated_normal"
    tensors = [p for p in (means, stddevs, minvals, maxvals) if hasattr(p, "dtype")]
    kind = floating_dtype(tensors[0].dtype if tensors else float32, title)
    given = [convert(p, like=kind) for p in (means, stddevs, minvals, maxvals)]
    for p in given:
        convert(p, dtype=kind)
    lanes = Lanes(shape_argument(shape, title), given, title)
    mean, deviation, low, high = (lanes.spread(cast(p, float64)) for p in given)
    _require(deviation, low, high, title)
    # An open lower end is turned around, and so are bounds below the mean.
    turned = op("logical_or", op("equal", low, number(float("-inf"))), op("less", high, mean))
    low, high = op("select", turned, high, low), op("select", turned, low, high)
    deviation = op("select", turned, op("neg", deviation), deviation)
    a, b = (low - mean) / deviation, (high - mean) / deviation
    z = _between(stateless_state(seed), a, b, lanes.numbers() * convert(RESERVED, like=int64))
    return lanes.packed(cast(z * deviation + mean, kind))


def _require(deviation: Tensor, low: Tensor, high: Tensor, title: str) -> None:
    inf = number(float("inf"))
    open_ends = both(op("equal", op("abs", low), inf), op("equal", op("abs", high), inf))
    fine = both(op("greater", deviation, number(0)), op("less", low, high), negation(open_ends))
    good = op("reduce_all", fine, axes=(0,), keepdims=False)
    text = f"{title}: need stddev > 0, minval < maxval and at least one finite bound"
    if is_traced(good):
        run(get_op("assert"), (good,), {"message": text})
    elif not bool(good):
        raise InvalidArgumentError(text)


def _between(state: Tensor, a: Tensor, b: Tensor, first: Tensor) -> Tensor:
    """Standard normal draws in [a, b], each lane from its own place of the stream."""
    zero, wide = number(0), number(_WIDE)
    root = op("sqrt", a * a + number(4))
    centered = op(
        "logical_or",
        both(op("less", a, op("neg", wide)), op("greater_equal", b, zero)),
        both(op("greater", b, wide), op("less_equal", a, zero)),
    )
    span = b - a
    cutoff = number(2) * exp(number(0.5) + a * (a - root) / number(4)) / (a + root)
    narrow = op("less", span, cutoff)
    highest = op("select", op("less", a, zero), zero, a * a)
    rate = (a + root) / number(2)

    def attempt(trial: Tensor, done: Tensor, values: Tensor) -> tuple[Tensor, ...]:
        at = first + trial * convert(2, like=int64)
        u, v = uniform_pair(state, at)
        pair = op("random_normal", state, at + convert(1, like=int64), shape=(*raw_shape(first), 2), dtype=float64)
        flat = u * span + a
        tail = op("neg", log(u)) / rate + a
        z = op("select", centered, pair[:, 0], op("select", narrow, flat, tail))
        rest = rate - tail
        height = op("select", narrow, (highest - flat * flat) / number(2), op("neg", rest * rest) / number(2))
        fits = both(op("greater_equal", z, a), op("less_equal", z, b))
        wanted = op("logical_or", centered, op("less_equal", v, exp(height)))
        now = both(fits, wanted, negation(done))
        return op("logical_or", done, now), op("select", now, z, values)

    return accepted(attempt, filled(False, first, bool_), filled(0, first))[0]


__all__ = ["stateless_parameterized_truncated_normal", "stateless_truncated_normal", "truncated"]
