"""Signals during native calls: what generated code calls to run Python's handlers, and where their exception waits.

Only the main thread runs handlers, so one place for the exception is enough: whoever was interrupted takes it before
that thread runs anything else.
"""

from __future__ import annotations

import functools
from typing import Any

INTERRUPTED = -3
"""The status of layerjit_main when a signal handler raised."""
PATIENCE = 20_000_000_000
"""Estimated work, in picoseconds, after which a run looks for signals."""

ENSURE, CHECK, RELEASE, FETCH, EXCEPTION = 0, 1, 2, 3, 4
"""Words of the state: addresses of functions of Python, then type, value and traceback of an exception."""
_FUNCTIONS = ("PyGILState_Ensure", "PyErr_CheckSignals", "PyGILState_Release", "PyErr_Fetch")


@functools.cache
def _state() -> Any:
    import ctypes

    words = [ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value or 0 for name in _FUNCTIONS]
    return (ctypes.c_int64 * (len(words) + 3))(*words)


def address() -> int:
    """The address of the state; it is valid until the process ends."""
    import ctypes

    return ctypes.addressof(_state())


def raise_interrupt() -> None:
    """Raises what a handler raised in this thread's last run, if it was interrupted."""
    import ctypes

    state = _state()
    parts = [ctypes.c_void_p(state[EXCEPTION + i]) for i in range(3)]
    for i in range(3):
        state[EXCEPTION + i] = 0
    if parts[0].value:
        ctypes.pythonapi.PyErr_Restore(*parts)  # takes the references; ctypes raises the exception that is set
