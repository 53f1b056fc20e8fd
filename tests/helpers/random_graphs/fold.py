"""Reductions and contractions."""

from graphcore.dtypes import bool_
from graphcore.errors import InvalidArgumentError
from graphcore.graph import Value
from random_graphs.sketch import Sketch, has_axes, small

REDUCE = ("reduce_sum", "reduce_sum", "reduce_prod", "reduce_max", "reduce_min")


def reduce(s: Sketch) -> None:
    x = s.value(has_axes)
    axes = tuple(sorted({s.number(0, x.type.rank - 1) for _ in range(s.number(1, x.type.rank))}))
    s.keep(getattr(s.f, s.pick(REDUCE))(x, axes=axes, keepdims=s.flip()), (x,))


def test_all(s: Sketch) -> None:
    c = s.value(lambda v: v.type.dtype is bool_ and v.type.rank > 0, bool_)
    axes = (s.number(0, c.type.rank - 1),)
    s.keep(getattr(s.f, s.pick(("reduce_any", "reduce_all")))(c, axes=axes, keepdims=s.flip()), (c,))


def extreme(s: Sketch) -> None:
    x = s.value(has_axes, exact=True)
    s.keep(getattr(s.f, s.pick(("argmax", "argmin")))(x, axis=s.number(0, x.type.rank - 1)), (x,))


def normalise(s: Sketch) -> None:
    """A softmax: reductions with consumers over the same rows."""
    x = s.value(lambda v: v.type.dtype.is_floating and v.type.rank > 0)
    last = (x.type.rank - 1,)
    most = s.keep(s.f.reduce_max(x, axes=last, keepdims=True), (x,))
    e = s.keep(s.f.exp(s.f.sub(x, most)), (x, most))
    total = s.keep(s.f.reduce_sum(e, axes=last, keepdims=True), (e,))
    s.keep(s.f.div(e, total), (e, total))


def contract(s: Sketch) -> None:
    """A product over one axis, with batch axes now and then, and with an epilogue."""
    x = s.value(lambda v: has_axes(v) and v.type.rank >= 2)
    depth = x.type.shape[-1]

    def axes(v: Value) -> list[int]:
        return [a for a in range(v.type.rank) if v.type.dtype is x.type.dtype and v.type.shape[a] == depth]

    others = [v for v in s.values if axes(v)]
    if not others:
        raise InvalidArgumentError("nothing to multiply with")
    y = s.pick(others)
    axis = s.pick(axes(y))
    batched = axis > 0 and x.type.rank > 2 and x.type.shape[0] == y.type.shape[0] and s.flip()
    batch = ((0,), (0,)) if batched else ((), ())
    made = s.f.dot_general(x, y, contracting=((x.type.rank - 1,), (axis,)), batch=batch)
    if small(made.type):
        made = s.keep(made, (x, y))
        if s.flip() and made.type.dtype.is_floating:
            b = s.beside(made)
            s.keep(s.f.relu(s.f.add(made, b)), (made, b))


MOVES = (reduce, reduce, test_all, extreme, normalise, contract, contract)
