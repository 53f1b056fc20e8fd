"""The tracer: a run frame that records ops on traced tensors into a graph.

A trace that starts from a real call knows the arguments' arrays. When Python asks a traced tensor for its value, the
trace ends, and the same run goes on eagerly: what was recorded is computed on demand, nothing runs twice.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from eager.context import thread
from eager.errors import InvalidArgumentError, UntraceableError
from eager.frame import Frame, again
from eager.function.location import user_location
from eager.function.observed import Observations
from eager.tensor import Tensor, type_of, wrap, wrap_value
from eager.variable import Variable
from graphcore import dims
from graphcore.builder import GraphBuilder
from graphcore.dims import Dim
from graphcore.errors import InconclusiveDim
from graphcore.graph import Graph, Location, Node, Value
from graphcore.interpret import found_sizes, run_node
from graphcore.optable import OpDef, get_op
from graphcore.types import TensorType

CONSTANT_ELEMENTS = 16
"""Arrays up to this many elements become constants of the graph; larger ones are captured as inputs."""


class Abort(NamedTuple):
    """Why a trace ended early: what Python asked for, where, and the kind of ledger entry that it makes."""

    why: str
    location: Location | None
    kind: str


class Source(NamedTuple):
    """Where a graph input comes from: kind is "argument", "captured" or "variable"."""

    kind: str
    item: Any


class Trace(Frame):
    """One tracing of one Python function.

    Attributes:
        builder: the graph so far.
        sources: one Source per graph input.
        aborted: set once the trace has ended early; the frame is then a plain eager one.
        observed: what Python functions gave while tracing.
    """

    def __init__(self, name: str, sizes: dict[str, int] | None, forbid_creation: bool = False, strict: bool = False):
        """Starts a trace.

        Args:
            name: the graph's name.
            sizes: actual sizes of the symbolic dimensions; None for a trace without real arguments.
            forbid_creation: makes the creation of a variable an error.
            strict: makes asking for a value an error instead of ending the trace.
        """
        super().__init__()
        self.tracing = True
        self.builder = GraphBuilder(name, user_location)
        self.sources: list[Source] = []
        self.aborted: Abort | None = None
        self.created: list[Variable] = []
        self._sizes = sizes
        self._forbid_creation = forbid_creation
        self._strict = strict
        self._inputs: dict[int, Value] = {}
        self._arrays: dict[Value, np.ndarray[Any, Any]] = {}
        self._made: list[weakref.ref[Tensor]] = []
        self._closed: set[Value] = set()
        self._links: dict[int, tuple[Tensor, Value]] = {}
        self.observed = Observations()

    def argument(self, type_: TensorType, array: np.ndarray[Any, Any] | None, position: int, name: str) -> Tensor:
        """Adds an argument as input; the array is its actual value, if there is one."""
        value = self._input(type_, name, Source("argument", position))
        if array is not None:
            self._arrays[value] = array
        return self._wrap(value)

    def _wrap(self, value: Value) -> Tensor:
        """A traced tensor, remembered so that `settle` can give it its array."""
        tensor = wrap_value(value)
        self._made.append(weakref.ref(tensor))
        return tensor

    def settle(self) -> None:
        """Gives every traced tensor that is still alive its array; for the end of an aborted trace.

        Tapes and the user's own objects may hold tensors of the time before the abort.
        """
        for made in self._made:
            tensor = made()
            if tensor is not None and tensor._array is None:
                tensor._array = self.array_of(tensor)

    def read(self, variable: Variable) -> Tensor:
        """The value that the run sees: a graph value, or after an abort an array."""
        entry = self._current.get(id(variable))
        if entry is not None:
            if self.tracing and entry[1]._array is None and variable.dtype.kind in "fc":
                return self._wrap(self._linked(variable, entry[1]))
            tensor = again(entry[1])
            self._made.append(weakref.ref(tensor))
            return tensor
        if not self.tracing:
            return wrap(variable._array)
        return self._wrap(self.read_original(variable))

    def original(self, variable: Variable) -> Tensor:
        """The value that the variable had when the run, or the body, began."""
        return self._wrap(self.read_original(variable)) if self.tracing else wrap(variable._array)

    def _linked(self, variable: Variable, assigned: Tensor) -> Value:
        """An assigned value as reads have it: assignments have no gradient, so its cotangent is the variable's."""
        kept = self._links.get(id(variable))
        if kept is None or kept[0] is not assigned:
            attrs = {"bodies": (_identity(type_of(assigned)),), "results": 1, "arguments": 1}
            operands = [self.value_of(assigned), self.read_original(variable)]
            kept = assigned, self.builder.emit_node(get_op("custom_gradient"), operands, attrs)[0]
            self._links[id(variable)] = kept
        return kept[1]

    def records(self, op: OpDef, inputs: Sequence[Tensor], attrs: dict[str, Any]) -> bool:
        """Whether an op goes into the graph; one on known arrays alone is computed at once.

        One that makes much of little (fill, broadcast_to, iota) is recorded all the same: a rule is smaller than the
        array that it makes. So is one whose shape depends on an open size.
        """
        if op.effects or "bodies" in attrs or any(t._array is None for t in inputs) or dims.free_symbols(attrs):
            return True
        with dims.assuming(self.builder.guards):
            results = op.infer([type_of(t) for t in inputs], attrs)
        made = max((t.size for t in results if isinstance(t.size, int)), default=0)
        return made > max([CONSTANT_ELEMENTS, *(t._array.size for t in inputs if t._array is not None)])

    def with_numbers(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The attributes of an op that runs after the end: shapes kept from before may have open sizes."""
        if self._sizes and dims.free_symbols(attrs):
            return {key: dims.substitute(value, self._sizes) for key, value in attrs.items()}
        return attrs

    def emit(self, op: OpDef, inputs: Sequence[Tensor], attrs: dict[str, Any]) -> tuple[Tensor, ...]:
        """Records one op. An undecidable size becomes a guard."""
        values = [self.value_of(t) for t in inputs]
        while True:
            try:
                with dims.assuming(self.builder.guards):
                    return tuple([self._wrap(v) for v in self.builder.emit_node(op, values, attrs)])
            except InconclusiveDim as error:
                self.decide(error)

    def decide(self, error: InconclusiveDim) -> None:
        """Settles an undecidable comparison by the actual sizes and keeps it as a guard."""
        kind, a, b = error.condition
        if not isinstance(a, int | dims.SymDim) or not isinstance(b, int | dims.SymDim):
            raise error
        self.builder.guards.append((kind, a, b, self._outcome(kind, a, b, error)))

    def _outcome(self, kind: str, a: Dim, b: Dim, error: InconclusiveDim) -> bool:
        if self._sizes is None:
            if kind != "eq":
                raise error
            # Without real sizes two open dimensions that meet are taken to be equal; each call checks it.
            return True
        x, y = dims.evaluate(a, self._sizes), dims.evaluate(b, self._sizes)
        return x == y if kind == "eq" else (x < y if kind == "lt" else x <= y)

    def value_of(self, tensor: Tensor) -> Value:
        """The graph value of a tensor: its own, a constant, or a captured input."""
        array = tensor._array
        if array is None:
            if tensor._value in self._closed:
                raise _escaped(tensor)
            return tensor._value
        if array.size <= CONSTANT_ELEMENTS:
            return self.builder.constant(array)
        if not array.flags.c_contiguous:
            # Native code reads contiguous buffers; the tensor keeps the copy, so it is made once.
            array = tensor._array = np.ascontiguousarray(array)
        value = self._inputs.get(id(array))
        if value is None:
            value = self._input(type_of(tensor), f"captured{len(self.sources)}", Source("captured", array))
            self._inputs[id(array)] = value
            self._arrays[value] = array
        return value

    def _input(self, type_: TensorType, name: str, source: Source) -> Value:
        self.sources.append(source)
        return self.builder.input(type_, name, source.kind, self.builder.here())

    def demand(self, tensor: Tensor, why: str) -> np.ndarray[Any, Any]:
        """Gives up the trace and returns the tensor's value.

        Raises:
            UntraceableError: in a trace without real arguments, or a strict one.
        """
        if self.aborted is None:
            self.give_up(f"using {tensor!r} as {why} needs its value")
        array = self.array_of(tensor)
        tensor._array = array
        return array

    def give_up(self, why: str, kind: str = "fallback", where: Location | None = None) -> None:
        """Ends the trace; this very run goes on eagerly.

        Args:
            why: what needed it, in words.
            kind: the ledger's kind of entry, "fallback" or "dynamic".
            where: the line that needed it; by default the one that is running.

        Raises:
            UntraceableError: in a trace without real arguments, or a strict one.
        """
        where = where or user_location()
        self.check_may_end(why, where)
        self.aborted = Abort(why, where, kind)
        self.tracing = False
        for node in self.builder.nodes:
            if node.effects:
                self._compute(node)
        # From here on sizes are numbers: no eager op meets a symbolic one.
        self.settle()
        for tape in thread.tapes:
            tape.fix_sizes(self._sizes or {})

    def check_may_end(self, why: str, where: Location | None) -> None:
        """Raises UntraceableError if the run cannot go on eagerly: without real arguments, or in a strict trace."""
        if self._sizes is None or self._strict:
            kind = "is strict" if self._strict else "has no real arguments (TensorSpec, Input, compute_output_shape)"
            raise UntraceableError(
                f"{where}: {why}, but this trace {kind}. "
                "Use tf.cond, tf.where or tf.while_loop, or build the layer with dynamic=True and call it eagerly"
            )

    def close(self, values: set[Value]) -> None:
        """Takes note of the values of a finished branch or loop body: they mean nothing outside of it."""
        self._closed |= values

    def variable_position(self, variable: Variable) -> int:
        """The number of the graph input that a variable is; makes one if it was never read."""
        self.read_original(variable)
        return next(i for i, s in enumerate(self.sources) if s.item is variable)

    def read_original(self, variable: Variable) -> Value:
        """The graph input that holds the variable's value at the start of the run."""
        value = self._inputs.get(id(variable))
        if value is None:
            type_ = TensorType(variable.dtype, variable._array.shape)
            value = self._input(type_, variable.name, Source("variable", variable))
            self._inputs[id(variable)] = value
            self._arrays[value] = variable._array
        return value

    def array_of(self, value: Tensor) -> np.ndarray[Any, Any]:
        """The array of a tensor of this run, computed from the recorded nodes if need be; does not end the trace."""
        if value._array is not None:
            return value._array
        if value._value not in self._arrays:
            if value._value in self._closed:
                raise _escaped(value)
            self._compute(value._value.node)
        return self._arrays[value._value]

    def peek(self, tensor: Tensor, why: str) -> np.ndarray[Any, Any]:
        """The value of a tensor without ending the trace; that of one that takes effects in bodies ends it.

        Raises:
            UntraceableError: in a trace without real arguments; in a strict one, for effects in bodies.
        """
        if tensor._array is None and any(n.effects and n.bodies for n in self._needed(tensor._value.node)):
            return self.demand(tensor, why)
        return self.array_of(tensor)

    def _needed(self, target: Node) -> list[Node]:
        """The recorded nodes that `target` needs and that have not run yet, in order."""
        needed: dict[int, Node] = {}
        stack = [target]
        while stack:
            node = stack.pop()
            if node.id in needed or (node.results and node.results[0] in self._arrays):
                continue
            needed[node.id] = node
            stack.extend(v.node for v in node.operands)
        return [needed[node_id] for node_id in sorted(needed)]

    def _compute(self, target: Node) -> None:
        sizes = {} if self._sizes is None else self._sizes
        for node in self._needed(target):
            operands = [self._arrays[v] for v in node.operands]
            arrays = run_node(node, operands, sizes)
            sizes.update(found_sizes(node, arrays))
            self._arrays.update(zip(node.results, arrays, strict=True))
            if self.tracing and node.op.name == "host_call":
                # The run that follows does not call the Python function again.
                node.attrs["call"].observed(operands, arrays)

    def creating(self, variable: Variable) -> None:
        """Takes note of a variable made while tracing. Raises ValueError where that is forbidden."""
        if self._forbid_creation and self.tracing:
            raise ValueError(
                "tf.function-decorated function tried to create variables on non-first call. Make the variable once: "
                "in __init__, in build, or guarded by `if self.v is None`"
            )
        self.created.append(variable)

    def initial_value(self, value: Tensor) -> np.ndarray[Any, Any]:
        """The array of an initial value that was computed inside the trace."""
        if self._sizes is None:
            raise UntraceableError(
                "a variable's initial value depends on a tensor of a trace without real arguments; compute it under "
                "tf.init_scope()"
            )
        return self.array_of(value)


def _identity(type_: TensorType) -> Graph:
    """A body that gives what it gets."""
    builder = GraphBuilder("read")
    return builder.finish([builder.input(type_, "ct0", "argument")])


def _escaped(tensor: Tensor) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"{tensor!r} was made inside a branch or loop body (tf.cond, tf.while_loop, tf.map_fn, tf.scan) and is used "
        "outside of it; return it from the body instead of keeping it in an attribute or list"
    )
