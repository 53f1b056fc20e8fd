"""The memory plan of a graph: which buffer every value lies in, and how large the arena is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from graphcore.dims import Dim
from graphcore.graph import Value

ALIGNMENT = 64
"""Bytes; every slot starts at a multiple of it."""


class MemoryPlan:
    """Where the values of one graph lie.

    Every value is in exactly one of these: it is an input or a constant; a key of `aliases`; a key of
    `outputs`; a key of `assignment`; or in `objects` or `owned`.

    Attributes:
        slots: sizes of the arena's parts in bytes, multiples of ALIGNMENT.
        offsets: where the slots start, in bytes from the start of the arena.
        assignment: intermediate value -> index into `slots`.
        aliases: value that renames another's buffer (a bare reshape) -> that other value, itself no alias.
        outputs: computed value -> position of the output whose buffer it is written to.
        copies: pairs (output position, value): this output is a copy of a value that lies elsewhere.
        constants: the constants of the graph.
        objects: values that only the host can hold (strings).
        donations: pairs (output position, input position): the new value of a variable may be written over
            the old one while the graph runs, and nothing can fail once that has begun.
        refusals: why an update is no donation, by output position.
        owned: values whose size only the run finds out; they are allocated then, each on its own.
        peak: bytes of the arena. What kernels need for themselves comes on top.
    """

    __slots__ = (
        "aliases", "assignment", "constants", "copies", "donations", "objects", "offsets", "outputs", "owned", "peak",
        "refusals", "slots",
    )  # fmt: skip

    def __init__(
        self,
        slots: Sequence[Dim],
        assignment: Mapping[Value, int],
        aliases: Mapping[Value, Value],
        outputs: Mapping[Value, int],
        copies: Sequence[tuple[int, Value]],
        constants: Sequence[Value],
        objects: Sequence[Value],
        donations: Sequence[tuple[int, int]],
        refusals: Mapping[int, str],
        owned: Sequence[Value] = (),
    ) -> None:
        """Takes the parts; `graphcore.passes.memory` makes them."""
        self.slots = tuple(slots)
        self.assignment = dict(assignment)
        self.aliases, self.outputs = dict(aliases), dict(outputs)
        self.copies, self.constants, self.objects = tuple(copies), tuple(constants), tuple(objects)
        self.donations, self.refusals = tuple(donations), dict(refusals)
        self.owned = tuple(owned)
        starts: list[Dim] = []
        self.peak: Dim = 0
        for size in self.slots:
            starts.append(self.peak)
            self.peak = self.peak + size
        self.offsets = tuple(starts)

    def root(self, value: Value) -> Value:
        """The value whose buffer `value` lies in."""
        return self.aliases.get(value, value)

    def text(self) -> str:
        """The plan for people: totals, slots with their values, donations and why others are none."""
        count = len(self.assignment)
        lines = [f"arena: {self.peak} bytes in {len(self.slots)} slots for {count} values"]
        for i, (offset, size) in enumerate(zip(self.offsets, self.slots, strict=True)):
            names = ", ".join(repr(v) for v, slot in self.assignment.items() if slot == i)
            lines.append(f"  slot {i}: offset {offset}, {size} bytes: {names}")
        if self.aliases:
            lines.append("aliases: " + ", ".join(f"{v.name} = {r.name}" for v, r in self.aliases.items()))
        if self.copies:
            lines.append("copied outputs: " + ", ".join(f"{o} from {v.name}" for o, v in self.copies))
        if self.constants:
            held = sum(v.node.attrs["value"].array.nbytes for v in self.constants)
            lines.append(f"constants: {held} bytes in {len(self.constants)}")
        if self.owned:
            lines.append("allocated at run time: " + ", ".join(map(repr, self.owned)))
        for output, source in self.donations:
            lines.append(f"output {output} is written over input {source}")
        for output, why in self.refusals.items():
            lines.append(f"output {output} gets its own buffer: {why}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        """The text form."""
        return self.text()
