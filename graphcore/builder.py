"""GraphBuilder: emit nodes with inference, hash-consing, folding of small constants, and source locations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from graphcore import dims
from graphcore.dtypes import as_dtype
from graphcore.graph import Const, Graph, Location, Node, Value
from graphcore.optable import OpDef, get_op
from graphcore.region_sizes import apart, fresh, mentioned
from graphcore.types import TensorType

FOLD_BYTES = 1024
"""Results up to this size are folded at once when every operand is a constant; the fold pass does larger ones."""

_Locate = Callable[[], Location | None]


class GraphBuilder:
    """Builds one Graph; the only way that nodes come into being, for the tracer and for every pass."""

    def __init__(self, name: str, locate: _Locate | None = None, fold_bytes: int = FOLD_BYTES) -> None:
        """Starts an empty graph.

        Args:
            name: the graph's name.
            locate: gives the user's line that is running, or None.
            fold_bytes: folds results up to this many bytes while building; 0 never folds.
        """
        self.name = name
        self.nodes: list[Node] = []
        self.inputs: list[Value] = []
        self._locate = locate
        self._fold_bytes = fold_bytes
        self._known: dict[Any, Node] = {}
        self._next_id = 0
        self.guards: list[dims.Guard] = []

    def input(
        self, type_: TensorType, name: str = "", role: str = "argument",
        locations: frozenset[Location] = frozenset(),
    ) -> Value:  # fmt: skip
        """Adds an input; role is "argument", "captured" or "variable"."""
        attrs = {"name": name or f"in{len(self.inputs)}", "role": role}
        node = self._append(get_op("input"), (), attrs, (type_,), locations)
        self.inputs.append(node.result)
        return node.result

    def constant(self, array: Any, locations: frozenset[Location] = frozenset()) -> Value:
        """Adds a constant, or finds the equal one that is there."""
        const = array if isinstance(array, Const) else Const(np.asarray(array))
        type_ = TensorType(as_dtype(const.array.dtype), const.array.shape)
        return self._cons(get_op("constant"), (), {"value": const}, (type_,), locations or self.here(), ()).result

    def emit(self, op: str | OpDef, operands: Sequence[Value], /, **attrs: Any) -> tuple[Value, ...]:
        """Adds a node, or finds the equal one; returns its results.

        Raises:
            ShapeError, DTypeError, InvalidArgumentError: from the op's own inference.
            InconclusiveDim: if inference depends on a symbolic size.
        """
        return self.emit_node(get_op(op) if isinstance(op, str) else op, operands, attrs)

    def emit_node(
        self,
        op: OpDef,
        operands: Sequence[Value],
        attrs: dict[str, Any],
        locations: frozenset[Location] | None = None,
        bodies: tuple[Graph, ...] = (),
        result_types: Sequence[TensorType] | None = None,
    ) -> tuple[Value, ...]:
        """As `emit`, for passes: keeps given source locations and bodies, and may skip inference."""
        where = self.here() if locations is None else locations
        if "bodies" in attrs:
            attrs = dict(attrs)
            bodies = tuple(attrs.pop("bodies"))
        known = self._known_region(op, operands, attrs, bodies) if bodies and op.name != "fusion" else None
        if isinstance(known, Node):
            known.locations |= where
            return known.results
        if bodies:
            attrs, bodies = self._with_own_sizes(attrs, bodies, rename=result_types is None)
        types = result_types if result_types is not None else op.infer(
            [v.type for v in operands], {**attrs, "bodies": bodies} if bodies else attrs
        )
        folded = self._fold(op, operands, attrs, types)
        if folded is not None:
            return tuple(self.constant(a, where) for a in folded)
        if op.effects or bodies or op.name == "input":
            made = self._append(op, operands, attrs, types, where, bodies)
            if known is not None and not made.effects:
                self._known[known] = made
            return made.results
        return self._cons(op, operands, attrs, types, where, bodies).results

    def emit_apart(self, node: Node, operands: Sequence[Value]) -> tuple[Value, ...]:
        """Adds a node like another of the graph that is rewritten, even if an equal one is there."""
        types = [v.type for v in node.results]
        return self._append(node.op, operands, node.attrs, types, node.locations, node.bodies).results

    def finish(
        self, outputs: Sequence[Value], updates: Sequence[tuple[int, int]] = (), output_names: Sequence[str] = ()
    ) -> Graph:
        """The finished graph; the builder may go on and finish again."""
        return Graph(self.name, self.nodes, self.inputs, outputs, updates, output_names, self.guards)

    def here(self) -> frozenset[Location]:
        """The user's line that is running, as a set of locations."""
        location = self._locate() if self._locate is not None else None
        return frozenset() if location is None else frozenset((location,))

    def _cons(
        self, op: OpDef, operands: Sequence[Value], attrs: dict[str, Any], types: Sequence[TensorType],
        locations: frozenset[Location], bodies: tuple[Graph, ...],
    ) -> Node:  # fmt: skip
        # The types of attribute values are part of the key: 1 == 1.0 == True must not collide.
        key = (op.name, tuple(id(v) for v in operands), tuple((k, _typed(v)) for k, v in sorted(attrs.items())))
        node = self._known.get(key)
        if node is None:
            node = self._known[key] = self._append(op, operands, attrs, types, locations, bodies)
        elif locations:
            node.locations |= locations
        return node

    def _known_region(
        self, op: OpDef, operands: Sequence[Value], attrs: dict[str, Any], bodies: tuple[Graph, ...]
    ) -> Any:
        """The node of the same op, operands, attributes and bodies without effects, or the key to keep it under."""
        key = (op.name, tuple(operands), tuple((k, _typed(v)) for k, v in sorted(attrs.items())), bodies)
        return self._known.get(key, key)

    def _with_own_sizes(
        self, attrs: dict[str, Any], bodies: tuple[Graph, ...], *, rename: bool
    ) -> tuple[dict[str, Any], tuple[Graph, ...]]:
        """Attributes and bodies in which no size that a run finds out has the name of one that is here already."""
        save = attrs.get("save")
        if save and rename:
            inside = mentioned(n for body in bodies for n in body.nodes)
            attrs = {**attrs, "save": fresh(save, mentioned(self.nodes) | inside)}
        return attrs, apart(bodies, self.nodes, attrs.get("save"))

    def _append(
        self, op: OpDef, operands: Sequence[Value], attrs: dict[str, Any], types: Sequence[TensorType],
        locations: frozenset[Location], bodies: tuple[Graph, ...] = (),
    ) -> Node:  # fmt: skip
        node = Node(self._next_id, op, operands, attrs, types, locations, bodies)
        self._next_id += 1
        self.nodes.append(node)
        return node

    def _fold(
        self, op: OpDef, operands: Sequence[Value], attrs: dict[str, Any], types: Sequence[TensorType]
    ) -> list[np.ndarray[Any, Any]] | None:
        if not operands or op.effects or op.kind in ("host", "control", "random"):
            return None
        if any(v.node.op.name != "constant" for v in operands) or dims.free_symbols(attrs):
            return None
        if not all(t.is_static for t in types) or sum(int(t.bytes) for t in types) > self._fold_bytes:
            return None
        return evaluate_op(op, [v.node.attrs["value"].array for v in operands], attrs)


def evaluate_op(
    op: OpDef, arrays: Sequence[np.ndarray[Any, Any]], attrs: dict[str, Any]
) -> list[np.ndarray[Any, Any]]:
    """Runs an op's NumPy meaning with NumPy's warnings off; always returns a list of arrays."""
    with np.errstate(all="ignore"):
        result = op.evaluate(*arrays, **attrs)
    return [np.asarray(r) for r in (result if isinstance(result, tuple | list) else (result,))]


def _typed(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_typed(v) for v in value)  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, float):
        return (float, value.hex())
    return (type(value).__name__, value)
