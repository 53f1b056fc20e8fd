"""tf.random: draws from Philox counters. Eager and traced draws of one state are equal bit for bit."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from eager.context import init_scope
from eager.convert import convert
from eager.errors import InvalidArgumentError
from eager.ops.array import cast, concat
from eager.ops.common import op, shape_argument, size_tensor
from eager.ops.public import public
from eager.tensor import Tensor
from eager.variable import Variable
from graphcore.dims import Dim
from graphcore.dtypes import DType, as_dtype, float32, float64, int64, uint32, uint64
from graphcore.ops.random import blocks

_MASK = (1 << 64) - 1
_SCRAMBLE_KEY = 0x02461E29_3EC8F720
"""The constant key with which TensorFlow scrambles the seeds of stateless draws."""


def _signed(bits: int) -> int:
    bits &= _MASK
    return bits - (1 << 64) if bits >> 63 else bits


class Generator:
    """A stream of random numbers whose state is a variable (tf.random.Generator).

    The state is int64[3]: counter low, counter high, key, as TensorFlow's Philox generator has it.
    """

    def __init__(self, state: Any, alg: Any = "philox") -> None:
        """A generator that continues from a state. Raises InvalidArgumentError for another algorithm or shape."""
        if alg not in ("philox", 1, "auto_select", 3):
            raise InvalidArgumentError(f"random algorithm {alg!r} is not supported; use 'philox'")
        with init_scope():
            self.state = Variable(convert(state, int64), trainable=False, name="StateVar", shape=(3,))

    @classmethod
    def from_seed(cls, seed: int, alg: Any = None) -> Generator:
        """A generator whose key is the seed (tf.random.Generator.from_seed)."""
        return cls([0, 0, _signed(int(seed))], alg or "philox")

    @classmethod
    def from_non_deterministic_state(cls, alg: Any = None) -> Generator:
        """A generator with a key from the operating system's entropy."""
        return cls.from_seed(int.from_bytes(os.urandom(8), "little"), alg or "philox")

    @classmethod
    def from_state(cls, state: Any, alg: Any) -> Generator:
        """A generator that continues from a state (tf.random.Generator.from_state)."""
        return cls(state, alg)

    @property
    def key(self) -> Tensor:
        """The key, an int64 scalar."""
        return self.state[2]

    def reset(self, state: Any) -> None:
        """Continues from another state."""
        self.state.assign(convert(state, int64))

    def reset_from_seed(self, seed: int) -> None:
        """Starts the stream of a seed."""
        self.state.assign(np.array([0, 0, _signed(int(seed))], np.int64))

    def skip(self, delta: Any) -> Tensor:
        """Advances the counter by `delta` blocks of four words and returns the state before."""
        before = self.state.value()
        step = convert(delta, int64) if not isinstance(delta, Tensor) else cast(delta, int64)
        zero = convert(np.zeros(2, np.int64))
        self.state.assign(before + concat([op("reshape", step, shape=(1,)), zero], 0))
        return before

    def _draw(self, name: str, shape: Any, dtype: DType) -> Tensor:
        sizes = shape_argument(shape, f"random.{name}")
        return draw(name, self.skip(size_tensor(blocks(sizes, dtype), int64)), sizes, dtype)

    def normal(
        self, shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = float32, name: str | None = None
    ) -> Tensor:
        """Normal draws of a shape (tf.random.Generator.normal)."""
        del name
        return _scaled(self._draw("normal", shape, as_dtype(dtype)), mean, stddev)

    def uniform(
        self, shape: Any, minval: Any = 0, maxval: Any = None, dtype: Any = float32, name: str | None = None
    ) -> Tensor:
        """Uniform draws in [minval, maxval) (tf.random.Generator.uniform); integers need maxval."""
        del name
        kind = as_dtype(dtype)
        if kind.is_integer:
            return _integers(self._draw("bits", shape, kind), minval, maxval, kind)
        return _between(self._draw("uniform", shape, kind), minval, 1 if maxval is None else maxval)

    def truncated_normal(
        self, shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = float32, name: str | None = None
    ) -> Tensor:
        """Normal draws within two standard deviations (tf.random.Generator.truncated_normal); runs eagerly."""
        del name
        kind = as_dtype(dtype)
        values = self._draw("normal", shape, kind)
        while bool(op("reduce_any", far := abs(values) > 2, axes=tuple(range(values.ndim)), keepdims=False)):  # pyright: ignore[reportArgumentType]
            values = op("select", far, self._draw("normal", shape, kind), values)
        return _scaled(values, mean, stddev)


def draw(name: str, state: Tensor, sizes: tuple[Dim, ...], dtype: DType) -> Tensor:
    """Draws "normal", "uniform" or "bits" of a state."""
    if name == "bits":
        return op("random_bits", state, shape=sizes)
    if dtype is float32 or dtype is float64:
        return op(f"random_{name}", state, shape=sizes, dtype=dtype)
    return cast(op(f"random_{name}", state, shape=sizes, dtype=float32), dtype)


def _scaled(values: Tensor, mean: Any, stddev: Any) -> Tensor:
    return values * convert(stddev, like=values.dtype) + convert(mean, like=values.dtype)


def _between(values: Tensor, low: Any, high: Any) -> Tensor:
    bottom = convert(low, like=values.dtype)
    return values * (convert(high, like=values.dtype) - bottom) + bottom


def _integers(bits: Tensor, low: Any, high: Any, dtype: DType) -> Tensor:
    """low + bits mod range, as TensorFlow's UniformDistribution of integers."""
    if high is None:
        raise ValueError(f"Must specify maxval for integer dtype {dtype.name}")
    bottom = convert(low, like=dtype)
    span = cast(convert(high, like=dtype) - bottom, uint32)
    return cast(op("mod", bits, span), dtype) + bottom


# The global stream ----------------------------------------------------------------------------------------------------

_streams: dict[int | None, Generator] = {}
_global_seed: int | None = None


def _stream(seed: int | None) -> Generator:
    """The global stream, or the one that a seed of an op makes together with the global seed."""
    found = _streams.get(seed)
    if found is None:
        if seed is None and _global_seed is None:
            found = Generator.from_non_deterministic_state()
        else:
            mixed = (_global_seed or 0) * 0x9E3779B97F4A7C15 + (0 if seed is None else int(seed) * 2 + 1)
            found = Generator.from_seed(mixed & _MASK)
        _streams[seed] = found
    return found


@public("random.set_seed")
def set_seed(seed: int) -> None:
    """Sets the global seed (tf.random.set_seed): all streams start anew."""
    global _global_seed
    _global_seed = int(seed)
    for known, stream in list(_streams.items()):
        fresh = _global_seed * 0x9E3779B97F4A7C15 + (0 if known is None else int(known) * 2 + 1)
        stream.reset_from_seed(fresh & _MASK)


@public("random.get_global_generator")
def get_global_generator() -> Generator:
    """The generator behind draws without a seed (tf.random.get_global_generator)."""
    return _stream(None)


@public("random.uniform")
def uniform(
    shape: Any, minval: Any = 0, maxval: Any = None, dtype: Any = float32, seed: int | None = None,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Uniform draws in [minval, maxval) (tf.random.uniform).

    Raises:
        ValueError: for an integer dtype without maxval.
    """
    return _stream(seed).uniform(shape, minval, maxval, dtype, name)


@public("random.normal")
def normal(
    shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = float32, seed: int | None = None,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Normal draws (tf.random.normal)."""
    return _stream(seed).normal(shape, mean, stddev, dtype, name)


@public("random.truncated_normal")
def truncated_normal(
    shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = float32, seed: int | None = None,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Normal draws within two standard deviations (tf.random.truncated_normal); ends a trace, as it redraws."""
    return _stream(seed).truncated_normal(shape, mean, stddev, dtype, name)


# Stateless draws ------------------------------------------------------------------------------------------------------


def _stateless(seed: Any) -> Tensor:
    """The state that TensorFlow derives from a pair of seeds: a Philox block under a constant key."""
    pair = cast(convert(seed), int64)
    key = convert(np.array([_signed(_SCRAMBLE_KEY)], np.int64))
    mix = cast(op("random_bits", concat([pair, key], 0), shape=(4,)), uint64)
    low = mix[0::2]
    words = op("bitcast", low + op("shift_left", mix[1::2], convert(32, dtype=uint64)), dtype=int64)
    return concat([convert(np.zeros(1, np.int64)), words[1:2], words[0:1]], 0)


@public("random.stateless_uniform")
def stateless_uniform(
    shape: Any, seed: Any, minval: Any = 0, maxval: Any = None, dtype: Any = float32, name: str | None = None,
    alg: Any = "auto_select",
) -> Tensor:  # fmt: skip
    """Uniform draws that depend on `seed`, a pair of integers, alone (tf.random.stateless_uniform)."""
    del name, alg
    kind, sizes = as_dtype(dtype), shape_argument(shape, "stateless_uniform")
    if kind.is_integer:
        return _integers(draw("bits", _stateless(seed), sizes, kind), minval, maxval, kind)
    return _between(draw("uniform", _stateless(seed), sizes, kind), minval, 1 if maxval is None else maxval)


@public("random.stateless_normal")
def stateless_normal(
    shape: Any, seed: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = float32, name: str | None = None,
    alg: Any = "auto_select",
) -> Tensor:  # fmt: skip
    """Normal draws that depend on `seed`, a pair of integers, alone (tf.random.stateless_normal)."""
    del name, alg
    kind, sizes = as_dtype(dtype), shape_argument(shape, "stateless_normal")
    return _scaled(draw("normal", _stateless(seed), sizes, kind), mean, stddev)


__all__ = [
    "Generator", "get_global_generator", "normal", "set_seed", "stateless_normal", "stateless_uniform",
    "truncated_normal", "uniform",
]  # fmt: skip
