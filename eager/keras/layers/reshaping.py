"""Layers that change the shape."""

from __future__ import annotations

import math
from typing import Any

from eager.keras.engine.base_layer import Layer
from eager.keras.engine.input_spec import InputSpec
from eager.keras.layers import conv_arguments as arguments
from eager.keras.layers.table import registry
from eager.ops.array import expand_dims, reshape, tile, transpose
from eager.ops.array import shape as shape_of
from eager.tensor_shape import TensorShape


@registry.add()
class Flatten(Layer):
    """All axes but the batch's as one (tf.keras.layers.Flatten): (batch, a, b) gives (batch, a * b)."""

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        """Takes the order of axes. Raises ValueError for an unknown one."""
        super().__init__(**kwargs)
        self.data_format = arguments.data_format(data_format)
        self.input_spec = InputSpec(min_ndim=1)

    def call(self, inputs: Any) -> Any:
        """The inputs with shape (batch, n)."""
        rank = inputs.ndim
        if self.data_format == "channels_first" and rank > 2:
            inputs = transpose(inputs, (0, *range(2, rank), 1))
        if rank == 1:
            return expand_dims(inputs, 1)
        sizes = inputs.shape.as_list()[1:]
        if None not in sizes:
            return reshape(inputs, (shape_of(inputs)[0], math.prod(sizes)))
        return reshape(inputs, (shape_of(inputs)[0], -1))

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
        """(batch, n); n is None if a size is unknown."""
        sizes = TensorShape(input_shape).as_list()
        if not sizes:
            return TensorShape([1])
        return TensorShape([sizes[0], None if None in sizes[1:] else math.prod(d or 0 for d in sizes[1:])])

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {"data_format": self.data_format}


@registry.add()
class Reshape(Layer):
    """Another shape for the axes after the batch, of which one may be -1 (tf.keras.layers.Reshape)."""

    def __init__(self, target_shape: Any, **kwargs: Any) -> None:
        """Takes the shape without the batch."""
        super().__init__(**kwargs)
        self.target_shape = tuple(target_shape)

    def call(self, inputs: Any) -> Any:
        """The inputs in the new shape. Raises ValueError if the number of elements differs."""
        sizes = inputs.shape.as_list()[1:]
        wanted = self._fixed(sizes) if None not in sizes else self.target_shape
        return reshape(inputs, (shape_of(inputs)[0], *wanted))

    def _fixed(self, sizes: list[Any]) -> tuple[int, ...]:
        """The target with -1 filled in."""
        total, known = math.prod(sizes), math.prod(d for d in self.target_shape if d != -1)
        unknown = self.target_shape.count(-1)
        if unknown > 1:
            raise ValueError(
                f"There must be at most one unknown dimension in target_shape. Received: {self.target_shape}."
            )
        if (unknown and (known == 0 or total % known)) or (not unknown and total != known):
            raise ValueError(
                f"total size of new array must be unchanged, input_shape = {sizes}, output_shape = "
                f"{list(self.target_shape)}"
            )
        return tuple(total // known if d == -1 else d for d in self.target_shape)

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
        """(batch, *target_shape)."""
        sizes = TensorShape(input_shape).as_list()
        if None in sizes[1:]:
            return TensorShape([sizes[0], *(d if d != -1 else None for d in self.target_shape)])
        return TensorShape([sizes[0], *self._fixed(sizes[1:])])

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {"target_shape": self.target_shape}


@registry.add()
class Permute(Layer):
    """The axes after the batch in another order, counted from 1 (tf.keras.layers.Permute)."""

    def __init__(self, dims: Any, **kwargs: Any) -> None:
        """Takes the order. Raises ValueError if it is no permutation of 1..n."""
        super().__init__(**kwargs)
        self.dims = tuple(dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ValueError(
                "Invalid permutation argument `dims` for Permute Layer. The set of indices in `dims` must be "
                f"consecutive and start from 1. Received dims={dims}"
            )
        self.input_spec = InputSpec(ndim=len(self.dims) + 1)

    def call(self, inputs: Any) -> Any:
        """The transposed inputs."""
        return transpose(inputs, (0, *self.dims))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {"dims": self.dims}


@registry.add()
class RepeatVector(Layer):
    """(batch, features) repeated as (batch, n, features) (tf.keras.layers.RepeatVector)."""

    def __init__(self, n: int, **kwargs: Any) -> None:
        """Takes the number. Raises TypeError if it is no integer."""
        super().__init__(**kwargs)
        if not isinstance(n, int):
            raise TypeError(f"Expected an integer value for `n`, got {type(n)}.")
        self.n = n
        self.input_spec = InputSpec(ndim=2)

    def call(self, inputs: Any) -> Any:
        """The repeated inputs."""
        return tile(expand_dims(inputs, 1), (1, self.n, 1))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {"n": self.n}
