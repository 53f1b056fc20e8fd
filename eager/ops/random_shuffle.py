"""Random orders: shuffle, its stateless form, and index_shuffle, which needs no list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from eager.convert import convert
from eager.errors import DTypeError, InvalidArgumentError, ShapeError
from eager.ops.common import op, raw_shape, settled
from eager.ops.loops import while_loop
from eager.ops.public import public
from eager.ops.random_state import draw, stateless_state
from eager.ops.random_streams import stream
from eager.ops.shaping import cast
from eager.tensor import Tensor, concrete, type_of
from graphcore.dtypes import DType, uint32, uint64
from graphcore.optable import get_op
from graphcore.types import broadcast_shapes


def _permuted(state: Tensor, value: Tensor) -> Tensor:
    """The rows in the order of random 64-bit words."""
    from eager.dispatch import run

    keys = draw("bits", state, (raw_shape(value)[0],), uint64)
    _, order = run(get_op("sort"), (keys,), {"axis": 0, "descending": False})
    return op("gather", value, order, axis=0, batch_dims=0)


def _rows(value: Any, name: str) -> Tensor:
    tensor = convert(value)
    if tensor.ndim == 0:
        raise ShapeError(f"{name}: value is {type_of(tensor)}, expected at least one axis to shuffle")
    return tensor


@public("random.shuffle")
def shuffle(value: Any, seed: int | None = None, name: str | None = None) -> Tensor:
    """The rows of a tensor in random order (tf.random.shuffle); the gradient goes back to where each row was.

    The order is that of sorted random words, which runs natively; it is not TensorFlow's, which swaps rows one by one.

    Raises:
        ShapeError: for a scalar.
    """
    del name
    rows = _rows(value, "random.shuffle")
    return _permuted(stream(seed, f"shuffle {rows.dtype.name}").reserve(raw_shape(rows)[0]), rows)


@public("random.experimental.stateless_shuffle")
def stateless_shuffle(value: Any, seed: Any, alg: Any = "auto_select", name: str | None = None) -> Tensor:
    """As shuffle, from a pair of seeds alone (tf.random.experimental.stateless_shuffle).

    Raises:
        ShapeError: for a scalar.
        InvalidArgumentError: for a seed of another shape.
    """
    del name
    return _permuted(stateless_state(seed, alg), _rows(value, "random.experimental.stateless_shuffle"))


_SEED_PAD = 498247692
"""The word that TensorFlow puts before the two of a seed."""

_SCHEDULE_BASE, _SCHEDULE = 0xFFFFFFFC, 0x7369F885192C0EF5
"""The constants of the cipher's key schedule."""


def _word(value: int) -> Tensor:
    return convert(value, like=uint64)


class _Cipher:
    """Simon (Beaulieu et al., The Simon and Speck families, 2013) with few rounds on words of some bits."""

    def __init__(self, bits: int, seed: Sequence[Tensor], rounds: int) -> None:
        self.bits, self.mask = bits, _word((1 << bits) - 1)
        self.keys = [op("bitwise_and", part, self.mask) for part in seed]
        for i in range(rounds - 3):
            last = self.keys[-1]
            turned = op("bitwise_xor", self.rotated(last, bits - 3), self.rotated(last, bits - 4))
            constant = (_SCHEDULE_BASE ^ (_SCHEDULE & ((1 << bits) - 1)) >> i & 1) & ((1 << bits) - 1)
            self.keys.append(op("bitwise_xor", op("bitwise_xor", _word(constant), self.keys[i]), turned))

    def rotated(self, x: Tensor, by: int) -> Tensor:
        """A word rotated to the left."""
        left = op("bitwise_and", op("shift_left", x, _word(by)), self.mask)
        return op("bitwise_or", left, op("shift_right", x, _word(self.bits - by)))

    def mixed(self, x: Tensor) -> Tensor:
        """The round function."""
        two = op("bitwise_and", self.rotated(x, 1), self.rotated(x, 8))
        return op("bitwise_xor", two, self.rotated(x, 2))

    def encrypted(self, value: Tensor) -> Tensor:
        """A block of two words."""
        left, right = op("shift_right", value, _word(self.bits)), op("bitwise_and", value, self.mask)
        for i in range(0, len(self.keys), 2):
            left = op("bitwise_xor", op("bitwise_xor", left, self.mixed(right)), self.keys[i])
            right = op("bitwise_xor", op("bitwise_xor", right, self.mixed(left)), self.keys[i + 1])
        return op("bitwise_or", op("shift_left", left, _word(self.bits)), right)


def _block_bits(highest: int) -> int:
    """An even number of bits, at least 16, that holds the numbers up to `highest`, as TensorFlow counts them."""
    bits = int(np.ceil(np.log2(highest)))
    return min(max(bits + bits % 2, 16), 64)


@public("random.experimental.index_shuffle")
def index_shuffle(index: Any, seed: Any, max_index: Any) -> Tensor:
    """Where a random permutation of 0 .. max_index puts an index (tf.random.experimental.index_shuffle).

    The numbers are TensorFlow's. They come from a cipher that is applied until the result is in range, so that no
    list is made.

    Args:
        index: an integer scalar or vector.
        seed: two integers, or [n, 2].
        max_index: the largest index, a scalar; a traced one that depends on data ends the trace.

    Returns:
        A tensor of the dtype of `index`.

    Raises:
        DTypeError: unless all are integers.
        ShapeError: for a seed of another shape.
    """
    words = _seed_words(seed, 2, "random.experimental.index_shuffle")
    pad = op("fill", _word(_SEED_PAD), shape=raw_shape(words[0]))
    return _shuffled(index, [pad, *words], max_index, 4, "random.experimental.index_shuffle")


@public("random_index_shuffle")
def random_index_shuffle(index: Any, seed: Any, max_index: Any, rounds: int = 4, name: str | None = None) -> Tensor:
    """As tf.random.experimental.index_shuffle, with a seed of three words (tf.random_index_shuffle).

    Args:
        index: an integer scalar or vector.
        seed: three integers, or [n, 3].
        max_index: the largest index, a scalar; a traced one that depends on data ends the trace.
        rounds: of the cipher, an even number from 4 on.
        name: accepted for compatibility.

    Raises:
        DTypeError: unless all are integers.
        ShapeError: for a seed of another shape.
        InvalidArgumentError: for another number of rounds.
    """
    del name
    if rounds < 4 or rounds % 2:
        raise InvalidArgumentError(f"random_index_shuffle: rounds is {rounds}, expected an even number from 4 on")
    words = _seed_words(seed, 3, "random_index_shuffle")
    return _shuffled(index, words, max_index, rounds, "random_index_shuffle")


def _seed_words(seed: Any, count: int, name: str) -> list[Tensor]:
    """The low 32 bits of each part of a seed, as uint64."""
    seeds = _integer(seed, "seed", name)
    if seeds.ndim not in (1, 2) or raw_shape(seeds)[-1] != count:
        raise ShapeError(f"{name}: seed is {type_of(seeds)}, expected shape ({count},) or (n, {count})")
    return [cast(cast(seeds[..., i], uint32), uint64) for i in range(count)]


def _integer(x: Any, what: str, name: str, like: DType | None = None) -> Tensor:
    tensor = convert(x, like=like)
    if not tensor.dtype.is_integer:
        raise DTypeError(f"{name}: {what} is {type_of(tensor)}, expected integers")
    return tensor


def _shuffled(index: Any, words: list[Tensor], max_index: Any, rounds: int, name: str) -> Tensor:
    """The index enciphered until it is in range (Black and Rogaway, Ciphers with arbitrary finite domains, 2002)."""
    at = _integer(index, "index", name)
    top = _integer(max_index, "max_index", name, at.dtype)
    if top.ndim:
        raise ShapeError(f"{name}: max_index is {type_of(top)}, expected a scalar")
    shape = settled(lambda: broadcast_shapes(raw_shape(at), raw_shape(words[0])))
    value = op("broadcast_to", cast(at, uint64), shape=shape)
    highest = int(concrete(top, f"the largest index of {name}"))
    if highest <= 0:
        return cast(op("mul", value, _word(0)), at.dtype)
    cipher, limit = _Cipher(_block_bits(highest) // 2, words, rounds), _word(highest)

    def holds(now: Tensor) -> Tensor:
        return op("reduce_any", op("greater", now, limit), axes=tuple(range(now.ndim)), keepdims=False)

    def step(now: Tensor) -> tuple[Tensor]:
        return (op("select", op("greater", now, limit), cipher.encrypted(now), now),)

    return cast(while_loop(holds, step, (cipher.encrypted(value),))[0], at.dtype)


__all__ = ["index_shuffle", "random_index_shuffle", "shuffle", "stateless_shuffle"]
