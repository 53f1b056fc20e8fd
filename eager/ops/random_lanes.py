"""What draws by rejection share: one lane for each element, and a loop until every lane has accepted.

TensorFlow gives each element of such a draw a place of its own in the stream, 256 blocks from the next, so that
one lane's rejections do not move the others' numbers. A lane's number counts all samples of the first parameter,
then those of the second, while the result has the samples in its leading axes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from eager.convert import convert
from eager.errors import ShapeError
from eager.ops.common import op, raw_shape, settled, size_tensor
from eager.ops.loops import while_loop
from eager.ops.random_exact import negation
from eager.tensor import Tensor, type_of
from graphcore import dims
from graphcore.dims import Dim
from graphcore.dtypes import float64, int64
from graphcore.types import broadcast_shapes

State = tuple[Tensor, ...]


class Lanes:
    """The elements of a draw of some shape, whose last axes are those of the parameters.

    Attributes:
        sizes: of the result.
        samples: how many draws each parameter has.
        columns: how many parameters there are.
        count: of all elements.
    """

    def __init__(self, sizes: tuple[Dim, ...], parameters: Sequence[Tensor], name: str) -> None:
        """Lays out lanes. Raises ShapeError unless `sizes` ends with what the parameters broadcast to."""
        shape = settled(lambda: broadcast_shapes(*map(raw_shape, parameters)))
        lead = len(sizes) - len(shape)
        if lead < 0 or not settled(lambda: all(dims.equal(a, b) for a, b in zip(sizes[lead:], shape, strict=True))):
            given = ", ".join(str(type_of(p)) for p in parameters)
            raise ShapeError(
                f"{name}: shape {tuple(sizes)} must end with the shape {shape} of the parameters, which are {given}"
            )
        self.sizes, self.shape = sizes, shape
        self.samples, self.columns = dims.product(sizes[:lead]), dims.product(shape)
        self.count = self.samples * self.columns

    def spread(self, parameter: Tensor) -> Tensor:
        """The parameter of each lane, [count]."""
        row = op("reshape", op("broadcast_to", parameter, shape=self.shape), shape=(1, self.columns))
        return op("reshape", op("broadcast_to", row, shape=(self.samples, self.columns)), shape=(self.count,))

    def numbers(self) -> Tensor:
        """The number of each lane, int64[count]."""
        shape = (self.samples, self.columns)
        column = op("iota", shape=shape, axis=1, dtype=int64) * size_tensor(self.samples, int64)
        return op("reshape", column + op("iota", shape=shape, axis=0, dtype=int64), shape=(self.count,))

    def packed(self, values: Tensor) -> Tensor:
        """The lanes' values in the shape of the result."""
        return op("reshape", values, shape=self.sizes)


def accepted(attempt: Callable[..., State], done: Tensor, *carried: Tensor) -> State:
    """Repeats `attempt(trial, done, *carried)`, which gives the new (done, *carried), until every lane is done.

    `trial` counts the rounds from 0, an int64 scalar. Lanes that are done still compute; they must keep what they have.

    Returns:
        The last of the carried values.
    """

    def holds(trial: Tensor, finished: Tensor, *rest: Tensor) -> Tensor:
        axes = tuple(range(finished.ndim))
        return op("reduce_any", negation(finished), axes=axes, keepdims=False)

    def step(trial: Tensor, finished: Tensor, *rest: Tensor) -> State:
        return (trial + convert(1, like=int64), *attempt(trial, finished, *rest))

    return tuple(while_loop(holds, step, (convert(0, like=int64), done, *carried))[2:])


def filled(value: Any, like: Tensor, dtype: Any = float64) -> Tensor:
    """A tensor of one value, in the shape of another."""
    return op("fill", convert(value, like=dtype), shape=raw_shape(like))


def uniform_pair(state: Tensor, at: Tensor) -> tuple[Tensor, Tensor]:
    """The two uniform float64 of each lane's block, in the order in which TensorFlow takes them: last first."""
    pair = op("random_uniform", state, at, shape=(*raw_shape(at), 2), dtype=float64)
    return pair[:, 1], pair[:, 0]


__all__ = ["Lanes", "accepted", "filled", "uniform_pair"]
