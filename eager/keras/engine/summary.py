"""Model.summary: Keras's table of layers."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

from eager.keras.engine.layer_config import Configurable


def print_summary(
    model: Any,
    line_length: int | None,
    print_fn: Callable[[str], Any] | None,
    expand_nested: bool,
    show_trainable: bool,
) -> None:
    """Prints the table. Raises ValueError before the model is built."""
    if not model.built:
        raise ValueError(
            "This model has not yet been built. Build the model first by calling `build()` or by calling the model on "
            "a batch of data."
        )
    write = print_fn or (lambda line: sys.stdout.write(line + "\n"))
    columns = ["Layer (type)", "Output Shape", "Param #"]
    widths = [29, 26, 10]
    network = model._network is not None and not hasattr(model, "_stack")
    if network:
        columns.append("Connected to")
        widths = [29, 29, 10, 30]
    if show_trainable:
        columns.append("Trainable")
        widths.append(12)
    if line_length:
        widths = [max(8, w * line_length // sum(widths)) for w in widths]
    total = sum(widths)
    for line in (f'Model: "{model.name}"', "_" * total, _row(columns, widths), "=" * total):
        write(line)
    for layer, depth in _layers(model, expand_nested):
        cells = [f"{' ' * depth}{layer.name} ({type(layer).__name__})", _shape(layer), str(_count(layer))]
        if network:
            cells.append(", ".join(_sources(layer)))
        if show_trainable:
            cells.append("Y" if layer.trainable else "N")
        write(_row(cells, widths))
    trainable = sum(v.shape.num_elements() or 0 for v in model.trainable_weights)
    frozen = sum(v.shape.num_elements() or 0 for v in model.non_trainable_weights)
    groups = (model.weights, model.trainable_weights, model.non_trainable_weights)
    sizes = [sum(_bytes(v) for v in group) for group in groups]
    write("=" * total)
    write(f"Total params: {trainable + frozen} ({_size(sizes[0])})")
    write(f"Trainable params: {trainable} ({_size(sizes[1])})")
    write(f"Non-trainable params: {frozen} ({_size(sizes[2])})")
    write("_" * total)


def _layers(model: Any, expand: bool, depth: int = 0) -> Iterator[tuple[Any, int]]:
    for layer in model.layers:
        yield layer, depth
        if expand and hasattr(layer, "_network"):
            yield from _layers(layer, expand, depth + 1)


def _row(cells: list[str], widths: list[int]) -> str:
    return " ".join(cell[: w - 1].ljust(w - 1) for cell, w in zip(cells, widths, strict=True)).rstrip()


def _shape(layer: Configurable) -> str:
    try:
        shape = layer.output_shape
    except (AttributeError, RuntimeError):
        return "multiple" if layer._inbound_nodes else "?"
    if type(layer).__name__ == "InputLayer":
        return f"[{shape}]"
    return str(shape)


def _count(layer: Any) -> int:
    return layer.count_params() if layer.built else 0


def _sources(layer: Configurable) -> list[str]:
    """The layers whose outputs this one takes, as name[node][tensor]."""
    return [
        f"{t._keras_history[0].name}[{t._keras_history[1]}][{t._keras_history[2]}]"
        for node in layer._inbound_nodes
        for t in node.keras_inputs
    ]


def _bytes(variable: Any) -> int:
    return (variable.shape.num_elements() or 0) * variable.dtype.size


def _size(count: float) -> str:
    for unit in ("Byte", "KB", "MB"):
        if count < 1024:
            return f"{count:.2f} {unit}"
        count /= 1024
    return f"{count:.2f} GB"
