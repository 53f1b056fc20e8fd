"""Every public name of TensorFlow for dense tensors is here, or says why it is not and what to use instead."""

import functools

import pytest
from tf_names import NAMES

import eager as tf
from eager.absent import ABSENT
from eager.ops.public import NAMES as FUNCTIONS

OPEN = {
    "tf": """
        extract_volume_patches get_current_name_scope get_logger nondifferentiable_batch_function
        register_tensor_conversion_function timestamp type_spec_from_value variable_creator_scope
        AggregationMethod CriticalSection DeviceSpec IndexedSlicesSpec OptionalSpec TensorArraySpec TypeSpec
    """,
    "tf.math": "",
    "tf.nn": """
        collapse_repeated ctc_beam_search_decoder ctc_greedy_decoder ctc_unique_labels depthwise_conv2d_backprop_filter
        depthwise_conv2d_backprop_input with_space_to_batch
    """,
    "tf.linalg": "banded_triangular_solve eigh_tridiagonal lu lu_matrix_inverse lu_reconstruct lu_solve",
}
"""Names that are neither here nor refused with a remedy: rare, and not yet written."""


def place_name(name):
    return "tf." + name.rpartition(".")[0] if "." in name else "tf"


def place(title):
    return functools.reduce(getattr, title.split(".")[1:], tf)


@pytest.mark.parametrize("title", NAMES)
def test_names_are_here_or_left_out_with_a_remedy(title):
    left_out = {name for name in ABSENT if place_name(name) == title}
    missing = [n for n in NAMES[title].split() if not hasattr(place(title), n) and f"{title}.{n}"[3:] not in ABSENT]
    assert not set(missing) - set(OPEN[title].split())
    assert not any(hasattr(place(title), name.rpartition(".")[2]) for name in left_out)


def test_what_is_left_out_is_unsupported_and_missing():
    for name, remedy in ABSENT.items():
        where, _, last = name.rpartition(".")
        space = place(f"tf.{where}" if where else "tf")
        assert len(remedy) > 9 and not hasattr(space, last) and name not in FUNCTIONS
        with pytest.raises(tf.errors.UnsupportedError, match=f"no tf.{name}"):
            getattr(space, last)


def test_an_unknown_name_names_its_neighbours():
    with pytest.raises(AttributeError, match=r"did you mean.*matmul"):
        _ = tf.linalg.matmull
    assert not hasattr(tf.math, "no_such_function")


def test_dtypes_and_words_of_variables():
    assert tf.dtypes.float32 is tf.float32 and tf.dtypes.as_dtype("int8") is tf.int8
    assert tf.dtypes.cast(1.5, tf.dtypes.int32).numpy() == 1 and tf.dtypes.saturate_cast(300, tf.uint8).numpy() == 255
    assert tf.VariableSynchronization.ON_READ.name == "ON_READ" and tf.VariableAggregation.MEAN.value == 2
    with pytest.raises(ValueError, match="ON_READ"):
        tf.keras.layers.Layer().add_weight(synchronization=tf.VariableSynchronization.ON_READ, trainable=True)


def test_a_gradient_passes_through():
    x = tf.Variable([0.4, 1.6])

    def slope():
        with tf.GradientTape() as tape:
            y = tf.reduce_sum(tf.grad_pass_through(tf.round)(x) ** 2)
        return y, tape.gradient(y, x)

    for run in (slope, tf.function(slope)):
        y, gradient = run()
        assert float(y) == 4
        assert gradient.numpy().tolist() == [0, 4]


def test_inside_function_is_true_in_a_trace_alone():
    inside = tf.function(lambda: tf.constant(1.0 if tf.inside_function() else 0.0))
    assert inside().numpy() == 1
    assert not tf.inside_function()
