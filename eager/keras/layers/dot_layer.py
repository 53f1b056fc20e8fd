"""A layer of dot products between two inputs."""

from __future__ import annotations

from typing import Any

from eager.keras.engine.base_layer import Layer
from eager.keras.layers.table import registry
from eager.ops.array import expand_dims
from eager.ops.einsum import einsum
from eager.ops.nn import l2_normalize
from eager.tensor_shape import TensorShape

_LETTERS = "bcdefghijklm"
_OTHERS = "nopqrstuvwxy"


@registry.add()
class Dot(Layer):
    """Dot products of two inputs along an axis of each, per example (tf.keras.layers.Dot).

    Inputs (batch, a, n) and (batch, b, n) with axes=2 give (batch, a, b); two vectors per example give (batch, 1).
    """

    def __init__(self, axes: Any, normalize: bool = False, **kwargs: Any) -> None:
        """Takes the axis, or one for each input, and whether inputs are scaled to a norm of 1 along it first.

        Raises:
            TypeError: if axes is neither an int nor a list.
            ValueError: if it does not have two integers.
        """
        super().__init__(**kwargs)
        if not isinstance(axes, int):
            if not isinstance(axes, list | tuple):
                raise TypeError(
                    f"Invalid type for argument `axes`: it should be a list or an int. Received: axes={axes}"
                )
            if len(axes) != 2:
                raise ValueError(
                    f"Invalid format for argument `axes`: it should contain two elements. Received: axes={axes}"
                )
            if not all(isinstance(a, int) for a in axes):
                raise ValueError(
                    f"Invalid format for argument `axes`: list elements should be integers. Received: axes={axes}"
                )
        self.axes = axes
        self.normalize = normalize
        self.supports_masking = True

    def _axes(self, ranks: list[int]) -> list[int]:
        """The axis of each input, counted from 0. Raises ValueError for the batch or one out of range."""
        given = [self.axes, self.axes] if isinstance(self.axes, int) else self.axes
        axes = [a + rank if a < 0 else a for a, rank in zip(given, ranks, strict=True)]
        if any(not 0 < a < rank for a, rank in zip(axes, ranks, strict=True)):
            raise ValueError(
                f"Cannot perform a dot product over axes {self.axes} of inputs of ranks {ranks}: axis 0 is the batch, "
                "and the others must exist."
            )
        return axes

    def build(self, input_shape: Any) -> None:
        """Checks the shapes. Raises ValueError unless there are two that have the same size along the axes."""
        listed = isinstance(input_shape, list | tuple) and len(input_shape) == 2
        if not listed or not isinstance(input_shape[0], TensorShape | tuple | list):
            raise ValueError(
                f"A `Dot` layer should be called on a list of 2 inputs. Received: input_shape={input_shape}"
            )
        shapes = [TensorShape(s) for s in input_shape]
        axes = self._axes([len(s) for s in shapes])
        first, second = (s[a] for s, a in zip(shapes, axes, strict=True))
        if first is not None and second is not None and first != second:
            raise ValueError(
                f"Incompatible input shapes: axis values {first} (at axis {axes[0]}) != {second} (at axis {axes[1]}). "
                f"Full input shapes: {shapes[0]}, {shapes[1]}"
            )
        super().build(input_shape)

    def call(self, inputs: Any) -> Any:
        """The dot products. Raises ValueError unless there are two inputs."""
        if not isinstance(inputs, list | tuple) or len(inputs) != 2:
            raise ValueError(f"A `Dot` layer should be called on exactly 2 inputs. Received: inputs={inputs}")
        axes = self._axes([x.ndim for x in inputs])
        if self.normalize:
            inputs = [l2_normalize(x, a) for x, a in zip(inputs, axes, strict=True)]
        labels = [
            "a" + "".join("z" if i == a else letters[i - 1] for i in range(1, x.ndim))
            for x, a, letters in zip(inputs, axes, (_LETTERS, _OTHERS), strict=True)
        ]
        kept = "a" + "".join(c for c in labels[0][1:] + labels[1][1:] if c != "z")
        product = einsum(f"{labels[0]},{labels[1]}->{kept}", *inputs)
        return expand_dims(product, 1) if product.ndim == 1 else product

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """None: the steps that masks speak of are gone."""
        return None

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {"axes": self.axes, "normalize": self.normalize}


def dot(inputs: Any, axes: Any, normalize: bool = False, **kwargs: Any) -> Any:
    """Dot products of two inputs along an axis of each (tf.keras.layers.dot)."""
    return Dot(axes=axes, normalize=normalize, **kwargs)(inputs)
