"""What a driver does: sizes, bodies, and the room that it needs (codegen.emit.driver emits it)."""

from __future__ import annotations

from typing import NamedTuple

from graphcore import dims
from graphcore.dims import Dim

ITERATION = 50_000
"""Picoseconds of an iteration of nothing."""
UNKNOWN = 1000
"""Iterations of a while loop, for estimates."""


class Body(NamedTuple):
    """A body graph's function: its scratch in bytes, its work in picoseconds, and that without the loops in it."""

    name: str
    arena: Dim
    work: Dim = 0
    own: Dim = 0


class Pack(NamedTuple):
    """A copy of a capture that a loop makes before its first iteration: which, by what kernel, and its size."""

    operand: int
    kernel: str
    chunks: Dim
    nbytes: Dim


class DriverSpec(NamedTuple):
    """What a driver does.

    Attributes:
        name: its symbol.
        kind: "cond", "while" or "scan".
        bodies: what it runs.
        operands: the number of operands; results follow them in the table of buffers.
        carried: bytes of every carried value.
        in_place: positions of those that the body updates in place.
        scanned: bytes of one element of every scanned value.
        stacked: bytes of one element of every stacked result.
        length: iterations of a scan.
        reverse: whether it starts at the last element.
        save: the size that a loop with saved values finds out, or "".
        saved: positions of the carried values that are saved.
        packs: copies that the body gets behind its outputs.
    """

    name: str
    kind: str
    bodies: tuple[Body, ...]
    operands: int
    carried: tuple[Dim, ...] = ()
    in_place: frozenset[int] = frozenset()
    scanned: tuple[Dim, ...] = ()
    stacked: tuple[Dim, ...] = ()
    length: Dim = 0
    reverse: bool = False
    save: str = ""
    saved: tuple[int, ...] = ()
    packs: tuple[Pack, ...] = ()

    @property
    def swapped(self) -> list[int]:
        """Positions of the carried values that have a second buffer."""
        return [i for i in range(len(self.carried)) if i not in self.in_place]

    @property
    def bodies_at(self) -> Dim:
        """Where the bodies' scratch starts, after the second buffers and the copies."""
        total = self.packs_at
        for pack in self.packs:
            total = total + aligned(pack.nbytes)
        return total

    @property
    def packs_at(self) -> Dim:
        """Where the copies of captures start."""
        total: Dim = 0
        for i in self.swapped:
            total = total + aligned(self.carried[i])
        return total

    @property
    def work(self) -> Dim:
        """About how many picoseconds an iteration takes, without the loops in it, which look for signals too."""
        total: Dim = ITERATION
        for body in self.bodies:
            total = total + body.own
        return total

    @property
    def total(self) -> Dim:
        """About how many picoseconds all iterations take; those of a while loop cannot be known."""
        iterations: dict[str, Dim] = {"cond": 1, "scan": self.length, "while": UNKNOWN}
        each: Dim = ITERATION
        for body in self.bodies:
            each = each + body.work
        return iterations[self.kind] * each

    @property
    def scratch(self) -> Dim:
        """Bytes of scratch that a run needs."""
        inside: Dim = 0
        for body in self.bodies:
            inside = dims.maximum(inside, body.arena)
        return self.bodies_at + inside

    def text(self) -> str:
        """The driver for people: what it carries and how."""
        lines = [f"{self.kind} {self.name}: {', '.join(b.name for b in self.bodies)}"]
        if self.kind == "scan":
            lines.append(f"  {self.length} iterations{' from the last' * self.reverse}")
        for i, size in enumerate(self.carried):
            where = "updated in place" if i in self.in_place else "two buffers in turn"
            kept = ", every value saved" if i in self.saved else ""
            lines.append(f"  carried {i}: {size} bytes, {where}{kept}")
        lines += [f"  scanned {i}: {size} bytes at a time" for i, size in enumerate(self.scanned)]
        lines += [f"  stacked {i}: {size} bytes at a time" for i, size in enumerate(self.stacked)]
        lines += [f"  operand {p.operand} is packed first: {p.nbytes} bytes" for p in self.packs]
        return "\n".join([*lines, f"  scratch: {self.scratch} bytes"])


def aligned(size: Dim) -> Dim:
    """The size rounded up to whole cache lines."""
    return dims.ceildiv(size, 64) * 64
