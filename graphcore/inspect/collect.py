"""Making a Dump from what the compiler has in hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from graphcore.graph import Graph, Node, Value
from graphcore.inspect.records import (
    Dump,
    GraphRecord,
    GroupRecord,
    KernelRecord,
    MemoryRecord,
    NodeRecord,
    Placement,
    Port,
    StageRecord,
)  # fmt: skip
from graphcore.passes.pipeline import PassRecord
from graphcore.text import attrs_text, dim_text, location_text, to_text, type_text

if TYPE_CHECKING:
    from graphcore.passes.memory_plan import MemoryPlan

MAX_CONSTANT = 64
"""Constants of more elements are stored as dtype, shape and sha256 only, unless asked for."""


def collect(
    name: str,
    stages: Sequence[PassRecord],
    kernels: Iterable[Any] = (),
    *,
    ledger: Iterable[Mapping[str, Any]] = (),
    host_calls: Iterable[str] = (),
    placement: Iterable[tuple[str, str, str]] = (),
    isa: str = "",
    environment: Mapping[str, str] | None = None,
    with_constants: bool = False,
) -> Dump:
    """Describes one compiled function as plain data.

    Args:
        name: the function's name.
        stages: the records of the pass pipeline.
        kernels: objects with name, node_ids, category, loops and llvm, and optionally calls.
        ledger: one dictionary per trace, retrace or fallback; values that JSON lacks are stored as text.
        host_calls: functions that the compiled code calls back into Python for.
        placement: (what, "native" | "host" | "eager", why) beyond what kernels and host calls say.
        isa: the instruction set that was compiled for.
        environment: further facts about the machine and the versions.
        with_constants: stores the elements of large constants too.
    """
    kernel_records = [_kernel(k) for k in kernels]
    calls = [str(c) for c in host_calls]
    final = stages[-1].after if stages else None
    facts = {**versions(), **({"isa": isa} if isa else {}), **dict(environment or {})}
    return Dump(
        name,
        facts,
        list(_stages(stages, None if with_constants else MAX_CONSTANT)),
        [] if final is None else [_group(n) for n in final.nodes if n.op.name == "fusion"],
        kernel_records,
        None if final is None else memory_record(final.memory),
        [{str(k): plain(v) for k, v in entry.items()} for entry in ledger],
        calls,
        [*_placements(kernel_records, calls), *(Placement(*map(str, p)) for p in placement)],
    )


def versions() -> dict[str, str]:
    """Versions of layerjit, Python and the libraries, and the platform. Imports none of the libraries."""
    import platform
    from importlib.metadata import PackageNotFoundError, version

    from graphcore.version import __version__

    found = {"layerjit": __version__, "python": platform.python_version()}
    for library in ("numpy", "llvmlite"):
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            found[library] = "unknown"
    return {**found, "system": platform.system(), "machine": platform.machine()}


def plain(value: Any, depth: int = 8) -> Any:
    """A value as JSON can hold it; what it cannot hold becomes text."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if depth and isinstance(value, Mapping):
        return {str(k): plain(v, depth - 1) for k, v in value.items()}
    if depth and isinstance(value, list | tuple | set | frozenset):
        return [plain(v, depth - 1) for v in value]
    return str(value)


def _stages(records: Sequence[PassRecord], limit: int | None) -> Iterable[StageRecord]:
    if records:
        first = records[0].before
        yield StageRecord("traced", 0.0, [], to_text(first, limit), graph_record(first, limit))
    seen: dict[str, int] = {"traced": 1}
    for r in records:
        seen[r.name] = seen.get(r.name, 0) + 1
        name = r.name if seen[r.name] == 1 else f"{r.name}.{seen[r.name]}"
        yield StageRecord(
            name, r.seconds, list(r.notes), to_text(r.after, limit), graph_record(r.after, limit)
        )


def graph_record(graph: Graph, max_constant: int | None = MAX_CONSTANT) -> GraphRecord:
    """A graph as plain data."""
    updated = {o: graph.inputs[i].node.attrs.get("name", "") for o, i in graph.updates}
    inputs = [_port(v, str(v.node.attrs["name"]), str(v.node.attrs["role"])) for v in graph.inputs]
    outputs = [
        _port(v, name, f"update of {updated[i]}" if i in updated else "output")
        for i, (v, name) in enumerate(zip(graph.outputs, graph.output_names, strict=True))
    ]
    return GraphRecord(graph.name, inputs, outputs, [_node(n, max_constant) for n in graph.nodes])


def _port(value: Value, name: str, role: str) -> Port:
    return Port(value.name, name, type_text(value.type), role)


def _node(node: Node, limit: int | None) -> NodeRecord:
    return NodeRecord(
        node.id,
        node.op.name,
        [v.name for v in node.operands],
        attrs_text(node.attrs, limit),
        [type_text(v.type) for v in node.results],
        sorted(map(location_text, node.locations)),
        [graph_record(body, limit) for body in node.bodies],
    )


def _group(node: Node) -> GroupRecord:
    inside = [n for body in node.bodies for n in body.walk() if n.op.name not in ("input", "constant")]
    lines = {location_text(where) for n in (node, *inside) for where in n.locations}
    return GroupRecord(
        node.id,
        str(node.attrs.get("category", "")),
        [n.op.name for n in inside],
        sorted(lines),
        [type_text(v.type) for v in node.results],
        str(node.attrs.get("reason", "")),
    )


def _kernel(kernel: Any) -> KernelRecord:
    nodes = [int(i) for i in kernel.node_ids]
    calls = int(getattr(kernel, "calls", 0)) or max(len(nodes), 1)
    return KernelRecord(
        str(kernel.name), nodes, str(kernel.category), str(kernel.loops), str(kernel.llvm), calls
    )


def _placements(kernels: list[KernelRecord], host_calls: list[str]) -> Iterable[Placement]:
    for kernel in kernels:
        nodes = ", ".join(f"%{i}" for i in kernel.nodes)
        yield Placement(f"{kernel.category} {nodes}", "native", f"kernel {kernel.name}")
    for call in host_calls:
        yield Placement(call, "host", "called back in Python")


def memory_record(plan: MemoryPlan | None) -> MemoryRecord | None:
    """A memory plan as plain data; None when there is none."""
    if plan is None:
        return None
    slots = [dim_text(size) for size in plan.slots]
    return MemoryRecord(slots, dim_text(plan.peak), len(plan.donations), plan.text())
