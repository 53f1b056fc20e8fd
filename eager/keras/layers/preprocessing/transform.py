"""Images seen through an affine map of positions, in public ops: native where traced, differentiable in the images."""

from __future__ import annotations

from typing import Any

from eager.ops.array import cast, gather, range, reshape, shape, where
from eager.ops.math import clip_by_value, equal, floor, logical_and, minimum

FILL_MODES = ("reflect", "wrap", "constant", "nearest")
INTERPOLATIONS = ("nearest", "bilinear")


def check_fill_and_interpolation(fill_mode: str, interpolation: str) -> None:
    """Raises NotImplementedError for another fill mode or interpolation than those listed."""
    if fill_mode not in FILL_MODES:
        raise NotImplementedError(
            f"Unknown `fill_mode` {fill_mode}. Only `reflect`, `wrap`, `constant` and `nearest` are supported."
        )
    if interpolation not in INTERPOLATIONS:
        raise NotImplementedError(f"Unknown `interpolation` {interpolation}. Only `nearest` and `bilinear` are known.")


def transform(
    images: Any, rows: Any, columns: Any, fill_mode: str = "reflect", fill_value: float = 0.0,
    interpolation: str = "bilinear",
) -> Any:  # fmt: skip
    """Images whose pixel (y, x) is what the input has at another position.

    Args:
        images: [batch, height, width, channels], floating.
        rows: (a, b, c), each [batch, 1, 1]: the input's row is a x + b y + c, in pixels.
        columns: the same for the input's column.
        fill_mode: what is beyond the edges: "reflect" (d c b a | a b c d | d c b a), "wrap" (a b c d | a b c d),
            "nearest" (a a a a | a b c d | d d d d) or "constant": the fill value.
        fill_value: for "constant".
        interpolation: "nearest" or "bilinear".

    Returns:
        Images of the same shape and dtype.
    """
    y, x = _grid(images, rows[0].dtype)
    height, width = (cast(shape(images)[axis], rows[0].dtype) for axis in (1, 2))
    at_rows = _mapped(rows[0] * x + rows[1] * y + rows[2], height, fill_mode)
    at_columns = _mapped(columns[0] * x + columns[1] * y + columns[2], width, fill_mode)
    pixels = _Pixels(images, fill_value if fill_mode == "constant" else None)
    if interpolation == "nearest":
        return pixels.at(_rounded(at_rows), _rounded(at_columns))
    return _bilinear(pixels, at_rows, at_columns)


def _grid(images: Any, dtype: Any) -> tuple[Any, Any]:
    """The row numbers [1, height, 1] and the column numbers [1, 1, width]."""
    y, x = (cast(range(shape(images)[axis]), dtype) for axis in (1, 2))
    return reshape(y, (1, -1, 1)), reshape(x, (1, 1, -1))


def _whole(x: Any) -> Any:
    """Floats cut to whole numbers towards zero, for x >= 0."""
    return floor(x)


def _rounded(x: Any) -> Any:
    """The nearest whole number, halves away from zero."""
    return where(x < 0.0, -floor(0.5 - x), floor(x + 0.5))


def _mapped(at: Any, size: Any, mode: str) -> Any:
    """Positions brought inside of 0 ... size - 1; "constant" leaves them."""
    if mode == "constant":
        return at
    if mode == "reflect":
        at = _reflected(at, size)
    elif mode == "wrap":
        at = _wrapped(at, size)
    return clip_by_value(at, cast(0, at.dtype), size - 1.0)


def _reflected(at: Any, size: Any) -> Any:
    period = 2.0 * size
    low = at + period * _whole(-at / period)
    low = where(low < -size, low + period, -low - 1.0)
    high = at - period * _whole(at / period)
    high = where(high >= size, period - high - 1.0, high)
    return where(at < 0.0, low, where(at > size - 1.0, high, at))


def _wrapped(at: Any, size: Any) -> Any:
    # One pixel wide: everything is that pixel, and the division below is not asked for.
    last = where(size > 1.0, size - 1.0, cast(1, at.dtype))
    low = at + size * (_whole(-at / last) + 1.0)
    high = at - size * _whole(at / last)
    return where(at < 0.0, low, where(at > size - 1.0, high, at))


class _Pixels:
    """A batch of images that is read at whole positions [batch, height, width]."""

    def __init__(self, images: Any, fill: float | None) -> None:
        sizes = shape(images)
        self.batch, self.height, self.width = sizes[0], sizes[1], sizes[2]
        self.flat = reshape(images, (-1, images.shape[-1] if images.shape[-1] is not None else sizes[3]))
        self.fill = fill

    def at(self, rows: Any, columns: Any) -> Any:
        """The pixels; outside of the images the fill value, or the nearest pixel where there is none."""
        y, x = self._inside(rows, self.height), self._inside(columns, self.width)
        image = reshape(range(self.batch), (-1, 1, 1))
        found = gather(self.flat, (image * self.height + y) * self.width + x)
        if self.fill is None:
            return found
        same = logical_and(equal(cast(y, rows.dtype), rows), equal(cast(x, columns.dtype), columns))
        return where(same[..., None], found, cast(self.fill, found.dtype))

    @staticmethod
    def _inside(at: Any, size: Any) -> Any:
        # Positions far outside would leave int32.
        near = clip_by_value(at, cast(-1, at.dtype), cast(size, at.dtype))
        return clip_by_value(cast(near, "int32"), 0, minimum(size - 1, size))


def _bilinear(pixels: _Pixels, rows: Any, columns: Any) -> Any:
    top, left = floor(rows), floor(columns)
    dtype = pixels.flat.dtype
    below, right = (cast(part, dtype)[..., None] for part in (rows - top, columns - left))
    above, before = 1.0 - below, 1.0 - right
    upper = before * pixels.at(top, left) + right * pixels.at(top, left + 1.0)
    lower = before * pixels.at(top + 1.0, left) + right * pixels.at(top + 1.0, left + 1.0)
    return above * upper + below * lower
