"""Every public name that `layerjit coverage` lists as present works; tests/helpers/public_calls_*.py has the calls."""

import importlib
from pathlib import Path

import pytest
from public_calls_table import ROWS

import eager as tf
from eager.keras import coverage
from eager.keras.public_names import NAMES

for _path in sorted((Path(__file__).parents[1] / "helpers").glob("public_calls_*.py")):
    importlib.import_module(_path.stem)

PAIRS = [(title, name) for title, names in NAMES.items() for name in names.split()]


@pytest.fixture
def empty_place(tmp_path, monkeypatch):
    """An empty working folder, and the global switches as they were."""
    monkeypatch.chdir(tmp_path)
    tf.keras.utils.set_random_seed(20240229)
    yield
    tf.keras.backend.set_floatx("float32")
    tf.keras.mixed_precision.set_global_policy(None)
    tf.keras.backend.clear_session()


@pytest.mark.usefixtures("empty_place")
@pytest.mark.parametrize(("title", "name"), PAIRS, ids=[f"{title}.{name}" for title, name in PAIRS])
def test_name_works(title, name):
    if hasattr(coverage.found(title), name):
        assert (title, name) in ROWS, f"no row shows that {title}.{name} works"
        assert ROWS[title, name]()
    else:
        assert (title, name) not in ROWS, f"{title}.{name} is gone"


def test_no_row_is_for_an_unknown_name():
    assert not set(ROWS) - set(PAIRS)


def test_names_are_here_or_left_out_with_a_reason():
    rows = coverage.families()
    assert [f"{f.title}.{name}" for f in rows for name, why in f.left_out.items() if not why] == []
    assert coverage.complete(rows), coverage.text(rows)
