"""Sub-traces: a branch or loop body of a control op as a child graph of the running trace.

Tensors of the outer trace that the body uses become captures: operands of the control node, inputs of the body. They
are told apart as objects, as tapes do, so that a watched tensor gets its gradient. Variables are captured at their
current value; those that the body assigns come out as extra outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn, TypeVar

from eager.context import run_frame, thread
from eager.function.location import user_location
from eager.function.trace import CONSTANT_ELEMENTS, Trace
from eager.ops.common import known_sizes
from eager.tensor import Tensor, type_of
from eager.variable import Variable
from graphcore import dims
from graphcore.builder import GraphBuilder
from graphcore.graph import Graph, Location, Value
from graphcore.optable import OpDef
from graphcore.types import TensorType

_R = TypeVar("_R")


class RegionExit(BaseException):
    """Leaves a body that cannot be a graph, up to the outermost control function, which then runs eagerly.

    No `Exception`: user code that catches errors must not catch it.
    """

    def __init__(self, why: str, where: Location | None, kind: str) -> None:
        """Takes what the trace's end will be put down to."""
        super().__init__(why)
        self.why, self.where, self.kind = why, where, kind


class Region(Trace):
    """The trace of one branch or loop body.

    Attributes:
        outer: the trace around it, itself perhaps a region.
        what: what it is, in words, such as "a branch of tf.cond".
        parameters: the inputs that are no captures, in order.
    """

    in_body = True

    def __init__(self, outer: Trace, name: str, what: str) -> None:
        """Starts a sub-trace; it shares the guards and sizes of the outer one."""
        super().__init__(name, outer._sizes)
        self.builder.guards = outer.builder.guards
        self.outer, self.what = outer, what
        self.parameters: list[Value] = []
        self._outer_tapes = thread.tapes
        self._captured: dict[int, tuple[Any, Value]] = {}
        self._own: set[Value] = set()

    def parameter(self, type_: TensorType, name: str) -> Tensor:
        """Adds an input that is no capture: a carried value or an element."""
        value = self.builder.input(type_, name, "argument", self.builder.here())
        self.parameters.append(value)
        return self._wrap(value)

    def _wrap(self, value: Value) -> Tensor:
        self._own.add(value)
        return super()._wrap(value)

    # Captures --------------------------------------------------------------------------------------------------------

    def value_of(self, tensor: Tensor) -> Value:
        """The body's value of a tensor: its own, a constant, or a captured input."""
        array = tensor._array
        if array is None and tensor._value in self._own:
            return tensor._value
        if not self.watched(tensor):
            if array is not None and array.size <= CONSTANT_ELEMENTS:
                return self.builder.constant(array)
            if array is None and (tensor._value.node.op.name == "constant" or known_sizes(tensor) is not None):
                # Constants and arithmetic on sizes are written again, so that what depends on them stays known.
                with dims.assuming(self.builder.guards):
                    return self._copied(tensor._value)
        # The outer trace must know it too, and refuses what belongs to another region.
        self.outer.value_of(tensor)
        return self.capture(tensor)

    def _copied(self, value: Value) -> Value:
        node = value.node
        if node.op.name == "constant":
            return self.builder.constant(node.attrs["value"])
        return self.builder.emit_node(node.op, [self._copied(v) for v in node.operands], node.attrs)[0]

    def capture(self, item: Any) -> Value:
        """The input for a tensor of the outside or a variable; makes one if there is none."""
        found = self._captured.get(id(item))
        if found is None:
            tensor = isinstance(item, Tensor)
            type_ = type_of(item) if tensor else TensorType(item.dtype, item._array.shape)
            name = f"captured{len(self._captured)}" if tensor else item.name
            value = self.builder.input(type_, name, "captured", self.builder.here())
            found = self._captured[id(item)] = (item, value)
        return found[1]

    def captured(self) -> Iterator[Any]:
        """The tensors of the outside and variables that are inputs, in order of first use."""
        return (item for item, _ in self._captured.values())

    def watched(self, tensor: Tensor) -> bool:
        """Whether a tape around the control function watches the tensor, which must then be an operand."""
        if any(id(tensor) in tape._watched for tape in self._outer_tapes):
            return True
        return isinstance(self.outer, Region) and self.outer.watched(tensor)

    def records(self, op: OpDef, inputs: Sequence[Tensor], attrs: dict[str, Any]) -> bool:
        """Whether an op goes into the graph; one on what an outer tape watches must."""
        return super().records(op, inputs, attrs) or any(self.watched(t) for t in inputs)

    def read_original(self, variable: Variable) -> Value:
        """The input that holds the variable's value where the body starts."""
        return self.capture(variable)

    # What needs a value ----------------------------------------------------------------------------------------------

    def demand(self, tensor: Tensor, why: str) -> NoReturn:
        """Leaves the region: no value is known here. Raises RegionExit, or UntraceableError in a strict trace."""
        self.give_up(f"using {tensor!r} as {why} needs its value")

    def give_up(self, why: str, kind: str = "fallback", where: Location | None = None) -> NoReturn:
        """Leaves the region. Raises RegionExit, or UntraceableError in a strict trace or one without arguments."""
        root = self.outer
        while isinstance(root, Region):
            root = root.outer
        why, where = f"{why}, inside {self.what}", where or user_location()
        root.check_may_end(why, where)
        raise RegionExit(why, where, kind)

    def creating(self, variable: Variable) -> None:
        """Takes note of a variable made here. Raises ValueError where that is forbidden."""
        self.outer.creating(variable)

    def initial_value(self, value: Tensor) -> Any:
        """The array of an initial value; one that the body computes leaves the region."""
        return value._array if value._array is not None else self.demand(value, "an initial value")

    # The finished body -----------------------------------------------------------------------------------------------

    def finish(self, inputs: Iterable[Any], outputs: Iterable[Tensor]) -> Graph:
        """The body's graph: its parameters and then `inputs` (tensors of the outside, variables) are its inputs."""
        results = [self.value_of(t) for t in outputs]
        self.builder.inputs[:] = [*self.parameters, *(self.capture(item) for item in inputs)]
        graph = self.builder.finish(results)
        self.end()
        return graph

    def end(self) -> None:
        """Makes the tensors of this region unusable in the outer trace."""
        self.outer.close(self._own | self._closed)


@contextmanager
def inside(region: Region) -> Generator[Region]:
    """A context in which ops go into the region; tapes of the outside do not see them."""
    with run_frame(region):
        yield region


def operands(items: Iterable[Any]) -> list[Tensor]:
    """Captured items as tensors of the running trace: a variable is read, which tapes take note of."""
    return [item if isinstance(item, Tensor) else item.value() for item in items]


def merged(groups: Iterable[Iterable[Any]]) -> list[Any]:
    """The different objects of several groups, in order."""
    return list({id(item): item for group in groups for item in group}.values())


def leave(trace: Trace, why: str) -> NoReturn:
    """Ends the trace from within `attempt`. Raises RegionExit, or UntraceableError in a strict trace."""
    where = user_location()
    if isinstance(trace, Region):
        trace.give_up(why, where=where)
    trace.check_may_end(why, where)
    raise RegionExit(why, where, "fallback")


def attempt(trace: Trace, traced: Callable[[], _R], eager: Callable[[], _R]) -> _R:
    """What `traced` gives; if a body cannot be a graph, the trace ends and `eager` starts over.

    Inside another region the exit goes on to that one.
    """
    try:
        return traced()
    except RegionExit as leave:
        if isinstance(trace, Region):
            raise
        why, where, kind = leave.why, leave.where, leave.kind
    trace.give_up(why, kind, where)
    return eager()


def with_sizes(graph: Graph, sizes: Mapping[str, int]) -> Graph:
    """A body with numbers in the place of open sizes, for a trace that ended early."""
    builder = GraphBuilder(graph.name, fold_bytes=0)
    new: dict[Value, Value] = {}
    for node in graph.nodes:
        types = [v.type.with_shape(dims.substitute(v.type.shape, sizes)) for v in node.results]
        attrs = {key: dims.substitute(value, sizes) for key, value in node.attrs.items()}
        if node.op.name == "input":
            results: Sequence[Value] = (builder.input(types[0], attrs["name"], attrs["role"], node.locations),)
        else:
            bodies = tuple([with_sizes(body, sizes) for body in node.bodies])
            results = builder.emit_node(node.op, [new[v] for v in node.operands], attrs, node.locations, bodies, types)
        new.update(zip(node.results, results, strict=True))
    builder.inputs[:] = [new[v] for v in graph.inputs]
    return builder.finish([new[v] for v in graph.outputs])
