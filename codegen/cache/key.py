"""The key of a graph: a digest of all that its code depends on, and of nothing that it does not.

Names of graphs, inputs and outputs, and source lines are left out: the same layers under other names, or further down
in a file, have the same code.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from codegen.cache.digest import sha256
from graphcore.dims import Atom, SymDim
from graphcore.dtypes import DType
from graphcore.graph import Const, Graph, Node
from graphcore.optable import OPS
from graphcore.types import TensorType

_PLAIN = (int, str, bool, float, type(None))


class NotCacheable(Exception):
    """A graph whose code cannot be found again in another process; the message says why."""


class GraphKey:
    """The digest of a graph, and the objects in it that no file can hold.

    Attributes:
        digest: 32 bytes.
        opaque: functions that host calls call, in order of first appearance; entries name them by number.
    """

    __slots__ = ("digest", "opaque")

    def __init__(self, digest: bytes, opaque: Sequence[Any]) -> None:
        """Made by graph_key."""
        self.digest, self.opaque = digest, tuple(opaque)


def graph_key(graph: Graph, salt: bytes) -> GraphKey:
    """The key of a traced graph.

    Args:
        graph: as traced, before passes.
        salt: what else the code depends on: CPU, versions, options.

    Raises:
        NotCacheable: if a node holds an object that has no canonical form.
    """
    writer = _Writer()
    writer.graph(graph)
    digest = sha256(salt)
    digest.update("\n".join(writer.lines).encode("utf-8", "surrogatepass"))
    for data in writer.constants:
        digest.update(data)
    return GraphKey(digest.digest(), writer.opaque)


class _Writer:
    """Writes a canonical text: one line per node, equal for equal graphs only."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.constants: list[bytes] = []
        self.opaque: list[Any] = []
        self._opaque: dict[int, int] = {}
        self._types: dict[TensorType, str] = {}

    def graph(self, graph: Graph) -> None:
        """The lines of a graph and of the bodies in it."""
        numbers: dict[int, int] = {}
        add, types = self.lines.append, self._types
        for number, node in enumerate(graph.nodes):
            if OPS.get(node.op.name) is not node.op:
                raise NotCacheable(f"{node.op.name} is no op of the table")
            numbers[id(node)] = number
            operands = [(numbers[id(v.node)], v.index) for v in node.operands]
            found = [types.get(v.type) or self._type(v.type) for v in node.results]
            attrs = self._attrs(node) if node.attrs else ""
            add(f"{node.op.name} {operands} {found} {attrs}")
            for body in node.bodies:
                add("{")
                self.graph(body)
                add("}")
        places = [[(numbers[id(v.node)], v.index) for v in values] for values in (graph.inputs, graph.outputs)]
        guards = [(kind, self._value(a), self._value(b), bool(holds)) for kind, a, b, holds in graph.guards]
        add(f"{places} {graph.updates} {guards}")

    def _type(self, kind: TensorType) -> str:
        if kind.dtype.kind == "O":
            raise NotCacheable("strings are handled in Python")
        text = self._types[kind] = f"{kind.dtype.name}{self._value(kind.shape)}"
        return text

    def _attrs(self, node: Node) -> str:
        attrs = node.attrs
        if node.op.name == "input":
            return self._value(attrs.get("role"))
        host = node.op.kind == "host"
        return ",".join([f"{name}={self._value(attrs[name], host)}" for name in sorted(attrs)])

    def _value(self, value: Any, host: bool = False) -> str:
        """The text of an attribute's value."""
        if type(value) in _PLAIN:
            return repr(value)
        if isinstance(value, tuple | list):
            if all([type(item) is int for item in value]):
                return repr(value)
            return f"{type(value).__name__}({','.join([self._value(item, host) for item in value])})"
        if isinstance(value, SymDim):
            return f"dim({','.join([f'{c}*{[self._atom(a) for a in m]}' for m, c in value.terms])})"
        if isinstance(value, DType):
            return f"dtype({value.name})"
        if isinstance(value, TensorType):
            return f"type({self._type(value)})"
        if isinstance(value, dict):
            return f"dict({','.join([f'{key!r}:{self._value(item, host)}' for key, item in value.items()])})"
        return self._object(value, host)

    def _object(self, value: Any, host: bool) -> str:
        """Arrays, and what has no text."""
        if isinstance(value, Const):
            value = value.array
        if isinstance(value, np.ndarray | np.generic) and not value.dtype.hasobject:
            data = np.ascontiguousarray(value).tobytes()
            self.constants.append(data)
            return f"array({value.dtype.str},{value.dtype.name},{value.shape},{len(data)})"
        if not host:
            raise NotCacheable(f"an attribute is a {type(value).__name__}, which has no canonical form")
        inner = getattr(value, "graph", None)
        if isinstance(inner, Graph):
            self.graph(inner)
        number = self._opaque.setdefault(id(value), len(self.opaque))
        if number == len(self.opaque):
            self.opaque.append(value)
        return f"object({number},{type(value).__qualname__},{getattr(value, 'name', None)!r})"

    def _atom(self, atom: Atom) -> str:
        args = ",".join([self._value(a) for a in atom.args])
        return f"{atom.kind}({atom.name!r},{args},{self._value(atom.low)},{self._value(atom.high)})"
