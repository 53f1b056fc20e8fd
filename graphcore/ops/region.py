"""Ops that run body graphs: cond, while, scan.

A body is a closed graph: what it reads from outside comes in through operands. Types of its inputs may use symbols of
the graph around it, also ones that no input of the body binds; `env` carries their sizes to `evaluate`.
Gradients stand in `region_grad`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from graphcore import dims
from graphcore.dtypes import bool_, int32
from graphcore.errors import DTypeError, InvalidArgumentError, ShapeError
from graphcore.ops.rules import Attrs, Types, samples
from graphcore.optable import OpDef, register
from graphcore.types import TensorType

if TYPE_CHECKING:
    from graphcore.functions import Functions
    from graphcore.graph import Graph

Env = Mapping[str, int] | None


def same_type(a: TensorType, b: TensorType) -> bool:
    """Whether two types have one dtype and equal sizes.

    Raises:
        InconclusiveDim: if that depends on sizes not known.
    """
    if a.dtype is not b.dtype or a.rank != b.rank:
        return False
    return all(x == y or dims.equal(x, y) for x, y in zip(a.shape, b.shape, strict=True))


def _expect(op: str, what: str, want: TensorType, have: TensorType, remedy: str) -> None:
    if same_type(want, have):
        return
    error = DTypeError if want.dtype is not have.dtype else ShapeError
    raise error(f"{op}: {what} is {have!r}, expected {want!r}; {remedy}")


def _expect_inputs(op: str, what: str, body: Graph, types: Types) -> None:
    """The inputs of a body are of the given types, one for one."""
    if len(body.inputs) != len(types):
        raise InvalidArgumentError(
            f"{op}: {what} has {len(body.inputs)} inputs but gets {len(types)} values; give it one input per value"
        )
    for i, (value, type_) in enumerate(zip(body.inputs, types, strict=True)):
        name = value.node.attrs.get("name", i)
        _expect(op, f"the value for input {i} ({name}) of {what}", value.type, type_, "cast or reshape it first")


def _expect_invariant(op: str, body: Graph, types: Types) -> None:
    """The first outputs of a body have the types of the carried values."""
    if len(body.outputs) < len(types):
        raise InvalidArgumentError(
            f"{op}: the body gives {len(body.outputs)} values, expected at least the {len(types)} carried ones"
        )
    for i, (value, type_) in enumerate(zip(body.outputs, types, strict=False)):
        name = body.inputs[i].node.attrs.get("name", i)
        _expect(
            op, f"carried value {i} ({name}) after an iteration", type_, value.type,
            "a loop keeps dtype and shape of what it carries: cast or reshape it in the body, or start from that type",
        )  # fmt: skip


def _bodies(op: str, attrs: Attrs, count: int | None) -> tuple[Graph, ...]:
    bodies = tuple(attrs.get("bodies") or ())
    if not bodies or (count is not None and len(bodies) != count):
        wanted = "at least one body graph" if count is None else f"{count} body graph{'s' * (count != 1)}"
        raise InvalidArgumentError(f"{op}: got {len(bodies)} body graphs, expected {wanted} in attrs['bodies']")
    return bodies


def _count(op: str, attrs: Attrs, name: str, limit: int) -> int:
    count = attrs.get(name, 0)
    if not isinstance(count, int) or not 0 <= count <= limit:
        raise InvalidArgumentError(f"{op}: {name} is {count!r}, expected an int from 0 to {limit} operands")
    return count


def bound_inside(body: Graph) -> set[str]:
    """Names of the sizes that only a run of the body finds out (`save` of loops in it)."""
    return {str(n.attrs["save"]) for n in body.nodes if n.attrs.get("save")}


def _expect_known_sizes(op: str, body: Graph) -> None:
    """No result of a body has a size that only its run finds out."""
    inside = bound_inside(body)
    for i, value in enumerate(body.outputs):
        if inside & dims.free_symbols(value.type.shape):
            raise ShapeError(
                f"{op}: output {i} of the body is {value.type!r}, whose size depends on data inside of the body; "
                "reduce it to a fixed shape there"
            )


def scope(env: Env, body: Graph, shapes: Sequence[Sequence[int]]) -> dict[str, int]:
    """The sizes for a run of a body: those around it, and what the shapes of its operands say."""
    found = dict(env or {})
    for value, shape in zip(body.inputs, shapes, strict=True):
        for d, n in zip(value.type.shape, shape, strict=True):
            name = dims.is_symbol(d)
            if name is not None:
                found.setdefault(name, int(n))
    return found


def _run(body: Graph, arrays: Sequence[Any], env: Mapping[str, int]) -> list[Any]:
    from graphcore.interpret import interpret

    return interpret(body, arrays, env)


# cond: operands index (int32, 0-d) and captures; attr bodies, one per index; an index outside selects the last


def _cond_infer(types: Types, attrs: Attrs) -> tuple[TensorType, ...]:
    bodies = _bodies("cond", attrs, None)
    if not types or types[0] != TensorType(int32, ()):
        raise DTypeError(f"cond: the index is {types[0] if types else 'missing'!r}, expected int32[]; cast it first")
    first = bodies[0]
    for b, body in enumerate(bodies):
        _expect_inputs("cond", f"body {b} ({body.name})", body, types[1:])
        _expect_known_sizes("cond", body)
        if len(body.outputs) != len(first.outputs):
            raise InvalidArgumentError(
                f"cond: body 0 gives {len(first.outputs)} values and body {b} gives {len(body.outputs)}; "
                "every branch must give the same values"
            )
        for i, (want, have) in enumerate(zip(first.outputs, body.outputs, strict=True)):
            _expect(
                "cond", f"value {i} of body {b} ({body.name})", want.type, have.type,
                "every branch must give values of the same dtypes and shapes as the first: cast or reshape it there",
            )  # fmt: skip
    return tuple(v.type for v in first.outputs)


def _cond_evaluate(index: Any, *captures: Any, bodies: Sequence[Graph], env: Env = None) -> tuple[Any, ...]:
    number = int(index)
    body = bodies[number if 0 <= number < len(bodies) else -1]
    return tuple(_run(body, captures, scope(env, body, [a.shape for a in captures])))


def _cond_vjp(
    f: Functions, cts: Sequence[Any], inputs: Sequence[Any], outputs: Sequence[Any], attrs: Attrs
) -> Sequence[Any]:
    from graphcore.ops.region_grad import cond_vjp

    return cond_vjp(f, cts, inputs, attrs)


cond = register(OpDef("cond", "control", _cond_infer, _cond_evaluate, _cond_vjp, samples=samples("conds")))

# while: operands carried and captures; attrs bodies (condition, body), carried, save. Both bodies take all operands.
# With save="s", also the values of every carried one at the start of each iteration, stacked: (s, *shape), where s is
# a new symbol that the run finds out.


def _while_infer(types: Types, attrs: Attrs) -> tuple[TensorType, ...]:
    condition, body = _bodies("while", attrs, 2)
    carried = _count("while", attrs, "carried", len(types))
    _expect_inputs("while", "the condition", condition, types)
    _expect_inputs("while", "the body", body, types)
    if [v.type for v in condition.outputs] != [TensorType(bool_, ())]:
        got = [v.type for v in condition.outputs]
        raise DTypeError(f"while: the condition gives {got}, expected one bool[]; reduce it with tf.reduce_all")
    if len(body.outputs) != carried:
        raise InvalidArgumentError(f"while: the body gives {len(body.outputs)} values, expected the {carried} carried")
    _expect_invariant("while", body, types[:carried])
    _expect_known_sizes("while", body)
    kept = tuple(types[:carried])
    save = attrs.get("save", "")
    if not save:
        return kept
    if not carried:
        raise InvalidArgumentError(f"while: save={save!r} with nothing carried; carry a value, or do not save")
    trips = dims.symbol(save, 0)
    return (*kept, *(t.with_shape((trips, *t.shape)) for t in kept))


def _while_evaluate(
    *operands: Any, bodies: Sequence[Graph], carried: int, save: str = "", env: Env = None
) -> tuple[Any, ...]:
    condition, body = bodies
    sizes = scope(env, body, [a.shape for a in operands])
    state, captures = list(operands[:carried]), operands[carried:]
    history: list[list[Any]] = []
    while bool(_run(condition, (*state, *captures), sizes)[0]):
        history.append(state)
        state = _run(body, (*state, *captures), sizes)
    if not save:
        return tuple(state)
    return (*state, *(_stacked([row[i] for row in history], state[i]) for i in range(carried)))


def _stacked(values: Sequence[Any], like: Any) -> Any:
    like = np.asarray(like)
    result = np.empty((len(values), *like.shape), like.dtype)
    for i, value in enumerate(values):
        result[i] = value
    return result


def _while_vjp(
    f: Functions, cts: Sequence[Any], inputs: Sequence[Any], outputs: Sequence[Any], attrs: Attrs
) -> Sequence[Any]:
    from graphcore.ops.region_grad import while_vjp

    return while_vjp(f, cts, inputs, outputs, attrs)


while_ = register(OpDef("while", "control", _while_infer, _while_evaluate, _while_vjp, samples=samples("whiles")))

# scan: operands carries, xs, captures; attrs bodies (body,), carried, scanned, length, reverse. The body takes
# (*carries, *elements of xs, *captures) and gives (*carries, *ys); results are the last carries, and ys stacked. With
# reverse it starts at the last element.


def _scan_infer(types: Types, attrs: Attrs) -> tuple[TensorType, ...]:
    (body,) = _bodies("scan", attrs, 1)
    carried = _count("scan", attrs, "carried", len(types))
    scanned = _count("scan", attrs, "scanned", len(types) - carried)
    length = attrs["length"]
    elements: list[TensorType] = []
    for i, t in enumerate(types[carried : carried + scanned]):
        if not t.rank or not (t.shape[0] == length or dims.equal(t.shape[0], length)):
            raise ShapeError(
                f"scan: scanned value {i} is {t!r}, expected a first dimension of the length {length}; slice it"
            )
        elements.append(t.with_shape(t.shape[1:]))
    _expect_inputs("scan", "the body", body, (*types[:carried], *elements, *types[carried + scanned :]))
    _expect_invariant("scan", body, types[:carried])
    _expect_known_sizes("scan", body)
    ys = (v.type.with_shape((length, *v.type.shape)) for v in body.outputs[carried:])
    return (*types[:carried], *ys)


def _scan_evaluate(
    *operands: Any, bodies: Sequence[Graph], carried: int, scanned: int, length: int, reverse: bool = False,
    env: Env = None,
) -> tuple[Any, ...]:  # fmt: skip
    (body,) = bodies
    state, xs, captures = _split(operands, carried, scanned)
    shapes = [a.shape for a in state] + [x.shape[1:] for x in xs] + [a.shape for a in captures]
    sizes = scope(env, body, shapes)
    types = [v.type for v in body.outputs[carried:]]
    ys = [np.empty((length, *dims.substitute(t.shape, sizes)), t.dtype.numpy) for t in types]
    for t in reversed(range(length)) if reverse else range(length):
        results = _run(body, (*state, *(x[t] for x in xs), *captures), sizes)
        state = results[:carried]
        for y, value in zip(ys, results[carried:], strict=True):
            y[t] = value
    return (*state, *ys)


def _split(operands: Sequence[Any], carried: int, scanned: int) -> tuple[list[Any], list[Any], list[Any]]:
    values = [np.asarray(a) for a in operands]
    return values[:carried], values[carried : carried + scanned], values[carried + scanned :]


def _scan_vjp(
    f: Functions, cts: Sequence[Any], inputs: Sequence[Any], outputs: Sequence[Any], attrs: Attrs
) -> Sequence[Any]:
    from graphcore.ops.region_grad import scan_vjp

    return scan_vjp(f, cts, inputs, attrs)


scan = register(OpDef("scan", "control", _scan_infer, _scan_evaluate, _scan_vjp, samples=samples("scans")))
