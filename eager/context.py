"""What is going on in this process and thread: tapes that record, the run frame, the path of layers.

`state.busy` counts everything that makes the plain way of computing insufficient: active tapes, traces and overlays, in
all threads. While it is 0, an op is one NumPy call and a native entry runs at once. `BUSY` holds the same number in
memory, where native code reads it.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eager.frame import Frame
    from eager.tape import GradientTape

BUSY = ctypes.c_int64(0)
"""The busy count as native code sees it."""

_lock = threading.Lock()


class _State:
    __slots__ = ("busy",)

    def __init__(self) -> None:
        self.busy = 0


class _Thread(threading.local):
    def __init__(self) -> None:
        self.tapes: list[GradientTape] = []
        self.frame: Frame | None = None
        self.layers: tuple[str, ...] = ()
        self.scopes: tuple[str, ...] = ()
        self.keras: Any = None


state = _State()
thread = _Thread()


def enter() -> None:
    """One more reason not to take the plain way."""
    with _lock:
        state.busy += 1
        BUSY.value = state.busy


def leave() -> None:
    """Takes back one `enter`."""
    with _lock:
        state.busy -= 1
        BUSY.value = state.busy


@contextmanager
def run_frame(frame: Frame | None, keep_tapes: bool = False) -> Generator[None]:
    """Makes `frame` the innermost run of this thread; None leaves every run (tf.init_scope).

    Tapes of the outside are suspended unless `keep_tapes`.
    """
    outer_frame, outer_tapes = thread.frame, thread.tapes
    thread.frame, thread.tapes = frame, outer_tapes if keep_tapes else []
    enter()
    try:
        yield
    finally:
        leave()
        # A tape of the outside may have been used up inside.
        thread.frame, thread.tapes = outer_frame, [t for t in outer_tapes if t._recording]


@contextmanager
def init_scope() -> Generator[None]:
    """Lifts code out of any trace: what runs inside is eager and unrecorded (tf.init_scope)."""
    with run_frame(None):
        yield


def executing_eagerly() -> bool:
    """Whether ops run at once here; False while a function is traced (tf.executing_eagerly)."""
    frame = thread.frame
    return frame is None or not frame.tracing
