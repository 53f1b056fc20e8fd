"""How a computation runs: loop IR, lowering by op kind, LLVM text, loaded objects, and the native call entry.

This package imports only `graphcore`; llvmlite is imported when something is compiled, not before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from codegen.compile import compile_graph
    from codegen.compiled import CompiledGraph, KernelInfo
    from codegen.runtime.plan import EntryPlan

__all__ = ["CompiledGraph", "EntryPlan", "KernelInfo", "compile_graph"]

_PLACES = {
    "compile_graph": "codegen.compile", "CompiledGraph": "codegen.compiled", "KernelInfo": "codegen.compiled",
    "EntryPlan": "codegen.runtime.plan",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    """Imports a public name on first use."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_PLACES[name]), name)
