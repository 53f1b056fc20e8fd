"""Groups of nodes that become one kernel, and the check that joining leaves their graph without cycles.

Reachability is kept as one integer per node, used as a set of bits. A node's sets are complete with respect
to the nodes that are in no group and to one representative of every group; that is enough, because a path
through a group passes its representative. Joining adds exactly the pairs that become reachable, which are
few: usually none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from graphcore.dims import Dim
from graphcore.graph import Graph, Node, Value
from graphcore.passes.dce import size_finders
from graphcore.passes.fuse_cost import BARE, PULL, SOURCE, cost, is_cloned, role
from graphcore.passes.rules_contract import brings_together


class Group:
    """The nodes of one kernel.

    Attributes:
        number: order of creation.
        category: "loop", "reduce", "row" or "contract".
        shape: the iteration space; of a reduction its operand's shape, of a contraction its result's.
        axes: the folded axes of reduce and row groups.
        members: positions of the nodes that belong to this group.
        allowed: bits of the members and of the cheap nodes that are computed anew inside.
        first: the representative.
    """

    __slots__ = ("allowed", "axes", "category", "first", "members", "number", "shape")

    def __init__(
        self, number: int, category: str, shape: tuple[Dim, ...], first: int, axes: tuple[int, ...] = ()
    ) -> None:
        """Starts a group of one node."""
        self.number, self.category, self.shape, self.axes = number, category, shape, axes
        self.first = first
        self.members = [first]
        self.allowed = 1 << first


class Place(NamedTuple):
    """That a node is computed inside a group.

    Attributes:
        group: the group.
        access: how often and where, see `fuse_pull`.
        chain: cost of the repeated ops between here and the first that is computed once.
    """

    group: Group
    access: str
    chain: int


class State:
    """A graph being divided into groups; nodes are named by their position.

    `joined` are nodes that put their operands beside each other, in groups over the operands' space.
    `finders` holds what nodes must come after without reading it: of those that mention sizes which only the run finds
    out, the loops that do; and what the caller says.
    """

    def __init__(self, graph: Graph, after: Mapping[Node, Node] | None = None) -> None:
        """Finds roles, users and reachability; nodes that nothing needs are left out."""
        self.graph = graph
        self.nodes = graph.nodes
        self.position: dict[Node, int] = {n: i for i, n in enumerate(graph.nodes)}
        self.roles = [role(n) for n in graph.nodes]
        self.is_output = [False] * len(graph.nodes)
        for v in graph.outputs:
            self.is_output[self.position[v.node]] = True
        self.users: list[list[tuple[int, int]]] = [[] for _ in graph.nodes]
        finders = size_finders(graph)
        self.finders: dict[int, list[int]] = {
            i: [self.position[finders[s]] for s in n.sizes & finders.keys() if finders[s] is not n]
            for i, n in enumerate(graph.nodes) if finders
        }  # fmt: skip
        for late, early in (after or {}).items():
            self.finders.setdefault(self.position[late], []).append(self.position[early])
        self.live = self._find_live()
        self.effects = [i for i, n in enumerate(graph.nodes) if n.effects]
        self.above: list[int] = []
        self.below: list[int] = [0] * len(graph.nodes)
        self._close()
        self.group_of: list[Group | None] = [None] * len(graph.nodes)
        self.places: list[list[Place]] = [[] for _ in graph.nodes]
        self.standing: set[int] = {i for i, r in enumerate(self.roles) if r == BARE and self.live[i]}
        self.groups: list[Group] = []
        self.joined: set[int] = set()

    def _find_live(self) -> list[bool]:
        live = list(self.is_output)
        for i in range(len(self.nodes) - 1, -1, -1):
            node = self.nodes[i]
            live[i] = live[i] or bool(node.effects)
            if live[i]:
                for slot, v in enumerate(node.operands):
                    p = self.position[v.node]
                    live[p] = True
                    self.users[p].append((i, slot))
                for p in self.finders.get(i, ()):
                    live[p] = True
        for users in self.users:
            users.reverse()
        return live

    def _close(self) -> None:
        """Ancestors and descendants of every node, itself included; effects keep their order."""
        before: dict[int, int] = dict(zip(self.effects[1:], self.effects, strict=False))
        after = {v: k for k, v in before.items()}
        for i, node in enumerate(self.nodes):
            bits = 1 << i
            for v in node.operands:
                bits |= self.above[self.position[v.node]]
            for p in self.finders.get(i, ()):
                bits |= self.above[p]
            self.above.append(bits | (self.above[before[i]] if i in before else 0))
        sized: dict[int, list[int]] = {}
        for i, places in self.finders.items():
            for p in places:
                sized.setdefault(p, []).append(i)
        for i in range(len(self.nodes) - 1, -1, -1):
            bits = 1 << i
            for user in (*(u for u, _ in self.users[i]), *sized.get(i, ())):
                bits |= self.below[user]
            self.below[i] = bits | (self.below[after[i]] if i in after else 0)

    def free(self, i: int, wanted: str = PULL) -> bool:
        """Whether a node has that role, is needed, and is in no group yet."""
        return self.roles[i] == wanted and self.live[i] and self.group_of[i] is None

    def cloned(self, i: int) -> bool:
        """Whether a node is computed anew wherever it is read."""
        node = self.nodes[i]
        if self.roles[i] != PULL or not is_cloned(node):
            return False
        return not any(brings_together(node, self.nodes[u]) for u, _ in self.users[i])

    def cost(self, i: int) -> int:
        """The work of one element."""
        return cost(self.nodes[i])

    def operands(self, i: int) -> list[int]:
        """Positions of the operands' nodes."""
        return [self.position[v.node] for v in self.nodes[i].operands]

    def shape(self, i: int) -> tuple[Dim, ...]:
        """The shape of a node's only result."""
        return self.nodes[i].result.type.shape

    def is_source(self, value: Value) -> bool:
        """Whether a value is an input or a constant."""
        return self.roles[self.position[value.node]] == SOURCE

    # -- groups

    def start(self, category: str, first: int, shape: tuple[Dim, ...], axes: tuple[int, ...] = ()) -> Group:
        """A new group of one node."""
        group = Group(len(self.groups), category, shape, first, axes)
        self.groups.append(group)
        self.group_of[first] = group
        return group

    def may_join(self, group: Group, i: int) -> bool:
        """Whether no path leaves the group together with node `i` and comes back."""
        above = self.above[group.first] | self.above[i]
        below = self.below[group.first] | self.below[i]
        return not above & below & ~(group.allowed | 1 << i)

    def join(self, group: Group, i: int) -> None:
        """Puts a node into a group; `may_join` holds."""
        self._connect(group.first, i)
        group.members.append(i)
        group.allowed |= 1 << i
        self.group_of[i] = group

    def may_merge(self, one: Group, other: Group) -> bool:
        """Whether two groups may become one."""
        above = self.above[one.first] | self.above[other.first]
        below = self.below[one.first] | self.below[other.first]
        return not above & below & ~(one.allowed | other.allowed)

    def merge(self, one: Group, other: Group) -> None:
        """Moves everything of `other` into `one`; `may_merge` holds."""
        self._connect(one.first, other.first)
        one.allowed |= other.allowed
        for i in bits(other.allowed):
            self.places[i] = [p._replace(group=one) if p.group is other else p for p in self.places[i]]
        for i in other.members:
            self.group_of[i] = one
        one.members += other.members
        other.members = []

    def _connect(self, first: int, i: int) -> None:
        """Records what becomes reachable when node `i` comes into the group that `first` represents."""
        above, below = self.above, self.below
        for x, y in ((first, i), (i, first)):
            sources = above[x] & ~above[y]
            # The node's own bit stands for nothing once it is in the group: the representative's does.
            targets = below[y] & ~below[x] & ~(1 << i)
            if sources and targets:
                for a in bits(sources):
                    below[a] |= targets
                for b in bits(targets):
                    above[b] |= sources
        above[first] = above[i] = above[first] | above[i]
        below[first] = below[i] = below[first] | below[i]


def bits(mask: int) -> Iterator[int]:
    """Positions of the bits that are set, in ascending order."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


class Candidate:
    """A set of nodes that may become a group, before anything is recorded."""

    __slots__ = ("above", "allowed", "below", "members", "state")

    def __init__(self, state: State, seeds: Iterable[int]) -> None:
        """Starts with the seeds."""
        self.state = state
        self.members: list[int] = []
        self.above = self.below = self.allowed = 0
        for i in seeds:
            self.add(i)

    def may_add(self, i: int) -> bool:
        """Whether the set with node `i` has no path that leaves it and comes back."""
        above, below = self.above | self.state.above[i], self.below | self.state.below[i]
        return not above & below & ~(self.allowed | 1 << i)

    def add(self, i: int) -> None:
        """Adds a node."""
        self.above |= self.state.above[i]
        self.below |= self.state.below[i]
        self.allowed |= 1 << i
        self.members.append(i)

    def __contains__(self, i: int) -> bool:
        return bool(self.allowed >> i & 1)

    def prune(self, keep: frozenset[int]) -> list[int]:
        """The members without tails that are better computed where they are read.

        A tail is a set of members that no other member reads. It goes if whoever reads it can compute it, and if all
        that it reads is stored anyway: then nothing more is stored without it.
        """
        gone = {i for i in self.members if i not in keep and self._may_go(i)}
        while True:
            back = {i for i in gone if not self._goes(i, gone)}
            if not back:
                return [i for i in sorted(self.members) if i not in gone]
            gone -= back

    def _may_go(self, i: int) -> bool:
        """Whether a member's readers outside can compute it."""
        if self.state.cloned(i) and self.state.nodes[i].op.name == "reshape":
            return True
        return not self._must_exist(i)

    def _goes(self, i: int, gone: set[int]) -> bool:
        """Whether a member can go if the others in `gone` do."""
        state = self.state
        if any(self._inside(u, gone) for u, _ in state.users[i]):
            return False
        if state.cloned(i):
            return True
        return all(p in gone or p not in self or self._stored_anyway(p) for p in state.operands(i))

    def _stored_anyway(self, i: int) -> bool:
        return self.state.is_output[i] or any(u not in self for u, _ in self.state.users[i])

    def _inside(self, i: int, gone: set[int]) -> bool:
        return i in self and i not in gone

    def _must_exist(self, i: int) -> bool:
        """Whether a value is an output, or read by something that cannot compute it."""
        state = self.state
        if state.is_output[i]:
            return True
        for u, _ in state.users[i]:
            node = state.nodes[u]
            same = node.op.kind == "elementwise" and node.result.type.shape == state.shape(i)
            if not (state.roles[u] == "reduce" or (state.roles[u] == PULL and (same or state.cloned(u)))):
                return True
        return False
