"""Models and Keras: files of Keras 3 and of tf.keras give the outputs they gave there, and the other way round.

tests/reference/make_keras3.py and make_keras2.py wrote the files.
"""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

import eager as tf

pytest.importorskip("h5py")
FOLDER = Path(__file__).parents[1] / "reference"
NAMES = ("attention", "cnn", "mlp", "nested", "recurrent", "several")
FILES = [FOLDER / keras / f"{n}.{end}" for n in NAMES for keras, end in
         (("keras3", "keras"), ("keras2", "keras"), ("keras2", "h5"))]  # fmt: skip
IDS = [f"{p.parent.name} {p.name}" for p in FILES]


def arrays(path):
    data = np.load(path.with_suffix(".npz"), allow_pickle=False)
    xs, ys = ([data[k] for k in sorted(data) if k[0] == c] for c in "xy")
    return xs, ys


def outputs(model, xs):
    x = xs[0] if len(xs) == 1 else dict(zip("ab", xs, strict=True))
    return [np.asarray(t) for t in tf.nest.flatten(model(x))]


def load(path):
    warns = path.suffix == ".h5" and path.stem not in ("cnn", "mlp")
    if not warns:
        return tf.keras.models.load_model(path)
    with pytest.warns(UserWarning, match="No training configuration"):
        return tf.keras.models.load_model(path)


def near(got, want):
    for g, w in zip(got, want, strict=True):
        np.testing.assert_allclose(g, w, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_files_of_keras_give_their_outputs(path):
    xs, ys = arrays(path)
    near(outputs(load(path), xs), ys)


@pytest.mark.parametrize("path", FILES, ids=IDS)
@pytest.mark.parametrize("end", [".keras", ".h5"])
def test_files_of_keras_saved_again_are_the_same_model(path, end, tmp_path):
    model = load(path)
    model.save(tmp_path / f"{path.stem}{end}")
    again = load(tmp_path / f"{path.stem}{end}")
    xs, _ = arrays(path)
    for a, b in zip(outputs(model, xs), outputs(again, xs), strict=True):
        np.testing.assert_array_equal(a, b)
    assert [v.shape for v in again.weights] == [v.shape for v in model.weights]


@pytest.mark.parametrize("path", [p for p in FILES if p.stem == "mlp"], ids=str)
def test_optimizers_of_keras_go_on(path):
    model = load(path)
    adam = model.optimizer
    assert type(adam).__name__ == "Adam" and int(adam.iterations) == 2
    assert float(adam.learning_rate) == pytest.approx(0.01)
    slots = [v for v in adam.variables if v.shape.rank == 2]
    assert all(np.abs(v.numpy()).max() > 0 for v in slots) and len(slots) == 4
    model.fit(np.ones((4, 4), "float32"), np.ones((4, 2), "float32"), verbose=0)
    assert int(adam.iterations) == 3


def test_the_file_has_the_layout_of_keras3(tmp_path):
    import h5py

    model = tf.keras.models.load_model(FOLDER / "keras3" / "cnn.keras")
    model.save(tmp_path / "m.keras")
    with zipfile.ZipFile(FOLDER / "keras3" / "cnn.keras") as theirs, zipfile.ZipFile(tmp_path / "m.keras") as ours:
        assert sorted(ours.namelist()) == sorted(theirs.namelist())
        assert all(i.compress_type == zipfile.ZIP_STORED for i in ours.infolist())
        want, got = (json.loads(z.read("config.json")) for z in (theirs, ours))
        names = [sorted(h5py.File(z.open("model.weights.h5"))["layers"]) for z in (theirs, ours)]
    assert names[0] == names[1]
    assert set(want) - set(got) == {"build_config"}  # Keras writes an empty one for functional models
    for theirs_layer, ours_layer in zip(want["config"]["layers"], got["config"]["layers"], strict=True):
        calls = theirs_layer["inbound_nodes"]
        assert calls == _without_mask(ours_layer["inbound_nodes"], calls)
        assert theirs_layer["class_name"] == ours_layer["class_name"] and theirs_layer["name"] == ours_layer["name"]
    assert got["config"]["output_layers"] == ["probs", 0, 0] and got["config"]["input_layers"] == ["img", 0, 0]


def _without_mask(ours, theirs):
    """Keras 3 also notes keyword arguments that were not given."""
    return [o | {"kwargs": t["kwargs"]} for o, t in zip(ours, theirs, strict=True)]


def test_hard_sigmoid_of_keras3_is_not_taken_for_another_function(tmp_path):
    model = tf.keras.Sequential([tf.keras.layers.Dense(2, activation="hard_sigmoid", input_shape=(3,))])
    path = tmp_path / "m.keras"
    model.save(path)
    tf.keras.models.load_model(path)
    with zipfile.ZipFile(path) as file:
        members = {n: file.read(n) for n in file.namelist()}
    members["metadata.json"] = b'{"keras_version": "3.15.1"}'
    with zipfile.ZipFile(path, "w") as file:
        for name, data in members.items():
            file.writestr(name, data)
    with pytest.raises(tf.errors.UnimplementedError, match="hard_sigmoid"):
        tf.keras.models.load_model(path)

    def sixth(x):
        return tf.clip_by_value(x / 6.0 + 0.5, 0.0, 1.0)

    loaded = tf.keras.models.load_model(path, custom_objects={"hard_sigmoid": sixth})
    x = np.ones((1, 3), "float32")
    logits = x @ model.get_weights()[0]
    np.testing.assert_allclose(loaded(x), np.clip(logits / 6 + 0.5, 0, 1), rtol=1e-6)


READ = """
import sys, keras, numpy as np
for path in sys.argv[1:]:
    model = keras.saving.load_model(path)
    data = np.load(path.replace(".keras", ".npz"))
    xs, ys = ([data[k] for k in sorted(data) if k[0] == c] for c in "xy")
    x = xs[0] if len(xs) == 1 else dict(zip("ab", xs))
    for got, want in zip(keras.tree.flatten(model(x)), ys):
        np.testing.assert_allclose(np.asarray(got), want, rtol=1e-4, atol=1e-5)
print("all read")
"""


def test_keras3_reads_our_files(tmp_path):
    """Needs the real package keras with a jax or torch backend; else it is left out."""
    pytest.importorskip("keras", reason="the package keras is not installed")
    paths = []
    for name in NAMES:
        path = FOLDER / "keras3" / f"{name}.keras"
        target = tmp_path / path.name
        tf.keras.models.load_model(path).save(target)
        target.with_suffix(".npz").write_bytes(path.with_suffix(".npz").read_bytes())
        paths.append(str(target))
    environment = {"KERAS_BACKEND": "jax"} | dict(os.environ)
    done = subprocess.run([sys.executable, "-c", READ, *paths], capture_output=True, text=True, env=environment)
    assert "all read" in done.stdout, done.stderr[-2000:]


@pytest.mark.parametrize("keras", ["keras2", "keras3"])
def test_weights_of_loaded_models_have_the_usual_names(keras):
    names = [v.name for v in tf.keras.models.load_model(FOLDER / keras / "recurrent.keras").weights]
    assert names[0] == "bidirectional/forward_lstm/lstm_cell/kernel:0"
    assert names[3] == "bidirectional/backward_lstm/lstm_cell/kernel:0" and names[6] == "gru/gru_cell/kernel:0"
