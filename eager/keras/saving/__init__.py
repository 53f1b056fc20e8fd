"""tf.keras.saving: models and weights as files, and back."""

from __future__ import annotations

from eager.lazy import lazy_names

_MODULES = {
    "eager.keras.saving.limits": "Limits UnsafeFileError set_limits",
    "eager.keras.saving.models": "load_model load_weights save_model save_weights",
    "eager.keras.serialization": (
        "custom_object_scope CustomObjectScope=custom_object_scope deserialize_keras_object get_custom_objects "
        "get_registered_name get_registered_object register_keras_serializable serialize_keras_object"
    ),
}
__getattr__, __dir__ = lazy_names(globals(), "tf.keras.saving", _MODULES)
