"""tf.strings.format: tensors written into a template."""

from __future__ import annotations

from typing import Any

import numpy as np

from eager import nest
from eager.convert import convert
from eager.ops.public import public
from eager.ops.strings_host import Array, filled, on_host
from eager.tensor import Tensor
from graphcore.dtypes import string

_DIGITS = {"float16": (3, 5), "float32": (6, 9), "float64": (15, 17)}
"""Significant digits of a dtype: those that are tried first, and those that are always enough."""


def _entry(x: Any) -> str:
    """One element: a NumPy scalar, or bytes."""
    if isinstance(x, bytes):
        return f'"{x.decode("utf-8", "backslashreplace")}"'
    if isinstance(x, np.bool_):
        return str(int(x))
    few, enough = _DIGITS.get(x.dtype.name, (0, 0))
    if not enough:
        return str(x)
    short = format(float(x), f".{few}g")
    return short if x.dtype.type(short) == x or np.isnan(x) else format(float(x), f".{enough}g")


def _text(array: Array, edge: int, depth: int = 1) -> str:
    """The elements in brackets, at most `edge` at each end of an axis."""
    if array.ndim == 0:
        return _entry(array[()])
    size = len(array)
    cut = edge >= 0 and size > 2 * edge
    places = [*range(edge), None, *range(size - edge, size)] if cut else range(size)
    parts = ["..." if i is None else _text(np.asarray(array[i]), edge, depth + 1) for i in places]
    glue = " " if array.ndim == 1 else "\n" * (array.ndim - 1) + " " * depth
    return f"[{glue.join(parts)}]"


@public("strings.format")
def format_(
    template: str, inputs: Any, placeholder: str = "{}", summarize: int = 3, name: str | None = None
) -> Tensor:
    """A template in which tensors stand for the placeholders (tf.strings.format).

    Args:
        template: text.
        inputs: a tensor, or a list of them, one for each placeholder.
        placeholder: what is replaced.
        summarize: how many elements are shown at each end of an axis; -1 for all.
        name: accepted for compatibility.

    Raises:
        ValueError: unless there are as many tensors as placeholders.
    """
    del name
    tensors = [convert(x) for x in (nest.flatten(inputs) if isinstance(inputs, list | tuple) else [inputs])]
    parts = template.split(placeholder)
    if len(parts) != len(tensors) + 1:
        raise ValueError(
            f"strings.format: the template has {len(parts) - 1} placeholders {placeholder!r}, but {len(tensors)} "
            "tensors are given"
        )

    def work(*arrays: Array) -> Array:
        shown = [*(_text(np.asarray(a), summarize) for a in arrays), ""]
        return filled(["".join(p + s for p, s in zip(parts, shown, strict=True)).encode()], ())

    return on_host("strings.format", work, tensors, (), string)
