"""Standard layers are written as a user would write them: on public ops, without NumPy."""

import pytest
from source_tree import imports, package_sources

FORBIDDEN = ("numpy", "eager.dispatch", "graphcore.optable", "graphcore.functions", "codegen")


@pytest.mark.parametrize("module", FORBIDDEN)
def test_layers_do_not_import(module: str) -> None:
    sources = [s for s in package_sources() if s.path.startswith("eager/keras/layers/")]
    assert len(sources) > 5
    wrong = [s.path for s in sources for found in imports(s.tree) if f"{found.module}.".startswith(f"{module}.")]
    assert not wrong
