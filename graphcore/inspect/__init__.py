"""Inspection: one dump file (`*.gcdump`) that the compiler writes, and views that read nothing else.

`collect` makes a `Dump` from the compiler's records, `write_dump` and `read_dump` store it; `show`,
`summary`, `passes`, `stage_text`, `kernel_text` and `to_dot` are the views.
"""

from __future__ import annotations

from graphcore.inspect.collect import collect
from graphcore.inspect.dot import to_dot
from graphcore.inspect.dump import read_dump, write_dump
from graphcore.inspect.records import Dump
from graphcore.inspect.views import kernel_text, passes, show, stage_text, summary

__all__ = [
    "Dump", "collect", "kernel_text", "passes", "read_dump", "show", "stage_text", "summary", "to_dot",
    "write_dump",
]  # fmt: skip
