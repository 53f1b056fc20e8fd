"""The text form of a graph: `to_text` prints it, `parse` reads it back.

One line per node, in execution order:

    graph "dense" {
      dims n >= 1
      input %0 "x" argument : float32[n, 4]
      %1 = constant(value=float32[4](0.5, -1.0, 0.0, 2.0)) : float32[4]
      %2 = add(%0, %1) : float32[n, 4]  # model.py:12 in call (model/dense)
      output %2 "y"
    }

`parse(to_text(graph))` has the same ids, types, attributes, constants (bit for bit), locations and symbol
bounds.
A memory plan is not part of the text; the memory pass makes it again.
"""

from __future__ import annotations

from graphcore.text_parse import parse
from graphcore.text_print import attrs_text, dim_text, literal, location_text, node_text, to_text, type_text

__all__ = ["attrs_text", "dim_text", "literal", "location_text", "node_text", "parse", "to_text", "type_text"]
