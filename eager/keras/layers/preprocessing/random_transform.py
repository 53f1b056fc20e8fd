"""Layers that turn, zoom and move images at random."""

from __future__ import annotations

import math
from typing import Any

from eager.keras.layers.preprocessing.random_base import RandomImageLayer, limits_of, wide
from eager.keras.layers.preprocessing.transform import check_fill_and_interpolation, transform
from eager.keras.layers.table import registry
from eager.ops.array import cast, shape, zeros_like
from eager.ops.math import cos, sin


class _Transformed(RandomImageLayer):
    """What the layers that move pixels share."""

    def __init__(
        self, fill_mode: str, interpolation: str, seed: int | None, fill_value: float, **kwargs: Any
    ) -> None:
        super().__init__(seed=seed, **kwargs)
        check_fill_and_interpolation(fill_mode, interpolation)
        self.fill_mode = fill_mode
        self.fill_value = fill_value
        self.interpolation = interpolation

    def _draws(self, images: Any, limits: tuple[float, float]) -> Any:
        """[batch, 1, 1] numbers within limits."""
        return self._uniform([shape(images)[0], 1, 1], *limits, wide(images.dtype))

    def _seen(self, images: Any, rows: Any, columns: Any) -> Any:
        return transform(images, rows, columns, self.fill_mode, self.fill_value, self.interpolation)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {
            "fill_mode": self.fill_mode, "fill_value": self.fill_value, "interpolation": self.interpolation,
        }  # fmt: skip


def _last(images: Any, dtype: Any) -> tuple[Any, Any]:
    """The numbers of the last row and column."""
    sizes = shape(images)
    return cast(sizes[1], dtype) - 1.0, cast(sizes[2], dtype) - 1.0


@registry.add()
class RandomRotation(_Transformed):
    """Images turned about their middle by random angles (tf.keras.layers.RandomRotation)."""

    def __init__(
        self, factor: Any, fill_mode: str = "reflect", interpolation: str = "bilinear", seed: int | None = None,
        fill_value: float = 0.0, **kwargs: Any,
    ) -> None:  # fmt: skip
        """Takes how far images turn.

        Args:
            factor: a fraction of a full turn: a pair of limits, or one number for minus and plus it. Positive turns
                counter-clockwise.
            fill_mode: "reflect", "wrap", "nearest" or "constant": what is beyond the edges.
            interpolation: "bilinear" or "nearest".
            seed: of the layer's own stream.
            fill_value: for "constant".
            **kwargs: as for Layer.

        Raises:
            ValueError: if the upper limit is below the lower one.
            NotImplementedError: for another fill mode or interpolation.
        """
        super().__init__(fill_mode, interpolation, seed, fill_value, **kwargs)
        self.factor = factor
        self.lower, self.upper = limits_of(factor)
        if self.upper < self.lower:
            raise ValueError(f"`factor` argument cannot have a negative value. Received: factor={factor}")

    def _changed(self, images: Any) -> Any:
        turn = 2.0 * math.pi
        angles = self._draws(images, (self.lower * turn, self.upper * turn))
        c, s = cos(angles), sin(angles)
        bottom, right = _last(images, angles.dtype)
        at_column = (right - (c * right - s * bottom)) / 2.0
        at_row = (bottom - (s * right + c * bottom)) / 2.0
        return self._seen(images, (s, c, at_row), (c, -s, at_column))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {"factor": self.factor}


@registry.add()
class RandomZoom(_Transformed):
    """Images enlarged or made smaller about their middle by random factors (tf.keras.layers.RandomZoom)."""

    def __init__(
        self, height_factor: Any, width_factor: Any = None, fill_mode: str = "reflect",
        interpolation: str = "bilinear", seed: int | None = None, fill_value: float = 0.0, **kwargs: Any,
    ) -> None:  # fmt: skip
        """Takes how far images zoom: positive factors show more (zoom out), negative ones less.

        Args:
            height_factor: a pair of limits, or one number for minus and plus it, within [-1, 1].
            width_factor: the same for the width; None keeps the proportions.
            fill_mode, interpolation, seed, fill_value: as for RandomRotation.
            **kwargs: as for Layer.

        Raises:
            ValueError: for factors out of range.
            NotImplementedError: for another fill mode or interpolation.
        """
        super().__init__(fill_mode, interpolation, seed, fill_value, **kwargs)
        self.height_factor = height_factor
        self.height_lower, self.height_upper = limits_of(height_factor)
        if abs(self.height_lower) > 1.0 or abs(self.height_upper) > 1.0:
            raise ValueError(
                f"`height_factor` argument must have values between [-1, 1]. Received: height_factor={height_factor}"
            )
        self.width_factor = width_factor
        self._width_limits = None if width_factor is None else limits_of(width_factor)
        if self._width_limits is not None and min(self._width_limits) < -1.0:
            raise ValueError(
                f"`width_factor` argument must have values larger than -1. Received: width_factor={width_factor}"
            )

    def _changed(self, images: Any) -> Any:
        down = self._draws(images, (1.0 + self.height_lower, 1.0 + self.height_upper))
        along = down
        if self._width_limits is not None:
            along = self._draws(images, (1.0 + self._width_limits[0], 1.0 + self._width_limits[1]))
        bottom, right = _last(images, down.dtype)
        none = zeros_like(down)
        rows = (none, down, bottom / 2.0 * (1.0 - down))
        return self._seen(images, rows, (along, none, right / 2.0 * (1.0 - along)))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {"height_factor": self.height_factor, "width_factor": self.width_factor}


@registry.add()
class RandomTranslation(_Transformed):
    """Images moved by random distances (tf.keras.layers.RandomTranslation)."""

    def __init__(
        self, height_factor: Any, width_factor: Any, fill_mode: str = "reflect", interpolation: str = "bilinear",
        seed: int | None = None, fill_value: float = 0.0, **kwargs: Any,
    ) -> None:  # fmt: skip
        """Takes how far images move, as fractions of their size: positive ones down and to the right.

        Args:
            height_factor, width_factor: a pair of limits, or one number for minus and plus it, within [-1, 1].
            fill_mode, interpolation, seed, fill_value: as for RandomRotation.
            **kwargs: as for Layer.

        Raises:
            ValueError: for factors out of range, or limits in the wrong order.
            NotImplementedError: for another fill mode or interpolation.
        """
        super().__init__(fill_mode, interpolation, seed, fill_value, **kwargs)
        self.height_factor = height_factor
        self.width_factor = width_factor
        self._down = _checked_limits(height_factor, "height_factor")
        self._along = _checked_limits(width_factor, "width_factor")

    def _changed(self, images: Any) -> Any:
        down, along = self._draws(images, self._down), self._draws(images, self._along)
        bottom, right = _last(images, down.dtype)
        none, one = zeros_like(down), zeros_like(down) + 1.0
        rows = (none, one, -down * (bottom + 1.0))
        return self._seen(images, rows, (one, none, -along * (right + 1.0)))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {"height_factor": self.height_factor, "width_factor": self.width_factor}


def _checked_limits(factor: Any, name: str) -> tuple[float, float]:
    lower, upper = limits_of(factor)
    if upper < lower:
        raise ValueError(f"`{name}` cannot have upper bound less than lower bound, got {factor}")
    if abs(lower) > 1.0 or abs(upper) > 1.0:
        raise ValueError(f"`{name}` argument must have values between [-1, 1]. Received: {name}={factor}")
    return lower, upper
