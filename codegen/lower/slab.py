"""What a convolution's left operand is made from: the input's elements within its bounds, apart from the window."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from codegen.loopir import Slab, SlabAxis
from codegen.lower.program import Handle
from codegen.lower.slide import Slide
from graphcore.dims import Dim

if TYPE_CHECKING:
    from codegen.lower.convolve import Convolution


def slab_of(conv: Convolution, group: Dim, *, across: bool = False) -> Slab | None:
    """The slab of a convolution in group `group`, or None where windows are not static or the input is spread.

    With `across` the rows of the operand are places of the window and channels, and its depth is images and positions.
    """
    axes = [_axis(s) for s in conv.slides]
    if not isinstance(conv.depth, int) or any(a is None for a in axes):
        return None
    program, x = conv.program, conv.x.type
    joined = conv.groups == 1 and conv.x in conv.build.readers
    image = program.axis("sb", x.shape[0])
    places = [program.axis(f"sx{a}", d) for a, d in enumerate(x.shape[1:-1])]
    extent = conv.depth
    if joined:
        extent = x.shape[-2] * conv.depth
        joint = program.axis("sc", extent)
        wide = x.with_shape((*x.shape[:-2], extent))
        value = program.load(conv.build.readers[conv.x], wide, (image, *places[:-1], joint))
    else:
        channel = program.axis("sc", extent)
        value = conv.puller.value(conv.x, (image, *places, group * conv.depth + channel))
    return _assembled(conv, [a for a in axes if a is not None], joined, program.cast(value, conv.dtype), across)


def _axis(s: Slide) -> SlabAxis | None:
    """The axis, if its window is static and no zeros lie between the input's places."""
    fixed = [d for d in (s.window, s.stride, s.spread, s.low) if isinstance(d, int)]
    if len(fixed) < 4 or s.base != 1 or s.window == 0:
        return None
    window, stride, spread, low = fixed
    return SlabAxis(s.size, window, s.out, stride, spread, low)


def _assembled(conv: Convolution, axes: Sequence[SlabAxis], joined: bool, value: Handle, across: bool) -> Slab:
    """Axes along which nothing slides are dropped, so that the last one is that of the longest rows."""
    program = conv.program
    assert isinstance(conv.depth, int)
    kept = [(f"sx{i}", a) for i, a in enumerate(axes) if not _is_still(a)] or [(f"sx{len(axes) - 1}", axes[-1])]
    last_still = _is_still(axes[-1]) and len(kept) >= 1 and kept[-1][1] is not axes[-1]
    counters = ("sb", *(n for n, _ in kept), "sc")
    body = tuple(program.statements[n] for n in program.ordered([value.name]))
    return Slab(
        tuple(a for _, a in kept), conv.x.type.shape[0], conv.depth, counters, joined and not last_still, body,
        value.name, across,
    )  # fmt: skip


def _is_still(a: SlabAxis) -> bool:
    return a.size == 1 and a.window == 1 and a.out == 1 and a.low == 0
