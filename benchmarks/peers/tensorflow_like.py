"""The workloads in TensorFlow's names: one text for TensorFlow and for layerjit, which is given as `tf`."""

from collections.abc import Callable
from functools import partial
from typing import Any

from benchmarks import kinds, reference
from benchmarks.harness import Side
from benchmarks.peers import kinds_tensorflow, models_tensorflow
from benchmarks.workloads import EPSILON, LEARNING_RATE, MLP_SIZES, Data, Workload

Function = Callable[..., Any]


def build(tf: Any, trace: Callable[[Function], Function], workload: Workload, data: Data) -> Side:
    """Returns the side of a workload; `trace` is `tf.function`, perhaps with options."""
    kind = kinds.name_of(workload)
    if kind is not None:
        return kinds_tensorflow.build(tf, trace, kind, data)
    if workload.family in models_tensorflow.FAMILIES:
        return models_tensorflow.build(tf, trace, workload.family, data)
    run = _FAMILIES[workload.family](tf, trace, data)
    return Side(run, lambda tensor: tensor.numpy())


def _called(
    tf: Any, trace: Callable[[Function], Function], function: Function, *arrays: Any
) -> Callable[[], Any]:
    return partial(trace(function), *map(tf.constant, arrays))


def _scale_shift(tf: Any, trace: Any, data: Data) -> Callable[[], Any]:
    def scale_shift(x: Any) -> Any:
        return x * 2.0 + 1.0

    return _called(tf, trace, scale_shift, data["x"])


def _add(tf: Any, trace: Any, data: Data) -> Callable[[], Any]:
    def add(a: Any, b: Any) -> Any:
        return a + b

    return _called(tf, trace, add, data["a"], data["b"])


def _eager_add(tf: Any, _trace: Any, data: Data) -> Callable[[], Any]:
    a, b = tf.constant(data["a"]), tf.constant(data["b"])
    return lambda: a + b


def _gelu_sum(tf: Any, trace: Any, data: Data) -> Callable[[], Any]:
    w, b = tf.constant(data["w"]), tf.constant(data["b"])

    def gelu_sum(x: Any) -> Any:
        return tf.reduce_sum(tf.nn.gelu(x * w + b, approximate=True), axis=-1)

    return _called(tf, trace, gelu_sum, data["x"])


def _softmax(tf: Any, trace: Any, data: Data) -> Callable[[], Any]:
    def softmax(x: Any) -> Any:
        return tf.nn.softmax(x)

    return _called(tf, trace, softmax, data["x"])


def _normalised(tf: Any, x: Any, w: Any, b: Any) -> Any:
    d = x - tf.reduce_mean(x, axis=-1, keepdims=True)
    return d * tf.math.rsqrt(tf.reduce_mean(d * d, axis=-1, keepdims=True) + EPSILON) * w + b


def _layer_norm(tf: Any, trace: Any, data: Data) -> Callable[[], Any]:
    w, b = tf.constant(data["w"]), tf.constant(data["b"])

    def layer_norm(x: Any) -> Any:
        return _normalised(tf, x, w, b)

    return _called(tf, trace, layer_norm, data["x"])


def _norm_plus_softmax(tf: Any, trace: Any, data: Data) -> Callable[[], Any]:
    w, b = tf.constant(data["w"]), tf.constant(data["b"])

    def norm_plus_softmax(x: Any) -> Any:
        return _normalised(tf, x, w, b) + tf.nn.softmax(x)

    return _called(tf, trace, norm_plus_softmax, data["x"])


def _gemm(tf: Any, trace: Any, data: Data) -> Callable[[], Any]:
    w, b = tf.Variable(data["w"]), tf.Variable(data["b"])

    def gemm(x: Any) -> Any:
        return tf.nn.relu(tf.matmul(x, w) + b)

    return _called(tf, trace, gemm, data["x"])


def _model(tf: Any, data: Data) -> Any:
    hidden = [tf.keras.layers.Dense(units, activation="relu") for units in MLP_SIZES[1:-1]]
    model = tf.keras.Sequential([*hidden, tf.keras.layers.Dense(MLP_SIZES[-1])])
    model.build((None, MLP_SIZES[0]))
    for number, layer in enumerate(model.layers):
        layer.set_weights([data[f"w{number}"], data[f"b{number}"]])
    return model


def _mlp(tf: Any, trace: Any, data: Data) -> Callable[[], Any]:
    model = _model(tf, data)

    def mlp(x: Any) -> Any:
        return model(x, training=False)

    return _called(tf, trace, mlp, data["x"])


def any_batch(tf: Any, trace: Callable[[Function], Function], data: Data) -> Callable[[Any], Any]:
    """The traced MLP, from an array to an array."""
    model = _model(tf, data)
    traced = trace(lambda x: model(x, training=False))
    return lambda x: traced(tf.constant(x)).numpy()


def predicting(tf: Any, data: Data) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """The traced MLP and Keras's `predict`, each on the batch `x`, as arrays."""
    model = _model(tf, data)
    traced = tf.function(lambda x: model(x, training=False))
    x = data["x"]
    size = len(x)
    return lambda: traced(tf.constant(x)).numpy(), lambda: model.predict(x, batch_size=size, verbose=0)


def _mlp_train(tf: Any, trace: Any, data: Data) -> Callable[[], Any]:
    model = _model(tf, data)
    variables = model.trainable_variables
    loss_of = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer = tf.keras.optimizers.Adam(
        learning_rate=LEARNING_RATE,
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

    return _called(tf, trace, step, data["x"], data["y"])


_FAMILIES: dict[str, Callable[[Any, Any, Data], Callable[[], Any]]] = {
    "scale_shift": _scale_shift,
    "add": _add,
    "eager_add": _eager_add,
    "gelu_sum": _gelu_sum,
    "softmax": _softmax,
    "layer_norm": _layer_norm,
    "norm_plus_softmax": _norm_plus_softmax,
    "gemm_bias_relu": _gemm,
    "mlp": _mlp,
    "mlp_train": _mlp_train,
}
