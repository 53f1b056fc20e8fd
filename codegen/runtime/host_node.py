"""A node without native lowering as a host call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from codegen.runtime.host import HostCall
from graphcore.graph import Node
from graphcore.interpret import run_node


def host_call(node: Node) -> HostCall:
    """The Python function that computes a node without native lowering; it is given the sizes of symbols too."""
    inputs, outputs = [v.type for v in node.operands], [v.type for v in node.results]
    name = getattr(node.attrs.get("call"), "name", node.op.name)

    def run(arrays: Sequence[Any], sizes: dict[str, int]) -> list[Any]:
        return run_node(node, arrays, sizes)

    return HostCall(str(name), run, inputs, outputs, sized=True, node=node)
