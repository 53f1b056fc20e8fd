"""tf.keras.metrics: every class against NumPy float64, over several batches, weighted, eagerly and natively."""

import copy
from typing import Any

import numpy as np
import pytest
from loss_cases import BITS, CLASSES, HOT, OTHER, REAL, SHARES
from metric_cases import CASES_OF_METRICS, LOSSES, MetricCase

import eager as tf
from eager.keras import metrics

ALL = [*CASES_OF_METRICS, *LOSSES]


def over(rows: list[MetricCase]) -> Any:
    return pytest.mark.parametrize("row", rows, ids=[f"{row.name}-{i}" for i, row in enumerate(rows)])


def made(row: MetricCase, **options: Any) -> Any:
    return getattr(metrics, row.name)(**row.options, **options)


def arrays(row: MetricCase, part: slice = slice(None)) -> tuple[Any, Any]:
    t, p = (a.astype(np.float32) if a.dtype.kind == "f" else a for a in (row.y_true[part], row.y_pred[part]))
    return tf.constant(t), tf.constant(p)


def want(row: MetricCase, w: Any = None) -> Any:
    return row.reference(row.y_true, row.y_pred, np.ones(len(row.y_true)) if w is None else w)


def weights_like(row: MetricCase, w: Any) -> Any:
    """Weights per example as the metric takes them: where axes are flattened, one for every element."""
    if "IoU" not in row.name and not (row.name == "Precision" and row.y_true.ndim == 3):
        return w
    sizes = row.y_true.shape[:-1] if row.name.startswith("OneHot") else row.y_true.shape
    return np.broadcast_to(w.reshape(-1, *[1] * (len(sizes) - 1)), sizes)


@over(ALL)
def test_values(row: MetricCase) -> None:
    metric = made(row)
    np.testing.assert_allclose(metric(*arrays(row)), want(row), rtol=2e-5, atol=1e-6)
    assert metric.trainable_weights == []
    metric.reset_state()
    assert all(not v.numpy().any() for v in metric.variables)
    np.testing.assert_allclose(metric(*arrays(row)), want(row), rtol=2e-5, atol=1e-6)


@over(ALL)
def test_sample_weights(row: MetricCase) -> None:
    w = np.array([0.5, 2.0, 0.0, 1.0, 3.0])
    metric = made(row)
    metric.update_state(*arrays(row), sample_weight=weights_like(row, w))
    np.testing.assert_allclose(metric.result(), want(row, w), rtol=2e-5, atol=1e-6)


@over(CASES_OF_METRICS)
def test_batches_add_up_and_merge(row: MetricCase) -> None:
    metric, other = made(row), made(row)
    metric.update_state(*arrays(row, slice(0, 3)))
    other.update_state(*arrays(row, slice(3, 5)))
    metric.merge_state([other])
    np.testing.assert_allclose(metric.result(), want(row), rtol=2e-5, atol=1e-6)
    other.update_state(*arrays(row, slice(0, 3)))
    np.testing.assert_allclose(other.result(), want(row), rtol=2e-5, atol=1e-6)


@over(ALL)
def test_native_with_symbolic_batch(row: MetricCase) -> None:
    metric = made(row)

    def step(t: Any, p: Any, w: Any) -> Any:
        metric.update_state(t, p, sample_weight=w)
        return metric.result()

    run = tf.function(step)
    w = np.array([0.5, 2.0, 0.0, 1.0, 3.0])
    data = [*arrays(row), tf.constant(weights_like(row, w), tf.float32)]
    concrete = run.get_concrete_function(*(tf.TensorSpec((None, *x.shape[1:]), x.dtype) for x in data))
    # Hinge losses look at all targets of a batch, so those rows come in one batch.
    parts = [slice(0, 5)] if any(row is other for other in LOSSES) else [slice(0, 3), slice(3, 5)]
    results = [concrete(*(x[part] for x in data)) for part in parts]
    np.testing.assert_allclose(results[-1], want(row, w), rtol=3e-5, atol=2e-6)
    assert concrete.function.compiled.host_calls == []
    assert not [e for e in run.ledger if e.kind == "fallback"]


@over(ALL)
@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_dtypes(row: MetricCase, dtype: str) -> None:
    metric = made(row, dtype=dtype)
    got = metric(*arrays(row))
    assert got.dtype.name == dtype and metric.dtype == dtype
    assert {v.dtype.name for v in metric.variables} <= {dtype, "int32"}
    if dtype == "float64":
        # Data of float32 and the steps of even thresholds limit what more digits can give.
        np.testing.assert_allclose(got, want(row), rtol=1e-5, atol=1e-6)
    else:
        np.testing.assert_allclose(got, want(row), rtol=0.06, atol=0.03)


@over(ALL)
def test_config_round_trip(row: MetricCase) -> None:
    metric = made(row, name="mine")
    again = metrics.deserialize(metrics.serialize(metric))
    assert type(again) is type(metric)
    assert again.get_config() == metric.get_config()
    assert {"name": "mine", "dtype": "float32"}.items() <= metric.get_config().items()
    np.testing.assert_allclose(again(*arrays(row)), want(row), rtol=2e-5, atol=1e-6)
    np.testing.assert_allclose(copy.deepcopy(again).result(), again.result())


@pytest.mark.parametrize("shape", [(), (4,), (4, 1), (4, 3), (1, 3)])
def test_mean_and_sum_broadcast_weights(shape: Any, rng: np.random.Generator) -> None:
    x, w = rng.random((4, 3)), rng.random(shape)
    full = np.broadcast_to(w[:, None] if shape == (4,) else w, x.shape)
    np.testing.assert_allclose(metrics.Mean()(x, w), (x * full).sum() / full.sum(), rtol=1e-6)
    np.testing.assert_allclose(metrics.Sum()(x, w), (x * full).sum(), rtol=1e-6)
    np.testing.assert_allclose(metrics.MeanTensor()(x, w), x, rtol=1e-6)


def test_weights_with_fewer_axes_reduce_the_values(rng: np.random.Generator) -> None:
    x, w = rng.random((4, 3, 2)), rng.random(4)
    np.testing.assert_allclose(metrics.Mean()(x, w), np.average(x.mean((1, 2)), weights=w), rtol=1e-6)
    np.testing.assert_allclose(metrics.Sum()(x, w), (x.sum((1, 2)) * w).sum(), rtol=1e-6)


def test_mean_tensor() -> None:
    metric = metrics.MeanTensor()
    with pytest.raises(ValueError, match="does not have any value yet"):
        metric.result()
    metric.update_state([0.0, 1.0, 2.0, 3.0])
    metric.update_state([4.0, 5.0, 6.0, 7.0], sample_weight=[1.0, 0.0, 3.0, 1.0])
    np.testing.assert_allclose(metric.result(), [2.0, 1.0, 5.0, 5.0])
    with pytest.raises(ValueError, match=r"\(4,\). Got: \(2,\)"):
        metric.update_state([1.0, 2.0])
    assert [v.name for v in metrics.MeanTensor(shape=(2,)).variables] == ["total:0", "count:0"]


def test_functions() -> None:
    p = np.array([[0.1, 0.6, 0.3], [0.5, 0.2, 0.3]])
    np.testing.assert_allclose(metrics.binary_accuracy([[0, 1, 1], [1, 0, 1]], p), [2 / 3, 1 / 3], rtol=1e-6)
    np.testing.assert_array_equal(metrics.categorical_accuracy([[0, 1, 0], [0, 0, 1]], p), [1, 0])
    np.testing.assert_array_equal(metrics.sparse_categorical_accuracy([[1], [2]], p), [1, 0])
    np.testing.assert_array_equal(metrics.top_k_categorical_accuracy([[0, 0, 1], [0, 1, 0]], p, k=2), [1, 0])
    np.testing.assert_array_equal(metrics.sparse_top_k_categorical_accuracy([[2], [1]], p, k=2), [[1], [0]])
    # Classes that tie with the last of the k are among them.
    np.testing.assert_array_equal(metrics.sparse_top_k_categorical_accuracy([2], [[0.3, 0.3, 0.3]], k=1), [1])


def test_names() -> None:
    table = {
        "acc": "accuracy", "ACC": "accuracy", "mse": "mean_squared_error", "MAE": "mean_absolute_error",
        "cosine_proximity": "cosine_similarity", "kld": "kl_divergence", "logcosh": "log_cosh", "hinge": "hinge",
        "top_k_categorical_accuracy": "top_k_categorical_accuracy", "bce": "binary_crossentropy",
    }  # fmt: skip
    for alias, name in table.items():
        assert metrics.get(alias).__name__ == name
    assert float(metrics.get("cosine_similarity")([[1.0]], [[2.0]])[0]) == 1.0
    assert isinstance(metrics.get("AUC"), metrics.AUC) and isinstance(metrics.get("precision"), metrics.Precision)
    assert metrics.Precision(name=None).name.startswith("precision") and metrics.MeanIoU(2).name.startswith("mean_io_u")
    wrapper = metrics.MeanMetricWrapper(metrics.mse, name="w")
    assert float(metrics.deserialize(metrics.serialize(wrapper))([[1.0]], [[3.0]])) == 4.0
    assert metrics.deserialize(metrics.serialize(metrics.mse)) is metrics.mse
    assert str(metrics.Mean()) == "Mean(name=mean,dtype=float32)"
    with pytest.raises(ValueError, match="AUC"):
        metrics.get("AUCC")
    for wrong in (None, 3):
        with pytest.raises(ValueError, match="Could not interpret metric identifier"):
            metrics.get(wrong)


class Spread(metrics.Metric):
    """A user's metric: largest and smallest value, as a dict."""

    def __init__(self, name: str = "spread", **options: Any) -> None:
        super().__init__(name=name, **options)
        self.low = self.add_weight(name="low", initializer="zeros")
        self.high = self.add_weight("high")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        del y_true, sample_weight
        self.low.assign(tf.minimum(self.low, tf.reduce_min(y_pred)))
        self.high.assign(tf.maximum(self.high, tf.reduce_max(y_pred)))

    def result(self) -> Any:
        return {"low": self.low, "width": self.high - self.low}


def test_own_metrics_with_several_results() -> None:
    metric = Spread()
    assert {k: float(v) for k, v in metric(0.0, tf.constant([-1.0, 2.0])).items()} == {"low": -1.0, "width": 3.0}
    run = tf.function(lambda x: (metric.update_state(x, x), metric.result())[1])
    assert {k: float(v) for k, v in run(tf.constant([-3.0])).items()} == {"low": -3.0, "width": 5.0}
    assert not [e for e in run.ledger if e.kind == "fallback"]
    model = tf.keras.Sequential([tf.keras.Input((4,)), tf.keras.layers.Dense(1, kernel_initializer="ones")])
    model.compile("sgd", "mse", metrics=[Spread()])
    logs = model.evaluate(REAL, np.zeros((5, 1)), verbose=0, return_dict=True)
    sums = REAL.sum(-1)
    np.testing.assert_allclose(logs["width"], max(sums.max(), 0) - min(sums.min(), 0), rtol=1e-5)


def test_what_a_metric_must_have() -> None:
    with pytest.raises(TypeError, match="abstract methods result, update_state"):
        metrics.Metric()

    class Odd(metrics.Mean):
        def result(self) -> Any:
            return object()

    with pytest.raises(RuntimeError, match="single Tensor/Variable"):
        Odd().result()

    class Old(metrics.Mean):
        def reset_states(self) -> None:
            self.total.assign(7.0)

    old = Old()
    old.reset_state()
    assert float(old.total) == 7.0
    with pytest.raises(ValueError, match="not compatible"):
        metrics.Mean().merge_state([metrics.Sum()])


def test_metric_state_keeps_its_dtype_under_mixed_precision() -> None:
    before = tf.keras.mixed_precision.global_policy()
    tf.keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        metric = metrics.MeanSquaredError()
        assert metric.dtype == "float32"
        metric.update_state(tf.constant(REAL), tf.constant(OTHER, tf.float16))
        assert {v.dtype.name for v in metric.variables} == {"float32"}
    finally:
        tf.keras.mixed_precision.set_global_policy(before)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: metrics.Precision(thresholds=[0.5, 2]), r"\[0, 1\]. Received: \[2\]"),
        (lambda: metrics.Precision()(tf.ones((4, 3)), tf.ones((4, 2))), r"\(4, 2\).*\(4, 3\)"),
        (lambda: metrics.Precision()(tf.ones((4, 3)), tf.ones((4, 3)), tf.ones(5)), r"\(5, 1\).*\(4, 3\)"),
        (lambda: metrics.Mean()(tf.ones((4, 3)), tf.ones(3)), r"\(3, 1\).*\(4, 3\)"),
        (lambda: metrics.AUC(curve="x"), "PR.*ROC"),
        (lambda: metrics.AUC(summation_method="x"), "majoring"),
        (lambda: metrics.AUC(num_thresholds=1), "num_thresholds"),
        (lambda: metrics.AUC(num_labels=2), "multi_label"),
        (lambda: metrics.AUC(label_weights=[-1.0]), "non-negative"),
        (lambda: metrics.AUC(multi_label=True)(tf.ones(3), tf.ones(3)), "rank 2"),
        (lambda: metrics.AUC(multi_label=True, label_weights=[1.0])(BITS, SHARES), "not consistent"),
        (lambda: metrics.PrecisionAtRecall(2.0), "recall=2.0"),
        (lambda: metrics.RecallAtPrecision(0.5, num_thresholds=0), "num_thresholds=0"),
        (lambda: metrics.IoU(2, [2]), "out of range"),
        (lambda: metrics.MeanIoU(2)([0, 3], [0, 1]), "out of bound"),
        (lambda: metrics.F1Score(average="x"), "average=x"),
        (lambda: metrics.FBetaScore(beta=1), "Python float"),
        (lambda: metrics.FBetaScore(threshold=1.5), "threshold=1.5"),
        (lambda: metrics.F1Score()(tf.ones(3), tf.ones(3)), r"2D inputs.*\(3,\)"),
        (lambda: metrics.R2Score(class_aggregation="x"), "class_aggregation=x"),
        (lambda: metrics.R2Score(num_regressors=-1), "num_regressors=-1"),
    ],
)
def test_errors(call: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        call()


def test_too_few_samples_for_the_adjusted_score() -> None:
    metric = metrics.R2Score(num_regressors=30)
    metric.update_state(REAL, OTHER)
    with pytest.warns(UserWarning, match="standard R2"):
        got = metric.result()
    np.testing.assert_allclose(got, metrics.R2Score()(REAL, OTHER))


@pytest.mark.parametrize(
    ("named", "y", "last"),
    [
        (["acc", "mse", "MAE", "mape", "msle", "cosine_similarity", "logcosh", "hinge", "kld", "poisson", "AUC",
          "Precision", "recall", "binary_accuracy", "ce", "binary_focal_crossentropy", "MeanSquaredError"],
         BITS, "sigmoid"),
        (["accuracy", "crossentropy", "top_k_categorical_accuracy", "categorical_hinge", "CategoricalAccuracy",
          "categorical_focal_crossentropy"], HOT, "softmax"),
        (["accuracy", "ce", "sparse_top_k_categorical_accuracy", "sparse_categorical_accuracy",
          "SparseCategoricalCrossentropy"], CLASSES, "softmax"),
    ],
)  # fmt: skip
def test_compile_takes_every_name_and_runs_natively(named: list[str], y: Any, last: str) -> None:
    model = tf.keras.Sequential([tf.keras.Input((4,)), tf.keras.layers.Dense(4, last)])
    loss = "sparse_categorical_crossentropy" if y.ndim == 1 else "mse"
    model.compile("sgd", loss, metrics=named)
    logs = model.evaluate(REAL, y, batch_size=2, verbose=0, return_dict=True)
    assert len(logs) == len(named) + 1
    (function,) = model.test_function.step.functions.values()
    (concrete,) = function.concrete_functions
    assert concrete.function.compiled.host_calls == []
    eager = tf.keras.models.clone_model(model)
    eager.set_weights(model.get_weights())
    eager.compile("sgd", loss, metrics=named, run_eagerly=True)
    again = eager.evaluate(REAL, y, batch_size=2, verbose=0, return_dict=True)
    np.testing.assert_allclose(list(logs.values()), list(again.values()), rtol=2e-5, atol=1e-6)
