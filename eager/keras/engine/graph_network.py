"""The graph of a functional model: which nodes lead from its inputs to its outputs, in order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eager import nest
from eager.keras.engine.keras_tensor import KerasTensor
from eager.keras.engine.node import Node
from eager.nest import map_leaves
from eager.ops.array import cast, expand_dims, squeeze
from eager.tensor import Tensor


class GraphNetwork:
    """The nodes between symbolic inputs and outputs.

    Attributes:
        inputs: the structure of inputs.
        outputs: the structure of outputs.
        nodes: the nodes in an order in which they can run.
        layers: the layers, those furthest from the outputs first, as tf.keras lists them.
    """

    def __init__(self, inputs: Any, outputs: Any, extra: Sequence[KerasTensor] = ()) -> None:
        """Finds the nodes.

        Args:
            inputs: symbolic Keras tensors.
            outputs: symbolic Keras tensors that depend on the inputs alone.
            extra: further tensors to compute, for losses and metrics.

        Raises:
            ValueError: if the graph is disconnected, or two layers share a name.
        """
        self.inputs = inputs
        self.outputs = outputs
        self.extra = list(extra)
        self.flat_inputs: list[KerasTensor] = nest.flatten(inputs)
        self.flat_outputs: list[KerasTensor] = nest.flatten(outputs)
        self._check_tensors()
        self._known = {id(t) for t in self.flat_inputs}
        self._indices: dict[int, int] = {}
        self.nodes = self._order()
        self._check_connected()
        self.layers = self._ordered_layers()
        self._check_names()
        self._plan: list[_Step] = []

    def extended(self, tensor: KerasTensor) -> GraphNetwork:
        """The graph that computes a further tensor as well; its new layers come after the old ones."""
        network = GraphNetwork(self.inputs, self.outputs, [*self.extra, tensor])
        known = {id(layer) for layer in self.layers}
        network.layers = [*self.layers, *(x for x in network.layers if id(x) not in known)]
        return network

    def _check_tensors(self) -> None:
        for t in [*self.flat_inputs, *self.flat_outputs]:
            if not isinstance(t, KerasTensor):
                raise ValueError(
                    f"Found unexpected instance while processing input tensors for keras functional model. Expecting "
                    f"KerasTensor which is from tf.keras.Input() or output from keras layer call(). Got: {t!r}"
                )
        if len({id(t) for t in self.flat_inputs}) != len(self.flat_inputs):
            raise ValueError(
                f"The list of inputs passed to the model contains the same input multiple times: {self.inputs}"
            )

    def _order(self) -> list[Node]:
        """Depth-first from the outputs; a node comes after the nodes that it needs."""
        order: list[Node] = []
        done: set[int] = set()
        for tensor in [*self.flat_outputs, *self.extra]:
            self._visit(tensor, order, done)
        return order

    def _visit(self, tensor: KerasTensor, order: list[Node], done: set[int]) -> None:
        stack: list[tuple[KerasTensor, bool]] = [(tensor, False)]
        while stack:
            t, finished = stack.pop()
            node = node_of(t)
            if finished:
                order.append(node)
                continue
            if id(t) in self._known:
                self._indices.setdefault(id(node.layer), len(self._indices))
                continue
            if id(node) in done:
                continue
            done.add(id(node))
            self._indices.setdefault(id(node.layer), len(self._indices))
            stack.append((t, True))
            stack.extend((x, False) for x in reversed(node.keras_inputs))

    def _check_connected(self) -> None:
        available = set(self._known)
        accessed: list[str] = []
        ends = ((t._keras_history[0], [t], []) for t in [*self.flat_outputs, *self.extra])
        steps = ((n.layer, n.keras_inputs, nest.flatten(n.outputs)) for n in self.nodes if n.keras_inputs)
        for layer, needed, made in (*steps, *ends):
            # An Input that is none of this model's stands out at the layer that needs it.
            missing = [t for t in needed if id(t) not in available]
            if missing:
                raise ValueError(
                    f'Graph disconnected: cannot obtain value for tensor {missing[0]} at layer "{layer.name}". The '
                    f"following previous layers were accessed without issue: {accessed}"
                )
            available.update(id(t) for t in made)
            accessed.append(layer.name)

    def _ordered_layers(self) -> list[Any]:
        depths: dict[int, int] = {}
        layers: dict[int, Any] = {}
        for node in reversed(self.nodes):
            depth = depths.setdefault(id(node.layer), 0)
            layers[id(node.layer)] = node.layer
            for t in node.keras_inputs:
                parent = t._keras_history[0]
                if id(t) not in self._known:
                    depths[id(parent)] = max(depths.get(id(parent), 0), depth + 1)
        # A model may also start at tensors in the middle of another one; those layers are not its own.
        entries = [t._keras_history[0] for t in self.flat_inputs if not node_of(t).keras_inputs]
        last = max(depths.values(), default=-1)
        inner = sorted(layers.values(), key=lambda x: (-depths[id(x)], self._indices[id(x)]))
        by_depth = {id(x): self._entry_depth(x, depths, last) for x in entries}
        return sorted(
            [*(x for x in entries if id(x) not in layers), *inner],
            key=lambda x: (-by_depth.get(id(x), depths.get(id(x), 0)), self._indices.get(id(x), -1)),
        )

    def _entry_depth(self, layer: Any, depths: dict[int, int], last: int) -> int:
        uses = [depths[id(n.layer)] for n in layer._outbound_nodes if id(n.layer) in depths]
        return min(max(uses, default=-1) + 1, last + 1)

    def _check_names(self) -> None:
        names = [layer.name for layer in self.layers]
        for name in names:
            if names.count(name) != 1:
                raise ValueError(
                    f'The name "{name}" is used {names.count(name)} times in the model. All layer names should be '
                    "unique."
                )

    def run(self, flat_inputs: Sequence[Any]) -> Any:
        """Calls the layers on actual inputs, in the order of `flat_inputs`; returns the outputs' structure."""
        values: dict[int, Any] = {id(t): x for t, x in zip(self.flat_inputs, flat_inputs, strict=True)}
        if not self._plan:
            self._plan = [_Step(node) for node in self.nodes]
        for step in self._plan:
            step.run(values)
        if isinstance(self.outputs, KerasTensor):
            return values[id(self.outputs)]
        return map_leaves(lambda t: values[id(t)], self.outputs)

    def __getstate__(self) -> dict[str, Any]:
        """The state for a copy, whose tensors have identities of their own."""
        return self.__dict__ | {"_plan": [], "_known": set(), "_indices": {}}

    def conform(self, inputs: Any) -> list[Any]:
        """Actual inputs in the order of `flat_inputs`, with ranks and dtypes of the symbolic ones.

        Raises:
            ValueError: if their number differs.
        """
        flat = self._flat(inputs)
        if len(flat) != len(self.flat_inputs):
            raise ValueError(f"The model takes {len(self.flat_inputs)} inputs, but it received {len(flat)}: {inputs}")
        return [_conform(x, t) for x, t in zip(flat, self.flat_inputs, strict=True)]

    def _flat(self, inputs: Any) -> list[Any]:
        if isinstance(inputs, dict) and not isinstance(self.inputs, dict):
            names = [t._keras_history[0].name for t in self.flat_inputs]
            if all(n in inputs for n in names):
                return [inputs[n] for n in names]
        if isinstance(inputs, dict) and isinstance(self.inputs, dict):
            missing = [k for k in self.inputs if k not in inputs]
            if missing:
                raise ValueError(f"Missing data for input {missing[0]!r}; the model expects {sorted(self.inputs)}")
            return [inputs[k] for k in sorted(self.inputs)]
        return nest.flatten(inputs)


class _Step:
    """One node ready to run; the common case, one tensor argument, needs no walk over structures."""

    __slots__ = ("args", "kwargs", "layer", "outputs", "single", "single_output")

    outputs: list[int]

    def __init__(self, node: Node) -> None:
        self.layer = node.layer
        self.args, self.kwargs = list(node.call_args), node.call_kwargs
        plain = len(self.args) == 1 and isinstance(self.args[0], KerasTensor) and not self.kwargs
        self.single = id(self.args[0]) if plain else None
        self.outputs = [id(t) if isinstance(t, KerasTensor) else 0 for t in nest.flatten(node.outputs)]
        self.single_output = isinstance(node.outputs, KerasTensor)

    def run(self, values: dict[int, Any]) -> None:
        if self.single is not None:
            result = self.layer(values[self.single])
        else:
            args = [map_leaves(lambda t: _value(t, values), a) for a in self.args]
            kwargs = {k: map_leaves(lambda t: _value(t, values), a) for k, a in self.kwargs.items()}
            result = self.layer(*args, **kwargs)
        if self.single_output:
            values[self.outputs[0]] = result
            return
        for key, value in zip(self.outputs, nest.flatten(result), strict=True):
            if key:
                values[key] = value


def _value(t: Any, values: dict[int, Any]) -> Any:
    return values[id(t)] if isinstance(t, KerasTensor) else t


def node_of(tensor: KerasTensor) -> Node:
    """The node that makes a symbolic Keras tensor. Raises ValueError if there is none."""
    history = getattr(tensor, "_keras_history", None)
    if history is None:
        raise ValueError(f"Output tensors of a Functional model must be the output of a layer. Found: {tensor}")
    node: Node = history[0]._inbound_nodes[history[1]]
    return node


def _conform(x: Any, reference: KerasTensor) -> Any:
    """A last axis of size 1 added or removed, and the dtype cast, as the symbolic input has them."""
    if not isinstance(x, Tensor):
        return x
    rank, wanted = x.ndim, reference.ndim
    if rank == wanted + 1 and x.shape[-1] == 1:
        x = squeeze(x, -1)
    elif rank == wanted - 1 and reference.shape[-1] == 1:
        x = expand_dims(x, -1)
    return x if x.dtype is reference.dtype else cast(x, reference.dtype)
