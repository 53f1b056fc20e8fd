"""tf.keras.utils.plot_model and model_to_dot: pictures of models, drawn without graphviz."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from eager.errors import UnsupportedError
from eager.keras.engine.plot_graph import ModelGraph, PlotOptions, graph_of

_FORMATS = ("png", "svg", "dot")
_RANKDIRS = ("TB", "LR", "BT", "RL")


class Dot:
    """A picture as text in the DOT language, and as a file.

    Attributes:
        graph: the boxes and arrows.
        rankdir: the direction, "TB" or "LR" ("BT", "RL" the other way round).
        dpi: dots per inch of PNG files.
    """

    def __init__(self, graph: ModelGraph, rankdir: str, dpi: int, subgraph: bool = False) -> None:
        """Takes boxes and arrows. Raises ValueError for another direction."""
        if rankdir not in _RANKDIRS:
            raise ValueError(f"rankdir must be one of {_RANKDIRS}, got {rankdir!r}")
        self.graph, self.rankdir, self.dpi, self._subgraph = graph, rankdir, dpi, subgraph

    def to_string(self) -> str:
        """The DOT text."""
        from eager.keras.engine.plot_draw import dot_lines

        return "\n".join(dot_lines(self.graph, self.rankdir, self.dpi, self._subgraph)) + "\n"

    def write(self, path: Any, format: str | None = None) -> None:
        """Writes a file.

        Args:
            path: the file.
            format: "svg", "png" or "dot"; by default the file's ending.

        Raises:
            UnsupportedError: for another format.
        """
        from eager.keras.engine import plot_draw

        kind = (format or Path(path).suffix.lstrip(".") or "png").lower()
        if kind not in _FORMATS:
            raise UnsupportedError(f"plot_model writes {', '.join(_FORMATS)} files, not {kind!r}; SVG scales best")
        if kind == "dot":
            Path(path).write_text(self.to_string(), encoding="utf-8")
            return
        picture = plot_draw.layout(self.graph, self.rankdir)
        if kind == "svg":
            Path(path).write_text(plot_draw.svg(picture), encoding="utf-8")
            return
        from eager.keras.engine.plot_raster import png

        Path(path).write_bytes(png(picture, self.dpi / 96))


class Picture:
    """A drawn model that notebooks show (`_repr_svg_`).

    Attributes:
        path: the file.
    """

    def __init__(self, path: str, svg: str) -> None:
        """Takes the file that was written, and the drawing."""
        self.path, self._svg = path, svg

    def _repr_svg_(self) -> str:
        return self._svg


def model_to_dot(
    model: Any,
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = True,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 96,
    subgraph: bool = False,
    layer_range: Any = None,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
) -> Dot:
    """The graph of a model (tf.keras.utils.model_to_dot).

    Args:
        model: a built model.
        show_shapes: shows the shapes of inputs and outputs.
        show_dtype: shows the dtype.
        show_layer_names: shows names beside classes.
        rankdir: "TB" from top to bottom, "LR" from left to right, "BT" and "RL" the other way round.
        expand_nested: draws models inside as frames with their layers.
        dpi: dots per inch of PNG files.
        subgraph: makes a cluster for use in another graph.
        layer_range: names, or patterns of names, of the first and the last layer that are drawn.
        show_layer_activations: shows activations.
        show_trainable: shows T or NT.

    Raises:
        ValueError: before the model is built, or for an unknown direction.
    """
    if not model.built:
        raise ValueError(
            "This model has not yet been built. Build the model first by calling `build()` or by calling the model on "
            "a batch of data."
        )
    options = PlotOptions(
        show_shapes, show_dtype, show_layer_names, expand_nested, show_layer_activations, show_trainable
    )
    return Dot(graph_of(model, options, layer_range), rankdir, dpi, subgraph)


def plot_model(
    model: Any,
    to_file: Any = "model.png",
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = True,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 96,
    layer_range: Any = None,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
) -> Picture:
    """Draws a model into a file, SVG, PNG or DOT by its ending (tf.keras.utils.plot_model).

    Args:
        model: a built model.
        to_file: the file.
        show_shapes, show_dtype, show_layer_names, rankdir, expand_nested, dpi, layer_range, show_layer_activations,
            show_trainable: as for `model_to_dot`.

    Returns:
        An object that notebooks show as a picture.

    Raises:
        ValueError: before the model is built, or for an unknown direction.
        UnsupportedError: for another kind of file.
    """
    from eager.keras.engine import plot_draw

    dot = model_to_dot(
        model, show_shapes, show_dtype, show_layer_names, rankdir, expand_nested, dpi, False, layer_range,
        show_layer_activations, show_trainable,
    )  # fmt: skip
    dot.write(to_file)
    return Picture(os.fspath(to_file), plot_draw.svg(plot_draw.layout(dot.graph, rankdir)))


__all__ = ["Dot", "Picture", "model_to_dot", "plot_model"]
