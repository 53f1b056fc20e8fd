"""Calls of tf.keras.utils, tf.keras.preprocessing and tf.keras.applications."""

from __future__ import annotations

import contextlib
import io
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
from public_calls_table import equal, near, row, rows, shows, sized

import eager as tf
from tests.keras.test_applications import PUBLISHED

K = tf.keras
U, P = K.utils, K.preprocessing
UTILS = "tf.keras.utils"
IMAGE = np.arange(48, dtype="uint8").reshape(4, 4, 3)
SERIES = np.arange(10.0)


class Pairs(U.Sequence):
    """Two batches of numbers and their doubles."""

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> Any:
        x = np.full((3, 1), index + 1.0, "float32")
        return x, 2 * x


def linear() -> Any:
    m = K.Sequential([K.Input((1,), name="x"), K.layers.Dense(1, kernel_initializer="ones", name="dense")])
    m.compile("sgd", "mae")
    return m


def bar() -> bool:
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown):
        progress = U.Progbar(2, verbose=2)
        progress.update(1, [("loss", 1.0)])
        progress.update(2, [("loss", 3.0)])
    return "2/2" in shown.getvalue() and "loss: 2.0" in shown.getvalue()


def seeded() -> bool:
    draws = []
    for _ in range(2):
        U.set_random_seed(7)
        draws.append((float(tf.random.normal(())), float(np.random.rand())))  # noqa: NPY002 (it is seeded too)
    return draws[0] == draws[1] and draws[0] != (float(tf.random.normal(())), 0.0)


def split() -> bool:
    left, right = U.split_dataset(SERIES, left_size=0.7)
    return equal(list(left.as_numpy_iterator()), SERIES[:7]) and len(list(right)) == 3


def windows(function: Any) -> bool:
    (x, y), *rest = function(SERIES, SERIES[4:], sequence_length=4, batch_size=3).as_numpy_iterator()
    return equal(x, [[0, 1, 2, 3], [1, 2, 3, 4], [2, 3, 4, 5]]) and equal(y, [4, 5, 6]) and len(rest) == 1


def texts(function: Any) -> bool:
    for name in ("good", "bad"):
        Path("texts", name).mkdir(parents=True, exist_ok=True)
        Path("texts", name, "a.txt").write_text(name)
    x, y = next(function("texts", batch_size=2, shuffle=False).as_numpy_iterator())
    return list(x) == [b"bad", b"good"] and equal(y, [0, 1])


def images(function: Any) -> bool:
    for name, value in (("dark", 10), ("light", 200)):
        Path("images", name).mkdir(parents=True, exist_ok=True)
        U.save_img(Path("images", name, "a.png"), np.full((4, 4, 3), value), scale=False)
    data = function("images", batch_size=2, image_size=(2, 2), shuffle=False)
    x, y = next(data.as_numpy_iterator())
    return data.class_names == ["dark", "light"] and equal(x[:, 0, 0, 0], [10, 200]) and equal(y, [0, 1])


def image_files(module: Any) -> bool:
    """Through a file and back, at another size too."""
    module.save_img("a.png", IMAGE, scale=False)
    loaded = module.load_img("a.png")
    picture = module.array_to_img(IMAGE, scale=False)
    return (
        equal(module.img_to_array(loaded), IMAGE)
        and equal(module.img_to_array(picture), IMAGE)
        and module.load_img("a.png", target_size=(2, 3)).size == (3, 2)
    )


def padded(function: Any) -> bool:
    return equal(function([[1], [2, 3, 4]], maxlen=2), [[0, 1], [3, 4]]) and equal(
        function([[1], [2, 3]], padding="post", value=9), [[1, 9], [2, 3]]
    )


def drawn() -> bool:
    U.plot_model(linear(), "m.png", show_shapes=True)
    head = Path("m.png").read_bytes()[:24]
    return head[:8] == b"\x89PNG\r\n\x1a\n" and min(struct.unpack(">II", head[16:])) > 20


@shows(UTILS, "disable_interactive_logging enable_interactive_logging is_interactive_logging_enabled")
def _logging() -> None:
    assert U.is_interactive_logging_enabled()
    U.disable_interactive_logging()
    assert not U.is_interactive_logging_enabled()
    U.enable_interactive_logging()
    assert U.is_interactive_logging_enabled()


def warm() -> bool:
    made = U.warmstart_embedding_matrix(["a", "b"], ["b", "c", "a"], np.array([[1.0, 1], [2, 2], [3, 3]]), "zeros")
    rows_of = [r.tolist() for r in np.asarray(made)]
    return [2.0, 2.0] in rows_of and rows_of.count([0.0, 0.0]) == 1


rows(UTILS, {
    "Sequence": lambda: near(linear().evaluate(Pairs(), verbose=0), 1.5) and len(Pairs()) == 2,
    "Progbar": bar, "set_random_seed": seeded, "split_dataset": split, "plot_model": drawn,
    "array_to_img img_to_array load_img save_img": lambda: image_files(U),
    "get_source_inputs": lambda: [t.name for t in U.get_source_inputs(linear().output)] == ["x"],
    "image_dataset_from_directory": lambda: images(U.image_dataset_from_directory),
    "text_dataset_from_directory": lambda: texts(U.text_dataset_from_directory),
    "timeseries_dataset_from_array": lambda: windows(U.timeseries_dataset_from_array),
    "model_to_dot": lambda: "dense" in U.model_to_dot(linear()).to_string(),
    "normalize": lambda: near(U.normalize(np.array([[3.0, 4.0]])), [[0.6, 0.8]]),
    "pack_x_y_sample_weight": lambda: U.pack_x_y_sample_weight(1, 2) == (1, 2) and U.pack_x_y_sample_weight(1) == 1,
    "unpack_x_y_sample_weight": lambda: U.unpack_x_y_sample_weight((1, 2)) == (1, 2, None),
    "pad_sequences": lambda: padded(U.pad_sequences),
    "to_categorical": lambda: equal(U.to_categorical([2, 0], 3), np.eye(3)[[2, 0]]),
    "to_ordinal": lambda: equal(U.to_ordinal([0, 2, 1]), [[0, 0], [1, 1], [1, 0]]),
    "warmstart_embedding_matrix": warm,
})  # fmt: skip
rows("tf.keras.preprocessing", {
    "image_dataset_from_directory": lambda: images(P.image_dataset_from_directory),
    "text_dataset_from_directory": lambda: texts(P.text_dataset_from_directory),
    "timeseries_dataset_from_array": lambda: windows(P.timeseries_dataset_from_array),
})  # fmt: skip
row("tf.keras.preprocessing.image", "array_to_img img_to_array load_img save_img", lambda: image_files(P.image))
row("tf.keras.preprocessing.image", "smart_resize",
    lambda: sized(P.image.smart_resize(np.ones((4, 8, 3), "float32"), (2, 2)), 2, 2, 3)
    and near(P.image.smart_resize(np.repeat(SERIES[None, :8, None], 4, 0), (1, 1))[0, 0], [3.5], 1.0))  # fmt: skip


# Sequences and texts ------------------------------------------------------------------------------------------------


def near_words() -> bool:
    pairs, labels = P.sequence.skipgrams([1, 2, 3], 4, window_size=1, negative_samples=0.0, shuffle=False)
    return sorted(map(tuple, pairs)) == [(1, 2), (2, 1), (2, 3), (3, 2)] and set(labels) == {1}


def generated() -> bool:
    x, y = P.sequence.TimeseriesGenerator(SERIES, 10 * SERIES, length=3, batch_size=2)[0]
    return equal(x, [[0, 1, 2], [1, 2, 3]]) and equal(y, [30, 40])


def tokenized(made: Any) -> bool:
    return made.word_index == {"a": 1, "b": 2, "c": 3} and made.texts_to_sequences(["c a d"]) == [[3, 1]]


def tokenizer() -> Any:
    made = P.text.Tokenizer()
    made.fit_on_texts(["a b a", "b a c"])
    return made


rows("tf.keras.preprocessing.sequence", {
    "TimeseriesGenerator": generated, "skipgrams": near_words,
    "pad_sequences": lambda: padded(P.sequence.pad_sequences),
    "make_sampling_table": lambda: sized(P.sequence.make_sampling_table(50), 50)
    and bool((np.diff(P.sequence.make_sampling_table(50, 1e-3)[1:]) > 0).all()),
})  # fmt: skip
rows("tf.keras.preprocessing.text", {
    "Tokenizer": lambda: tokenized(tokenizer()),
    "tokenizer_from_json": lambda: tokenized(P.text.tokenizer_from_json(tokenizer().to_json())),
    "text_to_word_sequence": lambda: P.text.text_to_word_sequence("A bad, b!") == ["a", "bad", "b"],
    "hashing_trick": lambda: P.text.hashing_trick("a b a", 9, "md5")[::2] == 2 * P.text.hashing_trick("a", 9, "md5"),
    "one_hot": lambda: set(P.text.one_hot("a b c", 5)) <= {1, 2, 3, 4} and len(P.text.one_hot("a b c", 5)) == 3,
})  # fmt: skip

# Applications: the networks that are costly to make are made in tests/keras/test_applications.py --------------------

APPLICATIONS = K.applications
MODES = {"mobilenet_v2": [-1, 1], "resnet50": [-103.939, 255 - 103.939], "efficientnet": [0, 255]}
CLASSES = {str(i): [f"n{i}", f"animal_{i}"] for i in range(2)}


def network(name: str) -> bool:
    """Images of 32 pixels give maps of one."""
    with_zeros = {"weights": None, "include_top": False, "input_shape": (32, 32, 3), "pooling": "avg"}
    made = getattr(APPLICATIONS, name)(**with_zeros)
    return made.output_shape == (None, 2048 if name == "ResNet50" else 1280)


def published(name: str) -> bool:
    """Whether the table of published sizes, which tests/keras/test_applications.py checks, has a network."""
    return name in PUBLISHED and getattr(APPLICATIONS.efficientnet, name) is getattr(APPLICATIONS, name)


def preprocessed(module: Any, want: Any) -> bool:
    x = np.zeros((1, 1, 2, 3), "float32")
    x[:, :, 1] = 255
    return near(np.asarray(module.preprocess_input(x))[0, 0, :, 0], want, 1e-4)


def decoded(module: Any) -> bool:
    Path("index.json").write_text(json.dumps(CLASSES))
    made = module.decode_predictions(np.array([[0.25, 0.75]]), top=1, class_index="index.json")
    return made == [[("n1", "animal_1", 0.75)]]


for _name, _want in MODES.items():
    _module = getattr(APPLICATIONS, _name)
    row(f"tf.keras.applications.{_name}", "preprocess_input", lambda m=_module, w=_want: preprocessed(m, w))
    row(f"tf.keras.applications.{_name}", "decode_predictions", lambda m=_module: decoded(m))
rows("tf.keras.applications.mobilenet_v2", {"MobileNetV2": lambda: network("MobileNetV2")})
rows("tf.keras.applications.resnet50", {"ResNet50": lambda: network("ResNet50")})
rows("tf.keras.applications.efficientnet", {
    f"EfficientNetB{i}": lambda n=f"EfficientNetB{i}": published(n) for i in range(8)
})  # fmt: skip
