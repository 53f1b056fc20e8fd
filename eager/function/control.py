"""Control nodes: cond, while and scan emitted into the running trace, over lists of tensors.

Each traces its bodies as regions, makes one operand list of what they capture, carries the variables that a body
assigns, and leaves the structures of arguments and results to its caller.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from eager.dispatch import run
from eager.function.region import Region, inside, merged, operands
from eager.function.trace import Trace
from eager.ops.common import settled
from eager.tensor import Tensor, type_of
from eager.variable import Variable
from graphcore.dims import Dim
from graphcore.ops.region import same_type
from graphcore.optable import get_op
from graphcore.types import TensorType

Tensors = Sequence[Tensor]


class Traced(NamedTuple):
    """A traced body and what it gave."""

    region: Region
    results: list[Any]

    def changed(self) -> list[Variable]:
        """The variables that it assigned."""
        return [variable for variable, _ in self.region.assigned()]

    def end_of(self, variables: Sequence[Variable]) -> list[Tensor]:
        """The values of variables where it ends."""
        return [self.region.read(v) for v in variables]


def trace_body(
    outer: Trace, role: str, of: str, types: Sequence[TensorType], function: Callable[[list[Tensor]], Tensors]
) -> Traced:
    """Traces a function of tensors of the given types; locations, layers and sizes are those of the running trace.

    Args:
        outer: the running trace.
        role: what the function is to the control function, in a word.
        of: the control function.
        types: of the parameters.
        function: gives tensors.
    """
    region = Region(outer, f"{outer.builder.name}_{role}", f"the {role} of {of}")
    parameters = [region.parameter(t, f"{role}{i}") for i, t in enumerate(types)]
    with inside(region):
        return Traced(region, list(function(parameters)))


def same(a: TensorType, b: TensorType) -> bool:
    """Whether two types are equal; sizes that bounds leave open become a guard."""
    return settled(lambda: same_type(a, b))


def emit_cond(index: Tensor, branches: Sequence[Traced]) -> tuple[Tensor, ...]:
    """Emits a cond over traced branches that give values of equal types, and updates the variables.

    Args:
        index: int32, 0-d; outside of the branches' numbers it means the last.
        branches: in order.
    """
    variables = merged(b.changed() for b in branches)
    results = [[*b.results, *b.end_of(variables)] for b in branches]
    for branch, values in zip(branches, results, strict=True):
        # What a result is may itself be a capture.
        _ = [branch.region.value_of(t) for t in values]
    captures = merged(b.region.captured() for b in branches)
    bodies = tuple(b.region.finish(captures, values) for b, values in zip(branches, results, strict=True))
    found = run(get_op("cond"), [index, *operands(captures)], {"bodies": bodies})
    return _updated(found, variables)


def _updated(found: Tensors, variables: Sequence[Variable]) -> tuple[Tensor, ...]:
    """Assigns the last results to the variables and returns the others."""
    count = len(found) - len(variables)
    for variable, value in zip(variables, found[count:], strict=True):
        variable.assign(value)
    return tuple(found[:count])


def emit_while(
    outer: Trace,
    carried: Tensors,
    condition: Callable[[list[Tensor]], Tensor],
    body: Callable[[list[Tensor]], Tensors],
) -> tuple[Tensor, ...]:
    """Emits a while over functions of the carried tensors; `body` must give tensors of the same types."""
    types = [type_of(t) for t in carried]
    test = trace_body(outer, "condition", "tf.while_loop", types, lambda t: [condition(t)])
    if test.changed():
        # The condition has an effect, as one that draws random numbers has: it becomes a part of the body.
        test.region.end()
        first = condition(list(carried))

        def step(tensors: list[Tensor]) -> list[Tensor]:
            new = list(body(tensors[1:]))
            return [condition(new), *new]

        return emit_while(outer, [first, *carried], lambda t: t[0], step)[1:]
    loop = trace_body(outer, "body", "tf.while_loop", types, body)
    variables = loop.changed()
    results = [*loop.results, *loop.end_of(variables)]
    _ = [test.region.value_of(t) for t in test.results], [loop.region.value_of(t) for t in results]
    captures = _without(merged([loop.region.captured(), test.region.captured()]), variables)
    inputs = [*variables, *captures]
    attrs = {
        "bodies": (test.region.finish(inputs, test.results), loop.region.finish(inputs, results)),
        "carried": len(results),
    }
    found = run(get_op("while"), [*carried, *operands(inputs)], attrs)
    return _updated(found, variables)


def _without(items: Sequence[Any], others: Sequence[Any]) -> list[Any]:
    left_out = set(map(id, others))
    return [item for item in items if id(item) not in left_out]


def emit_scan(
    outer: Trace,
    of: str,
    carries: Tensors,
    xs: Tensors,
    length: Dim,
    body: Callable[[list[Tensor], list[Tensor]], tuple[Tensors, Tensors]],
    reverse: bool = False,
) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """Emits a scan along the first axis of `xs`.

    Args:
        outer: the running trace.
        of: the control function, in words.
        carries: values handed on from element to element.
        xs: tensors whose first size is `length`.
        length: the number of elements.
        body: (carries, elements) -> (carries, values to be stacked).
        reverse: starts at the last element.

    Returns:
        The last carries, and the stacked values.
    """
    n = len(carries)
    types = [type_of(t) for t in carries]
    types += [(t := type_of(x)).with_shape(t.shape[1:]) for x in xs]

    def flat(tensors: list[Tensor]) -> Tensors:
        ends, ys = body(tensors[:n], tensors[n:])
        return [*ends, *ys]

    loop = trace_body(outer, "function", of, types, flat)
    variables = loop.changed()
    region = loop.region
    results = [*loop.results[:n], *loop.end_of(variables), *loop.results[n:]]
    _ = [region.value_of(t) for t in results]
    captures = _without(list(region.captured()), variables)
    elements = region.parameters[n:]
    region.parameters[n:] = [*(region.capture(v) for v in variables), *elements]
    graph = region.finish(captures, results)
    attrs = {
        "bodies": (graph,), "carried": n + len(variables), "scanned": len(xs), "length": length, "reverse": reverse,
    }  # fmt: skip
    found = run(get_op("scan"), [*carries, *operands(variables), *xs, *operands(captures)], attrs)
    at = n + len(variables)
    _updated(found[n:at], variables)
    return tuple(found[:n]), tuple(found[at:])
