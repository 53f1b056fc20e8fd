"""tf.signal: frames of a signal, their sum, and short-time Fourier transforms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eager.convert import convert
from eager.errors import InvalidArgumentError, ShapeError
from eager.ops.common import one_axis, op, raw_shape, settled, shape_argument
from eager.ops.fourier import irfft, resized, rfft
from eager.ops.public import public
from eager.ops.windows import hann_window
from eager.tensor import Tensor, type_of
from graphcore import dims
from graphcore.dims import Dim
from graphcore.dtypes import float32, int32


def length_argument(value: Any, name: str, what: str) -> int:
    """A positive number. Raises InvalidArgumentError for anything else, also for a size only known at run time."""
    found = shape_argument(value, name)
    if len(found) != 1 or not isinstance(found[0], int) or found[0] < 1:
        raise InvalidArgumentError(f"{name}: {what} is {value!r}, expected one positive number")
    return found[0]


@public("signal.frame")
def frame(
    signal: Any,
    frame_length: Any,
    frame_step: Any,
    pad_end: bool = False,
    pad_value: Any = 0,
    axis: int = -1,
    name: str | None = None,
) -> Tensor:
    """Frames of `frame_length` samples, one every `frame_step` (tf.signal.frame).

    Args:
        signal: [..., samples, ...].
        frame_length: samples in a frame.
        frame_step: samples from the start of one frame to the next.
        pad_end: fills up the end with `pad_value`, so that every sample starts within a frame; else samples at the
            end that fill no frame are left out.
        pad_value: a scalar.
        axis: the axis of samples.
        name: accepted for compatibility.

    Returns:
        [..., frames, frame_length, ...].

    Raises:
        InvalidArgumentError: for lengths that are not positive, or an axis out of range.
    """
    del name
    x = convert(signal)
    length = length_argument(frame_length, "frame", "frame_length")
    step = length_argument(frame_step, "frame", "frame_step")
    at = one_axis(axis, x.ndim, "frame")
    samples = raw_shape(x)[at]
    if pad_end:
        count: Dim = dims.ceildiv(samples, step)
        high = dims.maximum((count - 1) * step + length - samples, 0)
        none = (0,) * x.ndim
        x = op("pad", x, convert(pad_value, like=x.dtype), low=none, high=(*none[:at], high, *none[at + 1 :]))
    elif settled(lambda: dims.less(samples, length)):
        count = 0
    else:
        count = dims.floordiv(samples - length, step) + 1
    first, offset = (op("iota", shape=(count, length), axis=a, dtype=int32) for a in (0, 1))
    return op("gather", x, first * step + offset, axis=at, batch_dims=0)


@public("signal.overlap_and_add")
def overlap_and_add(signal: Any, frame_step: Any, name: str | None = None) -> Tensor:
    """The sum of frames laid `frame_step` apart (tf.signal.overlap_and_add).

    Args:
        signal: [..., frames, frame_length].
        frame_step: samples from the start of one frame to the next.
        name: accepted for compatibility.

    Returns:
        [..., (frames - 1) * frame_step + frame_length].

    Raises:
        ShapeError: for a rank below 2.
        InvalidArgumentError: for a step that is not positive, or a frame length only known at run time.
    """
    del name
    x = convert(signal)
    if x.ndim < 2:
        raise ShapeError(f"overlap_and_add: signal is {type_of(x)}, expected rank 2 or more")
    step = length_argument(frame_step, "overlap_and_add", "frame_step")
    *batch, frames, length = raw_shape(x)
    if not isinstance(length, int):
        raise InvalidArgumentError(f"overlap_and_add: the frame length of {type_of(x)} must be known when tracing")
    segments = -(-length // step)
    x = resized(x, -1, segments * step)
    total: Tensor | None = None
    none, fill = (0,) * len(batch), convert(0, like=x.dtype)
    for s in range(segments):
        begin, end = (*none, 0, s * step), (*batch, frames, (s + 1) * step)
        part = op("slice", x, begin=begin, end=end, strides=(1,) * x.ndim)
        line = op("reshape", part, shape=(*batch, frames * step))
        line = op("pad", line, fill, low=(*none, s * step), high=(*none, (segments - 1 - s) * step))
        total = line if total is None else total + line
    if total is None:
        return resized(op("reshape", x, shape=(*batch, 0)), -1, (frames - 1) * step)
    return resized(total, -1, (frames - 1) * step + length)


def _power_of_two(n: int) -> int:
    return 1 << max(n - 1, 0).bit_length()


def _fft_length(fft_length: Any, frame_length: int, name: str) -> int:
    return _power_of_two(frame_length) if fft_length is None else length_argument(fft_length, name, "fft_length")


@public("signal.stft")
def stft(
    signals: Any,
    frame_length: Any,
    frame_step: Any,
    fft_length: Any = None,
    window_fn: Callable[..., Any] | None = hann_window,
    pad_end: bool = False,
    name: str | None = None,
) -> Tensor:
    """The short-time Fourier transform: rfft of windowed frames (tf.signal.stft).

    Args:
        signals: float32 or float64 [..., samples].
        frame_length: samples in a frame.
        frame_step: samples from the start of one frame to the next.
        fft_length: the length of the transform; by default the power of two from frame_length on.
        window_fn: takes a length and `dtype`, gives the window; None for no window.
        pad_end: fills up the end with zeros.
        name: accepted for compatibility.

    Returns:
        complex64 or complex128 [..., frames, fft_length // 2 + 1].

    Raises:
        DTypeError: for a tensor that is not floating.
        InvalidArgumentError: for lengths that are not positive.
    """
    del name
    length = length_argument(frame_length, "stft", "frame_length")
    size = _fft_length(fft_length, length, "stft")
    framed = frame(signals, length, frame_step, pad_end)
    if window_fn is not None and framed.dtype.is_floating:
        framed = framed * convert(window_fn(length, dtype=framed.dtype), dtype=framed.dtype)
    return rfft(framed, [size])


@public("signal.inverse_stft")
def inverse_stft(
    stfts: Any,
    frame_length: Any,
    frame_step: Any,
    fft_length: Any = None,
    window_fn: Callable[..., Any] | None = hann_window,
    name: str | None = None,
) -> Tensor:
    """The sum of windowed inverse transforms (tf.signal.inverse_stft); see inverse_stft_window_fn.

    Args:
        stfts: complex64 or complex128 [..., frames, fft_length // 2 + 1].
        frame_length: samples in a frame.
        frame_step: samples from the start of one frame to the next.
        fft_length: the length of the transform; by default the power of two from frame_length on.
        window_fn: takes a length and `dtype`, gives the window; None for no window.
        name: accepted for compatibility.

    Returns:
        float32 or float64 [..., samples].

    Raises:
        DTypeError: for a real tensor.
        ShapeError: for a rank below 2.
        InvalidArgumentError: for lengths that are not positive.
    """
    del name
    length = length_argument(frame_length, "inverse_stft", "frame_length")
    size = _fft_length(fft_length, length, "inverse_stft")
    frames = resized(irfft(stfts, [size]), -1, length)
    if window_fn is not None:
        frames = frames * convert(window_fn(length, dtype=frames.dtype), dtype=frames.dtype)
    return overlap_and_add(frames, frame_step)


@public("signal.inverse_stft_window_fn")
def inverse_stft_window_fn(
    frame_step: Any, forward_window_fn: Callable[..., Any] = hann_window, name: str | None = None
) -> Callable[..., Tensor]:
    """The window function with which inverse_stft undoes stft (tf.signal.inverse_stft_window_fn).

    Args:
        frame_step: the step of stft.
        forward_window_fn: the window function of stft.
        name: accepted for compatibility.

    Raises:
        InvalidArgumentError: for a step that is not positive.
    """
    del name
    step = length_argument(frame_step, "inverse_stft_window_fn", "frame_step")

    def inverse_stft_window(frame_length: Any, dtype: Any = float32) -> Tensor:
        """The window divided by the sum of squares of what overlaps at each sample."""
        length = length_argument(frame_length, "inverse_stft_window_fn", "frame_length")
        window = convert(forward_window_fn(length, dtype=dtype))
        overlaps = -(-length // step)
        squares = op("reshape", resized(window * window, -1, overlaps * step), shape=(overlaps, step))
        total = op("reduce_sum", squares, axes=(0,), keepdims=True)
        spread = op("reshape", op("broadcast_to", total, shape=(overlaps, step)), shape=(overlaps * step,))
        return window / resized(spread, -1, length)

    return inverse_stft_window
