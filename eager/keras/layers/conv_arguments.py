"""What layers over spatial axes share: reading their arguments, sizes of outputs, where channels are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eager.keras import backend
from eager.tensor_shape import TensorShape

Ints = tuple[int, ...]
Sizes = Sequence[int | None]

_AXES = {1: "W", 2: "HW", 3: "DHW"}


def data_format(value: str | None, default: str | None = None) -> str:
    """channels_last or channels_first, in any case of letters.

    Args:
        value: what the user gave.
        default: what None means; without it tf.keras.backend.image_data_format().

    Raises:
        ValueError: for another word.
    """
    given = value or default or backend.image_data_format()
    found = given.lower() if isinstance(given, str) else given
    if found not in ("channels_last", "channels_first"):
        raise ValueError(
            f'The `data_format` argument must be one of "channels_first", "channels_last". Received: {value}'
        )
    return found


def op_format(layout: str, spatial: int) -> str:
    """The data format under the name that tf.nn functions use, such as NHWC."""
    return f"NC{_AXES[spatial]}" if layout == "channels_first" else f"N{_AXES[spatial]}C"


def integers(value: Any, count: int, name: str, low: int = 1) -> Ints:
    """`count` integers from one integer or a sequence of them.

    Raises:
        ValueError: for another number of them, something that is no integer, or one below `low`.
    """
    problem = f"The `{name}` argument must be a tuple of {count} integers. Received: {value}"
    if hasattr(value, "__index__"):
        found: Ints = (int(value),) * count
    else:
        found = _sequence(value, problem)
    if len(found) != count:
        raise ValueError(problem)
    wrong = sorted({v for v in found if v < low})
    if wrong:
        requirement = "> 0" if low == 1 else f">= {low}"
        raise ValueError(f"{problem} including {wrong} that does not satisfy the requirement `{requirement}`.")
    return found


def _sequence(value: Any, problem: str) -> Ints:
    try:
        given = tuple(value)
    except TypeError:
        raise ValueError(problem) from None
    for v in given:
        if not (hasattr(v, "__index__") or (isinstance(v, float) and v.is_integer())):
            raise ValueError(f"{problem} including element {v!r} of type {type(v)}")
    return tuple(int(v) for v in given)


def pairs(value: Any, count: int, name: str) -> tuple[Ints, ...]:
    """(before, after) per spatial axis, from one integer, one integer per axis, or the pairs.

    Raises:
        ValueError: for anything else, or a negative number.
    """
    if hasattr(value, "__index__"):
        value = (value,) * count
    if not hasattr(value, "__len__"):
        raise ValueError(
            f"`{name}` should be either an int, a tuple of {count} ints (the same before and after), or a tuple of "
            f"{count} tuples of 2 ints (before, after). Received: {value}."
        )
    if len(value) != count:
        raise ValueError(f"`{name}` should have {count} elements. Received: {value}.")
    return tuple(integers(v, 2, f"entry {i} of {name}", 0) for i, v in enumerate(value))


def padding_word(value: Any, causal: bool = False) -> str:
    """valid, same or, where allowed, causal, in any case of letters. Raises ValueError for anything else."""
    found = value.lower() if isinstance(value, str) else value
    if found == "causal" and not causal:
        raise ValueError(
            "Causal padding is only supported for `Conv1D` and `SeparableConv1D`. Use padding='same' or 'valid'."
        )
    if found not in ("valid", "same", "causal"):
        raise ValueError(
            'The `padding` argument must be one of "valid", "same" (or "causal", only for `Conv1D` and '
            f"`SeparableConv1D`); for other paddings put a ZeroPadding layer before. Received: {value}"
        )
    return found


def windowed(n: int | None, window: int, padding: str, stride: int, dilation: int = 1) -> int | None:
    """How many windows there are along an axis of `n`; None if that is open, not positive if none fits."""
    if n is None:
        return None
    span = (window - 1) * dilation + 1
    return ((n - span + 1 if padding == "valid" else n) + stride - 1) // stride


def channel_axis(layout: str, spatial: int) -> int:
    """The axis of channels, counted from the end."""
    return -1 - spatial if layout == "channels_first" else -1


def spatial_sizes(shape: Any, layout: str, spatial: int) -> list[int | None]:
    """The sizes of the spatial axes."""
    sizes = TensorShape(shape).as_list()
    return sizes[-spatial:] if layout == "channels_first" else sizes[-1 - spatial : -1]


def with_spatial(shape: Any, layout: str, sizes: Sizes, channels: int | None) -> TensorShape:
    """A shape with other spatial sizes and channels."""
    lead = TensorShape(shape).as_list()[: -1 - len(sizes)]
    return TensorShape([*lead, channels, *sizes] if layout == "channels_first" else [*lead, *sizes, channels])


def spatial_entries(layout: str, values: Sequence[Any], other: Any) -> list[Any]:
    """One entry per axis of a batch: the given ones for the spatial axes, `other` for batch and channels."""
    return [other, other, *values] if layout == "channels_first" else [other, *values, other]


def channels_of(shape: Any, layout: str, spatial: int, kind: str) -> int:
    """The number of channels. Raises ValueError if it is open."""
    axis = channel_axis(layout, spatial)
    found = TensorShape(shape)[axis]
    if found is None:
        raise ValueError(
            f"The channel dimension of the inputs to `{kind}` should be defined. The input_shape received is "
            f"{TensorShape(shape)}, where axis {axis} is the channel dimension, which was found to be `None`."
        )
    return found


def require_positive(sizes: Sizes, name: str, input_shape: Any, layout: str, channels: int | None) -> None:
    """Raises ValueError, naming the layer and both shapes, if a spatial size of the output is not positive."""
    if any(n is not None and n <= 0 for n in sizes):
        given = tuple(TensorShape(input_shape).as_list())
        lead = given[: -1 - len(sizes)]
        made = (*lead, channels, *sizes) if layout == "channels_first" else (*lead, *sizes, channels)
        raise ValueError(
            f"One of the dimensions in the output is <= 0 due to downsampling in {name}. Consider increasing the input "
            f"size. Received input shape {given} which would produce output shape {made} with a zero or negative "
            "value in a dimension."
        )
