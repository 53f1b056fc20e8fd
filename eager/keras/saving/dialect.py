"""Configs as other Kerases write them: keys that Keras 3 or Keras 2 names differently, or that only one of them has."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from functools import cache
from typing import Any

from eager.errors import UnsupportedError

_POLICIES = frozenset(("DTypePolicy", "Policy"))
_RENAMED = {"LeakyReLU": {"negative_slope": "alpha"}, "InputLayer": {"batch_shape": "batch_input_shape"}}
"""For each class: Keras 3's name of a key -> ours."""

_ONE_AXIS = frozenset(("BatchNormalization",))
_SHAPES = {"MultiHeadAttention": ("query_shape", "value_shape", "key_shape")}

_LATER: dict[str, tuple[Any, ...]] = {
    "quantization_config": (None,), "lora_rank": (None,), "lora_alpha": (None,), "input_axes": (None,),
    "output_axes": (None,), "seed": (None,), "use_gate": (False,), "sliding_window": (None,),
    "flash_attention": (None,), "rms_scaling": (False,), "optional": (False,), "renorm": (False,),
    "renorm_clipping": (None,), "renorm_momentum": (0.99, None), "synchronized": (False,), "loss_scale_factor": (None,),
    "gradient_accumulation_steps": (None,), "fn": (),
    "sparse": (False,), "ragged": (False,), "is_legacy_optimizer": (False,), "build_input_shape": (None,),
    "data_format": ("channels_last",), "antialias": (False,), "dtype": (None, "float32"), "scale_weight": (None,),
    "autocast": (True,), "fill_mode": ("constant",), "fill_value": (0.0,), "pad_to_aspect_ratio": (False,),
    "value_range": (None,), "bounding_box_format": (None,),
}  # fmt: skip
"""Keys that a class may lack, and the values which mean that the feature is off; () means any."""

_EARLIER: dict[str, tuple[Any, ...]] = {
    "time_major": (False,), "implementation": (1, 2), "input_length": (None,), "jit_compile": (True, False),
    "is_legacy_optimizer": (False,), "batch_input_shape": (), "query_shape": (), "key_shape": (), "value_shape": (),
    "fn": (), "dynamic": (False,),
}  # fmt: skip
"""Keys that Keras 3 lacks, and the values that may be left out for it; () means any."""

_SEPARABLE = {"groups": (1,), "kernel_initializer": (), "kernel_regularizer": (None,), "kernel_constraint": (None,)}
_EARLIER_OF: dict[str, dict[str, tuple[Any, ...]]] = {
    **{f"Conv{n}DTranspose": {"groups": (1,)} for n in (1, 2, 3)},
    **{f"DepthwiseConv{n}D": {"groups": (1,)} for n in (1, 2)},
    **{f"SeparableConv{n}D": _SEPARABLE for n in (1, 2)},
    **{f"SpatialDropout{n}D": {"trainable": (True,), "noise_shape": (None,)} for n in (1, 2, 3)},
    "Discretization": {"trainable": (True,)},
}
"""The same for single classes."""


def adapted(name: str, cls: Any, config: Mapping[str, Any]) -> dict[str, Any]:
    """The config of a built-in class with the keys that its constructor knows.

    Args:
        name: the class's name.
        cls: the class.
        config: the config, as layerjit, Keras 3 or Keras 2 wrote it.

    Raises:
        UnsupportedError: if it switches on something that layerjit does not have.
    """
    renamed = _RENAMED.get(name, {})
    data = {renamed.get(k, k): v for k, v in config.items()}
    if cls.__name__ in ("Sequential", "Functional", "Model"):
        return data
    known = _constructor_names(cls)
    found: dict[str, Any] = {}
    for key, value in data.items():
        if _is_policy(value) and not str(value["config"]["name"]).startswith("mixed"):
            value = value["config"]["name"]
        if key in known or key not in _LATER:
            # A layer inside another is built by that one, which gives its weights their names.
            found[key] = {k: v for k, v in value.items() if k != "build_config"} if _is_object(value) else value
        elif _LATER[key] and not any(value == off and type(value) is type(off) for off in _LATER[key]):
            raise UnsupportedError(
                f"The file's {name} has {key}={value!r}, which layerjit's {name} does not have. Save it without "
                f"{key}, or pass a class of your own as custom_objects={{{name!r}: ...}}."
            )
    return _one_sided(found) if name == "Bidirectional" else found


def _one_sided(config: dict[str, Any]) -> dict[str, Any]:
    """A Bidirectional's config without the backward layer where that is the turned forward layer, as in Keras 3."""
    forward, backward = config.get("layer"), config.get("backward_layer")
    if not isinstance(forward, dict) or not isinstance(backward, dict) or not _is_object(forward):
        return config
    name = str(forward["config"].get("name", "")).removeprefix("forward_")
    back = not forward["config"].get("go_backwards", False)
    turned = forward["config"] | {"name": f"backward_{name}", "go_backwards": back}
    # Objects that occur twice carry numbers.
    same = _without_ids(turned) == _without_ids(backward.get("config"))
    if not same or forward["class_name"] != backward.get("class_name"):
        return config
    renamed = forward | {"config": forward["config"] | {"name": name}}
    return {k: v for k, v in config.items() if k != "backward_layer"} | {"layer": renamed}


def _without_ids(data: Any) -> Any:
    if isinstance(data, dict):
        return {k: _without_ids(v) for k, v in data.items() if k != "shared_object_id"}
    return [_without_ids(v) for v in data] if isinstance(data, list) else data


@cache
def _constructor_names(cls: Any) -> frozenset[str]:
    """The names of arguments of a class's constructor, and of those above it as far as it passes keywords on."""
    names: set[str] = set()
    for base in cls.__mro__:
        made = base.__dict__.get("__init__")
        if made is None:
            continue
        parameters = inspect.signature(made).parameters
        names.update(n for n, p in parameters.items() if p.kind is not p.VAR_KEYWORD)
        if not any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
            break
    return frozenset(names)


def _is_object(value: Any) -> bool:
    return isinstance(value, dict) and "class_name" in value and isinstance(value.get("config"), dict)


def _is_policy(value: Any) -> bool:
    return isinstance(value, dict) and value.get("class_name") in _POLICIES


def for_keras3(data: Any) -> Any:
    """Serialized objects as Keras 3 reads them, everything inside included."""
    if isinstance(data, list | tuple):
        return [for_keras3(x) for x in data]
    if not isinstance(data, dict):
        return data
    if _is_policy(data):
        return {"module": "keras", "class_name": "DTypePolicy", "config": dict(data["config"]), "registered_name": None}
    plain = {k: for_keras3(v) for k, v in data.items()}
    if isinstance(data.get("class_name"), str) and isinstance(data.get("config"), dict) and "module" in data:
        return _object_for_keras3(plain)
    return plain


def _object_for_keras3(data: dict[str, Any]) -> dict[str, Any]:
    name, module = data["class_name"], str(data["module"])
    if not module.startswith("keras"):
        return data
    back = {ours: theirs for theirs, ours in _RENAMED.get(name, {}).items()}
    config = {back.get(k, k): v for k, v in data["config"].items() if k in back or not _is_earlier(name, k, v)}
    if config.get("reduction") == "auto":
        config["reduction"] = "sum_over_batch_size"
    if name in _ONE_AXIS and isinstance(config.get("axis"), list) and len(config["axis"]) == 1:
        config["axis"] = config["axis"][0]
    if name in _SHAPES:
        data = data | {"build_config": _shapes_dict(data["config"], _SHAPES[name])}
    if name == "Sequential":
        data = data | {"module": "keras"}
    elif name == "Functional":
        data = data | {"module": "keras.src.models.functional", "registered_name": "Functional"}
    elif module == "keras.mixed_precision":
        data = data | {"module": "keras.optimizers"}
    return data | {"config": config}


def _shapes_dict(config: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any] | None:
    """What Keras 3's `build` of a layer with several inputs takes; None before the layer is built."""
    shapes = {n: config.get(n) for n in names}
    return {"shapes_dict": shapes} if all(shapes.values()) else None


def _is_earlier(name: str, key: str, value: Any) -> bool:
    if key == "fn" and name == "MeanMetricWrapper":
        return False
    off = {**_EARLIER, **_EARLIER_OF.get(name, {})}.get(key)
    return off is not None and (not off or value in off)


def require_same_meaning(data: Any, custom_objects: Any) -> None:
    """Raises UnsupportedError if a file of Keras 3 names a function that means another one in tf.keras.

    Args:
        data: the file's config.
        custom_objects: a function of that name in it is what the file's name then means.
    """
    if isinstance(data, list):
        for x in data:
            require_same_meaning(x, custom_objects)
    if not isinstance(data, dict):
        return
    for key, value in data.items():
        if key.endswith("activation") and value == "hard_sigmoid" and value not in (custom_objects or {}):
            raise UnsupportedError(
                "The file of Keras 3 has the activation 'hard_sigmoid', which is clip(x / 6 + 0.5, 0, 1) there and "
                "clip(0.2 x + 0.5, 0, 1) in tf.keras. Pass the one you mean: custom_objects={'hard_sigmoid': "
                "lambda x: tf.clip_by_value(x / 6 + 0.5, 0, 1)}."
            )
        require_same_meaning(value, custom_objects)
