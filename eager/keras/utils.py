"""tf.keras.utils: seeds and registration; everything else is loaded when it is first asked for."""

from __future__ import annotations

from typing import Any

import numpy as np

from eager.keras.serialization import (
    custom_object_scope,
    deserialize_keras_object,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
    serialize_keras_object,
)
from eager.lazy import lazy_names

_MODULES = {
    "eager.keras.data_utils": "Sequence",
    "eager.keras.dataset_utils": "split_dataset timeseries_dataset_from_array",
    "eager.keras.folder_datasets": "image_dataset_from_directory text_dataset_from_directory",
    "eager.keras.image_utils": "array_to_img img_to_array load_img save_img",
    "eager.keras.numpy_utils": "normalize to_categorical to_ordinal warmstart_embedding_matrix",
    "eager.keras.engine.plot": "model_to_dot plot_model",
    "eager.keras.engine.summary": "print_summary",
    "eager.keras.preprocessing.sequence": "pad_sequences",
    "eager.keras.progbar": "Progbar disable_interactive_logging enable_interactive_logging "
    "is_interactive_logging_enabled",
    "eager.keras.training.data": "pack_x_y_sample_weight unpack_x_y_sample_weight",
}

CustomObjectScope = custom_object_scope


def set_random_seed(seed: int) -> None:
    """Seeds Python's, NumPy's and tf's random numbers (tf.keras.utils.set_random_seed).

    Raises:
        ValueError: if the seed is no integer.
    """
    import random

    from eager.ops.random import set_seed

    if not isinstance(seed, int):
        raise ValueError(f"Expected `seed` argument to be an integer. Received: seed={seed} (of type {type(seed)})")
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 (the seed that fit's shuffling and user code share)
    set_seed(seed)


def get_source_inputs(tensor: Any, layer: Any = None, node_index: int | None = None) -> list[Any]:
    """The symbolic inputs that a symbolic Keras tensor depends on (tf.keras.utils.get_source_inputs).

    Args:
        tensor: what tf.keras.Input or a layer gave.
        layer, node_index: accepted; the tensor knows where it comes from.
    """
    del layer, node_index
    found: dict[int, Any] = {}
    open_tensors, seen = [tensor], set[int]()
    while open_tensors:
        current = open_tensors.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        origin, node_number, _ = current._keras_history
        sources = origin._inbound_nodes[node_number].keras_inputs
        open_tensors.extend(sources)
        if not sources:
            found[id(current)] = current
    return list(found.values())


__all__ = [
    "CustomObjectScope", "custom_object_scope", "deserialize_keras_object", "get_custom_objects",
    "get_registered_name", "get_registered_object", "register_keras_serializable", "serialize_keras_object",
    "set_random_seed",
]  # fmt: skip

__getattr__, __dir__ = lazy_names(globals(), "tf.keras.utils", _MODULES)
