"""tf.random.Generator: a stream of random numbers whose state is a variable."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from eager.context import init_scope
from eager.convert import convert
from eager.errors import DTypeError, InvalidArgumentError, UnsupportedError
from eager.ops.common import is_traced, op, shape_argument, size_tensor
from eager.ops.join import concat
from eager.ops.random_state import (
    RESERVED,
    advanced,
    draw,
    floating_dtype,
    moved,
    require_philox,
    scaled,
    signed,
    uniform_in,
)
from eager.ops.shaping import cast
from eager.tensor import Tensor
from eager.variable import Variable
from graphcore import dims
from graphcore.dims import Dim
from graphcore.dtypes import DType, as_dtype, float32, int32, int64, uint64


class Generator:
    """A stream of random numbers whose state is a variable (tf.random.Generator).

    The state is int64[3]: counter low, counter high, key, as TensorFlow's Philox generator has it; a draw of n
    elements advances the counter by 256 n blocks, as TensorFlow's does. All draws run natively in a traced function.
    """

    def __init__(self, copy_from: Generator | None = None, state: Any = None, alg: Any = None) -> None:
        """A generator that continues from a state, or from that of another generator.

        Raises:
            ValueError: unless exactly one of them is given.
            InvalidArgumentError: for a state of another shape.
            UnsupportedError: for another algorithm than Philox.
        """
        if (copy_from is None) == (state is None):
            raise ValueError("Generator: give either copy_from or state; or use tf.random.Generator.from_seed(seed)")
        require_philox(alg)
        words = convert(state, like=int64) if copy_from is None else copy_from.state.value()
        if words.shape != (3,):
            raise InvalidArgumentError(f"Generator: the state has shape {words.shape}, expected (3,)")
        with init_scope():
            self.state = Variable(cast(words, int64), trainable=False, name="StateVar")

    @classmethod
    def from_seed(cls, seed: Any, alg: Any = None) -> Generator:
        """A generator whose stream the seed selects (tf.random.Generator.from_seed)."""
        return cls(state=state_of_seed(seed), alg=alg)

    @classmethod
    def from_non_deterministic_state(cls, alg: Any = None) -> Generator:
        """A generator with a state from the operating system's entropy."""
        return cls(state=np.frombuffer(os.urandom(24), np.int64), alg=alg)

    @classmethod
    def from_state(cls, state: Any, alg: Any = None) -> Generator:
        """A generator that continues from a state (tf.random.Generator.from_state)."""
        return cls(state=state, alg=alg)

    @classmethod
    def from_key_counter(cls, key: Any, counter: Any, alg: Any = None) -> Generator:
        """A generator at a counter, int64[2], of the stream of a key (tf.random.Generator.from_key_counter)."""
        return cls(state=_key_counter(key, counter), alg=alg)

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
        self.state.assign(state_of_seed(seed))

    def reset_from_key_counter(self, key: Any, counter: Any) -> None:
        """Starts at a counter, int64[2], of the stream of a key."""
        self.state.assign(_key_counter(key, counter))

    def skip(self, delta: Any) -> Tensor:
        """Advances the state as a draw of `delta` elements does, and returns the state before."""
        before = self.state.value()
        if isinstance(delta, int) and not is_traced(before):
            self.state.assign(advanced(np.asarray(before), delta * RESERVED))
        else:
            step = cast(convert(delta, like=int64), int64)
            self.state.assign(moved(before, step * convert(RESERVED, like=int64)))
        return before

    def reserve(self, count: Dim) -> Tensor:
        """The state for a draw of `count` elements; the next draw begins behind them."""
        return self.skip(count if isinstance(count, int) else size_tensor(count, int64))

    def _draw(self, name: str, shape: Any, dtype: DType) -> Tensor:
        sizes = shape_argument(shape, f"random.{name}")
        return draw(name, self.reserve(dims.product(sizes)), sizes, dtype)

    def normal(
        self, shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = float32, name: str | None = None
    ) -> Tensor:
        """Normal draws of a shape (tf.random.Generator.normal)."""
        del name
        return scaled(self._draw("normal", shape, floating_dtype(dtype, "normal")), mean, stddev)

    def uniform(
        self, shape: Any, minval: Any = 0, maxval: Any = None, dtype: Any = float32, name: str | None = None
    ) -> Tensor:
        """Uniform draws in [minval, maxval) (tf.random.Generator.uniform).

        Integers need maxval, or minval=None for their full range.
        """
        del name
        kind = as_dtype(dtype)
        return uniform_in(lambda what: self._draw(what, shape, kind), minval, maxval, kind)

    def truncated_normal(
        self, shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = float32, name: str | None = None
    ) -> Tensor:
        """Normal draws within two standard deviations (tf.random.Generator.truncated_normal)."""
        from eager.ops.random_truncated import truncated

        del name
        kind, sizes = floating_dtype(dtype, "truncated_normal"), shape_argument(shape, "random.truncated_normal")
        return scaled(truncated(self.reserve(dims.product(sizes)), sizes, kind), mean, stddev)

    def uniform_full_int(self, shape: Any, dtype: Any = uint64, name: str | None = None) -> Tensor:
        """Integers from the whole range of a dtype (tf.random.Generator.uniform_full_int).

        Raises:
            DTypeError: for a dtype that is no integer.
        """
        del name
        kind = as_dtype(dtype)
        if not kind.is_integer:
            raise DTypeError(f"uniform_full_int: dtype is {kind.name}, expected an integer one such as tf.int64")
        return cast(self._draw("bits", shape, kind), kind)

    def binomial(self, shape: Any, counts: Any, probs: Any, dtype: Any = int32, name: str | None = None) -> Tensor:
        """Binomial draws (tf.random.Generator.binomial); see tf.random.stateless_binomial.

        Args:
            shape: of the result; its end is the shape that `counts` and `probs` broadcast to.
            counts: how many trials, floating.
            probs: the probability of success, of the same dtype.
            dtype: the dtype of the result.
            name: accepted for compatibility.

        Raises:
            InvalidArgumentError: if `shape` does not end with the shape of the parameters.
        """
        from eager.ops.random_binomial import binomial_of, reserved

        del name
        sizes = shape_argument(shape, "Generator.binomial")
        return binomial_of(
            lambda lanes: self.reserve(reserved(lanes)), sizes, counts, probs, dtype, "Generator.binomial"
        )

    def make_seeds(self, count: int = 1) -> Tensor:
        """Seeds for stateless draws, int64[2, count], one in each column (tf.random.Generator.make_seeds)."""
        keys = self.uniform_full_int((count,), int64)
        return op("reshape", concat([keys, op("sub", keys, keys)], 0), shape=(2, count))

    def split(self, count: int = 1) -> list[Generator]:
        """A list of generators with streams of their own (tf.random.Generator.split).

        Raises:
            UnsupportedError: in a traced function, where no variables can be made; use make_seeds there.
        """
        keys = self.uniform_full_int((count,), int64)
        if is_traced(keys):
            raise UnsupportedError("Generator.split makes variables: call it outside of tf.function, or use make_seeds")
        return [Generator(state=np.array([0, 0, key], np.int64)) for key in np.asarray(keys).tolist()]


def _key_counter(key: Any, counter: Any) -> Tensor:
    words, one = convert(counter, like=int64), convert(key, like=int64)
    if words.shape != (2,) or one.shape != ():
        raise InvalidArgumentError(
            f"Generator: the counter has shape {words.shape} and the key {one.shape}; expected (2,) and ()"
        )
    return concat([cast(words, int64), op("reshape", cast(one, int64), shape=(1,))], 0)


def state_of_seed(seed: Any) -> Any:
    """The state of a seed: its 64-bit pieces, lowest first, as TensorFlow's create_rng_state."""
    if isinstance(seed, int | np.integer):
        return np.array([signed(int(seed) >> (64 * i)) for i in range(3)], np.int64)
    words = convert(seed, like=int64)
    flat = [signed(int(w)) for w in np.asarray(words).reshape(-1)[:3]]
    return np.array([0] * (3 - len(flat)) + flat, np.int64)


__all__ = ["Generator", "state_of_seed"]
