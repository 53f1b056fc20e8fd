"""Elements of datasets: structures of tensors, and specs that describe them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from eager.convert import convert
from eager.errors import InvalidArgumentError
from eager.tensor import Tensor, concrete, wrap
from eager.tensor_shape import TensorShape, TensorSpec

Array = np.ndarray[Any, Any]


def map_element(function: Callable[[Any], Any], element: Any) -> Any:
    """An element with a function applied to its leaves; tuples and dicts are structures, lists are not."""
    if isinstance(element, tuple):
        parts = [map_element(function, x) for x in element]
        return type(element)(*parts) if hasattr(element, "_fields") else tuple(parts)
    if isinstance(element, dict):
        return {key: map_element(function, element[key]) for key in element}
    return function(element)


def leaves(element: Any) -> list[Any]:
    """The leaves of an element; a dict's by its own order."""
    found: list[Any] = []
    map_element(found.append, element)
    return found


def pack(like: Any, values: Sequence[Any]) -> Any:
    """An element of the structure of another one, with other leaves."""
    left = iter(values)
    return map_element(lambda _: next(left), like)


def as_element(value: Any) -> Any:
    """What a user's function gave, as an element: lists, arrays and numbers become tensors."""
    return map_element(_leaf, value)


def _leaf(value: Any) -> Any:
    from eager.data.dataset import Dataset

    return value if value is None or isinstance(value, Tensor | Dataset) else convert(value)


def array_of(tensor: Tensor) -> Array:
    """The array of a leaf."""
    return concrete(tensor, "an element of a tf.data.Dataset")


def as_numpy(element: Any) -> Any:
    """An element with arrays, or lists of elements for datasets inside, as leaves."""
    from eager.data.dataset import Dataset

    def plain(x: Any) -> Any:
        if isinstance(x, Dataset):
            return list(x.as_numpy_iterator())
        return x.numpy() if isinstance(x, Tensor) else x

    return map_element(plain, element)


def spec_of(element: Any) -> Any:
    """The specs of an element's leaves."""
    from eager.data.dataset import Dataset, DatasetSpec

    def one(x: Any) -> Any:
        if isinstance(x, Dataset):
            return DatasetSpec(x.element_spec)
        return None if x is None else TensorSpec(TensorShape(x.shape.as_list()), x.dtype)

    return map_element(one, element)


def batched_spec(spec: Any, size: int | None) -> Any:
    """The specs of a batch of such elements."""
    return map_element(lambda s: None if s is None else TensorSpec(TensorShape([size]).concatenate(s.shape), s.dtype),
                       spec)  # fmt: skip


def unbatched_spec(spec: Any) -> Any:
    """The specs of the elements of such a batch."""
    return map_element(lambda s: None if s is None else TensorSpec(s.shape[1:], s.dtype), spec)


def stacked(elements: Sequence[Any]) -> Any:
    """A batch of elements, leaf by leaf.

    Raises:
        InvalidArgumentError: if the shapes of a leaf differ.
    """
    columns = zip(*(leaves(e) for e in elements), strict=True)
    return pack(elements[0], [_stack(column, number) for number, column in enumerate(columns)])


def _stack(column: Sequence[Any], number: int) -> Any:
    if column[0] is None:
        return None
    arrays = [array_of(t) for t in column]
    first = arrays[0].shape
    for i, a in enumerate(arrays):
        if a.shape != first:
            raise InvalidArgumentError(
                f"Cannot batch tensors with different shapes in component {number}. First element had shape "
                f"{list(first)} and element {i} had shape {list(a.shape)}. Use padded_batch to fill them up."
            )
    return wrap(np.stack(arrays))


def call(function: Callable[..., Any], element: Any) -> Any:
    """A user's function of an element: the parts of a tuple are arguments; a list that it gives means a tuple."""
    result = function(*element) if type(element) is tuple else function(element)
    return tuple(result) if type(result) is list else result


def result_spec(function: Callable[..., Any], element_spec: Any, first: Callable[[], Any]) -> Any:
    """The specs of what a function gives for elements of given specs, without running it on data.

    Args:
        function: a user's function.
        element_spec: what it takes.
        first: gives its result for the first element, for functions that cannot be traced.
    """
    from eager.errors import UntraceableError
    from eager.function.function import Function

    arguments = element_spec if type(element_spec) is tuple else (element_spec,)
    if all(isinstance(s, TensorSpec) for s in leaves(element_spec)):
        try:
            traced = Function(lambda *parts: as_element(call(function, parts)), "element_spec").get_concrete_function(
                *arguments
            )
        except UntraceableError:
            return spec_of(first())
        types = [v.type for v in traced.graph.outputs]
        specs = [TensorSpec(TensorShape(TensorShape.of(t.shape).as_list()), t.dtype) for t in types]
        return map_element(lambda x: x if isinstance(x, TensorSpec) or x is None else spec_of(x), traced.pack(specs))
    return spec_of(first())


__all__ = [
    "Array", "array_of", "as_element", "as_numpy", "batched_spec", "call", "leaves", "map_element", "pack",
    "result_spec", "spec_of", "stacked", "unbatched_spec",
]  # fmt: skip
