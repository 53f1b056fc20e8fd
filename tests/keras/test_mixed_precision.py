"""Policies, and the optimizer that scales losses."""

import copy
from collections.abc import Generator
from typing import Any

import numpy as np
import pytest

import eager as tf
from eager.keras import mixed_precision, optimizers, utils
from eager.keras.layers import Dense, Input
from eager.keras.mixed_precision import LossScaleOptimizer, Policy
from eager.keras.optimizers import legacy


@pytest.fixture(autouse=True)
def _default_policy() -> Generator[None]:
    yield
    mixed_precision.set_global_policy(None)


def after(optimizer: Any, v: Any, gradients: Any, traced: bool) -> list[tuple[float, float, int, int]]:
    """Value, scale, counter and iterations after each step."""

    def step(g: Any) -> Any:
        return optimizer.apply_gradients([(g, v)])

    run: Any = tf.function(step, strict=True) if traced else step
    found = []
    for g in gradients:
        run(tf.constant([g, 1.0]))
        counter = -1 if optimizer.dynamic_counter is None else int(optimizer.dynamic_counter)
        found.append((float(v[0]), float(optimizer.loss_scale), counter, int(optimizer.iterations)))
    if traced:
        assert [e.kind for e in run.ledger] == ["trace"]
        assert run.concrete_functions[0].function.compiled.host_calls == []
    return found


# Policies ------------------------------------------------------------------------------------------------------------


def test_policies() -> None:
    mixed = Policy("mixed_float16")
    assert (mixed.compute_dtype, mixed.variable_dtype, mixed.name) == ("float16", "float32", "mixed_float16")
    assert Policy("mixed_bfloat16").compute_dtype == "bfloat16"
    assert Policy("float64").compute_dtype == Policy("float64").variable_dtype == "float64"
    assert repr(mixed) == '<Policy "mixed_float16">'
    assert Policy.from_config(mixed.get_config()) == mixed
    assert mixed_precision.deserialize(mixed_precision.serialize(mixed)) == mixed
    assert mixed_precision.serialize(Policy("float32")) == "float32"
    for bad in ("foo", "MIXED_FLOAT16", "mixed_float64"):
        with pytest.raises(ValueError, match="Cannot convert value"):
            Policy(bad)
    with pytest.raises(TypeError, match="not a DType"):
        Policy(tf.float16)  # type: ignore[arg-type]


def test_the_global_policy() -> None:
    assert mixed_precision.global_policy().name == "float32"
    mixed_precision.set_global_policy("mixed_bfloat16")
    layer = Dense(1)
    assert (layer.compute_dtype, layer.dtype) == ("bfloat16", "float32")
    mixed_precision.set_global_policy(None)
    assert Dense(1).compute_dtype == "float32"
    for bad in ("int32", "bool"):
        with pytest.raises(ValueError, match="floating-point policies"):
            mixed_precision.set_global_policy(bad)
    with pytest.raises(TypeError, match="must be a string"):
        mixed_precision.set_global_policy(3)


# Loss scaling --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("traced", [False, True])
@pytest.mark.parametrize("cls", [optimizers.SGD, legacy.SGD])
def test_steps_with_bad_gradients_are_left_out(cls: Any, traced: bool) -> None:
    v = tf.Variable([10.0, 10.0])
    optimizer = LossScaleOptimizer(cls(1.0, momentum=0.5), initial_scale=4.0, dynamic_growth_steps=2)
    inf, nan = np.inf, np.nan
    found = after(optimizer, v, [1.0, 1.0, inf, 1.0, nan, nan, nan, nan, -inf], traced)
    # momentum -1, -1.5, then left out, -1.75
    assert [x[0] for x in found] == [9.0, 7.5, 7.5, 5.75, 5.75, 5.75, 5.75, 5.75, 5.75]
    assert [x[1] for x in found] == [4.0, 8.0, 4.0, 4.0, 2.0, 1.0, 1.0, 1.0, 1.0]
    assert [x[2] for x in found] == [1, 0, 0, 1, 0, 0, 0, 0, 0]
    assert found[-1][3] == 9


def test_the_scale_stays_finite() -> None:
    optimizer = LossScaleOptimizer(optimizers.SGD(0.0), initial_scale=2.0**127, dynamic_growth_steps=1)
    assert [x[1:3] for x in after(optimizer, tf.Variable([1.0, 1.0]), [1.0, 1.0], False)] == [(2.0**127, 0)] * 2


@pytest.mark.parametrize("traced", [False, True])
def test_a_fixed_scale(traced: bool) -> None:
    v = tf.Variable([1.0, 1.0])
    optimizer = LossScaleOptimizer(optimizers.SGD(1.0), dynamic=False, initial_scale=8.0)
    assert after(optimizer, v, [8.0, np.inf], traced) == [(-7.0, 8.0, -1, 1), (-np.inf, 8.0, -1, 2)]
    assert optimizer.dynamic is False and optimizer.dynamic_growth_steps is None


def test_scaling_and_unscaling() -> None:
    optimizer = LossScaleOptimizer(optimizers.SGD(0.5))
    assert float(optimizer.get_scaled_loss(tf.constant(2.0))) == 2.0**16
    assert optimizer.get_scaled_loss(tf.constant(1.0, tf.float16)).dtype == tf.float16
    assert float(optimizer.get_scaled_loss(lambda: tf.constant(2.0))()) == 2.0**16
    rows = tf.IndexedSlices(tf.constant([[2.0**15]]), tf.constant([1]), tf.constant([2, 1]))
    one, none, sliced = optimizer.get_unscaled_gradients([tf.constant([2.0**16]), None, rows])
    assert float(one[0]) == 2.0 and none is None and float(sliced.values[0, 0]) == 1.0


@pytest.mark.parametrize("traced", [False, True])
def test_small_gradients_survive(traced: bool) -> None:
    # The gradient, 2 ** -30, is 0 in float16; 2 ** 15 times as much is not.
    w = tf.Variable(1.0)
    optimizer = LossScaleOptimizer(optimizers.SGD(1e4))

    def step(x: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = tf.cast(tf.cast(w, tf.float16) * x, tf.float32) * 2.0**-20
        return optimizer.minimize(loss, [w], tape=tape)

    (tf.function(step, strict=True) if traced else step)(tf.constant(2.0**-10, tf.float16))
    assert float(w) == pytest.approx(1.0 - 1e4 * 2.0**-30, rel=1e-6)
    optimizer.minimize(lambda: tf.cast(tf.cast(w, tf.float16), tf.float32), lambda: [w])
    with pytest.raises(ValueError, match="`tape` is required"):
        optimizer.minimize(tf.constant(1.0), [w])


def test_attributes_are_the_inner_optimizers() -> None:
    inner = optimizers.SGD(0.5, momentum=0.75)
    optimizer = LossScaleOptimizer(inner)
    assert isinstance(optimizer, optimizers.Optimizer) and optimizer.inner_optimizer is inner
    assert (optimizer.momentum, optimizer.name, optimizer.clipnorm) == (0.75, "SGD", None)
    optimizer.learning_rate = 0.25
    optimizer.nesterov = True
    assert float(inner.learning_rate) == 0.25 == float(optimizer.lr) and inner.nesterov is True
    optimizer.note = 3
    assert not hasattr(inner, "note")
    with pytest.raises(AttributeError, match="nope"):
        _ = optimizer.nope
    with pytest.raises(AttributeError):
        optimizer.dynamic = False  # type: ignore[misc]
    older = LossScaleOptimizer(legacy.SGD(0.5, momentum=0.75))
    older.lr = 0.125
    assert float(older.inner_optimizer.learning_rate) == 0.125 and float(older.momentum) == 0.75


def test_states_and_configs() -> None:
    v = tf.Variable([1.0, 1.0])
    optimizer = LossScaleOptimizer(optimizers.Adam(0.25), initial_scale=8.0, dynamic_growth_steps=5)
    after(optimizer, v, [1.0, np.nan, 1.0], False)
    store: dict[str, Any] = {}
    optimizer.save_own_variables(store)
    other = LossScaleOptimizer(optimizers.Adam(0.5), initial_scale=8.0, dynamic_growth_steps=5)
    other.build([v])
    other.load_own_variables(store)
    assert (float(other.loss_scale), int(other.dynamic_counter), int(other.iterations)) == (4.0, 1, 3)
    for a, b in zip(optimizer.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    copied, _ = copy.deepcopy((optimizer, v))
    assert float(copied.loss_scale) == 4.0 and copied.inner_optimizer is not optimizer.inner_optimizer
    config = optimizer.get_config()
    assert set(config) == {"inner_optimizer", "dynamic", "initial_scale", "dynamic_growth_steps"}
    restored = optimizers.deserialize(optimizers.serialize(optimizer))
    assert isinstance(restored, LossScaleOptimizer) and restored.get_config() == config
    named = optimizers.get({"class_name": "LossScaleOptimizerV3", "config": config})
    assert named.get_config() == config


@pytest.mark.parametrize(("make", "error", "words"), [
    (lambda: LossScaleOptimizer("sgd"), TypeError, "must be an instance"),
    (lambda: LossScaleOptimizer(LossScaleOptimizer(optimizers.SGD())), TypeError, "cannot wrap another"),
    (lambda: LossScaleOptimizer(optimizers.SGD(), dynamic="dynamic"), TypeError, "must be a bool"),
    (lambda: LossScaleOptimizer(optimizers.SGD(), dynamic=False), ValueError, "must be specified"),
    (lambda: LossScaleOptimizer(optimizers.SGD(), False, 2.0, 3), ValueError, "must be None"),
])  # fmt: skip
def test_bad_arguments(make: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        make()


@pytest.mark.parametrize("traced", [False, True])
def test_accumulation_inside_of_loss_scaling(traced: bool) -> None:
    v = tf.Variable([0.0, 0.0])
    inner = optimizers.SGD(1.0, gradient_accumulation_steps=2, use_ema=True, ema_momentum=0.0)
    optimizer = LossScaleOptimizer(inner, initial_scale=4.0)
    assert [x[0] for x in after(optimizer, v, [1.0, 3.0, 1.0, 1.0], traced)] == [0.0, -2.0, -2.0, -3.0]
    optimizer.finalize_variable_values([v])
    assert float(v[0]) == -3.0


# Models --------------------------------------------------------------------------------------------------------------


def model(**options: Any) -> Any:
    return tf.keras.Sequential([Input((3,)), Dense(4, activation="relu", **options), Dense(1, **options)])


def test_compile_wraps_optimizers_of_mixed_float16_models() -> None:
    plain = model()
    mixed_precision.set_global_policy("mixed_float16")
    mixed = model()
    for given in ("adam", optimizers.SGD(), legacy.SGD()):
        mixed.compile(given, "mse")
        assert isinstance(mixed.optimizer, LossScaleOptimizer)
    own = LossScaleOptimizer(optimizers.SGD())
    mixed.compile(own, "mse")
    assert mixed.optimizer is own
    plain.compile("adam", "mse")
    assert isinstance(plain.optimizer, optimizers.Adam)
    mixed_precision.set_global_policy("mixed_bfloat16")
    other = model()
    other.compile("adam", "mse")
    assert isinstance(other.optimizer, optimizers.Adam)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_fit_learns_in_mixed_precision(policy: str, rng: np.random.Generator) -> None:
    utils.set_random_seed(2)
    x = rng.normal(size=(64, 3)).astype(np.float32)
    y = x @ np.array([[1.0], [-2.0], [0.5]], np.float32)
    mixed_precision.set_global_policy(policy)
    net = model()
    net.compile(optimizers.Adam(0.02), "mse")
    losses = net.fit(x, y, epochs=25, batch_size=24, verbose=0).history["loss"]
    assert losses[-1] < 0.2 * losses[0]
    assert all(w.dtype == np.float32 for w in net.get_weights())
    functions = list(net.train_function.step.functions.values())
    assert [e.kind for f in functions for e in f.ledger] == ["trace"]
    assert functions[0].concrete_functions[0].function.compiled.host_calls == []
