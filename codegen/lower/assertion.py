"""Assertions: a loop that checks every element of a condition."""

from __future__ import annotations

from codegen.lower.merge import Axis
from codegen.lower.place import Placer
from codegen.lower.pull import Domain
from codegen.lower.view import Build, Lowered, view
from graphcore.graph import Node


def lower_assert(node: Node, name: str) -> Lowered:
    """The kernel of a bare assertion: fails unless its bool operand holds everywhere."""
    build = Build(view(node))
    program = build.program
    (operand,) = node.operands
    domain = Domain(program, operand.type.shape)
    condition = program.load(build.readers[operand], operand.type, domain.counters)
    where = ", ".join(sorted(map(str, node.locations)))
    message = str(node.attrs.get("message") or "assertion failed")
    program.checks.append(program.check(condition, f"{message} (at {where})" if where else message))
    placer = Placer(program, [Axis(n, domain.shape[a], "kept") for a, n in enumerate(domain.names) if n])
    return build.lowered(name, "assert", placer.run(), placer.chunks)
