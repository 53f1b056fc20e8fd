"""tf.signal: discrete Fourier transforms of the last one, two or three axes; they run on the host."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from eager.convert import convert
from eager.errors import DTypeError, InvalidArgumentError, ShapeError
from eager.ops.common import axes_of, op, raw_shape, settled, shape_argument
from eager.ops.public import public
from eager.tensor import Tensor, type_of
from graphcore import dims
from graphcore.dims import Dim

_WORDS = {1: "axis", 2: "two axes", 3: "three axes"}


def _complex_input(x: Any, rank: int, name: str) -> Tensor:
    t = convert(x)
    if not t.dtype.is_complex:
        raise DTypeError(f"{name}: input is {type_of(t)}, expected complex64 or complex128; write tf.cast first")
    return _of_rank(t, rank, name)


def _of_rank(t: Tensor, rank: int, name: str) -> Tensor:
    if t.ndim < rank:
        raise ShapeError(f"{name}: input is {type_of(t)}, expected rank {rank} or more")
    return t


def _swap(x: Tensor, axis: int) -> Tensor:
    """The last axis exchanged with a negative one."""
    perm = list(range(x.ndim))
    perm[axis], perm[-1] = perm[-1], perm[axis]
    return op("transpose", x, perm=tuple(perm))


def transform(x: Tensor, axes: Sequence[int], inverse: bool) -> Tensor:
    """The complex transform over negative axes, one after the other."""
    for axis in axes:
        x = op("fft", x, inverse=inverse) if axis == -1 else _swap(op("fft", _swap(x, axis), inverse=inverse), axis)
    return x


def resized(x: Tensor, axis: int, size: Dim) -> Tensor:
    """`x` cut, or filled with zeros, at the end of a negative axis."""
    have, none = raw_shape(x)[axis], [0] * x.ndim
    if have == size or settled(lambda: dims.equal(have, size)):
        return x
    if settled(lambda: dims.less(have, size)):
        high: list[Dim] = [*none]
        high[axis] = size - have
        return op("pad", x, convert(0, like=x.dtype), low=tuple(none), high=tuple(high))
    end = list(raw_shape(x))
    end[axis] = size
    return op("slice", x, begin=tuple(none), end=tuple(end), strides=(1,) * x.ndim)


def _lengths(fft_length: Any, rank: int, name: str) -> tuple[Dim, ...]:
    found = shape_argument(fft_length, name)
    if len(found) != rank or any(isinstance(n, int) and n < 1 for n in found):
        raise InvalidArgumentError(f"{name}: fft_length is {found}, expected {rank} positive sizes")
    return found


def _complex_transform(rank: int, inverse: bool) -> Callable[..., Tensor]:
    def function(input: Any, name: str | None = None) -> Tensor:
        del name
        return transform(_complex_input(input, rank, tf_name), range(-1, -rank - 1, -1), inverse)

    tf_name = f"{'i' if inverse else ''}fft{'' if rank == 1 else f'{rank}d'}"
    function.__name__ = tf_name
    function.__doc__ = f"""The {"inverse " if inverse else ""}Fourier transform of the last {_WORDS[rank]} \
(tf.signal.{tf_name}).

    Takes and gives complex64 or complex128; the inverse divides by the number of elements.

    Raises:
        DTypeError: for a real tensor.
        ShapeError: for a rank below {rank}.
    """
    return public(f"signal.{tf_name}")(function)


fft, fft2d, fft3d = (_complex_transform(r, False) for r in (1, 2, 3))
ifft, ifft2d, ifft3d = (_complex_transform(r, True) for r in (1, 2, 3))


def _real_transform(rank: int) -> Callable[..., Tensor]:
    def function(input_tensor: Any, fft_length: Any = None, name: str | None = None) -> Tensor:
        del name
        x = _of_rank(convert(input_tensor), rank, tf_name)
        if not x.dtype.is_floating:
            raise DTypeError(f"{tf_name}: input is {type_of(x)}, expected float32 or float64; write tf.cast first")
        if fft_length is not None:
            for axis, size in zip(range(-rank, 0), _lengths(fft_length, rank, tf_name), strict=True):
                x = resized(x, axis, size)
        return transform(op("rfft", x), range(-2, -rank - 1, -1), False)

    tf_name = "rfft" if rank == 1 else f"rfft{rank}d"
    function.__name__ = tf_name
    function.__doc__ = f"""The Fourier transform of the last {_WORDS[rank]} of a real tensor (tf.signal.{tf_name}).

    Args:
        input_tensor: float32 or float64 [..., n].
        fft_length: {rank} sizes to which the input is cut or filled with zeros; by default its own.
        name: accepted for compatibility.

    Returns:
        complex64 or complex128 [..., n // 2 + 1]: the bins of which the others are conjugates.

    Raises:
        DTypeError: for another dtype.
        ShapeError: for a rank below {rank}.
        InvalidArgumentError: for lengths that are not {rank} positive sizes.
    """
    return public(f"signal.{tf_name}")(function)


rfft, rfft2d, rfft3d = (_real_transform(r) for r in (1, 2, 3))


def _inverse_real_transform(rank: int) -> Callable[..., Tensor]:
    def function(input_tensor: Any, fft_length: Any = None, name: str | None = None) -> Tensor:
        del name
        x = _complex_input(input_tensor, rank, tf_name)
        shape = raw_shape(x)
        lengths = (
            (*shape[x.ndim - rank : -1], 2 * (shape[-1] - 1))
            if fft_length is None
            else _lengths(fft_length, rank, tf_name)
        )
        for axis, size in zip(range(-rank, -1), lengths[:-1], strict=True):
            x = resized(x, axis, size)
        x = resized(x, -1, dims.floordiv(lengths[-1], 2) + 1)
        return op("irfft", transform(x, range(-rank, -1), True), length=lengths[-1])

    tf_name = "irfft" if rank == 1 else f"irfft{rank}d"
    function.__name__ = tf_name
    function.__doc__ = f"""The inverse of rfft{"" if rank == 1 else f"{rank}d"} (tf.signal.{tf_name}).

    Args:
        input_tensor: complex64 or complex128 [..., bins].
        fft_length: {rank} sizes of the result; the last is by default 2 * (bins - 1). The input is cut, or filled
            with zeros, to what they need.
        name: accepted for compatibility.

    Returns:
        float32 or float64.

    Raises:
        DTypeError: for a real tensor.
        ShapeError: for a rank below {rank}.
        InvalidArgumentError: for lengths that are not {rank} positive sizes.
    """
    return public(f"signal.{tf_name}")(function)


irfft, irfft2d, irfft3d = (_inverse_real_transform(r) for r in (1, 2, 3))


def _turn(x: Tensor, axis: int, first: Dim) -> Tensor:
    """The axis begun at `first`, with what was before it behind."""
    shape, none = raw_shape(x), (0,) * x.ndim

    def part(begin: Dim, end: Dim) -> Tensor:
        begins: list[Dim] = [*none]
        ends = [*shape]
        begins[axis], ends[axis] = begin, end
        return op("slice", x, begin=tuple(begins), end=tuple(ends), strides=(1,) * x.ndim)

    return op("concatenate", part(first, shape[axis]), part(0, first), axis=axis)


def _shift(name: str, half: Callable[[Dim], Dim], what: str) -> Callable[..., Tensor]:
    def function(x: Any, axes: Any = None, name: str | None = None) -> Tensor:
        del name
        t = convert(x)
        for axis in axes_of(axes, t.ndim, tf_name):
            t = _turn(t, axis, half(raw_shape(t)[axis]))
        return t

    tf_name = name
    function.__name__ = name
    function.__doc__ = f"""{what}, along all axes or the given ones (tf.signal.{name}).

    Raises:
        InvalidArgumentError: for an axis out of range.
    """
    return public(f"signal.{name}")(function)


fftshift = _shift("fftshift", lambda n: n - dims.floordiv(n, 2), "The bin of frequency 0 moved to the centre")
ifftshift = _shift("ifftshift", lambda n: dims.floordiv(n, 2), "fftshift undone")
