"""The global generator, and the streams of draws with a seed of their own; tf.random.set_seed starts them anew."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from eager.errors import InvalidArgumentError
from eager.ops.public import public
from eager.ops.random_generator import Generator
from eager.ops.random_state import signed

_DEFAULT_SEED = 87654321
"""What TensorFlow takes for the global seed beside the seed of an op, where none was set."""

_streams: dict[tuple[str, int], Generator] = {}
_global: Generator | None = None
_global_seed: int | None = None
_times_set = 0


def stream(seed: int | None, kind: str) -> Generator:
    """The global generator, or the stream that a seed has for one kind of draw, such as "normal float32".

    As TensorFlow's kernels in eager mode, a stream starts at counter 0 under both seeds.
    """
    if seed is None:
        return get_global_generator()
    number = _number(seed, f"random.{kind}: seed")
    found = _streams.get((kind, number))
    if found is None:
        found = _streams[kind, number] = Generator(state=_stream_state(number))
    return found


def _number(seed: Any, what: str) -> int:
    try:
        return operator.index(seed)
    except TypeError:
        raise InvalidArgumentError(f"{what} is {seed!r} of {type(seed).__name__}, expected an integer") from None


def _stream_state(seed: int) -> Any:
    key = _DEFAULT_SEED if _global_seed is None else _global_seed
    if (key, seed) == (0, 0):
        seed = 2**31 - 1  # the pair (0, 0) means no seeds to TensorFlow
    return np.array([0, signed(seed), signed(key)], np.int64)


def _global_state(seed: int) -> Any:
    """The start of the global generator: counter 0 under a key from the seed."""
    return np.array([0, 0, signed(seed * 0x9E3779B97F4A7C15)], np.int64)


@public("random.set_seed")
def set_seed(seed: int) -> None:
    """Sets the global seed (tf.random.set_seed): the global generator and all streams start anew.

    Draws with a seed of their own are then those of TensorFlow in eager mode. Draws without one come from one
    generator, traced or not; their numbers are not TensorFlow's, which takes seeds from Python's `random` for
    them eagerly and from the position in the graph in tf.function.

    Raises:
        InvalidArgumentError: if the seed is no integer.
    """
    global _global_seed, _times_set
    _global_seed = _number(seed, "random.set_seed: the seed")
    _times_set += 1
    if _global is not None:
        _global.reset(_global_state(_global_seed))
    for (_, known), generator in list(_streams.items()):
        generator.reset(_stream_state(known))


def global_seed() -> tuple[int | None, int]:
    """The number given to `set_seed`, or None, and how often a number was given."""
    return _global_seed, _times_set


@public("random.get_global_generator", "random.experimental.get_global_generator")
def get_global_generator() -> Generator:
    """The generator behind draws without a seed (tf.random.get_global_generator)."""
    global _global
    if _global is None:
        if _global_seed is None:
            _global = Generator.from_non_deterministic_state()
        else:
            _global = Generator(state=_global_state(_global_seed))
    return _global


@public("random.set_global_generator", "random.experimental.set_global_generator")
def set_global_generator(generator: Generator) -> None:
    """Puts another generator in the place of the global one (tf.random.set_global_generator).

    A function that was traced before keeps drawing from the one it was traced with, as in TensorFlow.

    Raises:
        InvalidArgumentError: for what is no generator.
    """
    global _global
    if not isinstance(generator, Generator):
        raise InvalidArgumentError(f"set_global_generator: expected a tf.random.Generator, got {generator!r}")
    _global = generator


__all__ = ["get_global_generator", "global_seed", "set_global_generator", "set_seed", "stream"]
