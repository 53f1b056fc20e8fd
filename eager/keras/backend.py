"""tf.keras.backend: a few switches of the layer system."""

from __future__ import annotations

from typing import Any

from eager.keras import mixed_precision
from eager.keras.engine.call_context import phase
from eager.keras.engine.keras_tensor import is_symbolic as is_keras_tensor
from eager.keras.engine.naming import reset_names, unique_name

_state: dict[str, Any] = {"epsilon": 1e-7, "floatx": "float32"}


def epsilon() -> float:
    """The small number that keeps losses finite (tf.keras.backend.epsilon)."""
    return _state["epsilon"]


def set_epsilon(value: float) -> None:
    """Sets the small number that keeps losses finite."""
    _state["epsilon"] = value


def floatx() -> str:
    """The name of the default float dtype (tf.keras.backend.floatx)."""
    return _state["floatx"]


def set_floatx(value: str) -> None:
    """Sets the default float dtype. Raises ValueError unless it is float16, bfloat16, float32 or float64."""
    if value not in ("float16", "bfloat16", "float32", "float64"):
        raise ValueError(f"Unknown `floatx` value: {value}. Expected one of float16, bfloat16, float32, float64")
    _state["floatx"] = value
    mixed_precision.set_default_dtype(value)


def image_data_format() -> str:
    """The order of axes of images: always channels_last."""
    return "channels_last"


def learning_phase() -> Any:
    """1 or True while training is set globally, else 0 (tf.keras.backend.learning_phase)."""
    return 0 if phase.value is None else phase.value


def set_learning_phase(value: Any) -> None:
    """Sets the training mode of layers that are not told otherwise. Raises ValueError unless it is 0 or 1."""
    if value not in (0, 1):
        raise ValueError("Expected learning phase to be 0 or 1.")
    phase.value = value


def clear_session() -> None:
    """Starts the numbering of layer names anew and forgets the learning phase (tf.keras.backend.clear_session)."""
    reset_names()
    phase.value = None


def get_uid(prefix: str = "") -> int:
    """The next number of a prefix, from 1 (tf.keras.backend.get_uid)."""
    return int(unique_name(f"uid {prefix}", start=1).rpartition("_")[2])


def get_value(x: Any) -> Any:
    """The value of a variable or tensor as an array."""
    return x.numpy()


def set_value(x: Any, value: Any) -> None:
    """Sets a variable."""
    x.assign(value)


__all__ = [
    "clear_session", "epsilon", "floatx", "get_uid", "get_value", "image_data_format", "is_keras_tensor",
    "learning_phase", "set_epsilon", "set_floatx", "set_learning_phase", "set_value",
]  # fmt: skip
