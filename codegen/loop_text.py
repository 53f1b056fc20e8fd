"""Loop IR as text, for people; the bodies of equal kernels have equal texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from codegen.loopir import (
    Accumulate,
    Apart,
    Carry,
    Check,
    Compute,
    Condition,
    Const,
    Contract,
    Finish,
    FromIndex,
    IndexOf,
    Init,
    Kernel,
    Load,
    Loop,
    Operand,
    Slab,
    Sort,
    Store,
)  # fmt: skip


def to_text(kernel: Kernel) -> str:
    """The kernel as text, for people."""
    lines = [f"kernel {kernel.name} ({kernel.category}) chunks={kernel.chunks}"]
    for buffer in kernel.buffers:
        lines.append(f"  {buffer.role} {buffer.name}: {buffer.dtype.name}[{buffer.size}]")
    _print(kernel.body, "  ", lines)
    lines += [f"  code {i}: {text}" for i, text in enumerate(kernel.messages, 1)]
    return "\n".join(lines) + "\n"


def _print(body: Sequence[Any], indent: str, lines: list[str]) -> None:
    for statement in body:
        lines.append(indent + _FORMS[type(statement)](statement))
        inner = getattr(statement, "body", None)
        if inner is not None:
            _print(inner, indent + "  ", lines)


def _print_contract(s: Contract) -> str:
    over = ", ".join(f"{name or '.'} < {extent}" for name, extent in (*s.batch, s.row, s.column, s.depth))
    sums, c = ", ".join((s.dest, *s.more)), s.carried
    on = f" on from {c.buffer} at {c.first}, body if {c.left} is 0" if c is not None else ""
    return f"contract {sums}: {s.dtype.name} = {_print_operand(s.a)} @ {_print_operand(s.b)} over {over}{on}:"


def _print_operand(x: Operand) -> str:
    if not x.buffer:
        statements = "; ".join(_FORMS[type(s)](s) for s in x.body)
        split = [", ".join(f"{n} < {extent}" for n, extent in part) for part in (x.rows, x.depth) if part]
        slab = "" if x.slab is None else f"; {_print_slab(x.slab)}"
        return f"({statements}; {x.value}{' split ' if split else ''}{' by '.join(split)}{slab})"
    return f"{x.buffer}[{x.offset}; batch {', '.join(map(str, x.batch)) or 'none'}, outer {x.outer}, k {x.k}]"


def _print_slab(x: Slab) -> str:
    axes = ", ".join(
        f"{a.window} of {a.size} to {a.out} stride {a.stride} spread {a.spread} low {a.low}" for a in x.axes
    )
    statements = "; ".join(_FORMS[type(s)](s) for s in x.body)
    kind = "joined" if x.joined else "channels"
    what = f"{'across ' if x.across else ''}{x.images} images, {axes}, {x.channels} {kind}"
    return f"slab of {what} at {', '.join(x.counters)}: {statements}; {x.value}"


_FORMS: dict[type, Callable[[Any], str]] = {
    Const: lambda s: f"{s.dest}: {s.dtype.name} = {s.value}",
    Load: lambda s: f"{s.dest}: {s.dtype.name} = {s.buffer}[{s.at}]" + (f" if {s.guard}" if s.guard else ""),
    Compute: lambda s: f"{s.dest}: {s.dtype.name} = {s.word}({', '.join(s.args)})",
    FromIndex: lambda s: f"{s.dest}: {s.dtype.name} = index({s.at})",
    Condition: lambda s: f"{s.dest}: bool = {s.a} {({'lt': '<', 'le': '<=', 'eq': '=='})[s.kind]} {s.b}",
    IndexOf: lambda s: f"{s.dest} = index of {s.src}",
    Check: lambda s: f"check {s.src}, code {s.code}",
    Store: lambda s: f"{s.buffer}[{s.at}] = {s.src}",
    Init: lambda s: f"{s.acc}: {s.dtype.name} = {s.label} from {s.value}",
    Accumulate: lambda s: f"{s.acc} <- {', '.join(s.srcs)}",
    Finish: lambda s: f"{s.dest}: {s.dtype.name} = finish {s.acc}",
    Carry: lambda s: f"{s.dest} := {s.src}",
    Apart: lambda s: f"unless {s.a} is {s.b}:",
    Sort: lambda s: (
        f"sort {s.keys}[:{s.length}] from byte {s.low}, order {s.order or 'unwanted'}, in {s.spare} {s.spare_order}, "
        f"the first {s.wanted}"
    ),
    Loop: lambda s: f"{s.mode}{' chunk' if s.chunk else ''} {s.symbol} < {s.extent}:",
    Contract: _print_contract,
}
