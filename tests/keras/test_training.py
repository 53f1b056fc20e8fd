"""compile, fit, evaluate, predict."""

from typing import Any

import numpy as np
import pytest

import eager as tf
from eager.keras import callbacks, utils
from eager.keras.layers import Dense, Dropout, Input, Layer


@pytest.fixture(autouse=True)
def _seeded() -> None:
    utils.set_random_seed(4)


def line(rng: np.random.Generator, n: int = 70) -> tuple[np.ndarray, np.ndarray]:
    x = rng.normal(size=(n, 3))
    return x, x @ np.array([[1.0], [-2.0], [0.5]]) + 0.25


def linear(**options: Any) -> Any:
    model = tf.keras.Sequential([Input((3,)), Dense(1)])
    model.compile(**({"optimizer": tf.keras.optimizers.SGD(0.1), "loss": "mse"} | options))
    return model


def test_fit_before_compile() -> None:
    with pytest.raises(RuntimeError, match="must compile your model"):
        tf.keras.Sequential([Dense(1)]).fit(np.ones((2, 1)), np.ones((2, 1)))


def test_fit_learns(rng: np.random.Generator) -> None:
    x, y = line(rng)
    model = linear(metrics=["mae"])
    history = model.fit(x, y, epochs=30, batch_size=16, verbose=0, validation_split=0.2)
    assert sorted(history.history) == ["loss", "mae", "val_loss", "val_mae"]
    assert history.epoch == list(range(30))
    assert history.history["val_loss"][-1] < 1e-4
    np.testing.assert_allclose(model.get_weights()[0], [[1.0], [-2.0], [0.5]], atol=0.02)


def test_compiled_and_eager_steps_agree(rng: np.random.Generator) -> None:
    x, y = line(rng)
    curves = []
    for run_eagerly in (False, True):
        utils.set_random_seed(1)
        model = linear(optimizer="adam", metrics=["mae"], run_eagerly=run_eagerly)
        assert model.run_eagerly is run_eagerly
        curves.append(model.fit(x, y, epochs=4, batch_size=32, verbose=0).history)
    for name in ("loss", "mae"):
        np.testing.assert_allclose(curves[0][name], curves[1][name], rtol=1e-5)


def test_one_trace_serves_the_short_last_batch(rng: np.random.Generator) -> None:
    x, y = line(rng, 70)
    model = linear()
    model.fit(x, y, batch_size=32, epochs=2, verbose=0)
    functions = list(model.train_function.step.functions.values())
    assert len(functions) == 1 and len(functions[0].concrete_functions) == 1
    assert not [e for e in functions[0].ledger if e.kind in ("fallback", "guard")]
    assert functions[0].concrete_functions[0].function.compiled.host_calls == []


def test_first_steps_are_worked_numbers() -> None:
    model = tf.keras.Sequential([Input((1,)), Dense(1, kernel_initializer="ones")])
    model.compile(tf.keras.optimizers.SGD(0.5), "mse")
    logs = model.train_on_batch(np.array([[2.0]]), np.array([[1.0]]), return_dict=True)
    assert logs == {"loss": 1.0}
    # gradient of (2w + b - 1)^2 at w=1, b=0: (4, 2); a rate of 0.5 gives w = -1, b = -1
    assert [float(w[0]) if w.ndim == 1 else float(w[0, 0]) for w in model.get_weights()] == [-1.0, -1.0]
    assert model.test_on_batch(np.array([[2.0]]), np.array([[1.0]])) == 16.0
    np.testing.assert_array_equal(model.predict_on_batch(np.array([[2.0]])), [[-3.0]])


def test_evaluate_and_predict(rng: np.random.Generator) -> None:
    x, y = line(rng)
    model = linear(metrics=["mae", tf.keras.metrics.MeanSquaredError(name="again")])
    prediction = model.predict(x, batch_size=16, verbose=0)
    expected = x.astype(np.float32) @ model.get_weights()[0]
    np.testing.assert_allclose(prediction, expected, rtol=1e-4, atol=1e-5)
    results = model.evaluate(x, y, verbose=0, return_dict=True)
    np.testing.assert_allclose(results["mae"], np.abs(prediction - y).mean(), rtol=1e-5)
    np.testing.assert_allclose(results["again"], results["loss"], rtol=1e-5)
    assert model.metrics_names == ["loss", "mae", "again"]


def test_sample_and_class_weights() -> None:
    x, y = np.ones((4, 1)), np.array([0, 0, 1, 1])
    model = tf.keras.Sequential([Input((1,)), Dense(2, kernel_initializer="zeros")])
    loss = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss, weighted_metrics=["accuracy"])
    weighted = model.evaluate(x, y, sample_weight=np.array([1.0, 0.0, 0.0, 3.0]), verbose=0, return_dict=True)
    np.testing.assert_allclose(weighted["loss"], np.log(2.0) * 4 / 4, rtol=1e-6)
    np.testing.assert_allclose(weighted["accuracy"], 0.25)
    logs = model.train_on_batch(x, y, class_weight={0: 1.0, 1: 3.0}, return_dict=True)
    np.testing.assert_allclose(logs["loss"], 2 * np.log(2.0), rtol=1e-6)


def test_accuracy_follows_the_shapes() -> None:
    x = np.array([[2.0, 1.0], [0.0, 3.0]])
    for loss, y in (("categorical_crossentropy", np.eye(2)), ("sparse_categorical_crossentropy", np.array([0, 1]))):
        model = tf.keras.Sequential([Input((2,)), tf.keras.layers.Softmax()])
        model.compile("sgd", loss, metrics=["accuracy"])
        assert model.evaluate(x, y, verbose=0)[1] == 1.0
    model = tf.keras.Sequential([Input((1,)), tf.keras.layers.Activation("sigmoid")])
    model.compile("sgd", "binary_crossentropy", metrics=["acc"])
    assert model.evaluate(np.array([[3.0], [-1.0]]), np.array([1, 1]), verbose=0, return_dict=True)["acc"] == 0.5


def test_several_outputs() -> None:
    x = Input((2,))
    model = tf.keras.Model(x, [Dense(1, name="a")(x), Dense(1, name="b")(x)])
    model.compile("sgd", {"a": "mse", "b": "mae"}, metrics={"b": ["mse"]}, loss_weights={"a": 2.0, "b": 1.0})
    data = np.ones((4, 2))
    logs = model.evaluate(data, {"a": np.zeros((4, 1)), "b": np.zeros((4, 1))}, verbose=0, return_dict=True)
    assert list(logs) == ["loss", "a_loss", "b_loss", "b_mse"]
    np.testing.assert_allclose(logs["loss"], 2 * logs["a_loss"] + logs["b_loss"], rtol=1e-6)
    assert [p.shape for p in model.predict(data, verbose=0)] == [(4, 1), (4, 1)]


def test_regularization_and_added_losses_count() -> None:
    class Extra(Layer):
        def call(self, x: Any) -> Any:
            self.add_loss(tf.constant(3.0))
            self.add_metric(tf.reduce_sum(x), name="seen")
            return x

    dense = Dense(1, kernel_initializer="ones", kernel_regularizer=tf.keras.regularizers.L2(0.5))
    model = tf.keras.Sequential([Input((2,)), Extra(), dense])
    model.compile("sgd", "mse")
    logs = model.evaluate(np.zeros((3, 2)), np.zeros((3, 1)), verbose=0, return_dict=True)
    assert logs == {"loss": 4.0, "seen": 0.0}


def test_own_steps() -> None:
    class Own(tf.keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.dense = Dense(1, kernel_initializer="zeros")
            self.tracker = tf.keras.metrics.Mean(name="own")

        def call(self, x: Any) -> Any:
            return self.dense(x)

        def train_step(self, data: Any) -> Any:
            x, y = data
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean((self(x, training=True) - y) ** 2.0)
            gradients = tape.gradient(loss, self.trainable_variables)
            self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
            self.tracker.update_state(loss)
            return {"own": self.tracker.result()}

    model = Own()
    model.compile("sgd")
    history = model.fit(np.ones((8, 2)), np.ones((8, 1)), epochs=3, verbose=0).history
    assert history["own"][0] == 1.0 and history["own"][2] < history["own"][1] < 1.0


def test_batches_from_a_generator_and_a_sequence(rng: np.random.Generator) -> None:
    x, y = line(rng, 64)

    def forever() -> Any:
        while True:
            for i in range(0, 64, 16):
                yield x[i : i + 16], y[i : i + 16]

    class Batches:
        def __len__(self) -> int:
            return 4

        def __getitem__(self, i: int) -> Any:
            return x[i * 16 : i * 16 + 16], y[i * 16 : i * 16 + 16]

    assert linear().fit(forever(), steps_per_epoch=4, epochs=9, verbose=0).history["loss"][-1] < 0.1
    assert linear().fit(Batches(), epochs=9, verbose=0).history["loss"][-1] < 0.1


def test_callbacks(rng: np.random.Generator) -> None:
    x, y = line(rng)
    seen: list[Any] = []
    watch = callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append((epoch, sorted(logs))),
        on_train_end=lambda logs: seen.append("end"),
    )
    stop = callbacks.EarlyStopping("loss", min_delta=100.0, patience=2, restore_best_weights=True)
    rates = callbacks.LearningRateScheduler(lambda epoch, rate: 0.1 / (epoch + 1))
    model = linear()
    history = model.fit(x, y, epochs=10, verbose=0, callbacks=[watch, stop, rates])
    assert len(history.epoch) == 3 and seen == [(0, ["loss"]), (1, ["loss"]), (2, ["loss"]), "end"]
    np.testing.assert_allclose(float(model.optimizer.learning_rate), 0.1 / 3, rtol=1e-6)
    with pytest.raises(TypeError, match="no moment"):
        callbacks.LambdaCallback(on_monday=print)


def test_interruption_keeps_the_last_completed_step(rng: np.random.Generator) -> None:
    x, y = line(rng)
    ended: list[Any] = []

    def interrupt(batch: int, logs: Any) -> None:
        if batch == 1:
            ended.append([w.copy() for w in model.get_weights()])
            raise KeyboardInterrupt

    model = linear()
    watch = callbacks.LambdaCallback(on_train_batch_end=interrupt, on_train_end=lambda logs: ended.append("end"))
    with pytest.raises(KeyboardInterrupt):
        model.fit(x, y, batch_size=16, verbose=0, callbacks=[watch])
    assert ended[1] == "end"
    np.testing.assert_array_equal(model.get_weights()[0], ended[0][0])
    model.fit(x, y, verbose=0)


def test_one_line_per_epoch_where_there_is_no_terminal(
    rng: np.random.Generator, capsys: pytest.CaptureFixture[str]
) -> None:
    x, y = line(rng)
    linear().fit(x, y, epochs=2, batch_size=35)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 and lines[0].startswith("Epoch 1/2 - 2/2 - ") and "loss: " in lines[0]
    linear().fit(x, y, verbose=0)
    assert capsys.readouterr().out == ""


def test_progress_is_redrawn_on_a_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    for no_color in ("", "1"):
        monkeypatch.setenv("NO_COLOR", no_color)
        bar = utils.Progbar(2, interval=0.0)
        bar.add(1, {"loss": 0.5})
        bar.add(1, {"loss": 0.25})
        text = capsys.readouterr().out
        assert text.count("\r") >= 2 and text.endswith("\n") and "2/2" in text and "loss: 0.3750" in text
        assert ("\x1b[" in text) is not bool(no_color)


def test_dropout_draws_anew_in_every_compiled_step() -> None:
    model = tf.keras.Sequential([Input((1000,)), Dropout(0.5)])
    seen = [tf.function(lambda x: model(x, training=True), strict=True)] * 2
    a, b = (f(tf.ones((1, 1000))).numpy() for f in seen)
    assert not np.array_equal(a, b)
    assert set(np.unique(a)) == {0.0, 2.0} and 400 < (a == 0).sum() < 600


def test_training_does_not_change_earlier_weights(rng: np.random.Generator) -> None:
    x, y = line(rng)
    model = linear()
    before = model.get_weights()
    kept = [w.copy() for w in before]
    model.fit(x, y, verbose=0)
    for a, b in zip(before, kept, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_nan_in_the_data_shows_and_does_not_crash() -> None:
    model = linear()
    loss = model.fit(np.full((4, 3), np.nan), np.ones((4, 1)), verbose=0).history["loss"]
    assert np.isnan(loss[0])


def test_bad_data() -> None:
    model = linear()
    with pytest.raises(ValueError, match="cardinality is ambiguous"):
        model.fit(np.ones((4, 3)), np.ones((5, 1)), verbose=0)
    with pytest.raises(ValueError, match="incompatible"):
        model.fit(np.ones((4, 2)), np.ones((4, 1)), verbose=0)
    with pytest.raises(ValueError, match="No loss found"):
        linear(loss=None).fit(np.ones((4, 3)), np.ones((4, 1)), verbose=0)
    with pytest.raises(ValueError, match="Target data is missing"):
        linear().fit(np.ones((4, 3)), verbose=0)
    with pytest.raises(ValueError, match=r"Unknown loss function: 'mean_square'.*mean_squared"):
        linear(loss="mean_square")
    with pytest.raises(ValueError, match="Unknown optimizer: 'adamm'"):
        linear(optimizer="adamm")
    with pytest.raises(TypeError, match="Invalid keyword"):
        linear(loose=1)


def test_a_failed_step_changes_nothing() -> None:
    class Checked(Layer):
        def __init__(self) -> None:
            super().__init__()
            self.calls = self.add_weight("calls", (), initializer="zeros", trainable=False)

        def call(self, x: Any) -> Any:
            self.calls.assign_add(1.0)
            tf.debugging.assert_all_finite(x, "input")
            return x

    checked = Checked()
    model = tf.keras.Sequential([Input((3,)), checked, Dense(1)])
    model.compile("adam", "mse")
    model.train_on_batch(np.ones((2, 3)), np.ones((2, 1)))
    before = [*model.get_weights(), *[v.numpy() for v in model.optimizer.variables]]
    with pytest.raises(tf.errors.InvalidArgumentError, match="NaN or Inf"):
        model.train_on_batch(np.full((2, 3), np.inf), np.ones((2, 1)))
    after = [*model.get_weights(), *[v.numpy() for v in model.optimizer.variables]]
    for a, b in zip(before, after, strict=True):
        np.testing.assert_array_equal(a, b)


class Undecided(tf.keras.Model):
    """Python control flow on a value, between layers whose shapes depend on the batch."""

    def __init__(self) -> None:
        super().__init__()
        self.flatten = tf.keras.layers.Flatten()
        self.hidden = Dense(3, kernel_initializer="ones")
        self.top = Dense(1, kernel_initializer="ones")

    def call(self, x: Any) -> Any:
        x = self.hidden(self.flatten(x))
        if float(tf.reduce_mean(x)) > 0:
            x = x * 2.0
        return self.top(tf.reshape(x, (tf.shape(x)[0], -1)))


def test_a_step_that_cannot_be_traced_goes_on_eagerly(rng: np.random.Generator) -> None:
    x, y = rng.normal(size=(10, 2, 2)), rng.normal(size=(10, 1))
    curves: list[Any] = []
    for run_eagerly in (True, False):
        model = Undecided()
        model.compile(tf.keras.optimizers.SGD(0.01), "mse", run_eagerly=run_eagerly)
        if run_eagerly:
            curves.append(model.fit(x, y, batch_size=4, epochs=2, shuffle=False, verbose=0).history["loss"])
            continue
        with pytest.warns(UserWarning, match=r"test_training\.py:\d+.*runs eagerly.*float\(\)") as caught:
            curves.append(model.fit(x, y, batch_size=4, epochs=2, shuffle=False, verbose=0).history["loss"])
        assert len(caught) == 1
    np.testing.assert_allclose(curves[0], curves[1], rtol=1e-5)


def test_a_dynamic_layer_in_a_model_that_trains(rng: np.random.Generator) -> None:
    class Repeats(Layer):
        def __init__(self) -> None:
            super().__init__(dynamic=True)
            self.dense = Dense(3)

        def call(self, x: Any) -> Any:
            for _ in range(2 if float(tf.reduce_sum(x)) > 0 else 1):
                x = self.dense(x)
            return x

        def compute_output_shape(self, input_shape: Any) -> Any:
            return input_shape

    x = Input((3,))
    model = tf.keras.Model(x, Dense(1)(Repeats()(x)))
    model.compile("adam", "mse")
    assert model.run_eagerly
    history = model.fit(rng.normal(size=(20, 3)), np.ones((20, 1)), epochs=5, verbose=0).history["loss"]
    assert history[-1] < history[0]


@pytest.mark.parametrize("policy", ["mixed_float16", "float64"])
def test_policies_train(policy: str, rng: np.random.Generator) -> None:
    x, y = line(rng)
    model = tf.keras.Sequential([Input((3,)), Dense(8, "relu", dtype=policy), Dense(1, dtype="float32")])
    model.compile("adam", "mse")
    history = model.fit(x, y, epochs=10, verbose=0).history["loss"]
    assert history[-1] < history[0]
    assert model.weights[0].dtype.name == ("float32" if policy.startswith("mixed") else policy)
    assert model.layers[0].output.dtype.name == ("float16" if policy.startswith("mixed") else policy)
