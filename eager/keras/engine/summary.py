"""Model.summary: Keras's table of layers."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from typing import Any

from eager.keras.engine.tracking import unique

_BREAKS = ("),", "},", "],", "',")
_TRAINABLE_WIDTH = 11


def print_summary(
    model: Any,
    line_length: int | None = None,
    positions: Any = None,
    print_fn: Callable[[str], Any] | None = None,
    expand_nested: bool = False,
    show_trainable: bool = False,
    layer_range: Any = None,
) -> None:
    """Prints the table of a model's layers (tf.keras.utils.print_summary).

    Args:
        model: a built model.
        line_length: the width of the table; 65, or 98 with connections.
        positions: where the columns end, as shares of the width or in characters.
        print_fn: takes each line; by default it is written to the standard output.
        expand_nested: also lists the layers of models inside.
        show_trainable: also shows whether a layer is trained.
        layer_range: names, or patterns of names, of the first and the last layer that are listed.

    Raises:
        ValueError: before the model is built, or for a range that names no layer.
    """
    if not model.built:
        raise ValueError(
            "This model has not yet been built. Build the model first by calling `build()` or by calling the model on "
            "a batch of data."
        )
    first, last = layer_bounds(model, layer_range)
    table = _Table(model, line_length, positions, print_fn, expand_nested, show_trainable)
    table.head()
    layers = model.layers[first:last]
    for layer in layers:
        table.layer(layer, 0, layer is layers[-1])
    table.foot(model)


def layer_bounds(model: Any, layer_range: Any) -> tuple[int, int]:
    """The numbers of the first layer, and of the one after the last, between two names.

    Raises:
        ValueError: if the range is not two names that layers have.
    """
    if layer_range is None:
        return 0, len(model.layers)
    if len(layer_range) != 2 or not all(isinstance(name, str) for name in layer_range):
        raise ValueError(f"layer_range should contain two strings. Received: {layer_range}")
    names = [layer.name for layer in model.layers]
    ends = [[i for i, name in enumerate(names) if re.match(pattern, name)] for pattern in layer_range]
    if not all(ends):
        raise ValueError(f"Passed layer names {layer_range} do not match the layer names in the model: {names}")
    (lower, upper) = ends
    if min(lower) > max(upper):
        return min(upper), max(lower) + 1
    return min(lower), max(upper) + 1


def is_chain(model: Any) -> bool:
    """Whether the layers simply follow each other, so that connections need no column."""
    network = getattr(model, "_network", None)
    if network is None or hasattr(model, "_stack"):
        return True
    nodes = _network_nodes(network)
    depths = _depths(network, nodes)
    if len(set(depths.values())) < len(depths) or any(len(n.keras_inputs) > 1 for n in nodes):
        return False
    layers = [id(n.layer) for n in nodes]
    return len(set(layers)) == len(layers)


def _network_nodes(network: Any) -> list[Any]:
    """The nodes of a graph, those of its inputs first."""
    from eager.keras.engine.graph_network import node_of

    return unique([*(node_of(t) for t in network.flat_inputs), *network.nodes])


def _depths(network: Any, nodes: list[Any]) -> dict[int, int]:
    """How far each node is from the outputs."""
    from eager.keras.engine.graph_network import node_of

    depths = {id(n): 0 for n in nodes}
    known = {id(t) for t in network.flat_inputs}
    for node in reversed(network.nodes):
        for tensor in node.keras_inputs:
            parent = node_of(tensor)
            if id(parent) in depths and (id(tensor) in known or parent is not node):
                depths[id(parent)] = max(depths[id(parent)], depths[id(node)] + 1)
    return depths


class _Table:
    """Columns of fixed width whose cells are broken into several lines where they are too long."""

    def __init__(
        self, model: Any, line_length: int | None, positions: Any, print_fn: Callable[[str], Any] | None,
        expand: bool, trainable: bool,
    ) -> None:  # fmt: skip
        self._write: Callable[[str], Any] = print_fn or (lambda line: sys.stdout.write(line + "\n"))
        self._expand, self._trainable = expand, trainable
        chain = is_chain(model)
        self._titles = ["Layer (type)", "Output Shape", "Param #"] + ([] if chain else ["Connected to"])
        self._relevant = None if chain else {id(n) for n in _network_nodes(model._network)}
        self._length = line_length or (65 if chain else 98)
        ends = positions or ([0.45, 0.85, 1.0] if chain else [0.3, 0.6, 0.70, 1.0])
        self._ends: list[int] = [int(self._length * p) for p in ends] if ends[-1] <= 1 else [int(p) for p in ends]
        self._title = f'Model: "{model.name}"'
        if trainable:
            self._length += _TRAINABLE_WIDTH
            self._ends.append(self._length)
            self._titles.append("Trainable")

    def head(self) -> None:
        self._write(self._title)
        self._write("_" * self._length)
        self._row(self._titles, 0)
        self._write("=" * self._length)

    def layer(self, layer: Any, level: int, last: bool) -> None:
        """The rows of a layer and, where wanted, of those inside."""
        cells = [f"{layer.name} ({type(layer).__name__})", _shape(layer), _count(layer)]
        if self._relevant is not None:
            cells.append(str(self._sources(layer)))
        if self._trainable:
            cells.append("Y" if layer.trainable else "N")
        self._row(cells, level)
        inner = list(getattr(layer, "layers", ())) if self._expand else []
        if inner:
            self._rule("¯", level + 1)
            for each in inner:
                self.layer(each, level + 1, each is inner[-1])
            self._rule("¯", level)
        elif not last or level == 0:
            self._rule(" ", level)

    def _rule(self, mark: str, level: int) -> None:
        self._write("|" * level + mark * (self._length - 2 * level) + "|" * level)

    def _sources(self, layer: Any) -> list[str]:
        """The tensors that the layer takes in this model, as name[node][tensor]."""
        return [
            f"{t._keras_history[0].name}[{t._keras_history[1]}][{t._keras_history[2]}]"
            for node in layer._inbound_nodes
            if not self._relevant or id(node) in self._relevant
            for t in node.keras_inputs
        ]

    def _row(self, cells: Iterable[Any], level: int) -> None:
        left = [str(cell) for cell in cells]
        final = len(self._ends) - 1
        while any(left):
            line = ""
            for column, text in enumerate(left):
                start, end = self._ends[column - 1] if column else 0, self._ends[column]
                room = end - start - (3 if column != final else 0) - (level if not column else 0)
                shown, left[column] = _cut(text, room)
                line += ("|" * level + " " if not column else "") + shown + ("  " if column != final else "")
                line = line.ljust(end - (level if column == final else 0))
            self._write(line + "|" * level)

    def foot(self, model: Any) -> None:
        self._write("=" * self._length)
        trainable, frozen = unique(model.trainable_weights), unique(model.non_trainable_weights)
        for word, weights in (("Total", [*trainable, *frozen]), ("Trainable", trainable), ("Non-trainable", frozen)):
            count = sum(v.shape.num_elements() or 0 for v in weights)
            size = sum((v.shape.num_elements() or 0) * v.dtype.size for v in weights)
            self._write(f"{word} params: {count} ({_size(size)})")
        self._write("_" * self._length)


def _cut(text: str, room: int) -> tuple[str, str]:
    """What of a cell fits into one line, and the rest; it breaks after the first item of a list."""
    ends = [text[:room].find(mark) + len(mark) for mark in _BREAKS if mark in text[:room]]
    at = min(ends) if ends else max(room, 1)
    return text[:at], text[at:]


def _shape(layer: Any) -> str:
    try:
        shape = layer.output_shape
    except AttributeError:
        return "multiple"
    except RuntimeError:
        return "?"
    return f"[{shape}]" if type(layer).__name__ == "InputLayer" else str(shape)


def _count(layer: Any) -> str:
    return str(layer.count_params()) if layer.built else "0 (unused)"


def _size(count: float) -> str:
    for unit in ("Byte", "KB", "MB", "GB", "TB"):
        if count < 1024:
            return f"{count:.2f} {unit}"
        count /= 1024
    return f"{count:.2f} PB"
