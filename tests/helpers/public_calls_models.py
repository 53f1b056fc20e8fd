"""Calls of the methods of Model and Sequential, of tf.keras.models, tf.keras.saving and the parts of tf.keras."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from public_calls_table import equal, near, raises, row, rows, shows

import eager as tf

K, L = tf.keras, tf.keras.layers
MODEL = "tf.keras.Model"
X = np.array([[1.0, -2.0], [3.0, 4.0], [0.5, 0.0], [2.0, 1.0]], "float32")
Y = X.sum(1, keepdims=True)


def model(**options: Any) -> Any:
    """A linear model, compiled."""
    x = K.Input((2,), name="x")
    made = K.Model(x, L.Dense(1, name="dense", kernel_initializer="ones")(x), name="linear")
    made.compile(K.optimizers.SGD(0.0), "mae", metrics=["mse"], **options)
    return made


@shows(MODEL, "compile fit evaluate predict train_on_batch test_on_batch predict_on_batch metrics_names "
       "reset_metrics")  # fmt: skip
def _training() -> None:
    m = model()
    history = m.fit(X, Y + 2, epochs=2, batch_size=2, verbose=0).history
    assert near(history["loss"], [2, 2]) and near(history["mse"], [4, 4]) and m.metrics_names == ["loss", "mse"]
    assert near(m.evaluate(X, Y + 1, verbose=0), [1, 1]) and near(m.predict(X, verbose=0), Y)
    assert near(m.train_on_batch(X, Y - 3), [3, 9]) and near(m.test_on_batch(X, Y - 1), [1, 1])
    assert near(m.predict_on_batch(X[:1]), Y[:1])
    assert near(m.test_on_batch(X, Y - 3, reset_metrics=False), [2, 5])
    m.reset_metrics()
    assert [float(x.result()) for x in m.metrics] == [0, 0]


@shows(MODEL, "make_train_function make_test_function make_predict_function train_step test_step predict_step "
       "compute_loss compute_metrics get_metrics_result")  # fmt: skip
def _steps() -> None:
    class Counted(K.Model):
        def train_step(self, data: Any) -> Any:
            x, y = data
            loss = self.compute_loss(x, y, self(x, training=True))
            return {"mine": loss, **self.compute_metrics(x, y, self(x), None)}

        def test_step(self, data: Any) -> Any:
            return {**super().test_step(data), "tested": tf.constant(1.0)}

        def predict_step(self, data: Any) -> Any:
            return 10.0 * super().predict_step(data)

    x = K.Input((2,))
    m = Counted(x, L.Dense(1, kernel_initializer="ones")(x))
    m.compile("sgd", "mae", metrics=["mse"])
    trained = m.fit(X, Y + 3, verbose=0).history
    assert near(trained["mine"], [3]) and near(trained["mse"], [9])
    assert near(m.evaluate(X, Y, return_dict=True, verbose=0)["tested"], 1) and near(m.predict(X, verbose=0), 10 * Y)
    data = iter(tf.data.Dataset.from_tensors((X, Y)).repeat(2))
    assert set(m.make_train_function()(data)) >= {"mine"} and set(m.make_test_function()(data)) >= {"tested"}
    assert near(m.make_predict_function()(iter(tf.data.Dataset.from_tensors((X,)))), 10 * Y)
    assert near(m.get_metrics_result()["loss"], 0) and near(m.compute_loss(y=Y + 5, y_pred=tf.constant(Y)), 5)


@shows(MODEL, "fit_generator evaluate_generator predict_generator")
def _generators() -> None:
    def batches(y: bool = True) -> Any:
        while True:
            yield (X, Y + 2) if y else X

    m = model()
    assert near(m.fit_generator(batches(), steps_per_epoch=2, verbose=0).history["loss"], [2])
    assert near(m.evaluate_generator(batches(), steps=1), [2, 4])
    assert near(m.predict_generator(batches(False), steps=2), np.concatenate([Y, Y]))


@shows(MODEL, "get_compile_config compile_from_config run_eagerly jit_compile steps_per_execution "
       "autotune_steps_per_execution distribute_reduction_method distribute_strategy state_updates")  # fmt: skip
def _options() -> None:
    m, other = model(run_eagerly=True, steps_per_execution=3), model()
    other.compile_from_config(json.loads(json.dumps(m.get_compile_config())))
    assert near(other.evaluate(X, Y + 2, verbose=0), [2, 4]) and m.run_eagerly and not model().run_eagerly
    assert m.steps_per_execution == 3 and not m.autotune_steps_per_execution and m.jit_compile in (None, False, True)
    assert m.distribute_reduction_method == "auto" and m.state_updates == []
    with m.distribute_strategy.scope():
        assert K.layers.Dense(1) is not None and m.distribute_strategy.num_replicas_in_sync == 1


@shows(MODEL, "layers get_layer get_weight_paths save_spec summary reset_states")
def _structure() -> None:
    m = model()
    assert [x.name for x in m.layers] == ["x", "dense"] and m.get_layer("dense") is m.get_layer(index=1)
    assert m.get_weight_paths()["dense.kernel"] is m.get_layer("dense").kernel
    (spec,), _ = m.save_spec()
    assert tuple(spec.shape) == (None, 2) and spec.dtype == tf.float32
    lines: list[str] = []
    m.summary(print_fn=lambda line, **_: lines.append(line))
    assert any("Total params: 3" in line for line in lines) and any("dense (Dense)" in line for line in lines)
    stateful = K.Sequential([L.SimpleRNN(2, stateful=True, batch_input_shape=(1, 3, 2))])
    first = stateful(X[None, :3]).numpy()
    assert not equal(stateful(X[None, :3]), first)
    stateful.reset_states()
    assert equal(stateful(X[None, :3]), first)


@shows(MODEL, "to_json to_yaml save save_weights load_weights")
def _files() -> None:
    m = model()
    assert K.models.model_from_json(m.to_json()).get_config() == m.get_config()
    assert raises(RuntimeError, m.to_yaml)
    m.set_weights([np.array([[5.0], [6.0]]), np.array([7.0])])
    for name in ("w.weights.h5", "w.h5", "checkpoint"):
        m.save_weights(name)
        other = model()
        other.load_weights(name)
        assert equal(other.get_weights()[0], [[5], [6]])
    for name in ("m.keras", "m.h5"):
        m.save(name)
        loaded = K.models.load_model(name)
        assert equal(loaded.predict(X, verbose=0), m.predict(X, verbose=0)) and loaded.evaluate(X, Y, verbose=0)


@shows("tf.keras.Sequential", "add pop")
def _sequential() -> None:
    m = K.Sequential([K.Input((2,))])
    m.add(L.Dense(3))
    m.add(L.Dense(1))
    assert m.output_shape == (None, 1)
    m.pop()
    assert m.output_shape == (None, 3) and len(m.layers) == 1


# tf.keras.models, tf.keras.saving -----------------------------------------------------------------------------------


def stored(save: Any, load: Any) -> bool:
    m = model()
    m.set_weights([np.array([[5.0], [6.0]]), np.array([7.0])])
    save(m, "m.keras")
    return Path("m.keras").exists() and equal(load("m.keras")(X), m(X))


def cloned() -> bool:
    m = model()
    copy = K.models.clone_model(m)
    m.set_weights([2 * w for w in m.get_weights()])
    return copy.get_config() == m.get_config() and equal(copy(X), Y) and equal(m(X), 2 * Y)


def from_yaml() -> bool:
    return raises(RuntimeError, lambda: K.models.model_from_yaml("a: 1"))


rows("tf.keras.models", {
    "Model": lambda: K.models.Model is K.Model, "Sequential": lambda: K.models.Sequential is K.Sequential,
    "clone_model": cloned, "model_from_yaml": from_yaml,
    "model_from_config": lambda: K.models.model_from_config(
        {"class_name": "Functional", "config": model().get_config()}
    ).get_config() == model().get_config(),
    "model_from_json": lambda: equal(K.models.model_from_json(model().to_json()).output_shape, [None, 1]),
    "load_model": lambda: stored(K.models.save_model, K.models.load_model),
    "save_model": lambda: stored(K.models.save_model, K.models.load_model),
})  # fmt: skip
rows("tf.keras.saving", {
    "load_model": lambda: stored(K.saving.save_model, K.saving.load_model),
    "save_model": lambda: stored(K.saving.save_model, K.saving.load_model),
})  # fmt: skip


class Tripled(L.Layer):
    """Three times the inputs."""

    def call(self, inputs: Any) -> Any:
        return 3.0 * inputs


def registered(module: Any) -> bool:
    made = module.register_keras_serializable("mine", "Other")(type("Tripled", (Tripled,), {}))
    assert module.get_registered_name(made) == "mine>Other" and module.get_registered_name(Tripled) == "Tripled"
    assert module.get_registered_object("mine>Other") is made and module.get_registered_object("Other") is None
    return module.get_custom_objects().pop("mine>Other") is made


def scoped(module: Any, name: str = "custom_object_scope") -> bool:
    saved = json.loads(json.dumps(module.serialize_keras_object(Tripled())))
    saved["module"] = saved["registered_name"] = None
    with getattr(module, name)({"Tripled": Tripled}):
        assert "Tripled" not in K.utils.get_custom_objects()
        return isinstance(module.deserialize_keras_object(saved), Tripled)


for _title, _module in {"tf.keras.saving": K.saving, "tf.keras.utils": K.utils}.items():
    for _name in ("register_keras_serializable", "get_registered_name", "get_registered_object", "get_custom_objects"):
        row(_title, _name, lambda m=_module: registered(m))
    for _name in ("serialize_keras_object", "deserialize_keras_object", "custom_object_scope"):
        row(_title, _name, lambda m=_module: scoped(m))
row("tf.keras.utils", "CustomObjectScope", lambda: scoped(K.utils, "CustomObjectScope"))

# tf.keras -----------------------------------------------------------------------------------------------------------

EXAMPLES = {
    "activations": "relu", "applications": "MobileNetV2", "backend": "epsilon", "callbacks": "History",
    "constraints": "NonNeg", "datasets": "digits", "initializers": "Zeros", "layers": "Dense", "losses": "mse",
    "metrics": "Mean", "mixed_precision": "Policy", "models": "Model", "optimizers": "Adam", "preprocessing": "text",
    "regularizers": "L2", "saving": "load_model", "utils": "to_categorical",
}  # fmt: skip
rows("tf.keras", {name: lambda n=name: hasattr(getattr(K, n), EXAMPLES[n]) for name in EXAMPLES})
rows("tf.keras", {
    "Input": lambda: tuple(K.Input((3,), batch_size=2, dtype="int32").shape) == (2, 3),
    "Model": lambda: near(model()(X), Y),
    "Sequential": lambda: near(K.Sequential([L.Dense(1, kernel_initializer="ones")])(X), Y),
})  # fmt: skip
