"""Where elements come from: arrays, generators, ranges, random numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from eager import nest
from eager.convert import convert
from eager.data import INFINITE_CARDINALITY, UNKNOWN_CARDINALITY
from eager.data.dataset import Dataset
from eager.data.elements import array_of, as_element, leaves, map_element, pack, spec_of
from eager.data.node import Node, node_of
from eager.data.rows import Rows
from eager.data.seeds import generator_of
from eager.dtypes import as_dtype
from eager.errors import InvalidArgumentError
from eager.tensor import Tensor, wrap
from eager.tensor_shape import TensorShape, TensorSpec


def from_tensors(tensors: Any) -> Dataset:
    """One element."""
    element = as_element(tensors)
    return node_of((element,), lambda: spec_of(element), "TensorDataset")


def from_tensor_slices(tensors: Any) -> Dataset:
    """The slices of tensors along their first axis."""
    whole = as_element(tensors)
    columns = [array_of(t) for t in leaves(whole)]
    if not columns:
        raise ValueError("Dataset.from_tensor_slices: there is no tensor to slice")
    for column in columns:
        if column.ndim == 0:
            raise ValueError("Unbatching a tensor is only supported for rank >= 1; a scalar has no slices")
    lengths = {len(c) for c in columns}
    if len(lengths) > 1:
        raise ValueError(f"Dimensions {[len(c) for c in columns]} are not compatible: slices need one common length")
    n = lengths.pop()
    spec = map_element(lambda t: TensorSpec(t.shape[1:], t.dtype), whole)
    return _row_node("TensorSliceDataset", Rows(whole, columns, lambda: iter((np.arange(n),))), n, spec)


def _row_node(kind: str, rows: Rows, n: int, spec: Any) -> Dataset:
    return Node(kind, rows.elements, lambda: n, lambda: spec, rows)


def arange(args: tuple[Any, ...], output_type: Any) -> Dataset:
    """start, stop, step as in Python's range."""
    numbers = range(*(int(convert(a).numpy()) for a in args))
    column = np.arange(numbers.start, numbers.stop, numbers.step, dtype=as_dtype(output_type).numpy)
    rows = Rows(wrap(column), [column], lambda: iter((np.arange(len(column)),)))
    return _row_node("RangeDataset", rows, len(column), TensorSpec((), output_type))


def counter(start: int, step: int, dtype: Any) -> Dataset:
    """start, start + step, ... without end."""

    def elements() -> Iterator[Any]:
        number = start
        while True:
            yield convert(number, dtype=dtype)
            number += step

    return Node("CounterDataset", elements, lambda: INFINITE_CARDINALITY, lambda: TensorSpec((), dtype))


def random_numbers(seed: int | None, rerandomize: bool) -> Dataset:
    """Random int64 numbers without end."""
    fixed = generator_of(seed).integers(1 << 63)

    def elements() -> Iterator[Any]:
        source = generator_of(seed) if rerandomize else np.random.Generator(np.random.Philox(int(fixed)))
        while True:
            yield wrap(np.asarray(source.integers(0, 1 << 32, dtype=np.int64)))

    return Node("RandomDataset", elements, lambda: INFINITE_CARDINALITY, lambda: TensorSpec((), "int64"))


def from_generator(
    generator: Callable[..., Any], args: Any, output_types: Any, output_shapes: Any, output_signature: Any
) -> Dataset:
    """The elements that a Python generator yields."""
    if not callable(generator):
        raise TypeError("`generator` must be a Python callable.")
    if output_signature is None and output_types is None:
        raise TypeError("Either `output_signature` or `output_types` must be specified")
    if output_signature is not None and (output_types is not None or output_shapes is not None):
        raise TypeError("`output_signature` can not be used together with `output_types` or `output_shapes`")
    spec = _signature(output_types, output_shapes) if output_signature is None else output_signature
    arguments = [convert(a).numpy() for a in args or ()]

    def elements() -> Iterator[Any]:
        for number, value in enumerate(generator(*arguments)):
            yield _fitted(value, spec, number)

    return Node("FlatMapDataset", elements, lambda: UNKNOWN_CARDINALITY, lambda: spec)


def _signature(types: Any, shapes: Any) -> Any:
    flat = leaves(types)
    sizes = [None] * len(flat) if shapes is None else _shapes_like(types, shapes)
    return pack(types, [TensorSpec(TensorShape(s), t) for t, s in zip(flat, sizes, strict=True)])


def _shapes_like(types: Any, shapes: Any) -> list[Any]:
    """One shape per leaf of `types`; a shape may itself be a tuple."""
    if isinstance(types, tuple):
        return [s for t, sub in zip(types, shapes, strict=True) for s in _shapes_like(t, sub)]
    if isinstance(types, dict):
        return [s for key in types for s in _shapes_like(types[key], shapes[key])]
    return [shapes]


def _fitted(value: Any, spec: Any, number: int) -> Any:
    """What the generator yielded, in the dtypes of the signature.

    Raises:
        TypeError: for another structure, or values that do not have the dtype.
        InvalidArgumentError: for another shape.
    """
    try:
        given = _parts(value, spec)
    except (TypeError, ValueError, KeyError):
        raise TypeError(
            f"`generator` yielded element {number} that did not match the expected structure. The expected structure "
            f"was {spec}, but the yielded element was {value!r}."
        ) from None
    return pack(spec, [_leaf(v, s, number) for v, s in zip(given, leaves(spec), strict=True)])


def _parts(value: Any, spec: Any) -> list[Any]:
    if isinstance(spec, tuple):
        if not isinstance(value, tuple | list) or len(value) != len(spec):
            raise TypeError("not such a tuple")
        return [p for v, s in zip(value, spec, strict=True) for p in _parts(v, s)]
    if isinstance(spec, dict):
        if sorted(value) != sorted(spec):
            raise TypeError("not such a dict")
        return [p for key in spec for p in _parts(value[key], spec[key])]
    return [value]


def _leaf(value: Any, spec: Any, number: int) -> Tensor:
    try:
        tensor = value if isinstance(value, Tensor) else convert(np.asarray(value), like=spec.dtype)
        if tensor.dtype is not spec.dtype:
            tensor = wrap(array_of(tensor).astype(spec.dtype.numpy, casting="same_kind"))
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"`generator` yielded element {number} that could not be converted to the expected type. The expected "
            f"type was {spec.dtype.name}, but the yielded element was {value!r}."
        ) from error
    if not spec.shape.is_compatible_with(tensor.shape):
        raise InvalidArgumentError(
            f"`generator` yielded element {number} of shape {tensor.shape} where an element of shape {spec.shape} was "
            "expected."
        )
    return tensor


def spec_fits(spec: Any, other: Any) -> bool:
    """Whether two element specs have one structure and equal dtypes."""
    try:
        nest.assert_same_structure(spec, other)
    except (TypeError, ValueError):
        return False
    return all(getattr(a, "dtype", None) == getattr(b, "dtype", None)
               for a, b in zip(leaves(spec), leaves(other), strict=True))  # fmt: skip


__all__ = ["arange", "counter", "from_generator", "from_tensor_slices", "from_tensors", "random_numbers", "spec_fits"]
