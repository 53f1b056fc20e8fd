"""tf.random: draws from Philox counters. Eager and traced draws of one state are equal bit for bit."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from eager.context import init_scope
from eager.convert import convert
from eager.errors import DTypeError, InvalidArgumentError, UnsupportedError
from eager.ops import math
from eager.ops.common import is_traced, op, shape_argument, size_tensor
from eager.ops.join import concat
from eager.ops.public import public
from eager.ops.shaping import cast
from eager.tensor import Tensor
from eager.variable import Variable
from graphcore.dims import Dim
from graphcore.dtypes import DType, as_dtype, float32, float64, int64, uint64
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

    def __init__(self, copy_from: Generator | None = None, state: Any = None, alg: Any = None) -> None:
        """A generator that continues from a state, or from that of another generator.

        Raises:
            ValueError: unless exactly one of them is given.
            InvalidArgumentError: for another algorithm or shape.
        """
        if (copy_from is None) == (state is None):
            raise ValueError("Generator: give either copy_from or state; or use tf.random.Generator.from_seed(seed)")
        if alg not in (None, "philox", 1, "auto_select", 3):
            raise UnsupportedError(f"random algorithm {alg!r}; use 'philox'")
        words = convert(state, like=int64) if copy_from is None else copy_from.state.value()
        if words.shape != (3,):
            raise InvalidArgumentError(f"Generator: the state has shape {words.shape}, expected (3,)")
        with init_scope():
            self.state = Variable(cast(words, int64), trainable=False, name="StateVar")

    @classmethod
    def from_seed(cls, seed: Any, alg: Any = None) -> Generator:
        """A generator whose stream the seed selects (tf.random.Generator.from_seed)."""
        return cls(state=_state_of_seed(seed), alg=alg)

    @classmethod
    def from_non_deterministic_state(cls, alg: Any = None) -> Generator:
        """A generator with a state from the operating system's entropy."""
        return cls(state=np.frombuffer(os.urandom(24), np.int64), alg=alg)

    @classmethod
    def from_state(cls, state: Any, alg: Any = None) -> Generator:
        """A generator that continues from a state (tf.random.Generator.from_state)."""
        return cls(state=state, alg=alg)

    @property
    def algorithm(self) -> int:
        """The number of the algorithm: 1, Philox."""
        return 1

    @property
    def key(self) -> Tensor:
        """The key, an int64 scalar."""
        return self.state[2]

    def reset(self, state: Any) -> None:
        """Continues from another state."""
        self.state.assign(cast(convert(state, like=int64), int64))

    def reset_from_seed(self, seed: Any) -> None:
        """Starts the stream of a seed."""
        self.state.assign(_state_of_seed(seed))

    def reset_from_key_counter(self, key: Any, counter: Any) -> None:
        """Starts at a counter, int64[2], of the stream of a key."""
        words = [*np.asarray(counter).reshape(2).tolist(), int(key)]
        self.state.assign(np.array([_signed(w) for w in words], np.int64))

    def skip(self, delta: Any) -> Tensor:
        """Advances the counter by `delta` blocks of four words and returns the state before."""
        before = self.state.value()
        if isinstance(delta, int) and not is_traced(before):
            self.state.assign(_advanced(np.asarray(before), delta))
            return before
        step = op("reshape", cast(convert(delta, like=int64), int64), shape=(1,))
        low, high, key = before[0:1], before[1:2], before[2:3]
        moved = low + step
        # The counter has 128 bits; a carry shows as an unsigned sum below the step.
        carry = op("less", op("bitcast", moved, dtype=uint64), op("bitcast", step, dtype=uint64))
        self.state.assign(concat([moved, high + cast(carry, int64), key], 0))
        return before

    def _draw(self, name: str, shape: Any, dtype: DType) -> Tensor:
        sizes = shape_argument(shape, f"random.{name}")
        # An integer of 8 bytes takes two words, as a float64 does.
        width = float64 if dtype.size == 8 else float32
        count = blocks(sizes, width)
        return draw(name, self.skip(count if isinstance(count, int) else size_tensor(count, int64)), sizes, dtype)

    def normal(
        self, shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = float32, name: str | None = None
    ) -> Tensor:
        """Normal draws of a shape (tf.random.Generator.normal)."""
        del name
        return _scaled(self._draw("normal", shape, _floating_dtype(dtype, "normal")), mean, stddev)

    def uniform(
        self, shape: Any, minval: Any = 0, maxval: Any = None, dtype: Any = float32, name: str | None = None
    ) -> Tensor:
        """Uniform draws in [minval, maxval) (tf.random.Generator.uniform).

        Integers need maxval, or minval=None for their full range.
        """
        del name
        kind = as_dtype(dtype)
        return _uniform(lambda what: self._draw(what, shape, kind), minval, maxval, kind)

    def truncated_normal(
        self, shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = float32, name: str | None = None
    ) -> Tensor:
        """Normal draws within two standard deviations (tf.random.Generator.truncated_normal); runs eagerly."""
        del name
        kind = _floating_dtype(dtype, "truncated_normal")
        values = self._draw("normal", shape, kind)
        limit = convert(2.0, like=kind)
        while bool(math.reduce_any(far := op("greater", op("abs", values), limit))):
            values = op("select", far, self._draw("normal", shape, kind), values)
        return _scaled(values, mean, stddev)


def _advanced(state: Any, delta: int) -> Any:
    low, high, key = state.tolist()
    counter = ((high & _MASK) << 64 | low & _MASK) + delta
    return np.array([_signed(counter), _signed(counter >> 64), key], np.int64)


def _state_of_seed(seed: Any) -> Any:
    """The state of a seed: its 64-bit pieces, lowest first, as TensorFlow's create_rng_state."""
    if isinstance(seed, int | np.integer):
        return np.array([_signed(int(seed) >> (64 * i)) for i in range(3)], np.int64)
    words = convert(seed, like=int64)
    flat = [_signed(int(w)) for w in np.asarray(words).reshape(-1)[:3]]
    return np.array([0] * (3 - len(flat)) + flat, np.int64)


def _floating_dtype(dtype: Any, name: str) -> DType:
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
    return cast(op(f"random_{name}", state, shape=sizes, dtype=float32), dtype)


def _scaled(values: Tensor, mean: Any, stddev: Any) -> Tensor:
    return values * convert(stddev, like=values.dtype) + convert(mean, like=values.dtype)


def _between(values: Tensor, low: Any, high: Any) -> Tensor:
    bottom = convert(low, like=values.dtype)
    return values * (convert(high, like=values.dtype) - bottom) + bottom


def _uniform(bits_or_floats: Any, low: Any, high: Any, kind: DType) -> Tensor:
    """Limits to a range, or leaves integers their full one; `bits_or_floats` draws by name."""
    if kind.is_floating:
        return _between(bits_or_floats("uniform"), 0 if low is None else low, 1 if high is None else high)
    if not kind.is_integer:
        raise DTypeError(f"random.uniform: dtype is {kind.name}, expected a floating or integer one")
    if low is None and high is None:
        return cast(bits_or_floats("bits"), kind)
    if high is None:
        raise ValueError(f"Must specify maxval for integer dtype {kind.name}")
    return _integers(bits_or_floats("bits"), 0 if low is None else low, high, kind)


def _integers(bits: Tensor, low: Any, high: Any, dtype: DType) -> Tensor:
    """The sum low + bits mod range, as TensorFlow's UniformDistribution of integers."""
    bottom, top = convert(low, like=dtype), convert(high, like=dtype)
    if not (is_traced(bottom) or is_traced(top)) and not bool(math.reduce_all(op("less", bottom, top))):
        raise InvalidArgumentError(f"random.uniform: need minval < maxval, got {low} and {high}")
    span = cast(top, bits.dtype) - cast(bottom, bits.dtype)
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
            found = Generator(state=_stream_state(_global_seed or 0, seed))
        _streams[seed] = found
    return found


def _stream_state(global_seed: int, seed: int | None) -> Any:
    """The start of a stream: counter 0 under a key in which both seeds are mixed."""
    mixed = global_seed * 0x9E3779B97F4A7C15 + (0 if seed is None else int(seed) * 2 + 1)
    return np.array([0, 0, _signed(mixed)], np.int64)


@public("random.set_seed")
def set_seed(seed: int) -> None:
    """Sets the global seed (tf.random.set_seed): all streams start anew."""
    global _global_seed
    _global_seed = int(seed)
    for known, stream in list(_streams.items()):
        stream.reset(_stream_state(_global_seed, known))


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
    if pair.shape != (2,):
        raise InvalidArgumentError(f"stateless draws: seed has shape {pair.shape}, expected (2,)")
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
    return _uniform(lambda what: draw(what, _stateless(seed), sizes, kind), minval, maxval, kind)


@public("random.stateless_normal")
def stateless_normal(
    shape: Any, seed: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = float32, name: str | None = None,
    alg: Any = "auto_select",
) -> Tensor:  # fmt: skip
    """Normal draws that depend on `seed`, a pair of integers, alone (tf.random.stateless_normal)."""
    del name, alg
    kind, sizes = _floating_dtype(dtype, "stateless_normal"), shape_argument(shape, "stateless_normal")
    return _scaled(draw("normal", _stateless(seed), sizes, kind), mean, stddev)


__all__ = [
    "Generator", "get_global_generator", "normal", "set_seed", "stateless_normal", "stateless_uniform",
    "truncated_normal", "uniform",
]  # fmt: skip
