"""The models in JAX: channels last, weights as arguments, state of the training donated."""

from collections.abc import Callable
from typing import Any

from benchmarks import reference
from benchmarks.models import BLOCK_WEIGHTS, RATE
from benchmarks.workloads import EPSILON, Data


def build(family: str, data: Data) -> Callable[[], Any] | None:
    """What computes the family and waits for it; None if it is no model."""
    import jax

    arrays = {name: jax.device_put(value) for name, value in data.items()}
    name = family.removesuffix("_train")
    weights = [value for key, value in arrays.items() if key[0] == "w"]
    if name == "attention":
        return _blocked(jax.jit(_attention), *arrays.values())
    if name == "tree_eager":
        return _blocked(_tree, *arrays.values())
    if name not in _MODELS:
        return None
    if name == family:
        return _blocked(jax.jit(_MODELS[name]), arrays["x"], weights)
    return training_step(_MODELS[name], weights, arrays["x"], arrays["y"])


def _blocked(function: Callable[..., Any], *arguments: Any) -> Callable[[], Any]:
    return lambda: function(*arguments).block_until_ready()


def training_step(model: Callable[..., Any], weights: list[Any], x: Any, y: Any) -> Callable[[], Any]:
    """Forward, backward and Adam's update."""
    import jax
    import jax.numpy as jnp

    def loss_of(weights: list[Any]) -> Any:
        output = model(x, weights)
        if y.dtype.kind != "i":
            return jnp.square(output - y).mean()
        return -jnp.take_along_axis(jax.nn.log_softmax(output), y[:, None], axis=-1).mean()

    def step(state: Any) -> Any:
        weights, first, second, count = state
        count = count + 1
        loss, gradients = jax.value_and_grad(loss_of)(weights)
        tree = jax.tree_util.tree_map
        first = tree(lambda m, g: m + (1 - reference.BETA_1) * (g - m), first, gradients)
        second = tree(lambda v, g: v + (1 - reference.BETA_2) * (g * g - v), second, gradients)
        alpha = RATE * jnp.sqrt(1 - reference.BETA_2**count) / (1 - reference.BETA_1**count)
        moved = tree(lambda w, m, v: w - alpha * m / (jnp.sqrt(v) + reference.ADAM_EPSILON), weights, first, second)
        return (moved, first, second, count), loss

    zeros = [jnp.zeros_like(weight) for weight in weights]
    state = (weights, zeros, [jnp.copy(zero) for zero in zeros], jnp.float32(0))
    jitted = jax.jit(step, donate_argnums=0)

    def run() -> Any:
        nonlocal state
        state, loss = jitted(state)
        jax.block_until_ready(state)
        return loss

    return run


def _attention(q: Any, k: Any, v: Any) -> Any:
    import jax
    import jax.numpy as jnp

    scores = jnp.einsum("nhqk,nhtk->nhqt", q * q.shape[-1] ** -0.5, k)
    return jnp.einsum("nhqt,nhtk->nhqk", jax.nn.softmax(scores), v)


def _tree(table: Any, w: Any, b: Any) -> Any:
    import jax.numpy as jnp

    level = [table[i : i + 1] for i in range(len(table))]
    while len(level) > 1:
        level = [
            jnp.tanh(jnp.concatenate([level[i], level[i + 1]], 1) @ w + b) for i in range(0, len(level), 2)
        ]
    return level[0]


def _convolution(x: Any, w: list[Any]) -> Any:
    import jax

    names = ("NHWC", "HWIO", "NHWC")
    return jax.nn.relu(jax.lax.conv_general_dilated(x, w[0], (1, 1), "SAME", dimension_numbers=names) + w[1])


def _cnn(x: Any, w: list[Any]) -> Any:
    import jax

    for number in range(4):
        x = _convolution(x, w[2 * number : 2 * number + 2])
        if number == 1:
            x = jax.lax.reduce_window(x, -float("inf"), jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
    return x.mean((1, 2)) @ w[8] + w[9]


def _lstm(x: Any, w: list[Any]) -> Any:
    import jax
    import jax.numpy as jnp

    def step(state: Any, inputs: Any) -> Any:
        h, c = state
        i, f, g, o = jnp.split(inputs + h @ w[1], 4, -1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        return (jax.nn.sigmoid(o) * jnp.tanh(c), c), None

    zero = jnp.zeros((x.shape[0], w[1].shape[0]), x.dtype)
    (h, _), _ = jax.lax.scan(step, (zero, zero), (x @ w[0] + w[2]).transpose(1, 0, 2))
    return h @ w[3] + w[4]


def _norm(x: Any, gamma: Any, beta: Any) -> Any:
    import jax

    d = x - x.mean(-1, keepdims=True)
    return d * jax.lax.rsqrt((d * d).mean(-1, keepdims=True) + EPSILON) * gamma + beta


def _transformer(x: Any, weights: list[Any]) -> Any:
    import jax
    import jax.numpy as jnp

    for start in range(0, len(weights), BLOCK_WEIGHTS):
        w = weights[start : start + BLOCK_WEIGHTS]
        q, k, v = (jnp.einsum("ntd,dhk->nhtk", x, w[i]) + w[i + 1][:, None] for i in (0, 2, 4))
        x = _norm(x + jnp.einsum("nhtk,hkd->ntd", _attention(q, k, v), w[6]) + w[7], w[8], w[9])
        x = _norm(x + jax.nn.relu(x @ w[10] + w[11]) @ w[12] + w[13], w[14], w[15])
    return x


_MODELS: dict[str, Callable[..., Any]] = {
    "cnn": _cnn,
    "conv": _convolution,
    "lstm": _lstm,
    "transformer": _transformer,
}
