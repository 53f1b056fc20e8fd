"""Older names of tf.keras, and what code written for them asks of a model."""

import numpy as np
import pytest

import eager as tf

L = tf.keras.layers


def model():
    tf.keras.utils.set_random_seed(3)
    made = tf.keras.Sequential([tf.keras.Input((3,), name="in"), L.Dense(1, name="a")])
    made.compile("sgd", "mse")
    return made


def batches():
    while True:
        yield np.ones((2, 3), np.float32), np.ones((2, 1), np.float32)


def test_generators():
    older, newer = model(), model()
    one = older.fit_generator(batches(), 3, epochs=2, verbose=0).history
    assert one == newer.fit(batches(), steps_per_epoch=3, epochs=2, verbose=0).history
    assert older.evaluate_generator(batches(), 2, verbose=0) == newer.evaluate(batches(), steps=2, verbose=0)
    assert older.predict_generator(batches(), 2).shape == (4, 1)


def test_what_a_model_tells_of_itself():
    class Nested(tf.keras.Model):
        def __init__(self):
            super().__init__()
            self.first, self.rest = L.Dense(2), [L.Dense(2)]

        def call(self, x):
            return self.rest[0](self.first(x))

    nested = Nested()
    assert nested.save_spec() is None
    nested(np.ones((2, 3)))
    assert list(nested.get_weight_paths()) == ["first.kernel", "first.bias", "rest.0.kernel", "rest.0.bias"]
    assert nested.get_weight_paths()["rest.0.bias"] is nested.rest[0].bias
    assert list(model().get_weight_paths()) == ["a.kernel", "a.bias"]
    ((spec,), keywords) = model().save_spec()
    assert spec.shape.as_list() == [None, 3] and spec.name == "in" and not keywords
    assert nested.save_spec()[0][0].shape.as_list() == [None, 3]
    made = model()
    made.compile("sgd", "mse", steps_per_execution=4)
    assert made.steps_per_execution == 4 and made.state_updates == [] and not made.autotune_steps_per_execution
    assert made.distribute_reduction_method == "auto"
    with pytest.raises(RuntimeError, match="to_json"):
        made.to_yaml()


def test_progress_can_go_to_a_logger(capsys, caplog):
    utils = tf.keras.utils
    assert utils.is_interactive_logging_enabled()
    model().fit(np.ones((2, 3)), np.ones((2, 1)), verbose=2)
    assert "loss: " in capsys.readouterr().out
    utils.disable_interactive_logging()
    try:
        with caplog.at_level("INFO", "layerjit"):
            model().fit(np.ones((2, 3)), np.ones((2, 1)), verbose=2)
    finally:
        utils.enable_interactive_logging()
    assert not capsys.readouterr().out and "loss: " in caplog.text and caplog.records[0].name == "layerjit"
