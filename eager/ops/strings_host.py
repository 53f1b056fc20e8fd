"""How string functions run: in Python, at once or as a host call of a traced function, which the report names."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from eager.convert import convert
from eager.dispatch import run
from eager.errors import InvalidArgumentError, ShapeError
from eager.ops.common import InvalidTypeError, is_traced, raw_shape
from eager.ops.host import HostFunction
from eager.ops.leaves import running_trace
from eager.tensor import Tensor, type_of, wrap
from graphcore.dims import Dim
from graphcore.dtypes import DType, string
from graphcore.errors import ShapeError as SizesDiffer
from graphcore.optable import get_op
from graphcore.types import TensorType, broadcast_shapes

Array = np.ndarray[Any, Any]


def string_tensor(x: Any, name: str) -> Tensor:
    """A tensor of strings. Raises InvalidTypeError for another dtype."""
    tensor = convert(x)
    if tensor.dtype is not string:
        raise InvalidTypeError(f"strings.{name}: expected a string tensor, got {type_of(tensor)}; use tf.as_string(x)")
    return tensor


def on_host(
    name: str, function: Callable[..., Array], inputs: Sequence[Tensor], shape: Sequence[Dim], dtype: DType
) -> Tensor:
    """The result of a function of arrays whose shape is known before it runs."""
    if running_trace() is None or not any(map(is_traced, inputs)):
        return wrap(function(*[t.numpy() if t.ndim else np.asarray(t._array) for t in inputs]))
    call = HostFunction(name, lambda *arrays: [function(*arrays)], [TensorType(dtype, tuple(shape))])
    return run(get_op("host_call"), inputs, {"call": call})[0]


def elementwise(name: str, function: Callable[..., Any], inputs: Sequence[Tensor], dtype: DType = string) -> Tensor:
    """A function of one element of each input, the inputs broadcast against each other.

    Raises:
        ShapeError: if the shapes do not broadcast.
    """

    def work(*arrays: Array) -> Array:
        each = np.broadcast_arrays(*arrays)
        flat = [function(*row) for row in zip(*[a.reshape(-1).tolist() for a in each], strict=True)]
        return filled(flat, each[0].shape, dtype)

    try:
        shape = broadcast_shapes(*[raw_shape(t) for t in inputs])
    except SizesDiffer as error:
        raise ShapeError(f"strings.{name}: {', '.join(str(type_of(t)) for t in inputs)} do not broadcast") from error
    return on_host(f"strings.{name}", work, inputs, shape, dtype)


def filled(values: Sequence[Any], shape: Sequence[int], dtype: DType = string) -> Array:
    """A flat list of values as an array; strings stay objects of bytes."""
    out = np.empty(len(values), dtype=dtype.numpy)
    out[:] = values
    return out.reshape(shape)


def padded(rows: Sequence[Sequence[Any]], fill: Any, dtype: DType, width: int | None = None) -> Array:
    """Rows of various lengths as one array, short ones filled at the end; `width` also cuts."""
    most = max(map(len, rows), default=0) if width is None else width
    flat = [row[i] if i < len(row) else fill for row in rows for i in range(most)]
    return filled(flat, (len(rows), most), dtype)


def text_of(value: bytes, encoding: str = "UTF-8", errors: str = "replace", replacement: int = 65533) -> str:
    """Bytes as text; each longest piece that is none becomes the replacement, or nothing with errors="ignore".

    Raises:
        InvalidArgumentError: for such a piece with errors="strict", or an unknown encoding.
    """
    if errors not in ("strict", "replace", "ignore"):
        raise InvalidArgumentError(f"strings: errors is {errors!r}, expected 'strict', 'replace' or 'ignore'")
    try:
        if errors == "strict":
            return value.decode(codec(encoding))
        text = value.decode(codec(encoding), "layerjit.mark")
    except UnicodeDecodeError as error:
        raise InvalidArgumentError(f"strings: {value!r} is no {encoding} text: {error.reason}") from error
    return text.translate({_MARK: replacement if errors == "replace" else None})


_MARK = 0xDFFF
"""Stands for bytes that are no text; no valid text decodes to this lone surrogate."""
codecs.register_error("layerjit.mark", lambda error: (chr(_MARK), getattr(error, "end", 0)))

_CODECS = {"UTF-8": "utf-8", "UTF-16": "utf-16-be", "UTF-16-BE": "utf-16-be", "UTF-32": "utf-32-be",
           "UTF-32-BE": "utf-32-be", "US-ASCII": "ascii", "ISO-8859-1": "latin-1"}  # fmt: skip


def codec(encoding: str) -> str:
    """Python's name of an encoding. Raises InvalidArgumentError for one that strings do not have."""
    found = _CODECS.get(encoding.upper())
    if found is None:
        raise InvalidArgumentError(f"strings: encoding is {encoding!r}, expected one of {', '.join(_CODECS)}")
    return found
