"""Canonicalization of convolutions."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

from graphcore import dims
from graphcore.dims import Dim
from graphcore.functions import Functions
from graphcore.graph import Node, Value
from graphcore.ops.spread import dilated
from graphcore.passes.match import Operands, RuleTable
from graphcore.types import TensorType

_MOST_PHASES = 16


def pointwise(f: Functions, node: Node, x: Operands) -> Value | None:
    """Law: a convolution with one filter place, stride 1 and no padding = a product of matrices."""
    attrs, shape, kernel = node.attrs, x[0].type.shape, x[1].type.shape
    plain = all(v == 0 for v in (*attrs["low"], *attrs["high"]))
    plain = plain and all(d == 1 for d in (*attrs["lhs_dilation"], *attrs["strides"]))
    if attrs["groups"] != 1 or not plain or any(k != 1 for k in kernel[:-2]):
        return None
    matrix = f.reshape(x[1], shape=kernel[-2:])
    return f.dot_general(x[0], matrix, contracting=((len(shape) - 1,), (0,)), batch=((), ()))


class _Phase(NamedTuple):
    """What the output positions of one residue see along an axis: every `step`-th place of the filter from `first` on.

    Attributes:
        first, step, places: which, and how many; spread: how far apart they are in the input; low: padding before it.
    """

    first: int
    step: int
    places: int
    spread: int
    low: int


def phases(f: Functions, node: Node, x: Operands) -> Value | None:
    """Law: a convolution of a spread input = its positions by residue, each seeing every few places of the filter."""
    # Products with the zeros between the input's elements are left out, and with them NaN from an infinite filter.
    spread, given = node.attrs["lhs_dilation"], x[1].type.shape[:-2]
    kernel = [k for k in given if isinstance(k, int)]
    fixed = all(isinstance(v, int) for v in (*spread, *node.attrs["low"], *node.attrs["rhs_dilation"]))
    if all(s == 1 for s in spread) or not fixed or math.prod(spread) > _MOST_PHASES:
        return None
    if len(kernel) < len(given) or 0 in kernel or any(a != 1 for a in node.attrs["strides"]):
        return None
    rows = list(zip(spread, kernel, node.attrs["low"], node.attrs["rhs_dilation"], strict=True))
    along = [[_phase(r, s, k, low, d) for r in range(s)] for s, k, low, d in rows]
    out = node.results[0].type.shape
    sizes = [dims.ceildiv(n, s) for n, s in zip(out[1:-1], spread, strict=True)]
    made = {
        at: _convolved(f, node, x, [p[r] for p, r in zip(along, at, strict=True)], sizes)
        for at in itertools.product(*map(range, spread))
    }
    return _interleaved(f, made, spread, sizes, out)


def _phase(r: int, s: int, kernel: int, low: int, d: int) -> _Phase | None:
    """The places that positions s * t + r see of an input that is spread by s; None if there are none."""
    common = math.gcd(s, d)
    first = next((k for k in range(min(kernel, s)) if (r + k * d - low) % s == 0), None)
    if first is None:
        return None
    step = s // common
    return _Phase(first, step, -(-(kernel - first) // step), d // common, (low - r - first * d) // s)


def _convolved(
    f: Functions, node: Node, x: Operands, parts: Sequence[_Phase | None], sizes: Sequence[Dim]
) -> Value:
    """The output positions of one residue along every axis."""
    kept = [p for p in parts if p is not None]
    shape = (node.results[0].type.shape[0], *sizes, node.results[0].type.shape[-1])
    if len(kept) < len(parts):
        return f.full(TensorType(x[0].type.dtype, shape), 0)
    kernel, ones = x[1].type.shape, (1,) * len(kept)
    w = f.slice(
        x[1], begin=(*(p.first for p in kept), 0, 0), end=kernel, strides=(*(p.step for p in kept), 1, 1)
    )
    rows = zip(sizes, x[0].type.shape[1:-1], kept, strict=True)
    high = tuple(t - 1 + dilated(p.places, p.spread) - n - p.low for t, n, p in rows)
    return f.convolution(
        x[0], w, strides=ones, low=tuple(p.low for p in kept), high=high, lhs_dilation=ones,
        rhs_dilation=tuple(p.spread for p in kept), groups=node.attrs["groups"],
    )  # fmt: skip


def _interleaved(
    f: Functions, made: dict[tuple[int, ...], Value], spread: Sequence[int], sizes: Sequence[Dim], out: Sequence[Dim]
) -> Value:
    """The residues side by side, one axis after the other, and what is beyond the last position cut off."""
    rank = len(spread)
    parts = {
        at: f.reshape(v, shape=(out[0], *itertools.chain.from_iterable((t, 1) for t in sizes), out[-1]))
        for at, v in made.items()
    }
    for a in reversed(range(rank)):
        if spread[a] == 1:
            parts = {at[:-1]: v for at, v in parts.items()}
            continue
        heads = dict.fromkeys(at[:-1] for at in parts)
        parts = {
            head: f.concatenate(*(parts[*head, r] for r in range(spread[a])), axis=2 * a + 2) for head in heads
        }
    whole = [t * s for t, s in zip(sizes, spread, strict=True)]
    y = f.reshape(parts[()], shape=(out[0], *whole, out[-1]))
    if tuple(whole) == tuple(out[1:-1]):
        return y
    return f.slice(y, begin=(0,) * len(out), end=tuple(out), strides=(1,) * len(out))


RULES: RuleTable = {"convolution": (pointwise, phases)}
"""Op name -> rules."""
