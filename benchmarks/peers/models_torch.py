"""The models in PyTorch: images channels first in channels-last memory, queries, keys and values from one matrix."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from benchmarks import models, reference
from benchmarks.models import BLOCK_WEIGHTS, HEADS, RATE
from benchmarks.workloads import EPSILON, Data

Compile = Callable[[Any], Any]


def build(family: str, data: Data, compile: Compile) -> Callable[[], Any]:
    """What computes the family; `compile` is `torch.compile` or leaves its argument as it is."""
    import torch

    name = family.removesuffix("_train")
    tensors = [torch.from_numpy(value.copy()) for value in data.values()]
    if name == "attention":
        return _inference(compile(torch.nn.functional.scaled_dot_product_attention), *tensors)
    if name == "tree_eager":
        return _inference(_tree, *tensors)
    model = module(name, data)
    x = image(torch.from_numpy(data["x"].copy()))
    if name != family:
        return training_step(model, x, torch.from_numpy(data["y"].copy()), compile)
    return _inference(compile(model.eval()), x)


def image(x: Any) -> Any:
    """[N, H, W, C] as PyTorch wants it; other tensors stay as they are."""
    return x.permute(0, 3, 1, 2) if x.ndim == 4 else x


def _inference(function: Callable[..., Any], *arguments: Any) -> Callable[[], Any]:
    import torch

    return torch.inference_mode()(partial(function, *arguments))


def training_step(model: Any, x: Any, y: Any, compile: Compile) -> Callable[[], Any]:
    """Forward, backward and Adam's update; returns the loss."""
    import torch

    functional = torch.nn.functional
    parameters = [weight for weight in model.parameters() if weight.requires_grad]
    betas = (reference.BETA_1, reference.BETA_2)
    optimizer = torch.optim.Adam(parameters, RATE, betas, eps=reference.ADAM_EPSILON, fused=True)
    labels = not y.is_floating_point()
    target = y.long() if labels else y

    def loss_of(x: Any, y: Any) -> Any:
        return functional.cross_entropy(model(x), y) if labels else functional.mse_loss(model(x), y)

    forward = compile(loss_of)

    def run() -> Any:
        optimizer.zero_grad()
        loss = forward(x, target)
        loss.backward()
        optimizer.step()
        return loss

    return run


def module(name: str, data: Data) -> Any:
    """The model with the weights of `data`."""
    import torch

    w = [value for key, value in data.items() if key[0] == "w"]
    with torch.no_grad():
        return _MODULES[name](w)


def _set(parameter: Any, value: Any) -> None:
    import torch

    parameter.copy_(torch.from_numpy(np.ascontiguousarray(value)))


def _linear(w: Any, b: Any) -> Any:
    import torch

    layer = torch.nn.Linear(*w.shape)
    _set(layer.weight, w.T)
    _set(layer.bias, b)
    return layer


def _convolution(w: Any, b: Any) -> Any:
    import torch

    layer = torch.nn.Conv2d(w.shape[2], w.shape[3], 3, padding=1)
    _set(layer.weight, w.transpose(3, 2, 0, 1))
    _set(layer.bias, b)
    return layer.to(memory_format=torch.channels_last)


def _cnn(w: list[Any]) -> Any:
    import torch

    nn = torch.nn
    layers: list[Any] = []
    for number in range(4):
        layers += [_convolution(w[2 * number], w[2 * number + 1]), nn.ReLU()]
        if number == 1:
            layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), _linear(w[8], w[9]))


def _one_convolution(w: list[Any]) -> Any:
    import torch

    class Convolution(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = _convolution(w[0], w[1])

        def forward(self, x: Any) -> Any:
            return torch.relu_(self.layer(x)).permute(0, 2, 3, 1)

    return Convolution()


def _lstm(w: list[Any]) -> Any:
    import torch

    class Recurrent(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = torch.nn.LSTM(w[0].shape[0], w[1].shape[0], batch_first=True)
            self.dense = _linear(w[3], w[4])
            _set(self.lstm.weight_ih_l0, w[0].T)
            _set(self.lstm.weight_hh_l0, w[1].T)
            _set(self.lstm.bias_ih_l0, w[2])
            self.lstm.bias_hh_l0.zero_().requires_grad_(False)  # Keras has one bias

        def forward(self, x: Any) -> Any:
            return self.dense(self.lstm(x)[1][0][0])

    return Recurrent()


def _transformer(w: list[Any]) -> Any:
    import torch

    blocks = [_block(w[start : start + BLOCK_WEIGHTS]) for start in range(0, len(w), BLOCK_WEIGHTS)]
    return torch.nn.Sequential(*blocks)


def _norm(gamma: Any, beta: Any) -> Any:
    import torch

    layer = torch.nn.LayerNorm(gamma.shape[0], EPSILON)
    _set(layer.weight, gamma)
    _set(layer.bias, beta)
    return layer


def _block(w: list[Any]) -> Any:
    import torch

    width = w[0].shape[0]

    class Block(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            joined = np.concatenate([w[i].reshape(width, width) for i in (0, 2, 4)], 1)
            self.project = _linear(joined, np.concatenate([w[i].reshape(width) for i in (1, 3, 5)]))
            self.output = _linear(w[6].reshape(width, width), w[7])
            self.first, self.second = _norm(w[8], w[9]), _norm(w[14], w[15])
            self.widen, self.narrow = _linear(w[10], w[11]), _linear(w[12], w[13])

        def forward(self, x: Any) -> Any:
            n, t, _ = x.shape
            q, k, v = self.project(x).view(n, t, 3, HEADS, width // HEADS).permute(2, 0, 3, 1, 4)
            mixed = torch.nn.functional.scaled_dot_product_attention(q, k, v)
            x = self.first(x + self.output(mixed.transpose(1, 2).reshape(n, t, width)))
            return self.second(x + self.narrow(torch.relu_(self.widen(x))))

    return Block()


def _tree(table: Any, w: Any, b: Any) -> Any:
    import torch

    level = [table[i : i + 1] for i in range(len(table))]
    while len(level) > 1:
        pairs = range(0, len(level), 2)
        level = [torch.tanh(torch.addmm(b, torch.cat([level[i], level[i + 1]], 1), w)) for i in pairs]
    return level[0]


_MODULES: dict[str, Callable[[list[Any]], Any]] = {
    "cnn": _cnn,
    "conv": _one_convolution,
    "lstm": _lstm,
    "transformer": _transformer,
}
FAMILIES = {*models.MODELS, *(f"{name}_train" for name in models.MODELS), "attention", "tree_eager"}
"""What `build` knows."""
