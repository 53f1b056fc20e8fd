"""Layers of functions between Keras 3, where each operation is a class, and tf.keras, where a layer holds a tf name."""

from __future__ import annotations

import inspect
from typing import Any

_KERAS3 = "keras.src.ops."
_OPS: dict[tuple[str, str], tuple[str, dict[str, str]]] = {
    ("numpy", "Add"): ("__operators__.add", {}),
    ("numpy", "Subtract"): ("math.subtract", {}),
    ("numpy", "Multiply"): ("math.multiply", {}),
    ("numpy", "TrueDivide"): ("math.truediv", {}),
    ("numpy", "Divide"): ("math.divide", {}),
    ("numpy", "FloorDivide"): ("math.floordiv", {}),
    ("numpy", "Power"): ("math.pow", {}),
    ("numpy", "Mod"): ("math.floormod", {}),
    ("numpy", "Negative"): ("math.negative", {}),
    ("numpy", "Absolute"): ("math.abs", {}),
    ("numpy", "Matmul"): ("linalg.matmul", {}),
    ("numpy", "Maximum"): ("math.maximum", {}),
    ("numpy", "Minimum"): ("math.minimum", {}),
    ("numpy", "Greater"): ("math.greater", {}),
    ("numpy", "GreaterEqual"): ("math.greater_equal", {}),
    ("numpy", "Less"): ("math.less", {}),
    ("numpy", "LessEqual"): ("math.less_equal", {}),
    ("numpy", "Equal"): ("math.equal", {}),
    ("numpy", "NotEqual"): ("math.not_equal", {}),
    ("numpy", "LogicalAnd"): ("math.logical_and", {}),
    ("numpy", "LogicalOr"): ("math.logical_or", {}),
    ("numpy", "LogicalNot"): ("math.logical_not", {}),
    ("numpy", "Exp"): ("math.exp", {}),
    ("numpy", "Log"): ("math.log", {}),
    ("numpy", "Sqrt"): ("math.sqrt", {}),
    ("numpy", "Square"): ("math.square", {}),
    ("numpy", "Sin"): ("math.sin", {}),
    ("numpy", "Cos"): ("math.cos", {}),
    ("numpy", "Tanh"): ("math.tanh", {}),
    ("numpy", "Mean"): ("math.reduce_mean", {"axis": "axis", "keepdims": "keepdims"}),
    ("numpy", "Sum"): ("math.reduce_sum", {"axis": "axis", "keepdims": "keepdims"}),
    ("numpy", "Max"): ("math.reduce_max", {"axis": "axis", "keepdims": "keepdims", "initial": ""}),
    ("numpy", "Min"): ("math.reduce_min", {"axis": "axis", "keepdims": "keepdims", "initial": ""}),
    ("numpy", "Concatenate"): ("concat", {"axis": "axis"}),
    ("numpy", "Stack"): ("stack", {"axis": "axis"}),
    ("numpy", "Reshape"): ("reshape", {"newshape": "shape"}),
    ("numpy", "Transpose"): ("transpose", {"axes": "perm"}),
    ("numpy", "ExpandDims"): ("expand_dims", {"axis": "axis"}),
    ("numpy", "Squeeze"): ("squeeze", {"axis": "axis"}),
    ("numpy", "Clip"): ("clip_by_value", {"x_min": "clip_value_min", "x_max": "clip_value_max"}),
    ("numpy", "GetItem"): ("__operators__.getitem", {}),
    ("core", "Cast"): ("cast", {"dtype": "dtype"}),
    ("nn", "Relu"): ("nn.relu", {}),
    ("nn", "Sigmoid"): ("math.sigmoid", {}),
    ("nn", "Softmax"): ("nn.softmax", {"axis": "axis"}),
    ("nn", "LogSoftmax"): ("nn.log_softmax", {"axis": "axis"}),
    ("nn", "Softplus"): ("math.softplus", {}),
}
"""Keras 3's module and class -> the tf name, and for its config's keys the arguments of the tf function ("": None)."""

_NO_ARGUMENTS: dict[str, Any] = {"axis": None, "keepdims": False, "initial": None, "axes": None}


def from_keras3(entry: dict[str, Any]) -> dict[str, Any]:
    """A layer of a functional config: an operation of Keras 3 as a layer of a tf function, others as they are.

    Raises:
        TypeError: for an operation that is not in the table.
    """
    module = str(entry.get("module") or "")
    if not module.startswith(_KERAS3):
        return entry
    found = _OPS.get((module.removeprefix(_KERAS3), entry["class_name"]))
    if found is None:
        raise TypeError(
            f"Could not locate class '{entry['class_name']}': layerjit has no counterpart of Keras 3's operation "
            f"{module}.{entry['class_name']}; pass a layer class as custom_objects, or use a layer instead."
        )
    symbol, names = found
    options = {names[k]: v for k, v in entry["config"].items() if names.get(k)}
    calls = [_call(symbol, call["args"], call["kwargs"] | options) for call in entry["inbound_nodes"]]
    config = {"name": entry["name"], "function": symbol}
    return {"module": "keras.layers", "class_name": "TFOpLambda", "config": config, "registered_name": None,
            "name": entry["name"], "inbound_nodes": calls}  # fmt: skip


def _call(symbol: str, args: list[Any], kwargs: dict[str, Any]) -> dict[str, Any]:
    if symbol == "__operators__.getitem" and isinstance(args[1], list):
        args = [args[0], {"class_name": "__tuple__", "items": args[1]}]
    return {"args": args, "kwargs": kwargs}


def for_keras3(entry: dict[str, Any]) -> dict[str, Any]:
    """A layer of a functional config as Keras 3 has it: a layer of a tf function as an operation, if there is one."""
    if entry.get("class_name") != "TFOpLambda" or len(entry["inbound_nodes"]) != 1:
        return entry
    symbol = entry["config"]["function"]
    for (module, name), (known, names) in _OPS.items():
        if known == symbol:
            made = _operation(symbol, names, entry["inbound_nodes"][0])
            if made is None:
                return entry
            config, call = made
            return {
                "module": _KERAS3 + module, "class_name": name, "config": {"name": entry["name"], **config},
                "registered_name": name, "name": entry["name"], "inbound_nodes": [call],
            }  # fmt: skip
    return entry


def _operation(
    symbol: str, names: dict[str, str], call: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """The config and the call of an operation; None if it has arguments that Keras 3's does not."""
    given = {k: v for k, v in call["kwargs"].items() if v is not None and k != "name"}
    args = list(call["args"])
    if symbol == "__operators__.getitem":
        return {}, {"args": [args[0], _key(args[1])], "kwargs": {}}
    if names and len(args) > 1:
        given = dict(zip(_parameters(symbol)[1:], args[1:], strict=False)) | given
        args = args[:1]
    if not names and given:
        positional = [given.pop(n) for n in _parameters(symbol)[len(args) :] if n in given]
        args += positional
    back = {ours: theirs for theirs, ours in names.items()}
    if any(k not in back for k in given):
        return None
    config = {k: _NO_ARGUMENTS[k] for k in names if k in _NO_ARGUMENTS} | {back[k]: v for k, v in given.items()}
    return config, {"args": args, "kwargs": {}}


def _key(key: Any) -> Any:
    return key["items"] if isinstance(key, dict) and key.get("class_name") == "__tuple__" else key


def _parameters(symbol: str) -> list[str]:
    from eager.keras.engine.op_layer import function_of

    return list(inspect.signature(function_of(symbol)).parameters)
