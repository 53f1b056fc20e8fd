"""tf.strings: strings taken apart. Rows of different lengths come out dense, padded at the end.

How long the longest row is depends on the data, so in a traced function these end the trace.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from eager.errors import InvalidArgumentError, UnsupportedError
from eager.ops.public import public
from eager.ops.strings_host import padded, string_tensor, text_of
from eager.tensor import Tensor, concrete, wrap
from graphcore.dtypes import DType, int32, int64, string


def _apart(x: Any, name: str, one: Callable[[bytes], Sequence[Any]], fill: Any, dtype: DType) -> Tensor:
    tensor = string_tensor(x, name)
    array = concrete(tensor, f"tf.strings.{name}, whose result is as long as the longest row")
    rows = [one(s) for s in np.asarray(array).reshape(-1).tolist()]
    found = padded(rows, fill, dtype)
    return wrap(found.reshape(*array.shape, found.shape[-1]))


@public("strings.split")
def split(input: Any, sep: Any = None, maxsplit: int = -1, name: str | None = None) -> Tensor:
    """Strings split at a separator (tf.strings.split).

    Args:
        input: strings of any shape.
        sep: what stands between the pieces; None or "" for runs of white space, which then gives no empty pieces.
        maxsplit: at most so many splits; -1 for all.
        name: accepted for compatibility.

    Returns:
        strings [..., most]: where TensorFlow gives a ragged tensor, a dense one padded with b"".
    """
    del name
    glue = (sep.encode() if isinstance(sep, str) else sep) or None
    most = -1 if maxsplit < 1 else maxsplit
    return _apart(input, "split", lambda s: s.split(glue, most), b"", string)


@public("strings.bytes_split")
def bytes_split(input: Any, name: str | None = None) -> Tensor:
    """The single bytes of each string (tf.strings.bytes_split), padded with b""."""
    del name
    return _apart(input, "bytes_split", lambda s: [s[i : i + 1] for i in range(len(s))], b"", string)


def _without_control(text: str, replace: bool, replacement: int) -> str:
    return "".join(chr(replacement) if ord(c) < 32 else c for c in text) if replace else text


@public("strings.unicode_decode")
def unicode_decode(
    input: Any, input_encoding: str, errors: str = "replace", replacement_char: int = 65533,
    replace_control_characters: bool = False, name: str | None = None,
) -> Tensor:  # fmt: skip
    """The code points of each string, int32 (tf.strings.unicode_decode), padded with 0.

    Args:
        input: strings of any shape.
        input_encoding: "UTF-8", "UTF-16-BE", "UTF-32-BE", "US-ASCII" or "ISO-8859-1".
        errors: what happens to bytes that are no text: "replace", "ignore" or "strict".
        replacement_char: what stands for them.
        replace_control_characters: whether it also stands for U+0000 to U+001F.
        name: accepted for compatibility.

    Raises:
        InvalidArgumentError: for invalid text with "strict", another encoding or way.
    """
    del name

    def one(s: bytes) -> list[int]:
        text = text_of(s, input_encoding, errors, replacement_char)
        return [ord(c) for c in _without_control(text, replace_control_characters, replacement_char)]

    return _apart(input, "unicode_decode", one, 0, int32)


@public("strings.unicode_split")
def unicode_split(
    input: Any, input_encoding: str, errors: str = "replace", replacement_char: int = 65533,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """The characters of each string, in UTF-8 (tf.strings.unicode_split), padded with b"".

    Raises:
        InvalidArgumentError: for invalid text with errors="strict", another encoding or way.
    """
    del name

    def one(s: bytes) -> list[bytes]:
        return [c.encode() for c in text_of(s, input_encoding, errors, replacement_char)]

    return _apart(input, "unicode_split", one, b"", string)


def _offsets(input: Any, encoding: str, errors: str) -> Tensor:
    """Where each character begins. Invalid bytes would move what follows, so they are refused."""
    if encoding.upper() != "UTF-8":
        raise UnsupportedError(f"strings: offsets in {encoding} are not implemented; use UTF-8 (unicode_transcode)")

    def one(s: bytes) -> list[int]:
        text_of(s, encoding, errors)
        try:
            sizes = [len(c.encode()) for c in s.decode()]
        except UnicodeDecodeError as error:
            raise InvalidArgumentError(f"strings: {s!r} is no UTF-8 text: {error.reason}") from error
        return np.cumsum([0, *sizes])[:-1].tolist()

    return _apart(input, "unicode_decode_with_offsets", one, 0, int64)


@public("strings.unicode_decode_with_offsets")
def unicode_decode_with_offsets(
    input: Any, input_encoding: str, errors: str = "replace", replacement_char: int = 65533,
    replace_control_characters: bool = False, name: str | None = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """`unicode_decode` and the byte at which each character begins, int64 (tf.strings.unicode_decode_with_offsets).

    Raises:
        InvalidArgumentError: for text that is not valid.
        UnsupportedError: for another encoding than UTF-8.
    """
    del name
    points = unicode_decode(input, input_encoding, errors, replacement_char, replace_control_characters)
    return points, _offsets(input, input_encoding, errors)


@public("strings.unicode_split_with_offsets")
def unicode_split_with_offsets(
    input: Any, input_encoding: str, errors: str = "replace", replacement_char: int = 65533,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """`unicode_split` and the byte at which each character begins, int64 (tf.strings.unicode_split_with_offsets).

    Raises:
        InvalidArgumentError: for text that is not valid.
        UnsupportedError: for another encoding than UTF-8.
    """
    del name
    return unicode_split(input, input_encoding, errors, replacement_char), _offsets(input, input_encoding, errors)
