"""All rows of the table of public functions: `tf_cases` and every `tf_cases_*` beside it."""

from importlib import import_module
from pathlib import Path

from tf_cases import BINARY, CASES, FAULTS, REAL_UNARY, UNARY, lookup

for _path in sorted(Path(__file__).parent.glob("tf_cases_*.py")):
    import_module(_path.stem)

__all__ = ["BINARY", "CASES", "FAULTS", "REAL_UNARY", "UNARY", "lookup"]
