"""A layer of a Python function."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from eager.keras.engine.base_layer import Layer
from eager.keras.layers.table import registry
from eager.keras.serialization import deserialize_keras_object, serialize_keras_object


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

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask given to the constructor, called if it is a function."""
        return self.mask(inputs, mask) if callable(self.mask) else self.mask

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, the function by its name.

        Raises:
            ValueError: for a lambda expression, whose code is never saved.
        """
        if getattr(self.function, "__name__", "<lambda>") == "<lambda>":
            raise ValueError(
                f"Lambda layer {self.name!r} holds a lambda expression, whose code is not saved. Give it a named "
                "function that is registered with tf.keras.utils.register_keras_serializable."
            )
        return super().get_config() | {
            "function": serialize_keras_object(self.function), "output_shape": self._output_shape, "mask": None,
            "arguments": self.arguments,
        }  # fmt: skip

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Lambda:
        """A layer from `get_config`. Raises TypeError if the function is not registered."""
        return cls(**(config | {"function": deserialize_keras_object(config["function"])}))
