"""Assignments that take effect only under a condition, as part of the kernels that compute the new values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eager.context import thread
from eager.ops.array import where
from eager.tensor import Tensor
from eager.variable import Variable


def assign_if(holds: Tensor, change: Callable[[], Any], always: Variable | None = None) -> bool:
    """Runs code whose assignments to variables count only if a condition holds; returns whether it ran.

    Eagerly the code runs or not. In a trace it runs, and every variable gets its new or its old value by a selection:
    that becomes a part of the kernels that update variables in place, where the branches of tf.cond would have to copy
    them. So the code must not have other effects.

    Args:
        holds: a bool scalar.
        change: the code.
        always: a variable whose assignments count in any case, in a trace.
    """
    if holds._array is not None:
        if bool(holds):
            change()
        return bool(holds)
    frame = thread.frame
    assert frame is not None
    before = {id(v): value for v, value in frame.assigned()}
    change()
    for variable, new in list(frame.assigned()):
        old = before.get(id(variable))
        if variable is not always and new is not old:
            variable.assign(where(holds, new, frame.original(variable) if old is None else old))
    return True
