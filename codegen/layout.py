"""Where the values of a graph lie while it runs, and the steps of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from graphcore import dims
from graphcore.dims import Dim
from graphcore.errors import UnsupportedError
from graphcore.graph import Const, Graph, Node, Value
from graphcore.passes.memory import plan

if TYPE_CHECKING:
    from codegen.emit.module import Emitted
    from graphcore.passes.memory_plan import MemoryPlan


class Place(NamedTuple):
    """Where a value lies.

    Its kind is "input", "output" or "packed" (number: its position), "arena" (number: its byte offset), "const",
    "owned" (number: which of the buffers that are allocated while the graph runs), "holder" (the same, but the address
    of its pointer, for a driver that allocates it), or "none".
    """

    kind: str
    number: Dim = 0
    const: Const | None = None


class Step(NamedTuple):
    """One call of a kernel, of the host, or of the driver of a control node.

    Attributes:
        places: the buffers that it gets, in order.
        emitted: the kernel, or None for a host call.
        host: the number of the host call.
        can_fail: whether its status must be looked at.
        first_code: what is added to its status to make the graph's failure code.
        driver: the symbol of the driver, or "".
        finds: the size that it finds out, or "".
        scratch_owned: the owned buffer that is its scratch memory, or None for scratch in the arena.
    """

    places: tuple[Place, ...]
    emitted: Emitted | None = None
    host: int = 0
    can_fail: bool = False
    first_code: int = 0
    driver: str = ""
    finds: str = ""
    scratch_owned: int | None = None


def align(size: Dim) -> Dim:
    """The size rounded up to whole cache lines."""
    return (size + 63) // 64 * 64


class Layout:
    """Where every value of a graph lies, as its memory plan says.

    Attributes:
        arena: bytes assigned so far.
        copies: pairs (value, place of an output that is a copy of it).
        owned: bytes of the buffers that are allocated while the graph runs; None for one that a driver allocates.
    """

    def __init__(self, graph: Graph) -> None:
        """Takes the graph's memory plan, or makes one.

        Raises:
            UnsupportedError: if a value cannot lie in memory at all (strings).
        """
        memory: MemoryPlan = graph.memory if graph.memory is not None else plan(graph)
        if memory.objects:
            raise UnsupportedError(
                f"{memory.objects[0]!r} cannot be held by compiled code; run the function eagerly, or leave the "
                "value out of it"
            )
        self.arena: Dim = memory.peak
        self.memory = memory
        self._places: dict[Value, Place] = {}
        for i, v in enumerate(graph.inputs):
            self._places[v] = Place("input", i)
        for v in memory.constants:
            self._places[v] = Place("const", 0, v.node.attrs["value"])
        for v, position in memory.outputs.items():
            self._places[v] = Place("output", position)
        for v, slot in memory.assignment.items():
            self._places[v] = Place("arena", memory.offsets[slot])
        self.owned: list[Dim | None] = []
        self._found = frozenset(str(n.attrs["save"]) for n in graph.nodes if n.attrs.get("save"))
        self.copies = [(v, Place("output", position)) for position, v in memory.copies]

    def is_alias(self, value: Value) -> bool:
        """Whether a value only renames the buffer of another."""
        return value in self.memory.aliases

    def place(self, value: Value) -> Place:
        """Where a value lies; one that the plan does not know gets a place at the end of the arena."""
        value = self.memory.root(value)
        found = self._places.get(value)
        if found is None and self._found & dims.free_symbols(value.type.shape):
            found = self._places[value] = Place("owned", self.own(value.type.bytes))
        if found is None:
            found = self._places[value] = Place("arena", self.arena)
            self.arena = self.arena + align(value.type.bytes)
        return found

    def apart(self, node: Node) -> None:
        """Gives results that lie over operands places of their own: several kernels compute the node."""
        taken = [self.place(v) for v in node.operands]
        for v in node.results:
            place = self.place(v)
            if place.kind == "arena" and place in taken:
                self._places[v] = Place("arena", self.arena)
                self.arena = self.arena + align(v.type.bytes)

    def own(self, size: Dim) -> int:
        """The number of a new buffer that is allocated while the graph runs, when its size is known."""
        self.owned.append(size)
        return len(self.owned) - 1

    def hold(self, value: Value) -> int:
        """The number of the buffer of a value that a driver allocates."""
        place = self.place(value)
        assert isinstance(place.number, int)
        self.owned[place.number] = None
        return place.number
