"""tf.signal: windows of a fixed length, computed in float64 and rounded once."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from eager.errors import DTypeError, InvalidArgumentError
from eager.ops.common import shape_argument
from eager.ops.public import public
from eager.tensor import Tensor, wrap
from graphcore.dtypes import as_dtype, float32


def window_length_argument(length: Any, name: str) -> int:
    """A length as a plain number. Raises InvalidArgumentError if it is negative or only known at run time."""
    found = shape_argument(length, name)
    if len(found) != 1 or not isinstance(found[0], int) or found[0] < 0:
        raise InvalidArgumentError(f"{name}: window_length is {length!r}, expected one number that is not negative")
    return found[0]


def _window(name: str, values: Any, dtype: Any) -> Tensor:
    kind = as_dtype(dtype)
    if not kind.is_floating:
        raise DTypeError(f"{name}: dtype is {kind.name}, expected a floating dtype")
    return wrap(np.asarray(values).astype(kind.numpy))


def _raised_cosine(name: str, base: float, depth: float) -> Callable[..., Tensor]:
    def function(
        window_length: Any, periodic: bool = True, dtype: Any = float32, name: str | None = None
    ) -> Tensor:
        del name
        n = window_length_argument(window_length, tf_name)
        if n == 1:
            return _window(tf_name, np.ones(1), dtype)
        # As in TensorFlow, periodic makes a difference to even lengths only.
        period = n + (1 if periodic and n % 2 == 0 else 0) - 1
        return _window(tf_name, base - depth * np.cos(2 * math.pi * np.arange(n) / max(period, 1)), dtype)

    tf_name = name
    function.__name__ = name
    function.__doc__ = f"""{base} - {depth} cos(2 pi k / n) for k below window_length (tf.signal.{name}).

    Args:
        window_length: the number of samples.
        periodic: n is window_length for even lengths; else, and for odd ones, window_length - 1.
        dtype: a floating dtype.
        name: accepted for compatibility.

    Raises:
        InvalidArgumentError: for a negative length.
        DTypeError: for a dtype that is not floating.
    """
    return public(f"signal.{name}")(function)


hann_window = _raised_cosine("hann_window", 0.5, 0.5)
hamming_window = _raised_cosine("hamming_window", 0.54, 0.46)


@public("signal.vorbis_window")
def vorbis_window(window_length: Any, dtype: Any = float32, name: str | None = None) -> Tensor:
    """The Vorbis power complementary window (tf.signal.vorbis_window).

    Raises:
        InvalidArgumentError: for a negative length.
        DTypeError: for a dtype that is not floating.
    """
    del name
    n = window_length_argument(window_length, "vorbis_window")
    inner = np.sin(math.pi / max(n, 1) * (np.arange(n) + 0.5))
    return _window("vorbis_window", np.sin(math.pi / 2 * inner**2), dtype)


@public("signal.kaiser_window")
def kaiser_window(window_length: Any, beta: Any = 12.0, dtype: Any = float32, name: str | None = None) -> Tensor:
    """The Kaiser window of shape `beta` (tf.signal.kaiser_window).

    Raises:
        InvalidArgumentError: for a negative length.
        DTypeError: for a dtype that is not floating.
    """
    del name
    n = window_length_argument(window_length, "kaiser_window")
    return _window("kaiser_window", np.kaiser(n, float(beta)), dtype)


@public("signal.kaiser_bessel_derived_window")
def kaiser_bessel_derived_window(
    window_length: Any, beta: Any = 12.0, dtype: Any = float32, name: str | None = None
) -> Tensor:
    """The window derived from running sums of a Kaiser window (tf.signal.kaiser_bessel_derived_window).

    Raises:
        InvalidArgumentError: for a negative length.
        DTypeError: for a dtype that is not floating.
    """
    del name
    n = window_length_argument(window_length, "kaiser_bessel_derived_window")
    sums = np.cumsum(np.kaiser(n // 2 + 1, float(beta)))
    half = np.sqrt(sums[:-1] / sums[-1])
    return _window("kaiser_bessel_derived_window", np.concatenate([half, half[::-1]]), dtype)
