"""Random graphs over the whole op table: as traced, after the passes, in the loop interpreter, and native.

`LAYERJIT_FUZZ_GRAPHS` is how many the long run draws (20000 for the full one), `LAYERJIT_FUZZ_SEED` the first seed.
What it once found stands in `regressions` as text.
"""

import os
from pathlib import Path
from statistics import median

import pytest
from random_graphs.campaign import Tally, run_campaign, run_seeds
from random_graphs.check import ISAS, case_text, check, failure, read_case, shrink
from random_graphs.chooser import Seeded
from random_graphs.draw import LEFT_OUT, draw_graph, live_ops
from random_graphs.sketch import BATCHES

from graphcore.optable import OPS, get_op
from graphcore.text import parse, to_text

GRAPHS = int(os.environ.get("LAYERJIT_FUZZ_GRAPHS", "1200"))
SEED = int(os.environ.get("LAYERJIT_FUZZ_SEED", "0"))
FULL, LEAST = 20_000, 100
REGRESSIONS = sorted((Path(__file__).parent / "regressions").glob("*.txt"))

# Overflow and NaN are among the values under test, and NumPy warns of them.
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def assert_wide(tally: Tally, graphs: int) -> None:
    """Every op often enough, graphs large enough, enough of them with folds."""
    assert not tally.seldom(LEAST * graphs / FULL)
    assert median(tally.sizes) >= 10
    assert tally.folding >= graphs / 3


@pytest.mark.slow
def test_random_graphs_agree(tmp_path: Path) -> None:
    print(f"seeds {SEED} to {SEED + GRAPHS - 1}")
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    tally = run_campaign(SEED, GRAPHS, tmp_path, workers=min(processors, 8))
    print(tally.summary())
    assert not tally.failures, "\n\n".join(tally.failures[:10])
    assert_wide(tally, GRAPHS)


def test_some_random_graphs_agree() -> None:
    tally = run_seeds(range(SEED + 10**6, SEED + 10**6 + 25))
    assert not tally.failures, "\n\n".join(tally.failures)


def test_every_op_is_drawn_or_left_out_for_a_reason() -> None:
    count = 600
    graphs = [draw_graph(Seeded(seed)) for seed in range(count)]
    names = [live_ops(graph) for graph in graphs]
    seen = {name for found in names for name in found}
    assert seen | LEFT_OUT.keys() | {"input", "constant"} == set(OPS)
    assert not seen & LEFT_OUT.keys()
    assert median(map(len, names)) >= 10
    assert sum(any(get_op(n).kind in ("reduce", "contract") for n in found) for found in names) >= count / 3


def test_graphs_are_the_same_for_a_seed_and_survive_their_text() -> None:
    for seed in range(40):
        text = to_text(draw_graph(Seeded(seed)))
        assert text == to_text(draw_graph(Seeded(seed)))
        assert to_text(parse(text)) == text


@pytest.mark.parametrize("path", REGRESSIONS, ids=lambda path: path.stem)
def test_found_once(path: Path) -> None:
    graph, case = read_case(path)
    for isa in (ISAS[0], ISAS[-1]):
        check(graph, case._replace(isa=isa))
    check(graph, case._replace(sizes=BATCHES[:3], special=not case.special))


def test_failures_shrink(monkeypatch: pytest.MonkeyPatch) -> None:
    """A product that is always wrong is all that remains of a graph that holds one."""
    seed = next(s for s in range(1000) if live_ops(draw_graph(Seeded(s))).count("atan2") == 1)
    graph = draw_graph(Seeded(seed))
    path = REGRESSIONS[0]
    case = read_case(path)[1]
    monkeypatch.setattr("random_graphs.check.check", _wrong_with_atan2)
    assert failure(graph, case)
    small = shrink(graph, case)
    assert live_ops(small) == ["atan2"]
    assert "atan2" in case_text(small, case, "wrong")


def _wrong_with_atan2(graph: object, case: object) -> None:
    assert "atan2" not in live_ops(graph)
