"""Ops that slide: convolution, convolution_filter, window_reduce, window_argmax."""

from typing import Any

from graphcore.graph import Value
from random_graphs.sketch import Sketch, has_axes, static

Sizes = tuple[int, ...]


def _several(s: Sketch, count: int, low: int, high: int) -> Sizes:
    return tuple(s.number(low, high) for _ in range(count))


def _dilation(s: Sketch, rank: int) -> Sizes:
    return _several(s, rank, 1, 2) if s.chance(3) else (1,) * rank


def _image(s: Sketch, shape: Sizes, floating: bool) -> Value:
    """A value [batch, *shape], the batch being symbolic if one has such an axis in front of fixed ones."""
    x = s.value(lambda v: has_axes(v) and (not floating or v.type.dtype.is_floating))
    if static(x.type.shape[1:]) and x.type.rank > 1 and x.type.shape[0] != 0:
        return s.fit(x, shape, lead=1)
    return s.fit(x, (s.number(1, 2), *shape))


def convolution(s: Sketch) -> None:
    spatial = s.pick((1, 2, 2, 2, 3))
    groups = s.pick((1, 1, 1, 2, 3))
    each = s.number(1, 1 if s.flip() else 3)
    channels, out = groups * each, groups * s.number(1, 3)
    sides = _several(s, spatial, 1, 6 if spatial < 3 else 3)
    x = _image(s, (*sides, channels), floating=True)
    source = s.value(lambda v: v.type.dtype is x.type.dtype and static(v.type.shape), x.type.dtype)
    w = s.fit(source, (*_several(s, spatial, 1, 3), each, out))
    attrs: dict[str, Any] = {
        "strides": _several(s, spatial, 1, 2), "low": _several(s, spatial, 0, 2), "high": _several(s, spatial, -1, 2),
        "lhs_dilation": _dilation(s, spatial), "rhs_dilation": _dilation(s, spatial), "groups": groups,
    }  # fmt: skip
    made = s.keep(s.f.convolution(x, w, **attrs), (x, source))
    if s.flip():
        s.keep(s.f.relu(made), (made,))
    if s.flip():
        s.keep(s.f.convolution_filter(x, made, kernel=w.type.shape[:-2], **attrs), (x, made))


def windows(s: Sketch) -> None:
    rank = s.number(1, 3)
    name = s.pick(("window_reduce", "window_reduce", "window_argmax"))
    x = _image(s, _several(s, rank, 1, 6), floating=False)
    rank = x.type.rank
    combine = s.pick(("max", "min", "max") if name == "window_argmax" else ("add", "max", "min"))
    if name == "window_argmax" and x not in s.exact:
        return
    padding = s.flip()
    attrs: dict[str, Any] = {
        "combine": combine, "window": (1, *_several(s, rank - 1, 1, 3)),
        "strides": (1, *_several(s, rank - 1, 1, 2)),
        "low": (0, *_several(s, rank - 1, 0, 2 * padding)), "high": (0, *_several(s, rank - 1, -padding, 2 * padding)),
        "base_dilation": (1, *_dilation(s, rank - 1)), "window_dilation": (1, *_dilation(s, rank - 1)),
    }  # fmt: skip
    s.keep(getattr(s.f, name)(x, **attrs), (x,))


MOVES = (convolution, convolution, windows, windows)
