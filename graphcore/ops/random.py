"""Random ops: operand `state` int64[3] = counter low, counter high, key; attrs `shape` (and `dtype`).

Element i of random_bits is lane i % 4 of Philox block counter + i // 4; float64 draws take two words each.
A second operand `at`, int64 numbers of any shape, picks blocks instead: the result is at.shape + (elements of a
block,), those of block counter + at. Rejection sampling draws so. The caller advances the counter.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from graphcore.dims import Dim
from graphcore.dtypes import DType, as_dtype, float32, float64, int64, uint32, uint64
from graphcore.errors import DTypeError, InvalidArgumentError
from graphcore.handler import NumpyHandler
from graphcore.ops import philox
from graphcore.ops.rules import Attrs, Types, samples
from graphcore.optable import OpDef, register
from graphcore.types import TensorType, contiguous_strides

Program = Callable[[Any, philox.State, Any, DType], Any]


_PIECE = 1 << 14  # elements drawn at once, so that what is in between stays in cache


class _Handler(NumpyHandler):
    """NumPy on neighbouring positions, several of which share a block."""

    def once(self, offset: Any, compute: Callable[[Any], philox.Words]) -> philox.Words:
        """Computes on each value of ascending, gapless offsets once."""
        words = compute(np.arange(offset[0], offset[-1] + np.uint64(1), dtype=np.uint64))
        at = (offset - offset[0]).astype(np.intp)
        return tuple(np.take(word, at) for word in words)  # pyright: ignore[reportReturnType]


_handler = _Handler()


def _result_dtype(name: str, attrs: Attrs) -> DType:
    if name == "random_bits":
        return uint32
    dtype = as_dtype(attrs.get("dtype", float32))
    if dtype not in (float32, float64):
        raise DTypeError(
            f"{name}: dtype is {dtype.name}, expected float32 or float64; cast the draw with tf.cast"
        )
    return dtype


def _random(name: str, program: Program) -> OpDef:
    """Registers a random op; the program (k, state, position, dtype) serves NumPy and native code alike."""

    def infer(types: Types, attrs: Attrs) -> tuple[TensorType]:
        if types[0].dtype is not int64 or types[0].shape != (3,):
            raise InvalidArgumentError(
                f"{name}: the state is {types[0]!r}, expected int64[3]: counter low, high, key"
            )
        dtype = _result_dtype(name, attrs)
        for at in types[1:]:
            wanted = (*at.shape, per_block(dtype))
            if at.dtype is not int64 or attrs["shape"] != wanted:
                raise InvalidArgumentError(
                    f"{name}: blocks {at!r} give shape {wanted} from int64 numbers, not {attrs['shape']}"
                )
        return (TensorType(dtype, attrs["shape"]),)

    def evaluate(state: Any, at: Any = None, **attrs: Any) -> Any:
        shape = attrs["shape"]
        count, dtype = int(np.prod(shape, dtype=np.int64)), _result_dtype(name, attrs)
        out = np.empty(count, dtype.numpy)
        words: philox.State = (state[0:1], state[1:2], state[2:3])
        if at is not None:
            chosen = np.asarray(at).reshape(-1).view(np.uint64)
            words = (*words, lambda offset: chosen[offset.astype(np.intp)])
        with np.errstate(all="ignore"):
            for start in range(0, count, _PIECE):
                position = np.arange(start, min(start + _PIECE, count), dtype=np.uint64)
                out[start : start + _PIECE] = program(_handler, words, position, dtype)
        return out.reshape(shape)

    def element(k: Any, index: tuple[Dim, ...], read: Any, types: Types, attrs: Attrs) -> Any:
        strides = contiguous_strides(attrs["shape"])
        linear: Dim = 0
        for i, step in zip(index, strides, strict=True):
            linear = linear + i * step
        position = k.bitcast(k.from_index(linear, int64), uint64)
        state: philox.State = (read(0, (0,)), read(0, (1,)), read(0, (2,)))
        if len(types) == 2:
            state = (*state, lambda _: k.bitcast(read(1, index[:-1]), uint64))
        return program(k, state, position, _result_dtype(name, attrs))

    return register(OpDef(
        name, "random", infer, evaluate, element=element, differentiable=False, samples=samples("draws", name)
    ))  # fmt: skip


def per_block(dtype: DType) -> int:
    """How many elements one block of four words gives."""
    return 4 // words_per_element(dtype)


def words_per_element(dtype: DType) -> int:
    """How many 32-bit words of the stream one element takes."""
    return 2 if dtype is float64 else 1


random_bits = _random("random_bits", lambda k, state, position, dtype: philox.bits(k, state, position))
random_uniform = _random("random_uniform", philox.uniform)
random_normal = _random("random_normal", philox.normal)
