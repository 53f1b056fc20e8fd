"""Functional models as plain data and back: layers, their calls, inputs and outputs."""

from __future__ import annotations

from typing import Any

from eager import nest
from eager.keras.engine.graph_network import GraphNetwork
from eager.keras.engine.keras_tensor import KerasTensor
from eager.keras.serialization import deserialize_keras_object, serialize_keras_object

_TENSOR = "__keras_tensor__"


def network_config(network: GraphNetwork) -> dict[str, Any]:
    """Layers with their calls, and the ends of the graph."""
    used = {id(n) for n in network.nodes}
    layers: list[dict[str, Any]] = []
    for layer in network.layers:
        nodes = [n for n in layer._inbound_nodes if id(n) in used]
        calls = [{"args": _plain(list(n.call_args)), "kwargs": _plain(n.call_kwargs)} for n in nodes]
        layers.append(serialize_keras_object(layer) | {"name": layer.name, "inbound_nodes": calls})
    numbers = _numbers(network)
    for entry in layers:
        entry["inbound_nodes"] = _renumber(entry["inbound_nodes"], numbers)
    return {
        "layers": layers,
        "input_layers": _renumber(_plain(network.inputs), numbers),
        "output_layers": _renumber(_plain(network.outputs), numbers),
    }


def _numbers(network: GraphNetwork) -> dict[tuple[str, int], int]:
    """The number of each node among the nodes of its layer that the graph has."""
    used = {id(n) for n in network.nodes}
    numbers: dict[tuple[str, int], int] = {}
    for layer in network.layers:
        kept = [n for n in layer._inbound_nodes if id(n) in used or not n.keras_inputs]
        numbers.update({(layer.name, n.index): i for i, n in enumerate(kept)})
    return numbers


def _plain(structure: Any) -> Any:
    """Plain data of arguments: symbolic tensors by layer, node and tensor; other values serialized."""
    if isinstance(structure, KerasTensor):
        layer, node, tensor = structure._keras_history
        return {"class_name": _TENSOR, "config": {"keras_history": [layer.name, node, tensor]}}
    if isinstance(structure, dict):
        return {k: _plain(v) for k, v in structure.items()}
    if isinstance(structure, tuple):
        return {"class_name": "__tuple__", "items": [_plain(v) for v in structure]}
    if isinstance(structure, list):
        return [_plain(v) for v in structure]
    if isinstance(structure, slice):
        ends = (structure.start, structure.stop, structure.step)
        return {"class_name": "__slice__", "config": [_plain(end) for end in ends]}
    if structure is Ellipsis:
        return {"class_name": "__ellipsis__", "config": {}}
    if hasattr(structure, "as_numpy_dtype"):
        return structure.name
    if hasattr(structure, "numpy"):
        return structure.numpy().tolist()
    return structure.tolist() if hasattr(structure, "tolist") else serialize_keras_object(structure)


def _renumber(data: Any, numbers: dict[tuple[str, int], int]) -> Any:
    if isinstance(data, dict):
        if data.get("class_name") == _TENSOR:
            name, node, tensor = data["config"]["keras_history"]
            return {"class_name": _TENSOR, "config": {"keras_history": [name, numbers.get((name, node), node), tensor]}}
        return {k: _renumber(v, numbers) for k, v in data.items()}
    return [_renumber(v, numbers) for v in data] if isinstance(data, list) else data


def restore(config: dict[str, Any], custom_objects: dict[str, Any]) -> tuple[Any, Any]:
    """The symbolic inputs and outputs of a graph described by `network_config`.

    Raises:
        ValueError: if a call needs a tensor that no layer makes.
        TypeError: for an unknown layer class.
    """
    layers: dict[str, Any] = {}
    waiting: list[tuple[str, Any]] = []
    for entry in config["layers"]:
        layer = deserialize_keras_object(entry, custom_objects)
        layers[entry["name"]] = layer
        waiting.extend((entry["name"], call) for call in entry["inbound_nodes"])
    while waiting:
        later: list[tuple[str, Any]] = []
        for name, call in waiting:
            # Calls of one layer keep their order: node numbers count them.
            if any(n == name for n, _ in later) or not _ready(call, layers):
                later.append((name, call))
                continue
            args, kwargs = _filled(call["args"], layers), _filled(call["kwargs"], layers)
            layers[name](*args, **kwargs)
        if len(later) == len(waiting):
            raise ValueError(f"The model's config is no connected graph: no inputs for {sorted({n for n, _ in later})}")
        waiting = later
    return _filled(config["input_layers"], layers), _filled(config["output_layers"], layers)


def _ready(data: Any, layers: dict[str, Any]) -> bool:
    if isinstance(data, dict):
        if data.get("class_name") == _TENSOR:
            name, node, _ = data["config"]["keras_history"]
            return name in layers and node < len(layers[name]._inbound_nodes)
        return all(_ready(v, layers) for v in data.values())
    return all(_ready(v, layers) for v in data) if isinstance(data, list) else True


def _filled(data: Any, layers: dict[str, Any]) -> Any:
    if isinstance(data, dict):
        kind = data.get("class_name")
        if kind == _TENSOR:
            name, node, tensor = data["config"]["keras_history"]
            return nest.flatten(layers[name]._inbound_nodes[node].outputs)[tensor]
        if kind == "__tuple__":
            return tuple(_filled(data["items"], layers))
        if kind == "__slice__":
            return slice(*_filled(data["config"], layers))
        if kind == "__ellipsis__":
            return Ellipsis
        return {k: _filled(v, layers) for k, v in data.items()}
    if isinstance(data, list):
        return [_filled(v, layers) for v in data]
    return data
