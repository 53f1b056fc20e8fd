"""The models as a Keras user writes them: one text for TensorFlow and for layerjit, which is given as `tf`."""

from collections.abc import Callable
from functools import partial
from typing import Any

from benchmarks import models, reference
from benchmarks.harness import Side
from benchmarks.models import BLOCK_WEIGHTS, CLASSES, HEADS, RATE
from benchmarks.workloads import EPSILON, Data

Function = Callable[..., Any]


def build(tf: Any, trace: Callable[[Function], Function], family: str, data: Data) -> Side:
    """A model's side; the recursive net runs eagerly."""
    name = family.removesuffix("_train")
    if name == "attention":
        run = partial(trace(partial(_attention, tf)), *map(tf.constant, data.values()))
    elif name == "tree_eager":
        run = partial(_tree, tf, *map(tf.constant, data.values()))
    elif name == family:
        run = partial(_inference(trace, keras_model(tf, name, data)), tf.constant(data["x"]))
    else:
        step = training_step(tf, keras_model(tf, name, data), data)
        run = partial(trace(step), tf.constant(data["x"]), tf.constant(data["y"]))
    return Side(run, lambda tensor: tensor.numpy())


def keras_model(tf: Any, name: str, data: Data) -> Any:
    """The model with the weights of `data`."""
    model = _LAYERS[name](tf, data)
    model(tf.constant(data["x"][:1]))
    model.set_weights([value for key, value in data.items() if key[0] == "w"])
    return model


def _inference(trace: Any, model: Any) -> Any:
    def predict(x: Any) -> Any:
        return model(x, training=False)

    return trace(predict)


def training_step(tf: Any, model: Any, data: Data) -> Function:
    """Forward, backward and Adam's update; returns the loss."""
    variables = model.trainable_variables
    labels = data["y"].dtype.kind == "i"
    losses = tf.keras.losses
    loss_of = losses.SparseCategoricalCrossentropy(from_logits=True) if labels else losses.MeanSquaredError()
    optimizer = tf.keras.optimizers.Adam(
        learning_rate=RATE,
        beta_1=reference.BETA_1,
        beta_2=reference.BETA_2,
        epsilon=reference.ADAM_EPSILON,
    )

    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = loss_of(y, model(x, training=True))
        gradients = tape.gradient(loss, variables)
        optimizer.apply_gradients(zip(gradients, variables, strict=True))
        return loss

    return step


def _attention(tf: Any, q: Any, k: Any, v: Any) -> Any:
    scores = tf.matmul(q * q.shape[-1] ** -0.5, k, transpose_b=True)
    return tf.matmul(tf.nn.softmax(scores), v)


def _tree(tf: Any, table: Any, w: Any, b: Any) -> Any:
    level = [table[i : i + 1] for i in range(table.shape[0])]
    while len(level) > 1:
        level = [
            tf.tanh(tf.matmul(tf.concat([level[i], level[i + 1]], 1), w) + b) for i in range(0, len(level), 2)
        ]
    return level[0]


def _convolution(tf: Any, filters: int) -> Any:
    return tf.keras.layers.Conv2D(filters, 3, padding="same", activation="relu")


def _cnn(tf: Any, _data: Data) -> Any:
    layers = tf.keras.layers
    return tf.keras.Sequential([
        _convolution(tf, 32),
        _convolution(tf, 32),
        layers.MaxPool2D(2),
        _convolution(tf, 64),
        _convolution(tf, 64),
        layers.GlobalAveragePooling2D(),
        layers.Dense(CLASSES),
    ])  # fmt: skip


def _one_convolution(tf: Any, data: Data) -> Any:
    return tf.keras.Sequential([_convolution(tf, data["x"].shape[-1])])


def _lstm(tf: Any, data: Data) -> Any:
    layers = tf.keras.layers
    return tf.keras.Sequential([layers.LSTM(data["w1"].shape[0]), layers.Dense(CLASSES)])


def _transformer(tf: Any, data: Data) -> Any:
    layers = tf.keras.layers

    class Block(layers.Layer):
        def __init__(self, width: int, inner: int) -> None:
            super().__init__()
            self.attention = layers.MultiHeadAttention(HEADS, width // HEADS)
            self.first = layers.LayerNormalization(epsilon=EPSILON)
            self.widen = layers.Dense(inner, activation="relu")
            self.narrow = layers.Dense(width)
            self.second = layers.LayerNormalization(epsilon=EPSILON)

        def call(self, x: Any) -> Any:
            x = self.first(x + self.attention(x, x))
            return self.second(x + self.narrow(self.widen(x)))

    width, inner = data["w10"].shape
    count = sum(key[0] == "w" for key in data) // BLOCK_WEIGHTS
    return tf.keras.Sequential([Block(width, inner) for _ in range(count)])


_LAYERS: dict[str, Callable[[Any, Data], Any]] = {
    "cnn": _cnn,
    "conv": _one_convolution,
    "lstm": _lstm,
    "transformer": _transformer,
}
FAMILIES = {*models.MODELS, *(f"{name}_train" for name in models.MODELS), "attention", "tree_eager"}
"""What `build` knows."""
