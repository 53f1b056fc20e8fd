"""A recurrent layer run in both directions."""

from __future__ import annotations

import inspect
from typing import Any

from eager.keras.engine.base_layer import Layer
from eager.keras.engine.shapes import map_shapes
from eager.keras.layers.rnn.states import accepts, listed, separated
from eager.keras.layers.table import registry
from eager.keras.layers.wrapper import Wrapper
from eager.keras.serialization import deserialize_keras_object, serialize_keras_object
from eager.module import name_scope
from eager.ops.array import concat, reverse
from eager.tensor_shape import TensorShape

_MODES = ("sum", "mul", "ave", "concat", None)
_SHARED = ("stateful", "return_sequences", "return_state")


@registry.add()
class Bidirectional(Wrapper):
    """A recurrent layer over a sequence from both ends, its outputs merged (tf.keras.layers.Bidirectional).

    Outputs of the backward layer are turned round, so that both stand beside their steps. With `return_state` the
    forward layer's states come after the output, then the backward layer's.

    Attributes:
        forward_layer: a layer like the wrapped one.
        backward_layer: the same with `go_backwards` turned round, or the one given.
    """

    _untracked_attributes = Wrapper._untracked_attributes | {"layer"}

    def __init__(
        self, layer: Any, merge_mode: str | None = "concat", weights: Any = None, backward_layer: Any = None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        """Makes both layers.

        Args:
            layer: a recurrent layer; its config serves for both directions.
            merge_mode: sum, mul, ave, concat (along the last axis), or None for a list of both outputs.
            weights: initial weights of the forward and then of the backward layer.
            backward_layer: the layer for the other direction.
            **kwargs: as for Layer.

        Raises:
            ValueError: for no layer, an unknown merge mode, or a backward layer that does not match.
        """
        _check_layers(layer, backward_layer)
        if merge_mode not in _MODES:
            raise ValueError(
                f"Invalid merge mode. Received: {merge_mode}. Merge mode should be one of "
                '{"sum", "mul", "ave", "concat", None}'
            )
        super().__init__(layer, **kwargs)
        self.forward_layer = _like(layer)
        self._backward_config: Any = None
        if backward_layer is None:
            self.backward_layer = _like(layer, turned=True)
        else:
            self._backward_config = serialize_keras_object(backward_layer)
            self.backward_layer = backward_layer
        self.forward_layer._name = f"forward_{self.forward_layer.name}"
        self.backward_layer._name = f"backward_{self.backward_layer.name}"
        self._check_match()
        for each in (self.forward_layer, self.backward_layer):
            # A repeated output would stand at the wrong end once the backward sequence is turned round.
            if getattr(each, "zero_output_for_mask", None) is not None:
                each.zero_output_for_mask = each.return_sequences
        self.merge_mode = merge_mode
        if weights:
            half = len(weights) // 2
            self.forward_layer._initial_weights = weights[:half]
            self.backward_layer._initial_weights = weights[half:]
        self.stateful = layer.stateful
        self.return_sequences = layer.return_sequences
        self.return_state = layer.return_state
        self.supports_masking = True
        self._trainable = kwargs.get("trainable", layer.trainable)
        self._num_constants = 0
        self.input_spec = layer.input_spec

    def _check_match(self) -> None:
        forward, backward = self.forward_layer, self.backward_layer
        if forward.go_backwards == backward.go_backwards:
            raise ValueError(
                "Forward layer and backward layer should have different `go_backwards` value. "
                f"forward_layer.go_backwards = {forward.go_backwards}, "
                f"backward_layer.go_backwards = {backward.go_backwards}"
            )
        for name in _SHARED:
            ours, theirs = getattr(forward, name), getattr(backward, name)
            if ours != theirs:
                raise ValueError(
                    "Forward layer and backward layer are expected to have the same value for attribute "
                    f'"{name}", got "{ours}" for forward layer and "{theirs}" for backward layer'
                )

    def build(self, input_shape: Any = None) -> None:
        """Builds both layers, each under its name."""
        for layer in (self.forward_layer, self.backward_layer):
            if not layer.built:
                with name_scope(layer.name):
                    layer.build(input_shape)
        Layer.build(self, input_shape)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the merged output, of both without merging; with `return_state` those of all states after."""
        found = self.forward_layer.compute_output_shape(input_shape)
        output, states = (found[0], list(found[1:])) if self.return_state else (found, [])
        if self.merge_mode == "concat":
            output = map_shapes(lambda s: TensorShape([*s[:-1], None if s[-1] is None else 2 * s[-1]]), output)
        outputs = [output, output] if self.merge_mode is None else [output]
        return [*outputs, *states, *states] if self.return_state or len(outputs) > 1 else output

    def __call__(self, inputs: Any, initial_state: Any = None, constants: Any = None, **kwargs: Any) -> Any:
        """Runs the layer; arguments as for the wrapped one.

        Args:
            inputs: the sequence, or a list of it, the initial states and the constants.
            initial_state: the forward layer's states, then the backward layer's.
            constants: tensors for every step of both.
            **kwargs: `mask`, `training`.

        Raises:
            ValueError: for an odd number of states, or Keras tensors mixed with others.
        """
        inputs, given = separated(inputs, initial_state, constants, self._num_constants)
        if len(given.get("initial_state", ())) % 2:
            raise ValueError(
                "When passing `initial_state` to a Bidirectional RNN, the state should be a list containing the "
                f"states of the underlying RNNs. Received: {given['initial_state']}"
            )
        if "constants" in given:
            self._num_constants = len(given["constants"])
        return super().__call__(inputs, **given, **kwargs)

    def call(
        self, inputs: Any, training: Any = None, mask: Any = None, initial_state: Any = None, constants: Any = None
    ) -> Any:
        """The merged output, a list of both without merging; with `return_state` a list that ends with all states."""
        given = {"training": training, "mask": mask} | ({} if constants is None else {"constants": constants})
        options = {name: value for name, value in given.items() if accepts(self.forward_layer, name)}
        half = len(initial_state or ()) // 2
        starts = (None, None) if initial_state is None else (initial_state[:half], initial_state[half:])
        ys: list[Any] = []
        states: list[Any] = []
        for layer, start in zip((self.forward_layer, self.backward_layer), starts, strict=True):
            y = layer(inputs, **options, **({} if start is None else {"initial_state": start}))
            if self.return_state:
                states += y[1:]
                y = y[0]
            ys.append(y)
        if self.return_sequences:
            ys[1] = reverse(ys[1], [0 if getattr(self.forward_layer, "time_major", False) else 1])
        merged = self._merged(*ys)
        return [*listed(merged), *states] if self.return_state else merged

    def _merged(self, forward: Any, backward: Any) -> Any:
        if self.merge_mode == "concat":
            return concat([forward, backward], -1)
        if self.merge_mode == "mul":
            return forward * backward
        if self.merge_mode is None:
            return [forward, backward]
        total = forward + backward
        return total / 2 if self.merge_mode == "ave" else total

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask of the sequences that come out; None for the last outputs and states."""
        del inputs
        mask = mask[0] if isinstance(mask, list) else mask
        output = mask if self.return_sequences else None
        outputs = [output] if self.merge_mode else [output, output]
        if self.return_state:
            return [*outputs, *(None for _ in self.forward_layer.states * 2)]
        return outputs if len(outputs) > 1 else output

    def reset_states(self, states: Any = None) -> None:
        """Sets the states that are kept, by default to zero: the forward layer's, then the backward layer's.

        Raises:
            AttributeError: if the layer is not stateful.
            ValueError: if `states` is no list, or its number or shapes differ.
        """
        if not self.stateful:
            raise AttributeError("Layer must be stateful.")
        if states is not None and not isinstance(states, list | tuple):
            raise ValueError(
                f"Unrecognized value for `states`. Expected `states` to be list or tuple. Received: {states}"
            )
        half = len(states or ()) // 2
        self.forward_layer.reset_states(None if states is None else states[:half])
        self.backward_layer.reset_states(None if states is None else states[half:])

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        config = super().get_config() | {"merge_mode": self.merge_mode}
        if self._num_constants:
            config["num_constants"] = self._num_constants
        if self._backward_config is not None:
            config["backward_layer"] = self._backward_config
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """A layer from `get_config`. Raises TypeError for an inner layer of an unknown class."""
        given = dict(config)
        constants = given.pop("num_constants", 0)
        for name in ("layer", "backward_layer"):
            if given.get(name) is not None:
                given[name] = deserialize_keras_object(given[name], custom_objects, registry)
        layer = cls(**given)
        layer._num_constants = constants
        return layer


def _check_layers(layer: Any, backward: Any) -> None:
    if not isinstance(layer, Layer):
        raise ValueError(
            f"Please initialize `Bidirectional` layer with a `tf.keras.layers.Layer` instance. Received: {layer}"
        )
    if backward is not None and not isinstance(backward, Layer):
        raise ValueError(f"`backward_layer` need to be a `tf.keras.layers.Layer` instance. Received: {backward}")


def _like(layer: Any, turned: bool = False) -> Any:
    """A new layer of the same config, for the other direction if `turned`."""
    config = layer.get_config()
    if turned:
        config["go_backwards"] = not config["go_backwards"]
    cls = type(layer)
    if "custom_objects" not in inspect.signature(cls.from_config).parameters:
        return cls.from_config(config)
    cell = getattr(layer, "cell", None)
    cells = [] if cell is None else [cell, *getattr(cell, "cells", [])]
    # Classes of cells that nobody registered are known from the cells themselves.
    return cls.from_config(config, custom_objects={type(c).__name__: type(c) for c in cells})
