"""Ops that move elements, and those that make arrays."""

from collections.abc import Sequence

from graphcore import dims
from graphcore.dims import Dim
from graphcore.dtypes import float16, float32, float64, int64
from graphcore.graph import Value
from random_graphs.sketch import FLOATS, INTEGERS, NATIVE, N, Sketch


def transpose(s: Sketch, x: Value) -> Value:
    perm = list(range(x.type.rank))
    perm.insert(s.number(0, x.type.rank - 1), perm.pop())
    return s.f.transpose(x, perm=tuple(perm))


def reshape(s: Sketch, x: Value) -> Value:
    return s.f.reshape(x, shape=_other_shape(s, x.type.shape))


def cut(s: Sketch, x: Value) -> Value:
    shape = x.type.shape
    begin = tuple(s.number(0, min(d, 2)) if isinstance(d, int) else 0 for d in shape)
    strides = tuple(s.number(1, 3) if isinstance(d, int) else 1 for d in shape)
    return s.f.slice(x, begin=begin, end=shape, strides=strides)


def pad(s: Sketch, x: Value) -> Value:
    fill = s.f.constant(s.number(0, 1), dtype=x.type.dtype)
    low, high, inner = ([s.number(0, 2) for _ in x.type.shape] for _ in range(3))
    inner = [i if i == 2 and isinstance(d, int) else 0 for i, d in zip(inner, x.type.shape, strict=True)]
    return s.f.pad(x, fill, low=tuple(low), high=tuple(high), interior=tuple(inner))


def concatenate(s: Sketch, x: Value) -> Value:
    axis = s.number(0, x.type.rank - 1)

    def fits(v: Value) -> bool:
        return (
            v.type.dtype is x.type.dtype and v.type.rank == x.type.rank
            and all(v.type.shape[a] == x.type.shape[a] for a in range(x.type.rank) if a != axis)
        )  # fmt: skip

    others = [s.pick([v for v in s.values if fits(v)]) for _ in range(s.number(1, 2))]
    return s.f.concatenate(x, *others, axis=axis)


def reverse(s: Sketch, x: Value) -> Value:
    return s.f.reverse(x, axes=(s.number(0, x.type.rank - 1),))


def broadcast(s: Sketch, x: Value) -> Value:
    return s.f.broadcast_to(x, shape=(s.number(1, 3), *x.type.shape))


_KINDS = (transpose, transpose, reshape, cut, pad, concatenate, reverse, broadcast)


def move(s: Sketch) -> None:
    x = s.value(lambda v: v.type.rank > 0)
    made = s.pick(_KINDS)(s, x)
    s.keep(made, [v for v in made.node.operands if v.node.op.name != "constant"])


def _other_shape(s: Sketch, shape: Sequence[Dim]) -> tuple[Dim, ...]:
    choice = s.number(0, 2)
    if choice == 0:
        return (dims.product(shape),)
    if choice == 1 or len(shape) < 2:
        return (*shape[:1], 1, *shape[1:])
    return (shape[0] * shape[1], *shape[2:])


def iota(s: Sketch) -> None:
    shape = (s.number(1, 4), s.number(1, 20))
    s.keep(s.f.iota(shape=shape, axis=s.number(0, 1), dtype=s.pick((*INTEGERS, *FLOATS))), ())


def fill(s: Sketch) -> None:
    x = s.value(lambda v: v.type.rank == 0, s.pick(NATIVE))
    s.keep(s.f.fill(x, shape=(s.number(1, 3), s.number(1, 17))), (x,))


def size(s: Sketch) -> None:
    value: Dim = s.pick((N, N * 3 + 1, 7)) if any(_has_n(v) for v in s.values) else s.number(0, 9)
    attrs = {"value": value, "dtype": s.pick((*INTEGERS[2:4], float32, float64))}
    made = s.keep(s.f.apply("size", (), attrs)[0], ())
    x = s.beside(made)
    s.keep(s.f.add(made, x), (made, x))


def _has_n(v: Value) -> bool:
    return any(d == N for d in v.type.shape)


def random(s: Sketch) -> None:
    """Draws of a state that is a constant or data, and arithmetic on them."""
    if s.flip():
        state = s.f.constant([s.number(0, 9), 0, 7], dtype=int64)
    else:
        x = s.integer()
        total = s.f.reduce_sum(s.f.cast(x, dtype=int64), axes=tuple(range(x.type.rank)), keepdims=False)
        state = s.f.broadcast_to(s.f.bitwise_and(total, s.constant(255, total)), shape=(3,))
    shape = (s.number(1, 4), s.number(1, 20))
    name = s.pick(("random_bits", "random_uniform", "random_normal"))
    attrs = {} if name == "random_bits" else {"dtype": s.pick((float32, float64, float16))}
    made = s.keep(getattr(s.f, name)(state, shape=shape, **attrs), ())
    y = s.beside(made)
    s.keep(s.f.add(made, y), (made, y))


MOVES = (*(move,) * 7, iota, fill, size, random)
