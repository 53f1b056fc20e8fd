"""Views of a dump as text. They read the dump and nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from graphcore.errors import InvalidArgumentError
from graphcore.inspect.records import Dump, GraphRecord, GroupRecord, KernelRecord, StageRecord

MAX_PORTS = 24
"""Inputs or outputs that `show` lists before it says how many more there are."""

_QUIET = frozenset(("input", "constant"))


def show(dump: Dump) -> str:
    """The overview: interface, passes, fusion groups, kernels, host calls, memory, placement, the ledger."""
    parts = [
        _title(dump), _interface(dump), passes(dump), _groups(dump), _kernels(dump), _host_calls(dump),
        _memory_plan(dump), _placement(dump), _ledger(dump),
    ]  # fmt: skip
    return "\n\n".join(p for p in parts if p)


def summary(dump: Dump) -> str:
    """The overview without the interface and the ledger, for the end of a program or `explain()`."""
    parts = [
        _title(dump),
        passes(dump),
        _groups(dump),
        _kernels(dump),
        _memory(dump),
        _placement_counts(dump),
    ]
    return "\n\n".join(p for p in parts if p)


def passes(dump: Dump) -> str:
    """A table: what each pass left, how long it took, and its notes."""
    rows = [("pass", "nodes", "in kernels", "constants", "ms", "notes")]
    for stage in dump.stages:
        top, inside, constants = node_counts(stage.graph)
        time = "" if stage is dump.stages[0] else f"{stage.seconds * 1e3:.2f}"
        rows.append(
            (stage.name, str(top), str(inside or ""), str(constants), time, _short_notes(stage.notes))
        )
    return table(rows) if dump.stages else ""


def stage_text(dump: Dump, name: str | None = None) -> str:
    """The text form of the graph after a pass, by default the last. Raises as `find_stage`."""
    return find_stage(dump, name).text


def find_stage(dump: Dump, name: str | None = None) -> StageRecord:
    """A stage by name, the last by default. Raises InvalidArgumentError with near names."""
    if not dump.stages:
        raise InvalidArgumentError(f"the dump of {dump.name} holds no graph")
    found = {stage.name: stage for stage in dump.stages}
    return dump.stages[-1] if name is None else found[_known(name, found, "pass")]


def kernel_text(dump: Dump, name: str, form: str = "loops") -> str:
    """A kernel's loop IR ("loops") or LLVM text ("llvm"). Raises InvalidArgumentError with near names."""
    found = {kernel.name: kernel for kernel in dump.kernels}
    kernel = found[_known(name, found, "kernel")]
    return kernel.llvm if form == "llvm" else kernel.loops


def _known(name: str, names: Iterable[str], what: str) -> str:
    every = list(names)
    if name in every:
        return name
    from difflib import get_close_matches

    near = get_close_matches(name, every, 3, cutoff=0.4) or every[:5]
    hint = f"; did you mean {', '.join(near)}?" if near else "; the dump holds none"
    raise InvalidArgumentError(f"no {what} is named {name!r}{hint}")


def node_counts(graph: GraphRecord) -> tuple[int, int, int]:
    """(computing nodes of the graph itself, those inside its fusion nodes, constants)."""
    top = sum(n.op not in _QUIET for n in graph.nodes)
    constants = sum(n.op == "constant" for n in graph.nodes)
    inside = 0
    for node in graph.nodes:
        for body in node.bodies:
            own, deeper, more = node_counts(body)
            inside, constants = inside + own + deeper, constants + more
    return top, inside, constants


def table(rows: Sequence[Sequence[str]], indent: str = "") -> str:
    """Columns as wide as their longest cell; columns of numbers below the first row stand to the right."""
    columns = [_column([row[i] for row in rows]) for i in range(len(rows[0]))]
    return "\n".join((indent + "  ".join(cells)).rstrip() for cells in zip(*columns, strict=True))


def _column(cells: list[str]) -> list[str]:
    width = max(map(len, cells))
    numbers = all(c.replace(".", "").isdecimal() for c in cells[1:] if c)
    return [c.rjust(width) if numbers and len(cells) > 1 else c.ljust(width) for c in cells]


def counted(names: Iterable[str]) -> str:
    """Names with how often each occurs: add, mul ×3."""
    return ", ".join(name if n == 1 else f"{name} ×{n}" for name, n in Counter(names).items())


def _title(dump: Dump) -> str:
    facts = " · ".join(f"{k} {v}" for k, v in dump.environment.items())
    return f"{dump.name}\n{facts}" if facts else dump.name


def _short_notes(notes: list[str], most: int = 6) -> str:
    more = f", and {len(notes) - most} more" if len(notes) > most else ""
    return ", ".join(notes[:most]) + more


def _interface(dump: Dump) -> str:
    if not dump.stages:
        return ""
    graph = dump.stages[0].graph
    lines: list[str] = []
    for what, ports in (("inputs", graph.inputs), ("outputs", graph.outputs)):
        lines.append(f"{what} ({len(ports)})")
        if ports:
            lines.append(table([(p.name, p.type, p.role) for p in ports[:MAX_PORTS]], "  "))
        if len(ports) > MAX_PORTS:
            lines.append(f"  ... and {len(ports) - MAX_PORTS} more")
    return "\n".join(lines)


def _groups(dump: Dump) -> str:
    if not dump.groups:
        return ""
    return "\n".join(
        [f"fusion groups ({len(dump.groups)})", *(line for g in dump.groups for line in _group(g))]
    )


def _group(group: GroupRecord) -> Iterable[str]:
    yield f"  %{group.node} {group.category}: {counted(group.members)} -> {', '.join(group.types)}"
    if group.reason:
        yield f"      why: {group.reason}"
    if group.locations:
        yield f"      from {'; '.join(group.locations[:4])}{_more(len(group.locations) - 4)}"


def _more(n: int) -> str:
    return f", and {n} more" if n > 0 else ""


def _kernels(dump: Dump) -> str:
    if not dump.kernels:
        return ""
    rows = [("kernel", "calls", "category", "nodes"), *map(_kernel_row, dump.kernels)]
    return f"kernels ({len(dump.kernels)})\n{table(rows, '  ')}"


def _kernel_row(kernel: KernelRecord) -> tuple[str, str, str, str]:
    nodes = ", ".join(f"%{i}" for i in kernel.nodes[:12]) + _more(len(kernel.nodes) - 12)
    return kernel.name, str(kernel.calls), kernel.category, nodes


def _host_calls(dump: Dump) -> str:
    return f"host calls ({len(dump.host_calls)})\n  {counted(dump.host_calls)}" if dump.host_calls else ""


def _memory_plan(dump: Dump) -> str:
    """The totals, and what the plan says beside its list of slots."""
    lines = [] if dump.memory is None else dump.memory.text.splitlines()[1:]
    return "\n".join([_memory(dump), *(f"  {line}" for line in lines if not line.startswith("  slot"))])


def _memory(dump: Dump) -> str:
    if dump.memory is None:
        return ""
    m = dump.memory
    return f"memory: {len(m.slots)} arena slots, {m.total} bytes; {m.donations} variables updated in place"


def _placement(dump: Dump) -> str:
    if not dump.placement:
        return ""
    return "what ran where\n" + table([(p.what, p.where, p.reason) for p in dump.placement], "  ")


def _placement_counts(dump: Dump) -> str:
    counts = Counter(p.where for p in dump.placement)
    parts = [f"{n} native" if w == "native" else f"{n} {w}" for w, n in counts.items()]
    others = [f"  {p.where}: {p.what} ({p.reason})" for p in dump.placement if p.where != "native"]
    return "\n".join([f"what ran where: {', '.join(parts)}", *others]) if parts else ""


def _ledger(dump: Dump) -> str:
    if not dump.ledger:
        return ""
    return "\n".join([f"ledger ({len(dump.ledger)})", *map(_entry, dump.ledger)])


def _entry(entry: dict[str, Any]) -> str:
    facts = {k: f"{v:.3g}" if isinstance(v, float) else v for k, v in entry.items() if v not in (None, "")}
    return "  " + ", ".join(f"{k}: {v}" for k, v in facts.items())
