"""Random typed graphs over the whole op table, and how far two runs of one may differ.

Every value carries whether it is *exact*: made by operations that must agree bit for bit. Operations that jump
(comparisons, rounding, casts to integers, positions of extremes) only take exact values, since elsewhere one unit in
the last place may flip them.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st

from graphcore import GraphBuilder, dims, get_op
from graphcore.builder import evaluate_op
from graphcore.dims import Dim
from graphcore.dtypes import DType, bool_, float32, float64, int32, int64, uint8, uint32
from graphcore.errors import InconclusiveDim, InvalidArgumentError
from graphcore.functions import graph_functions
from graphcore.graph import Graph, Node, Value
from graphcore.interpret import bind_dims
from graphcore.types import TensorType

N = dims.symbol("n")
BATCHES = (1, 2, 3, 7, 64)
MAX_SIZE = 40_000
LARGEST_STATIC = 100

ARITHMETIC = ("add", "sub", "mul", "div", "minimum", "maximum")
INTEGER = ("floordiv", "mod", "bitwise_and", "bitwise_or", "bitwise_xor", "shift_left", "shift_right")
COMPARE = ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal")
LOGIC = ("logical_and", "logical_or", "logical_xor")
SMOOTH = (
    "exp", "expm1", "log", "log1p", "sqrt", "rsqrt", "tanh", "erf", "sin", "cos", "sigmoid", "silu", "softplus",
    "gelu", "gelu_tanh", "relu", "neg", "abs",
)  # fmt: skip
JUMPING = ("floor", "ceil", "round", "sign")
TESTING = ("is_nan", "is_inf", "is_finite")
REDUCE = ("reduce_sum", "reduce_prod", "reduce_max", "reduce_min")


class Sketch:
    """A graph under construction."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.builder = GraphBuilder("random")
        self.f = graph_functions(self.builder)
        self.values: list[Value] = []
        self.exact: set[Value] = set()
        self.indices: dict[Value, int] = {}

    def pick(self, options: Sequence[Any]) -> Any:
        return options[self.draw(st.integers(0, len(options) - 1))]

    def number(self, low: int, high: int) -> int:
        return self.draw(st.integers(low, high))

    def value(self, test: Callable[[Value], bool], want: DType) -> Value:
        """One of the values that pass a test, recent ones more often; or a cast of an exact one."""
        fitting = [v for v in self.values if test(v)]
        if fitting:
            return fitting[-1 - min(self.number(0, len(fitting) - 1), self.number(0, len(fitting) - 1))]
        exact = [v for v in self.values if v in self.exact]
        source = self.pick(exact)
        made = self.f.cast(source, dtype=want) if source.type.dtype is not want else source
        return self.keep(made, (source,))

    def floating(self) -> Value:
        return self.value(lambda v: v.type.dtype.is_floating, float32)

    def of(self, *dtypes: DType, exact: bool = False) -> Value:
        return self.value(lambda v: v.type.dtype in dtypes and (not exact or v in self.exact), dtypes[0])

    def beside(self, x: Value, exact: bool = False) -> Value:
        """A value of x's dtype that broadcasts with it."""

        def fits(v: Value) -> bool:
            if v.type.dtype is not x.type.dtype or (exact and v not in self.exact):
                return False
            try:
                size = get_op("add" if v.type.dtype is not bool_ else "logical_and").infer([x.type, v.type], {})
            except (InvalidArgumentError, InconclusiveDim):
                return False
            return small(size[0])

        return self.value(fits, x.type.dtype) if any(fits(v) for v in self.values) else x

    def keep(self, made: Value, operands: Sequence[Value]) -> Value:
        op = made.node.op
        rounding = op.kind == "contract" or (op.name in ("reduce_sum", "reduce_prod")) or op.max_ulp > 0
        inexact = rounding and made.type.dtype.is_floating
        if all(v in self.exact for v in operands) and not inexact:
            self.exact.add(made)
        if small(made.type) and made not in self.values:
            self.values.append(made)
        return made


def small(type_: TensorType) -> bool:
    size = dims.substitute(type_.size, {"n": max(BATCHES)})
    return isinstance(size, int) and size <= MAX_SIZE and len(type_.shape) <= 4


def _inputs(s: Sketch, symbolic: bool) -> None:
    batch: Dim = N if symbolic else s.pick((1, 2, 5, 16, 33))
    width, depth = s.pick((1, 2, 3, 7, 16, 17, 40, LARGEST_STATIC)), s.pick((1, 2, 3, 4, 9, 20))
    if s.number(0, 24) == 0:
        depth = 0
    shapes = [(batch, width), (width,), (batch, 1), (width, depth), (batch, depth), (batch, 3, depth), ()]
    main = s.pick((float32, float32, float32, float64, int32, int64))
    kinds = [main, main, main, main, s.pick((float32, int32, uint8, uint32)), s.pick((float64, float32, int64)), main]
    for i, (shape, dtype) in enumerate(zip(shapes, kinds, strict=True)):
        if i < 3 or s.number(0, 1):
            v = s.builder.input(TensorType(dtype, shape), f"x{i}")
            s.values.append(v)
            s.exact.add(v)
    flags = s.builder.input(TensorType(bool_, (batch, width)), "flags")
    s.values.append(flags)
    s.exact.add(flags)


def _elementwise(s: Sketch) -> None:
    group = s.number(0, 8)
    if group <= 2:
        x = s.value(lambda v: v.type.dtype.is_numeric, float32)
        y = s.beside(x)
        names = ARITHMETIC if x.type.dtype.is_floating else (*ARITHMETIC[:3], *ARITHMETIC[4:], *INTEGER)
        s.keep(getattr(s.f, s.pick(names))(x, y), (x, y))
    elif group <= 4:
        x = s.floating()
        name = s.pick(SMOOTH)
        if name.startswith("exp") and x not in s.exact:
            # Towers of exponentials overflow in one run and not in another that is a rounding away.
            x = s.keep(s.f.minimum(x, s.f.constant(4, like=x)), (x,))
        s.keep(getattr(s.f, name)(x), (x,))
    elif group == 5:
        x = s.value(lambda v: v.type.dtype.is_numeric and v in s.exact, float32)
        y = s.beside(x, exact=True)
        s.keep(getattr(s.f, s.pick(COMPARE))(x, y), (x, y))
    elif group == 6:
        x = s.of(bool_)
        y = s.beside(x)
        s.keep(s.f.logical_not(x) if s.number(0, 2) == 0 else getattr(s.f, s.pick(LOGIC))(x, y), (x, y))
    elif group == 7:
        x = s.of(float32, float64, exact=True)
        s.keep(getattr(s.f, s.pick(JUMPING + TESTING))(x), (x,))
    else:
        _select_or_cast(s)


def _select_or_cast(s: Sketch) -> None:
    if s.number(0, 1):
        x = s.value(lambda v: v.type.dtype.is_numeric, float32)
        y = s.beside(x)
        c = s.of(bool_)
        made = s.f.select(c, x, y)
        s.keep(made, (c, x, y))
        return
    x = s.value(lambda v: v in s.exact, float32)
    target = s.pick((float32, float64, int32, int64, bool_, uint8))
    if target is not x.type.dtype:
        s.keep(s.f.cast(x, dtype=target), (x,))


def _reduce(s: Sketch) -> None:
    x = s.value(lambda v: v.type.rank > 0 and v.type.dtype is not bool_, float32)
    rank = x.type.rank
    if rank == 0:
        return
    if s.number(0, 4) == 0 and x in s.exact:
        axis = s.number(0, rank - 1)
        s.keep(getattr(s.f, s.pick(("argmax", "argmin")))(x, axis=axis), (x,))
        return
    axes = tuple(sorted({s.number(0, rank - 1) for _ in range(s.number(1, rank))}))
    keep = bool(s.number(0, 1))
    s.keep(getattr(s.f, s.pick(REDUCE))(x, axes=axes, keepdims=keep), (x,))
    if s.number(0, 3) == 0:
        c = s.value(lambda v: v.type.dtype is bool_ and v.type.rank > 0, bool_)
        if c.type.rank:
            s.keep(getattr(s.f, s.pick(("reduce_any", "reduce_all")))(c, axes=(c.type.rank - 1,), keepdims=keep), (c,))


def _normalise(s: Sketch) -> None:
    """A softmax, or moments: reductions with consumers over the same rows."""
    x = s.value(lambda v: v.type.dtype.is_floating and v.type.rank > 0, float32)
    if x.type.rank == 0 or not x.type.dtype.is_floating:
        return
    last = (x.type.rank - 1,)
    f = s.f
    most = s.keep(f.reduce_max(x, axes=last, keepdims=True), (x,))
    e = s.keep(f.exp(f.sub(x, most)), (x,))
    total = s.keep(f.reduce_sum(e, axes=last, keepdims=True), (e,))
    s.keep(f.div(e, total), (e, total))


def _move(s: Sketch) -> None:
    x = s.value(lambda v: v.type.rank > 0, float32)
    shape, rank = x.type.shape, x.type.rank
    kind = s.pick(("transpose", "reshape", "slice", "pad", "concatenate", "reverse", "broadcast_to"))
    if rank == 0:
        kind = "broadcast_to"
    if kind == "transpose":
        perm = list(range(rank))
        perm.insert(s.number(0, rank - 1), perm.pop())
        made = s.f.transpose(x, perm=tuple(perm))
    elif kind == "reshape":
        made = s.f.reshape(x, shape=_other_shape(s, shape))
    elif kind == "slice":
        begin = [s.number(0, min(d, 2)) if isinstance(d, int) else 0 for d in shape]
        strides = [s.number(1, 3) if isinstance(d, int) else 1 for d in shape]
        made = s.f.slice(x, begin=tuple(begin), end=shape, strides=tuple(strides))
    elif kind == "pad":
        zero = s.f.constant(s.number(0, 1), dtype=x.type.dtype)
        low, high, inner = ([s.number(0, 2) for _ in shape] for _ in range(3))
        inner = [i if i == 2 and isinstance(d, int) else 0 for i, d in zip(inner, shape, strict=True)]
        made = s.f.pad(x, zero, low=tuple(low), high=tuple(high), interior=tuple(inner))
    elif kind == "concatenate":
        made = _concatenate(s, x)
    elif kind == "reverse":
        made = s.f.reverse(x, axes=(s.number(0, rank - 1),))
    else:
        made = s.f.broadcast_to(x, shape=(s.number(1, 3), *shape))
    s.keep(made, made.node.operands)


def _other_shape(s: Sketch, shape: Sequence[Dim]) -> tuple[Dim, ...]:
    total = dims.product(shape)
    choice = s.number(0, 2)
    if choice == 0:
        return (total,)
    if choice == 1 or len(shape) < 2:
        return (*shape[:1], 1, *shape[1:])
    return (shape[0] * shape[1], *shape[2:])


def _concatenate(s: Sketch, x: Value) -> Value:
    axis = s.number(0, x.type.rank - 1)

    def fits(v: Value) -> bool:
        rest = [a for a in range(x.type.rank) if a != axis]
        return (
            v.type.dtype is x.type.dtype and v.type.rank == x.type.rank
            and all(v.type.shape[a] == x.type.shape[a] for a in rest)
        )  # fmt: skip

    others = [s.pick([v for v in s.values if fits(v)]) for _ in range(s.number(1, 2))]
    return s.f.concatenate(x, *others, axis=axis)


def _contract(s: Sketch) -> None:
    x = s.value(lambda v: v.type.rank >= 2 and v.type.dtype is not bool_ and v.type.dtype is not uint8, float32)

    def matches(v: Value) -> list[int]:
        if v.type.dtype is not x.type.dtype or x.type.rank < 2:
            return []
        return [a for a in range(v.type.rank) if v.type.shape[a] == x.type.shape[-1]]

    others = [v for v in s.values if matches(v)]
    if x.type.rank < 2 or not others:
        return
    y = s.pick(others)
    axis = s.pick(matches(y))
    made = s.f.dot_general(x, y, contracting=((x.type.rank - 1,), (axis,)), batch=((), ()))
    if small(made.type):
        made = s.keep(made, (x, y))
        if s.number(0, 1) and made.type.dtype.is_floating:
            b = s.beside(made)
            s.keep(s.f.relu(s.f.add(made, b)), (made, b))


def _index(s: Sketch) -> None:
    x = s.value(lambda v: v.type.rank > 0 and v.type.dtype is not bool_, float32)
    if x.type.rank == 0 or x.type.shape[0] == 0 or x.type.size == 0:
        return
    axis = s.number(0, x.type.rank - 1)
    size = x.type.shape[axis]
    if not isinstance(size, int):
        return
    source = s.of(int32, int64, exact=True)
    indices = s.f.mod(source, s.f.constant(size, dtype=source.type.dtype))
    s.keep(indices, (source,))
    if s.number(0, 2) == 0:
        s.keep(s.f.one_hot(indices, depth=s.number(1, 5), axis=indices.type.rank, dtype=float32), (indices,))
    picked = s.f.gather(x, indices, axis=axis)
    if not small(picked.type):
        return
    s.keep(picked, (x, indices))
    if s.number(0, 1):
        s.keep(s.f.scatter_add(x, indices, picked, axis=axis), (x, indices, picked))


def _create(s: Sketch) -> None:
    shape = (s.number(1, 4), s.number(1, 20))
    s.keep(s.f.iota(shape=shape, axis=s.number(0, 1), dtype=s.pick((int32, float32, int64))), ())
    if s.number(0, 1):
        state = s.f.constant([s.number(0, 9), 0, 7], dtype=int64)
        op = s.pick(("random_uniform", "random_normal"))
        s.keep(getattr(s.f, op)(state, shape=shape, dtype=float32), ())
        s.keep(s.f.random_bits(state, shape=shape), ())


_MOVES = (_elementwise,) * 7 + (_reduce,) * 2 + (_move,) * 3 + (_contract, _index, _create, _normalise)


@st.composite
def typed_graphs(draw: st.DrawFn, least: int = 8, most: int = 16) -> Graph:
    """A graph of well-typed ops; its last values and a few others are outputs. One size "n" may be symbolic."""
    s = Sketch(draw)
    _inputs(s, symbolic=draw(st.booleans()))
    for _ in range(draw(st.integers(least, most))):
        try:
            s.pick(_MOVES)(s)
        except (InvalidArgumentError, InconclusiveDim):
            continue  # shapes that clash: another op then
    made = [v for v in s.values if v.node.op.name not in ("input", "constant")] or s.values[:1]
    outputs = list(dict.fromkeys([*made[-3:], s.pick(made), s.pick(made)]))
    return s.builder.finish(outputs)


def inputs_for(graph: Graph, seed: int, n: int = 3, special: bool = False) -> list[np.ndarray[Any, Any]]:
    """Arrays for the inputs: moderate numbers, with NaN, infinities, zeros and extremes if `special`."""
    rng = np.random.default_rng(seed)
    arrays: list[np.ndarray[Any, Any]] = []
    for v in graph.inputs:
        shape, dtype = dims.substitute(v.type.shape, {"n": n}), v.type.dtype
        if dtype is bool_:
            a = rng.random(shape) < 0.5
        elif dtype.is_floating:
            a = rng.standard_normal(shape) * 2
            if special and a.size:
                places = rng.integers(0, a.size, max(1, a.size // 8))
                a.reshape(-1)[places] = rng.choice([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-40, 1e15], places.size)
        else:
            a = rng.integers(0 if dtype.kind == "u" else -9, 10, shape)
        arrays.append(np.asarray(a).astype(dtype.numpy))
    return arrays


# -- how far two runs may differ

_NOISE_RUNS = 4


def noisy(graph: Graph, arrays: Sequence[np.ndarray[Any, Any]], seed: int) -> list[np.ndarray[Any, Any]]:
    """The graph in NumPy with an error of the permitted size added wherever rounding is not prescribed."""
    rng = np.random.default_rng(seed)
    env = bind_dims([v.type for v in graph.inputs], [a.shape for a in arrays])
    known: dict[Value, Any] = dict(zip(graph.inputs, arrays, strict=True))
    for node in graph.nodes:
        if node.op.name == "constant":
            known[node.result] = node.attrs["value"].array
        elif node.op.name != "input":
            known.update(zip(node.results, _noisy_node(node, known, env, rng), strict=True))
    return [known[v] for v in graph.outputs]


def _noisy_node(node: Node, known: Mapping[Value, Any], env: Mapping[str, int], rng: Any) -> list[Any]:
    operands = [known[v] for v in node.operands]
    attrs = dims.substitute(node.attrs, env)
    folds = node.op.kind == "contract" or node.op.name in ("reduce_sum", "reduce_prod", "scatter_add")
    if folds:
        operands = [_shake(a, 8, rng) for a in operands]
    results = evaluate_op(node.op, operands, attrs)
    ulps = 4 if folds else node.op.max_ulp
    return [_shake(a, 2 * ulps, rng) for a in results] if ulps else results


def _shake(a: Any, ulps: float, rng: Any) -> Any:
    a = np.asarray(a)
    if a.dtype.kind != "f":
        return a
    with np.errstate(all="ignore"):
        return (a * (1 + ulps * np.finfo(a.dtype).eps * rng.uniform(-1, 1, a.shape))).astype(a.dtype)


def tolerances(graph: Graph, arrays: Sequence[Any], want: Sequence[Any]) -> list[np.ndarray[Any, Any]]:
    """For every output how far each element may be from `want`: 0 where nothing may differ; inf where anything may."""
    runs = [noisy(graph, arrays, seed) for seed in range(_NOISE_RUNS)]
    found: list[np.ndarray[Any, Any]] = []
    for position, exact in enumerate(want):
        wide = exact.astype(np.float64)
        with np.errstate(all="ignore"):
            spread = np.max([np.abs(r[position].astype(np.float64) - wide) for r in runs], axis=0)
        unsure = np.zeros(exact.shape, bool)
        for r in runs:
            unsure |= np.isfinite(r[position].astype(np.float64)) != np.isfinite(wide)
        spread = np.where(np.isfinite(spread), spread, 0.0)
        spread = 8 * spread + 2 * (spread.max() if spread.size else 0.0)
        found.append(np.where(unsure, np.inf, spread))
    return found


def assert_close(got: Sequence[Any], want: Sequence[Any], tolerance: Sequence[Any], what: str) -> None:
    """Equal dtypes and shapes, NaN and infinities in the same places, numbers within tolerance (0: equal)."""
    for i, (g, w, t) in enumerate(zip(got, want, tolerance, strict=True)):
        g, w = np.asarray(g), np.asarray(w)
        same = g.dtype == w.dtype and g.shape == w.shape
        assert same, f"{what}, output {i}: {g.dtype}{g.shape} for {w.dtype}{w.shape}"
        with np.errstate(all="ignore"):
            error = np.abs(g.astype(np.float64) - w.astype(np.float64))
        good = (g == w) | ((g != g) & (w != w)) | (error <= t) | (t == np.inf)
        assert good.all(), f"{what}, output {i}: {g[~good][:4]} for {w[~good][:4]} (tolerance {t[~good][:4]})"
