"""What `adapt` reads: any data as batches of tensors, on the host."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import numpy as np

from eager.convert import convert
from eager.tensor import Tensor, wrap
from eager.variable import Variable

_BATCH = 32


def sample_batches(data: Any, batch_size: int | None, steps: int | None, layer: str) -> Iterator[Tensor]:
    """The batches of data.

    Args:
        data: an array, tensor or nested list, which is cut into batches; or something that yields batches.
        batch_size: of arrays, 32 by default.
        steps: at most so many batches.
        layer: the layer's name, for messages.

    Raises:
        ValueError: if there is no batch, or `batch_size` is given for what yields batches.
    """
    if _is_whole(data):
        found = _cut(_array(data), _BATCH if batch_size is None else batch_size)
    elif batch_size is not None:
        raise ValueError(
            f"The `batch_size` argument must not be specified for {type(data).__name__}, which yields batches. "
            f"Received: batch_size={batch_size}"
        )
    else:
        found = (as_batch(x) for x in _sequence(data))
    count = 0
    for batch in islice(found, steps):
        count += 1
        yield batch
    if not count:
        raise ValueError(f"`adapt` of layer {layer!r} was given no data")


def _is_whole(data: Any) -> bool:
    return isinstance(data, Tensor | Variable | list | tuple | str | bytes | int | float) or hasattr(data, "__array__")


def _array(data: Any) -> np.ndarray[Any, Any]:
    """An array with at least one axis; floats become float32, as fit takes them."""
    array = np.asarray(as_batch(data).numpy())
    if array.ndim == 0:
        array = array.reshape(1) if array.dtype.kind not in "SU" else np.array([array.item()], object)
    return array.astype(np.float32) if array.dtype == np.float64 else array


def as_batch(x: Any) -> Tensor:
    """One batch as a tensor. Raises ValueError for several inputs, such as (features, labels)."""
    if isinstance(x, dict) or (isinstance(x, tuple) and any(hasattr(part, "shape") and part.shape for part in x)):
        raise ValueError(
            "`adapt` takes one tensor per batch, but was given a "
            f"{type(x).__name__} of {len(x)}; select what the layer reads, such as dataset.map(lambda x, y: x)"
        )
    return convert(x)


def _cut(array: np.ndarray[Any, Any], size: int) -> Iterator[Tensor]:
    for start in range(0, len(array), size):
        yield wrap(array[start : start + size])


def _sequence(data: Any) -> Iterable[Any]:
    """The batches of an iterable, or of an object with `__len__` and `__getitem__`."""
    if not hasattr(data, "__iter__") and hasattr(data, "__len__"):
        return (data[i] for i in range(len(data)))
    return data
