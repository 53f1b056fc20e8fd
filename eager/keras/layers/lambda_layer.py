"""A layer of a Python function."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from eager import nest
from eager.keras.engine.base_layer import Layer
from eager.keras.engine.shapes import map_shapes
from eager.keras.layers.table import registry
from eager.keras.serialization import deserialize_keras_object, serialize_keras_object
from eager.tensor_shape import TensorShape

_ABOUT = frozenset(("function_type", "module", "output_shape_type", "output_shape_module"))
"""Config keys that say what other keys hold."""


@registry.add()
class Lambda(Layer):
    """A function as a layer (tf.keras.layers.Lambda).

    A named function is saved by its name and must be registered to be loaded; the code of a lambda is never saved.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        output_shape: Any = None,
        mask: Any = None,
        arguments: Any = None,
        **kwargs: Any,
    ) -> None:
        """Takes the function of the inputs, and further arguments for it.

        Args:
            function: called with the inputs, and with `mask` and `training` if it takes them.
            output_shape: the output's shape without the batch, or a function of the input's shape.
            mask: the output's mask, or a function of inputs and mask.
            arguments: a dict of further keyword arguments.
            **kwargs: as for Layer.
        """
        super().__init__(**kwargs)
        self.arguments = dict(arguments or {})
        self.function = function
        self._output_shape = output_shape
        self.mask = mask
        self.supports_masking = mask is not None
        names = inspect.signature(function).parameters
        self._takes = tuple(n for n in ("mask", "training") if n in names)

    def call(self, inputs: Any, mask: Any = None, training: Any = None) -> Any:
        """function(inputs, **arguments)."""
        given = {"mask": mask, "training": training}
        return self.function(inputs, **self.arguments, **{n: given[n] for n in self._takes if n not in self.arguments})

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape given to the constructor behind the batch, called if it is a function; else found by tracing."""
        given = self._output_shape
        if given is None:
            return super().compute_output_shape(input_shape)
        if callable(given):
            return map_shapes(TensorShape, given(input_shape))
        first = nest.flatten(map_shapes(lambda s: TensorShape(s)[0], input_shape))[0]
        return map_shapes(lambda s: TensorShape([first, *s]), given)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask given to the constructor, called if it is a function."""
        return self.mask(inputs, mask) if callable(self.mask) else self.mask

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, functions by their names.

        Raises:
            ValueError: for a lambda expression, whose code is never saved.
        """
        config = super().get_config()
        for key, value in (("function", self.function), ("output_shape", self._output_shape)):
            config |= {
                key: self._named(value), f"{key}_type": "function" if callable(value) else "raw",
            }  # fmt: skip
        config |= {"module": getattr(self.function, "__module__", None), "output_shape_module": None}
        if self.mask is not None:
            config["mask"] = self._named(self.mask)
        return config | {"arguments": self.arguments}

    def _twin(self) -> Lambda:
        """A copy for a cloned model; unlike a config it may hold a lambda expression."""
        return type(self)(self.function, self._output_shape, self.mask, self.arguments, **super().get_config())

    def _named(self, value: Any) -> Any:
        """A function by its name; other values as plain data."""
        if callable(value) and getattr(value, "__name__", "<lambda>") == "<lambda>":
            raise ValueError(
                f"Lambda layer {self.name!r} holds a lambda expression, whose code is not saved. Give it a named "
                "function that is registered with tf.keras.utils.register_keras_serializable."
            )
        return serialize_keras_object(value)

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Lambda:
        """A layer from `get_config`.

        Raises:
            TypeError: if a function is not registered.
            ValueError: for code, which tf.keras saves of lambda expressions and which is never run.
        """
        given = {k: v for k, v in config.items() if k not in _ABOUT}
        if isinstance(given["function"], list | tuple) or "__lambda__" in str(given["function"]):
            raise ValueError(
                f"Lambda layer {config.get('name')!r} was saved with the code of a lambda expression, which is not "
                "run. Build the model in Python and load its weights, or use a named, registered function."
            )
        for key in ("function", "output_shape", "mask"):
            if isinstance(given.get(key), dict):
                given[key] = deserialize_keras_object(given[key], custom_objects)
        return cls(**given)
