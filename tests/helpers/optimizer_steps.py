"""Steps of an optimizer on one variable, eager or traced."""

from typing import Any

import numpy as np

import eager as tf


def applied(optimizer: Any, gradients: Any, v: Any, traced: bool) -> list[np.ndarray[Any, Any]]:
    """The values of a variable after each step."""

    def step(g: Any) -> Any:
        return optimizer.apply_gradients([(g, v)])

    run: Any = tf.function(step, strict=True) if traced else step
    found: list[np.ndarray[Any, Any]] = []
    for g in gradients:
        run(tf.constant(g, tf.float32))
        found.append(v.numpy())
    if traced:
        assert [e.kind for e in run.ledger] == ["trace"]
        assert run.concrete_functions[0].function.compiled.host_calls == []
    return found
