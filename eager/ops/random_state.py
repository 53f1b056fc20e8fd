"""The states and the basic draws of tf.random: uniform and normal numbers and words of one Philox state."""

from __future__ import annotations

from typing import Any

import numpy as np

from eager.convert import convert
from eager.errors import DTypeError, InvalidArgumentError, UnsupportedError
from eager.ops import math
from eager.ops.common import is_traced, op
from eager.ops.join import concat
from eager.ops.shaping import cast
from eager.tensor import Tensor, type_of
from graphcore.dims import Dim
from graphcore.dtypes import DType, as_dtype, float16, float32, float64, int64, uint16, uint64

_MASK = (1 << 64) - 1
_SCRAMBLE_KEY = 0x02461E29_3EC8F720
"""The constant key with which TensorFlow scrambles the seeds of stateless draws."""

RESERVED = 256
"""How many blocks TensorFlow's kernels set aside for one element of a draw."""


def signed(bits: int) -> int:
    """The low 64 bits as a signed integer."""
    bits &= _MASK
    return bits - (1 << 64) if bits >> 63 else bits


def advanced(state: Any, delta: int) -> Any:
    """A state of NumPy with its 128-bit counter advanced."""
    low, high, key = state.tolist()
    counter = ((high & _MASK) << 64 | low & _MASK) + delta
    return np.array([signed(counter), signed(counter >> 64), key], np.int64)


def moved(state: Tensor, delta: Tensor) -> Tensor:
    """A state with its 128-bit counter advanced by an int64 scalar."""
    step = op("reshape", delta, shape=(1,))
    low, high, key = state[0:1], state[1:2], state[2:3]
    found = low + step
    # The counter has 128 bits; a carry shows as an unsigned sum below the step.
    carry = op("less", op("bitcast", found, dtype=uint64), op("bitcast", step, dtype=uint64))
    return concat([found, high + cast(carry, int64), key], 0)


def require_philox(alg: Any) -> None:
    """Raises UnsupportedError for another algorithm than Philox, InvalidArgumentError for what is none."""
    number = getattr(alg, "value", alg)
    name = number.lower() if isinstance(number, str) else number
    if name in (2, "threefry"):
        raise UnsupportedError(f"random algorithm {alg!r} is not implemented; use 'philox'")
    if name not in (None, 1, "philox", 3, "auto_select"):
        raise InvalidArgumentError(f"random algorithm {alg!r} is unknown; use 'philox'")


def floating_dtype(dtype: Any, name: str) -> DType:
    """The dtype. Raises DTypeError unless it is floating."""
    kind = as_dtype(dtype)
    if not kind.is_floating:
        raise DTypeError(f"random.{name}: dtype is {kind.name}, expected a floating one such as tf.float32")
    return kind


def draw(name: str, state: Tensor, sizes: tuple[Dim, ...], dtype: DType) -> Tensor:
    """Draws "normal" or "uniform" floats, or "bits": unsigned integers of the size of the dtype, at least 32 bits."""
    if name == "bits":
        if dtype.size < 8:
            return op("random_bits", state, shape=sizes)
        words = cast(op("random_bits", state, shape=(*sizes, 2)), uint64)
        low, high = words[..., 0], words[..., 1]
        return op("bitwise_or", low, op("shift_left", high, convert(32, dtype=uint64)))
    if dtype is float32 or dtype is float64:
        return op(f"random_{name}", state, shape=sizes, dtype=dtype)
    if name == "uniform":
        return _half_uniform(op("random_bits", state, shape=sizes), dtype)
    return cast(op(f"random_{name}", state, shape=sizes, dtype=float32), dtype)


def _half_uniform(words: Tensor, dtype: DType) -> Tensor:
    """16-bit floats in [0, 1) from the low bits of words, as TensorFlow's Uint16ToHalf and Uint16ToGfloat16.

    A float32 draw would round up to 1 now and then.
    """
    one = int(np.ones((), dtype.numpy).view(np.uint16))
    digits = 10 if dtype is float16 else 7
    mantissa = op("bitwise_and", cast(words, uint16), convert((1 << digits) - 1, dtype=uint16))
    pattern = op("bitwise_or", mantissa, convert(one, dtype=uint16))
    return op("bitcast", pattern, dtype=dtype) - convert(1, like=dtype)


def scaled(values: Tensor, mean: Any, stddev: Any) -> Tensor:
    """Standard draws with a mean and a standard deviation."""
    return values * convert(stddev, like=values.dtype) + convert(mean, like=values.dtype)


def _between(values: Tensor, low: Any, high: Any) -> Tensor:
    bottom = convert(low, like=values.dtype)
    return values * (convert(high, like=values.dtype) - bottom) + bottom


def uniform_in(bits_or_floats: Any, low: Any, high: Any, kind: DType) -> Tensor:
    """Limits to a range, or leaves integers their full one; `bits_or_floats` draws by name."""
    if kind.is_floating:
        return _between(bits_or_floats("uniform"), 0 if low is None else low, 1 if high is None else high)
    if not kind.is_integer:
        raise DTypeError(f"random.uniform: dtype is {kind.name}, expected a floating or integer one")
    if low is None and high is None:
        return cast(bits_or_floats("bits"), kind)
    if high is None:
        raise InvalidArgumentError(f"Must specify maxval for integer dtype {kind.name}")
    return _integers(bits_or_floats("bits"), 0 if low is None else low, high, kind)


def _integers(bits: Tensor, low: Any, high: Any, dtype: DType) -> Tensor:
    """The sum low + bits mod range, as TensorFlow's UniformDistribution of integers."""
    bottom, top = convert(low, like=dtype), convert(high, like=dtype)
    if not (is_traced(bottom) or is_traced(top)) and not bool(math.reduce_all(op("less", bottom, top))):
        raise InvalidArgumentError(f"random.uniform: need minval < maxval, got {low} and {high}")
    span = cast(top, bits.dtype) - cast(bottom, bits.dtype)
    return cast(op("mod", bits, span), dtype) + bottom


def stateless_state(seed: Any, alg: Any = None) -> Tensor:
    """The state that TensorFlow derives from a pair of seeds: a Philox block under a constant key.

    Raises:
        InvalidArgumentError: for another shape.
        DTypeError: unless the seeds are integers.
    """
    require_philox(alg)
    given = convert(seed)
    if given.shape != (2,):
        raise InvalidArgumentError(f"stateless draws: seed has shape {given.shape}, expected (2,)")
    if not given.dtype.is_integer:
        raise DTypeError(f"stateless draws: seed is {type_of(given)}, expected int32 or int64")
    pair = cast(given, int64)
    key = convert(np.array([signed(_SCRAMBLE_KEY)], np.int64))
    mix = cast(op("random_bits", concat([pair, key], 0), shape=(4,)), uint64)
    low = mix[0::2]
    words = op("bitcast", low + op("shift_left", mix[1::2], convert(32, dtype=uint64)), dtype=int64)
    return concat([convert(np.zeros(1, np.int64)), words[1:2], words[0:1]], 0)
