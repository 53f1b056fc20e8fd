"""Where the user's code is: the innermost frame outside of the library."""

from __future__ import annotations

import os
import sys

import graphcore
from eager.context import thread
from graphcore.graph import Location

_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(graphcore.__file__)))  # noqa: PTH100, PTH120 (import cost)
_INSIDE = tuple(os.path.join(_ROOT, name) + os.sep for name in ("eager", "graphcore", "codegen"))  # noqa: PTH118
_USER_CODE = os.path.join(_ROOT, "eager", "demo")  # noqa: PTH118
"""The demo is written as a user would write it, so its lines count as the user's."""

_is_inside: dict[str, bool] = {}


def user_location() -> Location | None:
    """The line of the user's code that is running, with the path of layers; None if there is none."""
    frame = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        inside = _is_inside.get(file)
        if inside is None:
            inside = _is_inside[file] = file.startswith(_INSIDE) and not file.startswith(_USER_CODE)
        if not inside:
            return Location(file, frame.f_lineno, frame.f_code.co_name, thread.layers)
        frame = frame.f_back
    return None
