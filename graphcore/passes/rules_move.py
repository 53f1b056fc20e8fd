"""Canonicalization of movement, broadcasting and reductions over nothing."""

from __future__ import annotations

from graphcore.dims import Dim
from graphcore.errors import InconclusiveDim, ShapeError
from graphcore.functions import Functions
from graphcore.graph import Node, Value
from graphcore.passes.match import Operands, RuleTable, has_integers, made_by

_SELF_COMBINING = frozenset(("reduce_max", "reduce_min", "reduce_any", "reduce_all"))


def forward(f: Functions, node: Node, x: Operands) -> Value | None:
    """Law: identity(x) = stop_gradient(x) = x: they matter to gradients only, which are taken before."""
    return x[0]


def same_shape(f: Functions, node: Node, x: Operands) -> Value | None:
    """Law: reshape and broadcast_to to the shape that is there already change nothing."""
    return x[0] if x[0].type == node.result.type else None


def reshape_reshape(f: Functions, node: Node, x: Operands) -> Value | None:
    """Law: reshape(reshape(x, s), t) = reshape(x, t)."""
    if not made_by(x[0], "reshape"):
        return None
    return f.reshape_to(x[0].node.operands[0], node.result.type.shape)


def transpose_nothing(f: Functions, node: Node, x: Operands) -> Value | None:
    """Law: transpose by (0, 1, ...) changes nothing."""
    return x[0] if tuple(node.attrs["perm"]) == tuple(range(x[0].type.rank)) else None


def transpose_transpose(f: Functions, node: Node, x: Operands) -> Value | None:
    """Law: transpose(transpose(x, p), q) = transpose(x, p of q)."""
    if not made_by(x[0], "transpose"):
        return None
    inner = x[0].node
    return f.transpose(inner.operands[0], perm=tuple(inner.attrs["perm"][a] for a in node.attrs["perm"]))


def broadcast_broadcast(f: Functions, node: Node, x: Operands) -> Value | None:
    """Law: broadcast_to(broadcast_to(x, s), t) = broadcast_to(x, t)."""
    if not made_by(x[0], "broadcast_to"):
        return None
    return f.broadcast_to(x[0].node.operands[0], shape=node.result.type.shape)


def broadcast_leading_ones(f: Functions, node: Node, x: Operands) -> Value | None:
    """Law: broadcast_to(reshape(x, (1, ..., *x.shape)), t) = broadcast_to(x, t), which adds leading ones."""
    if not made_by(x[0], "reshape"):
        return None
    source = x[0].node.operands[0]
    lead = x[0].type.rank - source.type.rank
    if lead <= 0 or x[0].type.shape != (1,) * lead + source.type.shape:
        return None
    return f.broadcast_to(source, shape=node.result.type.shape)


def fill_broadcast(f: Functions, node: Node, x: Operands) -> Value | None:
    """Law: fill(v, s) = broadcast_to(v, s)."""
    return f.broadcast_to(x[0], shape=node.result.type.shape)


def size_known(f: Functions, node: Node, x: Operands) -> Value | None:
    """Law: the size of a dimension that is a plain number is a constant."""
    value = node.attrs["value"]
    return f.constant(value, dtype=node.result.type.dtype) if isinstance(value, int) else None


def slice_all(f: Functions, node: Node, x: Operands) -> Value | None:
    """Law: slice of everything with stride 1 changes nothing."""
    unit = all(b == 0 for b in node.attrs["begin"]) and all(s == 1 for s in node.attrs["strides"])
    return x[0] if unit and x[0].type == node.result.type else None


def slice_slice(f: Functions, node: Node, x: Operands) -> Value | None:
    """Law: slice(slice(x, b1, s1), b2, s2) = slice(x, b1 + b2*s1, s1*s2)."""
    if not made_by(x[0], "slice"):
        return None
    inner, outer = x[0].node.attrs, node.attrs
    begin: list[Dim] = []
    end: list[Dim] = []
    strides: list[Dim] = []
    for axis, size in enumerate(node.result.type.shape):
        first = inner["begin"][axis] + outer["begin"][axis] * inner["strides"][axis]
        stride = inner["strides"][axis] * outer["strides"][axis]
        begin.append(first)
        # One past the last element taken, as long as there is one; slices of nothing are left alone.
        end.append(first + (size - 1) * stride + 1)
        strides.append(stride)
    if any(size == 0 for size in node.result.type.shape):
        return None
    return f.slice(x[0].node.operands[0], begin=tuple(begin), end=tuple(end), strides=tuple(strides))


def pad_nothing(f: Functions, node: Node, x: Operands) -> Value | None:
    """Law: pad by 0 on every side and between neighbours changes nothing."""
    amounts = (*node.attrs["low"], *node.attrs["high"])
    return x[0] if not _has_interior(node) and all(d == 0 for d in amounts) else None


def pad_pad(f: Functions, node: Node, x: Operands) -> Value | None:
    """Law: pad(pad(x, v, l1, h1), v, l2, h2) = pad(x, v, l1 + l2, h1 + h2)."""
    if not made_by(x[0], "pad") or x[0].node.operands[1] is not x[1]:
        return None
    if _has_interior(node) or _has_interior(x[0].node):
        return None
    inner, outer = x[0].node.attrs, node.attrs
    low = tuple(a + b for a, b in zip(inner["low"], outer["low"], strict=True))
    high = tuple(a + b for a, b in zip(inner["high"], outer["high"], strict=True))
    return f.pad(x[0].node.operands[0], x[1], low=low, high=high)


def _has_interior(node: Node) -> bool:
    return any(d != 0 for d in node.attrs.get("interior") or ())


def reverse_ones(f: Functions, node: Node, x: Operands) -> Value | None:
    """Law: reversing an axis of size 1 changes nothing."""
    axes = tuple(a for a in node.attrs["axes"] if x[0].type.shape[a] != 1)
    if axes == tuple(node.attrs["axes"]):
        return None if axes else x[0]
    return f.reverse(x[0], axes=axes) if axes else x[0]


def reverse_reverse(f: Functions, node: Node, x: Operands) -> Value | None:
    """Law: reverse(reverse(x, a), b) = reverse(x, the axes in one of a and b)."""
    if not made_by(x[0], "reverse"):
        return None
    axes = tuple(sorted(set(node.attrs["axes"]) ^ set(x[0].node.attrs["axes"])))
    source = x[0].node.operands[0]
    return f.reverse(source, axes=axes) if axes else source


def concatenate_one(f: Functions, node: Node, x: Operands) -> Value | None:
    """Law: concatenate(x) = x."""
    return x[0] if len(x) == 1 else None


def concatenate_empty(f: Functions, node: Node, x: Operands) -> Value | None:
    """Law: operands of size 0 along the axis add nothing to a concatenation."""
    kept = [v for v in x if v.type.shape[node.attrs["axis"]] != 0]
    if not kept or len(kept) == len(x):
        return None
    return f.concatenate(*kept, axis=node.attrs["axis"])


def reduce_nothing(f: Functions, node: Node, x: Operands) -> Value | None:
    """Law: a reduction over no axes changes nothing; not so a float sum, since 0.0 + -0.0 = 0.0."""
    float_sum = node.op.name == "reduce_sum" and not has_integers(x[0])
    return x[0] if not node.attrs["axes"] and not float_sum else None


def reduce_reduce(f: Functions, node: Node, x: Operands) -> Value | None:
    """Law: max over b of max over a = max over both; so min, any, all, and sums and products of integers."""
    name = node.op.name
    exact = name in _SELF_COMBINING or has_integers(x[0])
    if not exact or not made_by(x[0], name) or x[0].node.attrs["keepdims"] != node.attrs["keepdims"]:
        return None
    inner = x[0].node
    source = inner.operands[0]
    left = [a for a in range(source.type.rank) if inner.attrs["keepdims"] or a not in inner.attrs["axes"]]
    axes = tuple(sorted({*inner.attrs["axes"], *(left[a] for a in node.attrs["axes"])}))
    return f.apply(name, (source,), {"axes": axes, "keepdims": node.attrs["keepdims"]})[0]


def drop_broadcast(f: Functions, node: Node, x: Operands) -> Value | None:
    """Law: op(broadcast_to(a), b) = op(a, b) for elementwise ops, where the result keeps its shape."""
    if len(x) < 2 or not _same_on_any_shape(node):
        return None
    for i, value in enumerate(x):
        if made_by(value, "broadcast_to"):
            operands = (*x[:i], value.node.operands[0], *x[i + 1 :])
            if _result_shape_stays(node, operands):
                return f.apply(node.op, operands, node.attrs)[0]
    return None


def broadcast_last(f: Functions, node: Node, x: Operands) -> Value | None:
    """Law: op(broadcast_to(c), ...) = broadcast_to(op(c, ...)) where every operand is a constant of one element."""
    sources = [v.node.operands[0] if made_by(v, "broadcast_to") else v for v in x]
    if list(x) == sources or not _same_on_any_shape(node):
        return None
    if any(not made_by(v, "constant") or v.type.size != 1 for v in sources):
        return None
    scalars = [f.constant(v.node.attrs["value"].array.reshape(())) for v in sources]
    return f.broadcast_to(f.apply(node.op, scalars, node.attrs)[0], shape=node.result.type.shape)


def _same_on_any_shape(node: Node) -> bool:
    # NumPy's transcendental loops may give other last bits for other strides, so only exact ops are moved.
    return node.op.max_ulp == 0


def _result_shape_stays(node: Node, operands: Operands) -> bool:
    try:
        types = node.op.infer([v.type for v in operands], node.attrs)
    except (InconclusiveDim, ShapeError):
        return False
    return types[0] == node.result.type


RULES: RuleTable = {
    "identity": (forward,),
    "stop_gradient": (forward,),
    "reshape": (same_shape, reshape_reshape),
    "broadcast_to": (same_shape, broadcast_broadcast, broadcast_leading_ones),
    "fill": (fill_broadcast,),
    "size": (size_known,),
    "transpose": (transpose_nothing, transpose_transpose),
    "slice": (slice_all, slice_slice),
    "pad": (pad_nothing, pad_pad),
    "reverse": (reverse_ones, reverse_reverse),
    "concatenate": (concatenate_one, concatenate_empty),
    "reduce_sum": (reduce_nothing, reduce_reduce),
    "reduce_prod": (reduce_nothing, reduce_reduce),
    "reduce_max": (reduce_nothing, reduce_reduce),
    "reduce_min": (reduce_nothing, reduce_reduce),
    "reduce_any": (reduce_nothing, reduce_reduce),
    "reduce_all": (reduce_nothing, reduce_reduce),
}
"""Op name -> rules."""

ELEMENTWISE_RULES = (broadcast_last, drop_broadcast)
"""Rules for every elementwise op."""
