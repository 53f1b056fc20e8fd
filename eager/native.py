"""The only door to codegen: from a graph of the tracer to machine code. Imported on the first call of a trace."""

from __future__ import annotations

import gc
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any

from codegen.cache.graphs import cached
from codegen.pool.pool import pool
from codegen.runtime.plan import EntryPlan
from graphcore.builder import GraphBuilder
from graphcore.graph import Graph
from graphcore.optable import OpDef
from graphcore.types import TensorType

PIPELINE = "canonicalize,fold,cse,dce,fuse,memory"

__all__ = ["PIPELINE", "EntryPlan", "cache_tools", "compile_op", "compile_traced", "set_threads"]


def compile_traced(graph: Graph, record: list[Any] | None = None) -> Any:
    """The native code of a traced graph: a CachedGraph from the disk cache, or a codegen.CompiledGraph made now.

    Args:
        graph: as the tracer built it.
        record: takes one PassRecord per pass, if given; of a CachedGraph once its optimised graph is asked for.
    """

    def make() -> Any:
        from codegen import compile_graph
        from graphcore import passes

        with _no_collection():
            return compile_graph(passes.run(graph, PIPELINE, record=record))

    return cached(graph, PIPELINE, make)


@contextmanager
def _no_collection() -> Generator[None]:
    """No garbage collection meanwhile: a compilation makes many objects that live, and looking at them is for nothing.

    Measured: a quarter of the time of the passes and of lowering.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def set_threads(number: int) -> None:
    """Sets on how many threads a kernel runs; 0 is the default. Raises InvalidArgumentError for what is no number."""
    pool().set_threads(number)


def compile_op(op: OpDef, types: Sequence[TensorType], attrs: dict[str, Any]) -> Callable[[Sequence[Any]], list[Any]]:
    """A native function of arrays for a single op on operands of the given types; sizes may be symbolic."""
    builder = GraphBuilder(op.name)
    inputs = [builder.input(t, f"x{i}", "argument") for i, t in enumerate(types)]
    compiled = compile_traced(builder.finish(builder.emit(op.name, inputs, **attrs)))
    return compiled.run


def cache_tools() -> Any:
    """The module codegen.cache.tools, for the command line."""
    from codegen.cache import tools

    return tools
