"""From a graph to native code: `compile_graph`."""

from __future__ import annotations

import time

from codegen.build import GraphBuild, Shared
from codegen.compiled import CompiledGraph, GraphParts, KernelInfo
from codegen.host_graph import HostGraph, holds_objects
from codegen.host_split import split
from codegen.target import Target, host_target
from graphcore import dims
from graphcore.graph import Graph

__all__ = ["CompiledGraph", "KernelInfo", "compile_graph"]


def compile_graph(graph: Graph, *, isa: str | None = None) -> CompiledGraph:
    """Compiles a graph that went through the passes (or did not) to native code.

    Args:
        graph: the graph; its memory plan is used if it has one.
        isa: an instruction set below the host's; None takes LAYERJIT_ISA or the host's.

    Raises:
        InvalidArgumentError: for an unknown instruction set.
        CodegenError: if generated code is not valid (a bug).
    """
    with dims.assuming(graph.guards):
        target = host_target(isa)
        return _with_strings(graph, target) if holds_objects(graph) else _compile(graph, target)


def _with_strings(graph: Graph, target: Target) -> CompiledGraph:
    parts = split(graph)
    return HostGraph(graph, target) if parts is None else HostGraph(graph, target, parts, _compile(parts.rest, target))


def _compile(graph: Graph, target: Target) -> CompiledGraph:
    started = time.perf_counter()
    shared = Shared(graph, target)
    build = GraphBuild(graph, shared).lower()
    lower_seconds = time.perf_counter() - started
    build.emit()
    timings = {"lower": lower_seconds, "emit": time.perf_counter() - started - lower_seconds}
    parts = GraphParts(
        shared.module.text, shared.infos(), shared.calls, tuple(build.packed), build.arena, tuple(shared.messages),
        timings, shared.symbols, build.work,
    )  # fmt: skip
    return CompiledGraph(graph, target, parts)
