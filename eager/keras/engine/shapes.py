"""Structures of shapes: telling a shape from a list of shapes, and abstract inputs of given shapes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eager.keras.engine.keras_tensor import KerasTensor, open_shape, placeholder
from eager.tensor import Tensor
from eager.tensor_shape import TensorShape
from graphcore.dtypes import as_dtype
from graphcore.types import TensorType


def is_shape(x: Any) -> bool:
    """Whether `x` is one shape: a TensorShape, or a tuple or list of sizes and None."""
    if isinstance(x, TensorShape):
        return True
    return isinstance(x, list | tuple) and all(d is None or hasattr(d, "__index__") for d in x)


def map_shapes(function: Callable[[TensorShape], Any], shapes: Any) -> Any:
    """Applies a function to each shape of a structure of shapes."""
    if shapes is None or is_shape(shapes):
        return function(TensorShape(shapes))
    if isinstance(shapes, dict):
        return {key: map_shapes(function, value) for key, value in shapes.items()}
    return type(shapes)(map_shapes(function, value) for value in shapes)


def abstract_inputs(shapes: Any, dtype: Any, name: str) -> Any:
    """Abstract tensors of given shapes, one symbol for all open first sizes."""
    kind = as_dtype(dtype)

    def make(shape: TensorShape) -> Tensor:
        return placeholder(TensorType(kind, open_shape(shape, name)), name)

    return map_shapes(make, shapes)


def symbolic_input(shape: Any, dtype: Any, name: str) -> KerasTensor:
    """A symbolic Keras tensor that no layer has made yet."""
    return KerasTensor(placeholder(TensorType(as_dtype(dtype), open_shape(shape, name)), name), name)
