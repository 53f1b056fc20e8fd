"""Compiled graphs as callables: GraphFunction (arrays in, arrays out, differentiable) and ConcreteFunction."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from eager import nest
from eager.context import BUSY, state, thread
from eager.dispatch import run
from eager.frame import Frame
from eager.function.trace import Source
from eager.tensor import Tensor, wrap
from eager.tensor_shape import TensorShape, TensorSpec
from eager.variable import Variable
from graphcore import dims
from graphcore.autodiff import backward, copy_into
from graphcore.builder import GraphBuilder
from graphcore.functions import Functions, Handle, graph_functions
from graphcore.graph import Graph
from graphcore.interpret import bind_dims
from graphcore.optable import get_op
from graphcore.types import TensorType

Array = np.ndarray[Any, Any]


class GraphFunction:
    """A pure graph that runs natively; the unit that a tape records as one op.

    Attributes:
        graph: the graph as traced.
        compile_seconds: what optimising and compiling cost, once compiled.
    """

    def __init__(self, graph: Graph) -> None:
        """Takes a traced graph; compilation happens on first use."""
        self.graph = graph
        self.compile_seconds = 0.0
        self._passes: list[Any] = []
        self._compiled: Any = None
        self._backward: dict[tuple[bool, ...], tuple[GraphFunction, tuple[bool, ...]]] = {}

    @property
    def name(self) -> str:
        """The graph's name."""
        return self.graph.name

    @property
    def passes(self) -> list[Any]:
        """One PassRecord per pass, once compiled."""
        if self._compiled is not None and not self._passes:
            _ = self._compiled.graph  # code from the disk cache went through no pass until someone asks
        return self._passes

    @property
    def compiled(self) -> Any:
        """The native code (a codegen NativeGraph), made or read from the disk cache when first asked for."""
        if self._compiled is None:
            from eager.native import compile_traced

            start = time.perf_counter()
            self._compiled = compile_traced(self.graph, self._passes)
            self.compile_seconds = time.perf_counter() - start
        return self._compiled

    def infer(self, types: Sequence[TensorType]) -> tuple[TensorType, ...]:
        """The output types for actual input types. Raises ShapeError if they do not fit."""
        env = bind_dims([v.type for v in self.graph.inputs], [t.shape for t in types], self.name)  # pyright: ignore[reportArgumentType]
        return tuple(v.type.with_shape(dims.substitute(v.type.shape, env)) for v in self.graph.outputs)

    def evaluate(self, *arrays: Array) -> tuple[Array, ...]:
        """Runs the compiled graph on arrays."""
        return tuple(self.compiled.run([np.ascontiguousarray(a).reshape(a.shape) for a in arrays]))

    def vjp(
        self, f: Functions, cts: Sequence[Handle | None], inputs: Sequence[Handle], outputs: Sequence[Handle]
    ) -> list[Handle | None]:
        """Cotangents of the inputs, through a backward graph that is compiled on first use."""
        del outputs
        pattern = tuple(ct is not None for ct in cts)
        if pattern not in self._backward:
            self._backward[pattern] = self._build_backward(pattern)
        function, given = self._backward[pattern]
        operands = [*inputs, *(ct for ct in cts if ct is not None)]
        results = iter(f.apply(get_op("call"), operands, {"function": function}) if any(given) else ())
        return [next(results) if has else None for has in given]

    def _build_backward(self, pattern: tuple[bool, ...]) -> tuple[GraphFunction, tuple[bool, ...]]:
        """The graph that computes forward again and then backward, as one function of inputs and cotangents."""
        builder = GraphBuilder(f"{self.name}_backward")
        builder.guards = list(self.graph.guards)
        f = graph_functions(builder)
        with dims.assuming(self.graph.guards):
            sources = [builder.input(v.type, v.node.attrs["name"]) for v in self.graph.inputs]
            wanted = [v for v, has in zip(self.graph.outputs, pattern, strict=True) if has]
            cotangents = [builder.input(v.type, f"ct{i}") for i, v in enumerate(wanted)]
            records, outputs = copy_into(self.graph, sources, f)
            targets = [v for v, has in zip(outputs, pattern, strict=True) if has]
            grads = backward(records, targets, sources, cotangents, f)
        given = tuple(g is not None and s.type.dtype.kind in "fc" for g, s in zip(grads, sources, strict=True))
        graph = builder.finish([g for g, has in zip(grads, given, strict=True) if has and g])
        return GraphFunction(_needed(graph)), given


class ConcreteFunction:
    """One trace of a tf.function: a graph with its variables, captured arrays and result structure.

    Attributes:
        function: the compiled graph.
        structure: the returned structure with output numbers or constant objects as leaves.
        observed: the shapes of the arguments that it was traced with.
    """

    def __init__(
        self, graph: Graph, sources: Sequence[Source], structure: Any, returned: int,
        updated: Sequence[Variable], observed: Sequence[tuple[int, ...]],
    ) -> None:  # fmt: skip
        """Takes what the tracer found; `returned` outputs come before one output per updated variable."""
        self.function = GraphFunction(graph)
        self.structure = structure
        self.observed = list(observed)
        self._sources = tuple(sources)
        self._returned = returned
        self._updated = tuple(updated)
        self._flat_entry: Callable[..., Any] | None = None
        self.argument_types = [
            v.type for v, s in zip(graph.inputs, sources, strict=True) if s.kind == "argument"
        ]

    @property
    def graph(self) -> Graph:
        """The graph as traced."""
        return self.function.graph

    @property
    def name(self) -> str:
        """The graph's name."""
        return self.graph.name

    @property
    def variables(self) -> list[Variable]:
        """The variables that are read or assigned."""
        seen = {id(s.item): s.item for s in self._sources if s.kind == "variable"}
        seen.update((id(v), v) for v in self._updated)
        return list(seen.values())

    @property
    def inputs(self) -> list[TensorSpec]:
        """One TensorSpec per tensor argument."""
        return [TensorSpec(TensorShape.of(t.shape), t.dtype) for t in self.argument_types]

    def accepts(self, arrays: Sequence[Array]) -> bool:
        """Whether arguments of these dtypes and shapes fit, guards included."""
        env: dict[str, int] = {}
        for type_, array in zip(self.argument_types, arrays, strict=True):
            if array.dtype != type_.dtype.numpy or array.ndim != type_.rank:
                return False
            for d, n in zip(type_.shape, array.shape, strict=True):
                name = dims.is_symbol(d)
                if (d if name is None else env.setdefault(name, n)) != n or (name is not None and n < 1):
                    return False
        return all(_holds(g, env) for g in self.graph.guards)

    def call_flat(self, *leaves: Any) -> Any:
        """Calls on tensor arguments in order; returns the structure."""
        if state.busy:
            return self.execute(*leaves)
        return self.flat_entry(*leaves)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Calls on tensors, in the order of `inputs`."""
        from eager.convert import convert

        leaves = nest.flatten([list(args), *kwargs.values()])
        if len(leaves) != len(self.argument_types):
            raise TypeError(f"{self.name} takes {len(self.argument_types)} tensors, got {len(leaves)}")
        return self.execute(*(convert(x, like=t.dtype) for x, t in zip(leaves, self.argument_types, strict=True)))

    @property
    def flat_entry(self) -> Callable[..., Any]:
        """The native entry over the tensor arguments in order, falling back to `execute`."""
        if self._flat_entry is None:
            self._flat_entry = self.entry(self.execute, list(range(len(self.argument_types))))
        return self._flat_entry

    def entry(
        self, slow: Callable[..., Any], positions: Sequence[int], constants: Sequence[tuple[int, Any]] = (),
        keywords: Sequence[str] = (),
    ) -> Callable[..., Any]:  # fmt: skip
        """A native entry.

        Args:
            slow: what calls that do not fit go to.
            positions: for each tensor argument its position in the call.
            constants: (position, object) pairs that a fitting call passes as they are.
            keywords: names of the last positions where they are passed by keyword.
        """
        from eager.native import EntryPlan

        compiled = self.function.compiled
        inputs: list[Any] = []
        for source in self._sources:
            if source.kind == "argument":
                inputs.append(("arg", positions[source.item]))
            elif source.kind == "captured":
                inputs.append(("captured", source.item))
            else:
                inputs.append(("variable", source.item, source.item._version))
        kind, pack = self._result()
        donated = set(compiled.donations)
        plan = EntryPlan(
            arguments=len(positions) + len(constants) - len(keywords), keywords=keywords, constants=constants,
            inputs=inputs, input_types=[v.type for v in self.graph.inputs],
            output_types=[v.type for v in self.graph.outputs], tensor_type=Tensor, slow=slow,
            result=pack or kind, returned=list(range(self._returned)), guards=self.graph.guards, busy=BUSY,
            updates=[(*update, update in donated) for update in self.graph.updates], symbols=compiled.symbols,
            packed=compiled.packed, arena=compiled.arena, host=compiled.host, on_error=compiled.fail,
            work=compiled.work, name=self.name,
        )  # fmt: skip
        return compiled.entry(plan)

    def _result(self) -> tuple[Any, Callable[[list[Any]], Any] | None]:
        structure = self.structure
        if isinstance(structure, _Out):
            return "single", None
        if structure is None:
            return "none", None
        if type(structure) in (list, tuple) and [x.index if isinstance(x, _Out) else -1 for x in structure] == list(
            range(self._returned)
        ):
            return ("list" if isinstance(structure, list) else "tuple"), None
        return "list", self.pack

    def pack(self, tensors: Sequence[Any]) -> Any:
        """The result structure filled with output tensors."""
        leaves = [tensors[x.index] if isinstance(x, _Out) else x for x in nest.flatten(self.structure)]
        return nest.pack_sequence_as(self.structure, leaves)

    def execute(self, *leaves: Any) -> Any:
        """Runs through Python: on the overlay of the current run, and seen by tapes. Returns the structure."""
        tensors = [x if type(x) is Tensor else wrap(np.ascontiguousarray(x)) for x in leaves]
        frame = thread.frame
        if frame is None and self._updated:
            own = Frame()
            result = self._execute(tensors, own)
            own.commit()
            return result
        return self._execute(tensors, frame)

    def _execute(self, tensors: Sequence[Tensor], frame: Frame | None) -> Any:
        operands: list[Tensor] = []
        for source in self._sources:
            if source.kind == "argument":
                operands.append(tensors[source.item])
            elif source.kind == "captured":
                operands.append(wrap(source.item))
            else:
                operands.append(source.item.value())
        outputs = run(get_op("call"), operands, {"function": self.function})
        for variable, value in zip(self._updated, outputs[self._returned :], strict=True):
            assert frame is not None
            frame.assign(variable, value)
        return self.pack(outputs[: self._returned])


def _needed(graph: Graph) -> Graph:
    """The graph without what its outputs do not need: what had an effect had it when the function ran forward."""
    from graphcore.passes.rewrite import Rewriter

    needed = {v.node.id for v in graph.outputs}
    for node in reversed(graph.nodes):
        if node.id in needed:
            needed.update(v.node.id for v in node.operands)
    return Rewriter(graph, fold_bytes=0).run(keep=lambda node: node.id in needed or node.op.name == "input")


class _Out:
    """A leaf of the result structure that is the graph's output of that index."""

    __slots__ = ("index",)

    def __init__(self, index: int) -> None:
        self.index = index


def output_leaf(index: int) -> Any:
    """The leaf of a result structure that stands for an output of the graph."""
    return _Out(index)


def _holds(guard: dims.Guard, env: Mapping[str, int]) -> bool:
    kind, a, b, outcome = guard
    x, y = dims.evaluate(a, env), dims.evaluate(b, env)
    return (x == y if kind == "eq" else (x < y if kind == "lt" else x <= y)) is outcome


__all__ = ["ConcreteFunction", "GraphFunction", "output_leaf"]
