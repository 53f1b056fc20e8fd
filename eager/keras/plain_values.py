"""Values in serialized objects that are no numbers or strings: arrays, tensors, slices, shapes, bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eager.keras.saving.limits import check

_LAMBDA = (
    "The file holds a Python lambda, which is code; layerjit never runs code from files. Save the model with a named "
    "function registered by tf.keras.utils.register_keras_serializable, or make the model in Python and use "
    "load_weights."
)


def as_lists(value: Any) -> Any:
    """A tensor, variable or array as lists or a number; anything else as it is."""
    value = value.numpy() if hasattr(value, "numpy") else value
    return value.tolist() if hasattr(value, "tolist") else value


def plain_value(obj: Any) -> Any:
    """Plain data of an array, tensor, shape, dtype, slice, Ellipsis or bytes; None for anything else."""
    if isinstance(obj, bytes):
        return {"class_name": "__bytes__", "config": {"value": obj.decode("utf-8")}}
    if isinstance(obj, slice):
        ends = {"start": obj.start, "stop": obj.stop, "step": obj.step}
        return {"class_name": "__slice__", "config": {k: _number(v) for k, v in ends.items()}}
    if obj is Ellipsis:
        return {"class_name": "__ellipsis__", "config": {}}
    if hasattr(obj, "as_list"):
        return obj.as_list()
    if hasattr(obj, "as_numpy_dtype"):
        return obj.name
    if type(obj).__name__ == "TensorSpec":
        config = [obj.shape.as_list(), obj.dtype.name, obj.name]
        return {"class_name": "__typespec__", "spec_name": "TensorSpec", "config": config}
    if hasattr(obj, "numpy") and hasattr(obj, "dtype"):
        config = {"value": obj.numpy().tolist(), "dtype": obj.dtype.name}
        return {"class_name": "__tensor__", "config": config}
    if hasattr(obj, "tolist") and hasattr(obj, "dtype"):
        if not getattr(obj, "ndim", 0):
            return obj.tolist()
        return {"class_name": "__numpy__", "config": {"value": obj.tolist(), "dtype": obj.dtype.name}}
    return None


def is_value(name: str) -> bool:
    """Whether a class name means one of these values."""
    return name in _READERS


def value_of(data: dict[str, Any]) -> Any:
    """The value that `plain_value`, Keras 3 or Keras 2 wrote.

    Raises:
        ValueError: for the code of a lambda, or a dtype that is no number.
    """
    return _READERS[data["class_name"]](data)


def _number(value: Any) -> Any:
    return value if value is None else int(value)


def _slice(data: dict[str, Any]) -> slice:
    ends = data["config"]
    parts = [ends["start"], ends["stop"], ends["step"]] if isinstance(ends, dict) else list(ends)
    return slice(*(_number(p) for p in parts))


def _array(data: dict[str, Any]) -> Any:
    import numpy as np

    from graphcore.dtypes import as_dtype

    config = data["config"]
    kind = as_dtype(config["dtype"])
    array = np.asarray(config["value"], dtype=kind.numpy)
    check(array.nbytes, "array_bytes", "the size of an array in a config")
    return array


def _tensor(data: dict[str, Any]) -> Any:
    from eager.ops.array import constant

    return constant(_array(data))


def _spec(data: dict[str, Any]) -> Any:
    from eager.tensor_shape import TensorSpec

    if data.get("spec_name") != "TensorSpec":
        raise ValueError(f"Only TensorSpec is read from configs, not {data.get('spec_name')!r}")
    shape, dtype, *name = data["config"]
    return TensorSpec(shape, dtype, name[0] if name else None)


def _refused(data: dict[str, Any]) -> Any:
    raise ValueError(_LAMBDA)


_READERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "__bytes__": lambda data: data["config"]["value"].encode("utf-8"),
    "__slice__": _slice,
    "__ellipsis__": lambda data: Ellipsis,
    "__tuple__": lambda data: tuple(_inner(x) for x in data["items"]),
    "__numpy__": _array,
    "__tensor__": _tensor,
    "__typespec__": _spec,
    "__lambda__": _refused,
}


def _inner(value: Any) -> Any:
    if isinstance(value, dict) and value.get("class_name") in _READERS:
        return value_of(value)
    return [_inner(x) for x in value] if isinstance(value, list) else value
