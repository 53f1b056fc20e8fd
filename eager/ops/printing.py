"""tf.print: tensors as TensorFlow prints them, also from inside of a compiled function."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from eager.context import thread
from eager.dispatch import run
from eager.ops.host import HostFunction
from eager.ops.public import public
from eager.tensor import Tensor, concrete
from eager.variable import Variable
from graphcore.optable import get_op


@public("print")
def print(
    *inputs: Any, output_stream: Any = None, summarize: int = 3, sep: str = " ", end: str | None = "\n",
    name: str | None = None,
) -> None:  # fmt: skip
    """Prints values, in program order also where the function is compiled (tf.print).

    Args:
        *inputs: tensors, variables, Python objects, and structures of them. Of an axis longer than twice `summarize`
            only its first and last `summarize` elements are shown.
        output_stream: sys.stderr (the default), sys.stdout, another text stream, or "file:///path" to append to.
        summarize: see above; -1 shows everything.
        sep, end: between and after the inputs.
        name: accepted for compatibility.

    Raises:
        ValueError: for another output stream.
    """
    del name
    write = _writer(output_stream)
    tensors: list[Tensor] = []
    parts = [_collect(x, tensors) for x in inputs]
    # TensorFlow quotes the strings of tensors, except for a single scalar that is all there is to print.
    alone = len(inputs) == 1 and len(tensors) == 1 and isinstance(inputs[0], Tensor | Variable) and not inputs[0].ndim

    def show(*arrays: np.ndarray[Any, Any]) -> list[Any]:
        texts = [array_text(a, summarize, quoted=not alone) for a in arrays]
        write(sep.join(part.fill(texts) for part in parts) + (end or ""))
        return []

    frame = thread.frame
    if frame is not None and frame.tracing:
        run(get_op("host_call"), tensors, {"call": HostFunction("print", show, ())})
    else:
        show(*[concrete(t, "text") for t in tensors])


def _writer(stream: Any) -> Any:
    if isinstance(stream, str) and stream.startswith("file://"):
        path = stream.removeprefix("file://")

        def append(text: str) -> None:
            from pathlib import Path

            with Path(path).open("a", encoding="utf-8") as file:
                file.write(text)

        return append
    if stream is not None and not hasattr(stream, "write"):
        raise ValueError(f"Unknown output stream, output_stream: {stream!r}; give sys.stdout, sys.stderr or file://PATH")

    def write(text: str) -> None:
        # Looked up now: whoever redirects the standard streams means this text too.
        target: Any = sys.stderr if stream is None else stream
        target.write(text)
        target.flush()

    return write


class _Text:
    """A text with places for the tensors of given numbers."""

    def __init__(self, *pieces: Any) -> None:
        self.pieces = pieces

    def fill(self, texts: list[str]) -> str:
        """The text, with the tensors' own texts in their places."""
        return "".join(
            p if isinstance(p, str) else (texts[p] if isinstance(p, int) else p.fill(texts)) for p in self.pieces
        )


def _collect(x: Any, tensors: list[Tensor]) -> _Text:
    """The form of a value; its tensors are added to the list."""
    if isinstance(x, Tensor | Variable):
        tensors.append(x if isinstance(x, Tensor) else x.value())
        return _Text(len(tensors) - 1)
    if isinstance(x, Mapping):
        items = [_Text(f"{key!r}: ", _inner(value, tensors)) for key, value in _sorted(x)]
        return _Text("{", *_separated(items), "}")
    if isinstance(x, list | tuple):
        left, right = ("[", "]") if isinstance(x, list) else ("(", ",)" if len(x) == 1 else ")")
        return _Text(left, *_separated([_inner(value, tensors) for value in x]), right)
    return _Text(x if isinstance(x, str) else str(x) if isinstance(x, np.generic) else repr(x))


def _sorted(x: Mapping[Any, Any]) -> list[tuple[Any, Any]]:
    """The items by key; as they come where keys have no order."""
    try:
        return sorted(x.items(), key=lambda item: item[0])
    except TypeError:
        return list(x.items())


def _inner(x: Any, tensors: list[Tensor]) -> _Text:
    return _Text(repr(x)) if isinstance(x, str) else _collect(x, tensors)


def _separated(items: list[_Text]) -> list[Any]:
    return [piece for i, item in enumerate(items) for piece in ((", ", item) if i else (item,))]


def array_text(array: np.ndarray[Any, Any], summarize: int, depth: int = 1, quoted: bool = False) -> str:
    """An array as TensorFlow prints it: brackets, blanks, as many digits as it takes, `...` for what is left out.

    Inner lines stand as deep as brackets are open; strings are quoted on request.
    """
    if array.ndim == 0:
        text = _scalar_text(array[()])
        return f'"{text}"' if quoted and array.dtype.kind in "OSU" else text
    count = len(array)
    parts = [array_text(np.asarray(a), summarize, depth + 1, quoted) for a in _shown(array, count, summarize)]
    if 0 <= summarize * 2 < count:
        parts.insert(summarize, "...")
    return "[" + (" " if array.ndim == 1 else "\n" * (array.ndim - 1) + " " * depth).join(parts) + "]"


def _shown(array: np.ndarray[Any, Any], count: int, summarize: int) -> list[Any]:
    if summarize < 0 or count <= 2 * summarize:
        return list(array)
    return [*array[:summarize], *array[count - summarize :]]


def _scalar_text(x: Any) -> str:
    if isinstance(x, bytes):
        return x.decode("utf-8", "backslashreplace")
    if isinstance(x, str):
        return x
    if isinstance(x, np.bool_):
        return str(int(x))
    if isinstance(x, np.complexfloating):
        return f"({_float_text(x.real)},{_float_text(x.imag)})"
    return str(int(x)) if isinstance(x, np.integer) else _float_text(x)


def _float_text(x: Any) -> str:
    """Six significant digits, fifteen of float64; three (two) more where those do not give the number back."""
    digits, more = (15, 17) if x.dtype.itemsize == 8 else (6, 9)
    value = float(x)
    short = f"{value:.{digits}g}"
    kind = np.float64 if digits == 15 else np.float32
    return short if kind(short) == kind(value) or value != value else f"{value:.{more}g}"
