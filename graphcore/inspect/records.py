"""What a dump holds: plain records of strings and numbers, not tied to the objects that they describe."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


def _list() -> Callable[[], list[Any]]:
    return list


@dataclass
class NodeRecord:
    """One node: its id within its graph, and everything about it as text."""

    id: int
    op: str
    operands: list[str]
    attrs: str
    types: list[str]
    locations: list[str]
    bodies: list[GraphRecord] = field(default_factory=_list())


@dataclass
class Port:
    """An input or an output: its value, name, type and role ("output" or "update of NAME" for outputs)."""

    value: str
    name: str
    type: str
    role: str


@dataclass
class GraphRecord:
    """One graph: its interface and its nodes in execution order."""

    name: str
    inputs: list[Port]
    outputs: list[Port]
    nodes: list[NodeRecord]


@dataclass
class StageRecord:
    """The graph as one pass left it; the first stage is the graph as traced.

    Attributes:
        name: "traced", or the pass; a pass that ran again gets a number (dce.2).
        seconds: how long the pass took.
        notes: what the pass noted.
        text: the graph's text form, large constants left out unless they were asked for.
        graph: the same graph, structured.
    """

    name: str
    seconds: float
    notes: list[str]
    text: str
    graph: GraphRecord


@dataclass
class GroupRecord:
    """One fusion group: a node of the final graph that becomes one kernel, and why its members are one."""

    node: int
    category: str
    members: list[str]
    locations: list[str]
    types: list[str]
    reason: str


@dataclass
class KernelRecord:
    """One kernel: the nodes that it computes, its loop IR and LLVM text, and how often a run calls it."""

    name: str
    nodes: list[int]
    category: str
    loops: str
    llvm: str
    calls: int


@dataclass
class Placement:
    """Where a part of the computation runs: native, host or eager, and why."""

    what: str
    where: str
    reason: str


@dataclass
class MemoryRecord:
    """The memory plan: sizes in bytes of the arena's slots and in all (symbolic sizes as text), and its text.

    `donations` counts the variables whose new value is written over the old one while the function runs.
    """

    slots: list[str]
    total: str
    donations: int
    text: str


@dataclass
class Dump:
    """Everything that was recorded about one compiled function.

    Attributes:
        name: the function's name.
        environment: versions, platform, instruction set.
        stages: the graph as traced, then after each pass.
        groups: fusion groups of the final graph.
        kernels: native kernels.
        memory: the memory plan, or None.
        ledger: traces and what happened to them, as plain dictionaries.
        host_calls: functions that the compiled code calls back into Python for.
        placement: what runs where.
    """

    name: str
    environment: dict[str, str] = field(default_factory=dict[str, str])
    stages: list[StageRecord] = field(default_factory=_list())
    groups: list[GroupRecord] = field(default_factory=_list())
    kernels: list[KernelRecord] = field(default_factory=_list())
    memory: MemoryRecord | None = None
    ledger: list[dict[str, Any]] = field(default_factory=_list())
    host_calls: list[str] = field(default_factory=_list())
    placement: list[Placement] = field(default_factory=_list())
