"""The only door to codegen: from a graph of the tracer to machine code. Imported on the first compilation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from codegen import compile_graph
from codegen.pool.pool import pool
from codegen.runtime.plan import EntryPlan
from graphcore import passes
from graphcore.builder import GraphBuilder
from graphcore.graph import Graph
from graphcore.optable import OpDef
from graphcore.types import TensorType

PIPELINE = "canonicalize,fold,cse,dce,fuse,memory"

__all__ = ["PIPELINE", "EntryPlan", "compile_op", "compile_traced", "set_threads"]


def compile_traced(graph: Graph, record: list[Any] | None = None) -> Any:
    """Optimises and compiles a traced graph; returns a codegen.CompiledGraph.

    Args:
        graph: as the tracer built it.
        record: takes one PassRecord per pass, if given.
    """
    return compile_graph(passes.run(graph, PIPELINE, record=record))


def set_threads(number: int) -> None:
    """Sets on how many threads a kernel runs; 0 is the default. Raises InvalidArgumentError for what is no number."""
    pool().set_threads(number)


def compile_op(op: OpDef, types: Sequence[TensorType], attrs: dict[str, Any]) -> Callable[[Sequence[Any]], list[Any]]:
    """A native function of arrays for a single op on operands of the given types; sizes may be symbolic."""
    builder = GraphBuilder(op.name)
    inputs = [builder.input(t, f"x{i}", "argument") for i, t in enumerate(types)]
    compiled = compile_traced(builder.finish(builder.emit(op.name, inputs, **attrs)))
    return compiled.run
