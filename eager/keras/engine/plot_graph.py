"""What a picture of a model shows: boxes for layers, arrows for tensors, frames for models inside."""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

from eager import nest
from eager.keras.engine.summary import layer_bounds


class PlotOptions(NamedTuple):
    """What boxes show."""

    shapes: bool = False
    dtype: bool = False
    names: bool = True
    expand: bool = False
    activations: bool = False
    trainable: bool = False


class Box(NamedTuple):
    """A layer.

    Attributes:
        key: its identity in the picture.
        rows: lines of text; a row of two texts stands side by side.
        frames: the names of the models that it is inside of, outermost first.
    """

    key: str
    rows: tuple[tuple[str, ...], ...]
    frames: tuple[str, ...]


class ModelGraph(NamedTuple):
    """Boxes by key, and arrows between keys."""

    boxes: dict[str, Box]
    arrows: list[tuple[str, str]]


def graph_of(model: Any, options: PlotOptions, layer_range: Any = None) -> ModelGraph:
    """The boxes and arrows of a model. Raises ValueError for a range that names no layer."""
    graph = ModelGraph({}, [])
    first, last = layer_bounds(model, layer_range)
    shown = list(model.layers)[first:last]
    entry = getattr(model, "_entry", None)
    if entry is not None and first == 0:
        shown.insert(0, entry)
    _add_model(graph, model, shown, options, ())
    arrows = list(dict.fromkeys(graph.arrows))
    return ModelGraph(graph.boxes, [a for a in arrows if a[0] in graph.boxes and a[1] in graph.boxes])


def _add_model(
    graph: ModelGraph, model: Any, layers: list[Any], options: PlotOptions, frames: tuple[str, ...]
) -> tuple[list[str], list[str]]:
    """Adds a model's layers; returns the keys of the boxes where tensors come in and go out."""
    ends: dict[int, tuple[list[str], list[str]]] = {}
    for layer in layers:
        inner = _inner_layers(layer) if options.expand else []
        if inner:
            ends[id(layer)] = _add_model(graph, layer, inner, options, (*frames, layer.name))
            continue
        key = "/".join((*frames, layer.name))
        graph.boxes[key] = Box(key, _rows(layer, options), frames)
        ends[id(layer)] = [key], [key]
    links = _links(model, layers)
    for source, target in links:
        for start in ends[id(source)][1]:
            graph.arrows.extend((start, end) for end in ends[id(target)][0])
    fed = {id(target) for _, target in links}
    feeds = {id(source) for source, _ in links}
    ins = [key for layer in layers if id(layer) not in fed for key in ends[id(layer)][0]]
    outs = [key for layer in layers if id(layer) not in feeds for key in ends[id(layer)][1]]
    network = getattr(model, "_network", None)
    if network is not None:
        made = [t._keras_history[0] for t in network.flat_outputs]
        outs = [key for layer in made if id(layer) in ends for key in ends[id(layer)][1]] or outs
    return ins, outs


def _inner_layers(layer: Any) -> list[Any]:
    if not hasattr(layer, "_network"):
        return []
    entry = getattr(layer, "_entry", None)
    return [*([] if entry is None else [entry]), *layer.layers]


def _links(model: Any, layers: list[Any]) -> list[tuple[Any, Any]]:
    """Which layer's outputs go to which layer."""
    if hasattr(model, "_stack"):
        return list(itertools.pairwise(layers))
    network = getattr(model, "_network", None)
    if network is None:
        return []
    known = {id(layer) for layer in layers}
    pairs = [(t._keras_history[0], node.layer) for node in network.nodes for t in node.keras_inputs]
    return [(a, b) for a, b in pairs if id(a) in known and id(b) in known]


def _rows(layer: Any, options: PlotOptions) -> tuple[tuple[str, ...], ...]:
    kind = type(layer).__name__
    wrapped = getattr(layer, "layer", None)
    if wrapped is not None and hasattr(wrapped, "name"):
        kind = f"{kind}({type(wrapped).__name__})"
    rows: list[tuple[str, ...]] = [(layer.name, kind) if options.names else (kind,)]
    activation = getattr(layer, "activation", None)
    if options.activations and activation is not None:
        rows.append((getattr(activation, "__name__", type(activation).__name__),))
    if options.dtype:
        rows.append((_dtype(layer),))
    if options.trainable:
        rows.append(("T" if layer.trainable else "NT",))
    if options.shapes:
        rows.append(("input:", _shape(layer, "input_shape")))
        rows.append(("output:", _shape(layer, "output_shape")))
    return tuple(rows)


def _dtype(layer: Any) -> str:
    try:
        tensors = nest.flatten(layer.output)
    except (AttributeError, RuntimeError):
        return str(layer.dtype)
    return ", ".join(dict.fromkeys(t.dtype.name for t in tensors))


def _shape(layer: Any, which: str) -> str:
    try:
        return str(getattr(layer, which))
    except (AttributeError, RuntimeError):
        return "multiple" if layer._inbound_nodes else "?"
