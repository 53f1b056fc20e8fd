"""The variables of optimizers: order, saving, copies; and optimizers of one's own."""

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import eager as tf
from eager.keras import optimizers
from eager.keras.optimizers import legacy, schedules
from tests.helpers.optimizer_steps import applied

# State ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "options", "slots"), [
    ("SGD", {"momentum": 0.9}, "m/a m/b"), ("RMSprop", {"momentum": 0.9, "centered": True},
     "velocity/a velocity/b momentum/a momentum/b average_gradient/a average_gradient/b"),
    ("Adam", {"amsgrad": True}, "m/a v/a m/b v/b vhat/a vhat/b"), ("Adamax", {}, "m/a u/a m/b u/b"),
    ("Nadam", {}, "m/a v/a m/b v/b"), ("Adagrad", {}, "accumulator/a accumulator/b"), ("Lion", {}, "m/a m/b"),
    ("Adadelta", {}, "accumulated_grad/a accumulated_delta_var/a accumulated_grad/b accumulated_delta_var/b"),
    ("Ftrl", {}, "accumulator/a linear/a accumulator/b linear/b"), ("Adafactor", {}, "r/a c/a v/a v/b"),
])  # fmt: skip
def test_variables_in_the_order_of_files(name: str, options: Any, slots: str, rng: np.random.Generator) -> None:
    def made() -> tuple[Any, list[Any]]:
        variables = [tf.Variable(np.ones((3, 2), np.float32), name="a"), tf.Variable([1.0, 2.0], name="b")]
        optimizer = getattr(optimizers, name)(0.1, **options)
        optimizer.build(variables)
        return optimizer, variables

    optimizer, variables = made()
    expected = ["iteration:0", "learning_rate:0", *(f"{s}:0" for s in slots.split())]
    assert [v.name for v in optimizer.variables] == expected == [v.name for v in optimizer.variables()]
    gradients = [[tf.constant(rng.normal(size=v.shape.as_list()), tf.float32) for v in variables] for _ in range(4)]
    for g in gradients[:2]:
        optimizer.apply_gradients(zip(g, variables, strict=True))
    store: dict[str, Any] = {}
    optimizer.save_own_variables(store)
    assert sorted(map(int, store)) == list(range(len(expected)))
    other, copies = made()
    for v, w in zip(copies, variables, strict=True):
        v.assign(w)
    other.load_own_variables(store)
    pickled, clones = pickle.loads(pickle.dumps((optimizer, variables)))
    for g in gradients[2:]:
        for o, vs in ((optimizer, variables), (other, copies), (pickled, clones)):
            o.apply_gradients(zip(g, vs, strict=True))
    for v, w, x in zip(variables, copies, clones, strict=True):
        np.testing.assert_allclose(v, w, rtol=1e-6)
        np.testing.assert_array_equal(v, x)


def test_set_weights() -> None:
    v = tf.Variable([1.0, 2.0])
    optimizer = optimizers.Adam(0.5)
    with pytest.raises(ValueError, match="not yet been built"):
        optimizer.set_weights([])
    optimizer.build([v])
    optimizer.set_weights([np.array(3), np.ones(2), 2 * np.ones(2)])  # as tf.keras lists them, without the rate
    assert int(optimizer.iterations) == 3 and float(optimizer.learning_rate) == 0.5
    np.testing.assert_array_equal(optimizer.get_weights()[3], [2.0, 2.0])
    before = optimizer.get_weights()
    with pytest.raises(ValueError, match="has 4 variables, but set_weights got 2"):
        optimizer.set_weights(before[:2])
    with pytest.raises(ValueError, match="not compatible with provided weight shape"):
        optimizer.set_weights([np.array(9), np.array(0.1), np.ones(2), np.ones(3)])
    with pytest.warns(UserWarning, match="Skipping variable loading"):
        optimizer.load_own_variables({"0": 1})
    for a, b in zip(before, optimizer.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_iterations_can_be_set_before_the_first_step() -> None:
    v = tf.Variable(0.0)
    optimizer = optimizers.SGD(schedules.ExponentialDecay(1.0, 1, 0.5))
    optimizer.iterations = tf.Variable(2, dtype=tf.int64)
    optimizer.apply_gradients([(tf.constant(1.0), v)])
    assert float(v) == -0.25 and int(optimizer.variables[0]) == 3
    with pytest.raises(RuntimeError, match="Cannot set `iterations`"):
        optimizer.iterations = 5


def test_deep_copies_are_apart() -> None:
    v = tf.Variable([1.0, 1.0])
    optimizer = optimizers.Adam(0.5)
    optimizer.apply_gradients([(tf.ones(2), v)])
    other, w = copy.deepcopy((optimizer, v))
    other.apply_gradients([(tf.ones(2), w)])
    assert int(optimizer.iterations) == 1 and int(other.iterations) == 2
    assert float(w[0]) < float(v[0])


# Optimizers of one's own ---------------------------------------------------------------------------------------------


class Signed(optimizers.Optimizer):
    """Momentum and signs, written as the guides of tf.keras do."""

    def __init__(self, learning_rate: Any = 0.1, name: str = "Signed", **kwargs: Any) -> None:
        super().__init__(name, **kwargs)
        self._learning_rate = self._build_learning_rate(learning_rate)

    def build(self, var_list: Any) -> None:
        super().build(var_list)
        if self._built:
            return
        self.m = [self.add_variable_from_reference(model_variable=v, variable_name="m") for v in var_list]
        self.calls = self.add_variable((), "int32", name="calls")
        self._built = True

    def update_step(self, gradient: Any, variable: Any) -> None:
        m = self.m[self._index_dict[self._var_key(variable)]]
        m.assign(0.5 * m + gradient)
        self.calls.assign_add(1)
        variable.assign_sub(tf.sign(m) * tf.cast(self.learning_rate, variable.dtype))


@pytest.mark.parametrize("traced", [False, True])
def test_an_optimizer_of_ones_own(traced: bool) -> None:
    v = tf.Variable([0.0, 0.0])
    optimizer = Signed(0.25)
    found = applied(optimizer, [[1.0, -1.0], [-0.25, 0.25], [-1.0, 1.0]], v, traced)
    np.testing.assert_array_equal(found, [[-0.25, 0.25], [-0.5, 0.5], [-0.25, 0.25]])
    assert int(optimizer.calls) == 3
    assert [x.name for x in optimizer.variables][2:] == ["m/Variable:0", "calls:0"]
    with tf.keras.utils.custom_object_scope({"Signed": Signed}):
        assert isinstance(optimizers.get("Signed"), Signed)


class Plain(legacy.Optimizer):
    """An older optimizer, written as its base wants it."""

    def __init__(self, learning_rate: Any = 0.1, name: str = "Plain", **kwargs: Any) -> None:
        super().__init__(name, **kwargs)
        self._set_hyper("learning_rate", kwargs.get("lr", learning_rate))
        self._set_hyper("decay", self._initial_decay)

    def _create_slots(self, var_list: Any) -> None:
        for v in var_list:
            self.add_slot(v, "seen")

    def _resource_apply_dense(self, grad: Any, handle: Any, apply_state: Any = None) -> Any:
        lr_t = self._fallback_apply_state(handle.device, handle.dtype)["lr_t"]
        self.get_slot(handle, "seen").assign_add(tf.abs(grad))
        return handle.assign_sub(lr_t * grad)

    def _resource_apply_sparse(self, grad: Any, handle: Any, indices: Any, apply_state: Any = None) -> Any:
        lr_t = self._decayed_lr(handle.dtype)
        return handle.scatter_sub(tf.IndexedSlices(lr_t * grad, indices))


@pytest.mark.parametrize("traced", [False, True])
def test_an_older_optimizer_of_ones_own(traced: bool) -> None:
    v = tf.Variable([0.0, 0.0])
    optimizer = Plain(lr=1.0, decay=1.0, gradient_transformers=[lambda pairs: [(2.0 * g, v) for g, v in pairs]])
    found = applied(optimizer, [[1.0, -1.0], [1.0, 1.0]], v, traced)
    np.testing.assert_array_equal(found, [[-2.0, 2.0], [-3.0, 1.0]])  # rates 1, then 1/2
    np.testing.assert_array_equal(optimizer.get_slot(v, "seen"), [4.0, 4.0])
    assert optimizer.get_slot_names() == ["seen"]
    w = tf.Variable([0.0, 0.0, 0.0])
    Plain(1.0).apply_gradients([(tf.IndexedSlices(tf.constant([1.0, 2.0]), tf.constant([2, 2]), tf.constant([3])), w)])
    np.testing.assert_array_equal(w, [0.0, 0.0, -3.0])


def test_older_optimizers() -> None:
    v, w = tf.Variable([1.0, 2.0], name="v"), tf.Variable([1.0], name="w")
    optimizer = legacy.Adam(lr=0.5, decay=0.1, clipnorm=1.0)
    optimizer.minimize(lambda: tf.reduce_sum(v * v), [v])
    optimizer.apply_gradients([(tf.ones(1), w)])  # a new variable, at any time
    names = ["Adam/iter:0", "Adam/v/m:0", "Adam/v/v:0", "Adam/w/m:0", "Adam/w/v:0"]
    assert [x.name for x in optimizer.weights] == names == [x.name for x in optimizer.variables()]
    config = optimizer.get_config()
    assert config == {"name": "Adam", "clipnorm": 1.0, "learning_rate": 0.5, "decay": 0.1, "beta_1": 0.9,
                      "beta_2": 0.999, "epsilon": 1e-7, "amsgrad": False}  # fmt: skip
    restored = optimizers.deserialize(optimizers.serialize(optimizer))
    assert type(restored) is legacy.Adam and restored.get_config() == config
    optimizer.beta_1 = 0.5
    assert float(optimizer.beta_1) == 0.5 == optimizer.get_config()["beta_1"]
    assert type(optimizers.get("nadam", use_legacy_optimizer=True)) is legacy.Nadam
    assert legacy.Nadam().get_config()["decay"] == 0.004
    with pytest.raises(AttributeError, match="speed"):
        _ = optimizer.speed
    with pytest.raises(NotImplementedError, match="_resource_apply_dense"):
        legacy.Optimizer("bare").apply_gradients([(tf.ones(1), w)])
    copied, x = copy.deepcopy((optimizer, v))
    copied.apply_gradients([(tf.ones(2), x)])
    assert int(copied.iterations) == 3 and int(optimizer.iterations) == 2
