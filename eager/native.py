"""The only door to codegen: from a graph of the tracer to machine code. Imported on the first compilation."""

from __future__ import annotations

from typing import Any

from codegen import compile_graph
from codegen.runtime.plan import EntryPlan
from graphcore import passes
from graphcore.graph import Graph

PIPELINE = "canonicalize,fold,cse,dce,fuse,memory"

__all__ = ["PIPELINE", "EntryPlan", "compile_traced"]


def compile_traced(graph: Graph, record: list[Any] | None = None) -> Any:
    """Optimises and compiles a traced graph; returns a codegen.CompiledGraph.

    Args:
        graph: as the tracer built it.
        record: takes one PassRecord per pass, if given.
    """
    return compile_graph(passes.run(graph, PIPELINE, record=record))
