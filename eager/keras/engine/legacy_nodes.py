"""The calls of a functional model as Keras 2 lists them: each tensor as [layer, node, output, keyword arguments]."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eager import nest
from eager.errors import UnsupportedError
from eager.keras.engine.keras_tensor import KerasTensor

_CONSTANT = "_CONSTANT_VALUE"
_SLICE = "__operators__.getitem"
_WHOLE = ("TFOpLambda", "SlicingOpLambda", "ClassMethod", "InstanceMethod")
"""Classes whose list of one tensor stays a list."""


def is_reference(data: Any) -> bool:
    """Whether data is [layer name, number of the call, number of the output]."""
    if not isinstance(data, list) or len(data) != 3:
        return False
    return isinstance(data[0], str) and type(data[1]) is type(data[2]) is int


def is_legacy(config: dict[str, Any]) -> bool:
    """Whether a functional model's config lists calls as Keras 2 does."""
    calls = [call for entry in config["layers"] for call in entry["inbound_nodes"]]
    return bool(calls) and all(isinstance(call, list | dict) and "args" not in call for call in calls)


def modern(config: dict[str, Any]) -> dict[str, Any]:
    """The config with calls as Keras 3 lists them: arguments in which tensors are marked."""
    # A model inside counts the call that made itself, which is not in the file.
    own = {_name(entry): 1 for entry in config["layers"] if first_is_input(entry)}
    layers = [entry | {"inbound_nodes": [_call(c, entry, own) for c in entry["inbound_nodes"]]} for entry in
              config["layers"]]  # fmt: skip
    ends = {key: _ends(config[key], own) for key in ("input_layers", "output_layers")}
    return config | {"layers": layers} | ends


def first_is_input(entry: dict[str, Any]) -> bool:
    """Whether a serialized layer is a model that starts with an InputLayer."""
    if entry["class_name"] == "Sequential":
        layers = entry["config"].get("layers") or [{}]
        return layers[0].get("class_name") == "InputLayer"
    return isinstance(entry["config"], dict) and "input_layers" in entry["config"]


def _name(entry: dict[str, Any]) -> str:
    return entry.get("name") or entry["config"]["name"]


def _ends(data: Any, own: dict[str, int]) -> Any:
    if isinstance(data, list) and len(data) == 1 and is_reference(data[0]):
        data = data[0]
    if is_reference(data):
        return [data[0], data[1] - own.get(data[0], 0), data[2]]
    if isinstance(data, dict):
        return {k: _ends(v, own) for k, v in data.items()}
    return [_ends(v, own) for v in data] if isinstance(data, list) else data


def _call(data: Any, entry: dict[str, Any], own: dict[str, int]) -> dict[str, Any]:
    kwargs: dict[str, Any] = {}
    if isinstance(data, list) and len(data) == 1 and _is_leaf(data[0]) and entry["class_name"] not in _WHOLE:
        data = data[0]
    first = _map_leaves(data, lambda leaf: _argument(leaf, kwargs, own))
    if entry["class_name"] == "SlicingOpLambda":
        return {"args": [first, _slices(kwargs["slice_spec"])], "kwargs": {}}
    found = {k: _keyword(v, own) for k, v in kwargs.items() if not (k == "name" and v is None)}
    # The functions of operators take both operands by position.
    second = [found.pop("y")] if entry["class_name"] in _WHOLE and "y" in found else []
    return {"args": [first, *second], "kwargs": found}


def _is_leaf(data: Any) -> bool:
    if not isinstance(data, list) or len(data) not in (3, 4) or not isinstance(data[0], str):
        return False
    return type(data[1]) is int and (data[0] == _CONSTANT or type(data[2]) is int)


def _map_leaves(data: Any, change: Callable[[list[Any]], Any]) -> Any:
    if _is_leaf(data):
        return change(data)
    if isinstance(data, dict):
        return {k: _map_leaves(v, change) for k, v in data.items()}
    if isinstance(data, list):
        return [_map_leaves(v, change) for v in data]
    raise ValueError(f"The model's config has a call of an unknown form: {data!r}")


def _argument(leaf: list[Any], kwargs: dict[str, Any], own: dict[str, int]) -> Any:
    if len(leaf) == 4:
        kwargs.update(leaf[3])
    return leaf[2] if leaf[0] == _CONSTANT else _marked(leaf[:3], own)


def _marked(ref: list[Any], own: dict[str, int]) -> dict[str, Any]:
    history = [ref[0], ref[1] - own.get(ref[0], 0), ref[2]]
    return {"class_name": "__keras_tensor__", "config": {"keras_history": history}}


def _keyword(value: Any, own: dict[str, int]) -> Any:
    if is_reference(value):
        return _marked(value, own)
    if isinstance(value, dict):
        return {k: _keyword(v, own) for k, v in value.items()}
    return [_keyword(v, own) for v in value] if isinstance(value, list) else value


def _slices(spec: Any) -> Any:
    """The key of a slicing layer: {start, stop, step} for each slice, other indices as they are."""
    if isinstance(spec, dict) and set(spec) == {"start", "stop", "step"}:
        return {"class_name": "__slice__", "config": spec}
    if isinstance(spec, list):
        return {"class_name": "__tuple__", "items": [_slices(s) for s in spec]}
    return spec


# Writing ------------------------------------------------------------------------------------------------------------


def legacy_node(node: Any, refer: Callable[[KerasTensor], list[Any]], plain: Callable[[Any], Any]) -> Any:
    """A call as Keras 2 lists it.

    Args:
        node: the call.
        refer: gives [layer, node, output] of a symbolic tensor.
        plain: gives plain data of another value.
    """
    names = _argument_names(node.layer)
    args = list(node.call_args)
    kwargs = dict(zip(names[1:], args[1:], strict=False)) | node.call_kwargs
    first = args[0] if args else kwargs.pop(names[0])

    def value(x: Any) -> Any:
        return refer(x) if isinstance(x, KerasTensor) else plain(x)

    if "slice_spec" in names:
        kwargs["slice_spec"] = legacy_key(kwargs["slice_spec"])
    written = {k: nest.map_structure(value, v) for k, v in kwargs.items()}

    def leaf(x: Any) -> list[Any]:
        return [*refer(x), written] if isinstance(x, KerasTensor) else [_CONSTANT, -1, plain(x), written]

    data = _mapped(first, leaf)
    single = not nest.is_nested(first) and type(node.layer).__name__ not in _WHOLE
    return [data] if single else data


def _mapped(structure: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(structure, dict):
        return {k: _mapped(v, change) for k, v in structure.items()}
    if isinstance(structure, list | tuple):
        return [_mapped(v, change) for v in structure]
    return change(structure)


def _argument_names(layer: Any) -> list[str]:
    """The names of the arguments of `call`; of a layer of a function those of the function."""
    if type(layer).__name__ not in _WHOLE:
        return [layer._spec.first, *layer._spec.names]
    import inspect

    from eager.keras.engine.op_layer import function_of

    if layer._symbol == _SLICE:
        return ["tensor", "slice_spec"]
    if layer._symbol.startswith("__operators__"):
        return ["x", "y"]
    return list(inspect.signature(function_of(layer._symbol)).parameters)


def legacy_key(key: Any) -> Any:
    """The key of a slicing layer as Keras 2 lists it. Raises UnsupportedError for an Ellipsis."""
    if isinstance(key, tuple | list):
        return [legacy_key(k) for k in key]
    if isinstance(key, slice):
        return {"start": key.start, "stop": key.stop, "step": key.step}
    if key is Ellipsis:
        raise UnsupportedError("The `.h5` format has no place for `...` in a slice; save to a `.keras` file.")
    return key
