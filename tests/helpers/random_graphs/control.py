"""cond, while and scan with random bodies, and assertions that hold.

In loops floats are clipped after every iteration, so that a rounding stays one; they count as inexact from the start.
"""

from collections.abc import Callable, Sequence

from graphcore.dtypes import bool_, int32
from graphcore.errors import InconclusiveDim, InvalidArgumentError
from graphcore.graph import Graph, Value
from graphcore.types import TensorType
from random_graphs.sketch import Sketch, has_axes

Move = Callable[[Sketch], None]
INT = TensorType(int32, ())


class Bodies:
    """Control moves whose bodies are made of the given moves; nested ones of these too, once."""

    def __init__(self, moves: Sequence[Move]) -> None:
        self.inner = tuple(moves)
        self.moves: tuple[Move, ...] = (self.cond, self.loop, self.scan, check)

    def sketch(self, s: Sketch, name: str, types: Sequence[TensorType], exact: Sequence[bool]) -> Sketch:
        """A body with inputs of the given types, and some ops on them."""
        made = Sketch(s.chooser, name, s)
        for i, (t, known) in enumerate(zip(types, exact, strict=True)):
            made.input(t, f"a{i}", known or not t.dtype.is_floating)
        if not made.exact:
            made.exact.add(made.f.constant(1.5, dtype=types[0].dtype))
            made.values.insert(0, next(iter(made.exact)))
        attempt(made, self.inner + self.moves if made.depth == 1 else self.inner, s.number(2, 5))
        return made

    def cond(self, s: Sketch) -> None:
        source = s.integer()
        total = s.f.reduce_sum(source, axes=tuple(range(source.type.rank)), keepdims=False)
        index = s.f.cast(s.f.mod(total, s.constant(4, total)), dtype=int32)
        captures = [s.value(lambda v: True) for _ in range(s.number(1, 3))]
        types = [v.type for v in captures]
        known = [v in s.exact for v in captures]
        wanted = types[: s.number(1, 2)]
        bodies: list[Graph] = []
        exact = [True] * len(wanted)
        for i in range(s.number(1, 3)):
            body = self.sketch(s, f"branch{i}", types, known)
            outputs = [_last(body, t) for t in wanted]
            exact = [e and v in body.exact for e, v in zip(exact, outputs, strict=True)]
            bodies.append(body.builder.finish(outputs))
        made = s.f.apply("cond", [index, *captures], {"bodies": tuple(bodies)})
        for v, e in zip(made, exact, strict=True):
            s.keep(v, (), exact=e)

    def loop(self, s: Sketch) -> None:
        source = s.integer()
        total = s.f.reduce_sum(source, axes=tuple(range(source.type.rank)), keepdims=False)
        limit = s.f.cast(s.f.mod(total, s.constant(4, total)), dtype=int32)
        x = s.value(lambda v: True)
        captures = [s.value(lambda v: True) for _ in range(s.number(0, 2))]
        types = [INT, x.type, INT, *(v.type for v in captures)]
        known = [True, False, True, *(v in s.exact for v in captures)]
        until = Sketch(s.chooser, "condition", s)
        counter, _, most = [until.input(t, f"a{i}") for i, t in enumerate(types)][:3]
        condition = until.builder.finish([until.f.less(counter, most)])
        body = self.sketch(s, "step", types, known)
        counter = body.builder.inputs[0]
        outputs = [body.f.add(counter, body.constant(1, counter)), _bounded(body, _last(body, x.type))]
        save = f"trips{next(s.names)}" if s.flip() else ""
        attrs = {"bodies": (condition, body.builder.finish(outputs)), "carried": 2, "save": save}
        start = s.f.constant(0, dtype=int32)
        results = s.f.apply("while", [start, x, limit, *captures], attrs)
        for v in results[:2]:
            s.keep(v, (), exact=not v.type.dtype.is_floating)
        for v in results[2:]:  # what is saved has no size that an output could have
            fold = s.f.reduce_any if v.type.dtype is bool_ else s.f.reduce_sum
            s.keep(fold(v, axes=(0,), keepdims=False), (), exact=not v.type.dtype.is_floating)

    def scan(self, s: Sketch) -> None:
        xs = s.value(lambda v: v.type.rank > 0)
        length = xs.type.shape[0]
        x = s.value(lambda v: True)
        captures = [s.value(lambda v: True) for _ in range(s.number(0, 2))]
        types = [x.type, xs.type.with_shape(xs.type.shape[1:]), *(v.type for v in captures)]
        known = [False, xs in s.exact, *(v in s.exact for v in captures)]
        body = self.sketch(s, "step", types, known)
        extra = s.pick(body.values)
        outputs = [_bounded(body, _last(body, x.type)), extra] if extra.type.dtype.is_native else [_last(body, x.type)]
        exact = [v in body.exact for v in outputs]
        bodies = (body.builder.finish(outputs),)
        attrs = {"bodies": bodies, "carried": 1, "scanned": 1, "length": length, "reverse": s.flip()}
        for v, e in zip(s.f.apply("scan", [x, xs, *captures], attrs), exact, strict=True):
            s.keep(v, (), exact=e)


def _last(body: Sketch, want: TensorType) -> Value:
    """The newest value of a type."""
    return [v for v in body.values if v.type == want][-1]


def _bounded(body: Sketch, v: Value) -> Value:
    return body.clipped(v, 4) if v.type.dtype.is_floating else v


def attempt(s: Sketch, moves: Sequence[Move], count: int) -> None:
    """So many moves; those that meet shapes or dtypes that do not fit are left out."""
    for _ in range(count):
        try:
            s.pick(moves)(s)
        except (InvalidArgumentError, InconclusiveDim):
            continue


def check(s: Sketch) -> None:
    """An assertion of something that holds: remainders are below the divisor."""
    x = s.value(lambda v: has_axes(v) and v.type.dtype.is_integer, int32)
    rest = s.keep(s.f.mod(x, s.constant(5, x)), (x,))
    s.f.apply("assert", [s.f.less(rest, s.constant(5, x))], {"message": "a remainder of 5 is below 5"})
