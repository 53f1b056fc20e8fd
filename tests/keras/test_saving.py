"""Saving and loading models and weights: what comes back, in every format."""

import json
import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

import eager as tf

pytest.importorskip("h5py")
layers = tf.keras.layers
RNG = np.random.default_rng(11)
X, Y = RNG.normal(size=(16, 4)).astype("float32"), RNG.normal(size=(16, 2)).astype("float32")
WHOLE = [".keras", ".h5"]
WEIGHTS = [".weights.h5", ".h5", ".npz", ".safetensors"]


def stack(**options):
    return tf.keras.Sequential(
        [layers.Dense(5, activation="tanh", input_shape=(4,)), layers.BatchNormalization(), layers.Dense(2)], **options
    )


def equal(a, b):
    for x, y in zip(a.get_weights(), b.get_weights(), strict=True):
        np.testing.assert_array_equal(x, y)


def fit(model, epochs=2):
    model.fit(X, Y, batch_size=4, epochs=epochs, shuffle=False, verbose=0)


OPTIMIZERS = {
    "adam": lambda: tf.keras.optimizers.Adam(0.02, clipnorm=1.0),
    "momentum": lambda: tf.keras.optimizers.SGD(0.05, momentum=0.9),
    "schedule": lambda: tf.keras.optimizers.RMSprop(tf.keras.optimizers.schedules.ExponentialDecay(0.1, 3, 0.5)),
}


@pytest.mark.parametrize("end", WHOLE)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_training_goes_on_bit_for_bit(tmp_path, end, name):
    model = stack()
    model.compile(OPTIMIZERS[name](), "mse", metrics=["mae"])
    fit(model)
    model.save(tmp_path / f"m{end}")
    other = tf.keras.models.load_model(tmp_path / f"m{end}")
    assert other.optimizer.get_config() == model.optimizer.get_config()
    equal(model, other)
    fit(model)
    fit(other)
    equal(model, other)
    assert other.evaluate(X, Y, verbose=0) == model.evaluate(X, Y, verbose=0)


@pytest.mark.parametrize("end", WHOLE)
def test_without_compiling(tmp_path, end):
    model = stack()
    model.compile("adam", "mse")
    fit(model, 1)
    model.save(tmp_path / f"m{end}")
    other = tf.keras.models.load_model(tmp_path / f"m{end}", compile=False)
    equal(model, other)
    with pytest.raises(RuntimeError, match="compile"):
        fit(other)
    model.save(tmp_path / "n.h5", include_optimizer=False)
    with pytest.warns(UserWarning, match="No training configuration"):
        tf.keras.models.load_model(tmp_path / "n.h5")


@tf.keras.utils.register_keras_serializable("saving_tests")
class Twice(layers.Layer):
    """A layer whose own state goes through every hook."""

    def __init__(self, factor=2.0, **kwargs):
        super().__init__(**kwargs)
        self.factor, self.words = factor, []

    def build(self, input_shape):
        self.scale = self.add_weight("scale", (input_shape[-1],), initializer="ones")
        self.steps = tf.Variable(0, trainable=False)

    def call(self, x):
        return x * self.scale * self.factor

    def get_config(self):
        return super().get_config() | {"factor": self.factor}

    def save_own_variables(self, store):
        super().save_own_variables(store)
        store["extra"] = np.arange(3)

    def load_own_variables(self, store):
        assert store["extra"].tolist() == [0, 1, 2]
        super().load_own_variables({k: store[k] for k in store.keys() if k != "extra"})  # noqa: SIM118

    def save_assets(self, dir_path):
        Path(dir_path, "words.txt").write_text("\n".join(self.words))

    def load_assets(self, dir_path):
        self.words = Path(dir_path, "words.txt").read_text().split("\n")


class Net(tf.keras.Model):
    """A subclassed model with layers in attributes, a list, a dict, and one shared."""

    def __init__(self, units=3, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.first = layers.Dense(units)
        self.rest = [layers.Dense(units), {"twice": Twice()}]
        self.again = self.first
        self.gain = tf.Variable(1.5)

    def call(self, x):
        for layer in (self.first, self.rest[0], self.rest[1]["twice"]):
            x = layer(x)
        return x * self.gain

    def get_config(self):
        return {"units": self.units}


def test_subclassed_models_with_hooks_files_and_containers(tmp_path):
    model = Net()
    model(X)
    model.rest[1]["twice"].words = ["some", "words"]
    model.gain.assign(0.5)
    model.rest[1]["twice"].steps.assign(9)
    model.save(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras") as file:
        assert "assets/rest/container/twice/words.txt" in file.namelist()
    other = tf.keras.models.load_model(tmp_path / "m.keras", custom_objects={"Net": Net})
    equal(model, other)
    assert other.rest[1]["twice"].words == ["some", "words"] and int(other.rest[1]["twice"].steps) == 9
    np.testing.assert_array_equal(model(X), other(X))
    with pytest.raises(TypeError, match="Could not locate class 'Net'"):
        tf.keras.models.load_model(tmp_path / "m.keras")
    with pytest.raises(NotImplementedError, match="subclassed"):
        model.save(tmp_path / "m.h5")


def functional():
    a, b = tf.keras.Input((4,), name="a"), tf.keras.Input((4,), name="b")
    inner = stack(name="inner")
    x = tf.concat([inner(a), inner(b)], axis=-1)
    x = (x * 2.0 - 1.0)[:, 1:] + tf.reduce_mean(x, axis=-1, keepdims=True)
    y = layers.Dense(2, name="out")(tf.nn.relu(1.0 - x))
    return tf.keras.Model({"a": a, "b": b}, {"y": y, "x": x})


@pytest.mark.parametrize("end", WHOLE)
def test_functional_models_with_operators_nesting_and_dicts(tmp_path, end):
    model = functional()
    model.compile("sgd", {"y": "mse"})
    model.save(tmp_path / f"m{end}")
    other = tf.keras.models.load_model(tmp_path / f"m{end}")
    want, got = model({"a": X, "b": X + 1}), other({"a": X, "b": X + 1})
    assert list(got) == list(want)
    for key in want:
        np.testing.assert_array_equal(want[key], got[key])


def test_a_loss_on_the_graph_is_saved(tmp_path):
    x = tf.keras.Input((4,))
    hidden = layers.Dense(3)(x)
    model = tf.keras.Model(x, layers.Dense(1)(hidden))
    model.add_loss(tf.reduce_mean(hidden**2))
    model.save(tmp_path / "m.keras")
    other = tf.keras.models.load_model(tmp_path / "m.keras")
    for m in (model, other):
        m(X)
    assert float(other.losses[0]) == float(model.losses[0])


@pytest.mark.parametrize("end", WEIGHTS)
def test_weights_alone(tmp_path, end):
    model, other = stack(), stack()
    path = tmp_path / f"w{end}"
    model.save_weights(path)
    other.load_weights(path)
    equal(model, other)
    small = tf.keras.Sequential([layers.Dense(5, input_shape=(4,)), layers.BatchNormalization(), layers.Dense(7)])
    before = small.get_weights()
    with pytest.raises(ValueError, match=r"\(5, 7\)|\(7,\)"):
        small.load_weights(path)
    for x, y in zip(before, small.get_weights(), strict=True):
        np.testing.assert_array_equal(x, y)
    with pytest.warns(UserWarning, match=r"dense|could not be loaded"):
        small.load_weights(path, skip_mismatch=True)
    np.testing.assert_array_equal(small.get_weights()[0], model.get_weights()[0])
    np.testing.assert_array_equal(small.get_weights()[-2], before[-2])


def test_weights_by_name_and_from_whole_models(tmp_path):
    one = tf.keras.Sequential([layers.Dense(3, name="a", input_shape=(4,)), layers.Dense(2, name="b")])
    two = tf.keras.Sequential([layers.Dense(2, name="b", input_shape=(3,)), layers.Dense(3, name="c")])
    one.save_weights(tmp_path / "w.h5")
    two.load_weights(tmp_path / "w.h5", by_name=True)
    np.testing.assert_array_equal(two.get_layer("b").kernel, one.get_layer("b").kernel)
    one.save_weights(tmp_path / "w.weights.h5")
    with pytest.raises(ValueError, match="by_name"):
        two.load_weights(tmp_path / "w.weights.h5", by_name=True)
    for end in WHOLE:
        one.save(tmp_path / f"m{end}")
        fresh = tf.keras.models.clone_model(one)
        fresh.load_weights(tmp_path / f"m{end}")
        equal(one, fresh)


def test_half_precision_weights(tmp_path):
    def make():
        return tf.keras.Sequential(
            [layers.Dense(3, dtype="bfloat16", input_shape=(4,)), layers.Dense(2, dtype="float16")]
        )

    model = make()
    for end in (*WEIGHTS, ".keras"):
        (model.save if end == ".keras" else model.save_weights)(tmp_path / f"w{end}")
        other = make()
        other.load_weights(tmp_path / f"w{end}")
        equal(model, other)


def test_safetensors_files_are_what_the_format_says(tmp_path):
    model = stack()
    model.save_weights(tmp_path / "w.safetensors")
    data = (tmp_path / "w.safetensors").read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    entry = header["layers/dense/vars/0"]
    assert entry["dtype"] == "F32" and entry["shape"] == [4, 5] and (8 + length) % 8 == 0
    first, last = entry["data_offsets"]
    body = data[8 + length :]
    np.testing.assert_array_equal(np.frombuffer(body[first:last], "<f4").reshape(4, 5), model.get_weights()[0])
    assert max(e["data_offsets"][1] for e in header.values()) == len(body)


def test_names_of_files_choose_formats(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = stack()
    saved_models = (
        lambda: model.save("folder"), lambda: model.save("m.keras", save_format="tf"), lambda: model.export("e"),
    )  # fmt: skip
    for call in saved_models:
        with pytest.raises(tf.errors.UnimplementedError, match=r"\.keras"):
            call()
    with pytest.raises(ValueError, match=r"\.keras"):
        model.save("m.h5", save_format="keras")
    with pytest.raises(ValueError, match="save_format"):
        model.save("m.h5", save_format="onnx")
    with pytest.raises(TypeError, match="signatures"):
        model.save("m.keras", signatures=None)
    model.save("plain", save_format="h5")
    model.save("m.keras")
    with pytest.raises(FileExistsError, match="overwrite"):
        model.save("m.keras", overwrite=False)
    tf.keras.models.save_model(model, "m.keras")
    equal(tf.keras.models.load_model("m.keras", safe_mode=False), model)
    with pytest.raises(FileNotFoundError, match="absent"):
        tf.keras.models.load_model("absent.keras")
    (tmp_path / "saved_model").mkdir()
    with pytest.raises(tf.errors.UnimplementedError, match="SavedModel"):
        tf.keras.models.load_model("saved_model")
    with pytest.raises(ValueError, match="not yet been created"):
        tf.keras.Sequential([layers.Dense(2)]).save_weights("w.h5")
    with pytest.raises(ValueError, match="has not created its variables"):
        tf.keras.Sequential([layers.Dense(2)]).load_weights("m.keras")


def test_models_as_json_and_clones():
    model = functional()
    again = tf.keras.models.model_from_json(model.to_json(indent=1))
    assert again.to_json() == model.to_json() and json.loads(model.to_json())["class_name"] == "Functional"
    for copy in (again, tf.keras.models.clone_model(model), type(model).from_config(model.get_config())):
        copy.set_weights(model.get_weights())
        got, want = copy({"a": X, "b": X}), model({"a": X, "b": X})
        np.testing.assert_array_equal(got["y"], want["y"])
        assert not {id(v) for v in copy.weights} & {id(v) for v in model.weights}
    with pytest.raises(RuntimeError, match="to_yaml"):
        model.to_yaml()


def test_clone_function_and_input_tensors():
    model = stack()
    seen = []

    def wider(layer):
        seen.append(layer.name)
        config = layer.get_config()
        return type(layer).from_config(config | ({"units": 7} if config.get("units") == 5 else {}))

    clone = tf.keras.models.clone_model(model, clone_function=wider)
    assert seen == [layer.name for layer in model.layers] and clone.layers[0].units == 7
    entry = tf.keras.Input((4,), name="mine")
    net = tf.keras.Model(model.inputs, model.outputs)
    assert tf.keras.models.clone_model(net, input_tensors=entry).input_names == ["mine"]
    with pytest.raises(ValueError, match="must return a layer"):
        tf.keras.models.clone_model(model, clone_function=lambda layer: 3)
    with pytest.raises(ValueError, match="subclassed"):
        tf.keras.models.clone_model(Net(), clone_function=wider)


def test_lambda_code_is_neither_written_nor_read(tmp_path):
    model = tf.keras.Sequential([layers.Lambda(lambda x: x, input_shape=(4,))])
    for end in WHOLE:
        with pytest.raises(ValueError, match="named function"):
            model.save(tmp_path / f"m{end}")
    assert list(tmp_path.iterdir()) == []
    code = {"class_name": "__lambda__", "config": {"value": ["4wEAAA==", None, None]}}
    config = {"class_name": "Lambda", "config": {"function": code}}
    for data in (code, config, {"class_name": "Sequential", "config": {"layers": [config]}}):
        with pytest.raises((ValueError, TypeError), match="lambda"):
            tf.keras.utils.deserialize_keras_object(data)


KILLED = """
import os, signal, sys
import eager as tf
from eager.keras.saving import {module} as module
model = tf.keras.Sequential([tf.keras.layers.Dense(2, input_shape=(4,))])
real = module.{function}
def half(*args):
    real(*args)
    os.kill(os.getpid(), signal.SIGKILL)
module.{function} = half
model.{call}
"""


@pytest.mark.parametrize(
    ("module", "function", "call", "name"),
    [
        ("keras_file", "write_archive", "save('m.keras')", "m.keras"),
        ("atomic", "_flush", "save('m.keras')", "m.keras"),
        ("legacy_h5", "save_weights", "save('m.h5')", "m.h5"),
        ("weight_files", "npz_bytes", "save_weights('w.npz')", "w.npz"),
    ],
)
def test_a_killed_save_leaves_the_old_file_whole(tmp_path, module, function, call, name):
    if function == "npz_bytes":
        module, function = "weight_files", "write_archive"
    model = stack()
    target = tmp_path / name
    (model.save if name.startswith("m") else model.save_weights)(target)
    before = target.read_bytes()
    code = KILLED.format(module=module, function=function, call=call)
    environment = dict(os.environ) | {"PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()[-2000:]
    assert target.read_bytes() == before


def test_a_failing_save_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    from eager.keras.saving import archive

    model = stack()
    model.save(tmp_path / "m.keras")
    before = (tmp_path / "m.keras").read_bytes()

    def fail(*args):
        raise OSError("disk full")

    monkeypatch.setattr(archive.zipfile.ZipFile, "writestr", fail)
    with pytest.raises(OSError, match="disk full"):
        model.save(tmp_path / "m.keras")
    assert [p.name for p in tmp_path.iterdir()] == ["m.keras"] and (tmp_path / "m.keras").read_bytes() == before


def test_a_save_follows_links_and_keeps_permissions(tmp_path):
    model = stack()
    (tmp_path / "real").mkdir()
    real = tmp_path / "real" / "m.keras"
    real.write_bytes(b"old")
    real.chmod(0o640)
    (tmp_path / "m.keras").symlink_to(real)
    model.save(tmp_path / "m.keras")
    assert (tmp_path / "m.keras").is_symlink() and real.stat().st_mode & 0o777 == 0o640
    equal(tf.keras.models.load_model(real), model)


def test_without_h5py_the_error_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(ImportError, match=r"layerjit\[h5\]"):
        stack().save(tmp_path / "m.keras")
    stack().save_weights(tmp_path / "w.npz")
