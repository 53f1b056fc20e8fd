"""One layer through everything a layer must do: values, shapes, symbolic batch, training, gradients, precision, config.

Rows are added by the modules `layer_cases_*` with `case`; tests/keras/test_layer_table.py runs every step on every row.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import eager as tf

SEED = 20240229
Array = np.ndarray


class LayerCase(NamedTuple):
    """A layer, the arguments of a call, and what is known about it.

    Attributes:
        name: what the row shows.
        make: gives a new layer; takes the keywords of Layer (dtype, name).
        args: positional arguments of the call: arrays, or lists of arrays, whose first axis is the batch of at least 2.
        reference: the outputs by NumPy from the weights (a list of arrays in the order of `weights`) and the arguments.
        training: the same in training mode; None where it is as `reference` or random.
        random: whether training draws random numbers.
        smooth: whether outputs are differentiable at the arguments, for central differences.
        mixed: whether the layer computes in the 16-bit dtype of a mixed policy.
        trains: whether the layer stands in a model that fit trains.
        call: keywords of the call that are no tensors of the batch, such as `return_attention_scores`.
    """

    name: str
    make: Callable[..., Any]
    args: tuple[Any, ...]
    reference: Callable[..., Any] | None = None
    training: Callable[..., Any] | None = None
    random: bool = False
    smooth: bool = True
    mixed: bool = True
    trains: bool = True
    call: dict[str, Any] = {}  # noqa: RUF012 (never changed)


CASES: list[LayerCase] = []


def case(name: str, make: Callable[..., Any], *args: Any, **known: Any) -> None:
    """Adds a row; `known` are the fields of LayerCase."""
    CASES.append(LayerCase(name, make, args, **known))


# Making things of a row ---------------------------------------------------------------------------------------------


def narrow(x: Any, dtype: str = "float32") -> Any:
    """The arguments with floats in another dtype."""
    return tf.nest.map_structure(lambda a: a.astype(dtype) if a.dtype.kind == "f" else a, x)


def tensors(args: Any, dtype: str) -> list[Any]:
    return [tf.nest.map_structure(tf.constant, narrow(a, dtype)) for a in args]


def randomize(layer: Any) -> None:
    """Weights whose effect shows: no zeros or ones; variances stay positive."""
    rng = np.random.default_rng(SEED)
    for v in layer.weights:
        if v.dtype.is_floating:
            low, high = (0.5, 1.5) if "variance" in v.name or "gamma" in v.name else (-0.7, 0.7)
            v.assign(rng.uniform(low, high, v.shape).astype(v.dtype.as_numpy_dtype))


def built(row: LayerCase, dtype: str) -> tuple[Any, list[Any]]:
    """A layer with random weights, and its arguments as tensors."""
    tf.keras.utils.set_random_seed(SEED)
    layer = row.make(dtype=dtype)
    inputs = tensors(row.args, "float32" if dtype.startswith("mixed") else dtype)
    layer(*inputs, **row.call)
    randomize(layer)
    return layer, inputs


def flat(outputs: Any) -> list[Any]:
    return [np.asarray(t) for t in tf.nest.flatten(outputs)]


def same(got: Any, want: Any, rtol: float, atol: float | None = None) -> None:
    """Leaf by leaf within a tolerance, relative to the largest element too."""
    got, want = flat(got), [np.asarray(w) for w in tf.nest.flatten(want)]
    assert len(got) == len(want)
    for g, w in zip(got, want, strict=True):
        assert g.shape == w.shape, (g.shape, w.shape)
        scale = float(np.max(np.abs(w[np.isfinite(w)]), initial=1.0)) if w.dtype.kind == "f" else 1.0
        np.testing.assert_allclose(g.astype(w.dtype), w, rtol=rtol, atol=rtol * scale if atol is None else atol)


class Scale(tf.keras.layers.Layer):
    """Multiplies by a trainable number, so that training needs the gradient with respect to a layer's input."""

    def build(self, input_shape: Any) -> None:
        self.scale = self.add_weight("scale", (), initializer="ones")

    def call(self, inputs: Any) -> Any:
        return inputs * self.scale


def model_of(row: LayerCase, randomized: bool = True) -> Any:
    """A functional model of the layer with an open batch size, a Scale before each floating input."""
    tf.keras.utils.set_random_seed(SEED)
    inputs = [tf.nest.map_structure(lambda a: tf.keras.Input(a.shape[1:], dtype=a.dtype), narrow(x)) for x in row.args]
    scaled = [tf.nest.map_structure(lambda t: Scale()(t) if t.dtype.is_floating else t, x) for x in inputs]
    layer = row.make()
    outputs = layer(*scaled, **row.call)
    if randomized:
        randomize(layer)
    return tf.keras.Model(tf.nest.flatten(inputs), outputs)


def model_inputs(row: LayerCase, rows: slice = slice(None)) -> list[Any]:
    return [a[rows] for a in tf.nest.flatten(narrow(list(row.args)))]


# Steps --------------------------------------------------------------------------------------------------------------


def check_values(row: LayerCase) -> None:
    """Eager outputs in float64 are those of NumPy, in both modes; a second call gives them again."""
    if row.reference is None:
        pytest.skip("no reference in this row")
    layer, inputs = built(row, "float64")
    weights = [v.numpy() for v in layer.weights]
    same(layer(*inputs, training=False, **row.call), row.reference(weights, *row.args), 1e-7)
    if row.training is not None or not row.random:
        wanted = (row.training or row.reference)(weights, *row.args)
        same(layer(*inputs, training=True, **row.call), wanted, 1e-7)


def check_shapes(row: LayerCase) -> None:
    """Symbolic shapes and compute_output_shape are the shapes of the outputs, with the batch open."""
    model = model_of(row)
    outputs = flat(model(model_inputs(row)))
    for tensor, array in zip(tf.nest.flatten(model.outputs), outputs, strict=True):
        assert len(tensor.shape) == array.ndim
        assert all(d is None or d == n for d, n in zip(tensor.shape.as_list(), array.shape, strict=True))
        assert tensor.dtype.as_numpy_dtype == array.dtype
    if len(row.args) == 1 and not row.call:
        shapes = tf.nest.map_structure(lambda a: tf.TensorShape(a.shape), row.args[0])
        found = row.make().compute_output_shape(shapes)
        found = [found] if isinstance(found, tf.TensorShape) or len(outputs) == 1 else list(found)
        assert [tuple(tf.TensorShape(s).as_list()) for s in found] == [a.shape for a in outputs]


def check_inference(row: LayerCase) -> None:
    """Compiled with an open batch: what eager gives, for two batch sizes with one trace and no call back to Python."""
    model = model_of(row)
    for rows in (slice(None), slice(0, 1)):
        x = model_inputs(row, rows)
        same(model.predict_on_batch(x), model(x, training=False), 2e-5)
    concrete = only_trace(model.predict_function.step)
    assert concrete.function.compiled.host_calls == []


def only_trace(step: Any) -> Any:
    """The one trace of a step; fails if it was traced again or fell back."""
    (function,) = step.functions.values()
    (concrete,) = function.concrete_functions
    return concrete


def check_training(row: LayerCase) -> None:
    """fit, compiled, leaves the weights that fit as Python leaves; one trace serves the short last batch."""
    if not row.trains:
        pytest.skip("not a layer to train through")
    finals, seen = [], []
    for eagerly in (True, False):
        model = trained(row, eagerly)
        finals.append([v.numpy() for v in model.weights])
        seen.append(model)
    same(finals[1], finals[0], 3e-4)
    concrete = only_trace(seen[1].train_function.step)
    assert concrete.function.compiled.host_calls == []


def trained(row: LayerCase, eagerly: bool) -> Any:
    """The row's model after two epochs of three steps, the last of them short."""
    whole = model_of(row)
    first = next(t for t in whole.outputs if t.dtype.is_floating)
    model = tf.keras.Model(whole.inputs, first)
    x = [np.concatenate([a, a, a[:1]]) for a in model_inputs(row)]
    y = np.zeros((len(x[0]), *first.shape.as_list()[1:]), "float32")
    y[:] = np.random.default_rng(SEED).normal(size=y.shape)
    model.compile(tf.keras.optimizers.SGD(0.05), "mse", run_eagerly=eagerly)
    tf.keras.utils.set_random_seed(SEED)
    model.fit(x, y, batch_size=len(row.args[0] if isinstance(row.args[0], Array) else tf.nest.flatten(row.args)[0]),
              epochs=2, shuffle=False, verbose=0)  # fmt: skip
    return model


def check_gradients(row: LayerCase) -> None:
    """Gradients of inputs and weights are central differences, in float64."""
    if not row.smooth:
        pytest.skip("not differentiable at these arguments")
    layer, inputs = built(row, "float64")
    rng = np.random.default_rng(SEED)
    sources = [t for t in tf.nest.flatten(inputs) if t.dtype.is_floating] + list(layer.trainable_weights)
    if not sources:
        pytest.skip("nothing to differentiate by")
    factors = [rng.normal(size=a.shape) for a in flat(layer(*inputs, **row.call))]

    def total(args: Any) -> Any:
        outputs = tf.nest.flatten(layer(*args, training=False, **row.call))
        pairs = [(t, f) for t, f in zip(outputs, factors, strict=True) if t.dtype.is_floating]
        return sum((tf.reduce_sum(t * f) for t, f in pairs), tf.constant(0.0, tf.float64))

    with tf.GradientTape() as tape:
        tape.watch(sources)
        value = total(inputs)
    gradients = tape.gradient(value, sources, unconnected_gradients="zero")
    for source, gradient in zip(sources, gradients, strict=True):
        direction = rng.normal(size=source.shape)
        slope = float(np.sum(tf.convert_to_tensor(gradient).numpy() * direction))
        ends = [float(moved(total, inputs, source, sign * 1e-6 * direction)) for sign in (1, -1)]
        assert slope == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-5, abs=1e-7), getattr(source, "name", "input")


def moved(total: Callable[[Any], Any], inputs: Any, source: Any, change: Array) -> Any:
    """The total with one input or weight moved a little."""
    if isinstance(source, tf.Variable):
        before = source.numpy()
        source.assign(before + change)
        try:
            return total(inputs)
        finally:
            source.assign(before)
    return total([tf.nest.map_structure(lambda t: t + change if t is source else t, x) for x in inputs])


def check_mixed(row: LayerCase) -> None:
    """Under mixed_bfloat16 the layer computes in bfloat16, keeps float32 variables, and stays near to float32."""
    if not row.mixed:
        pytest.skip("does not follow the compute dtype")
    layer, inputs = built(row, "mixed_bfloat16")
    outputs = tf.nest.flatten(layer(*inputs, training=False, **row.call))
    plain, _ = built(row, "float32")
    assert all(v.dtype == w.dtype for v, w in zip(layer.weights, plain.weights, strict=True))
    wanted = tf.nest.flatten(plain(*inputs, training=False, **row.call))
    for got, want in zip(outputs, wanted, strict=True):
        if want.dtype.is_floating:
            assert got.dtype == tf.bfloat16
            same(tf.cast(got, "float32"), want, 0.06)


def check_config(row: LayerCase) -> None:
    """The config is plain data that makes the same layer again."""
    layer, inputs = built(row, "float32")
    config = layer.get_config()
    again = type(layer).from_config(json.loads(json.dumps(config)))
    assert json.dumps(again.get_config()) == json.dumps(config)
    through = tf.keras.layers.deserialize(json.loads(json.dumps(tf.keras.layers.serialize(layer))))
    assert type(through) is type(layer)
    through(*inputs, **row.call)
    through.set_weights(layer.get_weights())
    same(through(*inputs, training=False, **row.call), layer(*inputs, training=False, **row.call), 0, 0)


def check_saving(row: LayerCase) -> None:
    """A `.keras` file gives the model again, with equal outputs; its weights fit into a fresh model too."""
    pytest.importorskip("h5py")
    model = model_of(row)
    x = model_inputs(row)
    wanted = model(x, training=False)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.keras")
        model.save(path)
        with tf.keras.utils.custom_object_scope({"Scale": Scale}):
            loaded = tf.keras.models.load_model(path)
        same(loaded(x, training=False), wanted, 0, 0)
        assert [(v.shape, v.dtype) for v in loaded.weights] == [(v.shape, v.dtype) for v in model.weights]
        fresh = model_of(row, randomized=False)
        fresh.load_weights(path)
        same(fresh(x, training=False), wanted, 0, 0)


def check_frozen(row: LayerCase) -> None:
    """A frozen layer keeps all its weights and trains none; unfrozen it has them back."""
    layer, inputs = built(row, "float32")
    trainable, count = len(layer.trainable_weights), len(layer.weights)
    before = layer(*inputs, training=False, **row.call)
    layer.trainable = False
    assert layer.trainable_weights == [] and len(layer.non_trainable_weights) == count
    same(layer(*inputs, training=False, **row.call), before, 0, 0)
    layer.trainable = True
    assert len(layer.trainable_weights) == trainable


STEPS: dict[str, Callable[[LayerCase], None]] = {
    name.removeprefix("check_"): step for name, step in sorted(globals().items()) if name.startswith("check_")
}
