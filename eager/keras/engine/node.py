"""Nodes: one symbolic call of a layer each; and what a layer tells of them."""

from __future__ import annotations

from typing import Any

from eager import nest
from eager.keras.engine.keras_tensor import KerasTensor
from eager.keras.engine.losses import Losses


class Node:
    """One call of a layer on symbolic Keras tensors.

    Attributes:
        layer: the layer.
        call_args: positional arguments, Keras tensors included.
        call_kwargs: keyword arguments.
        outputs: the structure of Keras tensors that the call gave.
        index: the number of the call among the layer's calls.
    """

    def __init__(self, layer: Any, call_args: Any, call_kwargs: Any, outputs: Any) -> None:
        """Takes note of a call and gives its outputs their history."""
        self.layer = layer
        self.call_args = tuple(call_args)
        self.call_kwargs = dict(call_kwargs)
        self.outputs = outputs
        self.index = len(layer._inbound_nodes)
        self.keras_inputs = [x for x in nest.flatten([list(self.call_args), self.call_kwargs]) if _symbolic(x)]
        layer._inbound_nodes.append(self)
        for tensor in self.keras_inputs:
            tensor._keras_history[0]._outbound_nodes.append(self)
        for i, tensor in enumerate(nest.flatten(outputs)):
            if _symbolic(tensor):
                tensor._keras_history = (layer, self.index, i)

    @property
    def inputs(self) -> Any:
        """The layer's first argument; for an Input the tensor itself."""
        if not self.keras_inputs:
            return self.outputs
        if self.call_args and any(_symbolic(x) for x in nest.flatten(self.call_args[0])):
            return self.call_args[0]
        return self.keras_inputs[0] if len(self.keras_inputs) == 1 else self.keras_inputs

    @property
    def parents(self) -> list[Node]:
        """The nodes whose outputs this one takes."""
        return [t._keras_history[0]._inbound_nodes[t._keras_history[1]] for t in self.keras_inputs]

    @property
    def inbound_layers(self) -> Any:
        """The layers whose outputs this one takes."""
        layers = [t._keras_history[0] for t in self.keras_inputs]
        return layers[0] if len(layers) == 1 else layers


def _symbolic(x: Any) -> bool:
    return isinstance(x, KerasTensor)


class Nodes(Losses):
    """The part of Layer that remembers its symbolic calls."""

    _inbound_nodes: list[Node]
    _outbound_nodes: list[Node]

    @property
    def inbound_nodes(self) -> list[Node]:
        """One node per symbolic call."""
        return self._inbound_nodes

    @property
    def outbound_nodes(self) -> list[Node]:
        """The nodes that take this layer's outputs."""
        return self._outbound_nodes

    def _at(self, index: int, what: str) -> Node:
        if not self._inbound_nodes:
            raise RuntimeError(f"The layer {self.name!r} has never been called and thus has no defined {what}.")
        if not 0 <= index < len(self._inbound_nodes):
            raise ValueError(
                f"Asked to get {what} at node {index}, but the layer {self.name!r} has only "
                f"{len(self._inbound_nodes)} inbound nodes."
            )
        return self._inbound_nodes[index]

    def get_input_at(self, node_index: int) -> Any:
        """The input of a symbolic call. Raises RuntimeError if there was none, ValueError out of range."""
        return self._at(node_index, "input").inputs

    def get_output_at(self, node_index: int) -> Any:
        """The output of a symbolic call. Raises RuntimeError if there was none, ValueError out of range."""
        return self._at(node_index, "output").outputs

    def get_input_shape_at(self, node_index: int) -> Any:
        """The input shape of a symbolic call. Raises RuntimeError if there was none, ValueError out of range."""
        return _shapes(self._at(node_index, "input shape").inputs)

    def get_output_shape_at(self, node_index: int) -> Any:
        """The output shape of a symbolic call. Raises RuntimeError if there was none, ValueError out of range."""
        return _shapes(self._at(node_index, "output shape").outputs)

    def get_input_mask_at(self, node_index: int) -> Any:
        """The mask of a symbolic call's input, or None."""
        return _masks(self._at(node_index, "input mask").inputs)

    def get_output_mask_at(self, node_index: int) -> Any:
        """The mask of a symbolic call's output, or None."""
        return _masks(self._at(node_index, "output mask").outputs)

    @property
    def input(self) -> Any:
        """The symbolic input of the first call. Raises AttributeError if there was none."""
        return self._first("input").inputs

    @property
    def output(self) -> Any:
        """The symbolic output of the first call. Raises AttributeError if there was none."""
        return self._first("output").outputs

    @property
    def input_mask(self) -> Any:
        """The mask of the symbolic input, or None. Raises AttributeError if there was no symbolic call."""
        return _masks(self._first("input mask").inputs)

    @property
    def output_mask(self) -> Any:
        """The mask of the symbolic output, or None. Raises AttributeError if there was no symbolic call."""
        return _masks(self._first("output mask").outputs)

    @property
    def input_shape(self) -> Any:
        """The shape of the symbolic input. Raises AttributeError without one, or if calls differ."""
        return self._common("input")

    @property
    def output_shape(self) -> Any:
        """The shape of the symbolic output. Raises AttributeError without one, or if calls differ."""
        return self._common("output")

    def _first(self, what: str) -> Node:
        if not self._inbound_nodes:
            raise AttributeError(f"Layer {self.name} has no inbound nodes: it has no {what} before a symbolic call.")
        return self._inbound_nodes[0]

    def _common(self, which: str) -> Any:
        self._first(f"{which} shape")
        shapes = [_shapes(getattr(node, f"{which}s")) for node in self._inbound_nodes]
        if any(s != shapes[0] for s in shapes):
            raise AttributeError(
                f"The layer {self.name!r} has multiple inbound nodes, with different {which} shapes. Hence the notion "
                f'of "{which} shape" is ill-defined for the layer. Use `get_{which}_shape_at(node_index)` instead.'
            )
        return shapes[0]


def _shapes(structure: Any) -> Any:
    if _symbolic(structure):
        return tuple(structure.shape.as_list())
    return nest.map_structure(lambda t: tuple(t.shape.as_list()), structure)


def _masks(structure: Any) -> Any:
    if _symbolic(structure):
        return structure._keras_mask
    return nest.map_structure(lambda t: getattr(t, "_keras_mask", None), structure)
