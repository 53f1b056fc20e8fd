"""The workloads of `benchmarks.kinds` in PyTorch, eager; images are kept channels last."""

from collections.abc import Callable
from functools import partial
from typing import Any

from benchmarks import kinds
from benchmarks.harness import Side
from benchmarks.workloads import Data


def build(name: str, data: Data) -> dict[str, Side]:
    """The eager side of a kind."""
    import torch

    function = FAMILIES[name]
    tensors = [_tensor(value) for value in data.values()]
    run = torch.inference_mode()(partial(function, torch, *tensors))
    return {"eager": Side(run, kinds.summary(name, _to_numpy))}


def _tensor(value: Any) -> Any:
    import torch

    if value.dtype.name == "bfloat16":
        return torch.from_numpy(value.astype("float32")).bfloat16()
    return torch.from_numpy(value.copy())


def _to_numpy(value: Any) -> Any:
    return value.detach().double().numpy()


def _channels_first(x: Any) -> Any:
    """[N, H, W, C] as PyTorch names it, without a copy."""
    return x.permute(0, 3, 1, 2)


def _convolution(torch: Any, x: Any, w: Any) -> Any:
    made = torch.nn.functional.conv2d(_channels_first(x), w.permute(3, 2, 0, 1), padding=1)
    return made.permute(0, 2, 3, 1)


def _depthwise(torch: Any, x: Any, w: Any) -> Any:
    made = torch.nn.functional.conv2d(_channels_first(x), w.permute(2, 3, 0, 1), padding=1, groups=w.shape[2])
    return made.permute(0, 2, 3, 1)


def _while_loop(torch: Any, x: Any) -> Any:
    y = torch.ones_like(x)
    for _ in range(kinds.NEWTON):
        y = (y + x / y) * 0.5
    return y


def _scan(torch: Any, x: Any, h: Any, u: Any) -> Any:
    for row in x:
        h = torch.tanh(row + h @ u)
    return h


FAMILIES: dict[str, Callable[..., Any]] = {
    "elementwise": lambda torch, a, b, c: torch.relu(a * b + c),
    "transcendental": lambda torch, x: torch.exp(-x * x) + torch.tanh(x) * torch.sin(x),
    "reduce": lambda torch, x: x.sum(0),
    "argmax": lambda torch, x: x.argmax(-1),
    "contract": lambda torch, a, b: torch.einsum("bij,bjk->bik", a, b),
    "convolution": _convolution,
    "depthwise": _depthwise,
    "pooling": lambda torch, x: torch.nn.functional.max_pool2d(_channels_first(x), 2).permute(0, 2, 3, 1),
    "transpose": lambda torch, x: x.transpose(1, 2).contiguous(),
    "gather": lambda torch, x, ids: x[ids],
    "scatter_add": lambda torch, x, ids, updates: torch.index_add(x, 0, ids, updates),
    "sort": lambda torch, x: torch.sort(x, -1)[0],
    "top_k": lambda torch, x: torch.topk(x, kinds.TOP)[0],
    "cumsum": lambda torch, x: torch.cumsum(x, -1),
    "segment_sum": lambda torch, x, ids: x.new_zeros((kinds.SEGMENTS, x.shape[1])).index_add_(0, ids, x),
    "random_normal": lambda torch, x: torch.randn(kinds.DRAWS),
    "cond": lambda torch, x: torch.exp(x) if x.sum() > 0 else -x,
    "while_loop": _while_loop,
    "scan": _scan,
    "float16": lambda torch, a, b, c: torch.maximum(a * b + c, a),
    "bfloat16_gemm": lambda torch, x, w: x @ w,
    "int8": lambda torch, a, b, c: torch.maximum(a + b, c),
}
"""Every kind, given torch and the tensors of its data."""
