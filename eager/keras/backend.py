"""tf.keras.backend: a few switches of the layer system."""

from __future__ import annotations

from typing import Any

from eager.keras import mixed_precision
from eager.keras.engine.call_context import phase
from eager.keras.engine.keras_tensor import is_symbolic as is_keras_tensor
from eager.keras.engine.naming import reset_names, unique_name
from eager.lazy import lazy_names

_state: dict[str, Any] = {"epsilon": 1e-7, "floatx": "float32", "image_data_format": "channels_last"}


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
    """The order of axes of images where a layer is not told it: channels_last unless it was set."""
    return _state["image_data_format"]


def set_image_data_format(data_format: str) -> None:
    """Sets the order of axes of images (tf.keras.backend.set_image_data_format).

    Raises:
        ValueError: unless it is channels_last or channels_first.
    """
    _state["image_data_format"] = _known_format(data_format)


def _known_format(data_format: Any) -> str:
    """An order of axes as it is given. Raises ValueError unless it is channels_last or channels_first."""
    if data_format not in ("channels_last", "channels_first"):
        raise ValueError(f"Unknown `data_format`: {data_format}. Expected one of channels_first, channels_last")
    return data_format


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
    "learning_phase", "set_epsilon", "set_floatx", "set_image_data_format", "set_learning_phase", "set_value",
]  # fmt: skip

__getattr__, __dir__ = lazy_names(
    globals(), "tf.keras.backend",
    {
        "eager": (
            "abs cos equal exp greater greater_equal less less_equal maximum minimum "
            "name_scope not_equal round sign sin square tanh sigmoid"
        ),
        "eager.math": "log",
        "eager.keras.backend_named": "foldl foldr map_fn pow reshape shape softplus softsign stop_gradient transpose",
        "eager.keras.backend_rnn": "rnn",
        "eager.keras.backend_ops": (
            "all any arange argmax argmin batch_dot batch_flatten cast cast_to_floatx clip concatenate constant "
            "cumprod cumsum dot expand_dims eye flatten gather logsumexp max mean min one_hot ones ones_like "
            "permute_dimensions prod repeat repeat_elements reverse spatial_2d_padding spatial_3d_padding sqrt squeeze "
            "stack std sum switch temporal_padding tile var variable zeros zeros_like"
        ),
        "eager.keras.backend_images": (
            "conv2d_transpose ctc_batch_cost ctc_decode local_conv1d local_conv2d resize_images resize_volumes "
            "separable_conv2d"
        ),
        "eager.keras.backend_session": (
            "backend function learning_phase_scope manual_variable_initialization reset_uids"
        ),
        "eager.keras.backend_nn": (
            "batch_get_value batch_normalization batch_set_value bias_add binary_crossentropy "
            "binary_focal_crossentropy "
            "categorical_crossentropy categorical_focal_crossentropy "
            "conv1d conv2d conv3d count_params depthwise_conv2d dropout dtype elu eval hard_sigmoid in_test_phase "
            "in_top_k in_train_phase int_shape is_sparse l2_normalize moving_average_update ndim "
            "normalize_batch_in_training pool2d pool3d print_tensor random_bernoulli random_binomial random_normal "
            "random_normal_variable random_uniform random_uniform_variable relu softmax "
            "sparse_categorical_crossentropy to_dense truncated_normal update update_add update_sub"
        ),
    },
)
