"""tf.TensorShape and tf.TensorSpec."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

from graphcore import dims
from graphcore.dtypes import DType, as_dtype, float32


class TensorShape:
    """A shape whose dimensions may be unknown, as tf.TensorShape.

    Unknown dimensions show as None. Inside a trace an unknown dimension is a symbolic size; `raw` gives it to the
    library's own shape arithmetic.
    """

    __slots__ = ("_dims",)

    def __init__(self, dims_: Any = None) -> None:
        """Takes None (unknown rank), an int, or an iterable of ints and None. Raises TypeError for others."""
        if dims_ is None:
            self._dims: tuple[Any, ...] | None = None
        elif isinstance(dims_, TensorShape):
            self._dims = dims_._dims
        elif isinstance(dims_, int):
            self._dims = (dims_,)
        else:
            self._dims = tuple(_dimension(d) for d in dims_)

    @classmethod
    def of(cls, raw: tuple[Any, ...]) -> TensorShape:
        """A shape of dimensions that need no check."""
        shape = cls.__new__(cls)
        shape._dims = raw
        return shape

    @property
    def raw(self) -> tuple[Any, ...]:
        """The dimensions, symbolic ones as they are. Raises ValueError if the rank is unknown."""
        if self._dims is None:
            raise ValueError("The rank of this TensorShape is unknown.")
        return self._dims

    @property
    def rank(self) -> int | None:
        """The number of dimensions, or None."""
        return None if self._dims is None else len(self._dims)

    ndims = rank

    @property
    def dims(self) -> list[int | None] | None:
        """The dimensions, or None for an unknown rank."""
        return None if self._dims is None else self.as_list()

    def as_list(self) -> list[int | None]:
        """The dimensions with None for unknown ones. Raises ValueError if the rank is unknown."""
        if self._dims is None:
            raise ValueError("as_list() is not defined on an unknown TensorShape.")
        return [_shown(d) for d in self._dims]

    def is_fully_defined(self) -> bool:
        """Whether every dimension is known."""
        return self._dims is not None and all(isinstance(d, int) for d in self._dims)

    def num_elements(self) -> int | None:
        """The number of elements, or None if not fully defined."""
        if not self.is_fully_defined():
            return None
        return math.prod(d or 0 for d in self.as_list())

    def assert_is_fully_defined(self) -> None:
        """Raises ValueError unless every dimension is known."""
        if not self.is_fully_defined():
            raise ValueError(f"Shape {self} is not fully defined")

    def is_compatible_with(self, other: Any) -> bool:
        """Whether some full shape fits both."""
        other = TensorShape(other)
        if self._dims is None or other._dims is None:
            return True
        return len(self._dims) == len(other._dims) and all(
            a is None or b is None or a == b for a, b in zip(self.as_list(), other.as_list(), strict=True)
        )

    def assert_is_compatible_with(self, other: Any) -> None:
        """Raises ValueError unless `is_compatible_with`."""
        if not self.is_compatible_with(other):
            raise ValueError(f"Shapes {self} and {TensorShape(other)} are incompatible")

    def merge_with(self, other: Any) -> TensorShape:
        """The shape with what either knows. Raises ValueError if they are incompatible."""
        other = TensorShape(other)
        self.assert_is_compatible_with(other)
        if self._dims is None or other._dims is None:
            return other if self._dims is None else self
        return TensorShape(
            [b if a is None else a for a, b in zip(self.as_list(), other.as_list(), strict=True)]
        )

    def concatenate(self, other: Any) -> TensorShape:
        """This shape followed by the other; unknown if either rank is."""
        other = TensorShape(other)
        if self._dims is None or other._dims is None:
            return TensorShape(None)
        return TensorShape.of(self._dims + other._dims)

    def with_rank(self, rank: int) -> TensorShape:
        """This shape, or unknown dimensions of that rank. Raises ValueError if the rank differs."""
        return self.merge_with([None] * rank)

    def __len__(self) -> int:
        """The rank. Raises ValueError if unknown."""
        if self._dims is None:
            raise ValueError("Cannot take the length of shape with unknown rank.")
        return len(self._dims)

    def __bool__(self) -> bool:
        """Whether the rank is known."""
        return self._dims is not None

    def __iter__(self) -> Iterator[int | None]:
        """The dimensions, None for unknown ones."""
        return iter(self.as_list())

    def __getitem__(self, key: Any) -> Any:
        """A dimension, or a TensorShape for a slice."""
        if self._dims is None:
            return TensorShape(None) if isinstance(key, slice) else None
        if isinstance(key, slice):
            return TensorShape.of(self._dims[key])
        return _shown(self._dims[key])

    def __add__(self, other: Any) -> TensorShape:
        """Concatenation."""
        return self.concatenate(other)

    def __radd__(self, other: Any) -> TensorShape:
        """Concatenation."""
        return TensorShape(other).concatenate(self)

    def __eq__(self, other: object) -> bool:
        """Same rank and dimensions; unknown equals unknown."""
        try:
            other_shape = TensorShape(other)
        except TypeError:
            return NotImplemented
        if self._dims is None or other_shape._dims is None:
            return self._dims is other_shape._dims
        return self._dims == other_shape._dims or self.as_list() == other_shape.as_list()

    def __hash__(self) -> int:
        """Hash of what is shown."""
        return hash(None if self._dims is None else tuple(self.as_list()))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles what is shown."""
        return (TensorShape, (None if self._dims is None else self.as_list(),))

    def __repr__(self) -> str:
        """TensorShape([None, 2])."""
        return f"TensorShape({None if self._dims is None else self.as_list()})"

    def __str__(self) -> str:
        """(None, 2)."""
        if self._dims is None:
            return "<unknown>"
        return f"({', '.join(map(str, self.as_list()))}{',' if len(self._dims) == 1 else ''})"


def _dimension(d: Any) -> Any:
    if d is None or isinstance(d, dims.SymDim):
        return d
    try:
        n = d.__index__()
    except (AttributeError, TypeError):
        raise TypeError(f"Dimension value must be integer or None, got {d!r} of type {type(d).__name__}") from None
    if n < 0:
        raise ValueError(f"Dimension {n} must be >= 0")
    return n


def _shown(d: Any) -> int | None:
    return d if isinstance(d, int) else None


def shape_tuple(shape: Any) -> tuple[Any, ...]:
    """A shape given as int, iterable or TensorShape as a plain tuple (None for unknown dimensions)."""
    return tuple(TensorShape(shape).as_list())


class TensorSpec:
    """A description of a tensor argument: shape, dtype, name (tf.TensorSpec)."""

    __slots__ = ("dtype", "name", "shape")

    def __init__(self, shape: Any, dtype: Any = float32, name: str | None = None) -> None:
        """Takes a shape with None for unknown sizes. Raises TypeError for an unknown dtype."""
        self.shape = TensorShape(shape)
        self.dtype: DType = as_dtype(dtype)
        self.name = name

    @classmethod
    def from_tensor(cls, tensor: Any, name: str | None = None) -> TensorSpec:
        """The spec that exactly this tensor fits (tf.TensorSpec.from_tensor)."""
        return cls(tensor.shape, tensor.dtype, name)

    def is_compatible_with(self, other: Any) -> bool:
        """Whether a tensor or spec fits this one."""
        return as_dtype(other.dtype) is self.dtype and self.shape.is_compatible_with(other.shape)

    def __eq__(self, other: object) -> bool:
        """Same shape, dtype and name."""
        return isinstance(other, TensorSpec) and (self.shape, self.dtype, self.name) == (
            other.shape, other.dtype, other.name,
        )  # fmt: skip

    def __hash__(self) -> int:
        """Hash of shape and dtype."""
        return hash((self.shape, self.dtype))

    def __repr__(self) -> str:
        """TensorSpec(shape=(None, 2), dtype=tf.float32, name=None)."""
        return f"TensorSpec(shape={self.shape}, dtype={self.dtype!r}, name={self.name!r})"


def most_general(shapes: Iterable[tuple[int, ...]]) -> tuple[int | None, ...]:
    """Dimensions that all shapes share, None where they differ; shapes are of one rank."""
    return tuple(sizes[0] if len(set(sizes)) == 1 else None for sizes in zip(*shapes, strict=True))
