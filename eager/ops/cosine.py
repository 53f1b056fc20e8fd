"""tf.signal: discrete cosine transforms of the last axis, through the Fourier transform."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from eager.convert import convert
from eager.errors import DTypeError, InvalidArgumentError, ShapeError, UnsupportedError
from eager.ops.common import op, raw_shape, size_tensor
from eager.ops.fourier import irfft, resized, rfft
from eager.ops.frames import frame, length_argument, overlap_and_add
from eager.ops.join import concat, split
from eager.ops.pick import reverse
from eager.ops.public import public
from eager.ops.windows import vorbis_window
from eager.tensor import Tensor, type_of, wrap
from graphcore.dims import Dim


def _checked(x: Any, type: int, axis: int, norm: str | None, name: str) -> Tensor:
    t = convert(x)
    if axis != -1:
        raise UnsupportedError(f"{name}: axis must be -1, got {axis}, as in TensorFlow; transpose first")
    if type not in (1, 2, 3, 4):
        raise InvalidArgumentError(f"{name}: type is {type}, expected 1, 2, 3 or 4")
    if norm not in (None, "ortho"):
        raise InvalidArgumentError(f"{name}: norm is {norm!r}, expected None or 'ortho'")
    if type == 1 and norm == "ortho":
        raise InvalidArgumentError(f"{name}: type 1 has no norm 'ortho'; use norm=None")
    if t.dtype.name not in ("float32", "float64"):
        raise DTypeError(f"{name}: input is {type_of(t)}, expected float32 or float64; write tf.cast first")
    if not t.ndim:
        raise ShapeError(f"{name}: input is {type_of(t)}, expected rank 1 or more")
    return t


@public("signal.dct")
def dct(
    input: Any, type: int = 2, n: int | None = None, axis: int = -1, norm: str | None = None, name: str | None = None
) -> Tensor:
    """The discrete cosine transform (tf.signal.dct), with SciPy's scaling.

    Args:
        input: float32 or float64 [..., samples].
        type: 1, 2, 3 or 4.
        n: the length to which the input is cut or filled with zeros; by default its own.
        axis: only -1.
        norm: None, or "ortho" for an orthogonal transform.
        name: accepted for compatibility.

    Raises:
        DTypeError: for another dtype.
        InvalidArgumentError: for a bad type, norm or n, or type 1 of fewer than two samples.
        UnsupportedError: for another axis.
    """
    del name
    x = _checked(input, type, axis, norm, "dct")
    if n is not None:
        x = resized(x, -1, length_argument(n, "dct", "n"))
    size = raw_shape(x)[-1]
    if type == 1:
        return _dct1(x, size)
    return {2: _dct2, 3: _dct3, 4: _dct4}[type](x, size, norm == "ortho")


@public("signal.idct")
def idct(
    input: Any, type: int = 2, n: int | None = None, axis: int = -1, norm: str | None = None, name: str | None = None
) -> Tensor:
    """The inverse of dct, but for a factor unless norm is "ortho" (tf.signal.idct).

    Args:
        input: float32 or float64 [..., samples].
        type: 1, 2, 3 or 4: the type of the transform that is undone.
        n: the length to which the input is cut or filled with zeros; by default its own.
        axis: only -1.
        norm: None, or "ortho" for an orthogonal transform.
        name: accepted for compatibility.

    Raises:
        DTypeError: for another dtype.
        InvalidArgumentError: for a bad type, norm or n, or type 1 of fewer than two samples.
        UnsupportedError: for another axis.
    """
    del name
    x = _checked(input, type, axis, norm, "idct")
    return dct(x, {1: 1, 2: 3, 3: 2, 4: 4}[type], n, norm=norm)


def _number(n: Dim, x: Tensor) -> Tensor:
    return size_tensor(n, x.dtype)


def _turns(x: Tensor, n: Dim, sign: float) -> Tensor:
    """2 exp(sign i pi k / (2 n)) for k below n."""
    if isinstance(n, int):
        turn = 2 * np.exp(sign * 0.5j * math.pi * np.arange(n) / n)
        return wrap(turn.astype(np.complex64 if x.dtype.size == 4 else np.complex128))
    angle = op("iota", shape=(n,), axis=0, dtype=x.dtype) * (sign * math.pi / 2) / _number(n, x)
    return op("complex", op("cos", angle) * 2.0, op("sin", angle) * 2.0)


def _first_other(x: Tensor, n: Dim, first: Tensor, other: Tensor) -> Tensor:
    """[n] with `first` in front and `other` elsewhere."""
    place = op("iota", shape=(n,), axis=0, dtype=x.dtype)
    return op("select", op("equal", place, convert(0.0, like=x.dtype)), first, other)


def _dct1(x: Tensor, n: Dim) -> Tensor:
    if isinstance(n, int) and n < 2:
        raise InvalidArgumentError(f"dct: type 1 needs two samples or more, got {type_of(x)}")
    mirrored = reverse(x[..., 1:-1], [-1])
    return op("real", op("rfft", concat([x, mirrored], -1)))


def _dct2(x: Tensor, n: Dim, ortho: bool) -> Tensor:
    spectrum = resized(rfft(x, [2 * n]), -1, n)
    result = op("real", spectrum * _turns(x, n, -1.0))
    if not ortho:
        return result
    first = 0.5 / op("sqrt", _number(n, x))
    return result * _first_other(x, n, first, first * math.sqrt(2))


def _dct3(x: Tensor, n: Dim, ortho: bool) -> Tensor:
    size = _number(n, x)
    root = op("sqrt", size)
    x = x * (_first_other(x, n, root, root * math.sqrt(0.5)) if ortho else size)
    spectrum = op("cast", x, dtype=_turns(x, 1, 1.0).dtype) * _turns(x, n, 1.0)
    return resized(irfft(spectrum, [2 * n]), -1, n)


def _dct4(x: Tensor, n: Dim, ortho: bool) -> Tensor:
    result = _dct2(resized(x, -1, 2 * n), 2 * n, False)[..., 1::2]
    return result * (math.sqrt(0.5) / op("sqrt", _number(n, x))) if ortho else result


def _window(window_fn: Callable[..., Any] | None, length: int, frames: Tensor) -> Tensor:
    """The window; without one the factor whose square and shift sum to 1."""
    if window_fn is None:
        return convert(math.sqrt(0.5), like=frames.dtype)
    return convert(window_fn(length, dtype=frames.dtype), dtype=frames.dtype)


@public("signal.mdct")
def mdct(
    signals: Any,
    frame_length: Any,
    window_fn: Callable[..., Any] | None = vorbis_window,
    pad_end: bool = False,
    norm: str | None = None,
    name: str | None = None,
) -> Tensor:
    """The modified discrete cosine transform of half-overlapping frames (tf.signal.mdct).

    Args:
        signals: float32 or float64 [..., samples].
        frame_length: samples in a frame, a multiple of 4.
        window_fn: takes a length and `dtype`, gives the window; None for a constant one, sqrt(1/2).
        pad_end: fills up the end with zeros.
        norm: None or "ortho".
        name: accepted for compatibility.

    Returns:
        [..., frames, frame_length // 2].

    Raises:
        InvalidArgumentError: for a frame length that is no multiple of 4, or a bad norm.
        DTypeError: for another dtype.
    """
    del name
    length = length_argument(frame_length, "mdct", "frame_length")
    if length % 4:
        raise InvalidArgumentError(f"mdct: frame_length is {length}, expected a multiple of 4")
    framed = frame(_checked(signals, 4, -1, norm, "mdct"), length, length // 2, pad_end)
    framed = framed * _window(window_fn, length, framed)
    a, b, c, d = split(framed, 4, -1)
    folded = concat([-reverse(c, [-1]) - d, a - reverse(b, [-1])], -1)
    return dct(folded, type=4, norm=norm)


@public("signal.inverse_mdct")
def inverse_mdct(
    mdcts: Any,
    window_fn: Callable[..., Any] | None = vorbis_window,
    norm: str | None = None,
    name: str | None = None,
) -> Tensor:
    """mdct undone, where the squares of the window and its half-shift sum to 1 (tf.signal.inverse_mdct).

    Args:
        mdcts: float32 or float64 [..., frames, frame_length // 2].
        window_fn: takes a length and `dtype`, gives the window; None for a constant one, sqrt(1/2).
        norm: None or "ortho", as for mdct.
        name: accepted for compatibility.

    Returns:
        [..., samples].

    Raises:
        InvalidArgumentError: for a bad norm, or a number of bins that is odd or only known at run time.
        DTypeError: for another dtype.
    """
    del name
    x = _checked(mdcts, 4, -1, norm, "inverse_mdct")
    half = raw_shape(x)[-1]
    if x.ndim < 2 or not isinstance(half, int) or half % 2:
        raise InvalidArgumentError(
            f"inverse_mdct: mdcts are {type_of(x)}, expected rank 2 or more and an even last size"
        )
    lines = dct(x, type=4, norm=norm)
    if norm is None:
        lines = lines * (0.5 / half)
    first, second = split(lines, 2, -1)
    frames = concat([second, -reverse(second, [-1]), -reverse(first, [-1]), -first], -1)
    return overlap_and_add(frames * _window(window_fn, 2 * half, frames), half)
