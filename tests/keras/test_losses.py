"""tf.keras.losses: every class against NumPy float64, eagerly and natively, with weights, masks and options."""

from typing import Any

import numpy as np
import pytest
from loss_cases import BITS, CASES, CLASSES, CLASSES_3, EPS, HOT, LOGITS, LOGITS_3, REAL, SHARES, LossCase, bce, softmax

import eager as tf
from eager.keras import losses

each = pytest.mark.parametrize("row", CASES, ids=[f"{row.name}-{i}" for i, row in enumerate(CASES)])


def made(row: LossCase, **options: Any) -> Any:
    return getattr(losses, row.name)(**row.options, **options)


def arrays(row: LossCase, dtype: Any = np.float32) -> tuple[Any, Any]:
    t = row.y_true if row.y_true.dtype.kind == "i" else row.y_true.astype(dtype)
    return tf.constant(t), tf.constant(row.y_pred.astype(dtype))


@each
def test_values_and_reductions(row: LossCase) -> None:
    t, p = arrays(row, np.float64)
    want = row.reference(row.y_pred)
    tolerance = {"rtol": 2e-6, "atol": 1e-8}
    np.testing.assert_allclose(made(row, reduction="none")(t, p), want, **tolerance)
    np.testing.assert_allclose(made(row, reduction="sum")(t, p), want.sum(), **tolerance)
    for reduction in ("auto", "sum_over_batch_size"):
        np.testing.assert_allclose(made(row, reduction=reduction)(t, p), want.mean(), **tolerance)


@each
def test_sample_weights(row: LossCase, rng: np.random.Generator) -> None:
    t, p = arrays(row)
    want = row.reference(row.y_pred)
    shapes = [(), *({want.shape[:1], (*want.shape[:1], 1), want.shape} if want.ndim else ())]
    for shape in shapes:
        w = rng.random(shape)
        full = w.reshape(w.shape + (1,) * (want.ndim - w.ndim)) if w.ndim <= want.ndim else w[..., 0]
        got = made(row)(t, p, sample_weight=w)
        np.testing.assert_allclose(got, (want * full).mean(), rtol=2e-5, atol=1e-6)


@each
def test_native_with_symbolic_batch(row: LossCase) -> None:
    t, p = arrays(row)
    loss = made(row)
    run = tf.function(lambda t, p: loss(t, p))
    specs = [tf.TensorSpec((None, *x.shape[1:]), x.dtype) for x in (t, p)]
    concrete = run.get_concrete_function(*specs)
    np.testing.assert_allclose(concrete(t, p), loss(t, p), rtol=2e-5, atol=1e-6)
    np.testing.assert_allclose(concrete(t[:2], p[:2]), loss(t[:2], p[:2]), rtol=2e-5, atol=1e-6)
    assert concrete.function.compiled.host_calls == []
    assert not [e for e in run.ledger if e.kind == "fallback"]


@each
def test_gradients_are_finite_differences(row: LossCase, rng: np.random.Generator) -> None:
    t, p = arrays(row, np.float64)
    with tf.GradientTape() as tape:
        tape.watch(p)
        value = made(row, reduction="sum")(t, p)
    direction, step = rng.normal(size=row.y_pred.shape), 1e-5
    ahead, behind = (row.reference(row.y_pred + s * step * direction).sum() for s in (1, -1))
    slope = float((tape.gradient(value, p).numpy() * direction).sum())
    np.testing.assert_allclose(slope, (ahead - behind) / (2 * step), rtol=1e-5, atol=1e-6)


@each
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_dtypes(row: LossCase, dtype: str) -> None:
    t, p = arrays(row)
    got = made(row, reduction="none")(tf.cast(t, dtype) if t.dtype.is_floating else t, tf.cast(p, dtype))
    assert got.dtype.name == ("float32" if row.name == "Huber" else dtype)
    tolerance = 0.02 if dtype == "float16" else 0.1
    np.testing.assert_allclose(tf.cast(got, "float64"), row.reference(row.y_pred), rtol=tolerance, atol=tolerance)


@each
def test_config_round_trip(row: LossCase) -> None:
    loss = made(row, reduction="sum", name="mine")
    again = losses.deserialize(losses.serialize(loss))
    assert type(again) is type(loss)
    assert again.get_config() == loss.get_config()
    assert {"reduction": "sum", "name": "mine", **row.options}.items() <= loss.get_config().items()
    legacy = losses.serialize(loss, use_legacy_format=True)
    assert losses.get(legacy).get_config() == loss.get_config()


def test_masks_of_predictions_weigh_the_loss() -> None:
    mask = np.array([True, False, True, True, False])
    want = ((REAL - SHARES) ** 2).mean(-1)
    p = tf.constant(SHARES)
    p._keras_mask = tf.constant(mask)
    np.testing.assert_allclose(losses.MeanSquaredError()(REAL, p), want[mask].mean())
    np.testing.assert_allclose(losses.MeanSquaredError("sum")(REAL, p), want[mask].sum())
    w = np.arange(1.0, 6.0)
    weighted = (want * w)[mask].sum() / mask.sum()
    np.testing.assert_allclose(losses.MeanSquaredError()(REAL, p, sample_weight=w), weighted)
    np.testing.assert_allclose(losses.MeanSquaredError()(REAL, p, sample_weight=w[:, None]), weighted)


def test_a_mask_that_leaves_nothing_gives_zero() -> None:
    p = tf.constant(SHARES)
    p._keras_mask = tf.constant(np.zeros(5, bool))
    assert float(losses.MeanSquaredError()(REAL, p)) == 0.0


@pytest.mark.parametrize(("classes", "logits"), [(CLASSES, LOGITS), (CLASSES_3, LOGITS_3)])
def test_ignored_classes_do_not_count(classes: Any, logits: Any) -> None:
    kept = classes != 1
    logs = np.log(softmax(logits))
    want = -np.take_along_axis(logs, classes[..., None], -1)[..., 0] * kept
    loss = losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=1)
    np.testing.assert_allclose(loss(classes, tf.constant(logits)), want.sum() / kept.sum())
    function = losses.sparse_categorical_crossentropy
    np.testing.assert_allclose(function(classes, logits, from_logits=True, ignore_class=1), want, atol=1e-12)
    # An ignored class may lie out of range.
    marked = np.where(kept, classes, -1)
    away = losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-1)
    np.testing.assert_allclose(away(marked, tf.constant(logits)), want.sum() / kept.sum())
    p = tf.constant(logits)
    first = np.arange(5) < 3
    p._keras_mask = tf.constant(first if classes.ndim == 1 else np.tile(first[:, None], (1, 3)))
    both = kept & (first if classes.ndim == 1 else first[:, None])
    np.testing.assert_allclose(away(marked, p), want[both].sum() / both.sum())


def test_ctc_is_the_sum_over_alignments() -> None:
    logits = np.random.default_rng(3).normal(size=(2, 3, 3))
    p = softmax(logits)
    blank, one, two = p[..., 0], p[..., 1], p[..., 2]
    # The label 1 over three frames, and the labels 1, 2: every path that collapses to them.
    single = (one[0, 0] * blank[0, 1] * blank[0, 2] + blank[0, 0] * one[0, 1] * blank[0, 2]
              + blank[0, 0] * blank[0, 1] * one[0, 2] + one[0, 0] * one[0, 1] * blank[0, 2]
              + blank[0, 0] * one[0, 1] * one[0, 2] + one[0].prod())  # fmt: skip
    double = (one[1, 0] * two[1, 1] * blank[1, 2] + one[1, 0] * blank[1, 1] * two[1, 2]
              + blank[1, 0] * one[1, 1] * two[1, 2] + one[1, 0] * one[1, 1] * two[1, 2]
              + one[1, 0] * two[1, 1] * two[1, 2])  # fmt: skip
    got = losses.CTC(reduction="none")(np.array([[1, 0], [1, 2]]), tf.constant(logits))
    np.testing.assert_allclose(got, -np.log([single, double]), rtol=1e-6)
    with pytest.raises(ValueError, match=r"\(2, 2\).*\(2, 3\)"):
        losses.CTC()(np.array([[1, 0], [1, 2]]), tf.constant(logits[:, 0]))


def test_probabilities_of_an_activation_count_as_their_logits() -> None:
    x = tf.constant([[100.0, -100.0]])
    softmaxed, sigmoided = tf.keras.activations.softmax(x), tf.keras.activations.sigmoid(x)
    assert float(losses.CategoricalCrossentropy()([[0.0, 1.0]], softmaxed)) == 200.0
    assert float(losses.SparseCategoricalCrossentropy()([1], softmaxed)) == 200.0
    assert float(losses.BinaryCrossentropy()([[0.0, 1.0]], sigmoided)) == 100.0
    with pytest.warns(UserWarning, match="from_logits"):
        assert float(losses.BinaryCrossentropy(from_logits=True)([[0.0, 1.0]], sigmoided)) == 100.0
    # The logits of a softmax are no logits of independent targets.
    small = tf.constant(LOGITS)
    got = losses.binary_crossentropy(HOT, tf.keras.activations.softmax(small))
    np.testing.assert_allclose(got, bce(HOT, softmax(LOGITS)).mean(-1), rtol=1e-6)


def test_names_mean_functions_and_classes() -> None:
    table = {
        "mse": "mean_squared_error", "MSE": "mean_squared_error", "mae": "mean_absolute_error", "bce":
        "binary_crossentropy", "BCE": "binary_crossentropy", "mape": "mean_absolute_percentage_error", "msle":
        "mean_squared_logarithmic_error", "kld": "kl_divergence", "KLD": "kl_divergence",
        "kullback_leibler_divergence": "kl_divergence", "logcosh": "log_cosh", "huber_loss": "huber", "hinge": "hinge",
        "dice": "dice", "poisson": "poisson", "categorical_hinge": "categorical_hinge",
    }  # fmt: skip
    for alias, name in table.items():
        assert losses.get(alias).__name__ == name
    assert isinstance(losses.get("Huber"), losses.Huber)
    assert isinstance(losses.get("Dice"), losses.Dice)
    assert losses.get(None) is None
    assert losses.deserialize(losses.serialize(losses.mse)) is losses.mse
    assert losses.serialize(losses.mse, use_legacy_format=True) == "mean_squared_error"
    with pytest.raises(ValueError, match="mean_squared_error"):
        losses.get("mean_squared_eror")
    with pytest.raises(ValueError, match="Could not interpret loss function identifier: 3"):
        losses.get(3)


def test_own_losses() -> None:
    class Own(losses.Loss):
        def call(self, y_true: Any, y_pred: Any) -> Any:
            return tf.reduce_max(tf.abs(y_true - y_pred), -1)

    want = np.abs(REAL - SHARES).max(-1)
    np.testing.assert_allclose(Own()(tf.constant(REAL), tf.constant(SHARES)), want.mean())
    np.testing.assert_allclose(Own("none")(tf.constant(REAL), tf.constant(SHARES), sample_weight=2.0), 2 * want)
    assert Own().get_config() == {"reduction": "auto", "name": None}
    with pytest.raises(NotImplementedError, match="call"):
        losses.Loss()(tf.constant(REAL), tf.constant(SHARES))

    class Whole(losses.Loss):
        def call(self, y_true: Any, y_pred: Any) -> Any:
            return y_pred

    value = Whole()(tf.constant([0]), tf.constant([2, 3]))
    assert value.dtype == tf.int32 and int(value) == 2


def test_lists_and_arrays() -> None:
    assert float(losses.MeanSquaredError()([[0.0, 1.0]], [[1.0, 1.0]])) == 0.5
    # An axis of size 1 that only one of the two has is no reason to broadcast.
    assert float(losses.MeanSquaredError()(np.arange(4.0)[:, None], np.arange(4.0))) == 0.0
    np.testing.assert_allclose(losses.cosine_similarity([[3, 4]], [[4, 3]]), [-24 / 25], rtol=1e-6)


@pytest.mark.parametrize(
    ("call", "shapes"),
    [
        (lambda: losses.MeanSquaredError()(tf.ones((4, 3)), tf.ones((4, 2))), r"\(4, 2\).*\(4, 3\)"),
        (lambda: losses.CategoricalCrossentropy()(tf.ones((4, 3)), tf.ones((4, 2))), r"\(4, 3\).*\(4, 2\)"),
        (lambda: losses.SparseCategoricalCrossentropy()(tf.ones(4), tf.ones((3, 2))), r"\[4\].*\[3, 2\]"),
        (lambda: losses.MeanSquaredError()(REAL, SHARES, tf.ones(3)), r"\(5,\).*\(3,\)"),
        (lambda: losses.MeanSquaredError()(REAL, SHARES, tf.ones((5, 4))), r"\(5, 4\)"),
        (lambda: losses.MeanSquaredError(reduction="most"), "Invalid Reduction Key: most"),
        (lambda: losses.categorical_crossentropy(HOT, SHARES, axis=True), "`axis` must be"),
    ],
)
def test_errors_name_the_shapes(call: Any, shapes: str) -> None:
    with pytest.raises(ValueError, match=shapes):
        call()


def test_one_class_is_warned_about() -> None:
    with pytest.warns(SyntaxWarning, match="one class"):
        losses.CategoricalCrossentropy()(np.ones((2, 1)), np.ones((2, 1)))


@pytest.mark.parametrize("name", ["bce", "binary_focal_crossentropy", "mse", "huber", "log_cosh", "Poisson", "dice"])
def test_fit_takes_every_kind_of_name(name: str) -> None:
    model = tf.keras.Sequential([tf.keras.Input((4,)), tf.keras.layers.Dense(4, "sigmoid")])
    model.compile("sgd", name)
    first = model.evaluate(REAL, BITS, verbose=0)
    model.fit(REAL, BITS, epochs=5, verbose=0)
    assert model.evaluate(REAL, BITS, verbose=0) < first
    (function,) = model.train_function.step.functions.values()
    (concrete,) = function.concrete_functions
    assert concrete.function.compiled.host_calls == []


def test_epsilon_keeps_certain_predictions_finite() -> None:
    value = float(losses.BinaryCrossentropy()(np.array([[1.0]]), np.array([[0.0]])))
    np.testing.assert_allclose(value, -np.log(2 * EPS), rtol=1e-9)
