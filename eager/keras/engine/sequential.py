"""tf.keras.Sequential: a stack of layers."""

from __future__ import annotations

from typing import Any

from eager import nest
from eager.keras.engine.base_layer import Layer
from eager.keras.engine.graph_network import GraphNetwork
from eager.keras.engine.input_layer import Input, InputLayer
from eager.keras.engine.keras_tensor import KerasTensor
from eager.keras.engine.model import Model
from eager.tensor import Tensor


class Sequential(Model):
    """A stack of layers, each with one input and one output (tf.keras.Sequential).

    Without an input shape the weights are made on the first call.
    """

    _untracked_attributes = Model._untracked_attributes | {"_entry", "_stack", "_explicit"}

    def __init__(self, layers: Any = None, name: str | None = None) -> None:
        """Makes a stack of the given layers.

        Raises:
            TypeError: for what is no layer.
            ValueError: for doubled names.
        """
        super().__init__(name=name)
        self._stack: list[Layer] = []
        self._entry: InputLayer | None = None
        self._explicit = False
        self._children["_layers"] = self._stack
        self.__dict__["_name_in_scope"] = False
        self.__dict__["_own_compute_mask"] = False
        for layer in layers if isinstance(layers, list | tuple) else ([] if layers is None else [layers]):
            self.add(layer)

    @property
    def layers(self) -> list[Layer]:
        """The layers, without the InputLayer."""
        return list(self._stack)

    def add(self, layer: Any) -> None:
        """Puts a layer on top.

        Raises:
            TypeError: for what is no layer.
            ValueError: if a layer of that name is there.
        """
        if isinstance(layer, KerasTensor) and isinstance(layer._keras_history[0], InputLayer):
            layer = layer._keras_history[0]
        if not isinstance(layer, Layer):
            raise TypeError(
                f"The added layer must be an instance of class Layer. Received: layer={layer} of type {type(layer)}."
            )
        if any(x.name == layer.name for x in self._stack):
            raise ValueError(
                f'All layers added to a Sequential model should have unique names. Name "{layer.name}" is already the '
                "name of a layer in this model. Update the `name` argument to pass a unique name."
            )
        if isinstance(layer, InputLayer):
            if self._stack or self._entry is not None:
                raise ValueError("A Sequential model can have only one InputLayer, as its first layer.")
            self._entry, self._explicit = layer, True
            return
        if not self._stack and self._entry is None and layer._batch_input_shape is not None:
            shape = Input(batch_shape=layer._batch_input_shape, dtype=layer.compute_dtype, name=f"{layer.name}_input")
            self._entry, self._explicit = shape._keras_history[0], True
        self._stack.append(layer)
        self._changed()

    def pop(self) -> None:
        """Takes the top layer off. Raises TypeError if there is none."""
        if not self._stack:
            raise TypeError("There are no layers in the model.")
        self._stack.pop()
        self._changed()

    def _changed(self) -> None:
        """Makes the graph anew where the input is known: given, or seen in a first call."""
        spec = self._input_spec
        self._network = None
        self._input_spec = None
        self.built = False
        self._forget_functions()
        if self._entry is not None and self._stack:
            self._connect()
            self._input_spec = self._input_spec if self._explicit else spec

    def _connect(self) -> None:
        """Calls the layers symbolically, which makes their weights."""
        assert self._entry is not None
        x = first = self._entry._inbound_nodes[0].outputs
        for layer in self._stack:
            x = layer(x)
            if not isinstance(x, KerasTensor):
                raise ValueError(
                    "All layers in a Sequential model should have a single output tensor. For multi-output layers, use "
                    f"the functional API. Layer {layer.name!r} gave {x!r}."
                )
        self._set_network(GraphNetwork(first, x))
        self._children["_layers"] = self._stack
        self.built = True

    def _maybe_build(self, inputs: Any) -> None:
        if not self.built and self._network is None and isinstance(inputs, Tensor) and self._stack:
            self._build_deferred((None, *inputs.shape.as_list()[1:]), inputs.dtype)
        super()._maybe_build(inputs)

    def build(self, input_shape: Any = None) -> None:
        """Makes the weights for an input shape, batch included.

        Raises:
            ValueError: without a shape, where none is known.
        """
        if self._network is None and self._stack:
            if input_shape is None:
                raise ValueError("You must provide an `input_shape` argument.")
            if not self._in_call():
                self._build_deferred(tuple(input_shape), self._stack[0].compute_dtype)
        Layer.build(self, input_shape)

    def _build_deferred(self, batch_shape: tuple[Any, ...], dtype: Any) -> None:
        """Makes the graph for an inferred shape; a layer that needs values leaves the model without one."""
        from eager.errors import UntraceableError

        try:
            entry = Input(batch_shape=batch_shape, dtype=dtype, name=f"{self._stack[0].name}_input")
            self._entry = entry._keras_history[0]
            self._connect()
            self._input_spec = None
        except (NotImplementedError, UntraceableError):
            # Dynamic layers without compute_output_shape, or Python control flow: each layer is built by its own call.
            self._entry = None

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        """Runs the layers one after the other."""
        del training, mask
        x = inputs
        if self._network is not None and self._explicit:
            x = self._network.conform(x)[0]
        for layer in self._stack:
            x = layer(x)
        return x

    def _assert_weights(self) -> None:
        if self._network is None and not self.__dict__.get("built", False):
            raise ValueError(
                f"Weights for model {self.name!r} have not yet been created. Weights are created when the Model is "
                "first called on inputs or `build()` is called with an `input_shape`."
            )

    def get_config(self) -> dict[str, Any]:
        """The name and the serialized layers."""
        from eager.keras.serialization import serialize_keras_object

        entry = [] if self._entry is None else [self._entry]
        config: dict[str, Any] = {
            "name": self.name, "layers": [serialize_keras_object(layer) for layer in [*entry, *self._stack]],
        }  # fmt: skip
        if self._build_input_shape is not None:
            config["build_input_shape"] = nest.map_structure(lambda d: d, tuple(self._build_input_shape))
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Sequential:
        """A stack from `get_config`. Raises TypeError for an unknown class."""
        from eager.keras.serialization import deserialize_keras_object

        model = cls(name=config.get("name"))
        for layer in config["layers"]:
            model.add(deserialize_keras_object(layer, custom_objects=custom_objects))
        shape = config.get("build_input_shape")
        if shape is not None and not model.built:
            model.build(shape)
        return model
