"""Whole models and weights in the older `.h5` format of Keras: both are exchanged with tf.keras of TensorFlow 2.15.

Attributes `model_config` and `training_config` hold JSON; a group per layer holds its weights, listed by name.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from eager.keras.engine.functional_config import node_numbers, reference
from eager.keras.engine.legacy_nodes import legacy_node
from eager.keras.saving import h5
from eager.keras.saving.limits import UnsafeFileError, check, parse_json

Array = np.ndarray[Any, Any]
_VERSION = "2.15.0"
_HEADER_LIMIT = 64512
_TOP = "top_level_model_weights"


# Configs ------------------------------------------------------------------------------------------------------------


def legacy_config(model: Any) -> dict[str, Any]:
    """A functional or Sequential model's serialized form as Keras 2 reads it.

    Raises:
        NotImplementedError: for a subclassed model, whose structure is Python code.
    """
    from eager.keras.serialization import serialize_keras_object

    if hasattr(model, "_stack"):
        entry = [] if model._entry is None else [model._entry]
        layers = [_layer(x) for x in [*entry, *model._stack]]
        return {"class_name": "Sequential", "config": {"name": model.name, "layers": layers}}
    if getattr(model, "_network", None) is None or "layers" not in model.get_config():
        raise NotImplementedError(
            "Saving the model to HDF5 format requires the model to be a Functional model or a Sequential model. It "
            "does not work for subclassed models: save to a `.keras` file, or save_weights."
        )
    network, numbers = model._network, node_numbers(model._network)
    used = {id(n) for n in network.nodes}

    def refer(tensor: Any) -> list[Any]:
        name, node, index = reference(tensor, numbers)
        return [name, node + _own_call(tensor._keras_history[0]), index]

    layers = []
    for layer in network.layers:
        calls = [legacy_node(n, refer, serialize_keras_object) for n in layer._inbound_nodes if id(n) in used]
        layers.append(_layer(layer) | {"name": layer.name, "inbound_nodes": calls})
    config = {"name": model.name, "trainable": model.trainable, "layers": layers}
    config |= {"input_layers": _ends(network.inputs, refer), "output_layers": _ends(network.outputs, refer)}
    return {"class_name": "Functional", "config": config}


def _own_call(layer: Any) -> int:
    """Keras 2 counts the call by which a model inside was made."""
    if hasattr(layer, "_stack"):
        return 0 if layer._entry is None else 1
    return 0 if getattr(layer, "_network", None) is None else 1


def _ends(structure: Any, refer: Callable[[Any], list[Any]]) -> Any:
    if isinstance(structure, dict):
        return {k: refer(v) for k, v in structure.items()}
    return [refer(t) for t in structure] if isinstance(structure, list | tuple) else [refer(structure)]


def _layer(layer: Any) -> dict[str, Any]:
    from eager.keras.serialization import get_registered_name

    if hasattr(layer, "_stack") or (getattr(layer, "_network", None) is not None and "layers" in layer.get_config()):
        return legacy_config(layer)
    name = type(layer).__name__ if type(layer).__module__.startswith("eager.") else get_registered_name(type(layer))
    if name == "TFOpLambda" and layer._symbol == "__operators__.getitem":
        name = "SlicingOpLambda"
    return {"class_name": name, "config": _without_builds(layer.get_config())}


def _without_builds(data: Any) -> Any:
    """Objects inside a config without what only newer formats have; a function is its name."""
    if isinstance(data, dict):
        if data.get("class_name") == "function":
            return data["config"]
        return {k: _without_builds(v) for k, v in data.items() if k not in ("build_config", "compile_config")}
    return [_without_builds(v) for v in data] if isinstance(data, list | tuple) else data


def training_config(model: Any) -> dict[str, Any]:
    """The arguments of `compile` as Keras 2 writes them."""
    given = model.get_compile_config()
    found = {k: given.get(k) for k in ("loss", "metrics", "weighted_metrics", "loss_weights")}
    optimizer = given["optimizer"]
    name = optimizer["registered_name"] or f"Custom>{optimizer['class_name']}"
    found["optimizer_config"] = {"class_name": name, "config": optimizer["config"]}
    return _without_builds(found)


# Writing ------------------------------------------------------------------------------------------------------------


def save_model(model: Any, file: Any, include_optimizer: bool = True) -> None:
    """Writes a whole model into an open h5py.File. Raises NotImplementedError for a subclassed model."""
    file.attrs["keras_version"], file.attrs["backend"] = _VERSION, "tensorflow"
    file.attrs["model_config"] = json.dumps(legacy_config(model))
    save_weights(model, file.create_group("model_weights"))
    if include_optimizer and model.optimizer is not None:
        file.attrs["training_config"] = json.dumps(training_config(model))
        # Here tf.keras does not count the learning rate among them.
        rate = getattr(model.optimizer, "_learning_rate", None)
        variables = [v for v in model.optimizer.variables if v is not rate]
        _write_weights(file.create_group("optimizer_weights"), _numbered([v.name for v in variables]), variables)


def save_weights(model: Any, group: Any) -> None:
    """Writes the weights of all layers into a group, a group each."""
    layers = model.layers
    group.attrs["keras_version"], group.attrs["backend"] = _VERSION, "tensorflow"
    _write_names(group, "layer_names", [layer.name for layer in layers])
    for layer in sorted(layers, key=lambda x: x.name):
        variables = legacy_weights(layer)
        _write_weights(group.create_group(layer.name), _names(layer, variables), variables)
    _write_weights(group.create_group(_TOP), [v.name for v in model._own], model._own)


def legacy_weights(layer: Any) -> list[Any]:
    """The variables of a layer in the order of this format: those that can be trained first."""
    weights = list(layer.weights)
    return sorted(weights, key=lambda v: not v.trainable)


def _names(layer: Any, variables: Sequence[Any]) -> list[str]:
    """Names of weights, each once; the path below the layer tells apart what is named alike."""
    names = [v.name if "/" in v.name else f"{layer.name}/{v.name}" for v in variables]
    return _numbered(names)


def _numbered(names: list[str]) -> list[str]:
    found: list[str] = []
    for name in names:
        base, _, end = name.rpartition(":")
        unique, count = name, 0
        while unique in found:
            count += 1
            unique = f"{base}_{count}:{end}"
        found.append(unique)
    return found


def _write_weights(group: Any, names: Sequence[str], variables: Sequence[Any]) -> None:
    _write_names(group, "weight_names", names)
    for name, v in zip(names, variables, strict=True):
        h5.write_array(group, name, v.numpy())


def _write_names(group: Any, key: str, names: Sequence[str]) -> None:
    """A list of names as an attribute; in several parts if it is too long for one."""
    data = [n.encode() for n in names]
    width = max((len(n) for n in data), default=1)
    per_part = max(_HEADER_LIMIT // max(width, 1), 1)
    if len(data) <= per_part:
        group.attrs[key] = np.array(data) if data else np.zeros(0)
        return
    for part, first in enumerate(range(0, len(data), per_part)):
        group.attrs[f"{key}{part}"] = np.array(data[first : first + per_part])


# Reading ------------------------------------------------------------------------------------------------------------


def load_model(file: Any, custom_objects: Any, compile: bool) -> Any:
    """The model in an opened file.

    Raises:
        UnsafeFileError: if it holds no model.
        TypeError: for a class that is neither built in nor custom.
    """
    from eager.keras.models import model_from_config
    from eager.keras.saving.keras_file import build_optimizer
    from eager.keras.serialization import custom_object_scope, no_compile

    text = file.attrs.get("model_config")
    if text is None:
        raise UnsafeFileError("Refused: the file has no model_config; load it with load_weights if it holds weights")
    with no_compile():
        model = model_from_config(parse_json(_text(text), "the model's config"), custom_objects)
    load_weights(model, file["model_weights"], by_name=False)
    text = file.attrs.get("training_config")
    if compile and text is not None:
        with custom_object_scope(custom_objects or {}):
            model.compile_from_config(_modern_training(parse_json(_text(text), "the training config")))
        build_optimizer(model)
        if "optimizer_weights" in file:
            group = file["optimizer_weights"]
            values = {str(i): a for i, (_, a) in enumerate(_read_weights(group))}
            model.optimizer.load_own_variables(values)
    elif compile:
        warnings.warn(
            "No training configuration found in the save file, so the model was *not* compiled. Compile it manually.",
            stacklevel=4,
        )
    return model


def _modern_training(config: dict[str, Any]) -> dict[str, Any]:
    found = {k: config.get(k) for k in ("loss", "metrics", "weighted_metrics", "loss_weights")}
    metrics = found["metrics"]
    if isinstance(metrics, list) and len(metrics) == 1 and isinstance(metrics[0], list):
        found["metrics"] = metrics[0]
    return {k: v for k, v in found.items() if v is not None} | {"optimizer": config["optimizer_config"]}


def load_weights(model: Any, group: Any, by_name: bool, skip_mismatch: bool = False) -> None:
    """Takes the weights of a group into a model, layer by layer.

    Args:
        model: the model, built.
        group: the group that lists layers.
        by_name: whether layers are found by name instead of by their order.
        skip_mismatch: whether layers whose weights do not fit are left as they are, with a warning.

    Raises:
        ValueError: if numbers of layers or weights, or shapes differ; nothing is changed then.
    """
    saved = [(n, _read_weights(group[n])) for n in _read_names(group, "layer_names")]
    if by_name:
        pairs = [(layer, w) for name, w in saved for layer in model.layers if layer.name == name]
    else:
        targets = [layer for layer in model.layers if legacy_weights(layer)]
        present = [(n, w) for n, w in saved if w]
        if len(present) != len(targets):
            raise ValueError(
                f"Layer count mismatch when loading weights from file. Model expected {len(targets)} layers, found "
                f"{len(present)} saved layers."
            )
        pairs = [(layer, w) for layer, (_, w) in zip(targets, present, strict=True)]
    own = _read_weights(group[_TOP]) if _TOP in group else []
    changes = [c for layer, w in pairs for c in _changes(layer.name, legacy_weights(layer), w, skip_mismatch)]
    if own or model._own:
        changes += _changes(model.name, model._own, own, skip_mismatch)
    for variable, value in changes:
        variable.assign(value.astype(variable.dtype.numpy))


def _changes(
    name: str, variables: Sequence[Any], saved: list[tuple[str, Array]], skip: bool
) -> list[tuple[Any, Array]]:
    """The new values of a layer's variables. Raises ValueError if they do not fit, unless they are to be skipped."""
    problem = ""
    if len(variables) != len(saved):
        problem = f"Weight count mismatch for layer {name!r}: it expects {len(variables)} weight(s), the file has "
        problem += f"{len(saved)} saved weight(s)."
    for v, (key, value) in zip(variables, saved, strict=False):
        if not problem and tuple(v.shape) != value.shape:
            problem = f"Shape mismatch in layer {name!r} for weight {v.name}. Weight expects shape {tuple(v.shape)}. "
            problem += f"Received saved weight {key} with shape {value.shape}."
    if not problem:
        return [(v, a) for v, (_, a) in zip(variables, saved, strict=True)]
    if not skip:
        raise ValueError(problem)
    warnings.warn(f"Skipping loading weights for layer {name!r}: {problem}", stacklevel=6)
    return []


def _read_weights(group: Any) -> list[tuple[str, Array]]:
    names = _read_names(group, "weight_names")
    missing = [n for n in names if n not in group]
    if missing:
        raise UnsafeFileError(f"Refused: {group.name} lists weights that it does not have: {missing}")
    return [(n, h5.read_array(group[n])) for n in names]


def _read_names(group: Any, key: str) -> list[str]:
    values = group.attrs.get(key)
    if values is None:
        parts: list[Any] = []
        while f"{key}{len(parts)}" in group.attrs:
            parts.append(group.attrs[f"{key}{len(parts)}"])
        if not parts:
            raise UnsafeFileError(f"Refused: {group.name} has no list {key}")
        values = np.concatenate(parts)
    check(len(values), "members", f"the number of names in {key}")
    names = [_text(n) for n in values]
    wrong = [n for n in names if ".." in n.split("/") or n.startswith("/")]
    if wrong:
        raise UnsafeFileError(f"Refused: {group.name} lists names that lead outside: {wrong[:5]}")
    return names


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
