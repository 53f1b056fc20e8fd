"""Where the values of a graph lie while it runs, and the steps of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from graphcore.dims import Dim
from graphcore.graph import Const, Graph, Value

if TYPE_CHECKING:
    from codegen.emit.module import Emitted


class Place(NamedTuple):
    """Where a value lies: kind "input" or "output" (number: its position), "arena" (number: byte offset), "const"."""

    kind: str
    number: Dim = 0
    const: Const | None = None


class Step(NamedTuple):
    """One call of a kernel, or of the host.

    Attributes:
        places: the buffers that it gets, in order.
        emitted: the kernel, or None for a host call.
        host: the number of the host call.
        can_fail: whether its status must be looked at.
        first_code: what is added to its status to make the graph's failure code.
    """

    places: tuple[Place, ...]
    emitted: Emitted | None = None
    host: int = 0
    can_fail: bool = False
    first_code: int = 0


def align(size: Dim) -> Dim:
    """The size rounded up to whole cache lines."""
    return (size + 63) // 64 * 64


class Layout:
    """Assigns a place to every value: outputs in their buffers, the rest in the arena as the memory plan says.

    Attributes:
        arena: bytes assigned so far.
        aliases: values that share the buffer of another (bare reshapes).
    """

    def __init__(self, graph: Graph) -> None:
        """Places the graph's inputs, outputs, constants and planned values."""
        self.graph = graph
        self.arena: Dim = 0
        self._places: dict[Value, Place] = {}
        for i, v in enumerate(graph.inputs):
            self._places[v] = Place("input", i)
        for node in graph.nodes:
            if node.op.name == "constant":
                self._places[node.result] = Place("const", 0, node.attrs["value"])
        self.copies: list[tuple[Value, Place]] = []
        for i, v in enumerate(graph.outputs):
            if v in self._places or (v.node.op.kind == "move" and not v.node.bodies):
                self.copies.append((v, Place("output", i)))
            else:
                self._places[v] = Place("output", i)
        self._plan(graph.memory)

    def _plan(self, memory: Any) -> None:
        """Takes over the slots of the memory pass."""
        if memory is None:
            return
        offsets: list[Dim] = []
        for size in memory.slots:
            offsets.append(self.arena)
            self.arena = self.arena + align(size)
        self._offsets = offsets
        for value, number in memory.assignment.items():
            self._places.setdefault(value, Place("arena", offsets[number]))

    def is_output(self, value: Value) -> bool:
        """Whether the value is made in an output's buffer, or must be copied to one."""
        return value in self.graph.outputs

    def alias(self, value: Value, of: Value) -> None:
        """Lets a value share another's buffer."""
        self._places[value] = self.place(of)

    def place(self, value: Value) -> Place:
        """Where a value lies; one that has no place yet gets one at the end of the arena."""
        found = self._places.get(value)
        if found is None:
            found = self._places[value] = Place("arena", self.reserve(value.type.bytes))
        return found

    def reserve(self, size: Dim) -> Dim:
        """Room at the end of the arena; returns its byte offset."""
        at = self.arena
        self.arena = self.arena + align(size)
        return at
