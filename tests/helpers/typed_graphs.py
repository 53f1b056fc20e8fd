"""Random typed graphs over the whole op table as a hypothesis strategy; the families are in `random_graphs`."""

from hypothesis import strategies as st
from random_graphs.check import Case, check, draw_case
from random_graphs.chooser import Drawn
from random_graphs.draw import LEFT_OUT, draw_graph, live_ops

from graphcore.graph import Graph


@st.composite
def typed_graphs(draw: st.DrawFn, least: int = 5, most: int = 12) -> Graph:
    """A graph of well-typed ops, made of so many moves. One size "n" may be symbolic."""
    return draw_graph(Drawn(draw), least, most)


@st.composite
def cases(draw: st.DrawFn, loops_one_in: int = 1) -> Case:
    """What a graph is run on."""
    return draw_case(Drawn(draw), loops_one_in)


__all__ = ["LEFT_OUT", "Case", "cases", "check", "draw_graph", "live_ops", "typed_graphs"]
