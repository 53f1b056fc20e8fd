"""TensorType: the dtype and shape that every value of a graph carries, and shape arithmetic on them."""

from __future__ import annotations

from collections.abc import Sequence

from graphcore import dims
from graphcore.dims import Dim
from graphcore.dtypes import DType
from graphcore.errors import ShapeError


class TensorType:
    """A dtype and a shape whose dimensions are ints or symbolic; immutable and hashable."""

    __slots__ = ("_hash", "dtype", "shape")

    def __init__(self, dtype: DType, shape: Sequence[Dim]) -> None:
        """Makes a type; the shape may hold symbolic dimensions."""
        self.dtype = dtype
        self.shape: tuple[Dim, ...] = tuple(shape)
        self._hash = hash((dtype.name, self.shape))

    @property
    def rank(self) -> int:
        """The number of dimensions."""
        return len(self.shape)

    @property
    def size(self) -> Dim:
        """The number of elements."""
        return dims.product(self.shape)

    @property
    def bytes(self) -> Dim:
        """The size of a contiguous buffer, in bytes."""
        return self.size * self.dtype.size

    @property
    def is_static(self) -> bool:
        """Whether every dimension is a plain int."""
        return all(isinstance(d, int) for d in self.shape)

    def with_shape(self, shape: Sequence[Dim]) -> TensorType:
        """The same dtype with another shape."""
        return TensorType(self.dtype, shape)

    def with_dtype(self, dtype: DType) -> TensorType:
        """The same shape with another dtype."""
        return TensorType(dtype, self.shape)

    def __eq__(self, other: object) -> bool:
        """Same dtype and structurally equal shape."""
        return self is other or (
            isinstance(other, TensorType) and self.dtype is other.dtype and self.shape == other.shape
        )

    def __hash__(self) -> int:
        """Hash of dtype and shape."""
        return self._hash

    def __repr__(self) -> str:
        """Text form, such as float32[n, 4]."""
        return f"{self.dtype.name}[{', '.join(map(str, self.shape))}]"


def broadcast_shapes(*shapes: Sequence[Dim]) -> tuple[Dim, ...]:
    """The shape that NumPy broadcasting gives, symbolic dimensions included.

    A dimension that is the constant 1 stretches; two others must be equal.

    Raises:
        ShapeError: if two dimensions clash.
        InconclusiveDim: if their equality depends on sizes that are not known.
    """
    rank = max((len(s) for s in shapes), default=0)
    result: list[Dim] = []
    for axis in range(-rank, 0):
        size: Dim = 1
        for shape in shapes:
            if len(shape) < -axis or shape[axis] == 1 or shape[axis] == size:
                continue
            if size == 1:
                size = shape[axis]
            elif not dims.equal(size, shape[axis]):
                raise ShapeError(
                    "shapes " + " and ".join(str(tuple(s)) for s in shapes) + " do not broadcast together: "
                    f"dimension {axis} is {size} in one and {shape[axis]} in another"
                )
        result.append(size)
    return tuple(result)


def contiguous_strides(shape: Sequence[Dim]) -> tuple[Dim, ...]:
    """Row-major strides in elements of a contiguous array."""
    strides: list[Dim] = []
    step: Dim = 1
    for d in reversed(shape):
        strides.append(step)
        step = step * d
    return tuple(reversed(strides))
