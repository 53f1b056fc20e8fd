"""What code depends on besides its graph: the CPU, LLVM, layerjit's own sources, Python, NumPy, and the environment."""

from __future__ import annotations

import functools
import os
import sys

import numpy as np

import graphcore
from graphcore.version import __version__

FORMAT = 1
"""Counted up whenever entries change their meaning."""

# Lines of /proc/cpuinfo that say what a CPU is; others say how it does at the moment.
_CPU_LINES = frozenset((
    b"vendor_id", b"cpu family", b"model", b"model name", b"stepping", b"flags", b"Features", b"CPU implementer",
    b"CPU architecture", b"CPU variant", b"CPU part", b"CPU revision",
))  # fmt: skip
_IGNORED = ("LAYERJIT_CACHE", "LAYERJIT_DEBUG")


def salt(pipeline: str, isa: str | None) -> bytes:
    """A text of all of it.

    Args:
        pipeline: the names of the passes.
        isa: the instruction set that was asked for, or None.
    """
    options = sorted(
        (name, value)
        for name, value in os.environ.items()
        if name.startswith("LAYERJIT_") and not name.startswith(_IGNORED)
    )
    return repr((FORMAT, pipeline, isa, options, cpu(), llvm(), versions(), sources())).encode()


def versions() -> tuple[str, ...]:
    """Versions of layerjit, Python and NumPy (which folds constants)."""
    return __version__, sys.version, np.__version__


@functools.cache
def cpu() -> str:
    """The CPU's name and features."""
    try:
        with open("/proc/cpuinfo", "rb", 0) as file:
            first = file.read(16384).partition(b"\n\n")[0]
    except OSError:
        return _cpu_of_llvm()
    lines = [line for line in first.splitlines() if line.partition(b":")[0].strip() in _CPU_LINES]
    return f"{os.uname().machine} {lines}" if lines else _cpu_of_llvm()


def _cpu_of_llvm() -> str:
    from codegen.target import host_target

    return repr(host_target().key())


@functools.cache
def llvm() -> tuple[str, ...]:
    """Which LLVM there is, without loading it: the text of llvmlite's version and the size of its library."""
    from importlib.util import find_spec

    spec = find_spec("llvmlite")
    if spec is None or not spec.submodule_search_locations:
        return ("none",)
    root = spec.submodule_search_locations[0]
    binding = os.path.join(root, "binding")
    with open(os.path.join(root, "_version.py"), encoding="utf-8") as file:
        text = file.read(4096)
    libraries = [(e.name, e.stat().st_size) for e in os.scandir(binding) if "llvmlite" in e.name]
    return (text, *map(repr, sorted(libraries)))


@functools.cache
def sources() -> str:
    """Size and time of every source file that has a part in the code: all of graphcore and codegen."""
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    found: list[tuple[str, int, int]] = []
    for top in (here, os.path.dirname(os.path.abspath(graphcore.__file__))):
        _list(top, os.path.basename(top), found)
    return repr(sorted(found))


def _list(folder: str, name: str, found: list[tuple[str, int, int]]) -> None:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(".py"):
                status = entry.stat()
                found.append((f"{name}/{entry.name}", status.st_size, status.st_mtime_ns))
            elif entry.is_dir() and entry.name != "__pycache__":
                _list(entry.path, f"{name}/{entry.name}", found)
