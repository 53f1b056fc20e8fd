"""Where fit's data comes from, and how weights, masks and several outputs enter losses and metrics."""

from typing import Any

import numpy as np
import pytest

import eager as tf
from eager.keras import callbacks, utils
from eager.keras.layers import Dense, Embedding, Input

X = np.linspace(-1, 1, 46, dtype=np.float32).reshape(23, 2)
Y = X @ np.array([[1.0], [-2.0]], np.float32) + 0.5
WEIGHTS = np.linspace(0.1, 2, 23, dtype=np.float32)
KERNEL = np.array([[0.5], [0.25]])


def linear(**options: Any) -> Any:
    model = tf.keras.Sequential([Input((2,)), Dense(1)])
    model.set_weights([KERNEL, np.zeros(1)])
    model.compile(**({"optimizer": tf.keras.optimizers.SGD(0.05), "loss": "mse"} | options))
    return model


def sgd(weights: np.ndarray, batch: int, epochs: int) -> list[float]:
    """The loss curve of gradient descent on weighted squares in float64, as fit reports it."""
    x, y, w = X.astype(float), Y.astype(float), weights.astype(float)[:, None]
    kernel, bias, curve = KERNEL.copy(), 0.0, []
    for _ in range(epochs):
        total = 0.0
        for i in range(0, len(x), batch):
            a, b, c = x[i : i + batch], y[i : i + batch], w[i : i + batch]
            error = a @ kernel + bias - b
            total += float((c * error**2).sum())
            kernel = kernel - 0.05 * (2 * a.T @ (c * error)) / len(a)
            bias -= 0.05 * float((2 * c * error).sum()) / len(a)
        curve.append(total / len(x))
    return curve


def curve(model: Any, *args: Any, **options: Any) -> list[float]:
    given = {"batch_size": 5, "epochs": 3, "shuffle": False, "verbose": 0} | options
    return model.fit(*args, **given).history["loss"]


def test_sample_weights_scale_losses_and_gradients() -> None:
    np.testing.assert_allclose(curve(linear(), X, Y, sample_weight=WEIGHTS), sgd(WEIGHTS, 5, 3), rtol=1e-4)
    # Targets of rank 1 meet predictions of one column.
    np.testing.assert_allclose(curve(linear(), X, Y[:, 0], sample_weight=WEIGHTS), sgd(WEIGHTS, 5, 3), rtol=1e-4)


def batches(size: int = 5) -> Any:
    for i in range(0, 23, size):
        yield X[i : i + size], Y[i : i + size], WEIGHTS[i : i + size]


class Numbered(utils.Sequence):
    """Batches by number."""

    def __init__(self) -> None:
        self.ends = 0

    def __len__(self) -> int:
        return 5

    def __getitem__(self, index: int) -> Any:
        part = slice(5 * index, 5 * index + 5)
        return X[part], Y[part], WEIGHTS[part]

    def on_epoch_end(self) -> None:
        self.ends += 1


class Dataset:
    """What fit needs of a tf.data.Dataset."""

    element_spec = None

    def __init__(self, count: int) -> None:
        self.count = count

    def cardinality(self) -> int:
        return self.count

    def __iter__(self) -> Any:
        return batches()


@pytest.mark.parametrize("workers", [1, 3])
def test_sequences_datasets_and_generators_give_what_arrays_give(workers: int) -> None:
    expected = sgd(WEIGHTS, 5, 3)
    numbered = Numbered()
    found = linear().fit(numbered, epochs=3, shuffle=False, verbose=0, workers=workers).history["loss"]
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    assert numbered.ends == 3
    for dataset in (Dataset(5), Dataset(-2)):
        np.testing.assert_allclose(linear().fit(dataset, epochs=3, verbose=0).history["loss"], expected, rtol=1e-4)

    def thrice() -> Any:
        for _ in range(3):
            yield from batches()

    model = linear()
    found = model.fit(thrice(), epochs=3, steps_per_epoch=5, verbose=0, workers=workers).history["loss"]
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    assert model.predict(numbered, verbose=0).shape == (23, 1)
    np.testing.assert_allclose(
        model.evaluate(numbered, verbose=0), model.evaluate(X, Y, sample_weight=WEIGHTS, verbose=0), rtol=1e-5
    )


def test_data_that_runs_out_warns_and_ends_training() -> None:
    with pytest.warns(UserWarning, match=r"ran out of data.*12 batches"):
        history = linear().fit(batches(), epochs=3, steps_per_epoch=4, verbose=0)
    assert history.epoch == [0, 1]
    with pytest.raises(ValueError, match="steps_per_epoch"):
        linear().fit(Dataset(-1), verbose=0)
    with pytest.raises(ValueError, match="gave no batch"):
        linear().fit(iter([]), verbose=0)
    with pytest.raises(ValueError, match="`y` argument is not supported"):
        linear().fit(Numbered(), Y, verbose=0)
    with pytest.raises(ZeroDivisionError):
        linear().fit((1 / 0 for _ in range(3)), workers=2, verbose=0)


def test_initial_epoch_and_validation_frequency() -> None:
    history = linear().fit(X, Y, epochs=6, initial_epoch=2, validation_data=(X, Y), validation_freq=2, verbose=0)
    assert history.epoch == [2, 3, 4, 5]
    assert (len(history.history["loss"]), len(history.history["val_loss"])) == (4, 2)


def test_class_weights_follow_the_targets() -> None:
    labels, table = np.arange(23) % 3, np.array([1.0, 2.0, 0.5])
    for loss, y in (("sparse_categorical_crossentropy", labels), ("categorical_crossentropy", np.eye(3)[labels])):
        model = tf.keras.Sequential([Input((2,)), Dense(3, activation="softmax", kernel_initializer="zeros")])
        model.compile(tf.keras.optimizers.SGD(0.0), loss)
        weights = dict(enumerate(table.tolist()))
        history = model.fit(X, y, class_weight=weights, sample_weight=WEIGHTS, batch_size=5, verbose=0).history
        np.testing.assert_allclose(history["loss"], [np.log(3) * (table[labels] * WEIGHTS).mean()], rtol=1e-5)
        with pytest.raises(ValueError, match="keys from 0"):
            model.fit(X, y, class_weight={1: 1.0}, verbose=0)
        with pytest.raises(ValueError, match="no weight for class 2"):
            model.fit(X, y, class_weight={0: 1.0, 1: 1.0}, verbose=0)


def test_masks_and_temporal_weights_count_in_loss_and_metrics() -> None:
    ids = np.array([[1, 2, 0, 0], [3, 0, 0, 0], [1, 1, 2, 3]])
    targets, weights = np.linspace(0, 1, 24).reshape(3, 4, 2), np.linspace(0.5, 2, 12).reshape(3, 4)
    table = np.linspace(-1, 1, 8).reshape(4, 2)
    model = tf.keras.Sequential([Embedding(4, 2, mask_zero=True, input_length=4)])
    model.build((None, 4))
    model.set_weights([table])
    model.compile("sgd", "mse", metrics=["mae"], weighted_metrics=["mse"])
    error = table[ids] - targets
    squares, valid = (error**2).mean(-1), (ids != 0).astype(float)
    logs = model.evaluate(ids, targets, sample_weight=weights, verbose=0, return_dict=True)
    np.testing.assert_allclose(logs["loss"], (squares * weights * valid).sum() / valid.sum(), rtol=1e-5)
    np.testing.assert_allclose(logs["mae"], (np.abs(error).mean(-1) * valid).sum() / valid.sum(), rtol=1e-5)
    both = weights * valid
    np.testing.assert_allclose(logs["mse"], (squares * both).sum() / both.sum(), rtol=1e-5)


def two_outputs(**options: Any) -> Any:
    x = Input((2,), name="x")
    model = tf.keras.Model(x, [Dense(1, name="a")(x), Dense(2, name="b")(x)])
    model.compile(**({"optimizer": "sgd", "loss": "mse"} | options))
    return model


def test_names_of_results_for_several_outputs() -> None:
    y = [Y, X]

    def names(**options: Any) -> list[str]:
        return list(two_outputs(**options).fit(X, y, verbose=0).history)

    assert names(metrics=["mae", "mse"]) == ["loss", "a_loss", "b_loss", "a_mae", "a_mse", "b_mae", "b_mse"]
    assert names(metrics=[["mae"], []]) == ["loss", "a_loss", "b_loss", "a_mae"]
    assert names(metrics={"b": "mae"}, weighted_metrics={"b": ["mae"]})[3:] == ["b_mae", "b_weighted_mae"]
    with pytest.warns(UserWarning, match="a/kernel"):
        assert names(loss={"b": "mse"}) == ["loss", "b_loss"]
    assert two_outputs().metrics_names == []


def test_weights_of_several_outputs() -> None:
    model = two_outputs(loss_weights={"a": 2.0, "b": 0.5})
    a, b = model.predict(X, verbose=0)
    logs = model.evaluate(
        {"x": X}, {"a": Y, "b": X}, sample_weight={"a": WEIGHTS, "b": WEIGHTS * 2}, verbose=0, return_dict=True
    )
    first = (((a - Y) ** 2).mean(-1) * WEIGHTS).mean()
    second = (((b - X) ** 2).mean(-1) * WEIGHTS * 2).mean()
    np.testing.assert_allclose([logs["a_loss"], logs["b_loss"]], [first, second], rtol=1e-4)
    np.testing.assert_allclose(logs["loss"], 2 * first + 0.5 * second, rtol=1e-4)


def test_mismatches_name_outputs() -> None:
    with pytest.raises(ValueError, match=r"3 were given for 2 outputs \['a', 'b'\]"):
        two_outputs().fit(X, [Y, X, X], verbose=0)
    with pytest.raises(ValueError, match="unexpected losses"):
        two_outputs(loss={"a": "mse", "zz": "mse"}).fit(X, [Y, X], verbose=0)
    with pytest.raises(ValueError, match="two metrics with the same name: mae"):
        linear(metrics=["mae", tf.keras.metrics.MeanAbsoluteError(name="mae")]).fit(X, Y, verbose=0)
    with pytest.raises(ValueError, match=r"Output 'b'.*\(None, 5\)|targets of shape \(.*, 5\)"):
        two_outputs(loss=["mse", "categorical_crossentropy"]).fit(X, [Y, np.ones((23, 5))], verbose=0)


def test_changing_trainable_asks_for_compile() -> None:
    model = linear()
    model.fit(X, Y, verbose=0)
    model.layers[0].trainable = False
    before = model.get_weights()[0].copy()
    with pytest.warns(UserWarning, match=r"compile\(\)` again"):
        model.fit(X, Y, verbose=0)
    assert not np.array_equal(before, model.get_weights()[0]), "the compiled step goes on training it"
    model.layers[0].trainable = True
    model.compile("sgd", "mse")
    model.fit(X, Y, verbose=0)


def test_sequences_of_other_lengths_share_a_trace() -> None:
    model = tf.keras.Sequential([Input((None, 2)), Dense(1)])
    model.compile("sgd", "mse")

    def lengths() -> Any:
        for n in (3, 5, 4, 7, 6):
            yield np.ones((2, n, 2)), np.ones((2, n, 1))

    model.fit(lengths(), verbose=0)
    traces = [c for f in model.train_function.step.functions.values() for c in f.concrete_functions]
    assert len(traces) == 2, "one for the first length, one for all others"


def test_two_optimizers_in_a_custom_step() -> None:
    class Gan(tf.keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.judge = tf.keras.Sequential([Input((2,)), Dense(1)])
            self.maker = tf.keras.Sequential([Input((2,)), Dense(2)])
            self.seen = tf.keras.metrics.Mean(name="judged")

        def compile(self, judge: Any, maker: Any) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
            super().compile()
            self.rates = judge, maker

        @property
        def metrics(self) -> list[Any]:
            return [self.seen]

        def train_step(self, data: Any) -> Any:
            rows = tf.shape(data)[0]
            noise = tf.ones((rows, 2))
            with tf.GradientTape(persistent=True) as tape:
                made = tf.reduce_mean(self.judge(self.maker(noise)))
                loss, fooled = made - tf.reduce_mean(self.judge(data)), -made
            for optimizer, part, value in zip(self.rates, (self.judge, self.maker), (loss, fooled), strict=True):
                weights = part.trainable_variables
                optimizer.apply_gradients(zip(tape.gradient(value, weights), weights, strict=True))
            self.seen.update_state(loss)
            return {"judged": self.seen.result()}

    curves = []
    for run_eagerly in (False, True):
        utils.set_random_seed(1)
        model = Gan()
        model.compile(tf.keras.optimizers.SGD(0.1), tf.keras.optimizers.SGD(0.05))
        model.run_eagerly = run_eagerly
        curves.append(model.fit(X, epochs=3, shuffle=False, batch_size=8, verbose=0).history["judged"])
        if not run_eagerly:
            (function,) = model.train_function.step.functions.values()
            assert not [e for e in function.ledger if e.kind in ("fallback", "guard")]
    np.testing.assert_allclose(*curves, rtol=1e-4)


def test_compile_config_round_trip() -> None:
    model = linear(metrics=["mae"], loss=tf.keras.losses.Huber(0.5))
    other = linear()
    other.compile_from_config(model.get_compile_config())
    assert isinstance(other.loss, tf.keras.losses.Huber)
    assert list(other.fit(X, Y, verbose=0).history) == ["loss", "mae"]


def test_progress_shows_results(capsys: pytest.CaptureFixture[str]) -> None:
    linear(metrics=["mae"]).fit(X, Y, validation_data=(X, Y), callbacks=[callbacks.LambdaCallback()])
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("Epoch 1/1 - 1/1 - ")
    assert all(f" {name}: " in line for name in ("loss", "mae", "val_loss", "val_mae"))
