"""Ops that move elements: `element` says which operand element each result element is.

`types` in an element function are the operand types. Begins, ends, paddings and shapes may be symbolic.
"""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from graphcore import dims
from graphcore.dims import Dim
from graphcore.dtypes import bool_
from graphcore.errors import InvalidArgumentError, ShapeError
from graphcore.ops.rules import (
    Attrs,
    Types,
    certainly_not,
    check_axes,
    check_count,
    check_equal_dims,
    keep_where,
    require_same_dtype,
    samples,
)  # fmt: skip
from graphcore.optable import OpDef, register
from graphcore.types import TensorType, contiguous_strides

if TYPE_CHECKING:
    from graphcore.functions import Functions

Index = tuple[Dim, ...]

# reshape


def _reshape_infer(types: Types, attrs: Attrs) -> tuple[TensorType]:
    result = types[0].with_shape(attrs["shape"])
    if types[0].size != result.size and not dims.equal(types[0].size, result.size):
        raise ShapeError(
            f"reshape: {types[0]!r} has {types[0].size} elements, but shape {tuple(attrs['shape'])} has "
            f"{result.size}; give a shape of equal size"
        )
    return (result,)


def reshape_groups(source: Sequence[Dim], target: Sequence[Dim]) -> list[tuple[range, range]]:
    """Splits two shapes of equal size into the finest runs of dimensions with equal products."""
    groups: list[tuple[range, range]] = []
    i = j = 0
    while i < len(source) or j < len(target):
        ends = (
            (p, q) for p in range(i, len(source) + 1) for q in range(j, len(target) + 1) if p > i or q > j
        )
        p, q = next(
            (p, q) for p, q in sorted(ends, key=sum)
            if dims.product(source[i:p]) == dims.product(target[j:q]) or (p, q) == (len(source), len(target))
        )  # fmt: skip
        groups.append((range(i, p), range(j, q)))
        i, j = p, q
    return groups


def reshape_index(source: Sequence[Dim], target: Sequence[Dim], index: Sequence[Dim]) -> Index:
    """The index into an array of shape `source` of the element at `index` of its reshape to `target`."""
    if any(isinstance(d, int) and d == 0 for d in source):
        return (0,) * len(source)
    result: list[Dim] = []
    for old, new in reshape_groups(source, target):
        steps = contiguous_strides([target[j] for j in new])
        position: Dim = 0
        for j, step in zip(new, steps, strict=True):
            position = position + index[j] * step
        for i, step in zip(old, contiguous_strides([source[i] for i in old]), strict=True):
            digit = dims.floordiv(position, step)
            result.append(digit if i == old[0] else dims.mod(digit, source[i]))
    return tuple(result)


reshape = register(OpDef(
    "reshape", "move", _reshape_infer, lambda x, shape: np.reshape(x, shape),
    lambda f, cts, inputs, outputs, attrs: (f.reshape(cts[0], shape=f.type(inputs[0]).shape),),
    element=lambda k, index, read, types,
    attrs: read(0, reshape_index(types[0].shape, attrs["shape"], index)),
    samples=samples("reshapes"),
))  # fmt: skip

# transpose


def _transpose_infer(types: Types, attrs: Attrs) -> tuple[TensorType]:
    perm = attrs["perm"]
    check_count("transpose", "perm", perm, types[0].rank)
    check_axes("transpose", perm, types[0].rank)
    return (types[0].with_shape([types[0].shape[i] for i in perm]),)


def inverse_permutation(perm: Sequence[int]) -> tuple[int, ...]:
    """The permutation that undoes `perm`."""
    result = [0] * len(perm)
    for i, p in enumerate(perm):
        result[p] = i
    return tuple(result)


transpose = register(OpDef(
    "transpose", "move", _transpose_infer, lambda x, perm: np.transpose(x, perm),
    lambda f, cts, inputs, outputs, attrs: (f.transpose(cts[0], perm=inverse_permutation(attrs["perm"])),),
    element=lambda k, index, read, types,
    attrs: read(0, tuple(index[i] for i in inverse_permutation(attrs["perm"]))),
    samples=samples("transposes"),
))  # fmt: skip

# broadcast_to


def _broadcast_infer(types: Types, attrs: Attrs) -> tuple[TensorType]:
    shape = tuple(attrs["shape"])
    lead = len(shape) - types[0].rank
    fits = lead >= 0 and all(
        d == 1 or d == shape[i + lead] or dims.equal(d, shape[i + lead]) for i, d in enumerate(types[0].shape)
    )
    if not fits:
        raise ShapeError(
            f"broadcast_to: {types[0]!r} does not broadcast to shape {shape}; every dimension must be 1 or "
            "equal, counted from the last"
        )
    return (types[0].with_shape(shape),)


def _broadcast_element(k: Any, index: Index, read: Any, types: Types, attrs: Attrs) -> Any:
    lead = len(index) - types[0].rank
    return read(0, tuple(0 if d == 1 else index[i + lead] for i, d in enumerate(types[0].shape)))


broadcast_to = register(OpDef(
    "broadcast_to", "move", _broadcast_infer, lambda x, shape: np.broadcast_to(x, shape),
    lambda f, cts, inputs, outputs, attrs: (f.unbroadcast(cts[0], f.type(inputs[0]).shape),),
    element=_broadcast_element, samples=samples("broadcasts"),
))  # fmt: skip

# slice: begin, end and strides are normalised, so 0 <= begin <= end <= size and strides >= 1


def _slice_infer(types: Types, attrs: Attrs) -> tuple[TensorType]:
    begin, end, strides = attrs["begin"], attrs["end"], attrs["strides"]
    for what, values in (("begin", begin), ("end", end), ("strides", strides)):
        check_count("slice", what, values, types[0].rank)
    for a, (b, e, s, n) in enumerate(zip(begin, end, strides, types[0].shape, strict=True)):
        outside = (certainly_not(lambda b=b: b >= 0) or certainly_not(lambda b=b, e=e: b <= e)
                   or certainly_not(lambda e=e,
                   n=n: e <= n) or certainly_not(lambda s=s: s >= 1))  # fmt: skip
        if outside:
            raise InvalidArgumentError(
                f"slice: {b}:{e}:{s} along axis {a} of {types[0]!r} is not normalised; expected "
                f"0 <= begin <= end <= {n} and a stride of at least 1"
            )
    return (
        types[0].with_shape([dims.ceildiv(e - b, s) for b, e, s in zip(begin, end, strides, strict=True)]),
    )


def _slice_vjp(
    f: Functions, cts: Sequence[Any], inputs: Sequence[Any], outputs: Sequence[Any], attrs: Attrs
) -> Any:
    sizes, kept = f.type(inputs[0]).shape, f.type(cts[0]).shape
    spans = [_span(m, s - 1) for m, s in zip(kept, attrs["strides"], strict=True)]
    high = tuple(n - b - span for n, b, span in zip(sizes, attrs["begin"], spans, strict=True))
    interior = tuple(s - 1 for s in attrs["strides"])
    zero = f.constant(0, like=cts[0])
    return (f.pad(cts[0], zero, low=tuple(attrs["begin"]), high=high, interior=interior),)


slice = register(OpDef(
    "slice", "move", _slice_infer,
    lambda x, begin, end, strides: x[tuple(map(builtins.slice, begin, end, strides))],
    _slice_vjp,
    element=lambda k, index, read, types, attrs: read(
        0, tuple(b + i * s for b, i, s in zip(attrs["begin"], index, attrs["strides"], strict=True))
    ),
    samples=samples("slices"),
))  # fmt: skip

# pad: operands x and a 0-d fill value; low, high and interior (fill between neighbours) are non-negative, as
# in XLA


def _span(n: Dim, interior: Dim) -> Dim:
    """The length that n elements take with `interior` places between neighbours."""
    return n if interior == 0 else n + dims.maximum(n - 1, 0) * interior


def _pad_attrs(attrs: Attrs) -> zip[tuple[Dim, Dim, Dim]]:
    low, high = attrs["low"], attrs["high"]
    return zip(low, high, attrs.get("interior") or (0,) * len(low), strict=True)


def _pad_infer(types: Types, attrs: Attrs) -> tuple[TensorType]:
    require_same_dtype("pad", types)
    x, fill = types
    if fill.rank:
        raise ShapeError(f"pad: the fill value is {fill!r}, expected a scalar (rank 0)")
    for what in ("low", "high", "interior"):
        check_count("pad", what, attrs.get(what) or (0,) * len(attrs["low"]), x.rank)
    for a, amounts in enumerate(_pad_attrs(attrs)):
        if any(certainly_not(lambda v=v: v >= 0) for v in amounts):
            raise InvalidArgumentError(
                f"pad: padding {amounts} (low, high, interior) along axis {a} of {x!r} is negative; "
                "use a slice to cut"
            )
    return (
        x.with_shape(
            [lo + _span(n, i) + hi for n, (lo, hi, i) in zip(x.shape, _pad_attrs(attrs), strict=True)]
        ),
    )


def _pad_evaluate(x: Any, fill: Any, low: Any, high: Any, interior: Any = None) -> Any:
    amounts = list(_pad_attrs({"low": low, "high": high, "interior": interior}))
    shape: Any = [lo + _span(n, i) + hi for n, (lo, hi, i) in zip(x.shape, amounts, strict=True)]
    result = np.full(shape, fill, dtype=x.dtype)
    places = [np.s_[lo : lo + _span(n, i) : i + 1] for n, (lo, _, i) in zip(x.shape, amounts, strict=True)]
    result[tuple(places)] = x
    return result


def _pad_element(k: Any, index: Index, read: Any, types: Types, attrs: Attrs) -> Any:
    conditions: list[tuple[str, Dim, Dim]] = []
    source: list[Dim] = []
    for o, n, (low, high, interior) in zip(index, types[0].shape, _pad_attrs(attrs), strict=True):
        place = o - low
        if low != 0:
            conditions.append(("le", low, o))
        if high != 0:
            conditions.append(("lt", place, _span(n, interior)))
        if interior != 0:
            conditions.append(("eq", dims.mod(place, interior + 1), 0))
        source.append(place if interior == 0 else dims.floordiv(place, interior + 1))
    if not conditions:
        return read(0, tuple(source))
    return k.choose([(tuple(conditions), lambda: read(0, tuple(source)))], lambda: read(1, ()))


def _pad_vjp(
    f: Functions, cts: Sequence[Any], inputs: Sequence[Any], outputs: Sequence[Any], attrs: Attrs
) -> Any:
    x, ct = f.type(inputs[0]), cts[0]
    amounts = list(_pad_attrs(attrs))

    def inside() -> Any:
        begin = tuple(low for low, _, _ in amounts)
        end = tuple(low + _span(n, i) for n, (low, _, i) in zip(x.shape, amounts, strict=True))
        return f.slice(ct, begin=begin, end=end, strides=tuple(i + 1 for _, _, i in amounts))

    def outside() -> Any:
        # A sum over a mask, not a difference of sums: infinities inside must not leak.
        yes, no = f.full(x.with_dtype(bool_), True), f.constant(False, dtype=bool_)
        covered = f.apply("pad", (yes, no), attrs)[0]
        masked = keep_where(f, f.logical_not(covered), ct)
        return f.reduce_sum(masked, axes=tuple(range(x.rank)), keepdims=False)

    return (inside, outside)


pad = register(OpDef(
    "pad", "move", _pad_infer, _pad_evaluate, _pad_vjp, element=_pad_element, samples=samples("pads")
))  # fmt: skip

# concatenate


def _concatenate_infer(types: Types, attrs: Attrs) -> tuple[TensorType]:
    (axis,) = check_axes("concatenate", (attrs["axis"],), types[0].rank)
    require_same_dtype("concatenate", types)
    for t in types[1:]:
        if t.rank != types[0].rank:
            raise ShapeError(
                f"concatenate: operands {types[0]!r} and {t!r} differ in rank; expand or reshape one"
            )
        for i in range(t.rank):
            if i != axis:
                check_equal_dims("concatenate", f"dimension {i}", types[0].shape[i], t.shape[i], types)
    shape = list(types[0].shape)
    for t in types[1:]:
        shape[axis] = shape[axis] + t.shape[axis]
    return (types[0].with_shape(shape),)


def _concatenate_vjp(
    f: Functions, cts: Sequence[Any], inputs: Sequence[Any], outputs: Sequence[Any], attrs: Attrs
) -> list[Any]:
    shape, axis = f.type(cts[0]).shape, attrs["axis"]
    offsets: list[Dim] = [0]
    for x in inputs:
        offsets.append(offsets[-1] + f.type(x).shape[axis])

    def part(i: int) -> Any:
        begin = tuple(offsets[i] if a == axis else 0 for a in range(len(shape)))
        end = tuple(offsets[i + 1] if a == axis else d for a, d in enumerate(shape))
        return f.slice(cts[0], begin=begin, end=end, strides=(1,) * len(shape))

    return [lambda i=i: part(i) for i in range(len(inputs))]


def _concatenate_element(k: Any, index: Index, read: Any, types: Types, attrs: Attrs) -> Any:
    axis = attrs["axis"]
    pieces: list[tuple[Any, Any]] = []
    start: Dim = 0
    for i, t in enumerate(types):
        source = (*index[:axis], index[axis] - start, *index[axis + 1 :])
        start = start + t.shape[axis]
        pieces.append(((("lt", index[axis], start),), lambda i=i, source=source: read(i, source)))
    return k.choose(pieces[:-1], pieces[-1][1]) if len(pieces) > 1 else pieces[0][1]()


def _concatenate_parts(types: Types, attrs: Attrs) -> list[Index]:
    axis, rank = attrs["axis"], types[0].rank
    starts: list[Dim] = [0]
    for t in types[:-1]:
        starts.append(starts[-1] + t.shape[axis])
    return [tuple(start if a == axis else 0 for a in range(rank)) for start in starts]


concatenate = register(OpDef(
    "concatenate", "move", _concatenate_infer, lambda *arrays, axis: np.concatenate(arrays, axis=axis),
    _concatenate_vjp, element=_concatenate_element, samples=samples("concatenations"), parts=_concatenate_parts,
))  # fmt: skip

# reverse


def _reverse_infer(types: Types, attrs: Attrs) -> tuple[TensorType]:
    check_axes("reverse", attrs["axes"], types[0].rank)
    return (types[0],)


def _reverse_element(k: Any, index: Index, read: Any, types: Types, attrs: Attrs) -> Any:
    flipped = (
        n - 1 - i if a in attrs["axes"] else i
        for a, (i, n) in enumerate(zip(index, types[0].shape, strict=True))
    )
    return read(0, tuple(flipped))


reverse = register(OpDef(
    "reverse", "move", _reverse_infer, lambda x, axes: np.flip(x, axes),
    lambda f, cts, inputs, outputs, attrs: (f.reverse(cts[0], axes=attrs["axes"]),),
    element=_reverse_element, samples=samples("reversals"),
))  # fmt: skip
