"""One graph, four runs: as traced, after the passes, in the loop interpreter, and native; `test_fuzz` has more."""

import pytest
from hypothesis import given, settings
from typed_graphs import Case, cases, check, typed_graphs

from graphcore.graph import Graph

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


@settings(max_examples=50)
@given(graph=typed_graphs(), case=cases())
def test_four_runs_agree(graph: Graph, case: Case) -> None:
    check(graph, case)


@pytest.mark.slow
@settings(max_examples=300)
@given(graph=typed_graphs(), case=cases(loops_one_in=4))
def test_four_runs_agree_at_length(graph: Graph, case: Case) -> None:
    check(graph, case)
