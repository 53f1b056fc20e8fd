"""The options that all optimizers have: decay, averages, accumulation, learning rates, configs, errors."""

import inspect
from typing import Any

import numpy as np
import pytest

import eager as tf
from eager.keras import constraints, optimizers
from eager.keras.optimizers import experimental, legacy, schedules
from tests.helpers.optimizer_steps import applied

NAMES = ("SGD", "RMSprop", "Adam", "AdamW", "Adamax", "Nadam", "Adagrad", "Adadelta", "Ftrl", "Adafactor", "Lion")
OPTIONS = ("weight_decay", "clipnorm", "clipvalue", "global_clipnorm", "use_ema", "ema_momentum",
           "ema_overwrite_frequency", "jit_compile", "name")  # fmt: skip


# Signatures and configs ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_signatures_and_configs(name: str) -> None:
    cls = getattr(optimizers, name)
    parameters = inspect.signature(cls.__init__).parameters
    expected = [o for o in OPTIONS if name != "AdamW" or o != "weight_decay"]
    assert list(parameters)[-len(expected) - 1 : -1] == expected
    assert parameters["name"].default == name
    assert parameters["ema_overwrite_frequency"].default == (100 if name == "RMSprop" else None)
    optimizer = cls(clipnorm=2.0, use_ema=True)
    config = optimizer.get_config()
    assert {"name", "learning_rate", "is_legacy_optimizer", *OPTIONS} <= set(config)
    assert config["learning_rate"] == parameters["learning_rate"].default  # not 0.0010000000474974513
    assert set(config) - {"is_legacy_optimizer"} == set(parameters) - {"self", "kwargs"}
    assert cls.from_config(config).get_config() == config
    restored = optimizers.deserialize(optimizers.serialize(optimizer))
    assert type(restored) is cls and restored.get_config() == config
    old = optimizers.serialize(optimizer, use_legacy_format=True)
    assert set(old) == {"class_name", "config"} and type(optimizers.deserialize(old)) is cls
    for identifier in (name, name.lower(), name.upper(), optimizers.serialize(optimizer)):
        assert type(optimizers.get(identifier)) is cls
    assert optimizers.get(optimizer) is optimizer
    assert getattr(experimental, name, cls) is cls


def test_learning_rate_of_a_config_is_a_schedule() -> None:
    optimizer = optimizers.SGD(schedules.ExponentialDecay(1.0, 10, 0.5))
    config = optimizers.serialize(optimizer)
    assert config["config"]["learning_rate"]["class_name"] == "ExponentialDecay"
    rate = optimizers.deserialize(config)._learning_rate
    assert isinstance(rate, schedules.ExponentialDecay) and rate.decay_rate == 0.5
    short = {"class_name": "ExponentialDecay", "config": rate.get_config()}
    assert isinstance(optimizers.Adam.from_config({"learning_rate": short})._learning_rate, schedules.ExponentialDecay)


def test_configs_of_older_and_newer_versions() -> None:
    old = {"class_name": "Adam", "config": {"name": "Adam", "learning_rate": 0.5, "decay": 0.25, "beta_1": 0.8}}
    assert type(optimizers.deserialize(old)) is legacy.Adam
    options = {"name": "adam", "learning_rate": 0.5, "loss_scale_factor": None, "gradient_accumulation_steps": None}
    new = {"module": "keras.optimizers", "class_name": "Adam", "registered_name": None, "config": options}
    assert optimizers.deserialize(new).gradient_accumulation_steps is None
    assert optimizers.Adam(gradient_accumulation_steps=4).get_config()["gradient_accumulation_steps"] == 4


@pytest.mark.parametrize(("make", "error", "words"), [
    (lambda: optimizers.SGD(momentum=1.5), ValueError, "momentum"),
    (lambda: optimizers.SGD(clipnorm=1.0, global_clipnorm=1.0), ValueError, "At most one"),
    (lambda: optimizers.SGD(use_ema=True, ema_momentum=1.5), ValueError, "ema_momentum"),
    (lambda: optimizers.SGD(use_ema=True, ema_overwrite_frequency=1.5), ValueError, "ema_overwrite_frequency"),
    (lambda: optimizers.SGD(gradient_accumulation_steps=1), ValueError, "gradient_accumulation_steps"),
    (lambda: optimizers.SGD(decay=0.1), ValueError, "legacy.SGD"),
    (lambda: optimizers.SGD(speed=1), TypeError, "speed is not a valid argument"),
    (lambda: optimizers.AdamW(weight_decay=None), ValueError, "Missing value of `weight_decay`"),
    (lambda: optimizers.Lion(beta_1=0), ValueError, "SignSGD"),
    (lambda: optimizers.Ftrl(learning_rate_power=1.0), ValueError, "negative or zero"),
    (lambda: optimizers.Ftrl(l1_regularization_strength=-1.0), ValueError, "positive or zero"),
    (lambda: optimizers.get("adma"), ValueError, "did you mean|Did you mean"),
    (lambda: optimizers.get(3), ValueError, "Could not interpret"),
    (lambda: optimizers.get("adam", speed=1), TypeError, "Invalid keyword"),
    (lambda: optimizers.deserialize({"class_name": "Nada", "config": {}}), TypeError, "Could not locate class"),
    (lambda: legacy.SGD(speed=1), TypeError, "Unexpected keyword"),
    (lambda: legacy.SGD(clipnorm=-1.0), ValueError, "clipnorm >= 0"),
    (lambda: legacy.SGD(clipnorm=1.0, global_clipnorm=1.0), ValueError, "Cannot accept both"),
    (lambda: legacy.Nadam(schedules.ExponentialDecay(1.0, 1, 0.5)), ValueError, "does not support"),
])  # fmt: skip
def test_bad_arguments(make: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        make()


# Steps ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("traced", [False, True])
def test_averages_of_weights(traced: bool) -> None:
    v = tf.Variable([1.0, 1.0])
    optimizer = optimizers.SGD(1.0, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=2)
    # after 1: w = 0, mean of 1 and 0; after 2: w = -1, mean -0.25, put in place; and so on
    found = [float(w[0]) for w in applied(optimizer, [[1.0, 1.0]] * 4, v, traced)]
    assert found == [0.0, -0.25, -1.25, -1.5]
    assert [x.name for x in optimizer.variables] == ["iteration:0", "learning_rate:0", "average/Variable:0"]
    optimizer = optimizers.SGD(1.0, use_ema=True, ema_momentum=0.5)
    w = tf.Variable(2.0)
    optimizer.apply_gradients([(tf.constant(1.0), w)])
    optimizer.finalize_variable_values([w])
    assert float(w) == 1.5
    with pytest.raises(KeyError, match="cannot recognize variable"):
        optimizer.finalize_variable_values([v])
    optimizers.SGD().finalize_variable_values([v])


@pytest.mark.parametrize("traced", [False, True])
def test_accumulated_gradients(traced: bool) -> None:
    v = tf.Variable([1.0, 1.0], constraint=constraints.NonNeg())
    optimizer = optimizers.SGD(0.5, momentum=0.5, gradient_accumulation_steps=3, clipvalue=2.0)
    gradients = [[1.0, 0.0], [2.0, 0.0], [0.0, 6.0], [3.0, 0.0], [0.0, 0.0], [0.0, 0.0]]
    found = applied(optimizer, gradients, v, traced)
    for w in (*found[:2], [1.0, 1.0]):
        np.testing.assert_array_equal(w, [1.0, 1.0])
    # means (1, 2), then (1, 0); momentum -0.5 g, then half of it more; NonNeg holds the second at 0
    np.testing.assert_allclose(found[2], [0.5, 0.0])
    np.testing.assert_allclose(found[4], [0.5, 0.0])
    np.testing.assert_allclose(found[5], [0.0, 0.0], atol=1e-7)
    assert int(optimizer.iterations) == 2


def test_accumulation_of_rows_and_steps_of_adam(rng: np.random.Generator) -> None:
    w = rng.normal(size=(4, 2)).astype(np.float32)
    one, two = tf.Variable(w), tf.Variable(w)
    plain, gathering = optimizers.Adam(0.1), optimizers.Adam(0.1, gradient_accumulation_steps=2)
    for _ in range(3):
        values = rng.normal(size=(2, 3, 2)).astype(np.float32)
        rows = [tf.IndexedSlices(tf.constant(x), tf.constant([1, 3, 1]), tf.constant([4, 2])) for x in values]
        plain.apply_gradients([((rows[0].as_tensor() + rows[1].as_tensor()) / 2.0, one)])
        for r in rows:
            gathering.apply_gradients([(r, two)])
    np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-6)


def test_loss_scale_factor() -> None:
    v = tf.Variable([1.0, 2.0])
    optimizer = optimizers.SGD(0.5, loss_scale_factor=1024.0)
    assert float(optimizer.scale_loss(tf.constant(2.0))) == 2048.0
    (gradient, _), = optimizer.compute_gradients(lambda: tf.reduce_sum(v * v), [v])
    np.testing.assert_array_equal(gradient, [2048.0, 4096.0])
    optimizer.minimize(lambda: tf.reduce_sum(v * v), [v])
    np.testing.assert_array_equal(v, [0.0, 0.0])


def test_weight_decay_leaves_out_what_is_excluded() -> None:
    names = ("dense/kernel", "dense/bias", "other/kernel")
    kernel, bias, other = (tf.Variable([1.0, 1.0], name=n) for n in names)
    optimizer = optimizers.SGD(1.0, weight_decay=0.5)
    optimizer.exclude_from_weight_decay(var_list=[kernel], var_names=["bi.s"])
    optimizer.apply_gradients([(tf.zeros(2), v) for v in (kernel, bias, other)])
    assert [float(v[0]) for v in (kernel, bias, other)] == [1.0, 1.0, 0.5]
    with pytest.raises(ValueError, match="before the optimizer is built"):
        optimizer.exclude_from_weight_decay(var_names=["kernel"])


def test_apply_gradients_errors_change_nothing() -> None:
    v, other = tf.Variable([1.0, 2.0], name="v"), tf.Variable([1.0, 2.0], name="other")
    optimizer = optimizers.Adam(0.5, weight_decay=0.1)
    assert int(optimizer.apply_gradients([])) == 0
    with pytest.raises(ValueError, match="No gradients provided for any variable"):
        optimizer.apply_gradients([(None, v)])
    with pytest.raises(KeyError, match="cannot recognize variable other:0"):
        optimizer.apply_gradients([(tf.ones(2), v), (tf.ones(2), other)])
    with pytest.raises(ValueError, match=r"shape \(3,\), expected \(2,\)"):
        optimizer.apply_gradients([(tf.ones(3), v)])
    with pytest.raises(TypeError, match="float64"):
        optimizer.apply_gradients([(tf.ones(2, tf.float64), v)])
    with pytest.raises(ValueError, match="`tape` is required"):
        optimizer.minimize(tf.constant(1.0), [v])
    with pytest.raises(NotImplementedError, match="update_step"):
        optimizers.Optimizer("mine").apply_gradients([(tf.ones(2), v)])
    np.testing.assert_array_equal(v, [1.0, 2.0])
    assert int(optimizer.iterations) == 0
    # Built for all variables given, with a gradient or not.
    fresh = optimizers.Adam()
    with pytest.warns(UserWarning, match="Gradients do not exist"):
        fresh.apply_gradients([(tf.ones(2), v), (None, other)])
    fresh.apply_gradients([(np.ones(2, np.float32), other)], experimental_aggregate_gradients=False)
    assert fresh.aggregate_gradients([(1, 2)]) == [(1, 2)]


# Learning rates ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cls", [optimizers.SGD, legacy.SGD])
def test_a_new_learning_rate_needs_no_new_trace(cls: Any) -> None:
    v = tf.Variable(0.0)
    optimizer = cls(1.0)

    @tf.function(strict=True)
    def step(g: Any) -> Any:
        return optimizer.apply_gradients([(g, v)])

    found = []
    for rate in (1.0, 0.5, 0.25):
        optimizer.learning_rate = rate
        step(tf.constant(1.0))
        found.append(float(v))
        assert float(optimizer.lr) == rate
    assert found == [-1.0, -1.5, -1.75]
    optimizer.lr = 2.0
    assert float(optimizer.learning_rate) == 2.0
    assert len(step.concrete_functions) == 1


@pytest.mark.parametrize("traced", [False, True])
@pytest.mark.parametrize("cls", [optimizers.SGD, legacy.SGD])
def test_schedules_and_functions_as_learning_rates(cls: Any, traced: bool) -> None:
    v = tf.Variable(0.0)
    found = applied(cls(schedules.ExponentialDecay(1.0, 1, 0.5)), [1.0] * 3, v, traced)
    np.testing.assert_allclose(found, [-1.0, -1.5, -1.75])
    rate = tf.Variable(0.5)
    found = applied(cls(lambda: rate * 2.0), [1.0], v, traced)
    np.testing.assert_allclose(found, [-2.75])


def test_setting_learning_rates() -> None:
    scheduled = optimizers.SGD(schedules.ExponentialDecay(1.0, 10, 0.5))
    assert float(scheduled.learning_rate) == 1.0
    with pytest.raises(TypeError, match="LearningRateSchedule"):
        scheduled.learning_rate = 0.1
    scheduled.learning_rate = schedules.InverseTimeDecay(2.0, 1, 1.0)
    assert float(scheduled.lr) == 2.0
    plain = optimizers.SGD(tf.Variable(0.5))
    plain.learning_rate = scheduled._learning_rate
    assert float(plain.learning_rate) == 2.0
    changing = [0.5]
    called = optimizers.SGD(lambda: changing[0])
    changing[0] = 0.25
    assert float(called.learning_rate) == 0.25 == called.get_config()["learning_rate"]
    with pytest.warns(UserWarning, match="`lr` is deprecated"):
        assert float(optimizers.SGD(lr=0.125).learning_rate) == 0.125
    with pytest.raises(ValueError, match="Missing learning rate"):
        _ = optimizers.Optimizer("mine").learning_rate
