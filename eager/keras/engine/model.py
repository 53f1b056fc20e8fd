"""tf.keras.Model: a layer that trains; subclassed, or the graph between symbolic inputs and outputs."""

from __future__ import annotations

from typing import Any

from eager import nest
from eager.keras.engine.base_layer import Layer
from eager.keras.engine.call_context import features
from eager.keras.engine.graph_network import GraphNetwork
from eager.keras.engine.input_spec import InputSpec
from eager.keras.engine.keras_tensor import KerasTensor
from eager.keras.engine.model_parts import AddLoss, AddMetric, OneDevice, functional_arguments, weights_by_layer
from eager.keras.engine.model_saving import Saving
from eager.keras.engine.tracking import unique
from eager.keras.training.older import OlderMethods
from eager.keras.training.trainer import Trainer
from eager.variable import Variable

_LAYER_KEYWORDS = ("trainable", "name", "dtype", "dynamic", "autocast")


class Model(OlderMethods, Saving, Trainer):
    """A layer with training and inference methods (tf.keras.Model).

    `Model(inputs, outputs)` is the functional model between symbolic Keras tensors; a subclass makes its layers in
    `__init__` and calls them in `call`.
    """

    _untracked_attributes = Trainer._untracked_attributes | {"_network"}
    _network: GraphNetwork | None

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Gives `Model(inputs, outputs)` the class Functional."""
        chosen: Any = Functional if cls is Model and functional_arguments(args, kwargs) is not None else cls
        return super().__new__(chosen, *args, **kwargs)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Makes a model.

        Args:
            *args: for a functional model its inputs and outputs, else nothing.
            **kwargs: `inputs`, `outputs`, `name`, `trainable`, `dtype`, `dynamic`.

        Raises:
            TypeError: for an unknown keyword.
            ValueError: if the graph is disconnected or names are doubled.
        """
        ends = functional_arguments(args, kwargs)
        options = {k: v for k, v in kwargs.items() if k not in ("inputs", "outputs")}
        unknown = [k for k in options if k not in _LAYER_KEYWORDS]
        if unknown:
            raise TypeError("Keyword argument not understood:", unknown[0])
        if ends is None and args:
            raise TypeError(f"Model() takes inputs and outputs, or keywords; got {args!r}")
        super().__init__(**options)
        self._own_compute_mask = type(self).compute_mask is not Model.compute_mask
        self._supports_masking = self._own_compute_mask
        self._init_trainer()
        self._network = None
        if ends is not None:
            self._set_network(GraphNetwork(*ends))
            self.built = True

    def _default_name(self) -> str:
        from eager.keras.engine.naming import unique_name

        return unique_name("model") if type(self) is Functional else super()._default_name()

    def _set_network(self, network: GraphNetwork) -> None:
        """Takes a graph as this model's."""
        self._network = network
        self._children["_layers"] = network.layers
        # Weights of a functional model are named after its layers alone.
        self.__dict__["_name_in_scope"] = False
        self.__dict__["_own_compute_mask"] = False
        self._input_spec = _specs_of(network.inputs)

    # Being called --------------------------------------------------------------------------------------------------

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        """Runs the functional graph; a subclassed model overrides this.

        Raises:
            NotImplementedError: if a subclass does not override it.
        """
        del training
        network = self._network
        if network is None:
            raise NotImplementedError(
                f"Unimplemented `tf.keras.Model.call()`: override `call()` in {type(self).__name__} with the forward "
                "pass, or make a functional model: tf.keras.Model(inputs, outputs)."
            )
        flat = network.conform(inputs)
        if mask is not None:
            for x, m in zip(flat, nest.flatten(mask), strict=True):
                x._keras_mask = m
        return network.run(flat)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """None: the layers inside put masks on the outputs themselves."""
        del inputs, mask

    def build(self, input_shape: Any) -> None:
        """Makes the weights for an input shape, batch included.

        Raises:
            ValueError: if the model cannot be run on abstract inputs of that shape.
        """
        if self._network is None and type(self).call is not Model.call and not self._in_call():
            try:
                self.compute_output_shape(input_shape)
            except (TypeError, ValueError) as error:
                raise ValueError(
                    f"You cannot build your model by calling `build` with shape {input_shape}: {error}. Instead, call "
                    "the model on real data of the right dtype."
                ) from error
        super().build(input_shape)

    def _in_call(self) -> bool:
        """Whether this very model is being called; its layers are built by its `call` then."""
        from eager.keras.engine.call_context import context

        return context().layer is self

    # Structure -----------------------------------------------------------------------------------------------------

    @property
    def layers(self) -> list[Layer]:
        """The layers directly inside."""
        return list(self._flatten_layers(recursive=False, include_self=False))

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """A layer by name or by number. Raises ValueError if there is none."""
        if index is not None and name is not None:
            raise ValueError(f"Provide only a layer name or a layer index. Received: index={index}, name={name}.")
        if index is not None:
            if index >= len(self.layers):
                raise ValueError(
                    f"Was asked to retrieve layer at index {index} but model only has {len(self.layers)} layers."
                )
            return self.layers[index]
        if name is None:
            raise ValueError("Provide either a layer name or layer index at `get_layer`.")
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise ValueError(f"No such layer: {name}. Existing layers are: {[layer.name for layer in self.layers]}.")

    @property
    def inputs(self) -> list[KerasTensor] | None:
        """The symbolic inputs, or None for a subclassed model."""
        return None if self._network is None else self._network.flat_inputs

    @property
    def outputs(self) -> list[KerasTensor] | None:
        """The symbolic outputs, or None for a subclassed model."""
        return None if self._network is None else self._network.flat_outputs

    @property
    def input(self) -> Any:
        """The symbolic input. Raises AttributeError for a subclassed model."""
        return super().input if self._network is None else self._network.inputs

    @property
    def output(self) -> Any:
        """The symbolic output. Raises AttributeError for a subclassed model."""
        return super().output if self._network is None else self._network.outputs

    @property
    def input_names(self) -> list[str]:
        """The names of the inputs."""
        return [t._keras_history[0].name for t in self.inputs or []]

    @property
    def output_names(self) -> list[str]:
        """The names of the layers that make the outputs, numbered where one makes several."""
        names: list[str] = []
        for t in self.outputs or []:
            base = t._keras_history[0].name
            count = sum(1 for n in names if n == base or n.startswith(f"{base}_"))
            names.append(base if base not in names else f"{base}_{count}")
        return names

    @property
    def input_shape(self) -> Any:
        """The shape of the input. Raises AttributeError for a subclassed model."""
        return super().input_shape if self._network is None else _shapes(self._network.inputs)

    @property
    def output_shape(self) -> Any:
        """The shape of the output. Raises AttributeError for a subclassed model."""
        return super().output_shape if self._network is None else _shapes(self._network.outputs)

    @property
    def weights(self) -> list[Variable]:
        """All variables, layer by layer, the model's own ones last. Raises ValueError before they are made."""
        self._assert_weights()
        return unique([*weights_by_layer(self._children), *sorted(self._own, key=_is_fixed)])

    @property
    def trainable_weights(self) -> list[Variable]:
        """The variables that training changes, the model's own ones last. Raises ValueError before they are made."""
        self._assert_weights()
        if not self._trainable:
            return []
        inner = self._gather("trainable_variables", lambda v: v.trainable)
        return unique([*inner, *(v for v in self._own if v.trainable)])

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The other variables. Raises ValueError before they are made."""
        self._assert_weights()
        fixed = [v for v in self._own if not v.trainable]
        if self._trainable:
            return unique([*self._gather("non_trainable_variables", _is_fixed), *fixed])
        free = [v for v in self._own if v.trainable]
        return unique([*free, *self._gather("variables", lambda v: True), *fixed])

    def _assert_weights(self) -> None:
        if "build" in type(self).__dict__ and not self.__dict__.get("built", True) and not self._own:
            raise ValueError(
                f"Weights for model {self.name!r} have not yet been created. Weights are created when the model is "
                "first called on inputs or `build()` is called with an `input_shape`."
            )

    @property
    def distribute_strategy(self) -> OneDevice:
        """The one strategy there is: one device, one replica."""
        return OneDevice()

    def reset_states(self) -> None:
        """Resets the state of every stateful layer."""
        for layer in self.layers:
            reset = getattr(layer, "reset_states", None)
            if reset is not None and layer.stateful:
                reset()

    def _captured(self, config: dict[str, Any]) -> dict[str, Any]:
        if self._network is not None and type(self) is Functional:
            from eager.keras.engine.functional_config import network_config

            return {"name": self.name, "trainable": self.trainable, **network_config(self._network)}
        return super()._captured(config)

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """A model from `get_config`.

        Raises:
            TypeError: if the class is not known or the constructor does not take its config.
        """
        if {"layers", "input_layers", "output_layers"} <= set(config):
            from eager.keras.engine.functional_config import restore

            inputs, outputs, layers = restore(config, custom_objects or {})
            options = {"name": config.get("name"), "trainable": config.get("trainable", True)}
            model = cls(inputs=inputs, outputs=outputs, **options)
            model._adopt(layers)
            return model
        return super().from_config(config)

    def _adopt(self, layers: Any) -> None:
        """Takes layers that stand on this graph, but do not lead to its outputs: those of losses and metrics."""
        assert self._network is not None
        known = {id(layer) for layer in self._network.layers}
        for node in [n for layer in layers if id(layer) not in known for n in layer._inbound_nodes if n.keras_inputs]:
            features.losses = features.losses or isinstance(node.layer, AddLoss)
            self._set_network(self._network.extended(node.outputs))

    # Losses and metrics on symbolic values -------------------------------------------------------------------------

    def _add_symbolic_loss(self, loss: Any) -> None:
        if self._network is None:
            super()._add_symbolic_loss(loss)
            return
        features.losses = True
        AddLoss()(loss)
        node = loss._keras_history[0]._outbound_nodes[-1]
        self._set_network(self._network.extended(node.outputs))

    def _add_metric(self, value: Any, name: str | None, metric: Any) -> None:
        if self._network is None or not isinstance(value, KerasTensor):
            super()._add_metric(value, name, metric)
            return
        layer = AddMetric(name or "metric")
        self._set_network(self._network.extended(layer(value)))

    def summary(
        self,
        line_length: int | None = None,
        positions: Any = None,
        print_fn: Any = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: Any = None,
    ) -> None:
        """Prints the layers with output shapes and numbers of parameters; the arguments are `print_summary`'s.

        Raises:
            ValueError: before the model is built.
        """
        from eager.keras.engine.summary import print_summary

        print_summary(self, line_length, positions, print_fn, expand_nested, show_trainable, layer_range)


class Functional(Model):
    """A model that is the graph between symbolic inputs and outputs; made by `Model(inputs, outputs)`."""


def _is_fixed(variable: Variable) -> bool:
    return not variable.trainable


def _specs_of(inputs: Any) -> Any:
    """What data must look like: an entry of a dict goes by its key, another input by the name of its layer."""
    if isinstance(inputs, KerasTensor):
        return _spec_of(inputs, inputs._keras_history[0].name)
    if isinstance(inputs, dict) and all(isinstance(t, KerasTensor) for t in inputs.values()):
        return {key: _spec_of(t, key) for key, t in inputs.items()}
    return nest.map_structure(lambda t: _spec_of(t, t._keras_history[0].name), inputs)


def _spec_of(tensor: KerasTensor, name: str) -> InputSpec:
    sizes = tensor.shape.as_list()
    shape = (None, *sizes[1:]) if sizes else ()
    return InputSpec(shape=shape, allow_last_axis_squeeze=True, name=name)


def _shapes(structure: Any) -> Any:
    if isinstance(structure, KerasTensor):
        return tuple(structure.shape.as_list())
    return nest.map_structure(lambda t: tuple(t.shape.as_list()), structure)


