"""tf.keras.models.clone_model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eager import nest
from eager.keras.engine.base_layer import Layer
from eager.keras.engine.input_layer import Input, InputLayer
from eager.keras.engine.keras_tensor import KerasTensor
from eager.keras.engine.model import Functional
from eager.keras.engine.sequential import Sequential
from eager.nest import map_leaves


def clone_model(model: Any, input_tensors: Any = None, clone_function: Callable[[Any], Any] | None = None) -> Any:
    """A model of the same structure with weights of its own (tf.keras.models.clone_model).

    Args:
        model: a Functional or Sequential model; a subclassed one without the other arguments.
        input_tensors: symbolic Keras tensors to start from instead of new inputs.
        clone_function: makes the copy of each layer, InputLayers apart; by default from the layer's config.

    Raises:
        ValueError: for a subclassed model with other arguments, what is no layer, or input tensors of wrong number.
    """
    make = clone_function or _copy
    if not callable(make):
        raise ValueError(f"Expected `clone_function` argument to be a callable. Received: {clone_function!r}")
    if isinstance(model, Sequential):
        return _clone_sequential(model, input_tensors, make)
    if getattr(model, "_network", None) is None or not (
        type(model) is Functional or "layers" in model.get_config()
    ):
        if input_tensors is not None or clone_function is not None:
            raise ValueError(
                "Expected `model` argument to be a functional `Model` instance, but got a subclassed model instead: "
                "it can be cloned only as a whole, by its get_config and from_config."
            )
        return type(model).from_config(model.get_config())
    return _clone_functional(model, input_tensors, make)


def _copy(layer: Any) -> Any:
    if getattr(layer, "_network", None) is not None and not isinstance(layer, Sequential):
        return clone_model(layer)
    twin = getattr(layer, "_twin", None)
    if twin is not None:
        return twin()
    return type(layer).from_config(layer.get_config())


def _made(make: Callable[[Any], Any], layer: Any) -> Any:
    made = make(layer)
    if not isinstance(made, Layer):
        raise ValueError(f"The clone_function must return a layer; for {layer!r} it returned {made!r}")
    return made


def _entry(given: Any, old: KerasTensor) -> KerasTensor:
    """The symbolic tensor to start from: the one given, or a new input like the old one."""
    if given is None:
        return Input(batch_shape=tuple(old.shape.as_list()), dtype=old.dtype, name=old._keras_history[0].name)
    if not isinstance(given, KerasTensor):
        raise ValueError(f"input_tensors must be symbolic Keras tensors (tf.keras.Input), got {given!r}")
    return given


def _clone_sequential(model: Sequential, input_tensors: Any, make: Callable[[Any], Any]) -> Sequential:
    layers = [_made(make, layer) for layer in model.layers]
    given = nest.flatten(input_tensors) if input_tensors is not None else []
    if len(given) > 1:
        raise ValueError(f"A Sequential model has one input, but there are {len(given)} input tensors")
    entry: list[Any] = []
    if given:
        tensor = _entry(given[0], given[0])
        shape, layer = tuple(tensor.shape.as_list()), tensor._keras_history[0]
        entry = [layer if isinstance(layer, InputLayer) else Input(batch_shape=shape, dtype=tensor.dtype)]
    elif model._entry is not None:
        old = model._entry
        entry = [InputLayer.from_config(old.get_config())] if model._explicit else []
    cloned = type(model)(name=model.name)
    for layer in [*entry, *layers]:
        cloned.add(layer)
    if not entry and model.built and model._build_input_shape is not None:
        cloned.build(model._build_input_shape)
    return cloned


def _clone_functional(model: Any, input_tensors: Any, make: Callable[[Any], Any]) -> Any:
    network = model._network
    given = [None] * len(network.flat_inputs) if input_tensors is None else nest.flatten(input_tensors)
    if len(given) != len(network.flat_inputs):
        raise ValueError(f"The model has {len(network.flat_inputs)} inputs, but there are {len(given)} input tensors")
    tensors = {id(old): _entry(new, old) for new, old in zip(given, network.flat_inputs, strict=True)}
    copies: dict[int, Any] = {}

    def mapped(x: Any) -> Any:
        return tensors[id(x)] if isinstance(x, KerasTensor) else x

    for node in network.nodes:
        layer = node.layer
        if id(layer) not in copies:
            copies[id(layer)] = _made(make, layer)
        args = [map_leaves(mapped, a) for a in node.call_args]
        kwargs = {k: map_leaves(mapped, a) for k, a in node.call_kwargs.items()}
        outputs = copies[id(layer)](*args, **kwargs)
        for old, new in zip(nest.flatten(node.outputs), nest.flatten(outputs), strict=True):
            tensors[id(old)] = new
    inputs, outputs = map_leaves(mapped, network.inputs), map_leaves(mapped, network.outputs)
    cloned = type(model)(inputs, outputs, name=model.name, trainable=model.trainable)
    cloned._adopt([copies[id(layer)] for layer in model.layers if id(layer) in copies])
    return cloned
