"""tf.strings: from code points to strings, and from one encoding to another."""

from __future__ import annotations

from typing import Any

from eager.convert import convert
from eager.errors import InvalidArgumentError, ShapeError
from eager.ops.common import InvalidTypeError, raw_shape
from eager.ops.public import public
from eager.ops.strings_host import Array, codec, elementwise, filled, on_host, string_tensor, text_of
from eager.tensor import Tensor, type_of
from graphcore.dtypes import string


def _is_text(point: int) -> bool:
    return 0 <= point < 0xD800 or 0xE000 <= point < 0x110000


def _encoded(points: list[int], encoding: str, errors: str, replacement: int) -> bytes:
    wrong = next((p for p in points if not _is_text(p)), None)
    if wrong is not None and errors == "strict":
        raise InvalidArgumentError(f"strings.unicode_encode: {wrong} is no code point")
    kept = [p if _is_text(p) else replacement for p in points if _is_text(p) or errors == "replace"]
    return "".join(map(chr, kept)).encode(codec(encoding), "replace")


@public("strings.unicode_encode")
def unicode_encode(
    input: Any, output_encoding: str, errors: str = "replace", replacement_char: int = 65533,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Strings of rows of code points, int32 [..., n] (tf.strings.unicode_encode).

    Raises:
        InvalidArgumentError: for numbers that are no code points with errors="strict", or another encoding.
        InvalidTypeError: unless the points are integers.
        ShapeError: for a scalar.
    """
    del name
    x = convert(input)
    if not x.dtype.is_integer:
        raise InvalidTypeError(f"strings.unicode_encode: code points are {type_of(x)}, expected int32")
    if not x.ndim:
        raise ShapeError("strings.unicode_encode: the code points are a scalar, expected rank 1 or more")
    codec(output_encoding)

    def work(array: Array) -> Array:
        rows = array.reshape(-1, array.shape[-1]).tolist()
        return filled([_encoded(row, output_encoding, errors, replacement_char) for row in rows], array.shape[:-1])

    return on_host("strings.unicode_encode", work, [x], raw_shape(x)[:-1], string)


@public("strings.unicode_transcode")
def unicode_transcode(
    input: Any, input_encoding: str, output_encoding: str, errors: str = "replace",
    replacement_char: int = 65533, replace_control_characters: bool = False, name: str | None = None,
) -> Tensor:  # fmt: skip
    """Strings in another encoding (tf.strings.unicode_transcode); encodings as for `unicode_decode`.

    Raises:
        InvalidArgumentError: for invalid text with errors="strict", another encoding or way.
    """
    del name
    codec(input_encoding)
    codec(output_encoding)

    def one(s: bytes) -> bytes:
        points = [ord(c) for c in text_of(s, input_encoding, errors, replacement_char)]
        clean = [replacement_char if replace_control_characters and p < 32 else p for p in points]
        return _encoded(clean, output_encoding, errors, replacement_char)

    return elementwise("unicode_transcode", one, [string_tensor(input, "unicode_transcode")])
