"""Layers that merge several inputs."""

from __future__ import annotations

from functools import reduce
from typing import Any

from eager.keras.engine.base_layer import Layer
from eager.keras.layers.table import registry
from eager.ops import math
from eager.ops.array import concat, expand_dims, ones_like
from eager.tensor_shape import TensorShape


class _Merge(Layer):
    """A layer of a list of inputs, combined elementwise."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        """Checks the shapes. Raises ValueError unless there is a list of at least one that broadcast."""
        shapes: list[Any] = list(input_shape) if isinstance(input_shape, list | tuple) else []
        if not shapes or not isinstance(shapes[0], TensorShape | tuple | list):
            raise ValueError(
                f"A `{type(self).__name__}` layer should be called on a list of at least 1 input. "
                f"Received: input_shape={input_shape} (not a list of shapes)"
            )
        self._check([TensorShape(s) for s in shapes])
        super().build(input_shape)

    def _check(self, shapes: list[TensorShape]) -> None:
        batches = {s[0] for s in shapes if s.rank and s[0] is not None}
        if len(batches) > 1:
            raise ValueError(f"Cannot merge tensors with different batch sizes. Received tensors with shapes {shapes}")
        for axis in range(-1, -min(s.rank or 1 for s in shapes), -1):
            sizes = {s[axis] for s in shapes} - {None, 1}
            if len(sizes) > 1:
                raise ValueError(
                    f"Inputs have incompatible shapes. Received shapes {[tuple(s.as_list()[1:]) for s in shapes]}"
                )

    def call(self, inputs: Any) -> Any:
        """The merged inputs. Raises ValueError unless they are a list."""
        if not isinstance(inputs, list | tuple):
            raise ValueError(f"A merge layer should be called on a list of inputs. Received: inputs={inputs}")
        rank = max(x.ndim for x in inputs)
        wide: list[Any] = []
        for x in inputs:
            while x.ndim < rank:
                x = expand_dims(x, 1)
            wide.append(x)
        return self._merge(wide)

    def _merge(self, inputs: list[Any]) -> Any:
        raise NotImplementedError(f"{type(self).__name__} must override `_merge(self, inputs)`")

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Where every input's mask holds; None without masks. Raises ValueError if the numbers differ."""
        if mask is None:
            return None
        if not isinstance(inputs, list | tuple) or not isinstance(mask, list | tuple) or len(mask) != len(inputs):
            raise ValueError(f"`mask` should be a list with one mask per input. Received: mask={mask}")
        known = [m for m in mask if m is not None]
        return reduce(math.logical_and, known) if known else None


@registry.add()
class Add(_Merge):
    """The sum of the inputs (tf.keras.layers.Add)."""

    def _merge(self, inputs: list[Any]) -> Any:
        return reduce(math.add, inputs)


@registry.add()
class Subtract(_Merge):
    """The first input minus the second (tf.keras.layers.Subtract)."""

    def _check(self, shapes: list[TensorShape]) -> None:
        if len(shapes) != 2:
            raise ValueError(f"A `Subtract` layer should be called on exactly 2 inputs. Received: input_shape={shapes}")
        super()._check(shapes)

    def _merge(self, inputs: list[Any]) -> Any:
        if len(inputs) != 2:
            raise ValueError(f"A `Subtract` layer should be called on exactly 2 inputs. Received: inputs={inputs}")
        return math.subtract(*inputs)


@registry.add()
class Multiply(_Merge):
    """The product of the inputs (tf.keras.layers.Multiply)."""

    def _merge(self, inputs: list[Any]) -> Any:
        return reduce(math.multiply, inputs)


@registry.add()
class Average(_Merge):
    """The mean of the inputs (tf.keras.layers.Average)."""

    def _merge(self, inputs: list[Any]) -> Any:
        return reduce(math.add, inputs) / len(inputs)


@registry.add()
class Maximum(_Merge):
    """The largest of the inputs, elementwise (tf.keras.layers.Maximum)."""

    def _merge(self, inputs: list[Any]) -> Any:
        return reduce(math.maximum, inputs)


@registry.add()
class Minimum(_Merge):
    """The smallest of the inputs, elementwise (tf.keras.layers.Minimum)."""

    def _merge(self, inputs: list[Any]) -> Any:
        return reduce(math.minimum, inputs)


@registry.add()
class Concatenate(_Merge):
    """The inputs joined along an axis (tf.keras.layers.Concatenate)."""

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        """Takes the axis."""
        super().__init__(**kwargs)
        self.axis = axis

    def _check(self, shapes: list[TensorShape]) -> None:
        ranks = {s.rank for s in shapes}
        rank = shapes[0].rank or 0
        if rank and not -rank <= self.axis < rank:
            raise ValueError(f"A `Concatenate` layer has axis={self.axis}, out of range for inputs of rank {rank}.")
        others = [[d for i, d in enumerate(s.as_list()) if i != self.axis % max(rank, 1)] for s in shapes]
        clash = any(len({*sizes} - {None}) > 1 for sizes in zip(*others, strict=False))
        if len(ranks) > 1 or clash:
            raise ValueError(
                "A `Concatenate` layer requires inputs with matching shapes except for the concatenation axis. "
                f"Received: input_shape={[tuple(s.as_list()) for s in shapes]}"
            )

    def call(self, inputs: Any) -> Any:
        """The joined inputs. Raises ValueError unless they are a list."""
        if not isinstance(inputs, list | tuple):
            raise ValueError(f"A `Concatenate` layer should be called on a list of inputs. Received: inputs={inputs}")
        return concat(list(inputs), self.axis)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The inputs' masks joined likewise; None without masks."""
        if mask is None or all(m is None for m in mask):
            return None
        parts: list[Any] = []
        for x, m in zip(inputs, mask, strict=True):
            if m is None:
                parts.append(ones_like(x, dtype="bool"))
            else:
                parts.append(math.logical_and(ones_like(x, dtype="bool"), expand_dims(m, -1)) if m.ndim < x.ndim else m)
        return math.reduce_all(concat(parts, self.axis), axis=-1)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {"axis": self.axis}


def add(inputs: Any, **kwargs: Any) -> Any:
    """The sum of the inputs (tf.keras.layers.add)."""
    return Add(**kwargs)(inputs)


def subtract(inputs: Any, **kwargs: Any) -> Any:
    """The first input minus the second (tf.keras.layers.subtract)."""
    return Subtract(**kwargs)(inputs)


def multiply(inputs: Any, **kwargs: Any) -> Any:
    """The product of the inputs (tf.keras.layers.multiply)."""
    return Multiply(**kwargs)(inputs)


def average(inputs: Any, **kwargs: Any) -> Any:
    """The mean of the inputs (tf.keras.layers.average)."""
    return Average(**kwargs)(inputs)


def maximum(inputs: Any, **kwargs: Any) -> Any:
    """The largest of the inputs (tf.keras.layers.maximum)."""
    return Maximum(**kwargs)(inputs)


def minimum(inputs: Any, **kwargs: Any) -> Any:
    """The smallest of the inputs (tf.keras.layers.minimum)."""
    return Minimum(**kwargs)(inputs)


def concatenate(inputs: Any, axis: int = -1, **kwargs: Any) -> Any:
    """The inputs joined along an axis (tf.keras.layers.concatenate)."""
    return Concatenate(axis=axis, **kwargs)(inputs)
