"""The models on the NumPy side: the plain forms of `benchmarks.models`, in float32."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from benchmarks import models
from benchmarks.numpy_tape import Var
from benchmarks.workloads import Data


def build(family: str, data: Data) -> Callable[[], Any] | None:
    """What computes the family; None if it is no model."""
    name = family.removesuffix("_train")
    if name == "attention":
        variables = [Var(array) for array in data.values()]
        return lambda: models.attention(*variables).value
    if name == "tree_eager":
        return partial(models.tree, *data.values())
    if name not in models.MODELS:
        return None
    if name != family:
        return models.training(models.MODELS[name], data, np.float32)
    return partial(models.result, models.MODELS[name], data, np.float32)
