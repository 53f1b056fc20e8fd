"""Seeds and states: split, fold_in, create_rng_state, and the names of algorithms."""

from __future__ import annotations

from enum import Enum
from typing import Any

from eager.convert import convert
from eager.errors import DTypeError
from eager.ops.common import op, shape_argument
from eager.ops.join import concat
from eager.ops.public import public
from eager.ops.random_generator import state_of_seed
from eager.ops.random_state import draw, require_philox, stateless_state
from eager.ops.shaping import cast
from eager.tensor import Tensor, type_of


class Algorithm(Enum):
    """The algorithms of random numbers (tf.random.Algorithm). THREEFRY is a name only: draws with it raise."""

    PHILOX = 1
    THREEFRY = 2
    AUTO_SELECT = 3


@public("random.create_rng_state", "random.experimental.create_rng_state")
def create_rng_state(seed: Any, alg: Any) -> Tensor:
    """The state int64[3] of a generator from a seed, an integer or several (tf.random.create_rng_state).

    Raises:
        UnsupportedError: for another algorithm than Philox.
    """
    require_philox(alg)
    return convert(state_of_seed(seed))


def _integers(x: Any, name: str) -> Tensor:
    tensor = convert(x)
    if not tensor.dtype.is_integer:
        raise DTypeError(f"{name}: expected int32 or int64, got {type_of(tensor)}")
    return tensor


@public("random.split", "random.experimental.stateless_split")
def split(seed: Any, num: Any = 2, alg: Any = "auto_select") -> Tensor:
    """New seeds from a seed, [num, 2] of its dtype (tf.random.split).

    Raises:
        InvalidArgumentError: for a seed of another shape.
        DTypeError: for a seed that is no integer.
    """
    pair = _integers(seed, "random.split: seed")
    (count,) = shape_argument((num,), "random.split")
    return cast(draw("bits", stateless_state(pair, alg), (count, 2), pair.dtype), pair.dtype)


@public("random.fold_in", "random.experimental.stateless_fold_in")
def fold_in(seed: Any, data: Any, alg: Any = "auto_select") -> Tensor:
    """A new seed from a seed and a number, such as that of a step (tf.random.fold_in).

    Returns:
        A vector of two integers of the dtype of `data`.

    Raises:
        InvalidArgumentError: for a seed of another shape, or data that is no scalar.
        DTypeError: if one of them is no integer.
    """
    pair, number = _integers(seed, "random.fold_in: seed"), _integers(data, "random.fold_in: data")
    first = cast(draw("bits", stateless_state(pair, alg), (), number.dtype), number.dtype)
    return concat([op("reshape", first, shape=(1,)), op("reshape", number, shape=(1,))], 0)


__all__ = ["Algorithm", "create_rng_state", "fold_in", "split"]
