"""Functional models as plain data and back: layers, their calls, inputs and outputs.

Calls and ends are written as Keras 3 does; those of Keras 2 are read too (`legacy_nodes`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eager import nest
from eager.keras.engine.graph_network import GraphNetwork
from eager.keras.engine.keras_tensor import KerasTensor
from eager.keras.engine.legacy_nodes import is_legacy, is_reference, modern
from eager.keras.serialization import deserialize_keras_object, serialize_keras_object

_TENSOR = "__keras_tensor__"


def network_config(network: GraphNetwork) -> dict[str, Any]:
    """Layers with their calls, and the ends of the graph."""
    numbers = node_numbers(network)
    used = {id(n) for n in network.nodes}
    layers: list[dict[str, Any]] = []
    for layer in network.layers:
        nodes = [n for n in layer._inbound_nodes if id(n) in used]
        calls = [_call(n, numbers) for n in nodes]
        layers.append(serialize_keras_object(layer) | {"name": layer.name, "inbound_nodes": calls})
    return {
        "layers": layers,
        "input_layers": _ends(network.inputs, numbers),
        "output_layers": _ends(network.outputs, numbers),
    }


def _call(node: Any, numbers: dict[tuple[str, int], int]) -> dict[str, Any]:
    """A call with arguments after the first by name: Keras 3 has some in another order."""
    args, kwargs = list(node.call_args), dict(node.call_kwargs)
    names = node.layer._spec.names
    if not hasattr(node.layer, "_symbol") and 1 < len(args) <= len(names) + 1:
        kwargs = dict(zip(names, args[1:], strict=False)) | kwargs
        args = args[:1]
    return {"args": _plain(args, numbers), "kwargs": _plain(kwargs, numbers)}


def node_numbers(network: GraphNetwork) -> dict[tuple[str, int], int]:
    """The number of each node among the nodes of its layer that the graph has."""
    used = {id(n) for n in network.nodes}
    numbers: dict[tuple[str, int], int] = {}
    for layer in network.layers:
        kept = [n for n in layer._inbound_nodes if id(n) in used or not n.keras_inputs]
        numbers.update({(layer.name, n.index): i for i, n in enumerate(kept)})
    return numbers


def reference(tensor: KerasTensor, numbers: dict[tuple[str, int], int]) -> list[Any]:
    """A symbolic tensor as the name of its layer, the number of the call and the number of the output."""
    layer, node, index = tensor._keras_history
    return [layer.name, numbers.get((layer.name, node), node), index]


def _ends(structure: Any, numbers: dict[tuple[str, int], int]) -> Any:
    """Inputs or outputs: references in the structure of the model's."""
    if isinstance(structure, KerasTensor):
        return reference(structure, numbers)
    if isinstance(structure, dict):
        return {k: _ends(v, numbers) for k, v in structure.items()}
    return [_ends(v, numbers) for v in structure]


def _plain(structure: Any, numbers: dict[tuple[str, int], int]) -> Any:
    """Plain data of arguments: symbolic tensors by layer, node and tensor; other values serialized."""
    if isinstance(structure, KerasTensor):
        history = reference(structure, numbers)
        known = {"shape": structure.shape.as_list(), "dtype": structure.dtype.name}
        return {"class_name": _TENSOR, "config": known | {"keras_history": history}}
    if isinstance(structure, dict):
        return {k: _plain(v, numbers) for k, v in structure.items()}
    if isinstance(structure, tuple):
        return {"class_name": "__tuple__", "items": [_plain(v, numbers) for v in structure]}
    if isinstance(structure, list):
        return [_plain(v, numbers) for v in structure]
    return serialize_keras_object(structure)


def restore(config: dict[str, Any], custom_objects: dict[str, Any]) -> tuple[Any, Any, list[Any]]:
    """The symbolic inputs, outputs and layers of a graph described by `network_config`, by Keras 3 or by Keras 2.

    Raises:
        ValueError: if a call needs a tensor that no layer makes, or the config has another form.
        TypeError: for an unknown layer class.
    """
    from eager.keras.saving.op_layers import from_keras3

    if is_legacy(config):
        config = modern(config)
    layers: dict[str, Any] = {}
    waiting: list[tuple[str, Any]] = []
    for entry in config["layers"]:
        name = entry.get("name") or entry["config"]["name"]
        if name in layers:
            raise ValueError(f"The model's config has two layers of the name {name!r}")
        entry = from_keras3(entry | {"name": name})
        layers[name] = deserialize_keras_object(entry, custom_objects)
        waiting.extend((name, call) for call in entry["inbound_nodes"])
    # Calls that a layer got while it was made (a Sequential builds itself) are not those of this graph.
    first = {name: _own_calls(layer) for name, layer in layers.items()}
    while waiting:
        later: list[tuple[str, Any]] = []
        for name, call in waiting:
            # Calls of one layer keep their order: node numbers count them.
            if any(n == name for n, _ in later) or not _ready(call, layers, first):
                later.append((name, call))
                continue
            args, kwargs = _filled(call["args"], layers, first), _filled(call["kwargs"], layers, first)
            layers[name](*args, **kwargs)
        if len(later) == len(waiting):
            raise ValueError(f"The model's config is no connected graph: no inputs for {sorted({n for n, _ in later})}")
        waiting = later
    ends = (_end(config[k], lambda r: _tensor(r, layers, first)) for k in ("input_layers", "output_layers"))
    return next(ends), next(ends), list(layers.values())


def _own_calls(layer: Any) -> int:
    return sum(1 for node in layer._inbound_nodes if node.keras_inputs)


def _end(data: Any, find: Callable[[Any], Any]) -> Any:
    if is_reference(data):
        return find(data)
    if isinstance(data, dict):
        if data.get("class_name") == _TENSOR:
            return find(data["config"]["keras_history"])
        return {k: _end(v, find) for k, v in data.items()}
    if isinstance(data, list):
        return [_end(v, find) for v in data]
    raise ValueError(f"The model's config has no valid input or output: {data!r}")


def _tensor(ref: Any, layers: dict[str, Any], first: dict[str, int]) -> Any:
    name, node, index = ref
    if name not in layers:
        raise ValueError(f"The model's config refers to a layer {name!r} that it does not have")
    nodes = layers[name]._inbound_nodes
    outputs = nest.flatten(nodes[node + first[name]].outputs) if 0 <= node < len(nodes) - first[name] else []
    if not 0 <= index < len(outputs):
        raise ValueError(f"The model's config refers to a tensor {ref!r} that no layer makes")
    return outputs[index]


def _ready(data: Any, layers: dict[str, Any], first: dict[str, int]) -> bool:
    if isinstance(data, dict):
        if data.get("class_name") == _TENSOR:
            name, node, _ = data["config"]["keras_history"]
            return name in layers and node + first[name] < len(layers[name]._inbound_nodes)
        return all(_ready(v, layers, first) for v in data.values())
    return all(_ready(v, layers, first) for v in data) if isinstance(data, list) else True


def _filled(data: Any, layers: dict[str, Any], first: dict[str, int]) -> Any:
    """Arguments of a call, with the tensors that layers made."""
    if isinstance(data, list):
        return [_filled(v, layers, first) for v in data]
    if not isinstance(data, dict):
        return data
    kind = data.get("class_name")
    if kind == _TENSOR:
        return _tensor(data["config"]["keras_history"], layers, first)
    if kind == "__tuple__":
        return tuple(_filled(data["items"], layers, first))
    if isinstance(kind, str) and "config" in data:
        return deserialize_keras_object(data)
    return {k: _filled(v, layers, first) for k, v in data.items()}
