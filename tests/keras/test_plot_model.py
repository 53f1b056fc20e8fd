"""plot_model and model_to_dot: pictures without graphviz."""

import struct
import zlib
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

import eager as tf
from eager.keras import utils
from eager.keras.engine import plot_draw
from eager.keras.layers import Add, Dense, Input


def two_inputs() -> Any:
    a, b = Input((4,), name="a"), Input((4,), name="b")
    inner = tf.keras.Sequential([Input((4,), name="in"), Dense(4, activation="relu", name="hidden")], name="inner")
    return tf.keras.Model([a, b], Dense(2, name="top")(Add(name="sum")([inner(a), b])))


def test_dot_text_names_layers_and_arrows() -> None:
    text = utils.model_to_dot(two_inputs(), show_shapes=True, rankdir="LR").to_string()
    assert text.startswith("digraph G {\nrankdir=LR;")
    for arrow in ('"a" -> "inner";', '"inner" -> "sum";', '"b" -> "sum";', '"sum" -> "top";'):
        assert arrow in text
    assert r"{top|Dense}|{input:|(None,\ 4)}|{output:|(None,\ 2)}" in text
    assert "subgraph cluster_model" in utils.model_to_dot(two_inputs(), subgraph=True).to_string()


def test_nested_models_expand_into_frames() -> None:
    dot = utils.model_to_dot(two_inputs(), expand_nested=True, show_layer_activations=True, show_dtype=True)
    assert set(dot.graph.boxes) == {"a", "b", "inner/in", "inner/hidden", "sum", "top"}
    assert {("a", "inner/in"), ("inner/in", "inner/hidden"), ("inner/hidden", "sum")} <= set(dot.graph.arrows)
    assert dot.graph.boxes["inner/hidden"].rows == (("hidden", "Dense"), ("relu",), ("float32",))
    picture = plot_draw.layout(dot.graph)
    (frame,) = picture.frames
    inside = {p.box.key for p in picture.boxes if frame.x <= p.x and p.y + p.height <= frame.y + frame.height}
    assert inside & {"inner/in", "inner/hidden"} == {"inner/in", "inner/hidden"}


@pytest.mark.parametrize("rankdir", ["TB", "LR", "BT", "RL"])
def test_boxes_do_not_overlap_and_arrows_go_one_way(rankdir: str) -> None:
    picture = plot_draw.layout(utils.model_to_dot(two_inputs(), expand_nested=True).graph, rankdir)
    for i, p in enumerate(picture.boxes):
        assert 0 <= p.x <= p.x + p.width <= picture.width and 0 <= p.y <= p.y + p.height <= picture.height
        for q in picture.boxes[i + 1 :]:
            apart = p.x + p.width < q.x or q.x + q.width < p.x or p.y + p.height < q.y or q.y + q.height < p.y
            assert apart, (p.box.key, q.box.key)
    axis, sign = (0 if rankdir in ("LR", "RL") else 1), (1 if rankdir in ("TB", "LR") else -1)
    assert all(sign * (line[-1][axis] - line[0][axis]) > 0 for line in picture.lines)


def test_svg_and_png_files(tmp_path: Path) -> None:
    model = two_inputs()
    shown = utils.plot_model(model, tmp_path / "m.svg", show_shapes=True)
    root = ElementTree.parse(tmp_path / "m.svg").getroot()
    texts = [node.text for node in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"top", "InputLayer", "(None, 2)"} <= set(texts) and shown._repr_svg_().startswith("<svg")
    utils.plot_model(model, tmp_path / "m.png")
    data = (tmp_path / "m.png").read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", data[16:24])
    size = struct.unpack(">I", data[33:37])[0]
    pixels = np.frombuffer(zlib.decompress(data[41 : 41 + size]), np.uint8).reshape(height, width + 1)[:, 1:]
    assert 0.01 < (pixels < 128).mean() < 0.5
    utils.plot_model(model, tmp_path / "m.dot")
    assert (tmp_path / "m.dot").read_text().startswith("digraph")


def test_errors(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not yet been built"):
        utils.plot_model(tf.keras.Sequential([Dense(1)]), tmp_path / "a.png")
    with pytest.raises(NotImplementedError, match="png, svg, dot"):
        utils.plot_model(two_inputs(), tmp_path / "a.tiff")
    with pytest.raises(ValueError, match="rankdir"):
        utils.plot_model(two_inputs(), tmp_path / "a.svg", rankdir="XX")
