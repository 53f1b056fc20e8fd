"""The order in which kernels run: what effects need first, and little memory at any time.

Two orders are made by list scheduling, and the one with the lower peak is taken: that of the original graph, and one
where whatever frees as much memory as it takes runs as soon as it may. The second runs the update of a weight, which
needs the activations of the forward pass, right after the gradient that it needs, not after all gradients.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence

from graphcore.analysis import value_bytes
from graphcore.errors import VerifyError
from graphcore.graph import Value
from graphcore.passes.fuse_groups import Group, State

SMALL = 1024
"""Bytes that do not count."""


class Unit:
    """What becomes one node: a group, or a node that stands outside of kernels.

    Attributes:
        number: order of creation.
        inside: positions of the nodes computed inside, clones included, ascending.
        members: the same without clones.
        operands: values read from outside, in order of first use.
        group: the group, or None.
    """

    __slots__ = ("group", "inside", "members", "number", "operands")

    def __init__(self, number: int, inside: list[int], members: list[int], group: Group | None) -> None:
        """Made by `units_of`, which finds the operands."""
        self.number, self.inside, self.members, self.group = number, inside, members, group
        self.operands: list[Value] = []

    @property
    def last(self) -> int:
        """The position of the last member."""
        return self.members[-1]


def schedule(state: State, units: list[Unit]) -> list[Unit]:
    """A topological order of the units."""
    return [units[n] for n in Work(state, units).best()]


class Work:
    """Units with what must or should come before each, and the memory that each takes and frees."""

    def __init__(self, state: State, units: list[Unit]) -> None:
        """Finds out what every unit waits for, makes and reads."""
        self.state, self.units = state, units
        self.maker = {i: u for u in units for i in u.members}
        self.before = _dependences(state, units, self.maker)
        self.urgent = _urgent(state, self.before, self.maker)
        self.wishes = _wishes(state, units, self.maker)
        self.after: list[list[int]] = [[] for _ in units]
        self.hopes: list[list[int]] = [[] for _ in units]
        for number in range(len(units)):
            for n in self.before[number]:
                self.after[n].append(number)
            for n in self.wishes[number]:
                self.hopes[n].append(number)
        self._measure()

    def _measure(self) -> None:
        """Which buffers every unit makes and reads, and their sizes; a bare reshape makes none."""
        state = self.state
        given = {v for n in state.nodes if n.op.name in ("input", "constant") for v in n.results}
        kept = set(state.graph.outputs)
        needed = {v for u in self.units for v in u.operands}
        roots: dict[Value, Value] = {}
        for unit in self.units:
            node = state.nodes[unit.last]
            if unit.group is None and node.op.name == "reshape":
                roots[node.result] = node.operands[0]

        def root(v: Value) -> Value:
            while v in roots:
                v = roots[v]
            return v

        final = {root(v) for v in kept}
        self.made: list[list[Value]] = []
        self.read: list[list[Value]] = []
        for unit in self.units:
            values = [v for i in unit.members for v in state.nodes[i].results if v in needed]
            self.made.append([v for v in values if v not in roots and v not in final])
            reads = dict.fromkeys(root(v) for v in unit.operands)
            self.read.append([v for v in reads if v not in given and v not in final])
        self.bytes = {v: value_bytes(v) for made in self.made for v in made}
        self.readers: dict[Value, list[int]] = {}
        for number, values in enumerate(self.read):
            for v in values:
                self.readers.setdefault(v, []).append(number)

    def order(self, eager: bool) -> list[int]:
        """Numbers of the units: what effects need first, then by the last member's place in the original graph.

        A unit that computes the new value of a variable waits for the other readers of the old one while anything
        else can go on, so that it may write over it. With `eager`, units that free as much as they take come first.
        """
        units, urgent = self.units, self.urgent
        waiting, wishing = [len(needs) for needs in self.before], [len(w) for w in self.wishes]
        left = {v: len(readers) for v, readers in self.readers.items()}

        def grows(n: int) -> bool:
            taken = sum(self.bytes[v] for v in self.made[n])
            return not eager or taken > SMALL + sum(self.bytes[v] for v in self.read[n] if left[v] == 1)

        def key(n: int) -> tuple[bool, bool, bool, int, int]:
            return n not in urgent, wishing[n] > 0, grows(n), units[n].last, n

        heap = [key(n) for n, count in enumerate(waiting) if not count]
        heapq.heapify(heap)
        order: list[int] = []
        done: set[int] = set()
        while heap:
            n = heapq.heappop(heap)[-1]
            if n in done:
                continue
            done.add(n)
            order.append(n)
            changed = [*self.after[n], *self.hopes[n]]
            for m in self.after[n]:
                waiting[m] -= 1
            for m in self.hopes[n]:
                wishing[m] -= 1
            for v in self.read[n]:
                left[v] -= 1
                if eager and left[v] == 1:
                    changed += self.readers[v]
            for m in dict.fromkeys(changed):
                if not waiting[m] and m not in done:
                    heapq.heappush(heap, key(m))  # one that is in the heap already moves up by a second entry
        if len(order) < len(units):
            raise VerifyError(f"fuse: the kernels of graph {self.state.graph.name} depend on each other in a cycle")
        return order

    def best(self) -> list[int]:
        """Of the two orders the one with the lower peak."""
        orders = (self.order(eager=False), self.order(eager=True))
        return min(orders, key=lambda order: max(self.profile(order), default=0))

    def profile(self, order: Sequence[int]) -> list[int]:
        """How many bytes live while each unit runs."""
        left = {v: len(readers) for v, readers in self.readers.items()}
        now = 0
        found: list[int] = []
        for n in order:
            now += sum(self.bytes[v] for v in self.made[n])
            found.append(now)
            for v in self.read[n]:
                left[v] -= 1
                if not left[v]:
                    now -= self.bytes[v]
        return found


def _dependences(state: State, units: list[Unit], maker: Mapping[int, Unit]) -> list[set[int]]:
    """Which units must come before each unit: what it reads, what finds out its sizes, and effects before it."""
    before = [{maker[p].number for v in u.operands if (p := state.position[v.node]) in maker} for u in units]
    for unit in units:
        before[unit.number].update(maker[p].number for i in unit.inside for p in state.finders.get(i, ()) if p in maker)
    for early, late in zip(state.effects, state.effects[1:], strict=False):
        before[maker[late].number].add(maker[early].number)
    for number, needs in enumerate(before):
        needs.discard(number)
    return before


def _wishes(state: State, units: list[Unit], maker: Mapping[int, Unit]) -> list[set[int]]:
    """Which units should come before each unit: readers of a variable that it updates."""
    found: list[set[int]] = [set() for _ in units]
    readers: dict[Value, list[int]] = {}
    for unit in units:
        for v in unit.operands:
            readers.setdefault(v, []).append(unit.number)
    for output, source in state.graph.updates:
        writer = maker.get(state.position[state.graph.outputs[output].node])
        if writer is not None:
            others = readers.get(state.graph.inputs[source], ())
            found[writer.number].update(n for n in others if n != writer.number)
    return found


def _urgent(state: State, before: list[set[int]], maker: Mapping[int, Unit]) -> set[int]:
    """Numbers of the units with effects and of all that these depend on."""
    found: set[int] = set()
    work = [maker[i].number for i in state.effects]
    while work:
        n = work.pop()
        if n not in found:
            found.add(n)
            work.extend(before[n])
    return found
