"""The graph: an ordered list of nodes in SSA form.

A `Value` is one result of one `Node`. Operand order and parallel edges matter, so storage is plain lists;
networkx is for analysis only (`graphcore.analysis`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from graphcore import dims
from graphcore.dims import Guard
from graphcore.types import TensorType

if TYPE_CHECKING:
    from graphcore.optable import OpDef


class Location(NamedTuple):
    """A line of the user's code, and the path of layers whose call it ran in."""

    file: str
    line: int
    function: str = ""
    layers: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Text form: file:line (in model/dense)."""
        where = f"{self.file}:{self.line}"
        return f"{where} (in {'/'.join(self.layers)})" if self.layers else where


class Const:
    """A constant array, read-only, equal to another of the same dtype, shape and bytes.

    Bytes decide, so 0.0 and -0.0 differ and 1, 1.0 and True differ.
    """

    __slots__ = ("_key", "array")

    def __init__(self, array: np.ndarray[Any, Any]) -> None:
        """Copies nothing if the array is already read-only and contiguous."""
        if not array.flags.c_contiguous or array.flags.writeable:
            array = np.array(array, order="C", copy=True)
            array.flags.writeable = False
        self.array = array
        self._key: tuple[str, tuple[int, ...], bytes] | None = None

    @property
    def key(self) -> tuple[str, tuple[int, ...], bytes]:
        """What identifies the constant: dtype, shape, bytes."""
        if self._key is None:
            self._key = (self.array.dtype.str, self.array.shape, self.array.tobytes())
        return self._key

    def __eq__(self, other: object) -> bool:
        """Same dtype, shape and bytes."""
        return self is other or (isinstance(other, Const) and self.key == other.key)

    def __hash__(self) -> int:
        """Hash of dtype, shape and bytes."""
        return hash(self.key)

    def __repr__(self) -> str:
        """Short text, for messages."""
        return f"Const({self.array.dtype}, {self.array.shape})"


class Value:
    """One result of a node. Compared by identity."""

    __slots__ = ("index", "node", "type")

    def __init__(self, node: Node, index: int, type_: TensorType) -> None:
        """Made by Node."""
        self.node, self.index, self.type = node, index, type_

    @property
    def name(self) -> str:
        """The text name: %3, or %3.1 for the second result."""
        return f"%{self.node.id}" + (f".{self.index}" if self.index else "")

    def __repr__(self) -> str:
        """Name and type, for messages."""
        return f"{self.name}: {self.type}"


class Node:
    """One operation: an op, operands, attributes, results, where it came from, and body graphs."""

    __slots__ = ("attrs", "bodies", "id", "locations", "op", "operands", "results")

    def __init__(
        self,
        node_id: int,
        op: OpDef,
        operands: Sequence[Value],
        attrs: Mapping[str, Any],
        result_types: Sequence[TensorType],
        locations: frozenset[Location] = frozenset(),
        bodies: tuple[Graph, ...] = (),
    ) -> None:
        """Makes the node and one Value per result type."""
        self.id = node_id
        self.op = op
        self.operands = tuple(operands)
        self.attrs = dict(attrs)
        self.results = tuple(Value(self, i, t) for i, t in enumerate(result_types))
        self.locations = locations
        self.bodies = bodies

    @property
    def result(self) -> Value:
        """The only result of a node that has one."""
        (value,) = self.results
        return value

    @property
    def effects(self) -> frozenset[str]:
        """What running the node does besides computing: the op's effects, and those of nodes in its bodies."""
        if not self.bodies:
            return self.op.effects
        return self.op.effects.union(*(n.effects for body in self.bodies for n in body.nodes))

    @property
    def sizes(self) -> set[str]:
        """Names of the symbols that its result types, attributes and bodies mention."""
        found = dims.free_symbols([v.type.shape for v in self.results]) | dims.free_symbols(self.attrs)
        return found.union(*(n.sizes for body in self.bodies for n in body.nodes))

    @property
    def full_attrs(self) -> dict[str, Any]:
        """The attributes as the op's rules take them: with the body graphs as `bodies`, where there are any."""
        return {**self.attrs, "bodies": self.bodies} if self.bodies else self.attrs

    def __repr__(self) -> str:
        """One line, for messages."""
        results = ", ".join(map(repr, self.results))
        return f"{results} = {self.op.name}({', '.join(v.name for v in self.operands)})"


class Graph:
    """An ordered, pure dataflow graph.

    Attributes:
        nodes: every node in execution order, input and constant nodes included.
        inputs: results of the input nodes, in call order.
        outputs: what a run returns, updates of variables included.
        output_names: one name per output, for people.
        updates: pairs (output position, input position): this output is the new value of that variable input.
        guards: facts (kind, a, b, outcome) about symbolic sizes that the graph was built on; a caller checks them.
        memory: the memory plan that the memory pass leaves, or None.
    """

    __slots__ = ("guards", "inputs", "memory", "name", "nodes", "output_names", "outputs", "updates")

    def __init__(
        self,
        name: str,
        nodes: Sequence[Node],
        inputs: Sequence[Value],
        outputs: Sequence[Value],
        updates: Sequence[tuple[int, int]] = (),
        output_names: Sequence[str] = (),
        guards: Sequence[Guard] = (),
    ) -> None:
        """Takes the parts as they are; `graphcore.verify.verify` checks them."""
        self.name = name
        self.nodes = list(nodes)
        self.inputs = tuple(inputs)
        self.outputs = tuple(outputs)
        self.updates = tuple(updates)
        self.output_names = tuple(output_names) or tuple(f"out{i}" for i in range(len(self.outputs)))
        self.guards: tuple[Guard, ...] = tuple(guards)
        self.memory: Any = None

    def users(self) -> dict[Value, list[Node]]:
        """For every value the nodes that read it, in order, once per node."""
        found: dict[Value, list[Node]] = {v: [] for n in self.nodes for v in n.results}
        for node in self.nodes:
            for value in dict.fromkeys(node.operands):
                found[value].append(node)
        return found

    def walk(self) -> Iterator[Node]:
        """Every node, those of bodies included."""
        for node in self.nodes:
            yield node
            for body in node.bodies:
                yield from body.walk()

    def to_networkx(self) -> Any:
        """This graph as a networkx.MultiDiGraph (see graphcore.analysis)."""
        from graphcore.analysis import to_networkx

        return to_networkx(self)

    def __repr__(self) -> str:
        """Its text form."""
        from graphcore.text import to_text

        return to_text(self)
