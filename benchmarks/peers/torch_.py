"""PyTorch, eager and through `torch.compile` (which needs a C++ compiler; without one it is left out)."""

import os
import shutil
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

from benchmarks import kinds, reference
from benchmarks.harness import Side
from benchmarks.peers import kinds_torch, models_torch
from benchmarks.workloads import EPSILON, LEARNING_RATE, MLP_SIZES, Data, Workload


def load() -> str:
    """Imports PyTorch, limits its threads; returns its version."""
    import torch

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    return torch.__version__


def any_batch(data: Data, slow: bool) -> dict[str, Callable[[Any], Any]]:
    """The MLP; compiled, the second batch size makes the batch symbolic."""
    import torch

    model = _model({name: torch.from_numpy(value.copy()) for name, value in data.items()}).eval()

    def on_arrays(function: Any) -> Callable[[Any], Any]:
        return torch.inference_mode()(lambda x: function(torch.from_numpy(x)).numpy())

    functions = {"eager": model, "compile": torch.compile(model)} if slow else {"eager": model}
    return {name: on_arrays(function) for name, function in functions.items()}


def build(workload: Workload, data: Data, slow: bool) -> dict[str, Side]:
    """Every workload has an eager side, and a compiled one but for `eager_add` and where no compiler is."""
    import torch

    kind = kinds.name_of(workload)
    if kind is not None:
        return kinds_torch.build(kind, data)
    if workload.family in models_torch.FAMILIES:
        slow = slow and workload.family != "tree_eager"
        return _variants(slow, lambda compile: models_torch.build(workload.family, data, compile))
    tensors = {name: torch.from_numpy(value.copy()) for name, value in data.items()}
    if workload.family == "mlp_train":
        return _variants(slow, lambda compile: _training_step(tensors, compile))
    if workload.family == "mlp":
        return _variants(slow, lambda compile: _inference(compile(_model(tensors)), tensors["x"]))
    function = _FAMILIES[workload.family]
    slow = slow and workload.family != "eager_add"
    return _variants(slow, lambda compile: _inference(compile(function), *tensors.values()))


def _variants(slow: bool, make: Callable[[Callable[[Any], Any]], Callable[[], Any]]) -> dict[str, Side]:
    import torch

    sides = {"eager": Side(make(lambda function: function), _to_numpy)}
    if slow and any(map(shutil.which, ("g++", "clang++", "c++"))):
        torch.compiler.reset()
        sides["compile"] = Side(make(torch.compile), _to_numpy)
    return sides


def _to_numpy(value: Any) -> Any:
    return value.detach().numpy()


def _inference(function: Callable[..., Any], *arguments: Any) -> Callable[[], Any]:
    import torch

    return torch.inference_mode()(partial(function, *arguments))


def _gelu_sum(x: Any, w: Any, b: Any) -> Any:
    import torch

    return torch.nn.functional.gelu(x * w + b, approximate="tanh").sum(-1)


def _layer_norm(x: Any, w: Any, b: Any) -> Any:
    import torch

    return torch.nn.functional.layer_norm(x, x.shape[-1:], w, b, EPSILON)


def _gemm(x: Any, w: Any, b: Any) -> Any:
    import torch

    return torch.addmm(b, x, w).relu_()


def _model(tensors: dict[str, Any]) -> Any:
    import torch

    model = torch.nn.Sequential()
    for number, sizes in enumerate(pairwise(MLP_SIZES)):
        if number:
            model.append(torch.nn.ReLU())
        dense = torch.nn.Linear(*sizes)
        with torch.no_grad():
            dense.weight.copy_(tensors[f"w{number}"].T)
            dense.bias.copy_(tensors[f"b{number}"])
        model.append(dense)
    return model


def _training_step(tensors: dict[str, Any], compile: Callable[[Any], Any]) -> Callable[[], Any]:
    import torch

    model = _model(tensors)
    betas = (reference.BETA_1, reference.BETA_2)
    optimizer = torch.optim.Adam(
        model.parameters(), LEARNING_RATE, betas, eps=reference.ADAM_EPSILON, fused=True
    )
    x, y = tensors["x"], tensors["y"].long()

    def loss_of(x: Any, y: Any) -> Any:
        return torch.nn.functional.cross_entropy(model(x), y)

    forward = compile(loss_of)

    def run() -> Any:
        optimizer.zero_grad()
        loss = forward(x, y)
        loss.backward()
        optimizer.step()
        return loss

    return run


def _softmax(x: Any) -> Any:
    return x.softmax(-1)


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
