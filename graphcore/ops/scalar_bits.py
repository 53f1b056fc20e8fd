"""Scalar programs on the bits of floating numbers."""

from __future__ import annotations

from typing import Any

from graphcore.ops.formula import Number, where


def nextafter(k: Any, first: Any, second: Any) -> Any:
    """The number of the dtype that follows `first` on the way to `second`; `second` if they are equal."""
    x, target = Number(k, first), Number(k, second)
    bits = x.bits()
    outward = where(target > x, bits.constant(1), -1) * where(bits < 0, bits.constant(-1), 1)
    smallest = where(target.bits() < 0, bits.constant(-(1 << (8 * x.size - 1))), 0) + 1
    moved = where(x.equals(0), smallest, bits + outward)
    result = where(x.equals(target), target, Number(k, k.bitcast(moved.value, x.dtype)))
    return where(x.equals(x) & target.equals(target), result, x + target).value
