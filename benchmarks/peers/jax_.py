"""JAX: `jax.jit`, blocked until the result is there; weights are arguments, as in JAX programs."""

import os
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from benchmarks import kinds, reference
from benchmarks.harness import Side
from benchmarks.peers import kinds_jax, models_jax
from benchmarks.workloads import EPSILON, LEARNING_RATE, Data, Workload


def load() -> str:
    """Imports JAX on the CPU and starts its backend; returns its version."""
    os.environ["JAX_PLATFORMS"] = "cpu"
    import jax

    jax.config.update("jax_cpu_enable_async_dispatch", False)
    jax.devices()
    return jax.__version__


def any_batch(data: Data, slow: bool) -> dict[str, Callable[[Any], Any]]:
    """The MLP, which JAX compiles for each batch size."""
    import jax

    weights = _weights({name: jax.device_put(value) for name, value in data.items()})
    jitted = jax.jit(_mlp)
    return {"": lambda x: np.asarray(jitted(x, weights))}


def build(workload: Workload, data: Data, slow: bool) -> dict[str, Side]:
    """Every workload has a JAX side; the training step keeps its state between calls."""
    import jax

    kind = kinds.name_of(workload)
    if kind is not None:
        return kinds_jax.build(kind, data)
    model = models_jax.build(workload.family, data)
    if model is not None:
        return {"": Side(model, np.asarray)}
    arrays = {name: jax.device_put(value) for name, value in data.items()}
    if workload.family == "mlp_train":
        return {"": Side(_training_step(arrays), np.asarray)}
    if workload.family == "mlp":
        x, weights = arrays["x"], _weights(arrays)
        return {"": Side(_blocked(jax.jit(_mlp), x, weights), np.asarray)}
    function = _FAMILIES[workload.family]
    jitted = function if workload.family == "eager_add" else jax.jit(function)
    return {"": Side(_blocked(jitted, *arrays.values()), np.asarray)}


def _blocked(function: Callable[..., Any], *arguments: Any) -> Callable[[], Any]:
    bound = partial(function, *arguments)
    return lambda: bound().block_until_ready()


def _gelu_sum(x: Any, w: Any, b: Any) -> Any:
    import jax

    return jax.nn.gelu(x * w + b, approximate=True).sum(-1)


def _softmax(x: Any) -> Any:
    import jax

    return jax.nn.softmax(x)


def _layer_norm(x: Any, w: Any, b: Any) -> Any:
    import jax

    d = x - x.mean(-1, keepdims=True)
    return d * jax.lax.rsqrt((d * d).mean(-1, keepdims=True) + EPSILON) * w + b


def _gemm(x: Any, w: Any, b: Any) -> Any:
    import jax

    return jax.nn.relu(x @ w + b)


def _mlp(x: Any, weights: list[tuple[Any, Any]]) -> Any:
    for w, b in weights[:-1]:
        x = _gemm(x, w, b)
    return x @ weights[-1][0] + weights[-1][1]


def _weights(arrays: dict[str, Any]) -> list[tuple[Any, Any]]:
    count = sum(name.startswith("w") for name in arrays)
    return [(arrays[f"w{i}"], arrays[f"b{i}"]) for i in range(count)]


def _loss(weights: list[tuple[Any, Any]], x: Any, y: Any) -> Any:
    import jax
    import jax.numpy as jnp

    logarithms = jax.nn.log_softmax(_mlp(x, weights))
    return -jnp.take_along_axis(logarithms, y[:, None], axis=-1).mean()


def _adam(state: Any, x: Any, y: Any) -> Any:
    import jax
    import jax.numpy as jnp

    weights, first, second, count = state
    count = count + 1
    loss, gradients = jax.value_and_grad(_loss)(weights, x, y)
    tree = jax.tree_util.tree_map
    first = tree(lambda m, g: m + (1 - reference.BETA_1) * (g - m), first, gradients)
    second = tree(lambda v, g: v + (1 - reference.BETA_2) * (g * g - v), second, gradients)
    alpha = LEARNING_RATE * jnp.sqrt(1 - reference.BETA_2**count) / (1 - reference.BETA_1**count)
    weights = tree(
        lambda w, m, v: w - alpha * m / (jnp.sqrt(v) + reference.ADAM_EPSILON), weights, first, second
    )
    return (weights, first, second, count), loss


def _training_step(arrays: dict[str, Any]) -> Callable[[], Any]:
    import jax
    import jax.numpy as jnp

    weights = _weights(arrays)
    zeros = [tuple(jnp.zeros_like(part) for part in pair) for pair in weights]
    state = (weights, zeros, [tuple(map(jnp.copy, pair)) for pair in zeros], jnp.float32(0))
    step = jax.jit(_adam, donate_argnums=0)

    def run() -> Any:
        nonlocal state
        state, loss = step(state, arrays["x"], arrays["y"])
        jax.block_until_ready(state)
        return loss

    return run


_FAMILIES: dict[str, Callable[..., Any]] = {
    "scale_shift": lambda x: x * 2 + 1,
    "add": lambda a, b: a + b,
    "eager_add": lambda a, b: a + b,
    "gelu_sum": _gelu_sum,
    "softmax": _softmax,
    "layer_norm": _layer_norm,
    "norm_plus_softmax": lambda x, w, b: _layer_norm(x, w, b) + _softmax(x),
    "gemm_bias_relu": _gemm,
}
