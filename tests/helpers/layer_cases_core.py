"""Rows of the layer table: embeddings, masking, merging, activation and functions."""

import numpy as np
from check_layer import case
from tf_cases import erf, floats, ints, logistic

import eager as tf

L = tf.keras.layers

# Core ----------------------------------------------------------------------------------------------------------------

case("Dense with options", lambda **k: L.Dense(
    3, "tanh", kernel_initializer="he_normal", bias_initializer="ones", kernel_regularizer="l2", bias_regularizer="l1",
    activity_regularizer="l2", kernel_constraint="max_norm", bias_constraint="non_neg", **k), floats(3, 4),
    reference=lambda w, x: np.tanh(x @ w[0] + w[1]))  # fmt: skip
case("Embedding", lambda **k: L.Embedding(7, 3, **k), ints(4, 5, low=0, high=7), reference=lambda w, x: w[0][x])
case("Embedding of one integer", lambda **k: L.Embedding(7, 3, embeddings_constraint="unit_norm", **k),
     ints(4, low=0, high=7), reference=lambda w, x: w[0][x])  # fmt: skip
case("Embedding of known length", lambda **k: L.Embedding(7, 2, input_length=5, embeddings_regularizer="l2", **k),
     ints(4, 5, low=0, high=7), reference=lambda w, x: w[0][x])  # fmt: skip
case("Embedding with mask", lambda **k: L.Embedding(7, 3, mask_zero=True, **k), ints(4, 5, low=0, high=7),
     reference=lambda w, x: w[0][x])  # fmt: skip

STEPS = floats(3, 4, 2)
STEPS[0, 1], STEPS[2, 0] = 0.0, 0.0
case("Masking", lambda **k: L.Masking(**k), STEPS, reference=lambda w, x: x, smooth=False)
case("Masking of another value", lambda **k: L.Masking(0.5, **k), np.where(STEPS == 0.0, 0.5, STEPS),
     reference=lambda w, x: x * (x != 0.5).any(-1, keepdims=True), smooth=False)  # fmt: skip


@tf.keras.utils.register_keras_serializable("layer_cases")
def doubled(x, factor=2.0):
    return x * factor


case("Lambda", lambda **k: L.Lambda(doubled, **k), floats(3, 4), reference=lambda w, x: 2 * x)
case("Lambda with arguments", lambda **k: L.Lambda(doubled, arguments={"factor": 3.0}, output_shape=(4,), **k),
     floats(3, 4), reference=lambda w, x: 3 * x)  # fmt: skip

# Merging -------------------------------------------------------------------------------------------------------------

A, B, C = floats(3, 4, 2), floats(3, 4, 2), floats(3, 4, 2)
MERGES = {
    "Add": lambda *x: sum(x),
    "Multiply": lambda *x: np.prod(np.broadcast_arrays(*x), 0),
    "Average": lambda *x: sum(x) / len(x),
    "Maximum": lambda *x: np.max(np.broadcast_arrays(*x), 0),
    "Minimum": lambda *x: np.min(np.broadcast_arrays(*x), 0),
    "Subtract": lambda x, y: x - y,
}


def merge_rows(name, function):
    make = lambda **k: getattr(L, name)(**k)  # noqa: E731
    case(f"{name} of two", make, [A, B], reference=lambda w, x: function(*x))
    case(f"{name} with broadcasting", make, [A, floats(3, 1, 2)], reference=lambda w, x: function(*x))
    case(f"{name} of different ranks", make, [floats(3, 2), A], trains=False,
         reference=lambda w, x: function(x[0][:, None], x[1]))  # fmt: skip
    if name != "Subtract":
        case(f"{name} of three", make, [A, B, C], reference=lambda w, x: function(*x), trains=False)


for _name, _function in MERGES.items():
    merge_rows(_name, _function)
case("Concatenate", lambda **k: L.Concatenate(**k), [A, floats(3, 4, 5)], reference=lambda w, x: np.concatenate(x, -1))
case("Concatenate of three", lambda **k: L.Concatenate(axis=1, **k), [A, floats(3, 1, 2), B],
     reference=lambda w, x: np.concatenate(x, 1))  # fmt: skip


def dot_row(shown, axes, x, y, equation, normalize=False):
    def reference(w, inputs):
        a, b = inputs
        if normalize:
            i, j = axes if isinstance(axes, tuple) else (axes, axes)
            a, b = a / np.linalg.norm(a, axis=i, keepdims=True), b / np.linalg.norm(b, axis=j, keepdims=True)
        product = np.einsum(equation, a, b)
        return product[:, None] if product.ndim == 1 else product

    case(f"Dot {shown}", lambda **k: L.Dot(axes, normalize, **k), [x, y], reference=reference)


dot_row("of vectors", 1, floats(3, 4), floats(3, 4), "bi,bi->b")
dot_row("of unit vectors", -1, floats(3, 4), floats(3, 4), "bi,bi->b", normalize=True)
dot_row("of sequences", (2, 2), floats(3, 4, 2), floats(3, 5, 2), "bij,bkj->bik")
dot_row("of inner axes", (1, 2), floats(3, 4, 2), floats(3, 5, 4), "bij,bki->bjk", normalize=True)
dot_row("of different ranks", (2, 1), floats(3, 4, 2), floats(3, 2), "bij,bj->bi")

# Activation ----------------------------------------------------------------------------------------------------------

X = floats(3, 4, 5, low=-3, high=3)


def softmax(x, axis=-1):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


ACTIVATIONS = {
    "elu": lambda x: np.where(x > 0, x, np.expm1(x)),
    "exponential": np.exp,
    "gelu": lambda x: x * (1 + erf(x / np.sqrt(2))) / 2,
    "hard_sigmoid": lambda x: np.clip(0.2 * x + 0.5, 0, 1),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.2 * x),
    "linear": lambda x: x,
    "log_softmax": lambda x: np.log(softmax(x)),
    "mish": lambda x: x * np.tanh(np.log1p(np.exp(x))),
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "selu": lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(x)),
    "sigmoid": logistic,
    "softmax": softmax,
    "softplus": lambda x: np.log1p(np.exp(x)),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "swish": lambda x: x * logistic(x),
    "tanh": np.tanh,
}
for _name, _function in ACTIVATIONS.items():
    case(f"Activation {_name}", lambda n=_name, **k: L.Activation(n, **k), X,
         reference=lambda w, x, f=_function: f(x))  # fmt: skip


def relu_row(max_value=None, negative_slope=0.0, threshold=0.0):
    def reference(w, x):
        y = np.where(x >= threshold, x, negative_slope * (x - threshold))
        return y if max_value is None else np.minimum(y, max_value)

    case(f"ReLU {max_value} {negative_slope} {threshold}",
         lambda **k: L.ReLU(max_value, negative_slope, threshold, **k), X, reference=reference)  # fmt: skip


relu_row()
relu_row(max_value=1.5)
relu_row(negative_slope=0.1)
relu_row(threshold=0.75)
relu_row(2.0, 0.2, 0.3)
case("LeakyReLU", lambda **k: L.LeakyReLU(**k), X, reference=lambda w, x: np.where(x > 0, x, 0.3 * x))
case("PReLU", lambda **k: L.PReLU(**k), X, reference=lambda w, x: np.where(x > 0, x, w[0] * x))
case("PReLU shared", lambda **k: L.PReLU("ones", shared_axes=[1], **k), X,
     reference=lambda w, x: np.where(x > 0, x, w[0] * x))  # fmt: skip
case("ELU", lambda **k: L.ELU(0.7, **k), X, reference=lambda w, x: np.where(x > 0, x, 0.7 * np.expm1(x)))
case("ThresholdedReLU", lambda **k: L.ThresholdedReLU(0.6, **k), X, reference=lambda w, x: np.where(x > 0.6, x, 0))
case("Softmax", lambda **k: L.Softmax(**k), X, reference=lambda w, x: softmax(x))
case("Softmax of an inner axis", lambda **k: L.Softmax(axis=1, **k), X, reference=lambda w, x: softmax(x, 1))
case("Softmax of two axes", lambda **k: L.Softmax(axis=[1, 2], **k), X, reference=lambda w, x: softmax(x, (1, 2)))
